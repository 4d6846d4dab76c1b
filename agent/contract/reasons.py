"""Every reason the system can give, closed (decision D9): who must act, what it means, what next.

One table per enum; a test holds each enum to its table. There is no `other`. Texts are written
for a technician or engineer; `next` is the step to take.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

Owner = Literal["sender", "station", "technician", "network", "nobody"]
Lang = Literal["vi", "en"]


class Meaning(NamedTuple):
    """owner: who must act. Texts in both languages, and the next step in both."""

    owner: Owner
    vi: str
    en: str
    next_vi: str
    next_en: str

    def text(self, lang: Lang) -> str:
        return self.vi if lang == "vi" else self.en

    def next(self, lang: Lang) -> str:
        return self.next_vi if lang == "vi" else self.next_en


class AckReason(StrEnum):
    """Why a document or command was refused."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    KEY_EXPIRED = "key_expired"
    NOT_ALLOWED = "not_allowed"
    THRESHOLD = "threshold"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_TOPIC = "wrong_topic"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    OLDER = "older"
    SAME_REVISION_DIFFERS = "same_revision_differs"
    REPLAYED = "replayed"
    RETAINED_COMMAND = "retained_command"
    UNSUPPORTED = "unsupported"
    UNKNOWN_ZONE = "unknown_zone"
    BAD_RECURRENCE = "bad_recurrence"
    RECURRENCE_NEVER = "recurrence_never"
    RECURRENCE_FLOODS = "recurrence_floods"
    BAD_TIME_ZONE = "bad_time_zone"
    INSECURE_STREAM = "insecure_stream"
    DUPLICATE_ID = "duplicate_id"
    CLASS_ABOVE_CEILING = "class_above_ceiling"
    UNKNOWN_ENTRY = "unknown_entry"
    NOTHING_ON_AIR = "nothing_on_air"
    EMERGENCY_ON_AIR = "emergency_on_air"
    NO_TRUST = "no_trust"
    CANCELLED = "cancelled"
    BUSY = "busy"
    BAD_REGULATION = "bad_regulation"
    WRONG_PIN = "wrong_pin"
    PIN_NEEDED = "pin_needed"
    PIN_LOCKED = "pin_locked"
    PIN_FILE = "pin_file"
    UNKNOWN_PERSON = "unknown_person"
    NO_RIGHT = "no_right"
    CREATOR_IS_APPROVER = "creator_is_approver"
    CHANGED_SINCE = "changed_since"
    NOTHING_TO_APPROVE = "nothing_to_approve"
    AGAINST_THE_RULES = "against_the_rules"
    NO_SUCH_ALARM = "no_such_alarm"
    OTHER_EPISODE = "other_episode"
    UNKNOWN_INPUT = "unknown_input"
    INPUT_IS_RETURN = "input_is_return"


class OccurrenceReason(StrEnum):
    """Why an occurrence was not, or not wholly, played in a zone."""

    STATION_OFF = "station_off"
    LATE = "late"
    PREEMPTED = "preempted"
    EMERGENCY = "emergency"
    BUS_BUSY = "bus_busy"
    STOPPED = "stopped"
    HELD = "held"
    SKIPPED_LOCALLY = "skipped_locally"
    SUPERSEDED = "superseded"
    ALREADY_PLAYED = "already_played"
    CLOCK_STEP = "clock_step"
    CLOCK_UNTRUSTED = "clock_untrusted"
    CONTENT_NOT_PUBLISHED = "content_not_published"
    CONTENT_NOT_FETCHED = "content_not_fetched"
    CONTENT_WRONG_HASH = "content_wrong_hash"
    CONTENT_NOT_AUDIO = "content_not_audio"
    CONTENT_UNREACHABLE = "content_unreachable"
    CONTENT_NOT_STORED = "content_not_stored"
    SOURCE_LOST = "source_lost"
    PROGRAM_MISSING = "program_missing"
    NO_INPUT = "no_input"
    INPUT_IS_RETURN = "input_is_return"
    SPEECH_UNAVAILABLE = "speech_unavailable"
    SOUND_LOST = "sound_lost"
    SOUND_SILENT = "sound_silent"
    SOUND_TORN = "sound_torn"
    CONTENT_SILENT = "content_silent"
    RETURN_SILENT = "return_silent"
    STATION_RESTARTED = "station_restarted"
    ZONE_NOT_CONFIRMED = "zone_not_confirmed"
    LINE_OPEN = "line_open"
    LINE_SHORT = "line_short"
    CONTROLLER_LOST = "controller_lost"
    AMPLIFIER_FAULT = "amplifier_fault"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    AWAITING_APPROVAL = "awaiting_approval"
    NOT_APPROVED = "not_approved"
    OUTSIDE_HOURS = "outside_hours"
    SILENT_DATE = "silent_date"
    SESSIONS_USED_UP = "sessions_used_up"
    MINUTES_USED_UP = "minutes_used_up"
    LANGUAGE_NOT_ALLOWED = "language_not_allowed"
    QUIET = "quiet"
    ON_BATTERY = "on_battery"
    NO_MAINS = "no_mains"


