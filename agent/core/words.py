"""Words for the codes a person meets beside the closed reasons: states, causes, what was audited.

Owns the texts, in both languages. The codes belong to the types beside which they are declared; a
test walks those types and finds none without words. A code of a later version has none: whoever
shows it shows the code.
"""

from __future__ import annotations

from typing import Literal, get_args

from agent.contract import documents
from agent.contract.reasons import Meaning
from agent.contract.texts import Words
from agent.core.backoff import Cause
from agent.core.events import ControllerState

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
]
"""What somebody at the station itself asked for and is kept in the journal."""

OwnAct = Literal["document_applied", "commit_failed", "clock_step"]


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

PLAYER: dict[PlayerState, Words] = {
    "starting": Words("bộ phát tiếng đang khởi động", "the sound player is starting"),
    "ready": Words("bộ phát tiếng đang chạy", "the sound player runs"),
    "lost": Words("bộ phát tiếng đã dừng", "the sound player is gone"),
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
    "command_SetVolume": Words("lệnh đặt âm lượng", "command: volume"),
    "command_StopItem": Words("lệnh dừng phát", "command: stop"),
    "command_SkipOccurrence": Words("lệnh bỏ qua", "command: skip"),
    "command_TestTone": Words("lệnh thử tiếng", "command: test tone"),
    "command_ReplayEntry": Words("lệnh phát lại", "command: play again"),
    "command_CancelCommand": Words("lệnh hủy lệnh", "command: cancel a command"),
    "command_Refetch": Words("lệnh tải lại tệp", "command: fetch a file again"),
    "command_Resend": Words("lệnh gửi lại bản ghi", "command: send records again"),
    "command_Diagnose": Words("lệnh kiểm tra đài", "command: examine the station"),
    "command_SetLogLevel": Words("lệnh đổi mức nhật ký", "command: log level"),
    "command_ApproveEntry": Words("lệnh duyệt", "command: approve"),
    "command_HoldEntry": Words("lệnh giữ lại", "command: hold"),
    "command_OrderEntry": Words("lệnh xếp thứ tự", "command: order"),
    "command_KeepQuiet": Words("lệnh giữ yên lặng", "command: keep quiet"),
    "command_Reboot": Words("lệnh khởi động lại", "command: restart"),
}

AUTHOR: dict[str, Words] = {
    "station": Words("đài", "station"),
    "clock": Words("đồng hồ", "clock"),
}
"""Who did it when nobody did."""

# fmt: on

AUDITED: frozenset[str] = frozenset(
    [*get_args(LocalAct), *get_args(OwnAct)]
    + [f"command_{action.__name__}" for action in get_args(documents.Action)]
)
"""Every code an audit record of this version can carry."""
