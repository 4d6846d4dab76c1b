"""What a recording tells of the moments a bench asks for: when sound stopped, began, changed.

Owns the search in a recording around known instants. Pure but for waiting until the recording is
long enough. Loudness thresholds are relative to the programme that plays.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from simulator.measure import find_start
from simulator.soundcard.recorder import Recorder

RATE_HZ = 48_000
BLOCK_MS = 2
SIREN_WINDOW_MS = 10
QUIET_SHARE = 0.05
"""A block is silent below this share of the programme's loudness."""

DROPOUT_MS = 15
LASTING_MS = 500

SURE = 0.5
"""Below this correlation it was not the programme."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Silence:
    """From when to when nothing was heard, epoch ms. `to_ms` NaN: sound never came back."""

    from_ms: float
    to_ms: float

    @property
    def length_ms(self) -> float:
        return self.to_ms - self.from_ms


class AmplifierChange(msgspec.Struct, frozen=True):
    """A line of the amplifier's log, as far as it matters here; zone None is the power alone."""

    at_ms: int
    power: str
    zone: int | None = None
    gate: bool | None = None


def audible_from(log: Iterable[AmplifierChange], terminal: int, at_ms: float) -> float:
    """The first instant from `at_ms` on with power and an open gate; NaN when there is none."""
    gate = passing = False
    for change in log:
        if change.zone == terminal:
            gate = bool(change.gate)
        if change.at_ms > at_ms and passing:
            return at_ms
        passing = gate and change.power == "on"
        if change.at_ms > at_ms and passing:
            return change.at_ms
    return at_ms if passing else float("nan")


def returns_ms(silences: Iterable[Silence], killed_ms: float) -> float:
    """When sound came back for good: not for a moment only. NaN when it did not.

    No silence at all is no loss; short drop-outs later on are the machine's, and another figure.
    """
    back_ms = killed_ms
    for one in silences:
        if one.length_ms <= DROPOUT_MS:
            continue
        if back_ms > killed_ms and one.from_ms - back_ms > LASTING_MS:
            break
        back_ms = one.to_ms
    return back_ms


class Ear:
    """Listens to one bus of one recorder; all instants are epoch ms."""

    def __init__(self, recorder: Recorder, bus: int = 0) -> None:
        self._recorder = recorder
        self._bus = bus

    def heard(self, from_ms: float, to_ms: float) -> Samples:
        """What was heard in a stretch; waits until it is over."""
        time.sleep(max(0.0, to_ms / 1_000 - time.time()))
        self._recorder.wait_until_wall_ms(to_ms)
        low, high = (round(self._recorder.frame_of_wall_ms(one)) for one in (from_ms, to_ms))
        return self._recorder.samples(self._bus, low, high)

    def error_ms(self, programme: Samples, at_ms: float, within_ms: float = 250) -> float:
        """How late the first sample of `programme` was heard; NaN when it was not."""
        length_ms = 1_000 * len(programme) / RATE_HZ
        sound = self.heard(at_ms - within_ms, at_ms + length_ms + within_ms)
        place = within_ms * RATE_HZ / 1_000
        start, score = find_start(sound, programme, place, round(place))
        return 1_000 * (start - place) / RATE_HZ if score > SURE else float("nan")

    def tone_begins_ms(self, hz: int, from_ms: float, to_ms: float) -> float:
        """When a tone becomes most of what is heard, to about 5 ms; NaN when it does not."""
        return _first(tone_share(self.heard(from_ms, to_ms), hz) > 0.5, from_ms, 1)

    def silences(self, from_ms: float, to_ms: float, loud: float) -> list[Silence]:
        """Stretches below `QUIET_SHARE` of `loud`; the last one may reach to the end."""
        quiet = loudness(self.heard(from_ms, to_ms), BLOCK_MS) < QUIET_SHARE * loud
        edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.astype(np.int8), [0]))))
        return [
            Silence(
                from_ms + BLOCK_MS * int(begin),
                from_ms + BLOCK_MS * int(end) if end < len(quiet) else float("nan"),
            )
            for begin, end in edges.reshape(-1, 2)
        ]


def loudness(sound: Samples, block_ms: int) -> NDArray[np.float64]:
    """RMS of each whole block."""
    frames = block_ms * RATE_HZ // 1_000
    blocks = sound[: len(sound) // frames * frames].reshape(-1, frames)
    return np.asarray(np.sqrt(np.mean(np.square(blocks, dtype=np.float64), axis=1)))


def tone_share(sound: Samples, hz: int) -> NDArray[np.float64]:
    """Share of the energy that is the tone, for a window around each millisecond."""
    hop, window = RATE_HZ // 1_000, SIREN_WINDOW_MS * RATE_HZ // 1_000
    padded = np.concatenate((np.zeros(window // 2), sound, np.zeros(window // 2)))
    phase = np.exp(-2j * np.pi * hz * np.arange(len(padded)) / RATE_HZ)
    sums = np.concatenate(([0.0], np.cumsum(padded * phase)))
    energy = np.concatenate(([0.0], np.cumsum(np.square(padded))))
    at = np.arange(0, len(sound), hop)
    tone = 2 * np.square(np.abs(sums[at + window] - sums[at])) / window
    return np.asarray(tone / np.maximum(energy[at + window] - energy[at], 1e-6))


def _first(found: NDArray[np.bool_], from_ms: float, step_ms: float) -> float:
    places = np.flatnonzero(found)
    return from_ms + step_ms * int(places[0]) if len(places) else float("nan")