RULES_OF_THE_AIR = frozenset(
    {
        OccurrenceReason.OUTSIDE_HOURS,
        OccurrenceReason.SILENT_DATE,
        OccurrenceReason.SESSIONS_USED_UP,
        OccurrenceReason.MINUTES_USED_UP,
        OccurrenceReason.LANGUAGE_NOT_ALLOWED,
        OccurrenceReason.QUIET,
    }
)
"""What binds everything but emergencies; an emergency records which of them it broke."""


class AlarmCode(StrEnum):
    """What can be wrong with a station."""

    ZONE_NOT_CONFIRMED = "zone_not_confirmed"
    CONTROLLER_LOST = "controller_lost"
    NO_SOUND = "no_sound"
    SOUND_SILENT = "sound_silent"
    STORAGE_LOW = "storage_low"
    CLOCK_UNTRUSTED = "clock_untrusted"
    SOURCE_UNREACHABLE = "source_unreachable"
    RECORDS_UNSIGNED = "records_unsigned"
    SOURCE_API = "source_api"
    MAINS_LOST = "mains_lost"
    BATTERY_LOW = "battery_low"
    SUPPLY_LOW = "supply_low"
    OVERHEATING = "overheating"
    STORAGE_WORN = "storage_worn"
    STORAGE_FAILED = "storage_failed"
    NO_SIGNAL = "no_signal"
    SIM_FAULT = "sim_fault"
    ROAMING = "roaming"
    DATA_PLAN_LOW = "data_plan_low"
    DATA_PLAN_USED_UP = "data_plan_used_up"
    SIM_EXPIRES = "sim_expires"


class LinkFault(StrEnum):
    """Why the station cannot get out, as far as it can tell: each has another remedy."""

    NO_LINK = "no_link"
    MODEM_FAILED = "modem_failed"
    MODEM_OFF = "modem_off"
    SIM_MISSING = "sim_missing"
    SIM_LOCKED = "sim_locked"
    NO_SIGNAL = "no_signal"
    REGISTRATION_DENIED = "registration_denied"
    ROAMING_BARRED = "roaming_barred"
    NOT_CONNECTED = "not_connected"
    PLAN_USED_UP = "plan_used_up"
    CAPTIVE_PAGE = "captive_page"
    NO_INTERNET = "no_internet"
    SOURCE_DOWN = "source_down"


# The tables are read and translated as tables.
# fmt: off

