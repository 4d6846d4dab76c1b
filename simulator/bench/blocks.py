"""What the size of the card's blocks gives and costs: order to heard, processor, dry moments.

`python -m simulator.bench.blocks [--frames N ...] [--card alsa|pulse ...] [--orders N]`

The real sound child plays an MP3 while tones are ordered into it, on two cards: an ALSA device with
no server before it, as a station has, and a PulseAudio null sink, as tests and demo have. The tone
is found in what the card played: the programme is quiet noise, and the first loud sample is it.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.player import protocol as p
from simulator.bench.sound import Weather, now_ms
from simulator.measure import programme
from simulator.soundcard import PacedCard, PlayerChild, SoundCard, encode
from simulator.soundcard.tied import preferred

CARDS = ("alsa", "pulse")
SINK = "the-kham"
FRAMES = (960, 1_024, 2_048)
NICENESS = -10
"""As the service unit asks for."""

SETTLE_S, WINDOW_S = 3.0, 10.0
QUIET, LOUD = 0.003, 0.05
LOOK_MS = 400


@dataclass(frozen=True)
class Card:
    """`heard_ms`: CLOCK_MONOTONIC in ms of the first loud sample between two instants, or NaN."""

    env: Mapping[str, str]
    heard_ms: Callable[[float, float], float]


@contextlib.contextmanager
def alsa() -> Iterator[Card]:
    with PacedCard(SINK, 1) as card:

        def heard_ms(from_ms: float, to_ms: float) -> float:
            frame, began_ns = next(
                one for one in reversed(card.starts()) if one[1] <= 1e6 * from_ms
            )
            low = frame + round((from_ms - began_ns / 1e6) * 48)
            found = _first_loud(card.samples(0)[low : low + round((to_ms - from_ms) * 48)])
            return float("nan") if found is None else card.mono_ns_of(low + found) / 1e6

        yield Card(card.env(), heard_ms)


@contextlib.contextmanager
def pulse() -> Iterator[Card]:
    with SoundCard({SINK: 1}) as card, card.record(SINK) as recorder:

        def heard_ms(from_ms: float, to_ms: float) -> float:
            last = recorder.frames
            low = max(0, last + round(48 * (from_ms - recorder.mono_ms_of(last))))
            found = _first_loud(recorder.samples(0, low, low + round(48 * (to_ms - from_ms))))
            return float("nan") if found is None else recorder.mono_ms_of(low + found)

        yield Card(card.env(), heard_ms)


def _first_loud(sound: NDArray[np.float32]) -> int | None:
    places = np.flatnonzero(np.abs(sound) > LOUD)
    return int(places[0]) if len(places) else None


def measure(card: Card, frames: int, orders: int, quiet: Path) -> None:
    """One child of its own; prints a line."""
    with PlayerChild(card.env, SINK, 1, "--frames", str(frames)) as child:
        child.wait(p.Ready)
        time.sleep(SETTLE_S)
        idle = processor(child.pid, WINDOW_S)
        play(child, "long", quiet)
        time.sleep(SETTLE_S)
        playing = processor(child.pid, WINDOW_S)
        waits = [order(card, child, f"order-{place}", quiet) for place in range(orders)]
        last = child.all(p.Pulse)[-1]
        spread = np.nanpercentile(waits, (50, 95, 100))
        lost = int(np.isnan(waits).sum())
        print(
            f"{frames:6d} {last.latency_ms:6d} ms {spread[0]:8.1f} {spread[1]:7.1f} "
            f"{spread[2]:7.1f} ms ({orders - lost} of {orders}) {idle:7.2f} {playing:6.2f} %   "
            f"dry {last.underruns}",
            flush=True,
        )


def play(child: PlayerChild, token: str, path: Path) -> None:
    """The programme, at once; returns when it is heard."""
    part = p.Part((p.Source("file", str(path)),))
    child.send(p.Cue(token, 0, (part,), now_ms(), 0, join=False))
    child.wait(p.Started, token)


def order(card: Card, child: PlayerChild, token: str, quiet: Path) -> float:
    """A tone that is ordered into the programme: from writing the order to its first sample, ms."""
    play(child, f"under-{token}", quiet)
    # Orders must not keep step with the blocks.
    time.sleep(0.3 + random.random() / 10)
    tone = p.Part((p.Source("tone", tone_hz=(700,)),))
    ordered_ms = time.monotonic_ns() / 1e6
    child.send(p.Cue(token, 0, (tone,), now_ms(), 0, join=False))
    child.wait(p.Started, token)
    time.sleep(LOOK_MS / 1e3)
    found_ms = card.heard_ms(ordered_ms, ordered_ms + LOOK_MS)
    child.send(p.Stop(token))
    child.wait(p.Ended, token)
    return found_ms - ordered_ms


def processor(pid: int, seconds: float) -> float:
    """Processor time of all its threads, to the microsecond, in percent of one core."""

    def spent_ns() -> int:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text("ascii").split()[0]) for task in tasks)

    before, began_s = spent_ns(), time.monotonic()
    time.sleep(seconds)
    return (spent_ns() - before) / (time.monotonic() - began_s) / 1e7


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator.bench.blocks", description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=list(FRAMES))
    parser.add_argument("--card", nargs="+", default=list(CARDS), choices=CARDS)
    parser.add_argument("--orders", type=int, default=40)
    parser.add_argument("--niceness", type=int, default=NICENESS)
    return parser.parse_args()


def main() -> None:
    """Print the table."""
    asked, weather = _arguments(), Weather()
    print("card   frames  in store   order to heard, p50 / p95 / worst    CPU idle, playing")
    with tempfile.TemporaryDirectory() as folder, preferred(asked.niceness):
        sound = QUIET * programme(60.0, seed=600)
        quiet = encode(sound.astype(np.float32), Path(folder) / "quiet.mp3")
        for name in asked.card:
            if name == "alsa" and PacedCard.missing():
                print(f"{name}: left out, {PacedCard.missing()} is not here")
                continue
            with alsa() if name == "alsa" else pulse() as card:
                for frames in asked.frames:
                    print(f"{name:5}", end=" ")
                    measure(card, frames, asked.orders, quiet)
    print(weather.text())


if __name__ == "__main__":
    main()
