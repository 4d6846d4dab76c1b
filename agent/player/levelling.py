"""Live sound brought to the station's level while it plays.

Owns the rule (`Rule`), the measuring of what arrives (`Gauge`) and the gain of what leaves
(`Fader`). A file is measured before it plays and gets one gain; nobody knows what a relay, a line
or a microphone will send, so it is measured as it comes (K-weighted, as in R128), a look of a
quarter of a second at a time, and led slowly. What it holds in store is heard later, so the gain
begins where the source was found to be, and is on its way down before a loud stretch leaves.

Invariants: the gain stays within the aim's bounds and moves by no more than `UP_DB_PER_S` and
`DOWN_DB_PER_S`; it rises only while programme is heard: a pause, silence or hiss never raises it;
reading a position again gives the same gain. Pure but for the meter; blocks, never samples.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agent.measuring.ebu import LoudnessMeter, NoLibraryError
from agent.player.hearing import LOOK_FRAMES, Kind, Look
from agent.player.protocol import RATE_HZ, Aim
from agent.player.ring import Block, Pcm

__all__ = ["Fader", "Gauge", "NoLibraryError", "Rule", "Wanted"]

UP_DB_PER_S = 1.0
DOWN_DB_PER_S = 4.0

_LOOKS_PER_S = RATE_HZ // LOOK_FRAMES
# A sentence and the next, or a verse: what is judged is the programme, not the word.
_WINDOW_LOOKS = 20 * _LOOKS_PER_S
# R128's short-term window. So much programme must be there before anything is raised.
_SHORT_LOOKS = 3 * _LOOKS_PER_S
# Speech and music rise by so much above themselves; what stays above it is louder than it was.
_EXCURSION_LU = 3.0
_RELATIVE_GATE_LU = 10.0
_LOWEST_LUFS = -70.0
# A gain looks no further ahead than it needs to fall, or a quiet end would fade before its time.
_AHEAD_LOOKS = 2 * _LOOKS_PER_S
_CUT_MOST_DB, _BOOST_MOST_DB = 40.0, 24.0
# Gains of the last two seconds and more: the mixer steps back by one at most.
_POINTS_KEPT = 256


class Wanted(NamedTuple):
    """After a look. may_rise: it was programme, the only thing that raises."""

    gain_db: float
    may_rise: bool


class Rule:
    """What gain a live source should have, after everything that was heard of it."""

    def __init__(self, aim: Aim) -> None:
        self._target = aim.loudness_clufs / 100.0
        self._cut = min(_CUT_MOST_DB, max(0.0, aim.cut_cdb / 100.0))
        self._boost = min(_BOOST_MOST_DB, max(0.0, aim.boost_cdb / 100.0))
        self._peak_dbfs = aim.peak_cdb / 100.0
        # The quietest programme that can be brought to the target passes its own relative gate.
        gate = self._target - self._boost - _RELATIVE_GATE_LU
        self._gate_lufs = max(_LOWEST_LUFS, gate)
        self._programme: deque[tuple[float, float]] = deque(maxlen=_WINDOW_LOOKS)  # energy, peak
        self._recent: deque[float] = deque(maxlen=_SHORT_LOOKS)
        self.gain_db = 0.0

    def hear(self, lufs: float | None, peak_dbfs: float, kind: Kind) -> Wanted:
        """One look. lufs: of the 400 ms to its end, None of digital silence."""
        lufs = lufs if lufs is not None and math.isfinite(lufs) else None
        energy = 0.0 if lufs is None else 10.0 ** (lufs / 10.0)
        counts = kind == "sound" and lufs is not None and lufs >= self._gate_lufs
        self._recent.append(energy)
        if counts:
            self._programme.append((energy, peak_dbfs))
        wanted = self._wanted()
        self.gain_db = wanted if counts else min(wanted, self.gain_db)
        return Wanted(self.gain_db, counts)

    def _wanted(self) -> float:
        short = _lufs(sum(self._recent) / _SHORT_LOOKS) - _EXCURSION_LU
        wanted = self._target - max(self._loudness(), short)
        room = 0.0
        if len(self._programme) >= _SHORT_LOOKS:
            highest = max(peak for _, peak in self._programme)
            room = max(0.0, min(self._boost, self._peak_dbfs - highest))
        return max(-self._cut, min(wanted, room))

    def _loudness(self) -> float:
        """Of the programme in the window: the mean of what lies above the relative gate."""
        if not self._programme:
            return _LOWEST_LUFS
        energies = np.fromiter((energy for energy, _ in self._programme), np.float64)
        gate = float(np.mean(energies)) * 10.0 ** (-_RELATIVE_GATE_LU / 10.0)
        return _lufs(float(np.mean(energies[energies >= gate])))


def _lufs(energy: float) -> float:
    return max(_LOWEST_LUFS, 10.0 * math.log10(energy)) if energy > 0.0 else _LOWEST_LUFS


class Gauge:
    """Measures what arrives of one source, from its first sample on.

    `add` belongs to the source's thread; any other may ask what was found.
    """

    def __init__(self, aim: Aim, frames: int) -> None:
        """frames: how many the source holds in store. Raises NoLibraryError."""
        self._rule = Rule(aim)
        self._meter = LoudnessMeter(RATE_HZ, momentary=True)
        self._into = 0
        self._gains = np.zeros(frames // LOOK_FRAMES + 2 * _AHEAD_LOOKS, np.float32)
        self._rises = np.zeros(len(self._gains), np.bool_)
        self.looks = 0

    def add(self, pcm: Pcm, looks: Sequence[Look]) -> None:
        """The next samples, and the looks that the ear, which heard the same, completed."""
        meter = self._meter
        for look in looks:
            rest, pcm = np.split(pcm, [LOOK_FRAMES - self._into])
            meter.add(rest)
            self._into = 0
            self._note(self._rule.hear(meter.momentary_lufs, look.peak_dbfs, look.kind))
        meter.add(pcm)
        self._into += len(pcm)

    def after(self, position: int) -> Wanted:
        """What the sound around `position` should have, as far as is known by now."""
        known = self.looks
        if not known:
            return Wanted(0.0, may_rise=False)
        here = min(position // LOOK_FRAMES, known - 1)
        ahead = min(here + _AHEAD_LOOKS, known - 1)
        size = len(self._gains)
        return Wanted(float(self._gains[ahead % size]), bool(self._rises[here % size]))

    def _note(self, wanted: Wanted) -> None:
        at = self.looks % len(self._gains)
        self._gains[at], self._rises[at] = wanted
        self.looks += 1  # last: who asks sees only what is in place


class Fader:
    """The gain at each position of a source, as it leaves. Belongs to the mixer's thread."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._db = 0.0
        self._at: deque[int] = deque(maxlen=_POINTS_KEPT)
        self._gain: deque[float] = deque(maxlen=_POINTS_KEPT)

    @property
    def gain_cdb(self) -> int:
        """Where the newest sample that left was (any thread may ask)."""
        return round(100 * self._db)

    def gains(self, position: int, frames: int) -> Block:
        """For `frames` samples from `position` on."""
        if not self._at:  # nobody hears how it came here
            self._db = self._gauge.after(position).gain_db
            self._keep(position)
        while self._at[-1] < position + frames:
            self._go_on(position + frames)
        at = np.arange(position, position + frames)
        return np.interp(at, self._at, self._gain).astype(np.float32)

    def _go_on(self, end: int) -> None:
        """To `end`, or as far as the next look."""
        at = self._at[-1]
        to = min(end, (at // LOOK_FRAMES + 1) * LOOK_FRAMES)
        wanted = self._gauge.after(at)
        step = wanted.gain_db - self._db
        most = UP_DB_PER_S if wanted.may_rise else 0.0
        seconds = (to - at) / RATE_HZ
        self._db += max(-DOWN_DB_PER_S * seconds, min(most * seconds, step))
        self._keep(to)

    def _keep(self, at: int) -> None:
        self._at.append(at)
        self._gain.append(10.0 ** (self._db / 20.0))