ACK: dict[AckReason, Meaning] = {
    AckReason.MALFORMED: Meaning(
        "sender", "thông điệp sai cấu trúc", "the message is malformed",
        "sửa trường được nêu rồi gửi lại", "mend the named field and send again"),
    AckReason.TOO_LARGE: Meaning(
        "sender", "thông điệp quá lớn", "the message is too large",
        "chia nhỏ lịch hoặc gửi qua đường dẫn", "split the timetable or send it by URL"),
    AckReason.UNSIGNED: Meaning(
        "sender", "không có chữ ký", "it carries no signature",
        "ký bằng districtctl rồi gửi lại", "sign it with districtctl and send again"),
    AckReason.BAD_SIGNATURE: Meaning(
        "sender", "chữ ký sai", "the signature does not match",
        "kiểm tra khóa; nếu lặp lại hãy báo an ninh mạng",
        "check the key; if it repeats tell security"),
    AckReason.UNKNOWN_KEY: Meaning(
        "sender", "đài không biết khóa này", "the station does not know this key",
        "ghi danh khóa vào danh sách tin cậy", "enrol the key in the trust document"),
    AckReason.KEY_EXPIRED: Meaning(
        "sender", "khóa đã hết hạn", "the key has expired",
        "ký bằng khóa còn hạn", "sign with a key that is still valid"),
    AckReason.NOT_ALLOWED: Meaning(
        "sender", "khóa không có quyền này", "the key has no right to say this",
        "dùng khóa có vai trò phù hợp", "use a key that holds the role"),
    AckReason.THRESHOLD: Meaning(
        "sender", "chưa đủ chữ ký", "not enough signatures",
        "xin người thứ hai ký", "ask the second holder to sign"),
    AckReason.WRONG_AUDIENCE: Meaning(
        "sender", "gửi nhầm đài hoặc nhóm", "it is meant for another station or group",
        "kiểm tra tên đài, nhóm", "check the station or group"),
    AckReason.WRONG_TOPIC: Meaning(
        "sender", "loại thông điệp không đúng kênh", "this kind may not come on this topic",
        "gửi đúng kênh", "send it on its own topic"),
    AckReason.EXPIRED: Meaning(
        "sender", "đã quá hạn tiếp nhận", "its time for acceptance has passed",
        "ký lại với hạn mới", "sign it again with a new validity"),
    AckReason.FROM_THE_FUTURE: Meaning(
        "sender", "thời điểm ban hành ở tương lai", "it was issued in the future",
        "kiểm tra đồng hồ máy ký", "check the clock of the signing computer"),
    AckReason.LIFETIME_TOO_LONG: Meaning(
        "sender", "thời hạn dài hơn mức cho phép", "it is valid for longer than its role allows",
        "rút ngắn thời hạn rồi ký lại", "shorten the validity and sign again"),
    AckReason.OLDER: Meaning(
        "sender", "cũ hơn bản đang áp dụng", "older than what is applied",
        "lấy bản mới nhất, sửa trên đó", "take the newest revision and edit that"),
    AckReason.SAME_REVISION_DIFFERS: Meaning(
        "sender", "cùng số bản nhưng nội dung khác", "the same revision number with other content",
        "tăng số bản rồi ký lại", "raise the revision and sign again"),
    AckReason.REPLAYED: Meaning(
        "sender", "lệnh lặp lại", "the command was seen before",
        "gửi lệnh mới nếu còn cần", "send a new command if it is still wanted"),
    AckReason.RETAINED_COMMAND: Meaning(
        "sender", "lệnh bị đặt cờ lưu giữ", "a command came with the retain flag",
        "xóa thông điệp lưu giữ trên máy chủ", "clear the retained message on the broker"),
    AckReason.UNSUPPORTED: Meaning(
        "sender", "đài chưa có tính năng được yêu cầu", "the station lacks a required feature",
        "cập nhật phần mềm đài hoặc bỏ yêu cầu", "update the station or drop the requirement"),
    AckReason.UNKNOWN_ZONE: Meaning(
        "sender", "không có khu vực loa tên này", "no zone has this name",
        "sửa tên khu vực", "mend the zone's name"),
    AckReason.UNKNOWN_INPUT: Meaning(
        "sender", "trạm không có ngõ vào âm thanh tên này",
        "the station has no audio input of that name",
        "chọn một ngõ vào có sẵn, hoặc thêm [[input]] vào cấu hình trạm",
        "choose one of those there are, or describe it as [[input]] in the configuration"),
    AckReason.INPUT_IS_RETURN: Meaning(
        "sender", "ngõ vào này là dây hồi từ ampli: mở ra thì loa hú",
        "this input is the return line from the amplifier: opened, it would howl",
        "chọn ngõ vào khác; dây hồi ghi ở [sound] return_input",
        "choose another input; the return line is named in [sound] return_input"),
    AckReason.BAD_RECURRENCE: Meaning(
        "sender", "quy tắc lặp không hợp lệ", "the recurrence rule is not valid",
        "sửa quy tắc lặp", "mend the recurrence rule"),
    AckReason.RECURRENCE_NEVER: Meaning(
        "sender", "quy tắc lặp không bao giờ đến", "the recurrence never comes",
        "sửa ngày bắt đầu hoặc quy tắc", "mend the start or the rule"),
    AckReason.RECURRENCE_FLOODS: Meaning(
        "sender", "quy tắc lặp quá dày", "the recurrence comes too often",
        "tối đa 288 lượt một ngày", "at most 288 a day"),
    AckReason.BAD_TIME_ZONE: Meaning(
        "sender", "múi giờ không hợp lệ", "unknown time zone",
        "dùng Asia/Ho_Chi_Minh", "use an IANA name such as Asia/Ho_Chi_Minh"),
    AckReason.INSECURE_STREAM: Meaning(
        "sender", "luồng không mã hóa", "the live stream is not encrypted",
        "dùng https hoặc ghi rõ insecure_live", "use https or say insecure_live"),
    AckReason.DUPLICATE_ID: Meaning(
        "sender", "trùng mã mục", "an id stands twice",
        "đặt mã khác nhau", "make the ids differ"),
    AckReason.CLASS_ABOVE_CEILING: Meaning(
        "sender", "mức ưu tiên vượt quyền", "the class is above what this key may say",
        "hạ mức hoặc dùng khóa khác", "lower the class or use another key"),
    AckReason.UNKNOWN_ENTRY: Meaning(
        "sender", "không có mục này", "no such entry or occurrence",
        "xem mã: stationctl plan", "see the ids: stationctl plan"),
    AckReason.NOTHING_ON_AIR: Meaning(
        "sender", "không có gì đang phát", "nothing is on air there",
        "xem: stationctl status", "see: stationctl status"),
    AckReason.EMERGENCY_ON_AIR: Meaning(
        "sender", "đang phát khẩn cấp, không dừng bằng lệnh thường",
        "an emergency is on air and is not stopped this way",
        "hủy cảnh báo bằng bản có chữ ký", "cancel the warning with a signed revision"),
    AckReason.NO_TRUST: Meaning(
        "technician", "đài chưa được ghi danh", "the station has no trust document yet",
        "ghi danh đài", "enrol the station"),
    AckReason.CANCELLED: Meaning(
        "nobody", "lệnh đã bị hủy", "the command was cancelled",
        "không cần làm gì", "nothing to do"),
    AckReason.BUSY: Meaning(
        "station", "đài đang bận", "the station is busy",
        "thử lại sau một phút", "try again in a minute"),
    AckReason.BAD_REGULATION: Meaning(
        "sender", "quy chế ghi sai", "the operating regulation is not valid",
        "sửa trường được nêu rồi ký lại", "mend the named field and sign again"),
    AckReason.WRONG_PIN: Meaning(
        "nobody", "sai mã PIN", "the PIN is wrong",
        "nhập lại; quên mã thì nhờ kỹ thuật đặt mã mới",
        "type it again; if forgotten have the technician set a new one"),
    AckReason.PIN_NEEDED: Meaning(
        "sender", "việc này cần tên và mã PIN của người quyết định",
        "this needs the name and the PIN of who decides",
        "thêm --name và nhập mã PIN khi được hỏi",
        "add --name and type the PIN when asked"),
    AckReason.PIN_LOCKED: Meaning(
        "nobody", "nhập sai mã PIN nhiều lần, phải chờ",
        "too many wrong PINs: this name has to wait",
        "chờ rồi nhập lại; quên mã thì nhờ kỹ thuật đặt mã mới",
        "wait and type it again; if forgotten have the technician set a new one"),
    AckReason.PIN_FILE: Meaning(
        "technician", "không dùng được tệp mã PIN của đài",
        "the station's file of PINs cannot be used",
        "xem chỗ hỏng: sudo stationctl pin list", "see what is wrong: sudo stationctl pin list"),
    AckReason.UNKNOWN_PERSON: Meaning(
        "technician", "tên này chưa có mã PIN ở đài", "this name has no PIN at the station",
        "xem tên đã có: sudo stationctl pin list", "see the names: sudo stationctl pin list"),
    AckReason.NO_RIGHT: Meaning(
        "technician", "người này không có quyền làm việc đó",
        "this person does not hold the right to do that",
        "xem quyền của từng người: sudo stationctl pin list",
        "see who may do what: sudo stationctl pin list"),
    AckReason.CREATOR_IS_APPROVER: Meaning(
        "sender", "người soạn không được tự duyệt", "who made an item may not approve it",
        "nhờ người khác duyệt", "ask somebody else to approve"),
    AckReason.CHANGED_SINCE: Meaning(
        "sender", "bản tin đã thay đổi sau khi xem", "the item changed since it was looked at",
        "xem lại rồi mới duyệt: stationctl plan", "look again before approving: stationctl plan"),
    AckReason.NOTHING_TO_APPROVE: Meaning(
        "sender", "bản tin này không cần duyệt", "this item needs no approval",
        "không muốn phát thì stationctl skip hoặc stationctl hold",
        "to keep it off the air: stationctl skip or stationctl hold"),
    AckReason.AGAINST_THE_RULES: Meaning(
        "sender", "quy chế không cho phát lúc này", "the rules of the air keep it off the air now",
        "đợi đến giờ được phát; khẩn cấp thì phát khẩn cấp",
        "wait for the hours; what is urgent is sent as an emergency"),
    AckReason.NO_SUCH_ALARM: Meaning(
        "nobody", "không có báo động nào như vậy đang mở", "no such alarm is open",
        "xem: stationctl alarms", "look: stationctl alarms"),
    AckReason.OTHER_EPISODE: Meaning(
        "sender", "báo động đó đã hết, đây là lần khác", "that alarm is over, this is another one",
        "xem lần này rồi xác nhận: stationctl alarms", "look at this one: stationctl alarms"),
}

