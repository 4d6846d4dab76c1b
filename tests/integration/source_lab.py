"""A station's journal and its uplink over real HTTP, with the waits of days passed in no time.

Real: the journal in SQLite, the core (`Station`), the client, the reference source system. By
hand: the monotonic clock, which only the uplink's own waits move. What the uplink tells goes into
the core and from there into the journal, as in the daemon; a crash loses what was not saved yet.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

from agent.adapters.journal import Opened, SqliteJournal, open_journal
from agent.adapters.ports import Durable, Settled
from agent.adapters.signature import verify
from agent.adapters.source_api.client import Client, Server
from agent.adapters.source_api.dialect import Dialect
from agent.adapters.source_api.dialect_a import DialectA
from agent.adapters.source_api.dialect_b import DialectB
from agent.adapters.source_api.settings import Codes, Ids, Paths, SourceApiSection
from agent.adapters.source_api.uplink import Around, SourceUplink
from agent.adapters.timezones import time_zone
from agent.contract.documents import About
from agent.contract.reports import AirStart, AsRun, Audit, Body, OccurrenceRef, SourceReceipt
from agent.core.events import Booted, Event, Now, SourceApiSeen, SourceTook
from agent.core.facts import Facts
from agent.core.site import Amplifier, BusChoice, Place, Site, Zone
from agent.core.source_calls import SourceRules
from agent.core.source_view import Snapshot, snapshot
from agent.core.station import Station
from agent.core.trust import RootKeys
from agent.core.turn import Turn
from simulator.httn.server import Httn, Settings
from simulator.httn.store import Stored

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN_MS = 1_772_400_600_000
DAY_MS = 86_400_000
PATIENCE = 20_000
"""Steps; more means that it hangs."""

Name = Literal["a", "b"]
RULES = SourceRules(frozenset({"volume", "stop", "skip", "schedule"}), 10, 60)
SITE = Site(
    "tan-lien",
    "Đài xã Tân Liên",
    "Asia/Ho_Chi_Minh",
    (Zone("Thôn Đông", "c1", 1, "amp", (BusChoice(0, 1),)),),
    (Amplifier("amp", "c1"),),
    version="0.1.0",
    place=Place(20_700_000, 106_500_000),
    source_rules=RULES,
)
IDS = Ids(
    source_id="H24",
    source_name="Thành phố Hải Phòng",
    target_id="D01",
    target_name="Xã Tân Liên",
    cluster_id="861234567890123",
    device_name="Cụm xã Tân Liên",
    vendor_id="CR",
    vendor_name="Commune Radio",
    area="D01",
)
CODES = Codes(log_start=1, log_end=2, log_receipt=3, stop=1, once=0, daily=1, play_modes=(0,))
EVERY_PATH = Paths(journal_end="/journal/end", outcome="/outcome")


def section(dialect: Name, base_url: str, **more: Any) -> SourceApiSection:
    known: dict[str, Any] = {
        "dialect": dialect,
        "base_url": base_url,
        "username": "cum-loa",
        "allow_http": True,
        "ids": IDS,
        "codes": CODES,
        "paths": EVERY_PATH,
        "connect_within_s": 2,
        "read_within_s": 2,
    }
    return SourceApiSection(**{**known, **more})


SECRETS = {"a": "123456", "b": "mat-khau-thu"}


def dialect_of(settings: SourceApiSection) -> Dialect:
    if settings.dialect == "a":
        return DialectA(settings, HANOI, lambda *_: "")
    return DialectB(settings, HANOI, lambda *_: "http://x/y.mp3")


@dataclass
class Hand:
    """A monotonic clock that moves when somebody waits."""

    mono_ms: int = 1_000_000

    async def sleep(self, seconds: float) -> None:
        self.mono_ms += max(1, round(seconds * 1_000))


@dataclass
class Box:
    """One life of a station on its journal file. `crash` and make another one.

    shown: what the status tells, instead of how the station is.
    """

    file: Path
    settings: SourceApiSection
    hand: Hand = field(default_factory=Hand)
    seed: int = 1
    dead: bool = False
    shown: Snapshot | None = None
    told: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        opened = open_journal(self.file, BEGIN_MS)
        assert isinstance(opened, Opened)
        self.journal: SqliteJournal = opened.journal
        facts = Facts(self.journal.load())
        self.station = Station(SITE, facts, RootKeys({}, 1), verify, time_zone)
        self._durable = threading.Condition()
        self._through = self._ticket = 0
        self.journal.start(self._settled)
        self.wall_ms = BEGIN_MS
        self._handle(Booted(self.journal.installation))
        server = Server(
            self.settings.base_url,
            self.settings.ca,
            self.settings.allow_http,
            self.settings.connect_within_s,
            self.settings.read_within_s,
        )
        self.client = Client(server)
        self.uplink = SourceUplink(
            self.settings, dialect_of(self.settings), self.client, self._around()
        )

    def _around(self) -> Around:
        facts = self.station.facts
        return Around(
            emit=self._emit,
            records=self.journal,
            mono_ms=lambda: self.hand.mono_ms,
            chance=Random(self.seed).random,
            now=lambda: self.shown or snapshot(self.station),
            secret=lambda: SECRETS[self.settings.dialect],
            newest=lambda: facts.marks.next_seq - 1,
            through=facts.marks.source_through,
            set_aside=tuple(int(key) for key in facts.set_aside),
            sleep=self.hand.sleep,
        )

    # --- the core -------------------------------------------------------------------------

    def _emit(self, event: Event) -> None:
        self.told.append(event)
        if not self.dead:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        now = Now(self.hand.mono_ms, self.wall_ms)
        self._save(self.station.handle(event, now).saves)

    def _save(self, saves: Any) -> None:
        self._ticket = self.journal.submit(saves)

    def _settled(self, settled: Settled) -> None:
        assert isinstance(settled, Durable)
        with self._durable:
            self._through = settled.through
            self._durable.notify_all()

    def write(self, *bodies: Body, at_ms: int | None = None) -> None:
        """Records of the station's own life, on the disk afterwards."""
        self.wall_ms = at_ms if at_ms is not None else self.wall_ms + 1
        turn = Turn(Now(self.hand.mono_ms, self.wall_ms))
        for body in bodies:
            self.station.reporter.record(body, turn)
        self._save(self.station.facts.taken())
        self.flush()

    def flush(self) -> None:
        with self._durable:
            assert self._durable.wait_for(lambda: self._through >= self._ticket, 10)

    def live(self, days: int, a_day: int) -> list[AirStart]:
        """Days of items, with what else is in a journal between them."""
        started = []
        for number in range(days * a_day):
            at_ms = BEGIN_MS + number * DAY_MS // a_day
            begun = start(number, at_ms)
            started.append(begun)
            self.write(begun, at_ms=at_ms)
            self.write(Audit(what="local_volume", by="hoa", detail="60"), ended(number, at_ms))
        return started

    # --- the uplink -----------------------------------------------------------------------

    @property
    def newest(self) -> int:
        return self.station.facts.marks.next_seq - 1

    def steps(self, count: int) -> None:
        async def some() -> None:
            for _ in range(count):
                await self.hand.sleep(await self.uplink.step())
                self.flush()

        asyncio.run(some())

    def until(self, done: Callable[[], bool], steps: int = PATIENCE) -> None:
        async def run() -> None:
            for _ in range(steps):
                if done():
                    return
                wait_s = await self.uplink.step()
                if wait_s > 0:
                    await self.hand.sleep(wait_s)
                    self.flush()
            raise AssertionError(f"not done after {steps} steps")

        asyncio.run(run())

    def drain(self) -> None:
        """Until everything of the journal is done there."""
        self.until(lambda: self.uplink.through >= self.newest and not self.uplink.busy)

    def crash(self) -> None:
        """kill -9: nothing more is saved, and the next life begins from the file."""
        self.dead = True
        self.flush()
        self.journal.close()
        self.client.close()

    def states(self) -> list[str]:
        return [one.state for one in self.told if isinstance(one, SourceApiSeen)]

    def set_aside(self) -> list[tuple[int, str]]:
        return [pair for one in self.told if isinstance(one, SourceTook) for pair in one.set_aside]


