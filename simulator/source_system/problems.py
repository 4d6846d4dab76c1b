"""Everything that can stop the source system, in both languages: what, and what next.

Owns the closed table of problems and their exception tree (below). An error names its code, the
place and a detail; wording is looked up when somebody reads it.

    SourceSystemError
    ├── KeyringError    a key is missing, locked, foreign or readable by others
    ├── PkiError        a certificate or request cannot be used
    ├── HomeError       the district home is missing or its file is wrong
    ├── BrokerError     Mosquitto did not start
    ├── CourierError    the broker cannot be reached or did not take a message
    ├── AudioFileError  not a file that a station could play
    ├── TemplateError   an emergency template is filled wrongly
    ├── ReportError     a report, its period, registry or calendar cannot be read or written
    └── DistrictError   the request cannot be done as asked
        ├── Conflict          somebody pushed in between
        └── TimetableRefused  (district) the timetable has errors
"""

from __future__ import annotations

from typing import NamedTuple

from agent.contract.reasons import Lang
from simulator.source_system.said import as_said


class Wording(NamedTuple):
    vi: str
    en: str
    next_vi: str
    next_en: str


PROBLEMS: dict[str, Wording] = {
    "home_missing": Wording(
        "ở đây chưa có hệ thống nguồn",
        "there is no district here",
        "districtctl keys init --holder TÊN --backup THƯ_MỤC, hoặc --home THƯ_MỤC",
        "districtctl keys init --holder NAME --backup FOLDER, or --home FOLDER",
    ),
    "home_wrong": Wording(
        "tệp cấu hình sai",
        "the file is not valid",
        "sửa chỗ được nêu",
        "mend the named place",
    ),
    "home_exists": Wording(
        "hệ thống nguồn đã có ở đây",
        "there is a district here already",
        "dùng nó, hoặc chọn --home khác",
        "use it, or choose another --home",
    ),
    "home_forbidden": Wording(
        "không ghi được vào thư mục này",
        "this folder cannot be written",
        "chọn --home khác, hoặc xin quyền ghi (chown), hoặc kiểm tra đĩa còn chỗ, không chỉ đọc",
        "choose another --home, get the right to write (chown), or see that the disk has room and "
        "is not read-only",
    ),
    "keys_missing": Wording(
        "chưa có khóa",
        "there are no keys yet",
        "districtctl keys init --holder TÊN --backup THƯ_MỤC",
        "districtctl keys init --holder NAME --backup FOLDER",
    ),
    "keys_exist": Wording(
        "khóa đã có, không ghi đè bao giờ",
        "there are keys already; they are never replaced in place",
        "districtctl keys show",
        "districtctl keys show",
    ),
    "keys_same_place": Wording(
        "nằm trong chính thư mục hệ thống: mất một là mất cả",
        "it lies inside the district home: one loss would take both",
        "chọn USB hoặc máy khác",
        "choose a USB stick or another machine",
    ),
    "keys_not_made": Wording(
        "chưa tạo được khóa, không để lại gì",
        "no keys were made, nothing is left behind",
        "kiểm tra đĩa và quyền ghi",
        "check the disk and the rights",
    ),
    "key_unreadable": Wording(
        "không đọc được khóa", "the key cannot be read", "kiểm tra đường dẫn", "check the path"
    ),
    "key_open_rights": Wording(
        "người khác đọc được khóa này",
        "others can read this key",
        "chmod 600 tệp khóa",
        "chmod 600 the key file",
    ),
    "key_locked": Wording(
        "khóa có mật khẩu",
        "the key has a passphrase",
        "nhập mật khẩu, hoặc đặt DISTRICTCTL_PASSPHRASE",
        "enter it, or set DISTRICTCTL_PASSPHRASE",
    ),
    "key_broken": Wording(
        "không phải khóa, hoặc sai mật khẩu",
        "it is not a key, or the passphrase is wrong",
        "nhập lại, hoặc lấy bản sao lưu",
        "try again, or take the backup",
    ),
    "key_foreign": Wording(
        "không phải khóa của đơn vị này",
        "it is not one of this district's keys",
        "chọn đúng tệp: districtctl keys show",
        "choose the right file: districtctl keys show",
    ),
    "key_role_missing": Wording(
        "không có khóa của vai trò này ở đây",
        "no key of this role lies here",
        "lấy từ người giữ hoặc bản sao lưu",
        "fetch it from its holder or the backup",
    ),
    "key_unproven": Wording(
        "đã ghi nhưng chữ ký thử không đúng",
        "it was written, but its test signature is wrong",
        "thử ổ khác",
        "try another medium",
    ),
    "station_keys_wrong": Wording(
        "tệp khóa đài đã chấp nhận không mang chữ ký của đơn vị này",
        "the file of accepted station keys does not carry this district's signature",
        "giữ nguyên tệp, báo an toàn thông tin; lấy bản sao lưu, hoặc cất tệp đi rồi so vân tay và "
        "chấp nhận lại: districtctl records accept ĐÀI VÂN-TAY",
        "keep the file as it is, tell information security; take the backup, or put the file away, "
        "compare the fingerprint and accept again: districtctl records accept STATION FINGERPRINT",
    ),
    "pki_exists": Wording(
        "chứng thư gốc đã có",
        "there is a certificate authority already",
        "giữ lại: đổi là mọi đài mất kết nối",
        "keep it: replacing it cuts off every station",
    ),
    "pki_unreadable": Wording(
        "không đọc được chứng thư gốc",
        "the certificate authority cannot be read",
        "lấy bản sao lưu",
        "take the backup",
    ),
    "csr_bad": Wording(
        "yêu cầu chứng thư không dùng được",
        "the certificate request cannot be used",
        "tạo lại trên đài (khóa EC P-256)",
        "make it again on the box (key EC P-256)",
    ),
    "broker_not_installed": Wording(
        "chưa cài mosquitto",
        "mosquitto is not installed",
        "apt install mosquitto",
        "apt install mosquitto",
    ),
    "broker_not_started": Wording(
        "mosquitto không chạy được",
        "mosquitto does not start",
        "xem các dòng nhật ký trên",
        "see the log lines above",
    ),
    "no_free_port": Wording(
        "không còn cổng TCP trống",
        "no TCP port is free",
        "dừng bớt chương trình, hoặc ghi cổng vào district.toml",
        "end some programs, or write a port into district.toml",
    ),
    "broker_unreachable": Wording(
        "không nối được máy chủ MQTT",
        "the broker cannot be reached",
        "districtctl serve đang chạy chưa?",
        "is districtctl serve running?",
    ),
    "broker_refuses": Wording(
        "máy chủ MQTT không nhận",
        "the broker did not take it",
        "xem nhật ký broker/mosquitto.log",
        "see broker/mosquitto.log",
    ),
    "file_unreadable": Wording(
        "không đọc được tệp", "the file cannot be read", "kiểm tra đường dẫn", "check the path"
    ),
    "authority_wrong": Wording(
        "không phải tệp mô tả một cơ quan khác",
        "this does not describe another authority",
        "ở cơ quan đó: districtctl keys export TỆP",
        "over there: districtctl keys export FILE",
    ),
    "file_size": Wording(
        "cỡ tệp không dùng được",
        "a file of this size cannot be used",
        "chọn tệp khác",
        "choose another file",
    ),
    "not_audio": Wording(
        "không phải tệp âm thanh",
        "there is no sound in it",
        "nghe thử trên máy, xuất lại MP3 hoặc WAV",
        "listen to it, export it as MP3 or WAV",
    ),
    "format_unknown": Wording(
        "định dạng này trạm không phát trọn vẹn được",
        "a station cannot play this format whole",
        "xuất lại thành MP3, WAV, FLAC, M4A (AAC), Opus hoặc Ogg Vorbis",
        "export it as MP3, WAV, FLAC, M4A (AAC), Opus or Ogg Vorbis",
    ),
    "not_played": Wording(
        "bộ giải mã của trạm không phát được tệp này",
        "the station's decoder cannot play it",
        "xuất lại thành MP3 hoặc WAV, mono hoặc stereo",
        "export it as MP3 or WAV, mono or stereo",
    ),
    "cut_off": Wording(
        "tệp bị cụt hoặc hỏng giữa chừng",
        "the file is cut off or damaged",
        "chép hoặc xuất lại từ bản gốc, nghe thử đến hết",
        "copy or export it again from the original, and listen to its end",
    ),
    "length_unknown": Wording(
        "không đo được độ dài",
        "its length cannot be measured",
        "apt install ffmpeg, hoặc xuất lại tệp",
        "apt install ffmpeg, or export the file again",
    ),
    "station_wrong": Wording(
        "mô tả đài không hợp lệ",
        "the station's description is not valid",
        "mã chỉ gồm a-z, 0-9, gạch nối",
        "ids are a-z, 0-9 and dashes",
    ),
    "station_no_zone": Wording(
        "đài cần ít nhất một khu vực loa",
        "a station needs at least one zone",
        '--zones "thôn Đông;thôn Đoài"',
        '--zones "thôn Đông;thôn Đoài"',
    ),
    "audience_unknown": Wording(
        "không có đài hoặc nhóm này",
        "there is no such station or group",
        "districtctl stations",
        "districtctl stations",
    ),
    "no_such_alarm": Wording(
        "đài không có báo động nào như vậy đang mở",
        "the station has no such alarm open",
        "xem districtctl status ĐÀI, rồi ghi mã và đối tượng",
        "look at districtctl status STATION, then write its code and subject",
    ),
    "zone_unknown": Wording(
        "không có khu vực loa này",
        "there is no such zone",
        "districtctl stations",
        "districtctl stations",
    ),
    "tag_unknown": Wording(
        "không khu vực loa nào ở đó có nhãn này",
        "no zone there has this tag",
        "xem các nhãn: districtctl stations",
        "see the tags: districtctl stations",
    ),
    "conflict": Wording(
        "có người đã gửi bản mới hơn",
        "somebody has pushed a newer revision",
        "xem khác biệt bằng --dry-run, rồi gửi lại với --base bản đó",
        "look with --dry-run, then push with --base of that revision",
    ),
    "timetable": Wording(
        "lịch có lỗi, chưa gửi gì",
        "the timetable has errors, nothing was sent",
        "sửa các ô được nêu",
        "mend the named cells",
    ),
    "revision_unknown": Wording(
        "không có bản này",
        "there is no such revision",
        "districtctl history",
        "districtctl history",
    ),
    "binding_wrong": Wording(
        "ô nội dung hoặc ngày không hợp lệ",
        "the slot or date is not valid",
        "ô: a-z, 0-9, gạch nối; ngày: 2026-11-25",
        "slot: a-z, 0-9, dashes; date: 2026-11-25",
    ),
    "timetable_too_large": Wording(
        "lịch quá lớn cho một bản ký, chưa gửi gì",
        "the timetable is too large for one signed message, nothing was sent",
        "gộp mục lặp lại thành một hàng (hằng ngày, T2-T7), chia giữa nhóm (--group) và từng đài"
        " (--to), chỉ giữ những tuần sắp tới",
        "write what repeats as one row (daily, T2-T7), split it between groups (--group) and"
        " stations (--to), keep only the coming weeks",
    ),
    "message_too_large": Wording(
        "bản ký lớn hơn 64 KB",
        "the signed message is larger than 64 KB",
        "chia cho nhóm và từng đài, hoặc bỏ mục đã hết hạn",
        "split it between group and stations, or drop what has ended",
    ),
    "warning_wrong": Wording(
        "cảnh báo không hợp lệ",
        "the warning is not valid",
        "sửa phần được nêu",
        "mend the named part",
    ),
    "cancel_which": Wording(
        "thiếu mã cảnh báo cần hủy",
        "which warning is to be cancelled?",
        "xem mã: districtctl warn list, rồi: districtctl warn cancel MÃ",
        "see the ids: districtctl warn list, then: districtctl warn cancel ID",
    ),
    "port_taken": Wording(
        "cổng đã có chương trình khác dùng",
        "another program listens on this port",
        "đã có districtctl serve đang chạy? Nếu không, đổi cổng trong district.toml",
        "is another districtctl serve running? If not, change the port in district.toml",
    ),
    "host_unknown": Wording(
        "không tìm ra máy có tên này",
        "this name stands for no machine that can be found",
        "sửa tên (listen_host, host) trong district.toml; 0.0.0.0 là nghe ở mọi địa chỉ",
        "mend the name (listen_host, host) in district.toml; 0.0.0.0 listens on every address",
    ),
    "host_not_here": Wording(
        "địa chỉ này không phải của máy này",
        "this is no address of this machine",
        "sửa listen_host, host trong district.toml; 0.0.0.0 là nghe ở mọi địa chỉ",
        "mend listen_host, host in district.toml; 0.0.0.0 listens on every address",
    ),
    "cannot_listen": Wording(
        "không mở được cổng này",
        "this port cannot be opened",
        "đổi cổng trong district.toml (từ 1024 trở lên)",
        "change the port in district.toml (1024 or higher)",
    ),
    "slot_empty": Wording(
        "chưa có tệp nào trong mục này",
        "no file has been published into this slot",
        "districtctl publish TỆP --slot TÊN, không ghi ngày",
        "districtctl publish FILE --slot NAME, without a date",
    ),
    "warning_empty": Wording(
        "cần lời hoặc mẫu, không cả hai",
        "either a text or a template is needed, not both",
        'districtctl warn "lời" hoặc --template MẪU',
        'districtctl warn "text" or --template NAME',
    ),
    "warning_lifetime": Wording(
        "cảnh báo phải hết hạn trong vòng 24 giờ",
        "a warning ends after now and within 24 hours",
        "đặt --until gần hơn rồi gia hạn",
        "choose an earlier --until and renew it",
    ),
    "warning_unknown": Wording(
        "không có cảnh báo này đang hiệu lực",
        "there is no such active warning",
        "districtctl warn list",
        "districtctl warn list",
    ),
    "pending_unreadable": Wording(
        "không đọc được tệp chờ ký",
        "what waits for a signature cannot be read",
        "kiểm tra tên: thư mục pending",
        "check the name: folder pending",
    ),
    "pending_same_officer": Wording(
        "người này đã ký rồi",
        "this officer has signed it already",
        "người thứ hai phải ký bằng khóa của mình",
        "the second officer signs with their own key",
    ),
    "pending_superseded": Wording(
        "trong lúc chờ đã có cảnh báo khác",
        "another warning was sent meanwhile",
        "soạn lại cảnh báo này",
        "write this warning again",
    ),
    "template_unknown": Wording(
        "không có mẫu này",
        "there is no such template",
        "xem các mẫu: districtctl warn templates",
        "see them: districtctl warn templates",
    ),
    "template_slot": Wording(
        "mẫu điền chưa đúng",
        "the template is not filled as it must be",
        "xem từng mẫu cần ô nào: districtctl warn templates",
        "what each template needs: districtctl warn templates",
    ),
    "entry_unknown": Wording(
        "không có mục này", "there is no such entry", "districtctl history", "districtctl history"
    ),
    "folder_not_empty": Wording(
        "thư mục đã có tệp, không ghi đè trích lục",
        "there are files in this folder; an extract replaces nothing",
        "chọn --out là thư mục mới",
        "choose a new folder for --out",
    ),
    "key_not_shown": Wording(
        "đài này chưa xưng khóa có vân tay đó",
        "this station has shown no key with this fingerprint",
        "so lại tại đài (stationctl doctor) và: districtctl records keys",
        "compare again at the box (stationctl doctor), and: districtctl records keys",
    ),
    "report_period": Wording(
        "không hiểu kỳ báo cáo",
        "this is no period",
        "--period 2026-Q3 | 2026-H1 | 2026 | 2026-09, hoặc --from 2025-12-15 --to 2026-12-14",
        "--period 2026-Q3 | 2026-H1 | 2026 | 2026-09, or --from 2025-12-15 --to 2026-12-14",
    ),
    "report_two_periods": Wording(
        "kỳ báo cáo được nêu hai lần, không rõ lấy kỳ nào",
        "the period is given twice, which one is meant?",
        "chỉ dùng --period, hoặc chỉ dùng --from cùng --to",
        "give --period only, or --from with --to only",
    ),
    "report_half_window": Wording(
        "thiếu ngày đầu hoặc ngày cuối",
        "the first or the last day is missing",
        "--from và --to đi cùng nhau: --from 2025-12-15 --to 2026-12-14",
        "--from and --to go together: --from 2025-12-15 --to 2026-12-14",
    ),
    "database_damaged": Wording(
        "một cơ sở dữ liệu trong thư mục này bị hỏng hoặc đang bị khóa",
        "a database in this folder is damaged or locked",
        'giữ nguyên các tệp, xem tệp nào hỏng: sqlite3 TỆP.sqlite3 "PRAGMA integrity_check", '
        "rồi lấy bản sao lưu của tệp đó",
        'keep the files as they are, see which is damaged: sqlite3 FILE.sqlite3 "PRAGMA '
        'integrity_check", then take the backup of that file',
    ),
    "report_damaged": Wording(
        "cơ sở dữ liệu bản ghi bị hỏng hoặc không phải của máy thu",
        "the database of records is damaged, or is none of a collector",
        "giữ nguyên tệp, kiểm tra đĩa, lấy bản sao lưu rồi --records BẢN-SAO; xem mức hỏng: "
        'sqlite3 TỆP "PRAGMA integrity_check"',
        "keep the file as it is, check the disk, take the backup and --records COPY; how bad it "
        'is: sqlite3 FILE "PRAGMA integrity_check"',
    ),
    "report_future": Wording(
        "kỳ này chưa bắt đầu",
        "this period has not begun",
        "xem hạn: districtctl report calendar",
        "see what is due: districtctl report calendar",
    ),
    "report_records": Wording(
        "không đọc được bản ghi của các đài",
        "the records of the stations cannot be read",
        "kiểm tra --home, hoặc chỉ tệp bằng --records",
        "check --home, or name the file with --records",
    ),
    "registry_absent": Wording(
        "không có thư mục sổ danh mục này",
        "there is no such registry folder",
        "kiểm tra --registry",
        "check --registry",
    ),
    "report_registry": Wording(
        "sổ danh mục có lỗi",
        "the registry has faults",
        "xem từng lỗi: districtctl report registry (sổ ở nơi khác: thêm --registry)",
        "see each: districtctl report registry (kept elsewhere: add --registry)",
    ),
    "report_calendar": Wording(
        "lịch báo cáo có lỗi", "the calendar has faults", "sửa chỗ được nêu", "mend the named place"
    ),
    "report_letterhead": Wording(
        "tệp đầu văn bản có lỗi",
        "the letterhead has faults",
        "sửa chỗ được nêu",
        "mend the named place",
    ),
    "report_library": Wording(
        "thiếu thư viện để ghi bảng tính và văn bản",
        "a library for spreadsheets and documents is missing",
        "cài phần dành cho nơi lập báo cáo: pip install 'commune-radio[district]'",
        "install the part for where reports are made: pip install 'commune-radio[district]'",
    ),
    "report_not_written": Wording(
        "không ghi được báo cáo",
        "the report could not be written",
        "đóng tệp đang mở trong Excel hoặc Word, kiểm tra đĩa",
        "close the file in Excel or Word, check the disk",
    ),
    "preset_unknown": Wording(
        "không có mẫu quy chế này",
        "there is no such example of a regulation",
        "chọn một mẫu được nêu",
        "choose one of those named",
    ),
    "regulation_broken": Wording(
        "quy chế đã lưu của đài này bị hỏng",
        "the regulation kept for this station cannot be read",
        "gửi lại quy chế: districtctl regulation",
        "send the regulation again: districtctl regulation",
    ),
    "file_unwritable": Wording(
        "không ghi được tệp",
        "the file cannot be written",
        "chọn tên chưa có trong thư mục ghi được",
        "choose a new name in a folder that can be written to",
    ),
    "live_no_encoder": Wording(
        "máy này chưa có ffmpeg để mã hóa tiếng",
        "ffmpeg, which encodes the sound, is not here",
        "apt install ffmpeg",
        "apt install ffmpeg",
    ),
    "live_no_sound": Wording(
        "không lấy được tiếng từ nguồn này, chưa báo cho đài nào",
        "no sound comes from this source; no station was told",
        "kiểm tra micrô hoặc đường vào (arecord -L), hoặc tệp",
        "check the microphone or line (arecord -L), or the file",
    ),
    "live_unserved": Wording(
        "máy chủ tệp không phát được luồng trực tiếp, chưa báo cho đài nào",
        "the content server does not hand out the live sound; no station was told",
        "chạy districtctl serve với cùng --home, rồi thử lại",
        "run it (districtctl serve), with the same --home, then try again",
    ),
    "live_not_in_force": Wording(
        "lịch mới của các đài này chưa có hiệu lực, mục thêm bây giờ sẽ không phát",
        "the newest timetable there is not in force yet; an entry added now would not play",
        "chờ đến lúc đó, hoặc gửi lại lịch đang dùng: districtctl push --rollback SỐ --to ĐÀI",
        "wait for it, or push that of now again: districtctl push --rollback NUMBER --to STATION",
    ),
    "live_unknown": Wording(
        "không có buổi trực tiếp nào như vậy đang phát",
        "there is no such live session on the air",
        "districtctl live list",
        "districtctl live list",
    ),
    "live_argument": Wording(
        "lệnh phát trực tiếp chưa đúng",
        "this live session cannot be asked for",
        "districtctl live --help",
        "districtctl live --help",
    ),
    "argument": Wording(
        "tham số không hợp lệ",
        "the argument is not valid",
        "districtctl --help",
        "districtctl --help",
    ),
}