OCCURRENCE: dict[OccurrenceReason, Meaning] = {
    OccurrenceReason.STATION_OFF: Meaning(
        "technician", "đài tắt vào lúc đó", "the station was off",
        "kiểm tra nguồn điện", "check the power"),
    OccurrenceReason.LATE: Meaning(
        "nobody", "quá muộn theo quy định của mục", "too late by the entry's own rule",
        "xem quy tắc nếu trễ của mục", "see the entry's late rule"),
    OccurrenceReason.PREEMPTED: Meaning(
        "nobody", "nhường bản tin ưu tiên hơn", "gave way to a higher bulletin",
        "cùng loại thì đổi được thứ tự: stationctl plan",
        "among equals the order can be changed: stationctl plan"),
    OccurrenceReason.EMERGENCY: Meaning(
        "nobody", "nhường cảnh báo khẩn cấp", "gave way to an emergency",
        "không cần làm gì", "nothing to do"),
    OccurrenceReason.BUS_BUSY: Meaning(
        "sender", "đường tiếng đang phát chương trình khác", "the bus carried another programme",
        "dời giờ hoặc nối thêm kênh tiếng", "move the time or wire another bus"),
    OccurrenceReason.STOPPED: Meaning(
        "nobody", "bị dừng theo lệnh", "stopped by command",
        "xem nhật ký: stationctl journal", "see the journal: stationctl journal"),
    OccurrenceReason.HELD: Meaning(
        "nobody", "bị giữ lại tại đài", "held at the station",
        "bỏ giữ: stationctl release MÃ", "release it: stationctl release ID"),
    OccurrenceReason.SKIPPED_LOCALLY: Meaning(
        "nobody", "bị bỏ qua tại đài", "skipped at the station",
        "xem nhật ký: stationctl journal", "see the journal: stationctl journal"),
    OccurrenceReason.SUPERSEDED: Meaning(
        "nobody", "lịch mới đã thay thế", "replaced by a newer timetable",
        "không cần làm gì", "nothing to do"),
    OccurrenceReason.ALREADY_PLAYED: Meaning(
        "nobody", "đã phát trước đó", "already aired", "không cần làm gì", "nothing to do"),
    OccurrenceReason.CLOCK_STEP: Meaning(
        "station", "đồng hồ nhảy qua lượt phát", "the clock jumped over it",
        "kiểm tra nguồn giờ", "check the time source"),
    OccurrenceReason.CLOCK_UNTRUSTED: Meaning(
        "technician", "giờ của đài chưa tin được", "the station's time could not be trusted",
        "kiểm tra mạng hoặc pin đồng hồ", "check the network or the clock battery"),
    OccurrenceReason.CONTENT_NOT_PUBLISHED: Meaning(
        "sender", "chưa có tệp cho lượt này", "no file was published for it",
        "đăng tệp: districtctl publish", "publish it: districtctl publish"),
    OccurrenceReason.CONTENT_NOT_FETCHED: Meaning(
        "network", "chưa tải xong tệp", "the file had not been fetched",
        "kiểm tra mạng của đài", "check the station's network"),
    OccurrenceReason.CONTENT_WRONG_HASH: Meaning(
        "sender", "tệp tải về sai mã băm", "the file does not match its hash",
        "đăng lại tệp", "publish the file again"),
    OccurrenceReason.CONTENT_NOT_AUDIO: Meaning(
        "sender", "tệp không phải âm thanh", "the file is not audio",
        "đăng lại tệp đúng", "publish the right file"),
    OccurrenceReason.CONTENT_UNREACHABLE: Meaning(
        "sender", "máy chủ không có tệp", "the server does not have the file",
        "kiểm tra máy chủ nội dung", "check the content server"),
    OccurrenceReason.CONTENT_NOT_STORED: Meaning(
        "technician", "bộ nhớ của đài không ghi được tệp", "the station's storage took no file",
        "kiểm tra bộ nhớ, thư mục dữ liệu: stationctl doctor",
        "see to the storage and the state folder: stationctl doctor"),
    OccurrenceReason.SOURCE_LOST: Meaning(
        "network", "mất nguồn trực tiếp và các dự phòng",
        "the live source and its fallbacks failed",
        "kiểm tra nguồn tiếp âm", "check the relay source"),
    OccurrenceReason.PROGRAM_MISSING: Meaning(
        "technician", "đài thiếu chương trình ffmpeg để nhận luồng RTSP",
        "the station lacks the program that fetches RTSP streams, ffmpeg",
        "tại đài: apt install ffmpeg", "at the station: apt install ffmpeg"),
    OccurrenceReason.NO_INPUT: Meaning(
        "sender", "trạm không có ngõ vào âm thanh tên này",
        "the station has no audio input of that name",
        "thêm [[input]] vào cấu hình trạm, hoặc sửa lịch",
        "describe it as [[input]] in the station's configuration, or mend the timetable"),
    OccurrenceReason.INPUT_IS_RETURN: Meaning(
        "sender", "ngõ vào này là dây hồi từ ampli: phát thì loa hú",
        "this input is the return line from the amplifier: played, it would howl",
        "sửa lịch: ghi ngõ vào khác; dây hồi ghi ở [sound] return_input của trạm",
        "name another input in the timetable; the return line is the station's return_input"),
    OccurrenceReason.SPEECH_UNAVAILABLE: Meaning(
        "sender", "không đọc được văn bản", "the text could not be spoken",
        "gửi bản ghi âm; tại đài xem máy đọc (espeak-ng): stationctl doctor",
        "send a recording; at the station see to espeak-ng: stationctl doctor"),
    OccurrenceReason.SOUND_LOST: Meaning(
        "technician", "mất đường tiếng", "the sound path failed",
        "stationctl doctor", "stationctl doctor"),
    OccurrenceReason.SOUND_TORN: Meaning(
        "technician", "tiếng có ngắt quãng, không đo được bao lâu",
        "the sound broke off, for how long nobody measured",
        "máy quá tải: stationctl doctor", "the machine is too busy: stationctl doctor"),
    OccurrenceReason.SOUND_SILENT: Meaning(
        "technician", "đang phát mà không nghe thấy gì", "it played, and nothing was heard",
        "nghe thử bản ghi; stationctl doctor", "listen to the recording; stationctl doctor"),
    OccurrenceReason.CONTENT_SILENT: Meaning(
        "sender", "bản ghi không có tiếng", "the recording holds no sound",
        "ghi âm lại rồi đăng lại tệp", "record it again and publish it"),
    OccurrenceReason.RETURN_SILENT: Meaning(
        "technician", "ampli không ra tiếng dù đài đang phát",
        "the amplifier gives nothing out though the station plays",
        "kiểm tra dây tín hiệu vào ampli và ampli",
        "check the cable into the amplifier, and the amplifier"),
    OccurrenceReason.STATION_RESTARTED: Meaning(
        "station", "đài khởi động lại giữa chừng", "the station restarted meanwhile",
        "xem nhật ký: stationctl journal", "see the journal: stationctl journal"),
    OccurrenceReason.ZONE_NOT_CONFIRMED: Meaning(
        "technician", "khu vực không xác nhận có tiếng", "the zone did not confirm",
        "stationctl zones", "stationctl zones"),
    OccurrenceReason.LINE_OPEN: Meaning(
        "technician", "đường loa hở mạch", "the loudspeaker line is open",
        "kiểm tra dây loa", "check the loudspeaker line"),
    OccurrenceReason.LINE_SHORT: Meaning(
        "technician", "đường loa chập", "the loudspeaker line is short-circuited",
        "ngắt và kiểm tra dây loa", "disconnect and check the line"),
    OccurrenceReason.CONTROLLER_LOST: Meaning(
        "technician", "mất liên lạc bộ điều khiển ampli", "the amplifier controller was lost",
        "kiểm tra cáp và nguồn bộ điều khiển", "check the controller's cable and power"),
    OccurrenceReason.AMPLIFIER_FAULT: Meaning(
        "technician", "ampli báo lỗi", "the amplifier reports a fault",
        "kiểm tra ampli", "check the amplifier"),
    OccurrenceReason.CANCELLED: Meaning(
        "nobody", "đã bị hủy", "cancelled by its sender", "không cần làm gì", "nothing to do"),
    OccurrenceReason.EXPIRED: Meaning(
        "nobody", "hết hiệu lực", "its validity ended", "không cần làm gì", "nothing to do"),
    OccurrenceReason.AWAITING_APPROVAL: Meaning(
        "station", "chờ xã duyệt", "awaits the commune's approval",
        "xã xem và duyệt: stationctl plan", "the commune looks and approves: stationctl plan"),
    OccurrenceReason.NOT_APPROVED: Meaning(
        "nobody", "xã không duyệt", "the commune did not approve it",
        "xem nhật ký", "see the journal"),
    OccurrenceReason.OUTSIDE_HOURS: Meaning(
        "sender", "ngoài khung giờ phát theo quy chế", "outside the hours of the regulation",
        "dời giờ hoặc sửa quy chế", "move the time or change the regulation"),
    OccurrenceReason.SILENT_DATE: Meaning(
        "sender", "ngày không phát theo quy chế", "a day without broadcasting",
        "dời ngày hoặc sửa quy chế", "move the date or change the regulation"),
    OccurrenceReason.SESSIONS_USED_UP: Meaning(
        "sender", "hết số buổi phát trong ngày", "no session of the day is left",
        "dời sang ngày khác hoặc sửa quy chế", "move it to another day or change the regulation"),
    OccurrenceReason.MINUTES_USED_UP: Meaning(
        "sender", "hết thời lượng của buổi phát", "the session's minutes are used up",
        "rút ngắn hoặc dời sang buổi khác", "shorten it or move it to another session"),
    OccurrenceReason.LANGUAGE_NOT_ALLOWED: Meaning(
        "sender", "ngôn ngữ ngoài quy chế", "its language is not in the regulation",
        "thêm ngôn ngữ vào quy chế", "add the language to the regulation"),
    OccurrenceReason.QUIET: Meaning(
        "nobody", "khu vực đang giữ yên lặng", "the zone is kept quiet",
        "xem lý do: stationctl plan", "see the reason: stationctl plan"),
    OccurrenceReason.ON_BATTERY: Meaning(
        "technician", "chạy ắc quy, để dành điện cho khẩn cấp",
        "on battery: the charge is kept for warnings",
        "kiểm tra điện lưới", "check the mains"),
    OccurrenceReason.NO_MAINS: Meaning(
        "technician", "ampli mất điện lưới", "the amplifier had no mains",
        "kiểm tra điện lưới", "check the mains"),
}

