"""What is wrong with a cell, in the engineer's language.

Owns the closed table of faults and their wording. A `Fault` is raised by whoever parses a cell
and knows no place; a `Finding` is a fault with its place. Invariant: every code has both
languages, and the text carries the guess when there is one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple

from agent.contract.reasons import Lang
from simulator.source_system.said import Said, as_said

Severity = Literal["error", "warning"]


class Wording(NamedTuple):
    severity: Severity
    vi: str
    en: str


WORDINGS: dict[str, Wording] = {
    # the file
    "not_utf8": Wording(
        "error",
        "tệp không phải UTF-8; trong Excel chọn Lưu thành “CSV UTF-8”",
        "the file is not UTF-8; in Excel choose “CSV UTF-8”",
    ),
    "garbled": Wording(
        "error",
        "chữ Việt đã hỏng khi lưu; trong Excel chọn Lưu thành “CSV UTF-8”",
        "the Vietnamese letters were garbled when saving; in Excel choose “CSV UTF-8”",
    ),
    "no_header": Wording(
        "error",
        "không thấy hàng tiêu đề (cần ít nhất Giờ bắt đầu, Tên chương trình, Nguồn)",
        "no header row found (at least Start, Title and Source are needed)",
    ),
    "column_missing": Wording("error", "thiếu cột {what}", "the column {what} is missing"),
    "column_unknown": Wording(
        "warning", "không biết cột này, bỏ qua", "this column is not known and is left out"
    ),
    "column_twice": Wording("error", "cột này có hai lần", "this column stands twice"),
    "toml": Wording("error", "TOML sai: {what}", "not TOML: {what}"),
    "key_unknown": Wording("error", "không có khóa này", "there is no such key"),
    "value_kind": Wording("error", "giá trị không đúng kiểu", "a value of the wrong kind"),
    "empty": Wording("error", "không có mục nào", "there are no entries"),
    "row_skipped": Wording(
        "warning", "hàng không có giờ bắt đầu, bỏ qua", "a row without a start is left out"
    ),
    # a cell
    "required": Wording("error", "ô này phải có", "this cell must be filled"),
    "clock": Wording("error", "không đọc được giờ", "this is not a time of day"),
    "clock_number": Wording(
        "error", "Excel đã biến giờ thành số", "Excel has turned the time into a number"
    ),
    "clock_hour": Wording(
        "error",
        "một ngày chỉ có từ 00:00 đến 23:59",
        "a day goes from 00:00 to 23:59",
    ),
    "duration": Wording("error", "không đọc được thời lượng", "this is not a length of time"),
    "duration_number": Wording(
        "error", "số trần, không rõ phút hay giờ", "a bare number: minutes or hours?"
    ),
    "duration_hours": Wording(
        "error", "Excel hiểu {what} GIỜ", "Excel takes this for {what} HOURS"
    ),
    "duration_two_parts": Wording(
        "warning",
        "hiểu là {what} (giờ:phút); muốn rõ hãy ghi giờ:phút:giây",
        "taken as {what} (hours:minutes); write hours:minutes:seconds to be plain",
    ),
    "duration_long": Wording(
        "error",
        "dài hơn 4 giờ; nếu đúng hãy thêm --confirm-long",
        "longer than 4 hours; if that is meant add --confirm-long",
    ),
    "days": Wording("error", "không đọc được ngày phát", "these days cannot be read"),
    "days_none": Wording("error", "không còn ngày nào để phát", "no day is left to play on"),
    "lunar": Wording(
        "error",
        "ngày âm lịch chưa đổi được ở đây; ghi ngày dương",
        "lunar dates are not converted here; write the solar date",
    ),
    "date": Wording("error", "không đọc được ngày", "this is not a date"),
    "date_us": Wording(
        "error",
        "tháng {what}? tệp có thể viết theo kiểu Mỹ (tháng/ngày)",
        "month {what}? the file may be written month/day",
    ),
    "dates_mixed": Wording(
        "error",
        "cột lẫn hai kiểu ngày ({what}); viết cả cột theo năm-tháng-ngày",
        "two shapes of date in one column ({what}); write the whole column year-month-day",
    ),
    "dates_reversed": Wording(
        "error", "Đến ngày trước Từ ngày", "the last date lies before the first"
    ),
    "all_past": Wording(
        "error",
        "từ {what} không còn lượt phát nào: mọi ngày trong lịch đã qua, sửa năm hoặc ngày",
        "nothing plays from {what} on: every date has passed; mend the year or the dates",
    ),
    "date_past": Wording("warning", "ngày đã qua: {what}", "the date has passed: {what}"),
    "source": Wording(
        "error",
        'không đọc được nguồn; dùng tep:, luong:, line-in, loi:"…"',
        'not a source; use tep:, luong:, line-in, loi:"…"',
    ),
    "source_insecure": Wording(
        "error",
        "luồng không mã hóa; dùng https, hoặc ghi “(không mã hóa)” sau địa chỉ",
        "the stream is not encrypted; use https, or add “(insecure)” after the address",
    ),
    "source_scheme": Wording(
        "error",
        "đài không nhận được luồng {what}://; có https, và kèm “(không mã hóa)”: "
        "http, rtsp, udp, rtp",
        "no station fetches {what}://; there are https and, with “(insecure)”, "
        "http, rtsp, udp, rtp",
    ),
    "source_group": Wording(
        "error",
        "{what}:// chỉ nhận từ nhóm multicast có số cổng, như {what}://@239.1.2.3:5004",
        "{what}:// is taken from a multicast group and its port only, as {what}://@239.1.2.3:5004",
    ),
    "source_option": Wording(
        "error",
        "không hiểu “{what}” sau nguồn này; có (trễ 1,5 giây), với luồng còn (tối đa 64 kbit/s)",
        "“{what}” is not known behind this source; there are (delay 1.5 s) and, of streams, "
        "(max 64 kbps)",
    ),
    "source_option_stream": Wording(
        "error",
        "“{what}” chỉ ghi sau luồng; sau ngõ vào chỉ có (trễ 1,5 giây)",
        "“{what}” is for streams only; behind an input there is (delay 1.5 s) alone",
    ),
    "source_option_file": Wording(
        "error",
        "“{what}” chỉ ghi sau nguồn trực tiếp; sau tep:, loi:, am: thì bỏ ngoặc đó đi",
        "“{what}” is for live sources; behind tep:, loi: and am: leave the brackets out",
    ),
    "source_delay": Wording(
        "error", "trễ nhiều nhất 10 giây ({what})", "a delay is 10 s at most ({what})"
    ),
    "source_kbps": Wording(
        "error",
        "giới hạn luồng từ 8 đến 2000 kbit/s ({what})",
        "the limit of a stream is 8 to 2000 kbps ({what})",
    ),
    "input_name": Wording(
        "error",
        "thiếu tên ngõ vào, hoặc dài quá 64 ký tự; viết như “line-in: fm”",
        "the input's name is missing or longer than 64 letters; write it like “line-in: fm”",
    ),
    "retake": Wording(
        "error",
        "khi luồng có lại: quay lại ngay, khi hết bài, hoặc không",
        "when the stream is back: at once, when over, or never",
    ),
    "silence": Wording(
        "error",
        "im lặng bao lâu thì coi là mất luồng: như 20 giây, nhiều nhất 10 phút, hoặc không",
        "how much silence counts as lost: like 20 s, 10 min at most, or never",
    ),
    "relay_not_live": Wording(
        "warning",
        "mục này không có nguồn trực tiếp nên ô này không có tác dụng",
        "nothing here is live, so this cell does nothing",
    ),
    "source_many": Wording("error", "tối đa 8 nguồn", "at most 8 sources"),
    "version_live": Wording(
        "error",
        "bản tiếng khác phải là tệp hoặc lời, không phải nguồn trực tiếp",
        "a version in another language is a file or a text, nothing live",
    ),
    "version_after_live": Wording(
        "warning",
        "sau nguồn trực tiếp không có chỗ cho bản tiếng {what}; nó sẽ không được phát",
        "after a live source there is no place for {what}; it will not be said",
    ),
    "version_unspoken": Wording(
        "warning",
        "đài không có giọng đọc tiếng {what}; hãy gửi bản ghi âm (tep:…)",
        "stations have no voice for {what}; send a recording (tep:…)",
    ),
    "slot": Wording("error", "tên tệp không dùng được làm ô nội dung", "no slot can be named so"),
    "zone_unknown": Wording(
        "error", "không có khu vực loa này{what}", "there is no such zone{what}"
    ),
    "zone_partly": Wording(
        "warning",
        "{what} không có khu vực này, ở đó sẽ không phát",
        "{what} do not have this zone and will not play it there",
    ),
    "tag_unknown": Wording(
        "error",
        "không khu vực loa nào có nhãn này{what}",
        "no zone has this tag{what}",
    ),
    "tag_elsewhere": Wording(
        "warning",
        "không khu vực loa nào ở đây có nhãn này, ở đây sẽ không phát",
        "no zone here has this tag; nothing will play here",
    ),
    "produced": Wording(
        "error",
        "không đọc được ngày sản xuất; ghi như 2026-11-24 hoặc 24/11/2026 16:20",
        "this is not when it was made; write it like 2026-11-24 or 24/11/2026 16:20",
    ),
    "email": Wording("error", "không phải địa chỉ thư điện tử", "this is not an e-mail address"),
    "class": Wording("error", "loại: thông thường hoặc ưu tiên", "the class is normal or priority"),
    "class_emergency": Wording(
        "error",
        "lịch không phát khẩn cấp; dùng districtctl warn",
        "timetables carry no emergencies; use districtctl warn",
    ),
    "volume": Wording("error", "âm lượng từ 0 đến 100", "the volume is 0 to 100"),
    "chime": Wording("error", "nhạc hiệu: có, không, hoặc tep:…", "chime: yes, no or tep:…"),
    "late": Wording(
        "error",
        "nếu trễ: vào giữa chừng, bắt đầu lại trong N phút, bỏ qua",
        "late: join, restart within N min, skip",
    ),
    "end": Wording(
        "error",
        "hết giờ thì: cắt, phát hết, nhỏ dần",
        "at the end: cut, finish, fade",
    ),
    "resume": Wording(
        "error",
        "sau khi bị ngắt: về dòng thời gian, phát tiếp, bỏ",
        "after an interruption: rejoin, continue, drop",
    ),
    "station_unknown": Wording("error", "không có đài này", "there is no such station"),
    "station_other": Wording(
        "warning", "hàng của đài khác, không gửi lần này", "another station's row, not sent now"
    ),
    "station_in_group": Wording(
        "error",
        "hàng của một đài không gửi cho cả nhóm; dùng --to",
        "one station's row cannot go to a group; use --to",
    ),
    "too_long": Wording("error", "dài quá {what} ký tự", "longer than {what} characters"),
    "entry": Wording("error", "mục không hợp lệ: {what}", "not a valid entry: {what}"),
    # an operating regulation
    "hours": Wording(
        "error",
        "không đọc được khung giờ; viết như 05:00-06:30",
        "these are not hours; write them like 05:00-06:30",
    ),
    "hours_day": Wording(
        "error",
        "khung giờ phát nằm trong một ngày; qua nửa đêm thì chia làm hai",
        "a window lies within one day; write two for hours that pass midnight",
    ),
    "days_weekly": Wording(
        "error",
        "ở đây chỉ ghi thứ trong tuần; ngày không phát ghi ở silent_dates",
        "only days of the week here; single dates belong into silent_dates",
    ),
    "number": Wording("error", "phải là số nguyên {what}", "this must be a whole number {what}"),
    "language": Wording(
        "error",
        "không biết ngôn ngữ này; ghi tên hoặc mã, ví dụ tày, mông, tyz",
        "this language is not known; write its name or code, for example tày, hmong, tyz",
    ),
    "authority": Wording(
        "error", "không phải mã đơn vị, ví dụ tinh", "not an authority's id, for example tinh"
    ),
    "approval_mode": Wording(
        "error", "chỉ có ask (hỏi) hoặc standing (duyệt sẵn)", "either ask or standing"
    ),
    "approval_document": Wording(
        "error",
        "duyệt sẵn thì phải ghi số văn bản",
        "a standing approval names its document",
    ),
    "rule": Wording("error", "quy chế không hợp lệ: {what}", "not a valid regulation: {what}"),
    "write_like": Wording(
        "error", "không đúng; viết như {what}", "not right; write it like {what}"
    ),
    "missing_like": Wording("error", "còn thiếu; thêm {what}", "this is missing; add {what}"),
    "sessions_windows": Wording(
        "error",
        "mỗi khung giờ là một buổi mà chưa có khung nào; thêm [[window]] hoặc bỏ dòng này",
        "each window is a session, and there is none; add a [[window]] or take this line out",
    ),
    "rules_none": Wording(
        "error",
        "tệp không có quy định nào, gửi đi là bỏ hết quy chế đang áp dụng; đúng ý thì thêm {what}",
        "the file holds no rule, sending it lifts all there are; if that is meant add {what}",
    ),
    "rules_and_none": Wording(
        "error",
        "{what} là bỏ hết quy định mà tệp còn có quy định; bỏ một trong hai",
        "{what} lifts every rule and the file holds some; take out one of the two",
    ),
    "rules_not_utf8": Wording(
        "error",
        "tệp không phải UTF-8; lưu lại dạng UTF-8",
        "the file is not UTF-8; save it as UTF-8",
    ),
    "rules_toml": Wording(
        "error",
        "TOML sai ({what}); so với tệp mẫu: districtctl regulation --preset TÊN --write TỆP",
        "not TOML ({what}); compare an example: districtctl regulation --preset NAME --write FILE",
    ),
    # the whole
    "id_twice": Wording("error", "mã này đã dùng ở {what}", "this id stands already in {what}"),
    "overlap": Wording(
        "warning",
        "chồng giờ với “{what}”",
        "overlaps with “{what}”",
    ),
    "series": Wording(
        "warning",
        "giờ và số tệp cùng tăng đều: có phải kéo chuột làm đổi?",
        "time and file number rise together: did dragging change them?",
    ),
    "note_rule": Wording(
        "warning",
        "ghi chú có ngày hoặc giờ nhưng không được thực hiện",
        "the note names a day or time, which nobody will carry out",
    ),
    "cut": Wording(
        "warning",
        "tệp dài hơn thời lượng trong lịch {what}, phần thừa sẽ bị cắt",
        "the file is {what} longer than its time in the timetable; the rest is cut",
    ),
}
"""code → severity and wording. `{what}` is filled by whoever found it."""


class Fault(Exception):  # noqa: N818 - it is a verdict on a cell, not an error of ours
    """A cell that cannot be taken as it is. guess: what was probably meant."""

    def __init__(self, code: str, *, guess: str = "", what: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.guess = guess
        self.what = what


class Place(NamedTuple):
    """line counts from 1. column: spreadsheet letter, TOML key, or ":9" for the ninth letter of the
    line; header: as the file writes it."""

    line: int = 0
    column: str = ""
    header: str = ""
    cell: str = ""


class Finding(NamedTuple):
    """A fault with its place."""

    place: Place
    code: str
    guess: str = ""
    what: str | Said = ""

    @property
    def is_error(self) -> bool:
        return WORDINGS[self.code].severity == "error"

    def text(self, lang: Lang = "vi") -> str:
        """`F9 "Khu vực" "thôn Đoai": không có khu vực loa này. Ý bạn “thôn Đoài”?`"""
        wording = WORDINGS[self.code]
        what = as_said(self.what).text(lang)
        said = (wording.vi if lang == "vi" else wording.en).format(what=what)
        parts = [self._where(lang), f"{said}."]
        if self.guess:
            parts.append(
                f"Ý bạn “{self.guess}”?" if lang == "vi" else f"Did you mean “{self.guess}”?"
            )
        return " ".join(part for part in parts if part)

    def _where(self, lang: Lang) -> str:
        place = self.place
        if not place.line:
            return ""
        if place.column.isupper():
            at = f"{place.column}{place.line}"
        elif place.column.startswith(":"):
            at = f"{'dòng' if lang == 'vi' else 'line'} {place.line}{place.column}"
        else:
            at = f"{'dòng' if lang == 'vi' else 'line'} {place.line} {place.column}".rstrip()
        named = f' "{place.header}"' if place.header and place.header != place.column else ""
        cell = f" “{place.cell}”" if place.cell else ""
        return f"{at}{named}{cell}:"

    def as_json(self) -> Mapping[str, object]:
        return {
            "severity": WORDINGS[self.code].severity,
            "code": self.code,
            "line": self.place.line,
            "column": self.place.column,
            "header": self.place.header,
            "cell": self.place.cell,
            "guess": self.guess,
            "vi": self.text("vi"),
            "en": self.text("en"),
        }


NAMED_MAX = 8


def there_are(names: Sequence[str]) -> Said:
    """What could have been written, when nothing is like it."""
    some = ", ".join(names[:NAMED_MAX]) + (", …" if len(names) > NAMED_MAX else "")
    return Said(f"; có: {some}", f"; there are: {some}")


def tags_there_are(tags: Collection[str]) -> Said:
    """The same of tags."""
    if not tags:
        return Said("; chưa khu vực nào có nhãn", "; no zone has a tag yet")
    return there_are([f"#{tag}" for tag in sorted(tags)])
