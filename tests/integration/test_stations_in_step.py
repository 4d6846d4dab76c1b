"""Ten minutes on cards that are off: director, voice, mixer and card clock in virtual time.

What left the modelled card is held against the programme before encoding, by cross-correlation at
true instants. No decoder and no thread: `tests/integration/test_player_child.py` has those. The
figures are printed by `pytest -s tests/integration/test_stations_in_step.py`.
"""

# ruff: noqa: T201  (figures, shown by `pytest -s`)
from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player import protocol as p
from agent.player.clockmap import NS_PER_MS, NS_PER_S, WallMap
from agent.player.decode import Job
from agent.player.director import Director
from agent.player.levelling import Fader
from agent.player.mixer import Mixer
from agent.player.ring import Block, Reader
from simulator.measure import find_start, gaps, programme
from simulator.soundcard import ModelledOutput

RATE = 48_000
LOOP_S = 10
START_MS = 20_000
WINDOW = 4_800


class Recorded:
    """A programme in memory, over and over for `total` frames."""

    def __init__(self, loop: NDArray[np.float32], total: int) -> None:
        self._loop = loop
        self.total: int | None = total

    def first(self) -> int:
        return 0

    def lead(self, position: int) -> int:
        return max(0, (self.total or 0) - position)

    def read(self, position: int, frames: int) -> tuple[Block, int]:
        at = np.arange(position, position + frames)
        there = (at >= 0) & (at < (self.total or 0))
        return np.where(there, self._loop[at % len(self._loop)], np.float32(0)), int(there.sum())


class Decoded:
    """A job that was done before it began."""

    live = False
    length: int | None = None
    lead_ms = 0
    fault: p.SourceFault | None = None
    over: int | None = None
    done = True
    sounding = True
    lump_ns = 0
    whole = False
    fader: Fader | None = None

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def well_for_ns(self, now_ns: int) -> int:
        del now_ns
        return 0

    def waited_ns(self, now_ns: int) -> int:
        del now_ns
        return 0

    def poll(self, now_ns: int, due_ns: int = 0) -> None:
        """Nothing can stall."""

    def cancel(self) -> None:
        """Nothing to give back."""


class Station:
    """A whole player but its decoders, on a card of its own; the wall clock is the machine's."""

    def __init__(self, card: ModelledOutput, seconds: float, seed: int = 7) -> None:
        self.card = card
        self.loop = programme(LOOP_S, seed)
        self.seconds = seconds
        self.mixer = Mixer(1)
        self.reports: list[p.FromChild] = []
        self._ran_s = 0.0
        self._director = Director(self.mixer, self, WallMap(0))
        card.open(self._render)

    def open(self, source: p.Source, from_frames: int, now_ns: int, *, chasing: bool) -> Job:
        del source, from_frames, now_ns, chasing
        return Decoded(Recorded(self.loop, round(self.seconds * RATE)))

    def cue(self) -> None:
        parts = (p.Part((p.Source("file", "a"),)),)
        now_ns = self.card.last_callback_ns
        self.reports += self._director.take(p.Cue("c", 0, parts, START_MS, 0), now_ns)

    def run(self, seconds: float) -> None:
        self._ran_s += seconds
        while self.card.frames < self._ran_s * RATE:
            left_s = self._ran_s - self.card.frames / RATE
            self.reports += self._director.tick(self.card.play(min(0.25, left_s)))

    def late_ms(self, second: float) -> tuple[float, float]:
        """How late the sound of `second` left, and how alike it was."""
        due_ns = START_MS * NS_PER_MS + second * NS_PER_S
        near = round(self.card.frame_at(due_ns))
        heard = self.card.heard(0, near - WINDOW, 3 * WINDOW)
        into = round(second * RATE) % len(self.loop)
        start, score = find_start(heard, self.loop[into : into + WINDOW], WINDOW, 1_200)
        return (self.card.dac_ns_of(near - WINDOW + start) - due_ns) / 1e6, score

    def _render(self, frames: int, dac_ns: int, underrun: bool) -> bytes:
        card = self.card
        return self.mixer.render(frames, dac_ns, underrun=underrun, drift=card.drift).tobytes()


def station(seconds: float, *, open_s: float = START_MS / 1000, **card: object) -> Station:
    """At `START_MS` it plays `seconds` of programme; its card was opened `open_s` before."""
    start_ns = START_MS * NS_PER_MS - round(open_s * NS_PER_S)
    made = Station(ModelledOutput(1, 1024, start_ns=start_ns, **card), seconds)  # type: ignore[arg-type]
    made.run(0.25)
    made.cue()
    return made


def told(name: str, late_ms: NDArray[np.float64]) -> None:
    size = np.abs(late_ms)
    row = f"p50 {np.median(size):.3f}, p95 {np.percentile(size, 95):.3f}, worst {size.max():.3f}"
    print(f"{name}: {row} ms")


