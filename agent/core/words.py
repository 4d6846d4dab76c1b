"""Words for the codes a person meets beside the closed reasons: states, causes, what was audited.

Owns the texts, in both languages. The codes belong to the types beside which they are declared; a
test walks those types and finds none without words. A code of a later version has none: whoever
shows it shows the code.
"""

from __future__ import annotations

from typing import Literal, get_args

from agent.contract import documents
from agent.contract.reasons import Meaning
from agent.contract.reports import SourceVerb
from agent.contract.texts import Words
from agent.core.backoff import Cause
from agent.core.events import ControllerState, ModemState, Registration, SourceApiState
from agent.core.truth import Why

PlayerState = Literal["starting", "ready", "lost"]

LocalAct = Literal[
    "local_test_tone",
    "local_volume",
    "local_hold",
    "local_release",
    "local_skip",
    "local_order",
    "local_approve",
    "local_refuse",
    "local_stop",
    "local_quiet",
    "local_quiet_end",
    "local_announce",
    "local_ack_alarm",
    "local_pin_set",
    "local_pin_remove",
]
"""What somebody at the station itself asked for and is kept in the journal."""

OwnAct = Literal["document_applied", "commit_failed", "clock_step"]

SourceAct = Literal["source_set_aside", "source_records_gone"]
"""What became of records on their way through the source-system API."""


def source_act(verb: SourceVerb) -> str:
    """What the journal calls something asked through the source-system API."""
    return f"source_{verb}"


def command_act(action: documents.Action) -> str:
    """What the journal calls a command from above."""
    return f"command_{type(action).__name__}"


# The tables are read and translated as tables.
# fmt: off

LINK: dict[Cause, Meaning] = {
    "none": Meaning(
        "network", "chưa rõ nguyên nhân", "the cause is not known",
        "kiểm tra 4G/mạng; đài vẫn phát theo lịch", "check 4G/network; the station plays on"),
    "own_link": Meaning(
        "network", "mạng của đài không ra được", "the station's own network is down",
        "kiểm tra 4G/mạng; đài vẫn phát theo lịch", "check 4G/network; the station plays on"),
    "broker_closed": Meaning(
        "network", "máy chủ không nhận kết nối", "the server closed the connection",
        "đợi; nếu quá một giờ hãy báo kỹ sư huyện",
        "wait; after an hour tell the district's engineer"),
    "not_authorised": Meaning(
        "technician", "máy chủ không cho đài này vào", "the server does not let this station in",
        "nhờ kỹ sư huyện ghi danh lại: districtctl enrol",
        "have the station enrolled again: districtctl enrol"),
    "tls": Meaning(
        "technician", "chứng thư không được chấp nhận", "a certificate was not accepted",
        "kiểm tra giờ của đài và ca, certificate trong [broker]",
        "check the station's clock, and ca and certificate in [broker]"),
}

CONTROLLER: dict[ControllerState, Meaning] = {
    "ready": Meaning("nobody", "chạy tốt", "is ready", "không cần làm gì", "nothing to do"),
    "lost": Meaning(
        "technician", "mất liên lạc", "is lost",
        "kiểm tra cáp USB/RS-485 và nguồn", "check the USB/RS-485 cable and its power"),
    "incompatible": Meaning(
        "technician", "không hợp phiên bản", "has another version",
        "cập nhật phần mềm bộ điều khiển", "update the controller's firmware"),
    "not_adopted": Meaning(
        "technician", "là máy lạ", "is a stranger",
        "so mã trên nhãn: python -m firmware_bridge adopt, rồi ghi adopted_id",
        "compare the label: python -m firmware_bridge adopt, then write adopted_id"),
    "opening": Meaning(
        "nobody", "đang mở", "is being opened",
        "đợi 10 giây rồi xem lại", "wait 10 seconds and look again"),
}

MODEM_STATE: dict[ModemState, Words] = {
    "absent": Words("không có modem", "no modem"),
    "failed": Words("hỏng", "failed"),
    "locked": Words("SIM đang khóa", "SIM locked"),
    "disabled": Words("đang tắt", "switched off"),
    "searching": Words("đang dò sóng", "searching"),
    "registered": Words("có sóng, chưa nối", "registered, not connected"),
    "connecting": Words("đang nối", "connecting"),
    "connected": Words("đã nối", "connected"),
    "unknown": Words("không rõ", "state unknown"),
}

REGISTRATION: dict[Registration, Words] = {
    "idle": Words("chưa đăng ký mạng", "not registered"),
    "home": Words("mạng nhà", "home network"),
    "searching": Words("đang tìm mạng", "looking for a network"),
    "denied": Words("bị nhà mạng từ chối", "refused by the network"),
    "roaming": Words("chuyển vùng", "roaming network"),
    "emergency": Words("chỉ gọi khẩn cấp", "emergency calls only"),
    "unknown": Words("không rõ đăng ký", "registration unknown"),
}