ALARM: dict[AlarmCode, Meaning] = {
    AlarmCode.ZONE_NOT_CONFIRMED: Meaning(
        "technician", "không ra tiếng hoặc không xác nhận", "zone does not confirm its sound",
        "kiểm tra dây loa: stationctl zones", "check the line: stationctl zones"),
    AlarmCode.CONTROLLER_LOST: Meaning(
        "technician", "mất bộ điều khiển ampli", "amplifier controller lost",
        "kiểm tra cáp USB/RS-485 và nguồn", "check the USB/RS-485 cable and its power"),
    AlarmCode.NO_SOUND: Meaning(
        "technician", "không có tiếng ra", "no sound leaves the card",
        "stationctl doctor; kiểm tra thẻ âm thanh", "stationctl doctor; check the sound card"),
    AlarmCode.SOUND_SILENT: Meaning(
        "technician", "đang phát mà không nghe thấy gì", "it plays, and nothing is heard",
        "nghe thử bản ghi hoặc nguồn tiếp âm; đài tự phát lại",
        "listen to the recording or relay; the station begins anew by itself"),
    AlarmCode.STORAGE_LOW: Meaning(
        "technician", "sắp đầy bộ nhớ", "storage is low",
        "xóa tệp lạ hoặc thay thẻ nhớ", "remove strange files or change the card"),
    AlarmCode.CLOCK_UNTRUSTED: Meaning(
        "technician", "giờ chưa tin được", "the time cannot be trusted",
        "nối mạng để lấy giờ", "connect the network so that it can set the clock"),
    AlarmCode.SOURCE_UNREACHABLE: Meaning(
        "network", "mất liên lạc hệ thống nguồn", "source system unreachable",
        "kiểm tra 4G/mạng; đài vẫn phát theo lịch", "check 4G/network; the station plays on"),
    AlarmCode.RECORDS_UNSIGNED: Meaning(
        "technician", "nhật ký không được đài ký", "the station does not sign its records",
        "xem vì sao: stationctl doctor; nhật ký vẫn được ghi",
        "see why: stationctl doctor; records are kept all the same"),
    AlarmCode.SOURCE_API: Meaning(
        "technician", "chưa báo được về HTTTN qua HTTP",
        "what is reported over the source-system API is not taken",
        "xem [source_api] và stationctl journal; bản ghi vẫn được giữ",
        "see [source_api] and stationctl journal; the records are kept"),
    AlarmCode.MAINS_LOST: Meaning(
        "technician", "mất điện lưới", "mains lost",
        "kiểm tra cầu dao, hỏi điện lực", "check the breaker, ask the grid"),
    AlarmCode.BATTERY_LOW: Meaning(
        "technician", "ắc quy sắp cạn", "the battery is running low",
        "tìm nguồn dự phòng trước khi đài tắt", "find other power before the station goes off"),
    AlarmCode.SUPPLY_LOW: Meaning(
        "technician", "nguồn nuôi bo mạch yếu", "the board's supply is too low",
        "thay bộ nguồn hoặc dây nguồn", "change the power supply or its cable"),
    AlarmCode.OVERHEATING: Meaning(
        "technician", "quá nóng", "overheating",
        "mở thông gió, lau bụi, che nắng cho tủ", "open the vents, clean the dust, shade the case"),
    AlarmCode.STORAGE_WORN: Meaning(
        "technician", "bộ nhớ sắp hết tuổi thọ", "the storage is nearly worn out",
        "sao lưu rồi thay bộ nhớ", "back it up, then change it"),
    AlarmCode.STORAGE_FAILED: Meaning(
        "technician", "không ghi được vào bộ nhớ, vẫn phát", "nothing can be stored; it plays on",
        "giải phóng chỗ trống, kiểm tra quyền thư mục dữ liệu hoặc thay thẻ nhớ",
        "free some room, check the rights of the state folder, or change the card"),
    AlarmCode.NO_SIGNAL: Meaning(
        "technician", "không có sóng di động", "no mobile signal",
        "kiểm tra ăng-ten; xem: stationctl link", "check the antenna; see: stationctl link"),
    AlarmCode.SIM_FAULT: Meaning(
        "technician", "SIM không dùng được", "the SIM cannot be used",
        "lắp lại SIM, bỏ mã PIN hoặc hỏi nhà mạng",
        "seat the SIM, remove its PIN, or ask the operator"),
    AlarmCode.ROAMING: Meaning(
        "technician", "đang chuyển vùng, rất tốn tiền", "roaming, which is dear",
        "tắt chuyển vùng trong kết nối 4G", "switch roaming off in the 4G connection"),
    AlarmCode.DATA_PLAN_LOW: Meaning(
        "technician", "sắp hết gói dữ liệu", "the data plan is nearly used up",
        "nạp thêm gói hoặc bớt tiếp âm qua 4G", "buy more data or relay less over 4G"),
    AlarmCode.DATA_PLAN_USED_UP: Meaning(
        "technician", "đã dùng hết gói dữ liệu", "the data plan is used up",
        "nạp gói mới: hỏi nhà mạng", "buy data: ask the operator"),
    AlarmCode.SIM_EXPIRES: Meaning(
        "technician", "SIM sắp hết hạn hoặc đã hết hạn", "the SIM expires or has expired",
        "gia hạn SIM, rồi sửa ngày trong [link]", "renew the SIM, then its date in [link]"),
}