def ref(number: int) -> OccurrenceRef:
    nominal = "2026-03-02T05:00:00"
    return OccurrenceRef(
        authority="huyen", audience="g/tat-ca", entry=f"muc-{number}", nominal=nominal
    )


ABOUT = About(
    summary="Lịch tiêm chủng tháng ba",
    produced="2026-03-01",
    pen_name="An Nhiên",
    email="an@xamau.example",
)


def start(number: int, at_ms: int) -> AirStart:
    return AirStart(
        occurrence=ref(number),
        title=f"Bản tin {number}",
        klass=3,
        zones=("Thôn Đông",),
        planned_start_ms=at_ms,
        planned_duration_ms=90_000,
        author="Nguyễn Văn An",
        approver="Trần Thị Bình",
        field="Đường lối, chính sách, pháp luật",
        language="vi",
        source="file:0123456789ab",
        volume=60,
        revision=7,
        about=ABOUT,
    )


def ended(number: int, at_ms: int) -> AsRun:
    return AsRun(
        occurrence=ref(number),
        zone="Thôn Đông",
        title=f"Bản tin {number}",
        klass=3,
        planned_start_ms=at_ms,
        planned_duration_ms=90_000,
        outcome="played",
        reason=None,
        confirmed="yes",
        played_ms=90_000,
        about=ABOUT,
    )


