"""Random stations and items for the planner's property tests, and ways to read a plan.

Small on purpose: few zones, buses and classes and starts close together, so that nearly every
example collides. All times are whole seconds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef
from agent.core.items import FOREVER_MS, Bar, Item, Run, play_ms
from agent.core.planner import SILENCE, Decision, Plan, decide, follow
from agent.core.site import Amplifier, BusChoice, Site, Zone

FUZZ = os.environ.get("COMMUNE_RADIO_FUZZ") == "1"
SPAN_S = 150

some_bars = st.sampled_from((0, 0, 0, 3))
"""Most items are bound by nothing."""

Late = Literal["join", "restart", "skip"]
Resume = Literal["rejoin", "continue", "drop", "restart"]
End = Literal["cut", "finish", "fade"]


def examples(few: int) -> settings:
    """The same `few` examples every time; with `make fuzz` more, and new ones."""
    return settings(max_examples=few * 5 if FUZZ else few)


def make_site(choices: Sequence[Sequence[int]], buses: int) -> Site:
    """Zones z0, z1, … that can select the given buses, best first."""
    zones = tuple(
        Zone(f"z{n}", "main", n, "amp", tuple(BusChoice(bus, bus + 1) for bus in choice))
        for n, choice in enumerate(choices)
    )
    return Site("s", "S", "Asia/Ho_Chi_Minh", zones, (Amplifier("amp", "main"),), buses)


def make_item(
    key: str,
    start_s: int,
    length_s: int,
    zones: Sequence[str],
    *,
    klass: int = 3,
    rank: int = 0,
    order: int = 0,
    slot_s: int | None = None,
    known: bool = True,
    late: Late = "join",
    grace_s: int = 0,
    resume: Resume = "rejoin",
    end: End = "cut",
    within_s: int = 0,
    ready: bool = True,
    decided: int = 0,
    bars: tuple[Bar, ...] = (),
) -> Item:
    total_ms = length_s * 1000 if known else None
    slot_ms = slot_s * 1000 if slot_s is not None else None if known else length_s * 1000
    return Item(
        key=key,
        ref=OccurrenceRef(authority="a", audience="s:1", entry=key, nominal="2026-01-01T05:00:00"),
        title=key,
        klass=klass,
        rank=rank,
        order=order,
        start_ms=start_s * 1000,
        zones=tuple(zones),
        play_ms=play_ms(slot_ms, total_ms, end, within_s * 1000),
        total_ms=total_ms,
        late=late,
        grace_ms=grace_s * 1000,
        resume=resume,
        end=end,
        within_ms=within_s * 1000,
        ready=ready,
        decided=decided,
        bars=bars,
    )


@st.composite
def sites(draw: st.DrawFn) -> Site:
    buses = draw(st.sampled_from((1, 1, 2, 2, 2, 3)))
    choice = st.permutations(range(buses)).flatmap(
        lambda order: st.integers(1, buses).map(lambda many: order[:many])
    )
    return make_site(draw(st.lists(choice, min_size=1, max_size=4)), buses)


@st.composite
def _bars(draw: st.DrawFn, zones: Sequence[str]) -> Bar:
    """A zone may not hear it: from the beginning, for a while, or from then on for good."""
    from_s = draw(st.sampled_from((0, 0)) | st.integers(0, SPAN_S))
    to_s = draw(st.none() | st.integers(from_s, SPAN_S))
    return Bar(
        draw(st.sampled_from(zones)),
        OccurrenceReason.QUIET,
        "",
        from_s * 1000,
        FOREVER_MS if to_s is None else to_s * 1000,
    )


@st.composite
def _items(draw: st.DrawFn, site: Site, number: int, finishing: bool) -> Item:
    names = [zone.name for zone in site.zones]
    addressed = draw(st.sets(st.sampled_from(names), min_size=1))
    ends: tuple[End, ...] = ("finish",) if finishing else ("cut", "finish", "fade")
    return make_item(
        f"i{number}",
        draw(st.integers(0, SPAN_S // 3)),
        draw(st.integers(0, 3) | st.integers(1, 70)),
        [name for name in names if name in addressed],
        klass=draw(st.sampled_from((1, 2, 3, 3, 3))),
        rank=draw(st.sampled_from((0, 0, 1))),
        order=draw(st.sampled_from((0, 0, 0, -1))),
        slot_s=draw(st.none() | st.integers(1, 50)),
        known=draw(st.sampled_from((True, True, True, False))),
        late=draw(st.sampled_from(("join", "restart", "skip"))),
        grace_s=draw(st.integers(0, 60)),
        resume=draw(st.sampled_from(("rejoin", "continue", "drop", "restart"))),
        end=draw(st.sampled_from(ends)),
        within_s=draw(st.integers(0, 40)),
        ready=draw(st.sampled_from((True, True, True, True, False))),
        decided=draw(st.sampled_from((0, 0, 0, 0, -1, 1))),
        bars=tuple(draw(st.lists(_bars(sorted(addressed)), max_size=draw(some_bars)))),
    )


@st.composite
def stations(draw: st.DrawFn) -> tuple[Site, list[Item]]:
    """A site and up to seven items; in some examples all of them may finish."""
    site = draw(sites())
    finishing = draw(st.booleans())
    many = draw(st.integers(1, 7))
    return site, [draw(_items(site, number, finishing)) for number in range(many)]


def states(plan: Plan, step_ms: int = 1000) -> Iterator[tuple[int, Decision]]:
    """What the plan says at every `step_ms`, read from its spans; ends are cut to the plan."""
    for t_ms in range(plan.from_ms, plan.until_ms, step_ms):
        yield t_ms, state_at(plan, t_ms)


def state_at(plan: Plan, t_ms: int) -> Decision:
    from agent.core.planner import InZone, OnBus

    zones = [span for span in plan.zones if span.from_ms <= t_ms < span.to_ms]
    buses = [span for span in plan.buses if span.from_ms <= t_ms < span.to_ms]
    assert len({span.zone for span in zones}) == len(zones), "a zone hears two things"
    assert len({span.bus for span in buses}) == len(buses), "a bus carries two things"
    return Decision(
        {span.bus: OnBus(span.key, span.origin_ms, 0) for span in buses},
        {span.zone: InZone(span.key, span.bus) for span in zones},
    )


def same(one: Decision, other: Decision) -> bool:
    """The same sound in the same places, whatever is told of those that wait."""
    return one.zones == other.zones and origins(one) == origins(other)


def origins(decision: Decision) -> dict[int, tuple[str, int]]:
    return {bus: (on.key, on.origin_ms) for bus, on in decision.buses.items()}


class Live:
    """Decides and follows at the instants it is woken at, as the station does."""

    def __init__(self, site: Site, items: Sequence[Item]) -> None:
        self.site = site
        self.items = items
        self.runs: Mapping[str, Run] = {}
        self.decision = SILENCE

    def wake(self, t_ms: int) -> Decision:
        after = decide(self.site, self.items, self.runs, self.decision, t_ms)
        self.runs = follow(self.runs, self.decision, after, t_ms)
        self.decision = after
        return after
