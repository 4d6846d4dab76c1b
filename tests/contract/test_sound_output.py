"""What every sound output promises, checked on PortAudio over PulseAudio, over an ALSA device with
no server before it, and on the model."""

# ruff: noqa: T201  (figures, shown by `pytest -s`)
from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from agent.player.output import NoDevice, Output, PortAudioOutput
from simulator.soundcard import ModelledOutput, PacedCard, SoundCard

BUSES = 2
FRAMES = 1024

Make = Callable[[], Output]


@pytest.fixture(scope="module")
def card() -> Iterator[SoundCard]:
    if shutil.which("pulseaudio") is None:
        pytest.skip("pulseaudio is not installed")
    with SoundCard(sinks={"tan-lien": BUSES}) as opened:
        # PortAudio lives in this process here, so this process needs the card's environment.
        before = dict(os.environ)
        os.environ.update(opened.env())
        yield opened
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Iterator[PacedCard]:
    if PacedCard.missing():
        pytest.skip(f"{PacedCard.missing()} is not installed")
    with PacedCard("the-kham", BUSES) as opened:
        monkeypatch.setenv("ALSA_CONFIG_PATH", opened.env()["ALSA_CONFIG_PATH"])
        yield opened


@pytest.fixture(params=["portaudio", "portaudio, no server", "modelled", "modelled +100 ppm"])
def make(request: pytest.FixtureRequest, card: SoundCard) -> Make:
    if request.param == "portaudio":
        return lambda: PortAudioOutput("tan-lien", BUSES, FRAMES)
    if request.param == "portaudio, no server":
        request.getfixturevalue("paced")
        return lambda: PortAudioOutput("the-kham", BUSES, FRAMES)
    return lambda: ModelledOutput(BUSES, FRAMES, ppm=100.0 if "100" in request.param else 0.0)


class Listener:
    """A render function that notes how it was called."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int, int, bool]] = []  # now, frames, dac, underrun
        self.threads: set[int] = set()
        self.fail_next = False
        self.kept = threading.local()
        self.seen: list[int] = []  # how many calls this thread remembers

    def __call__(self, frames: int, dac_ns: int, underrun: bool) -> bytes:
        self.threads.add(threading.get_ident())
        self.kept.calls = getattr(self.kept, "calls", 0) + 1
        self.seen.append(self.kept.calls)
        self.calls.append((time.monotonic_ns(), frames, dac_ns, underrun))
        if self.fail_next:
            self.fail_next = False
            raise ValueError("a fault in the mixer")
        return bytes(2 * BUSES * frames)

    def wait(self, calls: int) -> None:
        limit = time.monotonic() + 5
        while len(self.calls) < calls and time.monotonic() < limit:
            time.sleep(0.01)
        assert len(self.calls) >= calls


@pytest.fixture
def listening(make: Make) -> Iterator[tuple[Output, Listener]]:
    output, listener = make(), Listener()
    output.open(listener)
    listener.wait(20)
    yield output, listener
    output.close()


def test_an_output_asks_for_blocks_of_the_promised_size_from_one_thread(
    listening: tuple[Output, Listener],
) -> None:
    output, listener = listening
    assert {frames for _, frames, _, _ in listener.calls} == {output.frames_per_buffer}
    assert len(listener.threads) == 1


def test_the_thread_of_a_card_is_one_for_python_too(listening: tuple[Output, Listener]) -> None:
    """Not made anew for every block: that cost a sixth of an idle station."""
    _, listener = listening
    assert listener.seen[:20] == list(range(1, 21))


def test_each_block_leaves_when_the_one_before_it_has_ended(
    listening: tuple[Output, Listener],
) -> None:
    _, listener = listening
    settled = [dac for _, _, dac, underrun in listener.calls[8:20] if not underrun]
    steps_ms = [(b - a) / 1e6 for a, b in pairwise(settled)]
    block_ms = FRAMES / 48.0
    print(f"steps of {block_ms:.3f} ms: {min(steps_ms):.3f} to {max(steps_ms):.3f}")
    # Half of the steps: a busy machine may make the card run dry once.
    assert sorted(steps_ms)[len(steps_ms) // 2] == pytest.approx(block_ms, abs=1.0)


def test_blocks_are_asked_for_before_they_leave(listening: tuple[Output, Listener]) -> None:
    output, listener = listening
    ahead_ms = [(dac - now) / 1e6 for now, _, dac, _ in listener.calls[8:]]
    assert sorted(ahead_ms)[len(ahead_ms) // 2] > 5
    assert 5 < output.latency_ms < 500


def test_an_output_knows_how_long_its_thread_is_kept(listening: tuple[Output, Listener]) -> None:
    output, _ = listening
    spread = output.callbacks
    assert spread is not None
    assert 0 <= spread.p50_us <= spread.p99_us <= spread.max_us


def test_an_output_learns_what_its_crystal_is_off_by(listening: tuple[Output, Listener]) -> None:
    output, listener = listening
    listener.wait(150)
    told_ppm = 1e6 * output.drift
    print(f"{output.device}: {told_ppm:+.1f} ppm after 3 s")
    # A null sink is some 30 ppm fast with 1024 frames; on a busy machine callbacks are late.
    true_ppm, near = (-output.ppm, 30) if isinstance(output, ModelledOutput) else (-30.0, 250)
    assert told_ppm == pytest.approx(true_ppm, abs=near)


def test_an_open_output_is_settled_and_shows_that_it_lives(
    listening: tuple[Output, Listener],
) -> None:
    output, _ = listening
    assert output.settled
    assert time.monotonic_ns() - output.last_callback_ns < 2_000_000_000


def test_an_output_that_is_opened_again_asks_on_with_a_clock_that_begins_anew(
    listening: tuple[Output, Listener],
) -> None:
    output, listener = listening
    output.reopen()
    calls = len(listener.calls)
    listener.wait(calls + 10)
    now_ns, _, dac_ns, _ = listener.calls[-1]
    assert now_ns < dac_ns < now_ns + 500_000_000


def test_an_output_that_is_opened_again_with_larger_blocks_asks_for_those_and_knows_its_crystal(
    listening: tuple[Output, Listener],
) -> None:
    output, listener = listening
    listener.wait(50)
    known = output.drift
    output.frames_per_buffer = 2 * FRAMES
    output.reopen()
    calls = len(listener.calls)
    listener.wait(calls + 10)
    assert {frames for _, frames, _, _ in listener.calls[calls:]} == {2 * FRAMES}
    assert output.settled
    # Three half seconds at most were learned from since; 100 ppm would be forgotten.
    assert output.drift == pytest.approx(known, abs=70e-6)


def test_a_fault_in_the_mixer_costs_a_block_and_not_the_stream(
    listening: tuple[Output, Listener],
) -> None:
    _, listener = listening
    listener.fail_next = True
    listener.wait(len(listener.calls) + 5)
    assert not listener.fail_next


def test_a_closed_output_asks_no_more(make: Make) -> None:
    output, listener = make(), Listener()
    output.open(listener)
    listener.wait(3)
    output.close()
    calls = len(listener.calls)
    time.sleep(0.1)
    assert len(listener.calls) == calls
    output.close()


def test_a_wrong_device_name_lists_those_that_exist(card: SoundCard) -> None:
    with pytest.raises(NoDevice, match="tan-lien"):
        PortAudioOutput("nowhere", BUSES).open(Listener())


def test_a_modelled_card_runs_fast_by_its_ppm() -> None:
    output = ModelledOutput(1, ppm=100.0)
    assert output.dac_ns_of(48_000_000) == pytest.approx(1000e9 / 1.0001, rel=1e-9)
