"""Text in, sound file out: one run of espeak-ng, bounded in time, kept under a content key.

Owns the engine process, the finished files in its directory, and which languages have a voice.
Does not own: how text is written out (`agent.core.spoken`), when it is spoken, or playing it.
Blocking: the runtime calls `speak` in a thread. Several threads may call it at once.

Invariants: a file under its key is complete and never changes (temporary file, fsync, rename,
fsync of the directory). The engine writes into memory, so a full card cuts no words off; what the
card does not take, or only out of the journal's reserve, stays in memory (`speech_memory`). A
language without a voice is a fault, never the Vietnamese voice. `speak` returns a value for
everything that can go wrong, within its deadline.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import logging
import os
import subprocess
import tempfile
import threading
import wave
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from agent.adapters.speech_memory import SpeechMemory, memory_file
from agent.core.spoken import write_out

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

VIETNAMESE_VOICES: Final = ("vi", "vi-vn-x-central", "vi-vn-x-south")
"""North, central, south."""

ENGLISH_VOICE: Final = "en"

MAX_TEXT_CHARACTERS: Final = 4_000
"""As long as a text may be on the wire; about five minutes of speech."""

MAX_FILES: Final = 200
"""The directory never holds more; the least recently used go first. About a minute each."""

RESERVE_BYTES: Final = 8 * 1024 * 1024
"""So much of the card is left to the journal; speech goes into memory rather than into it."""

PEAK_DBFS: Final = -1.0
SILENCE_DBFS: Final = -50.0
MARGIN_MS: Final = 40
"""Left before the first and after the last audible sample, so that no consonant is cut."""

_SHAPE: Final = "1"
"""Part of the key; raise it when what is done after the engine changes."""

_VERSION_DEADLINE_S: Final = 5.0


class SpeechReason(StrEnum):
    """Why there is no file."""

    ENGINE_MISSING = "engine_missing"
    VOICE_MISSING = "voice_missing"
    FAILED = "failed"
    TIMEOUT = "timeout"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"


LASTING: Final = frozenset(
    {SpeechReason.VOICE_MISSING, SpeechReason.TEXT_EMPTY, SpeechReason.TEXT_TOO_LONG}
)
"""The same text fails again until somebody changes the box, or never succeeds."""


@dataclass(frozen=True, slots=True)
class SpeechFile:
    """A finished WAV file, mono, 16 bit, at the engine's rate."""

    path: Path
    duration_ms: int
    key: str


@dataclass(frozen=True, slots=True)
class SpeechFault:
    """No file; `detail` is for the log."""

    reason: SpeechReason
    detail: str = ""