LINK_FAULT: dict[LinkFault, Meaning] = {
    LinkFault.NO_LINK: Meaning(
        "technician", "không có đường mạng nào", "there is no link at all",
        "cắm dây mạng, modem 4G hoặc kiểm tra Wi-Fi", "plug in a cable or modem, or check Wi-Fi"),
    LinkFault.MODEM_FAILED: Meaning(
        "technician", "modem 4G hỏng", "the modem has failed",
        "rút nguồn modem 10 giây rồi cắm lại", "unplug the modem for 10 s, then plug it in"),
    LinkFault.MODEM_OFF: Meaning(
        "technician", "modem 4G đang tắt", "the modem is switched off",
        "bật modem: mmcli -m any -e", "switch it on: mmcli -m any -e"),
    LinkFault.SIM_MISSING: Meaning(
        "technician", "không đọc được SIM", "there is no readable SIM",
        "lắp lại SIM", "seat the SIM again"),
    LinkFault.SIM_LOCKED: Meaning(
        "technician", "SIM đòi mã PIN", "the SIM asks for its PIN",
        "bỏ mã PIN của SIM bằng điện thoại", "remove the PIN with a telephone"),
    LinkFault.NO_SIGNAL: Meaning(
        "technician", "không có sóng di động", "no mobile signal",
        "kiểm tra ăng-ten và vị trí đặt", "check the antenna and where it stands"),
    LinkFault.REGISTRATION_DENIED: Meaning(
        "technician", "nhà mạng không nhận SIM này", "the network refuses this SIM",
        "hỏi nhà mạng: SIM bị khóa hay hết hạn", "ask the operator: is it blocked or expired"),
    LinkFault.ROAMING_BARRED: Meaning(
        "technician", "chỉ có mạng chuyển vùng, đang cấm", "only roaming networks, which is barred",
        "kiểm tra sóng của nhà mạng mình", "check the signal of the own operator"),
    LinkFault.NOT_CONNECTED: Meaning(
        "technician", "có sóng nhưng chưa vào được dữ liệu", "registered, but without data",
        "kiểm tra tên truy cập (APN); xem: stationctl link", "check the APN; see: stationctl link"),
    LinkFault.PLAN_USED_UP: Meaning(
        "technician", "đã dùng hết gói dữ liệu", "the data plan is used up",
        "nạp gói mới: hỏi nhà mạng", "buy data: ask the operator"),
    LinkFault.CAPTIVE_PAGE: Meaning(
        "technician", "mạng bắt đăng nhập hoặc nạp tiền", "the network asks to log in or to pay",
        "nạp tiền cho SIM, hoặc đăng nhập Wi-Fi", "top up the SIM, or log in to the Wi-Fi"),
    LinkFault.NO_INTERNET: Meaning(
        "network", "có đường mạng nhưng không ra Internet", "a link, but no Internet behind it",
        "kiểm tra bộ định tuyến, hỏi nhà mạng", "check the router, ask the operator"),
    LinkFault.SOURCE_DOWN: Meaning(
        "network", "Internet tốt, hệ thống nguồn không trả lời",
        "the Internet works, the source system does not answer",
        "báo kỹ sư hệ thống nguồn; đài vẫn phát theo lịch",
        "tell the source system's engineer; the station plays on"),
}