class SourceSystemError(Exception):
    """Base of all. code: in PROBLEMS; where: file, topic, station.

    detail: what was found, one text or `Said` in both languages.
    """

    def __init__(self, code: str, where: object = "", detail: object = "") -> None:
        super().__init__(code, str(where), str(detail))
        self.code = code
        self.where = str(where)
        self.detail = str(detail)
        self._said = as_said(detail)

    def __str__(self) -> str:
        return self.text("en")

    def what(self, lang: Lang) -> str:
        wording = PROBLEMS[self.code]
        said = wording.vi if lang == "vi" else wording.en
        place = f"{self.where}: " if self.where else ""
        detail = self._said.text(lang)
        return f"{place}{said}" + (f" ({detail})" if detail else "")

    def next(self, lang: Lang) -> str:
        wording = PROBLEMS[self.code]
        return wording.next_vi if lang == "vi" else wording.next_en

    def text(self, lang: Lang) -> str:
        return f"{self.what(lang)} → {self.next(lang)}"


class KeyringError(SourceSystemError):
    """A key is missing, locked, foreign or readable by others."""


class PkiError(SourceSystemError):
    """A key, certificate or request cannot be used."""


class HomeError(SourceSystemError):
    """The district home is missing or its file is wrong."""


class BrokerError(SourceSystemError):
    """Mosquitto did not start; the detail carries its last log lines."""


class CourierError(SourceSystemError):
    """The broker cannot be reached or did not take a message."""


class AudioFileError(SourceSystemError):
    """Not a file that a station could play."""


class TemplateError(SourceSystemError):
    """No such template, or a slot is missing or holds what it may not."""


class ReportError(SourceSystemError):
    """A report cannot be made: its period, records, registry, calendar or files."""


class DistrictError(SourceSystemError):
    """The request cannot be done as asked."""


class Conflict(DistrictError):  # noqa: N818 - a verdict
    """Somebody pushed in between; look at the difference and push again from their revision."""
