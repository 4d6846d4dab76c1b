"""A station's recording: its channels, and at which instant each frame was heard.

Reads the WAV and sidecar that `simulator.soundcard.recorder` writes: `rate_hz`, and `anchors`
of `{frame, wall_ms}` between which time runs evenly. Judges nothing.
"""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recording:
    """`frames[:, bus]` are int16 samples; anchors rise in both columns."""

    rate_hz: int
    frames: NDArray[np.int16]
    anchor_frames: NDArray[np.float64]
    anchor_wall_ms: NDArray[np.float64]

    @property
    def buses(self) -> int:
        return int(self.frames.shape[1])

    def bus(self, bus: int) -> Sound:
        """Everything on one channel, full scale 1.0."""
        return np.asarray(self.frames[:, bus], np.float32) / np.float32(32768.0)

    def wall_ms(self, frame: float) -> float:
        """When `frame` was heard; beyond the anchors time runs at the nominal rate."""
        first, last = float(self.anchor_frames[0]), float(self.anchor_frames[-1])
        inside = min(max(frame, first), last)
        wall = float(np.interp(inside, self.anchor_frames, self.anchor_wall_ms))
        return wall + (frame - inside) * 1000.0 / self.rate_hz

    def frame(self, wall_ms: float) -> float:
        """The inverse of `wall_ms`."""
        first, last = float(self.anchor_wall_ms[0]), float(self.anchor_wall_ms[-1])
        inside = min(max(wall_ms, first), last)
        frame = float(np.interp(inside, self.anchor_wall_ms, self.anchor_frames))
        return frame + (wall_ms - inside) * self.rate_hz / 1000.0


def read_recording(path: Path) -> Recording:
    """The WAV and the JSON beside it."""
    side = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    samples, rate_hz = read_wav(path)
    anchors = side["anchors"] or [{"frame": 0, "wall_ms": 0.0}]
    if side["rate_hz"] != rate_hz:
        raise ValueError(f"{path}: {rate_hz} Hz, its sidecar says {side['rate_hz']}")
    return Recording(
        rate_hz,
        samples,
        np.array([one["frame"] for one in anchors], np.float64),
        np.array([one["wall_ms"] for one in anchors], np.float64),
    )


def read_wav(path: Path) -> tuple[NDArray[np.int16], int]:
    """(frames × channels, rate). Raises ValueError when it is not 16 bit."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: {8 * file.getsampwidth()} bit, 16 are expected")
        raw = file.readframes(file.getnframes())
        return np.frombuffer(raw, "<i2").reshape(-1, file.getnchannels()), file.getframerate()


def write_recording(
    path: Path, frames: NDArray[np.int16], rate_hz: int, anchors: list[tuple[float, float]]
) -> None:
    """As the recorder writes it; for synthetic recordings and for sabotage."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(int(frames.shape[1]))
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.ascontiguousarray(frames, "<i2").tobytes())
    side = {
        "rate_hz": rate_hz,
        "channels": int(frames.shape[1]),
        "frames": len(frames),
        "anchors": [{"frame": frame, "wall_ms": wall} for frame, wall in anchors],
    }
    path.with_suffix(".json").write_text(json.dumps(side, indent=1) + "\n", encoding="utf-8")
