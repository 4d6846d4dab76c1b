"""Warnings over a night of outages: on their beats, never twice in a row, never told as heard where
there was no mains, and after any restart the same ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AsRun
from agent.core import warnings
from agent.core.warnings import next_beat, rests_until
from simulator.world.evidence import complete, whole
from simulator.world.sound import Played
from tests.scenario.village import STATION, Village
from tests.vectors import district as d

pytestmark = pytest.mark.timeout(0)

MINUTE_MS = 60_000
ZONES = ("dong", "trung", "doai")
VALID_MIN = 100

nights = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


# --- the beat itself ---------------------------------------------------------------------------


@settings(max_examples=500, deadline=None)
@given(
    interval_s=st.integers(1, 6 * 3_600),
    plays=st.lists(st.tuples(st.integers(0, 7_200), st.integers(1, 600)), min_size=1, max_size=30),
)
def test_every_play_is_due_on_a_beat_however_late_and_long_the_ones_before_were(
    interval_s: int, plays: list[tuple[int, int]]
) -> None:
    warning = d.warning(repeat_every_ms=interval_s * 1_000)
    interval = warnings.interval_ms(warning)
    due_ms, ended_ms = warning.issued_at_ms, 0
    for late_s, length_s in plays:
        began_ms = max(due_ms, ended_ms) + late_s * 1_000
        ended_ms = began_ms + length_s * 1_000
        due_ms = next_beat(warning, rests_until(warning, began_ms, ended_ms))
        assert (due_ms - warning.issued_at_ms) % interval == 0
        assert due_ms - ended_ms >= warnings.SILENCE_MS
        assert due_ms - began_ms >= interval // 2
        assert due_ms - ended_ms <= max(interval, warnings.SILENCE_MS) + interval


# --- a night -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trouble:
    """What happens to the station `at_s` after the issue, and for how long."""

    what: str
    at_s: int
    for_s: int


def troubles(*what: str) -> st.SearchStrategy[list[Trouble]]:
    one = st.builds(
        Trouble, st.sampled_from(what), st.integers(0, VALID_MIN * 60), st.integers(1, 2_400)
    )
    return st.lists(one, max_size=6).map(_apart)


def _apart(found: list[Trouble]) -> list[Trouble]:
    """One after the other, so that what one ends is not what another began."""
    kept: list[Trouble] = []
    for one in sorted(found, key=lambda each: each.at_s):
        if not kept or one.at_s > kept[-1].at_s + kept[-1].for_s + 10:
            kept.append(one)
    return kept


def arrange(village: Village, night: list[Trouble]) -> None:
    box, clock = village.box, village.clock

    def child_dies(back_ms: int) -> None:
        if box.life is not None:
            box.life.child_dies(5, back_ms)

    for one in night:
        begin_ms, end_ms = one.at_s * 1_000, (one.at_s + one.for_s) * 1_000
        match one.what:
            case "power":
                clock.at(begin_ms, box.power_cut)
                clock.at(end_ms, box.power_on)
            case "mains":
                clock.at(begin_ms, box.mains_off)
                clock.at(end_ms, box.mains_on)
            case "kill":
                end_ms = begin_ms + 2_000
                clock.at(begin_ms, lambda: box.kill(2_000))
            case "sound":
                clock.at(begin_ms, lambda for_ms=end_ms - begin_ms: child_dies(for_ms))  # type: ignore[misc]
        if one.what != "mains":  # those the judge sees for himself
            village.judge.trouble(box, begin_ms, end_ms + 6_000)


def night_of(
    night: list[Trouble], repeat_min: int, backed_up: tuple[str, ...], cancel_s: int | None = None
) -> Village:
    """Two hours with one warning that is valid for a hundred minutes."""
    village = Village(backed_up=backed_up, switched_on=False)
    village.box.power_on()
    village.clock.run(20_000)
    warning = village.warn(VALID_MIN, repeat_every_ms=repeat_min * MINUTE_MS)
    arrange(village, [Trouble(one.what, one.at_s + 20, one.for_s) for one in night])
    if cancel_s is not None:
        village.clock.at(20_000 + cancel_s * 1_000, lambda: village.cancel(warning))
    village.clock.run(7_200_000 + 20_000)
    village.mains(on=True)
    village.box.power_on()
    village.clock.run(village.clock.now_ms + 900_000)
    return village


def plays(village: Village, zone: str = "") -> list[Played]:
    """What came to its end, and where: a zone's, all the words."""
    now_ms = village.clock.now_ms
    return [
        one
        for one in village.box.played
        if complete(one, now_ms) and len(one.sources) > 1 and (not zone or whole(one, zone))
    ]


def records(village: Village) -> list[AsRun]:
    return list(village.judge.case.files[STATION].outcomes.values())


backed = st.sampled_from([(), ("doai",), ("trung", "doai"), ZONES])


