"""The programmes of the demo: Vietnamese speech, made with espeak-ng, encoded with ffmpeg.

Owns texts and formats. Each programme is kept as the WAV before encoding, so that the summary
measures codec delay too.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 48_000
DEADLINE_S = 60
FFMPEG = ("ffmpeg", "-y", "-v", "error")


class ProgrammeError(Exception):
    """espeak-ng or ffmpeg is missing or failed; the text says which and what to install."""


@dataclass(frozen=True, slots=True)
class Programme:
    """slot: where the timetable looks for it. length_s: it is cut or filled to exactly that."""

    slot: str
    title: str
    text: str
    length_s: float
    suffix: str
    voice: str = "vi"
    words_per_minute: int = 150


PROGRAMMES = (
    Programme(
        "nhac-hieu",
        "Nhạc hiệu",
        "",
        2.0,
        ".flac",
    ),
    Programme(
        "thoi-su",
        "Bản tin thời sự",
        "Đây là bản tin thời sự buổi sáng. Hôm nay nhân dân các thôn trong xã ra đồng thu hoạch "
        "vụ mùa. Trạm y tế xã tổ chức tiêm chủng mở rộng cho trẻ em dưới năm tuổi. Nhà trường "
        "thông báo lịch họp phụ huynh vào cuối tuần. Mời bà con chú ý theo dõi các bản tin tiếp "
        "theo của đài truyền thanh xã.",
        18.0,
        ".mp3",
    ),
    Programme(
        "uu-tien",
        "Thông báo cắt điện",
        "Thông báo. Điện lực huyện tạm ngừng cấp điện thôn Đoài từ tám giờ để sửa đường dây. "
        "Mong bà con thông cảm.",
        6.0,
        ".mp3",
        "vi-vn-x-central",
        190,
    ),
    Programme(
        "tin-tinh",
        "Bản tin của tỉnh",
        "Tin từ đài tỉnh. Sở giáo dục công bố lịch thi. Bà con xem tại nhà trường.",
        5.0,
        ".mp3",
        "vi-vn-x-central",
        170,
    ),
    Programme(
        "hoi-cho",
        "Quảng bá hội chợ của tỉnh",
        "Mời bà con đi hội chợ hàng tiêu dùng ở thành phố, nhiều gian hàng giảm giá cuối năm.",
        5.0,
        ".mp3",
        "vi-vn-x-south",
        180,
    ),
    Programme(
        "nong-nghiep",
        "Chuyên mục nông nghiệp",
        "Chuyên mục nông nghiệp hôm nay hướng dẫn bà con cách phòng trừ sâu bệnh cho lúa vụ "
        "đông xuân. Cần thăm đồng thường xuyên, giữ mực nước hợp lý, bón phân cân đối. Khi thấy "
        "rầy nâu xuất hiện với mật độ cao, bà con báo ngay cho cán bộ khuyến nông của xã để được "
        "hướng dẫn dùng thuốc đúng cách, đúng lúc và đúng liều lượng. Sau khi phun thuốc phải thu "
        "gom vỏ bao bì về nơi quy định.",
        24.0,
        ".m4a",
        "vi-vn-x-south",
    ),
    Programme(
        "suc-khoe",
        "Sức khỏe và đời sống",
        "Để phòng bệnh sốt xuất huyết, bà con hãy đậy kín dụng cụ chứa nước, lật úp các vật dụng "
        "không dùng đến, ngủ trong màn kể cả ban ngày.",
        10.0,
        ".mp3",
        "vi",
        170,
    ),
    Programme(
        "ban-tin-xa",
        "Bản tin xã",
        "Bản tin của ủy ban nhân dân xã. Ngày mai các thôn ra quân làm đường giao thông nông "
        "thôn. Mỗi hộ cử một người tham gia, mang theo cuốc xẻng và quang gánh. Ban công tác mặt "
        "trận các thôn chuẩn bị nước uống. Công an xã nhắc bà con cảnh giác với các cuộc gọi lừa "
        "đảo, không chuyển tiền cho người lạ. Hợp tác xã thông báo lịch bơm nước phục vụ sản "
        "xuất. Đội bóng chuyền của xã mời thanh niên đăng ký tham gia hội thao vào cuối tháng.",
        24.0,
        ".m4a",
        "vi",
        160,
    ),
)


def make(folder: Path) -> dict[str, tuple[Path, Path]]:
    """slot → (WAV before encoding, encoded file). Raises ProgrammeError."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        made = pool.map(lambda one: _make_one(one, folder), PROGRAMMES)
        return {one.slot: files for one, files in zip(PROGRAMMES, made, strict=True)}


def _make_one(one: Programme, folder: Path) -> tuple[Path, Path]:
    wav, encoded = folder / f"{one.slot}.wav", folder / f"{one.slot}{one.suffix}"
    spoken = folder / f"{one.slot}.spoken.wav"
    if one.text:
        speed = str(one.words_per_minute)
        _run(["espeak-ng", "-v", one.voice, "-s", speed, "-w", str(spoken), one.text])
        source = ["-i", str(spoken)]
        trim = "silenceremove=start_periods=1:start_threshold=-50dB,"
    else:
        notes = "+".join(
            f"0.25*sin(2*PI*{hz}*t)*exp(-4*mod(t,0.5))*between(t,{n * 0.5},{n * 0.5 + 0.5})"
            for n, hz in enumerate((523, 659, 784, 1046))
        )
        source = ["-f", "lavfi", "-i", f"aevalsrc='{notes}':s={RATE_HZ}:d={one.length_s}"]
        trim = ""
    filters = f"{trim}aresample={RATE_HZ},volume=0.8,apad,atrim=0:{one.length_s}"
    pcm = ["-ac", "1", "-ar", str(RATE_HZ), "-c:a", "pcm_s16le"]
    _run([*FFMPEG, *source, "-af", filters, *pcm, str(wav)])
    spoken.unlink(missing_ok=True)
    codec = {
        ".mp3": ["-c:a", "libmp3lame", "-b:a", "96k"],
        ".m4a": ["-c:a", "aac", "-b:a", "96k"],
        ".flac": ["-c:a", "flac"],
    }[one.suffix]
    _run([*FFMPEG, "-i", str(wav), *codec, str(encoded)])
    return wav, encoded


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE_S, text=True)
    except FileNotFoundError:
        raise ProgrammeError(f"{command[0]} is not installed: make setup installs it") from None
    except subprocess.TimeoutExpired:
        raise ProgrammeError(f"{command[0]} did not end within {DEADLINE_S} s") from None
    except subprocess.CalledProcessError as error:
        raise ProgrammeError(f"{command[0]}: {error.stderr.strip()[-400:]}") from None