def entries_of(httn: Httn, dialect: Name) -> list[str]:
    """Which items' begins the source system holds, in the order they came."""
    if dialect == "b":
        return [_bulletin(one) for one in httn.store.messages("journal")]
    logs = httn.store.messages("api9")
    return [_bulletin(one) for one in logs if one.body["LoaiNhatKy"] == CODES.log_start]


def ends_of(httn: Httn, dialect: Name) -> list[str]:
    if dialect == "b":
        return [_bulletin(one) for one in httn.store.messages("journal_end")]
    logs = httn.store.messages("api9")
    return [_bulletin(one) for one in logs if one.body["LoaiNhatKy"] == CODES.log_end]


def _bulletin(stored: Stored) -> str:
    return str(stored.body.get("BanTinID", stored.body.get("BanTinId")))


def expected(started: list[AirStart]) -> list[str]:
    return [f"huyen/{one.occurrence.entry}" for one in started]


def receipt(**more: Any) -> SourceReceipt:
    known: dict[str, Any] = {"what": "save", "state": "applied", "schedule": "LP7"}
    return SourceReceipt(**{**known, "title": "Tuần 48", "items": ("BT1", "BT2"), **more})


class Lab:
    """One source system, and the lives of one station one after the other."""

    def __init__(self, folder: Path, dialect: Name, settings: Settings | None = None) -> None:
        self.folder = folder
        self.dialect: Name = dialect
        self.hand = Hand()
        self.httn = Httn(settings, now_ms=lambda: self.hand.mono_ms)
        self.box: Box | None = None

    def life(self, **more: Any) -> Box:
        """The next one; the one before crashes."""
        if self.box is not None:
            self.box.crash()
        settings = section(self.dialect, more.pop("base_url", self.httn.base_url), **more)
        self.box = Box(self.folder / "journal.db", settings, hand=self.hand)
        return self.box

    def begun(self) -> list[str]:
        return entries_of(self.httn, self.dialect)

    def ended(self) -> list[str]:
        return ends_of(self.httn, self.dialect)

    def seen(self, *messages: str) -> int:
        return sum(one in messages for one in self.httn.desk.seen)

    @property
    def status(self) -> str:
        return "api8" if self.dialect == "a" else "status"


Open = Callable[..., Lab]