PLAYER: dict[PlayerState, Words] = {
    "starting": Words("bộ phát tiếng đang khởi động", "the sound player is starting"),
    "ready": Words("bộ phát tiếng đang chạy", "the sound player runs"),
    "lost": Words("bộ phát tiếng đã dừng", "the sound player is gone"),
}

UNHEARD: dict[Why, Words] = {
    "silent": Words("im lặng hoàn toàn", "nothing but silence"),
    "hiss": Words("chỉ có tiếng xì", "nothing but hiss"),
    "content": Words("bản ghi không có tiếng", "the recording holds no sound"),
}

SOUND_KIND: dict[str, Words] = {
    "sound": Words("có tiếng", "sound"),
    "silent": Words("im lặng", "silence"),
    "hiss": Words("chỉ có tiếng xì", "nothing but hiss"),
}

CARD_LOST: dict[str, Meaning] = {
    "no_device": Meaning(
        "technician", "không tìm thấy thẻ đã khai báo", "the configured card is not there",
        "cắm thẻ, hoặc sửa device trong [sound]", "plug it in, or mend device in [sound]"),
    "device_lost": Meaning(
        "technician", "thẻ không mở được hoặc vừa bị rút ra",
        "the card cannot be opened, or was pulled out",
        "tắt chương trình đang giữ thẻ: fuser -v /dev/snd/*; cắm lại thẻ",
        "end what holds it: fuser -v /dev/snd/*; replug it"),
    "callback_frozen": Meaning(
        "technician", "thẻ đứng yên, không lấy tiếng", "the card stands still and takes no sound",
        "rút thẻ ra cắm lại", "replug the card"),
    "hung": Meaning(
        "technician", "bộ phát tiếng bị treo", "the sound player hung",
        "đài tự mở lại; nếu còn, rút thẻ ra cắm lại",
        "it is reopened by itself; if it stays, replug the card"),
    "exited": Meaning(
        "technician", "bộ phát tiếng tự dừng", "the sound player ended by itself",
        "xem journalctl -u station-agent", "look: journalctl -u station-agent"),
    "internal": Meaning(
        "technician", "bộ phát tiếng gặp lỗi", "the sound player failed",
        "xem journalctl -u station-agent", "look: journalctl -u station-agent"),
    "bad_message": Meaning(
        "technician", "bộ phát tiếng không cùng bản với đài",
        "the sound player is of another version",
        "cài lại commune-radio", "install commune-radio again"),
    "silent": Meaning(
        "nobody", "đang mở lại thẻ vì không ra tiếng", "re-opening the card, as it was silent",
        "chờ vài giây", "wait some seconds"),
}
"""Why no sound child runs: what `PlayerLost` says."""

BACK: dict[str, Meaning] = {
    "not_found": Meaning(
        "technician", "không tìm thấy đầu vào đã khai báo", "the configured input is not there",
        "sửa device của [[input]] đó theo danh sách dưới",
        "mend the device of that [[input]]; see the list below"),
    "refused": Meaning(
        "technician", "đầu vào không mở được, chương trình khác đang giữ?",
        "the input cannot be opened, does another program hold it?",
        "tắt chương trình đang giữ: fuser -v /dev/snd/*", "end what holds it: fuser -v /dev/snd/*"),
    "stalled": Meaning(
        "technician", "đầu vào ngừng cho tiếng", "the input gives no samples any more",
        "rút thẻ ra cắm lại", "replug the card"),
}
"""Why the return line is not heard."""

SOURCE_API: dict[SourceApiState, Meaning] = {
    "ok": Meaning("nobody", "nhận tốt", "takes everything", "không cần làm gì", "nothing to do"),
    "unreachable": Meaning(
        "network", "máy chủ không trả lời", "the server does not answer",
        "kiểm tra mạng và base_url; bản ghi vẫn được giữ",
        "check the network and base_url; the records are kept"),
    "not_authorised": Meaning(
        "technician", "tài khoản không được chấp nhận", "the account is not accepted",
        "kiểm tra username, password_file trong [source_api]",
        "check username and password_file in [source_api]"),
    "tls": Meaning(
        "technician", "chứng thư không được chấp nhận", "a certificate was not accepted",
        "kiểm tra giờ của đài và ca trong [source_api]",
        "check the station's clock, and ca in [source_api]"),
    "strange": Meaning(
        "network", "có nơi khác trả lời thay máy chủ", "somebody else answers for the server",
        "kiểm tra trang đăng nhập của mạng và base_url",
        "look for a login page of the network, and check base_url"),
    "refusing": Meaning(
        "technician", "máy chủ từ chối bản ghi", "the server refuses records",
        "xem lý do: stationctl journal; sửa [source_api] rồi khởi động lại",
        "see why: stationctl journal; mend [source_api] and restart"),
}