def rate_changes_ppm(late_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the rate moved from one second to the next; the wall clock's second is 1."""
    return 1e3 * np.diff(late_ms, 2)


@pytest.mark.slow
def test_two_stations_on_cards_a_hundred_ppm_off_stay_in_step_for_ten_minutes() -> None:
    seconds = 600
    slow, fast = (station(seconds, ppm=ppm, jitter_ns=20_000, seed=1) for ppm in (-100.0, 100.0))
    late: dict[Station, NDArray[np.float64]] = {}
    for one in (slow, fast):
        one.run(START_MS / 1000 + seconds + 1)
        rows = np.array([one.late_ms(second) for second in (0.0, *np.arange(1.0, seconds - 0.2))])
        late[one] = rows[:, 0]
        told(f"{one.card.device}, error", rows[:, 0])
        assert abs(rows[0, 0]) < 0.2  # the first sample
        assert np.min(rows[:, 1]) > 0.95
        first = round(one.card.frame_at(START_MS * NS_PER_MS))
        everything = one.card.heard(0, first, seconds * RATE)
        assert gaps(everything, 24) == []
        assert not one.card.heard(0, 0, first - 1).any()
        [ended] = [report for report in one.reports if isinstance(report, p.Ended)]
        assert (ended.reason, ended.at_ms) == ("finished", START_MS + 1000 * seconds)
        assert abs(ended.played_ms - 1000 * seconds) <= 1
    step = late[slow] - late[fast]
    told("step between them", step)
    assert np.percentile(np.abs(step[1:]), 95) < 0.3
    assert np.max(np.abs(step[1:])) < 2.0


@pytest.mark.parametrize(
    ("name", "open_s", "jitter_ns", "late_most_ms", "change_most_ppm"),
    [
        ("0.1 ms, opened a second before", 1.0, 100_000, 0.2, 100),
        ("0.5 ms", 20.0, 500_000, 0.3, 30),
        ("0.5 ms, opened a second before", 1.0, 500_000, 0.5, 150),
    ],
)
def test_a_driver_whose_figures_jitter_is_not_heard(
    name: str, open_s: float, jitter_ns: int, late_most_ms: float, change_most_ppm: float
) -> None:
    seconds = 40
    one = station(seconds, open_s=open_s, ppm=100.0, jitter_ns=jitter_ns)
    one.run(open_s + seconds)
    late = np.array([one.late_ms(second)[0] for second in np.arange(0.2, seconds - 1.0)])
    changes = np.abs(rate_changes_ppm(late))
    told(f"jitter {name}", late)
    print(f"    rate moves by {np.max(changes):.1f} ppm a second at most")
    assert np.max(np.abs(late)) < late_most_ms
    assert np.max(changes) < change_most_ppm


@pytest.mark.parametrize(("gap_ms", "told"), [(4.0, True), (15.0, True), (3.0, False)])
def test_a_card_that_ran_dry_a_little_is_led_back_unheard(gap_ms: float, *, told: bool) -> None:
    seconds = 30
    one = station(seconds, ppm=100.0, jitter_ns=20_000)
    one.run(START_MS / 1000 + 5)
    one.card.run_dry(gap_ms, told=told)
    one.run(seconds - 5)
    late = np.array([one.late_ms(second)[0] for second in np.arange(6.0, seconds - 1.0, 0.5)])
    rates = 1e6 * np.diff(late / 1e3) / 0.5
    print(f"{gap_ms:+.0f} ms: {late[0]:+.2f} ms at first, {late[20]:+.3f} after 10 s, ", end="")
    print(f"{late[-1]:+.3f} at the end; rate {np.max(np.abs(rates)):.0f} ppm at most")
    assert abs(late[0]) > abs(gap_ms) / 2
    assert abs(late[-1]) < 0.2
    assert np.max(np.abs(rates)) < 2200  # 0.2 % and the crystal


def test_a_card_that_ran_dry_for_longer_goes_on_where_the_clock_is_by_a_cross_fade() -> None:
    seconds = 12
    one = station(seconds, ppm=100.0, jitter_ns=20_000)
    one.run(START_MS / 1000 + 5)
    one.card.run_dry(180.0)
    one.run(seconds - 5)
    late = np.array([one.late_ms(second)[0] for second in np.arange(5.5, seconds - 1.0, 0.5)])
    told("after a gap of 180 ms", late)
    assert np.max(np.abs(late)) < 0.2


def test_a_crystal_that_warms_up_is_followed() -> None:
    seconds = 60
    one = station(seconds, ppm=20.0, jitter_ns=20_000)
    one.run(START_MS / 1000)
    for minute in range(20):  # 40 ppm in a minute: a cold box that the sun finds
        one.card.warm_up(20.0 + 2.0 * minute)
        one.run(3.0)
    late = np.array([one.late_ms(second)[0] for second in np.arange(1.0, seconds - 4.0)])
    told("a crystal that warms up", late)
    assert np.max(np.abs(late)) < 0.1


def test_a_cue_that_came_late_joins_in_step() -> None:
    one = Station(ModelledOutput(1, 1024, ppm=-100.0, start_ns=0), 60)
    one.run(START_MS / 1000 + 7.3)
    one.cue()
    one.run(5.0)
    late = np.array([one.late_ms(second)[0] for second in (7.6, 8.0, 9.0, 11.0)])
    told("late join", late)
    assert np.max(np.abs(late)) < 0.1
