"""THE table: which of our fields becomes which field of dialect A and of dialect B, and how.

Messages are built from these rows and from nothing else, so what stands here is what is sent.
`LEFT_OUT` names every field of our records that has no place there, with the reason; a test walks
our record types and the fields the reference names, and fails when one is in neither.

`docs/source-api.md` is rendered from here (`python -m agent.adapters.source_api.document`).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from agent.adapters.source_api.forms import FORMS, Scope

Evidence = Literal["practice", "inference"]
"""practice: field and form were seen in running systems. inference: how we read what was seen."""

# --- their messages ------------------------------------------------------------------------

CONNECT, AREA, LEAVE, REPORT = "api1", "api2", "api3", "api8"
LOG_START, LOG_END, LOG_RECEIPT = "api9-start", "api9-end", "api9-receipt"
LOGS = (LOG_START, LOG_END, LOG_RECEIPT)
CALLS = (CONNECT, AREA, LEAVE, REPORT, *LOGS)

LOGIN, STATUS = "login", "status"
JOURNAL, JOURNAL_END = "journal", "journal_end"
SAVED, DELETED, OUTCOME = "schedule_saved", "schedule_deleted", "outcome"
JOURNALS = (JOURNAL, JOURNAL_END)
RECEIPTS = (SAVED, DELETED, OUTCOME)
TOLD = (STATUS, *JOURNALS, *RECEIPTS)

MESSAGES: dict[str, tuple[str, str, str]] = {
    CONNECT: ("a", "api1: kết nối, xác thực cụm", "connect, authenticate"),
    AREA: ("a", "api2: địa bàn quản lý", "managing area"),
    LEAVE: ("a", "api3: ngắt kết nối", "disconnect"),
    REPORT: ("a", "api8: báo trạng thái", "status report"),
    LOG_START: ("a", "api9: bắt đầu phát", "journal: an item began"),
    LOG_END: ("a", "api9: kết thúc phát", "journal: an item ended in a zone"),
    LOG_RECEIPT: ("a", "api9: biên nhận bản tin", "journal: receipt for a bulletin"),
    LOGIN: ("b", "đăng nhập", "login"),
    STATUS: ("b", "báo trạng thái", "status report"),
    JOURNAL: ("b", "nhật ký: bắt đầu phát", "journal: an item began"),
    JOURNAL_END: ("b", "nhật ký: kết thúc phát", "journal: an item ended in a zone"),
    SAVED: ("b", "biên nhận tạo, sửa lịch", "receipt: schedule created or changed"),
    DELETED: ("b", "biên nhận xóa lịch", "receipt: schedule deleted"),
    OUTCOME: ("b", "biên nhận lệnh, từ chối", "receipt: command, or anything refused"),
}
"""Message → (dialect, what it is, in both languages)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A field of theirs in some messages. `A.B` is B inside A.

    `A[Ten]` is an item of the list A that holds {Ten, GiaTri}; it is left out when it is empty.
    """

    messages: tuple[str, ...]
    field: str
    form: str = "text"
    evidence: Evidence = "practice"


@dataclass(frozen=True, slots=True)
class Row:
    """ours: where the value comes from; "-": we have none."""

    ours: str
    vi: str
    en: str
    a: tuple[Place, ...] = ()
    b: tuple[Place, ...] = ()


def _in(messages: tuple[str, ...] | str, field: str, form: str = "text") -> tuple[Place, ...]:
    return (Place((messages,) if isinstance(messages, str) else messages, field, form),)


def _our_reading(
    messages: tuple[str, ...] | str, field: str, form: str = "text"
) -> tuple[Place, ...]:
    names = (messages,) if isinstance(messages, str) else messages
    return (Place(names, field, form, "inference"),)


def _detail(messages: tuple[str, ...] | str, name: str, form: str = "text") -> tuple[Place, ...]:
    """Where dialect B lets anything be said."""
    return _our_reading(messages, f"ThongTinChiTietBanTin[{name}]", form)


# The table is read as a table.
# fmt: off
ROWS: tuple[Row, ...] = (
    # --- who we are
    Row("ids.source_id", "mã nguồn", "id of the source",
        _in(CALLS, "NguonId"), _in(TOLD, "NguonID")),
    Row("ids.source_name", "tên nguồn", "name of the source", (), _in(TOLD, "TenNguon")),
    Row("ids.target_id", "mã đích", "id of the target", (),
        _in(TOLD, "DichID") + _our_reading(SAVED, "DanhSachDiaBan", "areas")),
    Row("ids.target_name", "tên đích", "name of the target", (), _in(TOLD, "TenDich")),
    Row("ids.cluster_id", "mã cụm loa (IMEI)", "id of the cluster",
        _in((CONNECT, AREA, LEAVE, REPORT), "CumLoaId"),
        _in(TOLD, "CumLoaID") + _our_reading(DELETED, "DanhSachThietBi", "clusters")),
    Row("ids.device_name", "tên thiết bị", "name of the device", (), _in(TOLD, "TenThietBi")),
    Row("ids.device_kind", "loại thiết bị", "kind of device", (), _in(STATUS, "TenLoaiThietBi")),
    Row("ids.vendor_id", "mã nhà cung cấp", "id of the vendor", (), _in(TOLD, "MaNhaCungCap")),
    Row("ids.vendor_name", "tên nhà cung cấp", "name of the vendor", (),
        _in(TOLD, "TenNhaCungCap")),
    Row("ids.area", "địa bàn quản lý", "managing area", _in(AREA, "DiaBanQuanLy"), ()),
    Row("ids.amplifier_power", "công suất danh định", "rated power of the amplifier", (),
        _our_reading(STATUS, "ThongTinThietBi.CongSuat") + _our_reading(JOURNALS, "CongSuat")),
    Row("secret.username", "tài khoản", "account", (), _in(LOGIN, "Username")),
    Row("secret.password", "mật khẩu; ở A là mã xác thực", "password; in A the number",
        _in(CONNECT, "MaXacThuc", "whole"), _in(LOGIN, "Password")),
    # --- how the station is
    Row("now.playing", "đang phát hay không", "whether something sounds",
        _our_reading(REPORT, "TrangThaiHoatDong", "active"),
        _in(STATUS, "TrangThaiHoatDong", "active-text")),
    Row("now.link", "đường truyền đang dùng và mức sóng", "link in use and its signal", (),
        _in(STATUS, "TrangThaiKetNoi")),
    Row("codes.connected", "mã \"đang kết nối\"", "code for \"connected\"",
        _our_reading(REPORT, "TrangThaiKetNoi", "whole"), ()),
    Row("now.volume", "âm lượng cụm loa to nhất", "volume of the loudest zone",
        _in(REPORT, "AmLuong", "whole"), _in(STATUS, "AmLuong", "whole-text")),
    Row("now.latitude_udeg", "vĩ độ", "latitude", (), _in(STATUS, "ViDo", "udeg")),
    Row("now.longitude_udeg", "kinh độ", "longitude", (), _in(STATUS, "KinhDo", "udeg")),
    Row("now.temperature_cdeg", "nhiệt độ bo mạch", "temperature of the board", (),
        _our_reading(STATUS, "ThongTinThietBi.NhietDo", "degrees")),
    Row("now.storage_used_percent", "bộ nhớ đã dùng", "storage used", (),
        _our_reading(STATUS, "ThongTinThietBi.DungLuongSuDung", "percent")),
    Row("now.started_ms", "mục đang phát bắt đầu lúc", "since when the item sounds", (),
        _our_reading(STATUS, "ThoiDiemBatDau", "epoch-s")),
    Row("now.url", "địa chỉ đang phát", "address of what sounds", (),
        _in(STATUS, "NoiDungPhat")),
    Row("now.version", "phiên bản phần mềm", "version of the software", (),
        _in(STATUS, "PhienBanUngDung")),
    # --- an item began
    Row("start.occurrence", "bản tin và lượt phát", "bulletin and occurrence",
        _our_reading(LOG_START, "BanTinId", "bulletin"),
        _our_reading(JOURNAL, "BanTinID", "bulletin")
        + _detail(JOURNAL, "Lượt phát", "occurrence")),
    Row("start.occurrence.authority", "đơn vị ra lệnh", "authority", (),
        _our_reading(JOURNAL, "NguonTin")),
    Row("start.title", "tiêu đề", "title", (), _in(JOURNAL, "TieuDe")),
    Row("start.klass", "mức ưu tiên", "class", (), _in(JOURNAL, "MucDoUuTien", "priority")),
    Row("start.field", "lĩnh vực", "field", (), _in(JOURNAL, "LoaiLinhVuc", "field")),
    Row("start.source", "nguồn tiếng", "what sounded", (),
        _in(JOURNAL, "LoaiBanTin", "kind") + _in(JOURNAL, "TiepAm", "relay")
        + _in(JOURNAL, "NguonTiepAm", "relay-of") + _in(JOURNAL, "NoiDung", "address")),
    Row("start.planned_duration_ms", "thời lượng theo lịch", "planned length", (),
        _in(JOURNAL, "ThoiLuong", "length")),
    Row("start.author", "người soạn", "author", (), _in(JOURNAL, "TacGia.TenDayDu")),
    Row("start.about.summary", "tóm tắt nội dung", "summary", (),
        _in(JOURNAL, "NoiDungTomTat")),
    Row("start.about.produced", "sản xuất lúc", "when it was made", (),
        _in(JOURNAL, "ThoiGianSanXuat", "produced")),
    Row("start.about.pen_name", "bút danh", "pen name", (), _in(JOURNAL, "TacGia.ButDanh")),
    Row("start.about.email", "thư điện tử của tác giả", "author's e-mail", (),
        _in(JOURNAL, "TacGia.Email")),
    Row("start.volume", "âm lượng", "volume", (),
        _our_reading(JOURNAL, "AmLuong", "whole-text")),
    Row("start.zones", "các cụm loa", "zones", (), _detail(JOURNAL, "Khu vực", "names")),
    Row("start.planned_start_ms", "giờ theo lịch", "planned start", (),
        _detail(JOURNAL, "Giờ theo lịch", "moment")),
    Row("start.approver", "người duyệt nội dung", "approver of the bulletin", (),
        _detail(JOURNAL, "Người duyệt")),
    Row("start.approved_by", "người của xã cho phát", "who let it play", (),
        _detail(JOURNAL, "Xã duyệt")),
    Row("start.approval", "cách xã duyệt", "how the approval is known", (),
        _detail(JOURNAL, "Cách duyệt", "means")),
    Row("start.document_number", "số văn bản", "number of the document", (),
        _detail(JOURNAL, "Số văn bản")),
    Row("start.language", "ngôn ngữ", "language", (), _detail(JOURNAL, "Ngôn ngữ")),
    Row("start.revision", "bản lịch", "revision of the timetable", (),
        _detail(JOURNAL, "Bản lịch", "whole-text")),
    # --- an item ended in a zone
    Row("run.occurrence", "bản tin và lượt phát", "bulletin and occurrence",
        _our_reading(LOG_END, "BanTinId", "bulletin"),
        _our_reading(JOURNAL_END, "BanTinID", "bulletin")
        + _detail(JOURNAL_END, "Lượt phát", "occurrence")),
    Row("run.occurrence.authority", "đơn vị ra lệnh", "authority", (),
        _our_reading(JOURNAL_END, "NguonTin")),
    Row("run.outcome", "kết quả", "outcome", _our_reading(LOG_END, "GiaTri", "heard"),
        _detail(JOURNAL_END, "Kết quả", "outcome")),
    Row("run.title", "tiêu đề", "title", (), _in(JOURNAL_END, "TieuDe")),
    Row("run.klass", "mức ưu tiên", "class", (), _in(JOURNAL_END, "MucDoUuTien", "priority")),
    Row("run.field", "lĩnh vực", "field", (), _in(JOURNAL_END, "LoaiLinhVuc", "field")),
    Row("run.source", "nguồn tiếng", "what sounded", (),
        _in(JOURNAL_END, "LoaiBanTin", "kind") + _in(JOURNAL_END, "TiepAm", "relay")
        + _in(JOURNAL_END, "NguonTiepAm", "relay-of") + _in(JOURNAL_END, "NoiDung", "address")),
    Row("run.planned_duration_ms", "thời lượng theo lịch", "planned length", (),
        _in(JOURNAL_END, "ThoiLuong", "length")),
    Row("run.author", "người soạn", "author", (), _in(JOURNAL_END, "TacGia.TenDayDu")),
    Row("run.about.summary", "tóm tắt nội dung", "summary", (),
        _in(JOURNAL_END, "NoiDungTomTat")),
    Row("run.about.produced", "sản xuất lúc", "when it was made", (),
        _in(JOURNAL_END, "ThoiGianSanXuat", "produced")),
    Row("run.about.pen_name", "bút danh", "pen name", (), _in(JOURNAL_END, "TacGia.ButDanh")),
    Row("run.about.email", "thư điện tử của tác giả", "author's e-mail", (),
        _in(JOURNAL_END, "TacGia.Email")),
    Row("run.volume", "âm lượng", "volume", (),
        _our_reading(JOURNAL_END, "AmLuong", "whole-text")),
    Row("run.zone", "cụm loa", "zone", (), _detail(JOURNAL_END, "Khu vực")),
    Row("run.planned_start_ms", "giờ theo lịch", "planned start", (),
        _detail(JOURNAL_END, "Giờ theo lịch", "moment")),
    Row("run.reason", "lý do không phát đủ", "why not wholly", (),
        _detail(JOURNAL_END, "Lý do", "reason")),
    Row("run.rule", "quy định đã giữ lại", "rule that kept it", (),
        _detail(JOURNAL_END, "Quy định")),
    Row("run.broke", "quy định mà khẩn cấp phát vượt", "rules an emergency broke", (),
        _detail(JOURNAL_END, "Phát vượt quy định", "reasons")),
    Row("run.above_ceiling", "mức trần mà khẩn cấp vượt", "ceiling an emergency was above", (),
        _detail(JOURNAL_END, "Vượt mức trần", "whole-text")),
    Row("run.segments", "phát từ lúc nào đến lúc nào", "when it first and last sounded", (),
        _our_reading(JOURNAL_END, "ThoiDiemBatDau", "began")
        + _detail(JOURNAL_END, "Kết thúc", "ended")),
    Row("run.played_ms", "đã phát", "length that sounded", (),
        _detail(JOURNAL_END, "Đã phát", "length")),
    Row("run.confirmed", "cụm loa xác nhận", "confirmed by the zone", (),
        _detail(JOURNAL_END, "Xác nhận", "confirmed")),
    Row("run.start_error_ms", "lệch giờ bắt đầu, ms", "start error, ms", (),
        _detail(JOURNAL_END, "Lệch giờ bắt đầu (ms)", "whole-text")),
    Row("run.approver", "người duyệt nội dung", "approver of the bulletin", (),
        _detail(JOURNAL_END, "Người duyệt")),
    Row("run.approved_by", "người của xã cho phát", "who let it play", (),
        _detail(JOURNAL_END, "Xã duyệt")),
    Row("run.approval", "cách xã duyệt", "how the approval is known", (),
        _detail(JOURNAL_END, "Cách duyệt", "means")),
    Row("run.document_number", "số văn bản", "number of the document", (),
        _detail(JOURNAL_END, "Số văn bản")),
    Row("run.language", "ngôn ngữ", "language", (), _detail(JOURNAL_END, "Ngôn ngữ")),
    Row("run.languages_missing", "thiếu bản ngôn ngữ", "missing languages", (),
        _detail(JOURNAL_END, "Thiếu ngôn ngữ", "names")),
    Row("run.revision", "bản lịch", "revision of the timetable", (),
        _detail(JOURNAL_END, "Bản lịch", "whole-text")),
    # --- what became of what was asked
    Row("receipt.state", "đã nhận hay từ chối", "taken or refused",
        _our_reading(LOG_RECEIPT, "GiaTri", "applied"),
        _our_reading(OUTCOME, "TrangThaiGui", "failed")),
    Row("receipt.schedule", "mã lịch phát", "id of the schedule", (),
        _in(RECEIPTS, "LichPhatID")),
    Row("receipt.title", "tên lịch phát", "name of the schedule", (),
        _in(RECEIPTS, "TenLichPhat")),
    Row("receipt.items", "các bản tin", "bulletins", (),
        _our_reading((SAVED, OUTCOME), "DanhSachBanTin", "list")),
    Row("item", "một bản tin của biên nhận", "one bulletin of the receipt",
        _our_reading(LOG_RECEIPT, "BanTinId"), ()),
    Row("receipt.reason", "lý do từ chối", "why it was refused", (),
        _our_reading(OUTCOME, "MoTa", "reason")),
    Row("receipt.detail", "chi tiết", "detail", (), _our_reading(OUTCOME, "ChiTiet")),
    Row("receipt.call", "mã lệnh của bên gọi", "the caller's id", (),
        _our_reading(OUTCOME, "LenhID")),
    Row("receipt.what", "việc được yêu cầu", "what was asked", (),
        _our_reading(OUTCOME, "YeuCau")),
    # --- the record itself
    Row("record.at_ms", "thời điểm ghi", "instant of the record",
        _our_reading(LOGS, "ThoiDiemGui", "moment"),
        _our_reading(JOURNAL, "ThoiDiemBatDau", "epoch-s")
        + _detail(JOURNAL_END, "Ghi lúc", "moment")),
    Row("record.id", "mã bản ghi: bản cài/luồng/số", "id of the record",
        (), _detail(JOURNALS, "Mã bản ghi") + _our_reading(RECEIPTS, "MaBanGhi")),
    Row("codes.log_start", "mã \"bắt đầu\"", "code for \"began\"",
        _our_reading(LOG_START, "LoaiNhatKy", "whole"), ()),
    Row("codes.log_end", "mã \"kết thúc\"", "code for \"ended\"",
        _our_reading(LOG_END, "LoaiNhatKy", "whole"), ()),
    Row("codes.log_receipt", "mã \"biên nhận\"", "code for \"receipt\"",
        _our_reading(LOG_RECEIPT, "LoaiNhatKy", "whole"), ()),
    # --- what is true of every record of its kind
    Row("-", "bắt đầu phát là \"có\"", "began is \"yes\"",
        _our_reading(LOG_START, "GiaTri", "always-1"), ()),
)
# fmt: on

LEFT_OUT: dict[str, str] = {
    "AirStart.about": "its parts have rows of their own",
    "AsRun.about": "its parts have rows of their own",
    "AsRun.underruns": "a fault of the sound card, told over MQTT and in the report",
    "AsRun.sources": "there is room for one source: the last that sounded; in full over MQTT",
    "AsRun.silent_ms": "its reason and seconds of play tell it; in full over MQTT",
    "Event.v": "version of our contract, which they do not know",
    "Event.installation": "part of record.id",
    "Event.stream": "part of record.id",
    "Event.seq": "part of record.id",
    "Event.body": "start, run or receipt",
    "Event.station": "they know the station by CumLoaID",
    "Event.chain": "binds our own records; checked over MQTT and in the report",
    "OccurrenceRef.audience": "part of the occurrence's id in ThongTinChiTietBanTin",
    "OccurrenceRef.entry": "part of BanTinID and of the occurrence's id",
    "OccurrenceRef.nominal": "part of the occurrence's id in ThongTinChiTietBanTin",
    "AlarmEvent": "neither dialect has a message for alarms; they go over MQTT",
    "DocumentReceipt": "of signed documents; they have no LichPhatID, so it goes over MQTT",
    "Audit": "neither dialect has a message for audits; they go over MQTT",
    "WarningReport": "neither dialect has one; a warning's sound is in the journal as any item's",
    "Checkpoint": "signs our own records; checked over MQTT and in the report",
    "Segment": "every stretch of sound; they have no place for it, the sum is played_ms",
    "Snapshot.title": "neither status report has a title",
}
"""Fields and whole records of ours that deliberately have no row, and why."""


def messages_of(dialect: str) -> tuple[str, ...]:
    return tuple(name for name, (which, _, _) in MESSAGES.items() if which == dialect)


def places(message: str) -> Iterator[tuple[Row, Place]]:
    """What a message consists of, in the order of the table."""
    for row in ROWS:
        for place in (*row.a, *row.b):
            if message in place.messages:
                yield row, place


def build(message: str, scope: Scope) -> dict[str, Any]:
    """The message as JSON, from the table."""
    built: dict[str, Any] = {}
    for row, place in places(message):
        form = FORMS[place.form]
        value = None if row.ours == "-" else resolve(row.ours, scope, whole=form.of_record)
        _put(built, place.field, form.make(value, scope))
    return built


def resolve(path: str, scope: Scope, *, whole: bool = False) -> Any:
    """The value at `start.title`; whole: what it stands in."""
    root, _, rest = path.partition(".")
    if whole:
        rest = rest.rpartition(".")[0]
    found = scope.roots[root]
    return operator.attrgetter(rest)(found) if rest else found


def _put(built: dict[str, Any], field: str, value: Any) -> None:
    if field.endswith("]"):
        name, _, label = field[:-1].partition("[")
        items = built.setdefault(name, [])
        if value not in ("", None):
            items.append({"Ten": label, "GiaTri": str(value)})
        return
    outer, _, inner = field.rpartition(".")
    (built.setdefault(outer, {}) if outer else built)[inner] = value
