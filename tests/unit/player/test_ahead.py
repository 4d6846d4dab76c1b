"""What is behind a live source stands ready before its store is empty, and not for every burst."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.player.ahead import CALM_NS, STANDS_MOST_NS, Flow, Foresight, Spares
from agent.player.attempts import Attempt
from agent.player.clockmap import NS_PER_MS, NS_PER_S
from agent.player.levelling import Fader
from agent.player.protocol import Part, Retake, Source, SourceFault
from agent.player.ring import Reader, Silence
from agent.player.slots import Slot

PRIMARY, BACKUP = Source("stream", "https://a"), Source("stream", "https://b")
THIRD, FILE, TONE = Source("stream", "https://c"), Source("file", "content:x"), Source("tone")


def flow(
    waited_ms: int, store_ms: int, lump_ms: int = 300, lead_ms: int = 1_500, **rest: bool
) -> Flow:
    ms = NS_PER_MS
    return Flow(waited_ms * ms, lump_ms * ms, store_ms * ms, lead_ms * ms, **rest)


def well(foresight: Foresight, from_s: float = 0.0) -> float:
    """Ten seconds of a plain stream, looked at ten times a second; when they are over."""
    for step in range(100):
        said = foresight.step(flow(100, 1_500), round((from_s + step / 10) * NS_PER_S))
        assert not said.ready
    return from_s + 10.0


def test_a_store_that_runs_low_wants_what_is_behind_it_and_gives_way() -> None:
    foresight = Foresight()
    now_s = well(foresight)
    assert not foresight.step(flow(700, 800), round(now_s * NS_PER_S)).ready
    said = foresight.step(flow(800, 700), round((now_s + 0.1) * NS_PER_S))
    assert said == (True, True, True)


def test_a_wait_that_is_usual_for_a_source_is_no_trouble() -> None:
    """Pages of Ogg hold a second, segments of a playlist ten."""
    for lump_ms, lead_ms in ((1_000, 3_000), (10_000, 12_000)):
        foresight = Foresight()
        for waited_ms in range(0, lump_ms + 1, 100):
            store_ms = lead_ms + lump_ms // 2 - waited_ms
            assert not foresight.step(flow(waited_ms, store_ms, lump_ms), waited_ms).ready


def test_a_shallow_store_is_judged_by_what_it_ever_held() -> None:
    """A microphone keeps 0.2 s: that is not little."""
    foresight = Foresight()
    assert not foresight.step(flow(20, 200, 20), 0).ready
    assert not foresight.step(flow(60, 140, 20), NS_PER_S).ready
    assert foresight.step(flow(130, 70, 20), 2 * NS_PER_S).gives_way


def test_what_comes_too_slowly_is_trouble_before_it_is_silent_but_gives_way_only_then() -> None:
    foresight = Foresight()
    now_s = well(foresight)
    said = foresight.step(flow(100, 200), round(now_s * NS_PER_S))
    assert (said.ready, said.gives_way) == (True, False)
    dry = flow(100, 0, heard=False)
    assert not foresight.step(dry, round((now_s + 0.2) * NS_PER_S)).gives_way
    assert foresight.step(dry, round((now_s + 0.6) * NS_PER_S)).gives_way


def test_a_source_that_flows_again_needs_nothing_behind_it_after_three_seconds() -> None:
    foresight = Foresight()
    now_ns = round(well(foresight) * NS_PER_S)
    assert foresight.step(flow(800, 700), now_ns).ready
    assert foresight.step(flow(100, 1_500, 900), now_ns + CALM_NS).ready
    assert not foresight.step(flow(100, 1_500, 900), now_ns + CALM_NS + NS_PER_MS).ready


def test_a_stream_that_was_not_needed_is_opened_ahead_ever_more_rarely_a_recording_is_not() -> None:
    foresight = Foresight()
    now_s, opened = well(foresight), []
    for second in range(600):
        troubled = second % 5 == 0
        state = flow(800, 700) if troubled else flow(100, 1_500)
        said = foresight.step(state, round((now_s + second) * NS_PER_S))
        if troubled:
            assert said.ready
            if said.streams:
                opened.append(second)
    assert opened[0] == 0
    assert 3 <= len(opened) <= 8
    assert opened[-1] - opened[-2] > 2 * (opened[1] - opened[0])


def test_a_stream_is_opened_in_any_case_when_nothing_is_heard() -> None:
    foresight = Foresight()
    now_ns = round(well(foresight) * NS_PER_S)
    foresight.step(flow(800, 700), now_ns)
    foresight.step(flow(100, 1_500), now_ns + 4 * NS_PER_S)
    again_ns = now_ns + 5 * NS_PER_S
    assert not foresight.step(flow(800, 700), again_ns).streams
    assert foresight.step(flow(1_500, 0, heard=False), again_ns + NS_PER_S).streams


def test_nothing_stands_ready_for_so_long_that_its_ring_runs_over() -> None:
    foresight = Foresight()
    now_ns = round(well(foresight) * NS_PER_S)
    said = [
        foresight.step(flow(800, 700), now_ns + tenth * NS_PER_S // 10).ready
        for tenth in range(130)
    ]
    assert not all(said)
    assert said.index(False) == STANDS_MOST_NS * 10 // NS_PER_S + 1


def test_a_playlist_that_fills_its_store_a_segment_at_a_time_is_waited_for() -> None:
    begins = {"heard": False, "began": False}
    assert not Foresight().step(flow(3_900, 4_000, 0, 9_000, **begins), 0).ready
    assert Foresight().step(flow(1_100, 200, 0, 1_500, **begins), 0).ready


def test_a_store_that_was_never_filled_up_again_gives_way_at_a_wait_that_is_usual() -> None:
    foresight = Foresight()
    foresight.step(flow(0, 2_500, 2_000), 0)
    assert not foresight.step(flow(400, 500, 2_000), NS_PER_S).ready
    assert foresight.step(flow(600, 300, 2_000), 2 * NS_PER_S) == (True, True, True)


def test_the_first_source_has_time_to_begin_and_the_next_one_has_none() -> None:
    silent = {"sounding": False, "heard": False, "began": False}
    assert not Foresight().step(flow(2_400, 0, **silent), 0).ready
    assert Foresight().step(flow(2_600, 0, **silent), 0).gives_way
    said = Foresight().step(flow(0, 0, first=False, **silent), 0)
    assert (said.gives_way, said.streams) == (True, False)


# --- what stands ready -------------------------------------------------------------------------


@dataclass(eq=False)
class Decoding:
    """A source as the test wants it."""

    live: bool
    reader: Reader = field(default_factory=Silence)
    length: int | None = None
    fader: Fader | None = None
    lump_ns: int = 0
    whole: bool = False
    lead_ms: int = 0
    fault: SourceFault | None = None
    over: int | None = None
    done: bool = False
    sounding: bool = True
    cancelled: bool = False

    def waited_ns(self, now_ns: int) -> int:
        return 0

    def well_for_ns(self, now_ns: int) -> int:
        return 0

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        pass

    def cancel(self) -> None:
        self.cancelled = True


class Bench:
    def __init__(self, *sources: Source, retake: Retake = "at_once") -> None:
        self.part = Part(sources, retake=retake)
        self.opened: list[Attempt] = []
        self.spares = Spares(self._attempt(0), self.part, self._open)
        self.now_ns = 0
        for _ in range(20):
            self.look(flow(100, 1_500))

    def _attempt(self, number: int) -> Attempt:
        job = Decoding(self.part.sources[number].kind in ("stream", "input"))
        return Attempt(0, number, job, Slot(0, number, job.reader, 0, live=job.live))

    def _open(self, number: int, now_ns: int) -> Attempt:
        self.opened.append(self._attempt(number))
        return self.opened[-1]

    def look(self, state: Flow) -> list[int]:
        """Which sources may take over now."""
        self.now_ns += NS_PER_S // 10
        return [slot.source for slot in self.spares.step(state, self.now_ns)]

    def numbers(self) -> list[int]:
        return [one.source for one in self.opened]


LOW = flow(800, 700)


def test_one_live_source_and_the_first_recording_stand_ready() -> None:
    bench = Bench(PRIMARY, BACKUP, THIRD, FILE, TONE)
    assert bench.look(LOW) == [1, 3]
    assert bench.look(LOW) == [1, 3]
    assert bench.numbers() == [1, 3]


def test_a_live_source_behind_a_recording_is_not_opened() -> None:
    bench = Bench(PRIMARY, FILE, BACKUP)
    assert bench.look(LOW) == [1]
    assert bench.numbers() == [1]


def test_a_recording_waits_until_the_source_is_given_up_where_nobody_goes_back_at_once() -> None:
    for retake in ("never", "when_over"):
        bench = Bench(PRIMARY, BACKUP, FILE, retake=retake)
        assert bench.look(LOW) == [1]
        assert bench.numbers() == [1, 2]


def test_one_that_fails_while_it_stands_by_makes_room_for_the_next() -> None:
    bench = Bench(PRIMARY, BACKUP, THIRD, FILE)
    bench.look(LOW)
    bench.opened[0].job.fault = "refused"  # type: ignore[misc]
    assert bench.look(LOW) == [2, 3]
    assert [one.source for one in bench.spares.failed] == [1]
    following = bench.spares.following(bench.now_ns)
    assert following is not None
    assert following.source == 2


def test_all_is_hung_up_when_the_source_flows_again() -> None:
    bench = Bench(PRIMARY, BACKUP, FILE)
    bench.look(LOW)
    for _ in range(40):
        bench.look(flow(100, 1_500, 900))
    assert all(one.job.cancelled for one in bench.opened)  # type: ignore[attr-defined]
    assert not bench.spares.open
    assert bench.look(LOW) == [2], "the stream not so soon again, the recording costs nothing"


def test_what_was_given_up_is_followed_by_the_next_of_the_chain_ready_or_not() -> None:
    bench = Bench(PRIMARY, BACKUP, FILE)
    first = bench.spares.following(0)
    assert first is not None
    assert (first.source, bench.numbers()) == (1, [1])
    assert Bench(PRIMARY).spares.following(0) is None
