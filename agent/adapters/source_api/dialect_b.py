"""Dialect B, the receiver client: login with a token, status, journal, receipts. Pure.

Where a field name was seen it is used as it was seen. That calls come in the answer to a status
report or to a poll, under `DanhSachLenh`, `DanhSachLichPhat` and `DanhSachLichPhatXoa`, is our
inference: how running systems bring them to a receiver behind 4G was not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import tzinfo
from types import SimpleNamespace
from typing import Any

import msgspec

from agent.adapters.source_api import mapping, tables, times
from agent.adapters.source_api.dialect import (
    CALLS_MAX,
    UNREADABLE,
    LoggedIn,
    Outgoing,
    about,
    bounded,
    record_key,
    shown,
)
from agent.adapters.source_api.forms import Look, Names, Scope, entry_of
from agent.adapters.source_api.settings import NOT_SEEN, SourceApiSection
from agent.contract.reasons import AckReason
from agent.contract.reports import AirStart, AsRun, Event, SourceReceipt, SourceVerb
from agent.core.source_calls import Airing, Call, Wanted

Text = str | int
"""Ids come as either."""

# --- what comes in -------------------------------------------------------------------------


class Area(msgspec.Struct, frozen=True):
    id: Text = msgspec.field(name="DichID", default="")
    name: Text = msgspec.field(name="TenDich", default="")


class Devices(msgspec.Struct, frozen=True):
    clusters: tuple[Text, ...] = msgspec.field(name="CumLoaID", default=())


class Order(msgspec.Struct, frozen=True):
    code: int = msgspec.field(name="MaLenh")
    parameter: Text = msgspec.field(name="ThamSo", default="")


class Command(msgspec.Struct, frozen=True):
    """The envelope that was seen at the server. LenhID is our addition; Otp is checked there."""

    order: Order = msgspec.field(name="DieuKhienThietBi")
    source: Text = msgspec.field(name="NguonID", default="")
    source_name: Text = msgspec.field(name="TenNguon", default="")
    areas: tuple[Area, ...] = msgspec.field(name="DanhSachDiaBanNhan", default=())
    devices: Devices = msgspec.field(name="DanhSachThietBi", default=Devices())
    id: Text = msgspec.field(name="LenhID", default="")


class Author(msgspec.Struct, frozen=True):
    name: Text = msgspec.field(name="TenDayDu", default="")
    pen_name: Text = msgspec.field(name="ButDanh", default="")
    email: Text = msgspec.field(name="Email", default="")


class Playing(msgspec.Struct, frozen=True):
    begin_s: int = msgspec.field(name="ThoiGianBatDau")
    end_s: int | None = msgspec.field(name="ThoiGianKetThuc", default=None)
    played: Any = msgspec.field(name="DaPhat", default=False)


class Day(msgspec.Struct, frozen=True):
    day: str = msgspec.field(name="TimNgayPhat")
    playings: tuple[Playing, ...] = msgspec.field(name="ThoiDiemPhat", default=())


class ScheduleItem(msgspec.Struct, frozen=True):
    """A bulletin of a schedule, as receivers store it."""

    schedule: Text = msgspec.field(name="LichPhatID")
    bulletin: Text = msgspec.field(name="BanTinID")
    bulletin_text: Text = msgspec.field(name="IDBanTinString", default="")
    kind: int = msgspec.field(name="LoaiBanTin", default=3)
    priority: int = msgspec.field(name="MucDoUuTien", default=3)
    title: Text = msgspec.field(name="TieuDe", default="")
    field: int = msgspec.field(name="LoaiLinhVuc", default=0)
    summary: Text = msgspec.field(name="NoiDungTomTat", default="")
    produced: int = msgspec.field(name="ThoiGianSanXuat", default=0)
    length: Text = msgspec.field(name="ThoiLuong", default="")
    author: Author = msgspec.field(name="TacGia", default=Author())
    url: str = msgspec.field(name="NoiDung", default="")
    origin: Text = msgspec.field(name="NguonTin", default="")
    days: tuple[Day, ...] = msgspec.field(name="DanhSachNgayPhat", default=())
    schedule_title: Text = msgspec.field(name="TenLichPhat", default="")
    source: Text = msgspec.field(name="NguonID", default="")
    cluster: Text | tuple[Text, ...] = msgspec.field(name="CumLoaID", default="")


class Deleted(msgspec.Struct, frozen=True):
    schedule: Text = msgspec.field(name="LichPhatID")
    title: Text = msgspec.field(name="TenLichPhat", default="")
    source: Text = msgspec.field(name="NguonID", default="")
    cluster: Text | tuple[Text, ...] = msgspec.field(name="CumLoaID", default="")


class _Inbox(msgspec.Struct, frozen=True):
    commands: tuple[Any, ...] = msgspec.field(name="DanhSachLenh", default=())
    items: tuple[Any, ...] = msgspec.field(name="DanhSachLichPhat", default=())
    deleted: tuple[Any, ...] = msgspec.field(name="DanhSachLichPhatXoa", default=())


class _Token(msgspec.Struct):
    token: str = msgspec.field(name="Token")


STOPS: dict[int, SourceVerb] = {
    tables.ThamSoDung.DUNG_TAT_CA: "stop",
    tables.ThamSoDung.CHUYEN_MUC_TIEP: "skip",
    tables.ThamSoDung.TAM_DUNG: "pause",
    tables.ThamSoDung.PHAT_TIEP: "resume",
}

PLAYED = frozenset({"1", "true"})
"""DaPhat; its type was not seen."""

PLAYABLE = (tables.LoaiBanTin.AM_THANH,)
"""Kinds of bulletin that a schedule item from here may have: what a signed file can be."""


@dataclass(frozen=True, slots=True)
class DialectB:
    """See `dialect.Dialect`."""

    settings: SourceApiSection
    tz: tzinfo
    address: Look
    bulletin: Names = entry_of

    # --- out ------------------------------------------------------------------------------

    def _scope(self, **roots: object) -> Scope:
        settings = self.settings
        known = {"ids": settings.ids, "codes": settings.codes, **roots}
        return Scope(known, self.tz, settings.codes, self.address, self.bulletin)

    def login(self, secret: str) -> Outgoing | None:
        if not secret:
            return None
        account = SimpleNamespace(username=self.settings.username, password=secret)
        body = mapping.build(mapping.LOGIN, self._scope(secret=account))
        return Outgoing(mapping.LOGIN, self.settings.paths.login, body)

    def logged_in(self, content: Any) -> LoggedIn | str:
        try:
            token = msgspec.convert(content, _Token).token
        except msgspec.ValidationError as error:
            return f"NoiDung.Token: {error}"
        # It goes into a header: nothing may end the line.
        fine = 0 < len(token) <= 8_192 and token.isascii() and token.isprintable()
        return LoggedIn(token) if fine else "NoiDung.Token: not a token"

    def greetings(self) -> tuple[Outgoing, ...]:
        return ()

    def status(self, now: object) -> Outgoing:
        body = mapping.build(mapping.STATUS, self._scope(now=now))
        return Outgoing(mapping.STATUS, self.settings.paths.status, body)

    def of_record(self, event: Event) -> tuple[Outgoing, ...]:
        paths, body = self.settings.paths, event.body
        match body:
            case AirStart():
                message, path, root = mapping.JOURNAL, paths.journal, "start"
            case AsRun():
                message, path, root = mapping.JOURNAL_END, paths.journal_end, "run"
            case SourceReceipt(what="save", state="applied"):
                message, path, root = mapping.SAVED, paths.schedule_saved, "receipt"
            case SourceReceipt(what="cancel", state="applied"):
                message, path, root = mapping.DELETED, paths.schedule_deleted, "receipt"
            case SourceReceipt():
                message, path, root = mapping.OUTCOME, paths.outcome, "receipt"
            case _:
                return ()
        if not path:
            return ()
        record = SimpleNamespace(at_ms=event.at_ms, id=record_key(event))
        built = mapping.build(message, self._scope(record=record, **{root: body}))
        return (Outgoing(message, path, built, record_key(event)),)

    def poll(self) -> Outgoing | None:
        ids = self.settings.ids
        asked = {"NguonID": ids.source_id, "CumLoaID": ids.cluster_id}
        return Outgoing("poll", self.settings.paths.poll, asked)

    def farewell(self) -> Outgoing | None:
        return None

    # --- in -------------------------------------------------------------------------------

    def calls(self, content: Any) -> tuple[Call, ...]:
        if not isinstance(content, dict):
            return ()
        try:
            inbox = msgspec.convert(content, _Inbox)
        except msgspec.ValidationError as error:
            return (Call("unknown", fault=str(error)),)
        found = [self._command(one) for one in inbox.commands[:CALLS_MAX]]
        found += self._saved(inbox.items[:CALLS_MAX])
        found += [self._deleted(one) for one in inbox.deleted[:CALLS_MAX]]
        return tuple(found[:CALLS_MAX])

    def _command(self, raw: Any) -> Call:
        try:
            return self._ordered(msgspec.convert(raw, Command))
        except UNREADABLE as error:
            return Call("unknown", said=shown(raw), fault=str(error))

    def _ordered(self, command: Command) -> Call:
        order = command.order
        said = f"MaLenh {order.code} ThamSo {order.parameter}"[:100]
        number = _number(order.parameter)
        call = Call("unknown", bounded(command.id), said, for_us=self._for_us(command))
        if order.code == tables.MaLenh.AM_LUONG:
            return replace(call, verb="volume", volume=number, fault=_volume_fault(number))
        if order.code == self.settings.codes.stop != NOT_SEEN and number in STOPS:
            return replace(call, verb=STOPS[number])
        return call

    def _for_us(self, command: Command) -> bool:
        ids = self.settings.ids
        if command.source and str(command.source) != ids.source_id:
            return False
        if command.devices.clusters:
            return ids.cluster_id in [str(one) for one in command.devices.clusters]
        if command.areas:
            return ids.target_id in [str(one.id) for one in command.areas]
        return True

    def _saved(self, items: tuple[Any, ...]) -> Iterator[Call]:
        """One call a schedule, in the order they came."""
        calls: dict[str, Call] = {}
        for raw in items:
            try:
                item = msgspec.convert(raw, ScheduleItem)
                wanted = self._wanted(item)
            except UNREADABLE as error:
                yield Call("save", said=shown(raw), fault=str(error))
                continue
            schedule, title = bounded(item.schedule), bounded(item.schedule_title)
            before = calls.get(schedule) or Call(
                "save", said=schedule[:100], schedule=schedule, title=title
            )
            calls[schedule] = replace(before, items=(*before.items, wanted))
        yield from calls.values()

    def _wanted(self, item: ScheduleItem) -> Wanted:
        bulletin = bounded(item.bulletin)
        if not self._names_us(item):
            return Wanted(bulletin, refused=AckReason.WRONG_AUDIENCE, detail=_whose(item))
        if item.kind not in PLAYABLE:
            detail = f"LoaiBanTin {item.kind}"
            return Wanted(bulletin, refused=AckReason.UNSUPPORTED, detail=detail)
        airings = self._airings(item)
        if isinstance(airings, str):
            return Wanted(bulletin, refused=AckReason.MALFORMED, detail=airings)
        names = tables.NAMES[tables.LoaiLinhVuc]
        return Wanted(
            bulletin=bulletin,
            title=str(item.title),
            klass=item.priority,
            url=item.url,
            airings=airings,
            author=str(item.author.name),
            field=names.get(item.field, ""),
            about=about(
                item.summary,
                times.read_epoch_s(item.produced),
                self.tz,
                item.author.pen_name,
                item.author.email,
            ),
        )

    def _names_us(self, said: ScheduleItem | Deleted) -> bool:
        """No field of theirs names the station; where one does all the same it must be ours."""
        ids = self.settings.ids
        clusters = said.cluster if isinstance(said.cluster, tuple) else (said.cluster,)
        ours = [str(one) for one in clusters if one != ""]
        return str(said.source) in ("", ids.source_id) and (not ours or ids.cluster_id in ours)

    def _airings(self, item: ScheduleItem) -> tuple[Airing, ...] | str:
        """What was played already is over; a day must be the day its times are on."""
        found: list[Airing] = []
        for day in item.days:
            on = times.read_day(day.day)
            if on is None:
                return f"TimNgayPhat {day.day[:40]!r}"
            for playing in day.playings:
                begin_ms = times.read_epoch_s(playing.begin_s)
                end_ms = None if playing.end_s is None else times.read_epoch_s(playing.end_s)
                if begin_ms is None or (playing.end_s is not None and end_ms is None):
                    return f"ThoiGianBatDau {playing.begin_s}"
                if times.local_date(begin_ms, self.tz) != on:
                    return f"ThoiGianBatDau {playing.begin_s} is not on {day.day}"
                if str(playing.played).casefold() not in PLAYED:
                    found.append(Airing(begin_ms, end_ms))
        return tuple(found)

    def _deleted(self, raw: Any) -> Call:
        try:
            deleted = msgspec.convert(raw, Deleted)
        except UNREADABLE as error:
            return Call("cancel", said=shown(raw), fault=str(error))
        schedule, title = bounded(deleted.schedule), bounded(deleted.title)
        ours = self._names_us(deleted)
        return Call("cancel", said=schedule[:100], schedule=schedule, title=title, for_us=ours)


def _number(parameter: Text) -> int | None:
    """ThamSo as it should be: up to three digits, as text or as a number."""
    text = str(parameter)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else None


def _whose(item: ScheduleItem) -> str:
    return bounded(f"NguonID {item.source} CumLoaID {item.cluster}")


def _volume_fault(number: int | None) -> str:
    return "" if number is not None and number <= 100 else "ThamSo is not a volume 0–100"
