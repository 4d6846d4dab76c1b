"""What the configuration says about the source system: who we are to it, its paths, its codes.

Types and defaults only; `agent.config` checks how they fit together. Nothing of a province is
built in: ids, paths and every code whose meaning was not seen come from here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.core.source_calls import Permission

Name = Annotated[str, Meta(max_length=200)]
Path = Annotated[str, Meta(max_length=200, pattern=r"^(/[A-Za-z0-9/._~?=&-]*)?\Z")]
Code = Annotated[int, Meta(ge=-1, le=1_000_000)]
NOT_SEEN = -1
Dialect = Literal["", "a", "b"]


class Ids(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the station is to the source system, word for word as the province gave it out."""

    source_id: Name = ""
    """NguonID, such as H24"""
    source_name: Name = ""
    """TenNguon"""
    target_id: Name = ""
    """DichID: the area or unit the station belongs to"""
    target_name: Name = ""
    """TenDich"""
    cluster_id: Name = ""
    """CumLoaID, in practice the IMEI"""
    device_name: Name = ""
    """TenThietBi"""
    device_kind: Name = "Cụm loa truyền thanh"
    """TenLoaiThietBi"""
    vendor_id: Name = ""
    """MaNhaCungCap; empty: identity.supplier_code"""
    vendor_name: Name = ""
    """TenNhaCungCap; empty: identity.supplier"""
    area: Name = ""
    """DiaBanQuanLy; empty: identity.area_code, and without that api2 is not called"""
    amplifier_power: Name = ""
    """CongSuat, as on the type plate; empty: unknown"""


class Paths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Below base_url. No official path was seen. Empty: that message is not sent."""

    api1: Path = "/api1"
    api2: Path = "/api2"
    api3: Path = ""
    api8: Path = "/api8"
    api9: Path = "/api9"
    login: Path = "/login"
    status: Path = "/status"
    journal: Path = "/journal"
    journal_end: Path = ""
    schedule_saved: Path = "/schedule/saved"
    schedule_deleted: Path = "/schedule/deleted"
    outcome: Path = ""
    poll: Path = "/poll"


class Codes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers whose meaning was not seen. -1: not known, and what needs it is refused or unsent.

    Two have a default because their message must carry a number: connected, whose values were not
    seen, and default_field, where 1 (thông tin chung) was seen and that it is the default was not.

    log_*: LoaiNhatKy of api9. connected: TrangThaiKetNoi of api8. default_field: LoaiLinhVuc of
    an item whose field is none of the table's. stop: MaLenh of the stop command. once … monthly:
    KieuLich; monday: its number in DanhSachNgayPhat of a weekly one. play_modes: CheDoPhat taken
    as "play at these times".
    """

    log_start: Code = NOT_SEEN
    log_end: Code = NOT_SEEN
    log_receipt: Code = NOT_SEEN
    connected: Annotated[int, Meta(ge=0, le=1_000_000)] = 1
    default_field: Annotated[int, Meta(ge=1, le=6)] = 1
    stop: Code = NOT_SEEN
    once: Code = NOT_SEEN
    daily: Code = NOT_SEEN
    weekly: Code = NOT_SEEN
    monthly: Code = NOT_SEEN
    monday: Code = NOT_SEEN
    play_modes: tuple[Annotated[int, Meta(ge=0, le=2)], ...] = ()


class SourceApiSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[source_api]`. dialect empty: off.

    password_file: the password; for dialect A the number MaXacThuc. inbound: where calls are
    looked for. allow, volume_*, items_max: all that an unsigned call may do.
    """

    dialect: Dialect = ""
    base_url: Annotated[str, Meta(max_length=500)] = ""
    username: Name = ""
    password_file: str = ""
    ca: str = ""
    allow_http: bool = False
    status_every_s: Annotated[int, Meta(ge=5, le=3_600)] = 60
    connect_within_s: Annotated[int, Meta(ge=1, le=120)] = 15
    read_within_s: Annotated[int, Meta(ge=1, le=300)] = 20
    token_lifetime_s: Annotated[int, Meta(ge=0, le=31_536_000)] = 0
    keep_days: Annotated[int, Meta(ge=90, le=3_650)] = 180
    inbound: Literal["none", "answers", "poll"] = "none"
    poll_every_s: Annotated[int, Meta(ge=5, le=3_600)] = 60
    allow: tuple[Permission, ...] = ()
    volume_min: Annotated[int, Meta(ge=0, le=100)] = 0
    volume_max: Annotated[int, Meta(ge=0, le=100)] = 70
    items_max: Annotated[int, Meta(ge=1, le=1_000)] = 200
    already_known: tuple[Annotated[str, Meta(min_length=3, max_length=100)], ...] = (
        "đã tồn tại",
        "bản ghi bị trùng",
        "bản ghi trùng",
        "already exists",
    )
    """Words in MoTa of a failure that mean: this record is held already. See `answers.DOUBTS`."""
    login_again: tuple[Annotated[str, Meta(min_length=3, max_length=100)], ...] = (
        "token",
        "đăng nhập",
    )
    """Words in MoTa of a failure that mean: the login is over."""
    ids: Ids = Ids()
    paths: Paths = Paths()
    codes: Codes = Codes()
