"""Cues become voices, failures become the next source, reports come when the sound has left."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.player import protocol as p
from agent.player.clockmap import NS_PER_S, WallMap, ns_of_frames
from agent.player.decode import Job
from agent.player.director import Director
from agent.player.levelling import Fader
from agent.player.mixer import Mixer
from agent.player.ring import Reader, Silence, Track

BLOCK = 2048
SECOND = 48_000


class FakeJob:
    """A decode that the test finishes by hand."""

    def __init__(self, source: p.Source, from_frames: int) -> None:
        self.source = source
        self.from_frames = from_frames
        self.live = source.kind in ("stream", "input")
        self.lead_ms = 1_500 if self.live else 0
        self.length: int | None = None
        self.lump_ns = 0
        self.whole = False
        self.newest_ns: int | None = None  # when its newest samples came, where it matters
        self.fader: Fader | None = None
        self.well_ns = 0
        self.due_ns = 0
        self.track = Track(from_frames)
        self.reader: Reader = self.track
        self.fault: p.SourceFault | None = None
        self.over: int | None = None
        self.done = False
        self.cancelled = False

    def give(self, frames: int, *, end: bool = False) -> None:
        self.track.append(np.full(frames, 1000, np.int16))
        if end:
            self.track.finish()
            self.done = True

    def finish(self) -> None:
        self.track.finish()
        self.done = True

    def fail(self, fault: p.SourceFault) -> None:
        self.fault = fault
        self.track.finish()
        self.done = True

    @property
    def sounding(self) -> bool:
        return self.track.end > self.from_frames

    def waited_ns(self, now_ns: int) -> int:
        return 0 if self.newest_ns is None else now_ns - self.newest_ns

    def well_for_ns(self, now_ns: int) -> int:
        del now_ns
        return self.well_ns

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        self.due_ns = due_ns

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Bench:
    """A director on a card that begins at instant 0; wall time is monotonic time."""

    jobs: list[FakeJob] = field(default_factory=list)
    reports: list[p.FromChild] = field(default_factory=list)
    now_ns: int = 0

    def __post_init__(self) -> None:
        self.mixer = Mixer(2)
        self.director = Director(self.mixer, self, WallMap(0))

    def open(self, source: p.Source, from_frames: int, now_ns: int, *, chasing: bool) -> Job:
        self.jobs.append(FakeJob(source, from_frames))
        return self.jobs[-1]

    def send(self, *messages: p.ToChild) -> None:
        for message in messages:
            self.reports += self.director.take(message, self.now_ns)

    def run(self, seconds: float) -> None:
        until = self.now_ns + round(seconds * NS_PER_S)
        while self.now_ns < until:
            self.mixer.render(BLOCK, self.now_ns)
            self.now_ns += ns_of_frames(BLOCK)
            self.reports += self.director.tick(self.now_ns)

    def of(self, kind: type[p.FromChild]) -> list[p.FromChild]:
        return [report for report in self.reports if isinstance(report, kind)]

    def ended(self) -> p.Ended:
        found = [report for report in self.reports if isinstance(report, p.Ended)]
        assert len(found) == 1
        return found[0]


def files(*names: str) -> tuple[p.Source, ...]:
    return tuple(p.Source("file", name) for name in names)


def cue(start_ms: int, *parts: p.Part, **rest: object) -> p.Cue:
    return p.Cue("c", 0, parts, start_ms, 0, **rest)  # type: ignore[arg-type]


def test_a_file_is_opened_eight_seconds_before_its_start_and_not_earlier() -> None:
    bench = Bench()
    bench.send(cue(10_000, p.Part(files("a"))))
    bench.run(1.9)
    assert not bench.jobs
    bench.run(0.3)
    assert [job.source.url for job in bench.jobs] == ["a"]


def test_a_source_is_told_from_when_on_it_is_to_be_heard() -> None:
    bench = Bench()
    bench.send(cue(10_000, p.Part((p.Source("stream", "http://x"),), length_ms=4000)))
    bench.run(3.0)
    assert bench.jobs[0].due_ns == 10 * NS_PER_S


def test_a_recording_behind_an_address_loses_nothing_though_it_is_all_there() -> None:
    """What is live begins behind its newest sample; what has a beginning begins there."""
    ends = []
    for whole in (True, False):
        bench = Bench()
        bench.send(cue(1_000, p.Part((p.Source("stream", "http://x"),))))
        bench.jobs[0].whole = whole
        bench.jobs[0].give(10 * SECOND)
        bench.run(2.0)
        bench.jobs[0].finish()
        bench.run(12.0)
        ends.append(bench.ended().played_ms)
    assert ends == [10_000, 1_500]


def test_a_cue_reports_its_start_its_progress_and_its_end_in_that_order() -> None:
    bench = Bench()
    bench.send(cue(500, p.Part(files("a"))))
    bench.jobs[0].give(2 * SECOND, end=True)
    bench.run(3.0)
    names = [type(report).__name__ for report in bench.reports]
    assert names == ["Started", "PartStarted", "Progress", "Progress", "Ended"]
    started = bench.of(p.Started)[0]
    assert started == p.Started("c", 0, 0, 0, 500)
    ended = bench.ended()
    assert (ended.reason, ended.at_ms, ended.played_ms) == ("finished", 2500, 2000)
    assert bench.jobs[0].cancelled


def test_the_same_token_again_is_ignored() -> None:
    bench = Bench()
    bench.send(cue(0, p.Part(files("a"))), cue(0, p.Part(files("a"))))
    assert len(bench.jobs) == 1


def test_a_late_cue_opens_its_file_at_the_position_that_will_be_due() -> None:
    bench = Bench(now_ns=10 * NS_PER_S)
    bench.send(cue(4_000, p.Part(files("a"), from_ms=1000)))
    assert bench.jobs[0].from_frames == pytest.approx(7.04 * SECOND, abs=SECOND // 100)


def test_parts_that_are_over_are_left_out_whether_their_length_is_given_or_found() -> None:
    bench = Bench(now_ns=10 * NS_PER_S)
    given, found, last = (
        p.Part(files("a"), length_ms=2000),
        p.Part(files("b")),
        p.Part(files("c")),
    )
    bench.send(cue(4_000, given, found, last))
    assert [job.source.url for job in bench.jobs] == ["b"]
    bench.jobs[0].over = 3 * SECOND
    bench.jobs[0].fail("not_audio")
    bench.jobs[0].fault = None
    bench.run(0.1)
    assert [job.source.url for job in bench.jobs] == ["b", "c"]
    assert bench.jobs[1].from_frames == pytest.approx(1.08 * SECOND, abs=SECOND // 10)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.0)
    assert bench.ended().reason == "finished"


def test_a_cue_with_nothing_left_is_late() -> None:
    bench = Bench(now_ns=10 * NS_PER_S)
    bench.send(cue(4_000, p.Part(files("a"), length_ms=2000)))
    bench.run(0.2)
    assert (bench.ended().reason, bench.jobs) == ("late", [])


def test_a_file_that_fails_gives_way_to_the_next_at_the_same_position() -> None:
    bench = Bench()
    bench.send(cue(200, p.Part(files("a", "b"))))
    bench.jobs[0].give(SECOND)
    bench.run(0.5)
    bench.jobs[0].fail("ended_early")
    bench.run(0.05)
    assert bench.of(p.SourceFailed) == [p.SourceFailed("c", 0, 0, "ended_early", 555)]
    assert bench.jobs[1].from_frames == SECOND
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.0)
    assert (bench.ended().played_ms, bench.ended().underruns) == (2000, 0)


def test_a_stream_that_fails_gives_way_to_a_file_from_its_beginning() -> None:
    bench = Bench()
    stream = p.Source("stream", "http://x")
    bench.send(cue(0, p.Part((stream, *files("spare")), length_ms=4000)))
    bench.jobs[0].give(SECOND)
    bench.run(2.0)
    bench.jobs[0].fail("stalled")
    bench.run(0.1)
    assert bench.jobs[1].from_frames == 0
    bench.jobs[1].give(10 * SECOND, end=True)
    bench.run(3.0)
    ended = bench.ended()
    assert ended.reason == "finished"
    assert abs(ended.at_ms - 4000) <= 50


def test_a_part_that_fails_altogether_is_left_out_and_the_next_one_plays() -> None:
    bench = Bench()
    bench.send(cue(0, p.Part(files("chime")), p.Part(files("news"))))
    bench.jobs[0].fail("not_found")
    bench.run(0.1)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.0)
    ended = bench.ended()
    assert (ended.reason, ended.part, ended.played_ms) == ("finished", 1, 1000)


def test_a_cue_whose_last_part_fails_says_so() -> None:
    bench = Bench()
    bench.send(cue(0, p.Part(files("a"))))
    bench.jobs[0].fail("not_found")
    bench.run(0.3)
    assert (bench.ended().reason, bench.ended().played_ms) == ("source_failed", 0)


def test_slew_moves_a_waiting_cue_and_a_step_does_not() -> None:
    bench = Bench()
    bench.send(cue(1_000, p.Part(files("a"))))
    bench.jobs[0].give(SECOND, end=True)
    bench.send(p.Time(0, 10_000))  # the wall clock gained 10 ms: the start comes 10 ms sooner
    bench.send(p.Time(1, -3_600_000_000))
    bench.run(1.2)
    assert bench.of(p.Started) == [p.Started("c", 0, 0, 0, 1_000)]


def test_a_bus_that_does_not_exist_is_refused_with_an_end() -> None:
    bench = Bench()
    bench.send(p.Cue("c", 7, (p.Part(files("a")),), 0, 0))
    assert bench.ended().reason == "source_failed"


def test_stop_all_ends_what_plays_and_what_waits() -> None:
    bench = Bench()
    bench.send(cue(0, p.Part((p.Source("silence"),))))
    bench.jobs[0].reader = Silence()
    bench.send(p.Cue("later", 1, (p.Part(files("b")),), 5_000, 0))
    bench.run(0.2)
    bench.director.stop_all(20)
    bench.run(0.3)
    assert {report.reason for report in bench.of(p.Ended) if isinstance(report, p.Ended)} == {
        "stopped"
    }
    assert not bench.director.busy


def test_a_failure_known_before_the_start_costs_nothing() -> None:
    bench = Bench()
    bench.send(cue(1_000, p.Part(files("chime")), p.Part(files("news"))))
    bench.jobs[0].fail("not_found")
    bench.run(0.3)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.0)
    assert bench.of(p.Started) == [p.Started("c", 0, 1, 0, 1_000)]


def test_a_relay_ends_with_its_length_though_its_source_goes_on() -> None:
    bench = Bench()
    stream = p.Source("stream", "http://x")
    bench.send(cue(100, p.Part((stream,), length_ms=1000)))
    bench.jobs[0].give(5 * SECOND)
    bench.run(1.5)
    assert (bench.ended().reason, bench.ended().at_ms) == ("finished", 1100)
    assert bench.jobs[0].cancelled


def test_a_relay_that_is_over_is_hung_up_while_the_next_part_plays() -> None:
    bench = Bench()
    stream = p.Source("stream", "http://x")
    bench.send(cue(100, p.Part((stream,), length_ms=1000), p.Part(files("b"))))
    bench.jobs[0].give(5 * SECOND)
    bench.run(0.1)
    bench.jobs[1].give(5 * SECOND, end=True)
    bench.run(1.3)
    assert bench.jobs[0].cancelled
    assert not bench.of(p.Ended)


def test_a_decoder_that_fell_behind_is_opened_again_where_the_clock_is() -> None:
    bench = Bench(now_ns=10 * NS_PER_S)
    bench.send(cue(4_000, p.Part(files("a"))))
    bench.run(0.2)
    bench.jobs[0].give(5_000)  # too late: real time, and never enough
    bench.run(0.5)
    assert bench.jobs[0].cancelled
    assert bench.jobs[1].from_frames > 6.3 * SECOND
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.0)
    assert bench.ended().reason == "finished"
    assert bench.ended().played_ms > 500


def test_a_late_cue_whose_only_file_is_over_ends_as_late() -> None:
    bench = Bench(now_ns=10 * NS_PER_S)
    bench.send(cue(4_000, p.Part(files("a"))))
    bench.jobs[0].over = 3 * SECOND
    bench.jobs[0].fail("not_audio")
    bench.jobs[0].fault = None
    bench.run(0.2)
    assert (bench.ended().reason, bench.ended().played_ms) == ("late", 0)


@pytest.mark.parametrize("position_ms", [1_470, 1_520, 1_540])
def test_the_part_after_a_file_that_is_shorter_than_it_was_bound_begins_at_its_instant(
    position_ms: int,
) -> None:
    """An MP3 of 1,500 ms that was published as 1,550 ms; the cue joins close to its end."""
    bench = Bench()
    left_ms = 1_550 - position_ms
    chime = p.Part(files("chime"), from_ms=position_ms, length_ms=left_ms)
    bench.send(cue(1_000, chime, p.Part(files("news"))))
    if position_ms < 1_500:
        bench.jobs[0].give((1_500 - position_ms) * SECOND // 1_000, end=True)
    else:
        bench.jobs[0].over = SECOND * 3 // 2
        bench.jobs[0].fail("not_audio")
        bench.jobs[0].fault = None
    bench.run(0.1)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.5)
    began = [one for one in bench.of(p.PartStarted) if isinstance(one, p.PartStarted)]
    assert began[-1] == p.PartStarted("c", 1, 0, 0, 1_000 + left_ms)
    assert bench.ended().underruns == 0


def test_the_part_after_a_file_that_is_much_shorter_than_it_was_bound_follows_at_once() -> None:
    bench = Bench()
    bench.send(cue(1_000, p.Part(files("chime"), length_ms=5_000), p.Part(files("news"))))
    bench.jobs[0].give(SECOND, end=True)
    bench.run(0.1)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(3.0)
    began = [one for one in bench.of(p.PartStarted) if isinstance(one, p.PartStarted)]
    assert began[-1] == p.PartStarted("c", 1, 0, 0, 2_000)


def test_a_source_that_fails_shortly_before_its_end_gives_way_to_the_next_at_once() -> None:
    bench = Bench()
    bench.send(cue(1_000, p.Part(files("a", "b"), from_ms=1_400, length_ms=150)))
    bench.jobs[0].fail("not_found")
    bench.run(0.1)
    bench.jobs[1].give(SECOND, end=True)
    bench.run(2.5)
    assert bench.of(p.Started) == [p.Started("c", 0, 0, 1_400, 1_000)]
    assert bench.ended().played_ms == 150


def three_parts(*sources: p.Source) -> Bench:
    """Two and a half seconds in: the second part sounds, and the third one was opened already."""
    bench = Bench()
    parts = (
        p.Part(files("a"), length_ms=2000),
        p.Part(sources, length_ms=2000),
        p.Part(files("c")),
    )
    bench.send(cue(0, *parts))
    bench.jobs[0].give(2 * SECOND, end=True)
    bench.run(0.5)
    bench.jobs[1].give(SECOND)
    bench.run(2.0)
    assert [job.source.url for job in bench.jobs] == ["a", "b", "c"]
    bench.jobs[2].give(SECOND, end=True)
    return bench


def test_a_source_that_fails_after_the_next_part_was_opened_is_told() -> None:
    """Of a bulletin in three languages it is the one in the middle that would go unnamed."""
    bench = three_parts(*files("b"))
    bench.jobs[1].fail("not_audio")
    bench.run(3.0)
    [told] = bench.of(p.SourceFailed)
    assert isinstance(told, p.SourceFailed)
    assert (told.part, told.source, told.fault) == (1, 0, "not_audio")
    assert told.at_ms == pytest.approx(2500, abs=100)
    begun = [(one.part, one.at_ms) for one in bench.of(p.PartStarted)]  # type: ignore[union-attr]
    assert [part for part, _ in begun] == [0, 1, 2]
    assert begun[2][1] == pytest.approx(3000, abs=60), "the next part follows the failed one"
    assert bench.ended().reason == "finished"


def test_such_a_source_gives_way_to_the_next_of_its_part_and_the_later_part_waits() -> None:
    bench = three_parts(*files("b", "b2"))
    bench.jobs[1].fail("not_audio")
    bench.run(0.1)
    second = bench.jobs[3]
    assert second.source.url == "b2"
    assert SECOND * 0.5 <= second.from_frames <= SECOND * 1.2
    second.give(2 * SECOND - second.from_frames, end=True)
    bench.run(3.0)
    assert [(one.part, one.source) for one in bench.of(p.PartStarted)] == [  # type: ignore[union-attr]
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 0),
    ]
    last = bench.of(p.PartStarted)[-1]
    assert last.at_ms == pytest.approx(4000, abs=60)  # type: ignore[union-attr]
    assert bench.ended().reason == "finished"


def test_a_decoder_that_fails_when_its_part_is_over_is_nobodys_trouble() -> None:
    bench = three_parts(*files("b"))
    bench.jobs[1].give(2 * SECOND)
    bench.run(2.0)
    bench.jobs[1].fault = "stalled"
    bench.run(1.0)
    assert bench.of(p.SourceFailed) == []


# --- a relay and what stands in for it -----------------------------------------------------


def relayed(bench: Bench, *, retake: p.Retake, spare_s: float) -> None:
    """A stream that sounds for two seconds and is lost; its spare file lasts `spare_s`."""
    stream = p.Source("stream", "http://x")
    part = p.Part((stream, *files("spare")), length_ms=60_000, retake=retake)
    bench.send(cue(0, part, end_at_ms=60_000))
    bench.jobs[0].give(2 * SECOND)
    bench.run(1.0)
    bench.jobs[0].fail("stalled")
    bench.run(0.2)
    bench.jobs[1].length = round(spare_s * SECOND)
    bench.jobs[1].give(round(spare_s * SECOND))


def sources_begun(bench: Bench) -> list[int]:
    return [one.source for one in bench.reports if isinstance(one, p.PartStarted)]


def test_a_relay_that_is_well_again_is_gone_back_to_at_once() -> None:
    bench = Bench()
    relayed(bench, retake="at_once", spare_s=15.9)
    bench.run(12.0)  # it is tried after ten seconds
    assert [job.source.kind for job in bench.jobs] == ["stream", "file", "stream"]
    again = bench.jobs[2]
    again.give(2 * SECOND)
    again.well_ns = 4 * NS_PER_S
    bench.run(0.5)
    assert sources_begun(bench) == [0, 1, 0]
    assert bench.jobs[1].cancelled


def test_a_recording_finishes_before_the_relay_follows_without_a_gap() -> None:
    bench = Bench()
    relayed(bench, retake="when_over", spare_s=14.0)
    bench.run(4.0)
    again = bench.jobs[2]  # twelve seconds before the end
    again.give(14 * SECOND)
    again.well_ns = 4 * NS_PER_S
    bench.run(8.0)
    assert sources_begun(bench) == [0, 1]
    bench.jobs[1].finish()
    bench.run(4.0)
    assert sources_begun(bench) == [0, 1, 0]
    assert not bench.of(p.Ended)


def test_a_recording_that_stands_in_begins_again_until_its_slot_is_over() -> None:
    bench = Bench()
    relayed(bench, retake="at_once", spare_s=10.0)
    bench.run(8.9)
    repeats = [job for job in bench.jobs if job.source.kind == "file"]
    assert len(repeats) == 2
    bench.jobs[1].finish()
    repeats[1].length = 10 * SECOND
    repeats[1].give(10 * SECOND)
    bench.run(4.0)
    assert sources_begun(bench) == [0, 1, 1]
    assert not bench.of(p.Ended)


def test_a_recording_behind_a_relay_that_is_joined_late_begins_at_its_beginning() -> None:
    """Its part's time is gone, not the recording's, which is much shorter than that time."""
    bench = Bench()
    stream = p.Source("stream", "http://x")
    part = p.Part(
        (stream, *files("broken", "spare")), from_ms=118_000, length_ms=60_000, retake="at_once"
    )
    bench.send(cue(0, part, end_at_ms=60_000))
    bench.run(0.2)
    bench.jobs[0].fail("refused")
    bench.run(0.2)
    bench.jobs[1].fail("not_audio")
    bench.run(0.2)
    assert [job.from_frames for job in bench.jobs] == [0, 0, pytest.approx(0, abs=SECOND)]
    bench.jobs[2].length = 6 * SECOND
    bench.jobs[2].give(6 * SECOND, end=True)
    bench.run(4.9)
    again = bench.jobs[-1]
    assert again.source.url == "spare"
    assert again.from_frames == 0
    again.give(6 * SECOND, end=True)
    bench.run(2.0)
    assert sources_begun(bench) == [2, 2]
    assert bench.director.busy


def test_a_file_with_a_relay_behind_it_goes_on_where_the_time_is() -> None:
    bench = Bench()
    part = p.Part((*files("a"), p.Source("stream", "http://x"), *files("b")), from_ms=30_000)
    bench.send(cue(0, part))
    bench.run(0.2)
    bench.jobs[0].fail("not_audio")
    bench.run(0.2)
    bench.jobs[1].fail("refused")
    bench.run(0.2)
    began = [job.from_frames for job in bench.jobs]
    assert began[0] == pytest.approx(30 * SECOND, abs=SECOND // 10)
    assert began[1:] == [0, 0]


def test_a_relay_without_a_policy_is_not_tried_again() -> None:
    bench = Bench()
    relayed(bench, retake="never", spare_s=15.9)
    bench.run(15.0)
    assert len(bench.jobs) == 2


def faltering(bench: Bench, *sources: p.Source, retake: p.Retake = "at_once") -> FakeJob:
    """A stream with a second and a half in store, of which nothing comes any more."""
    stream = p.Source("stream", "http://x")
    part = p.Part((stream, *sources), length_ms=60_000, retake=retake)
    bench.send(cue(0, part, end_at_ms=60_000))
    bench.jobs[0].give(2 * SECOND)
    bench.run(0.2)
    bench.jobs[0].newest_ns = bench.now_ns
    return bench.jobs[0]


def test_a_relay_that_falters_gives_way_to_a_recording_that_stands_ready_without_a_gap() -> None:
    bench = Bench()
    primary = faltering(bench, *files("spare"))
    bench.run(1.0)
    assert [job.source.kind for job in bench.jobs] == ["stream", "file"]
    bench.jobs[1].give(20 * SECOND)
    assert sources_begun(bench) == [0]
    bench.run(1.0)
    kinds = [type(one).__name__ for one in bench.reports if not isinstance(one, p.Progress)]
    assert kinds == ["Started", "PartStarted", "SourceFailed", "PartStarted"]
    assert bench.of(p.SourceFailed)[0].fault == "stalled"  # type: ignore[union-attr]
    assert not primary.cancelled, "its connection is the first probe"
    bench.send(p.Stop("c"))
    bench.run(0.5)
    ended = bench.ended()
    assert ended.underruns == 0
    assert ended.played_ms == pytest.approx(ended.at_ms - bench.of(p.Started)[0].at_ms, abs=2)  # type: ignore[union-attr]
    assert primary.cancelled


def test_a_relay_that_comes_back_after_a_moment_is_gone_back_to_where_it_broke_off() -> None:
    bench = Bench()
    primary = faltering(bench, *files("spare"))
    bench.run(1.0)
    bench.jobs[1].give(20 * SECOND)
    bench.run(1.0)
    primary.newest_ns, primary.well_ns = None, 60 * NS_PER_S  # it was well before, too
    primary.lead_ms = 2_000  # it was waited for
    bench.run(1.0)
    assert sources_begun(bench) == [0, 1], "three seconds are waited for all the same"
    primary.give(SECOND)
    bench.run(2.0)
    assert sources_begun(bench) == [0, 1], "what was heard of it is not played again"
    primary.give(SECOND)
    bench.run(1.0)
    assert sources_begun(bench) == [0, 1, 0]
    assert bench.jobs[1].cancelled
    assert len(bench.jobs) == 2


def test_a_recording_that_would_be_played_to_its_end_waits_until_the_relay_is_given_up() -> None:
    policies: tuple[p.Retake, ...] = ("never", "when_over")
    for retake in policies:
        bench = Bench()
        primary = faltering(bench, *files("spare"), retake=retake)
        bench.run(1.0)
        bench.jobs[1].give(20 * SECOND)
        bench.run(1.0)
        assert sources_begun(bench) == [0]
        primary.fail("stalled")
        bench.run(0.3)
        assert sources_begun(bench) == [0, 1]
        assert len(bench.jobs) == 2


def test_a_relay_that_breaks_off_goes_on_with_a_recording_while_its_backup_is_connecting() -> None:
    bench = Bench()
    backup = p.Source("stream", "http://y")
    primary = faltering(bench, backup, *files("spare"))
    primary.fail("ended_early")
    bench.run(0.2)
    assert [job.source.url for job in bench.jobs] == ["http://x", "http://y", "spare"]
    bench.jobs[2].give(20 * SECOND)
    bench.run(2.0)
    assert sources_begun(bench) == [0, 2]
    told = [(one.source, one.fault) for one in bench.of(p.SourceFailed)]  # type: ignore[union-attr]
    assert told == [(0, "ended_early"), (1, "not_audio")]
    assert not bench.jobs[1].cancelled, "the backup is gone on with, as a probe"
    bench.jobs[1].give(3 * SECOND)
    bench.jobs[1].well_ns = 4 * NS_PER_S
    bench.run(3.0)
    assert sources_begun(bench) == [0, 2, 1]


def test_what_stood_ready_is_hung_up_when_the_relay_flows_again() -> None:
    bench = Bench()
    primary = faltering(bench, p.Source("stream", "http://y"), *files("spare"))
    bench.run(1.0)
    assert len(bench.jobs) == 3
    primary.newest_ns = None
    primary.give(6 * SECOND)
    bench.run(3.5)
    assert all(job.cancelled for job in bench.jobs[1:])
    assert sources_begun(bench) == [0]
    assert not bench.of(p.SourceFailed)


def test_nothing_is_tried_any_more_when_the_cue_is_over() -> None:
    bench = Bench()
    relayed(bench, retake="at_once", spare_s=15.9)
    bench.run(12.0)
    bench.send(p.Stop("c"))
    bench.run(1.0)
    assert bench.ended().reason == "stopped"
    assert all(job.cancelled for job in bench.jobs)


def test_a_delayed_relay_is_played_as_far_behind_as_it_was_asked_to_be() -> None:
    bench = Bench()
    stream = p.Source("stream", "http://x", delay_ms=3_000)
    bench.send(cue(0, p.Part((stream,), length_ms=60_000), end_at_ms=60_000))
    bench.jobs[0].give(4 * SECOND)
    bench.run(1.0)
    assert not bench.of(p.Started)  # 1.5 s of a stream and 3 s on top of it
    bench.jobs[0].give(SECOND)
    bench.run(0.5)
    assert bench.of(p.Started)


def test_a_stream_that_comes_in_lumps_is_kept_further_behind() -> None:
    bench = Bench()
    stream = p.Source("stream", "http://x")
    bench.send(cue(0, p.Part((stream,), length_ms=60_000), end_at_ms=60_000))
    bench.jobs[0].lead_ms = 4_000
    bench.run(0.1)
    bench.jobs[0].give(3 * SECOND)
    bench.run(0.5)
    assert not bench.of(p.Started)
    bench.jobs[0].give(2 * SECOND)
    bench.run(0.5)
    assert bench.of(p.Started)


def test_a_part_without_a_source_ends_its_cue_at_once_and_nothing_else() -> None:
    bench = Bench()
    bench.send(cue(1_000, p.Part(files("a")), p.Part(())))
    assert bench.ended().reason == "source_failed"
    assert not bench.jobs