class Speech:
    """The reading machine with one regional Vietnamese voice."""

    def __init__(
        self,
        directory: Path,
        *,
        vietnamese_voice: str = "vi",
        words_per_minute: int = 150,
        deadline_s: float = 30.0,
        engine: str = "espeak-ng",
        memory: SpeechMemory | None = None,
    ) -> None:
        """One owner per directory: left-overs of an interrupted run are removed here.

        `deadline_s` bounds the engine in each `speak`; the first asks its version, too (≤ 5 s).
        """
        if vietnamese_voice not in VIETNAMESE_VOICES:
            raise ValueError(f"{vietnamese_voice!r} is none of {', '.join(VIETNAMESE_VOICES)}")
        self._directory = directory
        self._vietnamese_voice = vietnamese_voice
        self._words_per_minute = words_per_minute
        self._deadline_s = deadline_s
        self._engine = engine
        self._engine_version: str | None = None
        self._memory = memory or SpeechMemory()
        self._memory_lock = threading.Lock()
        for left_over in directory.glob("*.tmp"):
            with contextlib.suppress(OSError):  # read-only now; perhaps not at the next start
                left_over.unlink()

    def voice_for(self, lang: str) -> str | None:
        """The voice that may read this language; None where only a recording will do."""
        match lang.lower().split("-"):
            case ["vi", *_]:
                named = lang.lower()
                return named if named in VIETNAMESE_VOICES[1:] else self._vietnamese_voice
            case ["en", *_]:
                return ENGLISH_VOICE
        return None

    def taken_back(self) -> list[Path]:
        """Files in memory that are gone since it was last asked."""
        with self._memory_lock:
            return self._memory.taken_back()

    def speak(self, text: str, lang: str, *, urgent: bool = False) -> SpeechFile | SpeechFault:
        """Make, or find, the file in which `text` is read aloud.

        urgent: in memory, other texts give way to it.
        """
        voice = self.voice_for(lang)
        if voice is None:
            return SpeechFault(SpeechReason.VOICE_MISSING, f"no voice for {lang!r}")
        if len(text) > MAX_TEXT_CHARACTERS:
            return SpeechFault(SpeechReason.TEXT_TOO_LONG, f"{len(text)} characters")
        written_out = write_out(text, voice)
        if not any(character.isalnum() for character in written_out):
            return SpeechFault(SpeechReason.TEXT_EMPTY)
        try:
            return self._find_or_make(written_out, voice, urgent=urgent)
        except FileNotFoundError as error:
            if error.filename == self._engine:
                return SpeechFault(SpeechReason.ENGINE_MISSING, str(error))
            return SpeechFault(SpeechReason.FAILED, str(error))
        except subprocess.TimeoutExpired as error:
            return SpeechFault(SpeechReason.TIMEOUT, f"after {error.timeout:g} s")
        except (OSError, EOFError, wave.Error, _EngineError) as error:
            return SpeechFault(SpeechReason.FAILED, str(error))
        except _VoiceMissingError as error:
            return SpeechFault(SpeechReason.VOICE_MISSING, str(error))

    def _find_or_make(self, written_out: str, voice: str, *, urgent: bool) -> SpeechFile:
        key = self._key(written_out, voice)
        path = self._directory / f"{key}.wav"
        found = self._found(key, path)
        if found is not None:
            return found
        samples, rate = self._run_engine(written_out, voice)
        sound = _wav(_shape(samples, rate), rate)
        try:
            return self._keep(key, path, sound)
        except OSError as error:
            log.warning("speech_in_memory detail=%s", error)
            with self._memory_lock:
                duration_ms = _duration_ms(io.BytesIO(sound)) or 0
                held = self._memory.put(key, sound, duration_ms, urgent=urgent)
                return SpeechFile(held, duration_ms, key)

    def _found(self, key: str, path: Path) -> SpeechFile | None:
        with self._memory_lock:
            held = self._memory.get(key)
        if held is not None:
            return SpeechFile(*held, key)
        found = _finished(path, key)
        with contextlib.suppress(OSError):  # a card that takes nothing still gives what it has
            if found is not None:
                path.touch()
            else:
                path.unlink(missing_ok=True)  # unreadable: bad sectors happen on SD cards
        return found

    def _keep(self, key: str, path: Path, sound: bytes) -> SpeechFile:
        """On the card; raises OSError where it does not take it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        room = os.statvfs(self._directory)
        if room.f_bavail * room.f_frsize < len(sound) + RESERVE_BYTES:
            raise OSError(errno.ENOSPC, "what is left of the card is the journal's")
        _write_durably(path, sound)
        self._forget_oldest(keep=path)
        made = _finished(path, key)
        if made is None:
            raise OSError(errno.EIO, "the finished file does not read back")
        return made

    def _key(self, written_out: str, voice: str) -> str:
        if self._engine_version is None:
            # Two threads may both ask; they get the same answer.
            asked = subprocess.run(
                [self._engine, "--version"],
                capture_output=True,
                check=False,
                timeout=min(_VERSION_DEADLINE_S, self._deadline_s),
            )
            self._engine_version = asked.stdout.decode("utf-8", "replace").split("Data at")[0]
        parts = (_SHAPE, self._engine_version, voice, str(self._words_per_minute), written_out)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    def _run_engine(self, written_out: str, voice: str) -> tuple[NDArray[np.int16], int]:
        raw = memory_file("raw")
        try:
            self._say_into(raw, written_out, voice)
            with os.fdopen(os.dup(raw), "rb") as file:
                file.seek(0)
                return _read(file)
        finally:
            os.close(raw)

    def _say_into(self, raw: int, written_out: str, voice: str) -> None:
        command = [self._engine, "-v", voice, "-s", str(self._words_per_minute)]
        # The text goes through stdin: it may be long, and may begin with a dash.
        done = subprocess.run(
            [*command, "-b", "1", "--stdin", "-w", f"/proc/self/fd/{raw}"],
            input=written_out.encode("utf-8", "replace"),
            capture_output=True,
            check=False,
            timeout=self._deadline_s,
            pass_fds=(raw,),
        )
        said = done.stderr.decode("utf-8", "replace").strip()
        if "voice does not exist" in said:
            raise _VoiceMissingError(said)
        # espeak-ng 1.51 ends with 0 even when it could not write: the file is the proof.
        if done.returncode != 0 or not os.fstat(raw).st_size:
            raise _EngineError(f"exit {done.returncode}: {said}")

    def _forget_oldest(self, keep: Path) -> None:
        files = sorted(self._directory.glob("*.wav"), key=_last_used, reverse=True)
        for path in files[MAX_FILES:]:
            if path != keep:
                path.unlink(missing_ok=True)


class _EngineError(Exception):
    """The engine ran and there is no usable sound."""


class _VoiceMissingError(Exception):
    """The engine is installed without this voice."""


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # another thread was faster


def _finished(path: Path, key: str) -> SpeechFile | None:
    try:
        with path.open("rb") as file:
            duration_ms = _duration_ms(file)
    except OSError:
        return None
    return None if duration_ms is None else SpeechFile(path, duration_ms, key)


def _duration_ms(file: BinaryIO) -> int | None:
    """None: there is no sound in it."""
    try:
        with wave.open(file, "rb") as sound:
            frames, rate = sound.getnframes(), sound.getframerate()
    except (EOFError, wave.Error):
        return None
    return round(frames * 1000 / rate) if frames and rate else None


def _read(raw: BinaryIO) -> tuple[NDArray[np.int16], int]:
    # Here and not above: 14 MiB that a box which never speaks does not need.
    import numpy as np

    with wave.open(raw, "rb") as sound:
        if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
            raise _EngineError(f"unexpected format {sound.getparams()}")
        data = sound.readframes(sound.getnframes())
        return np.frombuffer(data, dtype="<i2"), sound.getframerate()


def _shape(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Without the silence around it, its loudest sample at PEAK_DBFS."""
    import numpy as np

    magnitude = np.abs(samples.astype(np.int32))
    peak = int(magnitude.max(initial=0))
    audible = np.flatnonzero(magnitude > 32_768 * 10 ** (SILENCE_DBFS / 20))
    if len(audible) == 0:
        raise _EngineError("the engine made silence")
    margin = rate * MARGIN_MS // 1000
    first = max(0, int(audible[0]) - margin)
    last = min(len(samples), int(audible[-1]) + 1 + margin)
    gain = 32_767 * 10 ** (PEAK_DBFS / 20) / peak
    louder: NDArray[np.int16] = np.rint(samples[first:last] * gain).astype("<i2")
    return louder


def _wav(samples: NDArray[np.int16], rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.tobytes())
    return file.getvalue()


def _write_durably(path: Path, sound: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(sound)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
