"""A sound child on a virtual card, what is sent to it, and what was heard of it.

Shared by the tests of live sources. Real libVLC, PortAudio and PulseAudio; what was heard is taken
from a recording.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.player import protocol as p
from simulator.soundcard import PlayerChild, Recorder, SoundCard, encode

SPARE_HZ, STUDIO_HZ = 900, 440


@dataclass
class Station:
    recorder: Recorder
    child: PlayerChild
    card: SoundCard
    folder: Path
    tokens: int = 0

    def play(
        self, *sources: p.Source, for_ms: int, retake: p.Retake = "never", gone_ms: int = 0
    ) -> tuple[str, int]:
        """A cue with these sources, beginning shortly; its token and start.

        gone_ms: of the part's time, when it began."""
        self.tokens += 1
        token, start_ms = f"live-{self.tokens}", time.time_ns() // 1_000_000 + 400
        part = p.Part(sources, from_ms=gone_ms, length_ms=for_ms, retake=retake)
        end_ms = start_ms + for_ms
        self.child.send(p.Cue(token, 0, (part,), start_ms, 0, end_at_ms=end_ms))
        return token, start_ms

    def stop(self, token: str) -> p.Ended:
        self.child.send(p.Stop(token))
        return self.child.wait(p.Ended, token)

    def heard(self, from_ms: float, to_ms: float) -> NDArray[np.float32]:
        self.recorder.wait_until_wall_ms(to_ms + 200)
        low, high = (round(self.recorder.frame_of_wall_ms(ms)) for ms in (from_ms, to_ms))
        return self.recorder.samples(0)[low:high]


def tone_hz(sound: NDArray[np.float32]) -> float:
    """The strongest frequency."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * 48_000 / len(sound))


def tone_file(folder: Path, hertz: int, seconds: float) -> Path:
    at = np.arange(round(seconds * 48_000)) / 48_000
    sound = np.asarray(0.3 * np.sin(2 * np.pi * hertz * at), np.float32)
    return encode(sound, folder / f"{hertz}-{seconds}.wav")


def studio(hertz: int = STUDIO_HZ) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency={hertz}:sample_rate=44100"]


def holes_ms(sound: NDArray[np.float32]) -> int:
    """How many milliseconds are silent."""
    whole = sound[: len(sound) // 48 * 48].reshape(-1, 48)
    return int(np.sum(np.max(np.abs(whole), axis=1) < 0.005))
