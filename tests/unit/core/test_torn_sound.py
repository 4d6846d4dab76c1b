"""Sound that tore on its way to the card is not reported as played."""

from __future__ import annotations

import pytest

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AsRun, OccurrenceRef
from agent.core import asrun
from agent.core.air import Air
from agent.core.cues import Sent
from agent.core.events import Now, SoundEnded, SoundProgress, SoundStarted
from agent.core.facts import Facts, OpenItem
from agent.core.ledger import Stretch
from agent.core.site import Amplifier, BusChoice, Site, Zone
from agent.core.turn import Turn

BEGIN = 1_000_000
LENGTH = 60_000
ZONES = ("dong", "doai")


def site() -> Site:
    zones = tuple(
        Zone(name, "c1", number, "amp", (BusChoice(0, 1),)) for number, name in enumerate(ZONES)
    )
    return Site("tan-lien", "Tân Liên", "UTC", zones, (Amplifier("amp", "c1"),), 1)


def item(source: str = "file:abc") -> OpenItem:
    return OpenItem(
        key="k",
        ref=OccurrenceRef(
            authority="xa", audience="g/xa", entry="tin", nominal="2026-03-02T05:00:00"
        ),
        title="Bản tin",
        klass=3,
        start_ms=BEGIN,
        play_ms=LENGTH,
        slot_ms=None,
        zones=ZONES,
        origin_ms=BEGIN,
        from_ms=BEGIN,
        epoch=0,
        source=source,
        finished=True,
    )


def turn(at_ms: int) -> Turn:
    return Turn(Now(mono_ms=at_ms, wall_ms=at_ms))


class Bench:
    """An item on air in two zones; both hear it from its first sample on."""

    def __init__(self, source: str = "file:abc") -> None:
        self.facts = Facts()
        self.air = Air(site(), self.facts)
        self.facts.put("open", "k", item(source))
        self.air.sent["t"] = Sent("t", 0, "k", BEGIN, BEGIN, BEGIN + LENGTH)
        self.air.sound_started(SoundStarted("t", 0, 0, 0, BEGIN), turn(BEGIN))
        for zone in ZONES:
            self.air.ledger.stretches[zone] = Stretch("k", 0, BEGIN, BEGIN, "yes", "t")

    def progress(self, after_ms: int, played_ms: int, underruns: int = 0) -> None:
        at_ms = BEGIN + after_ms
        self.air.sound_progress(
            SoundProgress("t", 0, 0, after_ms, at_ms, -1_800, underruns, played_ms),
            turn(at_ms),
        )

    def end(self, played_ms: int, underruns: int = 0, after_ms: int = LENGTH) -> None:
        at_ms = BEGIN + after_ms
        ended = SoundEnded("t", 0, "finished", at_ms, after_ms, 0, played_ms, -1_800, underruns)
        self.air.sound_ended(ended, turn(at_ms))

    def record(self, zone: str = "dong") -> AsRun:
        return asrun.outcome_of(self.facts.open["k"], zone, None)


def test_an_item_that_sounded_whole_was_played_whole() -> None:
    bench = Bench()
    bench.end(LENGTH)
    said = bench.record()
    assert (said.outcome, said.reason, said.played_ms) == ("played", None, LENGTH)


def test_sound_that_tore_is_not_played_and_the_reason_says_where_to_look() -> None:
    bench = Bench()
    bench.end(LENGTH - 12_000, underruns=30)
    said = bench.record()
    assert (said.outcome, said.reason) == ("partial", OccurrenceReason.SOUND_LOST)
    assert (said.played_ms, said.underruns) == (LENGTH - 12_000, 30)


def test_a_live_source_that_dries_up_is_lost_by_its_sender() -> None:
    bench = Bench("stream:0")
    bench.end(LENGTH - 12_000)
    assert bench.record().reason is OccurrenceReason.SOURCE_LOST


def test_a_little_that_tore_lowers_the_figure_and_not_the_outcome() -> None:
    bench = Bench()
    bench.end(LENGTH - 600, underruns=3)
    said = bench.record()
    assert (said.outcome, said.reason) == ("played", None)
    assert (said.played_ms, said.underruns) == (LENGTH - 600, 3)


def test_an_underrun_of_unknown_length_takes_nothing_away_and_leaves_a_doubt() -> None:
    bench = Bench()
    bench.end(LENGTH, underruns=2)
    said = bench.record()
    assert (said.outcome, said.played_ms, said.underruns) == ("played", LENGTH, 2)
    assert said.reason is OccurrenceReason.SOUND_TORN


def test_what_no_underrun_befell_is_played_without_a_doubt() -> None:
    bench = Bench()
    bench.end(LENGTH)
    assert (bench.record().outcome, bench.record().reason) == ("played", None)


@pytest.mark.parametrize("inexact_ms", [-80, 0, 120])
def test_what_reports_are_inexact_by_does_not_add_up(inexact_ms: int) -> None:
    bench = Bench()
    for second in range(1, 50):
        bench.progress(second * 1_000, second * 1_000 - inexact_ms * (second % 2))
    bench.end(LENGTH)
    assert bench.record().played_ms == LENGTH


def test_what_tore_is_booked_once_however_often_it_is_reported() -> None:
    bench = Bench()
    bench.progress(8_000, 8_000, underruns=0)
    bench.progress(18_000, 15_000, underruns=1)
    bench.progress(28_000, 25_000, underruns=1)
    bench.end(LENGTH - 3_000, underruns=1)
    said = bench.record()
    assert (said.played_ms, said.underruns) == (LENGTH - 3_000, 1)


def test_a_zone_that_was_not_listening_lost_nothing() -> None:
    bench = Bench()
    bench.progress(8_000, 8_000)
    bench.air.ledger.stretches.pop("doai")  # its gate closed
    bench.progress(18_000, 13_000)
    bench.end(LENGTH - 5_000)
    assert bench.record("dong").played_ms == LENGTH - 5_000
    assert bench.record("doai").played_ms == 8_000


def test_what_tore_before_a_kill_is_saved_with_the_position() -> None:
    bench = Bench()
    bench.progress(8_000, 6_000)
    held = bench.facts.open["k"]
    assert held.torn == {"dong": 2_000, "doai": 2_000}
    assert (held.seen_ms, bench.record().played_ms) == (BEGIN + 8_000, 6_000)


def test_a_second_cue_of_the_item_adds_to_what_tore_in_the_first() -> None:
    bench = Bench()
    bench.end(8_000, underruns=2, after_ms=10_000)
    bench.air.sent["u"] = Sent("u", 0, "k", BEGIN, BEGIN + 20_000, BEGIN + LENGTH)
    at_ms = BEGIN + 20_000
    bench.air.sound_started(SoundStarted("u", 0, 0, 20_000, at_ms), turn(at_ms))
    for zone in ZONES:
        bench.air.ledger.stretches[zone] = Stretch("k", 0, at_ms, at_ms, "yes", "u")
    ended = SoundEnded("u", 0, "finished", BEGIN + LENGTH, LENGTH, 0, 39_000, -1_800, 1)
    bench.air.sound_ended(ended, turn(BEGIN + LENGTH))
    said = bench.record()
    assert (said.played_ms, said.underruns) == (47_000, 3)
    assert [one.to_ms - one.from_ms for one in said.segments] == [10_000, 10_000, 40_000]
