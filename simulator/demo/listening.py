"""What each channel carried: which programme from which position, other sound, or silence.

Knows the recording and the programmes before encoding, and nothing of what was planned, so it
finds a programme wherever and however often it sounds. Positions come from cross-correlation
(`simulator.measure`) and are good to a fraction of a sample; the edges of a stretch to `STEP_MS`.

How: the channel is walked in blocks. A block is first looked for where the stretch it follows
predicts it, else in every whole programme at a low rate. Along each line (programme, instant of
its first sample) so found, short frames are then compared one by one, which gives the edges and
the gaps; frames where the programme itself is silent belong to what surrounds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.demo.recording import Recording, Sound
from simulator.measure import find_start, level_dbfs

STEP_MS = 20
"""Frames by which edges and gaps are told."""

BLOCK_MS = 500
_TRACK_RATE_HZ = 16_000
_SEARCH_RATE_HZ = 4_000
_SEARCH_FRAMES = 2 * BLOCK_MS * _SEARCH_RATE_HZ // 1000
"""Twice the block: what is looked for in whole programmes."""
_ASIDE = (-2, -1, 1, 2)
"""Samples of the track: an s of 6 kHz is unlike itself when the line is off by a third of one."""
_SAME_LINE_MS = 5.0
_REFINE_MS = 2.0
_FOUND = 0.6
_FOLLOWED = 0.5
"""Correlation of the same sound after a lossy codec is above 0.9, of unrelated noise below 0.2;
single vowels of one synthetic voice reach 0.5 against each other, hence also `_LINE_LEAST_MS`."""

_LINE_LEAST_MS = 1_000
"""A line heard for less is a word that two programmes share."""

_SILENT_DBFS = -60.0
_SOFT_DB = 3.0
"""How far a codec and a limiter leave the level of a soft frame in doubt."""
_BRIDGE_MS = 60
_OTHER_BRIDGE_MS = 700
_OTHER_LEAST_MS = 100
_REACH_MS = 2_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """`programme` sounded from position `position_ms` on; position 0 was, or would be, at
    `zero_ms`."""

    programme: str
    bus: int
    from_ms: float
    to_ms: float
    zero_ms: float
    level_dbfs: float

    @property
    def position_ms(self) -> float:
        return self.from_ms - self.zero_ms


@dataclass(frozen=True, slots=True)
class OtherSound:
    """Something sounded that is none of the programmes: a warning, a tone, speech."""

    bus: int
    from_ms: float
    to_ms: float
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class Heard:
    """All that one station's card gave."""

    stretches: tuple[Stretch, ...]
    other: tuple[OtherSound, ...]
    from_ms: float
    to_ms: float


def listen(recording: Recording, programmes: Mapping[str, Sound]) -> Heard:
    """Every channel of a recording. The programmes have the recording's rate."""
    ear = _Ear(recording, programmes)
    stretches: list[Stretch] = []
    other: list[OtherSound] = []
    for bus in range(recording.buses):
        found, rest = ear.bus(bus)
        stretches += found
        other += rest
    return Heard(
        tuple(sorted(stretches, key=lambda one: one.from_ms)),
        tuple(sorted(other, key=lambda one: one.from_ms)),
        recording.wall_ms(0),
        recording.wall_ms(len(recording.frames)),
    )


def tone_share(sound: Sound, rate_hz: int, tone_hz: Iterable[int], width_hz: float = 40) -> float:
    """How much of the energy lies at these frequencies, 0 to 1."""
    if len(sound) == 0:
        return 0.0
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    near = np.zeros(len(hertz), bool)
    for tone in tone_hz:
        near |= np.abs(hertz - tone) <= width_hz
    total = float(power.sum())
    return float(power[near].sum()) / total if total > 0 else 0.0


