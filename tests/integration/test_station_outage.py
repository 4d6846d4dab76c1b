"""Broker killed, collector off for three days of records, packets that vanish: nothing is lost.

One run for all tests. A station's three days are played by the core under virtual time, with the
documents of a real office, into the real journal; then a real agent starts on it while nobody
collects, the broker is killed twice with its queues, more is reported meanwhile, and at last the
collector returns. Beside it another station loses every packet without being told.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from agent.adapters.journal import Opened, open_journal
from agent.adapters.signature import verify
from agent.adapters.timezones import time_zone
from agent.config import Loaded, load
from agent.contract.documents import Cursor, Diagnose, Entry, ToneSource, When, ZoneSelector
from agent.contract.reports import AlarmEvent, AsRun, Audit
from agent.contract.topics import audience_down
from agent.core import requests
from agent.core.effects import Act, Append, Connect, HoldZones, PlayCue
from agent.core.events import (
    Booted,
    ControllerSeen,
    Event,
    FilesFound,
    LinkChanged,
    MessageArrived,
    Now,
    PlayerReady,
    SoundEnded,
    SoundStarted,
    Wake,
    ZoneSeen,
)
from agent.core.facts import Facts
from agent.core.programme import tone_ms
from agent.core.station import Station
from agent.core.trust import RootKeys
from simulator.amplifier.control import LineOpen
from simulator.demo.script import local
from simulator.demo.stage import StationSpec, now_ms
from simulator.source_system.district import District
from tests.integration.station_rig import AUTHORITY, ONE, Rig, sealed, until

log = logging.getLogger(__name__)

DAY_MS = 86_400_000
DAYS = 3
A_DAY = 48
ITEM_MS = 60_000

ANSWER_MS = 30_000
"""How long the agent waits for the broker's answer to a publish."""
NOTICED_WITHIN_MS = ANSWER_MS + 10_000
BACK_WITHIN_MS = 15_000

HOLE = StationSpec("xuat-le", "Đài xã Xuất Lễ", ("Nà Mò",))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Past:
    """A station's earlier days: the core under virtual time on the journal of a real agent."""

    def __init__(self, loaded: Loaded, journal_file: Path, begin_ms: int) -> None:
        opened = open_journal(journal_file, begin_ms)
        assert isinstance(opened, Opened)
        self._journal = opened.journal
        self._journal.start(lambda _: None)
        self._site = loaded.site
        root = RootKeys(loaded.roots.keys, loaded.roots.threshold)
        self._station = Station(loaded.site, Facts(), root, verify, time_zone)
        self._begin_ms = begin_ms
        self._due: list[tuple[int, int, Event]] = []
        self._count = itertools.count()
        self.told: list[AsRun] = []
        self.last = 0

    @property
    def installation(self) -> str:
        return self._journal.installation

    def at(self, wall_ms: int, event: Event) -> None:
        heapq.heappush(self._due, (wall_ms, next(self._count), event))

    def play(self, until_ms: int) -> None:
        """From the beginning until then; everything it saved is on the disk afterwards."""
        self.at(self._begin_ms, Booted(self.installation, "n-past"))
        self.at(self._begin_ms, FilesFound(()))
        self.at(self._begin_ms, PlayerReady("virtual", 80))
        wake_ms = self._begin_ms
        while True:
            if self._due and self._due[0][0] <= wake_ms:
                wall_ms, _, event = heapq.heappop(self._due)
            else:
                wall_ms, event = wake_ms, Wake()
            if wall_ms >= until_ms:
                break
            wake_ms = self._handle(event, wall_ms) or until_ms
        self._journal.close()

    def _handle(self, event: Event, wall_ms: int) -> int | None:
        offset_ms = self._begin_ms - 1_000
        batch = self._station.handle(event, Now(wall_ms - offset_ms, wall_ms))
        if batch.saves:
            self._journal.submit(batch.saves)
        for save in batch.saves:
            if isinstance(save, Append):
                self._note(save)
        for do in batch.acts:
            self._obey(do.act, wall_ms)
        wake_ms = batch.wake_at_mono_ms
        return None if wake_ms is None else max(wall_ms, wake_ms + offset_ms)

    def _note(self, save: Append) -> None:
        self.last = save.seq
        body = msgspec.json.decode(save.body)["body"]
        if body["kind"] == "asrun":
            self.told.append(msgspec.convert(body, AsRun))

    def _obey(self, act: Act, wall_ms: int) -> None:
        """Equipment that works, and no network."""
        match act:
            case Connect():
                self.at(wall_ms + 5_000, LinkChanged(False, "own_link", "no signal", 0.5))
            case PlayCue(cue):
                begin_ms = max(cue.start_at_ms, wall_ms)
                end_ms = begin_ms + sum(part.length_ms or tone_ms("chime") for part in cue.parts)
                if cue.end_at_ms is not None:
                    end_ms = min(end_ms, cue.end_at_ms)
                self.at(begin_ms, SoundStarted(cue.token, cue.bus, 0, 0, begin_ms))
                played_ms = end_ms - begin_ms
                ended = SoundEnded(
                    cue.token, cue.bus, "finished", end_ms, played_ms, 0, played_ms, -2_000, 0
                )
                self.at(end_ms, ended)
            case HoldZones():
                zones = tuple(ZoneSeen(one.zone, one.gate, "yes", "ok") for one in act.zones)
                power: Literal["on", "off"] = "on" if act.power else "off"
                self.at(wall_ms + 20, ControllerSeen(act.controller, "ready", zones, power))
            case _:
                pass


