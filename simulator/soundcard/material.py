"""Programmes as files: WAV by hand, everything else by ffmpeg."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_CODECS = {
    "mp3": ["-c:a", "libmp3lame", "-b:a", "128k"],
    "aac": ["-c:a", "aac", "-b:a", "96k"],
    "m4a": ["-c:a", "aac", "-b:a", "96k"],
    "opus": ["-c:a", "libopus", "-b:a", "64k"],
    "flac": ["-c:a", "flac"],
}
CODECS = ("wav", *_CODECS)


def encode(
    samples: NDArray[np.float32], path: Path, *, rate_hz: int = 48_000, channels: int = 1
) -> Path:
    """Write mono samples of `rate_hz` as the format of the path's suffix; returns the path."""
    if path.suffix == ".wav":
        _write_wav(samples, path, rate_hz, channels)
        return path
    source = path.with_suffix(".source.wav")
    _write_wav(samples, source, rate_hz, channels)
    codec = _CODECS[path.suffix[1:]]
    argv = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *codec, str(path)]
    subprocess.run(argv, check=True, timeout=60)
    source.unlink()
    return path


def _write_wav(samples: NDArray[np.float32], path: Path, rate_hz: int, channels: int) -> None:
    pcm = np.clip(samples * 32767.0, -32768.0, 32767.0).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.repeat(pcm, channels).tobytes())