@nights
@given(night=troubles("power", "mains", "kill", "sound"), repeat_min=st.sampled_from([0, 5, 30]))
def test_no_zone_hears_a_warning_twice_in_a_row(night: list[Trouble], repeat_min: int) -> None:
    village = night_of(night, repeat_min, ("doai",))
    for zone in ZONES:
        heard = plays(village, zone)
        if not repeat_min:
            assert len(heard) <= 1 + len(night), "once, and again only after what broke it off"
        for one, other in pairwise(heard):
            assert one.ended_ms is not None
            silent_ms = other.begins_ms - one.ended_ms
            broken_off = any(
                one.begins_ms <= (each.at_s + 20) * 1_000 <= one.ended_ms + 200 for each in night
            )
            least_ms = repeat_min * MINUTE_MS // 2 if repeat_min else VALID_MIN * MINUTE_MS
            assert broken_off or other.begins_ms - one.begins_ms >= least_ms - 1_000, silent_ms


@nights
@given(
    night=troubles("power", "mains", "kill"),
    repeat_min=st.sampled_from([0, 5]),
    cancel_s=st.integers(30, VALID_MIN * 60),
)
def test_nothing_is_said_after_a_cancel_or_the_end_of_its_validity(
    night: list[Trouble], repeat_min: int, cancel_s: int
) -> None:
    away = any(one.what == "power" for one in night)
    village = night_of(night, repeat_min, (), cancel_s)
    # A station that was off when it was cancelled learns of it when it is back.
    told_ms = max([20 + cancel_s, *(20 + one.at_s + one.for_s for one in night if away)], default=0)
    last_ms = min(VALID_MIN * MINUTE_MS + 20_000, told_ms * 1_000 + 240_000)
    for one in village.box.played:
        assert one.begins_ms <= last_ms


@nights
@given(night=troubles("mains", "power"), repeat_min=st.sampled_from([0, 5, 30]), zones=backed)
def test_a_zone_without_mains_is_never_told_as_played_and_hears_it_when_they_are_back(
    night: list[Trouble], repeat_min: int, zones: tuple[str, ...]
) -> None:
    village = night_of(night, repeat_min, zones)
    box = village.box
    for record in records(village):
        dark = [*box.dark(record.zone)]
        if record.reason is OccurrenceReason.NO_MAINS:
            assert record.confirmed == "no"
            assert record.outcome != "played"
            assert dark, "it never lost its mains"
        for part in record.segments:
            if part.gap is not None:
                continue
            begin_ms, end_ms = part.from_ms - village.wall0_ms, part.to_ms - village.wall0_ms
            silent = sum(max(0, min(end_ms, high) - max(begin_ms, low)) for low, high in dark)
            # The host needs a moment to see it, and one that begins has not looked yet.
            assert silent <= 6_000, record
    until_ms = VALID_MIN * MINUTE_MS + 20_000
    for zone in ZONES:
        away = [((one.at_s + 20) * 1_000, (one.at_s + one.for_s + 20) * 1_000) for one in night]
        blocked = [
            span
            for span, one in zip(away, night, strict=True)
            if one.what == "power" or zone not in zones
        ]
        if _free_ms(blocked, until_ms) > 3 * MINUTE_MS:
            assert plays(village, zone), f"{zone} never heard it"


def _free_ms(blocked: list[tuple[int, int]], until_ms: int) -> int:
    """The longest stretch in which a zone could have heard it."""
    best_ms, at_ms = 0, 20_000
    for low_ms, high_ms in sorted(blocked):
        best_ms = max(best_ms, min(low_ms, until_ms) - at_ms)
        at_ms = max(at_ms, high_ms)
    return max(best_ms, until_ms - at_ms)


@nights
@given(kills=troubles("kill"), repeat_min=st.sampled_from([5, 30]))
def test_after_any_restart_the_same_plays_come_on_the_same_beats(
    kills: list[Trouble], repeat_min: int
) -> None:
    undisturbed = night_of([], repeat_min, ())
    village = night_of(kills, repeat_min, ())
    beats = [one.begins_ms for one in plays(undisturbed)]
    said = [one.begins_ms for one in plays(village)]
    assert len(beats) > 1
    for beat_ms in beats:
        # A restart takes some seconds; what it cut off is said again at once.
        assert any(beat_ms - 2_000 <= at_ms <= beat_ms + 25_000 for at_ms in said), beat_ms
    for at_ms in said:
        assert any(beat_ms - 2_000 <= at_ms <= beat_ms + 25_000 for beat_ms in beats), at_ms


@nights
@given(night=troubles("power", "mains", "sound"), repeat_min=st.sampled_from([5, 30]))
def test_repeats_come_back_to_their_beats_after_every_outage(
    night: list[Trouble], repeat_min: int
) -> None:
    village = night_of(night, repeat_min, ("doai",))
    issued_ms, interval = 20_000, repeat_min * MINUTE_MS
    ends = [(one.at_s + one.for_s + 20) * 1_000 for one in night]
    for one, other in pairwise(plays(village)):
        undisturbed = not any(
            one.begins_ms - 60_000 <= (each.at_s + 20) * 1_000 <= other.begins_ms + 1_000
            or one.begins_ms - 60_000 <= end_ms <= other.begins_ms + 1_000
            for each, end_ms in zip(night, ends, strict=True)
        )
        if undisturbed:
            off_ms = (other.begins_ms - issued_ms) % interval
            assert min(off_ms, interval - off_ms) <= 50
