"""The studio: ffmpeg takes a file, a microphone or a line and writes MP3 as fast as time passes.

Owns one ffmpeg process and how it is asked. It dies with us, and by itself when the time is over.
A file begins `lead_ms` after the studio opened, a microphone is muted until then: receivers connect
meanwhile, and neither misses the beginning nor hears what was said before it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from simulator.soundcard.tied import TiedProcess
from simulator.source_system.audio_file import examine
from simulator.source_system.problems import DistrictError
from simulator.source_system.timetable.words import bare

FIRST_SOUND_S = 8.0
LAST_WORDS_MAX = 300

_DEVICE = re.compile(r"(alsa|pulse):(.+)")
_MICROPHONE = frozenset({"mic", "micro", "microphone"})
_RATES = ((24, 22_050), (40, 24_000), (56, 32_000))
"""Up to so many kbit/s, the sampling rate at which MP3 sounds best."""


class StudioSource(NamedTuple):
    """What is sent. length_ms: of a file, None for what goes on until it is stopped."""

    shown: str
    arguments: tuple[str, ...]
    length_ms: int | None = None


def source_of(text: str) -> StudioSource:
    """`micro`, `alsa:hw:1,0`, `pulse:NAME`, or a sound file. Raises AudioFileError."""
    if bare(text) in _MICROPHONE:
        return StudioSource("alsa:default", ("-f", "alsa", "-i", "default"))
    device = _DEVICE.fullmatch(text)
    if device is not None:
        return StudioSource(text, ("-f", device[1], "-i", device[2]))
    facts = examine(Path(text), by_station=False)
    return StudioSource(Path(text).name, ("-i", text), facts.duration_ms)


def command(source: StudioSource, target: Path, *, kbps: int, lead_ms: int, ms: int) -> list[str]:
    """ffmpeg's arguments: lead_ms before the sound begins, ms in all."""
    live = source.length_ms is None
    mute = f"volume=enable='lt(t,{lead_ms / 1000:.3f})':volume=0"
    # Filled up with silence, so that the station's end comes before the file's.
    paced = f"adelay=delays={lead_ms}:all=1,apad,arealtime"
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y"),
        *(("-thread_queue_size", "512") if live else ()),
        *source.arguments,
        *("-map", "0:a:0", "-af", mute if live else paced, "-t", f"{ms / 1000:.3f}"),
        *_encoded(kbps),
        str(target),
    ]


def silence(kbps: int, seconds: float) -> list[str]:
    """ffmpeg's arguments for nothing at all, to its output, as time passes."""
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono", "-af", "arealtime"),
        *("-t", f"{seconds:.3f}", *_encoded(kbps), "pipe:1"),
    ]


def _encoded(kbps: int) -> tuple[str, ...]:
    rate = next((hz for most, hz in _RATES if kbps <= most), 44_100)
    return (
        *("-ac", "1", "-ar", str(rate), "-c:a", "libmp3lame", "-b:a", f"{kbps}k"),
        # Whoever comes in the middle needs no bytes of frames before.
        *("-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0"),
        *("-flush_packets", "1", "-f", "mp3"),
    )


class Studio:
    """`with Studio(source, target, …) as studio:` returns when sound is written."""

    def __init__(
        self, source: StudioSource, target: Path, *, kbps: int, lead_ms: int, ms: int
    ) -> None:
        self._source = source
        self._target = target
        self._kbps = kbps
        self._argv = command(source, target, kbps=kbps, lead_ms=lead_ms, ms=ms)
        self._process: TiedProcess | None = None
        self._said = target.with_name("ffmpeg.log")

    def __enter__(self) -> Self:
        if shutil.which("ffmpeg") is None:
            raise DistrictError("live_no_encoder", "ffmpeg")
        self._target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            self._process = TiedProcess(
                self._argv, dict(os.environ), stdout=subprocess.DEVNULL, stderr=descriptor
            )
        finally:
            os.close(descriptor)
        try:
            self._await_sound()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def sends(self) -> bool:
        """It is alive; false also when its time is over."""
        return self._process is not None and self._process.returncode() is None

    def last_words(self) -> str:
        """What ffmpeg complained about."""
        try:
            said = self._said.read_text("utf-8", "replace")
        except OSError:
            return ""
        words = " ".join(said.split())
        return words if len(words) <= LAST_WORDS_MAX else words[-LAST_WORDS_MAX:].partition(" ")[2]

    def hush(self, seconds: float) -> None:
        """Take nothing more in, and send silence: a stream that stands still is taken for lost."""
        self.close()
        descriptor = os.open(self._target, os.O_WRONLY | os.O_APPEND)
        try:
            self._process = TiedProcess(
                silence(self._kbps, seconds), dict(os.environ), stdout=descriptor
            )
        finally:
            os.close(descriptor)

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
        if self._said.exists() and not self._said.stat().st_size:
            self._said.unlink()

    def _await_sound(self) -> None:
        limit_s = time.monotonic() + FIRST_SOUND_S
        while time.monotonic() < limit_s:
            if self._target.exists() and self._target.stat().st_size:
                return
            if not self.sends:
                break
            time.sleep(0.02)
        raise DistrictError("live_no_sound", self._source.shown, self.last_words())