@dataclass(slots=True)
class Run:
    """What happened."""

    rig: Rig
    past: Past
    hole_ms: int
    noticed_ms: int
    back_ms: int
    newest: int
    """Number of the newest record in the station's own journal."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with Rig(tmp_path_factory.mktemp("outage"), ONE, HOLE) as rig:
        hole_ms = black_hole(rig)
        rig.stage.pilot.collector.stop()
        past = three_days_ago(rig)
        rig.stage.start_agent(ONE.id)
        until(lambda: published(rig) >= past.last, "everything published once", 30)
        noticed_ms = until(lambda: not rig.status(HOLE.id).connected and now_ms(), "it", 60)
        rig.station(HOLE.id).link.restore()
        restored_ms = now_ms()
        until(lambda: rig.status(HOLE.id).connected, "the return", 60)
        back_ms = now_ms() - restored_ms
        newest = kill_the_broker_while_events_are_reported(rig)
        for name in (ONE.id, HOLE.id):
            until(lambda name=name: rig.status(name).unsent_records == 0, "the cursor", 60)  # type: ignore[misc]
        yield Run(rig, past, hole_ms, noticed_ms, back_ms, newest)


def black_hole(rig: Rig) -> int:
    """No packet passes any more and no side is told; then the station has something to say."""
    rig.station(HOLE.id).link.black_hole()
    rig.station(HOLE.id).amplifier.inject(LineOpen(zone=1))
    return now_ms()


def three_days_ago(rig: Rig) -> Past:
    """Stop the agent and put an earlier life of it in its place."""
    rig.stage.stop_agent(ONE.id)
    for file in rig.state_dir().glob("journal.db*"):
        file.unlink()
    begin_ms = now_ms() - DAYS * DAY_MS
    office = District(rig.district.home.folder, by="A", clock_ms=lambda: begin_ms)
    office.enrol(ONE.id, name=ONE.name, zones=dict.fromkeys(ONE.zones, ONE.tags))
    hours = ",".join(str(hour) for hour in range(24))
    rule = f"FREQ=DAILY;BYHOUR={hours};BYMINUTE=5,35;BYSECOND=0"
    often = Entry(
        id="chuong",
        title="Chuông",
        when=When(start=local(begin_ms + 60_000), rrule=rule),
        sources=(ToneSource(name="chime"),),
        duration_ms=ITEM_MS,
        zones=ZoneSelector(all=True),
    )
    office.push((often,), to=f"s/{ONE.id}", wait_s=0)
    past = Past(
        load(rig.station().folder / "station.toml"), rig.state_dir() / "journal.db", begin_ms
    )
    for number, kind in enumerate(("trust", "schedule"), start=1):
        push = office.ledger.latest(f"s/{ONE.id}", kind)
        assert push is not None
        topic = audience_down(push.audience, kind)
        past.at(begin_ms + 10, MessageArrived(number, topic, push.sealed, True))
    past.at(begin_ms + 20, cursor(rig, past.installation, begin_ms))
    past.play(now_ms() - 60_000)
    return past


def cursor(rig: Rig, installation: str, at_ms: int) -> MessageArrived:
    """What the source system said when it was last heard of."""
    said = Cursor(
        v=1,
        authority=AUTHORITY,
        audience=f"s/{ONE.id}",
        issued_at_ms=at_ms,
        accept_until_ms=at_ms + DAY_MS,
        revision=1,
        installation=installation,
        stream="main",
        through=0,
        reconnect_spread_ms=1_000,
    )
    body = sealed(msgspec.json.encode(said), rig.key("freshness"))
    return MessageArrived(3, audience_down(f"s/{ONE.id}", "cursor"), body, True)


def published(rig: Rig) -> int:
    """The highest number that passed the broker, whoever took it in."""
    topic = f"radio/v1/s/{ONE.id}/up/event"
    return max((said["seq"] for _, at, said in rig.stage.observer.seen if at == topic), default=0)


def kill_the_broker_while_events_are_reported(rig: Rig) -> int:
    """Twice, each time with what it had queued; returns the number of the newest record.

    Nobody collects until the second kill; then the collector is back before the station is.
    """
    for last in (False, True):
        for _ in range(5):
            rig.district.command(f"s/{ONE.id}", Diagnose(), wait_s=0)  # each makes a record
        before = rig.status().connected_since_ms
        if last:
            rig.station().link.cut()
        rig.stage.pilot.restart_broker(kill=True)
        if last:
            rig.stage.pilot.collector.start()
            assert rig.stage.pilot.collector.connected.wait(30)
            rig.station().link.restore()
        until(lambda before=before: connected_since(rig, before), "the station", 30)  # type: ignore[misc]
    answer = rig.ask(requests.JournalRequest(1))
    assert isinstance(answer, requests.JournalView)
    return answer.records[0].seq


def connected_since(rig: Rig, before_ms: int | None) -> bool:
    status = rig.status()
    return status.connected and status.connected_since_ms != before_ms


# --- what was kept -------------------------------------------------------------------------


def test_the_three_days_were_worth_the_name(run: Run) -> None:
    """Guards the test itself: hundreds of records, most of them played."""
    assert len(run.past.told) >= (DAYS * A_DAY - 3) * len(ONE.zones)
    outcomes = Counter(one.outcome for one in run.past.told)
    assert outcomes["played"] >= 0.99 * len(run.past.told), outcomes


def test_every_number_reached_the_source_system_once(run: Run) -> None:
    mine = [one for one in run.rig.events() if one.installation == run.past.installation]
    numbers = sorted(one.seq for one in mine)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= run.newest > run.past.last
    journal = run.rig.district.journal
    assert not journal.lost()
    assert "conflicts" not in journal.counters()


def test_every_occurrence_is_known_once_for_each_zone(run: Run) -> None:
    def key(one: AsRun) -> tuple[str, str, str]:
        return one.occurrence.entry, one.occurrence.nominal, one.zone

    stored = Counter(key(one) for one in run.rig.as_run())
    assert [one for one, count in stored.items() if count > 1] == []
    assert {key(one) for one in run.past.told} <= stored.keys()


def test_the_records_are_those_that_were_made(run: Run) -> None:
    stored = {one.seq: one for one in run.rig.events() if isinstance(one.body, AsRun)}
    made = {(one.occurrence, one.zone): one for one in run.past.told}
    for event in stored.values():
        assert isinstance(event.body, AsRun)
        earlier = made.get((event.body.occurrence, event.body.zone))
        assert earlier is None or earlier == event.body


def test_what_happened_while_the_broker_was_killed_is_there_too(run: Run) -> None:
    later = [one.body for one in run.rig.events() if one.seq > run.past.last]
    assert [one for one in later if isinstance(one, Audit) and "Diagnose" in one.what]


# --- packets that vanish -------------------------------------------------------------------


def test_a_half_open_connection_is_noticed_and_left(run: Run) -> None:
    took_ms = run.noticed_ms - run.hole_ms
    log.info("half-open connection: noticed after %s ms, back after %s ms", took_ms, run.back_ms)
    assert took_ms <= NOTICED_WITHIN_MS
    assert took_ms >= ANSWER_MS - 5_000, "it was told, so it was no black hole"


def test_after_the_packets_pass_again_it_is_back_soon(run: Run) -> None:
    assert run.back_ms <= BACK_WITHIN_MS


def test_what_could_not_be_said_is_said_afterwards(run: Run) -> None:
    alarms = [one.body for one in run.rig.events(HOLE.id) if isinstance(one.body, AlarmEvent)]
    assert [one.subject for one in alarms if one.code == "zone_not_confirmed"] == ["Nà Mò"]