@dataclass(slots=True)
class _Line:
    """A programme seen running: by each block seen (at, instant of position 0).

    The instant drifts where the card's clock does; a fraction of a millisecond is enough to lose
    the sound of high frequencies, so it is followed.
    """

    programme: str
    seen: list[tuple[float, float]]

    @property
    def zero_ms(self) -> float:
        """By the last blocks; one bad estimate does not count."""
        return float(np.median([zero_ms for _, zero_ms in self.seen[-5:]]))

    @property
    def from_ms(self) -> float:
        return self.seen[0][0]

    @property
    def to_ms(self) -> float:
        return self.seen[-1][0] + BLOCK_MS

    def zeros_at(self, wall_ms: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each block's own instant in its middle, even in between."""
        middles = np.array([at_ms + BLOCK_MS / 2 for at_ms, _ in self.seen])
        zeros = np.array([zero_ms for _, zero_ms in self.seen])
        return np.asarray(np.interp(wall_ms, middles, zeros), np.float64)


def _merged(lines: list[_Line]) -> list[_Line]:
    """Each timeline once, the longest first: it explains the sound before a chance likeness."""
    merged: list[_Line] = []
    for line in lines:
        for other in merged:
            same = other.programme == line.programme
            if same and abs(other.zero_ms - line.zero_ms) <= _SAME_LINE_MS:
                other.seen = sorted([*other.seen, *line.seen])
                break
        else:
            merged.append(line)
    return sorted(merged, key=lambda one: -len(one.seen))


class _Reference:
    """A programme at the three rates it is compared at."""

    def __init__(self, sound: Sound, rate_hz: int) -> None:
        self.full = sound
        self.track = _resampled(sound, rate_hz, _TRACK_RATE_HZ)
        # Silence around it: a block may reach over its ends.
        low = _resampled(sound, rate_hz, _SEARCH_RATE_HZ)
        self.search = np.pad(low, _SEARCH_FRAMES)
        size = len(self.search) + _SEARCH_FRAMES
        self.fft_size = 1 << (size - 1).bit_length()
        self.spectrum = np.fft.rfft(self.search, self.fft_size)
        self.energy = np.concatenate(([0.0], np.cumsum(np.square(self.search, dtype=np.float64))))


class _Ear:
    def __init__(self, recording: Recording, programmes: Mapping[str, Sound]) -> None:
        self._recording = recording
        self._references = {
            name: _Reference(sound, recording.rate_hz) for name, sound in programmes.items()
        }

    def bus(self, bus: int) -> tuple[list[Stretch], list[OtherSound]]:
        sound = self._recording.bus(bus)
        track = _resampled(sound, self._recording.rate_hz, _TRACK_RATE_HZ)
        lines = self._lines(sound, track)
        loud = _frames_dbfs(track) > _SILENT_DBFS
        explained = np.zeros(len(loud), bool)
        stretches: list[Stretch] = []
        for line in _merged(lines):
            runs = [run for whole in self._runs(line, track) for run in _free(explained, whole)]
            if sum(end - first for first, end in runs) * STEP_MS < _LINE_LEAST_MS:
                continue
            for first, end in runs:
                explained[max(0, first - 2) : end + 2] = True
                stretches.append(self._stretch(line, bus, sound, first, end))
        return stretches, self._other(bus, track, loud & ~explained)

    # --- lines ------------------------------------------------------------------------------

    def _lines(self, sound: Sound, track: Sound) -> list[_Line]:
        """Walk the channel in blocks; every line that was met."""
        lines: list[_Line] = []
        search = _resampled(sound, self._recording.rate_hz, _SEARCH_RATE_HZ)
        step = BLOCK_MS * _TRACK_RATE_HZ // 1000
        for first in range(0, len(track) - step + 1, step):
            block = track[first : first + step]
            if level_dbfs(block) <= _SILENT_DBFS:
                continue
            at_ms = self._wall_ms(first)
            if not self._followed(lines, block, at_ms):
                self._looked_for(lines, track, search, first, at_ms)
        return lines

    def _followed(self, lines: list[_Line], block: Sound, at_ms: float) -> bool:
        """Whether a line already met goes on through this block; the latest is tried first."""
        for line in sorted(lines, key=lambda one: -one.to_ms)[:4]:
            zero_ms = self._zero_near(line.programme, block, at_ms, line.zero_ms, _SAME_LINE_MS)
            if zero_ms is not None:
                line.seen.append((at_ms, zero_ms))
                return True
        return False

    def _looked_for(
        self, lines: list[_Line], track: Sound, search: Sound, first: int, at_ms: float
    ) -> None:
        """Compare twice the block with every programme, whole."""
        step = BLOCK_MS * _TRACK_RATE_HZ // 1000
        start = first * _SEARCH_RATE_HZ // _TRACK_RATE_HZ
        block = search[start : start + _SEARCH_FRAMES]
        best = max(
            ((*_position(reference, block), name) for name, reference in self._references.items()),
            default=(0.0, 0.0, ""),
        )
        score, position, name = best
        if score < _FOUND:
            return
        rough_ms = at_ms - position * 1000.0 / _SEARCH_RATE_HZ
        exact_ms = self._zero_near(name, track[first:][:step], at_ms, rough_ms, _REFINE_MS)
        zero_ms = rough_ms if exact_ms is None else exact_ms
        for line in lines:
            if line.programme == name and abs(line.zero_ms - zero_ms) <= _SAME_LINE_MS:
                line.seen.append((at_ms, zero_ms))
                return
        lines.append(_Line(name, [(at_ms, zero_ms)]))

    def _zero_near(
        self, programme: str, block: Sound, at_ms: float, zero_ms: float, reach_ms: float
    ) -> float | None:
        """Where position 0 lies by this block, when it is there within `reach_ms`."""
        reference = self._references[programme].track
        expected = (at_ms - zero_ms) * _TRACK_RATE_HZ / 1000.0
        if not -len(block) / 2 < expected < len(reference) - len(block) / 2:
            return None
        reach = round(reach_ms * _TRACK_RATE_HZ / 1000)
        found, score = find_start(reference, block, expected, reach)
        if score < _FOLLOWED or abs(found - expected) > reach:
            return None
        return at_ms - found * 1000.0 / _TRACK_RATE_HZ

    # --- edges ------------------------------------------------------------------------------

    def _runs(self, line: _Line, track: Sound) -> list[tuple[int, int]]:
        """Frames (first, end) of the channel in which the line really sounds."""
        step = STEP_MS * _TRACK_RATE_HZ // 1000
        reference = self._references[line.programme].track
        low = max(0, round(self._track_frame(line.from_ms - _REACH_MS)) // step)
        high = min(len(track), round(self._track_frame(line.to_ms + _REACH_MS))) // step
        if high <= low:
            return []
        here = track[low * step : high * step].reshape(-1, step)
        marks = np.array([self._wall_ms(frame * step) for frame in range(low, high)])
        offsets = (marks - line.zeros_at(marks)) * _TRACK_RATE_HZ / 1000
        at = np.rint(offsets).astype(np.int64)
        state = _frame_states(here, lambda aside: _cut_out(reference, at + aside, step))
        return [(low + first, low + end) for first, end in _true_runs(state)]

    def _stretch(self, line: _Line, bus: int, sound: Sound, first: int, end: int) -> Stretch:
        step = STEP_MS * self._recording.rate_hz // 1000
        part = sound[first * step : end * step]
        zero_ms = self._exact_zero(line, sound, first * step, end * step)
        from_ms = self._recording.wall_ms(first * step)
        to_ms = self._recording.wall_ms(end * step)
        return Stretch(line.programme, bus, from_ms, to_ms, zero_ms, round(level_dbfs(part), 2))

    def _exact_zero(self, line: _Line, sound: Sound, first: int, end: int) -> float:
        """The median of several full-rate windows over the beginning of the stretch."""
        rate = self._recording.rate_hz
        reference = self._references[line.programme].full
        length = min(rate // 2, end - first)
        zeros: list[float] = []
        for start in range(first, min(end - length, first + 10 * rate) + 1, max(1, rate)):
            at_ms = self._recording.wall_ms(start)
            near_ms = float(line.zeros_at(np.array([at_ms]))[0])
            expected = (at_ms - near_ms) * rate / 1000.0
            block = sound[start : start + length]
            found, score = find_start(reference, block, expected, round(rate * _REFINE_MS / 1000))
            if score >= _FOLLOWED:
                zeros.append(at_ms - found * 1000.0 / rate)
        return float(np.median(zeros)) if zeros else line.zero_ms

    def _other(self, bus: int, track: Sound, unexplained: NDArray[np.bool_]) -> list[OtherSound]:
        step = STEP_MS * _TRACK_RATE_HZ // 1000
        found = []
        for first, end in _bridged(_edges(unexplained), _OTHER_BRIDGE_MS // STEP_MS):
            if int(unexplained[first:end].sum()) * STEP_MS < _OTHER_LEAST_MS:
                continue
            level = level_dbfs(track[first * step : end * step])
            found.append(
                OtherSound(
                    bus, self._wall_ms(first * step), self._wall_ms(end * step), round(level, 2)
                )
            )
        return found

    def _wall_ms(self, track_frame: float) -> float:
        return self._recording.wall_ms(track_frame * self._recording.rate_hz / _TRACK_RATE_HZ)

    def _track_frame(self, wall_ms: float) -> float:
        return self._recording.frame(wall_ms) * _TRACK_RATE_HZ / self._recording.rate_hz


def _position(reference: _Reference, block: Sound) -> tuple[float, float]:
    """(score, position in search frames) of a block somewhere in a programme."""
    block = block - block.mean() if len(block) else block
    power = float(np.dot(block, block))
    if power <= 0:
        return 0.0, 0.0
    cross = np.fft.irfft(
        reference.spectrum * np.conj(np.fft.rfft(block, reference.fft_size)), reference.fft_size
    )[: len(reference.search) - len(block) + 1]
    energy = reference.energy[len(block) :] - reference.energy[: -len(block)]
    scores = np.abs(cross) / np.sqrt(np.maximum(energy[: len(cross)] * power, power * 1e-3))
    best = int(np.argmax(scores))
    return float(min(1.0, scores[best])), float(best - _SEARCH_FRAMES)


def _resampled(sound: Sound, rate_hz: int, to_hz: int) -> Sound:
    """Every n-th sample of the low-passed sound; rates divide each other."""
    every = rate_hz // to_hz
    if every * to_hz != rate_hz:
        raise ValueError(f"{rate_hz} Hz is not a multiple of {to_hz} Hz")
    if every == 1 or len(sound) == 0:
        return sound
    taps = np.arange(-8 * every, 8 * every + 1)
    kernel = np.sinc(taps / every * 0.9) * np.hanning(len(taps))
    low = np.convolve(sound, np.asarray(kernel / kernel.sum(), np.float32), "same")
    return np.asarray(low[::every], np.float32)


def _frames_dbfs(track: Sound) -> NDArray[np.float64]:
    step = STEP_MS * _TRACK_RATE_HZ // 1000
    frames = track[: len(track) // step * step].reshape(-1, step)
    power = np.mean(np.square(frames, dtype=np.float64), axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _cut_out(reference: Sound, offsets: NDArray[np.int64], length: int) -> Sound:
    """For each offset a row of the reference from there on; zeros where it has none."""
    wanted = offsets[:, None] + np.arange(length)[None, :]
    inside = (wanted >= 0) & (wanted < len(reference))
    rows = reference[np.clip(wanted, 0, len(reference) - 1)]
    return np.asarray(np.where(inside, rows, 0), np.float32)


_HEARD, _MISSING, _NEUTRAL = 1, 0, 2


def _frame_states(here: Sound, programme: Callable[[int], Sound]) -> NDArray[np.int8]:
    """Per frame: the programme sounds here, it does not, or it is silent itself.

    programme(n): where the line says, n samples aside.
    """
    there = programme(0)
    alike = _alike(here, there)
    doubtful = (alike < _FOLLOWED) & (_power_db(there) > _SILENT_DBFS)
    if doubtful.any():
        alike = np.max([alike, *(_alike(here, programme(aside)) for aside in _ASIDE)], axis=0)
    empty = _power_db(here) < _SILENT_DBFS
    followed = (alike >= _FOLLOWED) & ~empty
    # What a station plays more softly than it was recorded falls silent where the recording was
    # only soft: a breath, the end of a word.
    softer = np.median((_power_db(here) - _power_db(there))[followed]) if followed.any() else 0.0
    quiet = _power_db(there) + min(0.0, float(softer)) <= _SILENT_DBFS + _SOFT_DB
    state = np.where(alike >= _FOLLOWED, _HEARD, _MISSING)
    state[empty] = _MISSING
    state[quiet] = _NEUTRAL
    return np.asarray(state, np.int8)


def _alike(here: Sound, there: Sound) -> NDArray[np.float64]:
    """Correlation of each frame, its neighbours included."""
    cross = _smooth(np.einsum("ij,ij->i", here, there, dtype=np.float64))
    ours = _smooth(np.einsum("ij,ij->i", here, here, dtype=np.float64))
    theirs = _smooth(np.einsum("ij,ij->i", there, there, dtype=np.float64))
    return np.asarray(np.abs(cross) / np.sqrt(np.maximum(ours * theirs, 1e-12)))


def _power_db(frames: Sound) -> NDArray[np.float64]:
    power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / frames.shape[1]
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.convolve(values, np.ones(3), "same")


def _true_runs(state: NDArray[np.int8]) -> list[tuple[int, int]]:
    """Runs of heard frames, over neutral ones between them; gaps below `_BRIDGE_MS` closed."""
    heard = state == _HEARD
    runs: list[tuple[int, int]] = []
    for first, end in _edges(heard):
        if runs:
            between = state[runs[-1][1] : first]
            if not (between == _MISSING).sum() * STEP_MS >= _BRIDGE_MS:
                runs[-1] = (runs[-1][0], end)
                continue
        runs.append((first, end))
    return [run for run in runs if (run[1] - run[0]) * STEP_MS >= _BRIDGE_MS]


def _edges(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, end) of every run of true."""
    padded = np.concatenate(([False], mask, [False]))
    change = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(first), int(end)) for first, end in zip(change[::2], change[1::2], strict=True)]


def _free(taken: NDArray[np.bool_], run: tuple[int, int]) -> list[tuple[int, int]]:
    """What of a run no better line explains; scraps are left out."""
    first, end = run
    parts = [(first + low, first + high) for low, high in _edges(~taken[first:end])]
    return [part for part in parts if (part[1] - part[0]) * STEP_MS >= _BRIDGE_MS]


def _bridged(runs: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, end in runs:
        if joined and first - joined[-1][1] <= most:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    return joined
