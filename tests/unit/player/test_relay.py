"""A live source that was given up is tried again, ever more rarely, and believed after a while."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from agent.player.clockmap import NS_PER_S
from agent.player.levelling import Fader
from agent.player.protocol import Part, Retake, Source, SourceFault
from agent.player.relay import Relief, StandIn, stands_in
from agent.player.ring import Reader, Silence

PRIMARY, BACKUP = Source("stream", "https://a"), Source("stream", "https://b")
FILE, TONE = Source("file", "content:x"), Source("tone")


@dataclass(eq=False)
class Tried:
    """A source as the test wants it: well from `well_from_s` on, or gone."""

    number: int
    begun_s: float
    well_from_s: float | None
    done: bool = False
    cancelled: bool = False
    reader: Reader = field(default_factory=Silence)
    live: bool = True
    length: int | None = None
    fader: Fader | None = None
    lead_ms: int = 1_500
    lump_ns: int = 0
    whole: bool = False
    fault: SourceFault | None = None
    over: int | None = None
    sounding: bool = True

    def waited_ns(self, now_ns: int) -> int:
        return 0

    def well_for_ns(self, now_ns: int) -> int:
        if self.well_from_s is None:
            return 0
        return max(0, now_ns - round(self.well_from_s * NS_PER_S))

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled = True


class Bench:
    """A part on the air; `answers` are the seconds from which each source is well, by number."""

    def __init__(self, *sources: Source, retake: Retake = "at_once") -> None:
        self.tried: list[Tried] = []
        self.answers: dict[int, float | None] = {}
        self.lead_ms = 1_500
        self.part = Part(sources, retake=retake)
        self.relief = Relief(0, self.part, self._open)
        self.now_s = 0.0

    def _open(self, number: int, now_ns: int) -> Tried:
        self.tried.append(Tried(number, now_ns / NS_PER_S, self.answers.get(number)))
        self.tried[-1].lead_ms = self.lead_ms
        return self.tried[-1]

    def run(self, until_s: float, source: int, end_s: float | None = None) -> tuple[float, str]:
        """Step ten times a second until something is decided; when, and what."""
        while self.now_s < until_s:
            left_ns = None if end_s is None else round((end_s - self.now_s) * NS_PER_S)
            said = self.relief.step(StandIn(source, left_ns), round(self.now_s * NS_PER_S))
            if said != "stay":
                return round(self.now_s, 1), said
            self.now_s += 0.1
        return round(self.now_s, 1), "stay"


def test_what_stands_in_is_told_from_what_was_meant() -> None:
    part = Part((PRIMARY, FILE), retake="at_once")
    assert not stands_in(part, 0)
    assert stands_in(part, 1)
    assert not stands_in(Part((PRIMARY, FILE)), 1)
    assert not stands_in(Part((FILE, TONE), retake="at_once"), 1)


def test_a_primary_that_is_well_again_is_taken_back_after_three_good_seconds() -> None:
    bench = Bench(PRIMARY, TONE)
    bench.answers[0] = 4.0
    assert bench.run(60, source=1) == (10.0, "switch")  # tried at 10 s, and well by then
    assert bench.relief.take(round(bench.now_s * NS_PER_S)).source == 0


def test_a_probe_that_has_only_begun_to_sound_is_not_believed_yet() -> None:
    bench = Bench(PRIMARY, TONE)
    bench.answers[0] = 12.0
    at_s, said = bench.run(60, source=1)
    assert (round(at_s), said) == (15, "switch")


def test_rounds_come_ever_more_rarely_and_try_every_better_source() -> None:
    bench = Bench(PRIMARY, BACKUP, FILE)
    bench.run(1_000, source=2)
    begun = [(round(one.begun_s), one.number) for one in bench.tried if one.number == 0]
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(begun)]
    assert begun[0][0] == 10
    assert pauses[0] < pauses[1] < pauses[2]
    assert max(pauses) <= 205  # three minutes and two probes
    assert {one.number for one in bench.tried} == {0, 1}
    assert all(one.cancelled for one in bench.tried[:-1])


def test_the_backup_is_taken_when_only_it_is_well() -> None:
    bench = Bench(PRIMARY, BACKUP, TONE)
    bench.answers[1] = 0.0
    _, said = bench.run(60, source=2)
    assert said == "switch"
    assert bench.relief.take(round(bench.now_s * NS_PER_S)).source == 1


def test_a_recording_may_finish_before_the_primary_comes_back() -> None:
    bench = Bench(PRIMARY, FILE, retake="when_over")
    bench.answers[0] = 0.0
    at_s, said = bench.run(300, source=1, end_s=200.0)
    assert said == "follow"
    assert 198.0 < at_s < 199.0
    assert len(bench.tried) == 1
    assert bench.tried[0].begun_s > 180


def test_a_recording_that_ends_without_relief_begins_again() -> None:
    for retake in ("at_once", "when_over"):
        bench = Bench(PRIMARY, FILE, retake=retake)
        at_s, said = bench.run(300, source=1, end_s=100.0)
        assert said == "again"
        assert 98.0 < at_s < 99.0


def test_before_the_end_of_a_recording_the_primary_is_tried_once() -> None:
    bench = Bench(PRIMARY, FILE, retake="when_over")
    bench.run(99.0, source=1, end_s=100.0)
    assert len(bench.tried) == 1


def test_a_source_that_comes_and_goes_is_not_tried_at_the_first_pause_again() -> None:
    bench = Bench(PRIMARY, TONE)
    bench.answers[0] = 0.0
    pauses = []
    for _ in range(4):
        lost_s = bench.now_s
        bench.run(lost_s + 500, source=1)
        bench.relief.take(round(bench.now_s * NS_PER_S))
        pauses.append(bench.now_s - lost_s)
        bench.now_s += 5.0
        bench.relief.lost(round(bench.now_s * NS_PER_S))
    assert pauses == sorted(pauses)
    assert pauses[-1] > 60
    bench.now_s += 1_800.0
    bench.relief.lost(round(bench.now_s * NS_PER_S))
    lost_s = bench.now_s
    bench.run(lost_s + 500, source=1)
    assert round(bench.now_s - lost_s) == 10


def test_the_probe_ends_with_the_part() -> None:
    bench = Bench(PRIMARY, TONE)
    bench.run(11, source=1)
    bench.relief.end()
    assert bench.tried[0].cancelled


def test_a_probe_of_what_comes_in_long_segments_has_longer_and_begins_earlier_the_next_time() -> (
    None
):
    bench = Bench(PRIMARY, FILE, retake="when_over")
    bench.lead_ms = 16_000
    assert bench.run(60.0, 1, end_s=60.0) == (58.6, "again")
    bench.run(61.0, 1, end_s=120.0)
    begun_s = bench.tried[0].begun_s
    assert begun_s > 47.0
    bench.run(begun_s + 25.0, 1, end_s=120.0)
    assert [one.cancelled for one in bench.tried] == [False]
    bench.run(begun_s + 28.0, 1, end_s=120.0)
    assert [one.cancelled for one in bench.tried] == [True]
    bench.run(110.0, 1, end_s=120.0)
    assert 120.0 - bench.tried[1].begun_s > 25.0
