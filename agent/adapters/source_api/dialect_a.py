"""Dialect A, the nine-call validator: api1 … api9. Pure.

api1–api3, api8 and api9 go out. api4–api7 come in: to a station behind 4G they can only come in
an answer, and that they stand there as `DanhSachLenh: [{Lenh: "api4", DuLieu: {…}}]` is our
inference, as is that api1 may answer with a token. What LoaiNhatKy, KieuLich and CheDoPhat mean
was NOT SEEN: without the configuration saying it, journal entries are not sent and schedules are
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta, tzinfo
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
from agent.contract.reports import AirStart, AsRun, Event, SourceReceipt
from agent.core.source_calls import Airing, Call, Wanted

DAYS_MAX = 400
CODE_DIGITS_MAX = 18
AIRINGS_MAX = 1_000

# --- what comes in -------------------------------------------------------------------------


class Api4(msgspec.Struct, frozen=True):
    source: str = msgspec.field(name="NguonId")
    cluster: str = msgspec.field(name="CumLoaId")
    volume: int = msgspec.field(name="AmLuong")


class Plan(msgspec.Struct, frozen=True):
    """LichPhat."""

    begin: tuple[str, ...] = msgspec.field(name="ThoiDiemBatDau")
    end: tuple[str, ...] = msgspec.field(name="ThoiDiemKetThuc")
    kind: int = msgspec.field(name="KieuLich")
    days: tuple[int, ...] = msgspec.field(name="DanhSachNgayPhat", default=())


class Sound(msgspec.Struct, frozen=True):
    """NoiDung. tanso: an FM frequency, so a relay of FM can be a bulletin."""

    url: str = msgspec.field(name="Link", default="")
    frequency: Any = msgspec.field(name="tanso", default=None)
    at: Any = msgspec.field(name="thoigian", default=None)
    order: Any = msgspec.field(name="order", default=None)


class Api7(msgspec.Struct, frozen=True):
    source: str = msgspec.field(name="NguonId")
    bulletin: str = msgspec.field(name="BanTinId")
    first: str = msgspec.field(name="NgayBatDau")
    last: str = msgspec.field(name="NgayKetThuc")
    mode: int = msgspec.field(name="CheDoPhat")
    plan: Plan = msgspec.field(name="LichPhat")


class Api5(Api7, frozen=True):
    title: str = msgspec.field(name="TieuDe", default="")
    field: Any = msgspec.field(name="LinhVuc", default="")
    summary: Any = msgspec.field(name="NoiDungTomTat", default="")
    produced: Any = msgspec.field(name="ThoiGianSanXuat", default=None)
    length: int = msgspec.field(name="ThoiLuong", default=0)
    author: Any = msgspec.field(name="TacGia", default="")
    sound: Sound | tuple[Sound, ...] = msgspec.field(name="NoiDung", default=Sound())
    made_in: Any = msgspec.field(name="DiaBanTao", default="")
    areas: tuple[Any, ...] = msgspec.field(name="DanhSachDiaBanNhan", default=())


class Api6(msgspec.Struct, frozen=True):
    source: str = msgspec.field(name="NguonId")
    bulletin: str = msgspec.field(name="BanTinId")


class Named(msgspec.Struct, frozen=True):
    """One of DanhSachLenh, all of it our reading. LenhID: as in dialect B."""

    call: str = msgspec.field(name="Lenh")
    said: dict[str, Any] = msgspec.field(name="DuLieu")
    id: str | int = msgspec.field(name="LenhID", default="")


class _Inbox(msgspec.Struct, frozen=True):
    calls: tuple[Any, ...] = msgspec.field(name="DanhSachLenh", default=())


@dataclass(frozen=True, slots=True)
class DialectA:
    """See `dialect.Dialect`."""

    settings: SourceApiSection
    tz: tzinfo
    address: Look
    bulletin: Names = entry_of

    # --- out ------------------------------------------------------------------------------

    def _out(
        self, message: str, path: str, key: str = "", mark: int = 0, **roots: object
    ) -> Outgoing:
        settings = self.settings
        known = {"ids": settings.ids, "codes": settings.codes, **roots}
        scope = Scope(known, self.tz, settings.codes, self.address, self.bulletin, mark)
        return Outgoing(message, path, mapping.build(message, scope), key)

    def login(self, secret: str) -> Outgoing | None:
        code = code_of(secret)
        if code is None:
            return None
        number = SimpleNamespace(password=code)
        return self._out(mapping.CONNECT, self.settings.paths.api1, secret=number)

    def logged_in(self, content: Any) -> LoggedIn | str:
        token = content.get("Token", "") if isinstance(content, dict) else ""
        fine = isinstance(token, str) and len(token) <= 8_192 and token.isascii()
        if not fine or not (token == "" or token.isprintable()):
            return "NoiDung.Token: not a token"
        return LoggedIn(token)

    def greetings(self) -> tuple[Outgoing, ...]:
        if not self.settings.ids.area or not self.settings.paths.api2:
            return ()
        return (self._out(mapping.AREA, self.settings.paths.api2),)

    def status(self, now: object) -> Outgoing:
        return self._out(mapping.REPORT, self.settings.paths.api8, now=now)

    def of_record(self, event: Event) -> tuple[Outgoing, ...]:
        path, codes = self.settings.paths.api9, self.settings.codes
        if not path:
            return ()
        record = SimpleNamespace(at_ms=event.at_ms)
        key, mark = record_key(event), event.seq
        match event.body:
            case AirStart() if codes.log_start != NOT_SEEN:
                message = mapping.LOG_START
                return (self._out(message, path, key, mark, record=record, start=event.body),)
            case AsRun() if codes.log_end != NOT_SEEN:
                message = mapping.LOG_END
                return (self._out(message, path, key, mark, record=record, run=event.body),)
            case SourceReceipt(items=items) as receipt if codes.log_receipt != NOT_SEEN:
                return tuple(
                    self._out(
                        mapping.LOG_RECEIPT,
                        path,
                        f"{key}/{place}",
                        mark,
                        record=record,
                        receipt=receipt,
                        item=item,
                    )
                    for place, item in enumerate(items)
                )
        return ()

    def poll(self) -> Outgoing | None:
        ids = self.settings.ids
        asked = {"NguonId": ids.source_id, "CumLoaId": ids.cluster_id}
        return Outgoing("poll", self.settings.paths.poll, asked)

    def farewell(self) -> Outgoing | None:
        path = self.settings.paths.api3
        return self._out(mapping.LEAVE, path) if path else None

    # --- in -------------------------------------------------------------------------------

    def calls(self, content: Any) -> tuple[Call, ...]:
        if not isinstance(content, dict):
            return ()
        try:
            inbox = msgspec.convert(content, _Inbox)
        except msgspec.ValidationError as error:
            return (Call("unknown", fault=str(error)),)
        return tuple(self._call(one) for one in inbox.calls[:CALLS_MAX])

    def _call(self, raw: Any) -> Call:
        try:
            named = msgspec.convert(raw, Named)
        except UNREADABLE as error:
            return Call("unknown", said=shown(raw), fault=str(error))
        readers: dict[str, Callable[[dict[str, Any]], Call]] = {
            "api4": self._api4,
            "api5": self._api5,
            "api6": self._api6,
            "api7": self._api7,
        }
        reader = readers.get(named.call)
        call = Call("unknown")
        if reader is not None:
            try:
                call = reader(named.said)
            except UNREADABLE as error:
                call = Call(VERBS[named.call], fault=str(error))
        return replace(call, id=bounded(named.id), said=f"{named.call} {call.said}".strip()[:100])

    def _api4(self, said: dict[str, Any]) -> Call:
        asked = msgspec.convert(said, Api4)
        ids = self.settings.ids
        ours = (asked.source, asked.cluster) == (ids.source_id, ids.cluster_id)
        return Call("volume", said=str(asked.volume), volume=asked.volume, for_us=ours)

    def _api5(self, said: dict[str, Any]) -> Call:
        asked = msgspec.convert(said, Api5)
        sounds = asked.sound if isinstance(asked.sound, tuple) else (asked.sound,)
        wanted = self._wanted(asked)
        if asked.length < 0:
            detail = f"ThoiLuong {asked.length}"
            wanted = replace(wanted, refused=AckReason.MALFORMED, detail=detail)
        if wanted.refused is None:
            wanted = replace(
                wanted,
                known=False,
                title=asked.title,
                url=sounds[0].url if sounds else "",
                author=_name_of(asked.author),
                about=about(
                    asked.summary,
                    times.read_moment(str(asked.produced), self.tz),
                    self.tz,
                    _of_table(asked.author, "ButDanh"),
                    _of_table(asked.author, "Email"),
                ),
                field=_field_name(asked.field),
            )
            if len(sounds) != 1 or any(one.frequency for one in sounds):
                detail = "NoiDung: only one file, no tanso"
                wanted = replace(wanted, refused=AckReason.UNSUPPORTED, detail=detail)
        return self._save(asked, wanted)

    def _api7(self, said: dict[str, Any]) -> Call:
        asked = msgspec.convert(said, Api7)
        return self._save(asked, self._wanted(asked))

    def _save(self, asked: Api7, wanted: Wanted) -> Call:
        ours = asked.source == self.settings.ids.source_id
        return Call("save", said=asked.bulletin, items=(wanted,), for_us=ours)

    def _api6(self, said: dict[str, Any]) -> Call:
        asked = msgspec.convert(said, Api6)
        ours = asked.source == self.settings.ids.source_id
        bulletin = bounded(asked.bulletin)
        return Call("cancel", said=bulletin, items=(Wanted(bulletin),), for_us=ours)

    def _wanted(self, asked: Api7) -> Wanted:
        """With its airings; everything else of the bulletin is as it is known."""
        bulletin = bounded(asked.bulletin)
        if asked.mode not in self.settings.codes.play_modes:
            detail = f"CheDoPhat {asked.mode}: codes.play_modes"
            return Wanted(bulletin, refused=AckReason.UNSUPPORTED, detail=detail)
        days = self._days(asked)
        if isinstance(days, str):
            return Wanted(bulletin, refused=AckReason.UNSUPPORTED, detail=days)
        airings = self._airings(asked.plan, days)
        if isinstance(airings, str):
            return Wanted(bulletin, refused=AckReason.MALFORMED, detail=airings)
        return Wanted(bulletin, airings=airings, known=True)

    def _days(self, asked: Api7) -> list[date] | str:
        """The dates it plays on, or why they cannot be told."""
        first, last = (times.read_moment(one, self.tz) for one in (asked.first, asked.last))
        if first is None or last is None:
            return "NgayBatDau, NgayKetThuc"
        begin, end = (times.local_date(one, self.tz) for one in (first, last))
        if not timedelta(0) <= end - begin < timedelta(days=DAYS_MAX):
            return f"NgayBatDau, NgayKetThuc: 0–{DAYS_MAX} days"
        every = [begin + timedelta(days=n) for n in range((end - begin).days + 1)]
        codes, kind, named = self.settings.codes, asked.plan.kind, set(asked.plan.days)
        if kind != NOT_SEEN:
            if kind == codes.once:
                return every[:1]
            if kind == codes.daily:
                return every
            if kind == codes.monthly:
                return [day for day in every if day.day in named]
            if kind == codes.weekly and codes.monday != NOT_SEEN:
                return [day for day in every if day.weekday() + codes.monday in named]
        return f"KieuLich {kind}: codes.once, daily, weekly, monthly"

    def _airings(self, plan: Plan, days: list[date]) -> tuple[Airing, ...] | str:
        spans = list(_spans(plan))
        if not spans or None in spans:
            return "ThoiDiemBatDau, ThoiDiemKetThuc"
        if len(days) * len(spans) > AIRINGS_MAX:
            return f"{len(days) * len(spans)} airings"
        return tuple(
            Airing(
                times.at_clock(day, begin, self.tz),
                times.at_clock(day + timedelta(days=int(end <= begin)), end, self.tz),
            )
            for day in days
            for begin, end in (span for span in spans if span is not None)
        )


def code_of(secret: str) -> int | None:
    """MaXacThuc, which is a number; None when this is none."""
    plain = secret.isascii() and secret.isdecimal() and len(secret) <= CODE_DIGITS_MAX
    return int(secret) if plain else None


VERBS: dict[str, Any] = {"api4": "volume", "api5": "save", "api6": "cancel", "api7": "save"}


def _spans(plan: Plan) -> Iterator[tuple[time, time] | None]:
    """Each begin with its end; None where one cannot be read or has no counterpart."""
    if len(plan.begin) != len(plan.end):
        yield None
        return
    for begin, end in zip(plan.begin, plan.end, strict=True):
        first, last = times.read_clock(begin), times.read_clock(end)
        yield None if first is None or last is None else (first, last)


def _name_of(author: Any) -> str:
    return _of_table(author, "TenDayDu") if isinstance(author, dict) else str(author or "")


def _of_table(author: Any, field: str) -> str:
    return str(author.get(field) or "") if isinstance(author, dict) else ""


def _field_name(field: Any) -> str:
    code = tables.field_code(str(field))
    return tables.NAMES[tables.LoaiLinhVuc][code] if code is not None else ""