AUDIT: dict[str, Words] = {
    "document_applied": Words("đã áp dụng", "applied"),
    "commit_failed": Words("không ghi được vào thẻ nhớ", "nothing could be stored"),
    "clock_step": Words("giờ nhảy", "the clock jumped by"),
    "local_test_tone": Words("thử tiếng", "test tone"),
    "local_volume": Words("đặt âm lượng", "volume"),
    "local_hold": Words("giữ lại", "hold"),
    "local_release": Words("bỏ giữ", "release"),
    "local_skip": Words("bỏ qua", "skip"),
    "local_order": Words("xếp thứ tự", "order"),
    "local_approve": Words("duyệt", "approve"),
    "local_refuse": Words("không duyệt", "not approved"),
    "local_stop": Words("dừng phát", "stop"),
    "local_quiet": Words("giữ yên lặng", "keep quiet"),
    "local_quiet_end": Words("hết giữ yên lặng", "end of quiet"),
    "local_announce": Words("thông báo tại chỗ", "announcement"),
    "local_ack_alarm": Words("đã nhận báo động", "alarm noted"),
    "local_pin_set": Words("đặt mã PIN", "PIN set"),
    "local_pin_remove": Words("bỏ mã PIN", "PIN removed"),
    "command_SetVolume": Words("lệnh đặt âm lượng", "command: volume"),
    "command_StopItem": Words("lệnh dừng phát", "command: stop"),
    "command_SkipOccurrence": Words("lệnh bỏ qua", "command: skip"),
    "command_TestTone": Words("lệnh thử tiếng", "command: test tone"),
    "command_ReplayEntry": Words("lệnh phát lại", "command: play again"),
    "command_CancelCommand": Words("lệnh hủy lệnh", "command: cancel a command"),
    "command_Refetch": Words("lệnh tải lại tệp", "command: fetch a file again"),
    "command_Resend": Words("lệnh gửi lại bản ghi", "command: send records again"),
    "command_AckAlarm": Words("lệnh nhận báo động", "command: note an alarm"),
    "command_Diagnose": Words("lệnh kiểm tra đài", "command: examine the station"),
    "command_SetLogLevel": Words("lệnh đổi mức nhật ký", "command: log level"),
    "command_ApproveEntry": Words("lệnh duyệt", "command: approve"),
    "command_HoldEntry": Words("lệnh giữ lại", "command: hold"),
    "command_OrderEntry": Words("lệnh xếp thứ tự", "command: order"),
    "command_KeepQuiet": Words("lệnh giữ yên lặng", "command: keep quiet"),
    "command_Reboot": Words("lệnh khởi động lại", "command: restart"),
    "source_volume": Words("xin đặt âm lượng", "asks for volume"),
    "source_stop": Words("xin dừng phát", "asks to stop"),
    "source_skip": Words("xin chuyển mục tiếp", "asks to skip"),
    "source_pause": Words("xin tạm dừng", "asks to pause"),
    "source_resume": Words("xin phát tiếp", "asks to resume"),
    "source_play_now": Words("xin phát ngay", "asks to play now"),
    "source_reboot": Words("xin khởi động lại", "asks to restart"),
    "source_save": Words("gửi lịch phát", "sends a schedule"),
    "source_cancel": Words("hủy lịch phát", "cancels a schedule"),
    "source_unknown": Words("lệnh lạ", "strange command"),
    "source_set_aside": Words("từ chối bản ghi", "refused a record"),
    "source_records_gone": Words(
        "bản ghi đã xóa khi chưa gửi được", "records were pruned before they could be sent"),
}

AUTHOR: dict[str, Words] = {
    "source_api": Words("HTTTN qua HTTP", "source-system API"),
    "source-api": Words("HTTTN qua HTTP", "source-system API"),
    "station": Words("đài", "station"),
    "clock": Words("đồng hồ", "clock"),
}
"""Who did it when nobody did."""

# fmt: on

AUDITED: frozenset[str] = frozenset(
    [*get_args(LocalAct), *get_args(OwnAct), *get_args(SourceAct)]
    + [f"command_{action.__name__}" for action in get_args(documents.Action)]
    + [source_act(verb) for verb in get_args(SourceVerb)]
)
"""Every code an audit record of this version can carry."""
