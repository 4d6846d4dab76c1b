"""One station on a Monday morning, for stories: what is done to it, and what is heard of it.

The same boxes, broker and office as the world uses; times are local, written as people say them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from agent.contract.documents import (
    Binding,
    Entry,
    FileSource,
    LateRule,
    ReplayEntry,
    Schedule,
    Settings,
    Source,
    ToneSource,
    When,
    ZoneSelector,
)
from agent.contract.documents import Warning as Emergency
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import Ack, AsRun
from agent.core.events import FetchFault, HostSeen, Requested
from agent.core.programme import speech_key
from agent.core.requests import AnnounceRequest
from agent.core.site import Amplifier, BusChoice, Site, Zone
from agent.core.source_calls import SourceRules
from agent.core.spoken import write_out
from simulator.world.box import Box
from simulator.world.broker import Broker
from simulator.world.clockwork import Clockwork
from simulator.world.judge import Judge
from simulator.world.office import Desk, Office, Owner
from simulator.world.plants import build
from simulator.world.server import Server
from simulator.world.signing import AUTHORITY, PROVINCE, trust_of
from simulator.world.timetable import Author, local, wall_of
from simulator.world.trace import Trace
from simulator.world.world import make_station

DAY = "2026-03-02"
BEGIN = f"{DAY}T04:30:00"
STATION = "tan-lien"
HOME = "g/vung"
ABOVE = "g/tinh"
GATES_MS = 100
"""Less than this is heard only while gates change."""

EVERYWHERE = ZoneSelector(all=True)


def only(*names: str) -> ZoneSelector:
    return ZoneSelector(names=names)


def entry(
    name: str,
    at: str,
    seconds: int | None = None,
    sources: tuple[Source, ...] = (),
    zones: ZoneSelector = EVERYWHERE,
    chime: bool = False,
    **more: Any,
) -> Entry:
    """A line of the timetable; its file is the slot of the same name."""
    return Entry(
        id=name,
        title=more.pop("title", name),
        when=When(start=f"{DAY}T{_full(at)}"),
        sources=sources or (FileSource(slot=name),),
        zones=zones,
        duration_ms=None if seconds is None else seconds * 1_000,
        chime=ToneSource() if chime else None,
        late=more.pop("late", LateRule()),
        **more,
    )


def _full(at: str) -> str:
    return at if at.count(":") == 2 else f"{at}:00"


@dataclass(frozen=True, slots=True)
class Sound:
    """A stretch that left the card: local times, and where in the file it began."""

    begin: str
    end: str
    position_s: float
    zones: tuple[str, ...]


class Village:
    """zones: dong, trung, doai. buses: how many programmes at a time."""

    def __init__(
        self,
        buses: int = 1,
        narrow: Iterable[str] = (),
        switched_on: bool = True,
        begin_ms: int | None = None,
        tz: str = "Asia/Ho_Chi_Minh",
        rules: SourceRules | None = None,
        backed_up: Iterable[str] = (),
        inputs: Iterable[str] = (),
        return_bus: int | None = None,
        return_inputs: Iterable[str] = (),
    ) -> None:
        """narrow: zones that can only hear bus 0. begin_ms: another instant than that Monday.

        rules: of its source-system API. backed_up: zones on a controller and amplifier of their
        own, which sounds without mains too. inputs: of the station; somebody speaks into each.
        return_bus: the bus that a return line hears; return_inputs: its names.
        """
        self.clock = Clockwork()
        self.wall0_ms = wall_of(BEGIN) if begin_ms is None else begin_ms
        self.broker = Broker(self.clock, self.wall_ms)
        self.server = Server()
        self.office = Office(self.clock, self.wall0_ms, self.broker, self.server, Random(1))
        self.trace = Trace()
        self.judge = Judge(self.office, self.trace, self.wall0_ms, 10_000)
        choices = tuple(BusChoice(bus, bus + 1) for bus in range(buses))
        zones = tuple(
            Zone(
                name,
                "c2" if name in backed_up else "c1",
                number,
                "amp-2" if name in backed_up else "amp",
                choices[:1] if name in narrow else choices,
            )
            for number, name in enumerate(("dong", "trung", "doai"))
        )
        amplifiers = [Amplifier("amp", "c1")]
        if backed_up:
            amplifiers.append(Amplifier("amp-2", "c2", backed_up=True))
        site = Site(
            STATION,
            "Tân Liên",
            tz,
            zones,
            tuple(amplifiers),
            buses,
            inputs=frozenset(inputs),
            return_bus=return_bus,
            return_inputs=frozenset(return_inputs),
            source_rules=rules,
        )
        self.box = Box(
            site,
            self.clock,
            self.wall0_ms,
            self.broker,
            self.server,
            build("", make_station),
            self.judge,
            "story",
        )
        self.judge.add(self.box)
        self.judge.case.announced.update(f"input:{name}" for name in inputs)
        self.outcomes: dict[tuple[str, str], AsRun] = {}
        self.desks = {
            HOME: self._desk(AUTHORITY, HOME),
            ABOVE: self._desk(PROVINCE, ABOVE),
        }
        groups = (("vung", AUTHORITY), ("tinh", PROVINCE))
        self.office.publish(trust_of(STATION, self.wall_ms() - 1_000, groups))
        if switched_on:
            self.box.power_on()
            self.wait(20)

    def _desk(self, authority: str, audience: str) -> Desk:
        author = Author(Random(2), audience, ("dong", "trung", "doai"))
        desk = Desk(authority, audience, author, [], [], [], {}, set())
        self.office.desks[audience] = desk
        return desk

    # --- time ---------------------------------------------------------------------------

    def wall_ms(self) -> int:
        return self.wall0_ms + self.clock.now_ms

    def at(self, when: str) -> int:
        """True milliseconds of a local time of this day."""
        return wall_of(f"{DAY}T{_full(when)}") - self.wall0_ms

    def until(self, when: str) -> None:
        assert self.at(when) >= self.clock.now_ms, f"{when} is over"
        self.clock.run(self.at(when))

    def wait(self, seconds: float) -> None:
        self.clock.run(self.clock.now_ms + round(seconds * 1_000))

    # --- the office ---------------------------------------------------------------------

    def timetable(
        self, *entries: Entry, audience: str = HOME, settings: Settings | None = None
    ) -> Schedule:
        """Push a revision and let it arrive."""
        schedule = self.office.push(self.desks[audience], entries, settings)
        self.wait(1)
        return schedule

    def publish(
        self,
        slot: str,
        seconds: float,
        audience: str = HOME,
        fault: FetchFault | None = None,
        version_of: str = "",
        audio: bool = True,
    ) -> str:
        """A file for `slot`; the station fetches it as soon as it can. Returns its hash.

        version_of: the entry of which it is a version in another language.
        """
        desk = self.desks[audience]
        length_ms = round(seconds * 1_000)
        sha256 = self.server.offer(f"{audience}{slot}", length_ms, fault, audio=audio)
        owner = Owner(audience, version_of or slot, DAY, version=bool(version_of))
        self.office.owners[f"content:{sha256}"] = owner
        desk.bindings[slot, None] = Binding(
            slot=slot,
            date=None,
            sha256=sha256,
            size=1_000,
            duration_ms=length_ms,
            url=f"https://content.example/{sha256}",
        )
        self.office.publish_bindings(desk)
        self.wait(3)
        return sha256

    def warn(self, minutes: float = 60, audience: str = HOME, **changes: Any) -> Emergency:
        changes = {"zones": EVERYWHERE, **changes}
        return self.office.warn(self.desks[audience], round(minutes * 60_000), 0, **changes)

    def cancel(self, warning: Emergency, audience: str = HOME) -> None:
        self.office.cancel(self.desks[audience], warning.id)

    def command(self, action: Any) -> Ack:
        """Send a command from the home authority and wait for its answer."""
        if isinstance(action, ReplayEntry):
            self.judge.case.replayed.add(action.entry)
        identity = self.office.command(AUTHORITY, HOME, action)
        self.wait(1)
        return self.broker.collector.acks[STATION][identity]

    def ask(self, body: Any) -> Any:
        """Ask at the station itself."""
        assert self.box.life is not None
        replies = self.box.life.replies
        before = len(replies)
        if isinstance(body, AnnounceRequest):
            words = write_out(body.text, body.language)
            self.judge.case.announced.add(f"speech:{speech_key(words, body.language)}")
        self.box.tell(Requested(1, "cán bộ", body))
        self.wait(0.5)
        assert len(replies) > before
        return replies[-1].body

    # --- what happens to the box --------------------------------------------------------

    def kill(self, down_s: float) -> None:
        self.box.kill(round(down_s * 1_000))

    def power_cut(self, off_s: float) -> None:
        self.box.power_cut()
        self.clock.after(round(off_s * 1_000), self.box.power_on)

    def mains(self, *, on: bool) -> None:
        """The grid fails and the box lives on its battery; or it is back."""
        (self.box.mains_on if on else self.box.mains_off)()

    def child_dies(self, back_s: float) -> None:
        assert self.box.life is not None
        self.box.life.child_dies(5, round(back_s * 1_000))

    def set_clock(self, by_s: float, *, trusted: bool = True) -> None:
        """Somebody sets the clock; the agent sees it within a second."""
        offset_ms = self.box.clocks.offset_ms + round(by_s * 1_000)
        self.box.set_wall(offset_ms, "trusted" if trusted else "untrusted")
        self.wait(1.5)
        self.box.tell(HostSeen())

    # --- what is heard ------------------------------------------------------------------

    def heard(self, name: str, zone: str = "") -> list[Sound]:
        """What left the card of an entry (or "warning"), as far as `zone` heard it."""
        if self.box.life is not None and self.box.life.card is not None:
            self.box.life.card.count()
        found: list[Sound] = []
        for played in self.box.played:
            owners = [self.office.owners.get(source) for source in played.sources]
            names = {o.entry or "warning" for o in owners if o is not None}
            if name not in (names or set(played.sources)):
                continue
            wanted = [one for one in played.stretches if not zone or zone in one.zones]
            if sum(one.to_ms - one.from_ms for one in wanted) < GATES_MS:
                continue
            begin_ms, end_ms = wanted[0].from_ms, wanted[-1].to_ms
            into_ms = begin_ms - played.begins_ms + played.parts[0][1]
            zones = [z.name for z in self.box.site.zones if played.heard_ms(z.name) >= GATES_MS]
            found.append(
                Sound(self._clock(begin_ms), self._clock(end_ms), into_ms / 1_000, tuple(zones))
            )
        return found

    def _clock(self, true_ms: int) -> str:
        return local(self.wall0_ms + true_ms + 500).strftime("%H:%M:%S")

    def outcome(self, name: str, zone: str = "dong") -> AsRun:
        """The one outcome of an entry in a zone, as the source system got it."""
        for (_, known, _, where), said in self.judge.case.files[STATION].outcomes.items():
            if (known, where) == (name, zone):
                return said
        raise AssertionError(f"no outcome of {name} in {zone} yet")

    def told(self, name: str, zone: str = "dong") -> tuple[str, OccurrenceReason | None]:
        said = self.outcome(name, zone)
        return said.outcome, said.reason

    def outcomes_of(self, name: str) -> int:
        return sum(1 for key in self.judge.case.files[STATION].outcomes if key[1] == name)
