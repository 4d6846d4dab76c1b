"""Is it audio, how long, which kind: asked before a file is published.

Owns the measuring: ffprobe says whether it is audio (without it only WAV is taken, and it says
so). The length is the one the station will play: ffprobe counts what an encoder put before and
behind the programme, 40 ms and more of an MP3, and what follows would be off by as much. Never
trusts a file name. Invariant: a duration is measured or the file is refused.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import wave
from pathlib import Path
from typing import NamedTuple

from agent.player.formats import NotThisFormat, open_excerpt
from agent.player.protocol import RATE_HZ
from simulator.source_system.problems import AudioFileError

PROBE_DEADLINE_S = 30.0
LENGTH_MAX_MS = 86_400_000
SIZE_MAX_BYTES = 2_000_000_000

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "mov": "audio/mp4",
    "mp4": "audio/mp4",
    "m4a": "audio/mp4",
}


class AudioFacts(NamedTuple):
    """measured_by: sample count, else ffprobe, or the WAV header."""

    sha256: str
    size: int
    duration_ms: int
    media_type: str
    measured_by: str


def examine(path: Path) -> AudioFacts:
    """Hash and measure. Raises AudioFileError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AudioFileError("file_unreadable", path, error.strerror or "") from error
    if not 0 < size <= SIZE_MAX_BYTES:
        raise AudioFileError("file_size", path, f"{size} bytes, at most {SIZE_MAX_BYTES}")
    try:
        duration_ms, container = _ffprobe(path)
        measured_by = "ffprobe"
    except FileNotFoundError:
        duration_ms, container, measured_by = _wav_length_ms(path), "wav", "WAV header"
    counted_ms = _counted_ms(path)
    if counted_ms is not None:
        duration_ms, measured_by = counted_ms, "sample count"
    if not 0 < duration_ms <= LENGTH_MAX_MS:
        raise AudioFileError("length_unknown", path, f"{duration_ms} ms")
    media_type = MEDIA_TYPES.get(container.split(",")[0], "application/octet-stream")
    return AudioFacts(digest, size, duration_ms, media_type, measured_by)


def _ffprobe(path: Path) -> tuple[int, str]:
    """(duration in ms, container name). FileNotFoundError when ffprobe is not installed."""
    fields = "format=duration,format_name:stream=codec_type"
    command = ["ffprobe", "-v", "error", "-show_entries", fields, "-of", "json", f"file:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_DEADLINE_S, check=False)
        found = json.loads(done.stdout or b"{}")
    except (subprocess.TimeoutExpired, json.JSONDecodeError) as error:
        raise AudioFileError("length_unknown", path, f"ffprobe: {error}") from error
    kinds = {stream.get("codec_type") for stream in found.get("streams", [])}
    if done.returncode != 0 or "audio" not in kinds:
        text = done.stderr.decode(errors="replace").strip()[-120:]
        raise AudioFileError("not_audio", path, text)
    try:
        seconds = float(found["format"]["duration"])
    except (KeyError, ValueError):
        raise AudioFileError("length_unknown", path) from None
    return round(seconds * 1000), found["format"].get("format_name", "")


def _counted_ms(path: Path) -> int | None:
    """As the sound child reads it; None for a format it leaves to its decoder."""
    try:
        with open_excerpt(path, 0) as excerpt:
            frames = min(excerpt.total_frames, excerpt.present_frames)
    except NotThisFormat:
        return None
    except OSError as error:
        raise AudioFileError("file_unreadable", path, error.strerror or "") from error
    return round(frames * 1000 / RATE_HZ)


def _wav_length_ms(path: Path) -> int:
    try:
        with wave.open(str(path), "rb") as sound:
            return sound.getnframes() * 1000 // sound.getframerate()
    except (wave.Error, EOFError) as error:
        raise AudioFileError("length_unknown", path, f"no ffprobe, not WAV: {error}") from error
