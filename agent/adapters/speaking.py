"""Asks the reading machine in a thread, and remembers which file belongs to which key.

Owns the queue (one text at a time: espeak uses a whole core) and the way from the core's key to
the file. Does not own the voice or the files (`agent.adapters.speech`), nor what is said.
"""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agent.adapters.ports import Emit
from agent.core.effects import Speak
from agent.core.events import SpeechFailed, SpeechReady
from agent.core.loudness import Loudness

if TYPE_CHECKING:
    from agent.adapters.speech import Speech, SpeechFile

log = logging.getLogger(__name__)

KEYS_MAX = 1_000


class Speaking:
    """Obeys Speak. The thread, and what the machine needs in memory, begin with the first text."""

    def __init__(self, folder: Path, emit: Emit) -> None:
        self._folder = folder
        self._emit = emit
        self._queue: queue.SimpleQueue[Speak | None] = queue.SimpleQueue()
        self._paths: dict[str, Path] = {}
        self._thread: threading.Thread | None = None
        self._speech: Speech | None = None

    def speak(self, act: Speak) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="speech", daemon=True)
            self._thread.start()
        self._queue.put(act)

    def path(self, key: str) -> Path:
        """Where the sound of `key` is; a path that does not exist when it was never made."""
        return self._paths.get(key, self._folder / "never-made")

    def close(self) -> None:
        self._queue.put(None)

    def _work(self) -> None:
        while (act := self._queue.get()) is not None:
            try:
                heard = self._say(act)
            except Exception as error:  # supervision: the other texts must still be spoken
                log.exception("speech_broke")
                heard = SpeechFailed(act.key, f"internal: {error}")
            self._emit(heard)

    def _say(self, act: Speak) -> SpeechReady | SpeechFailed:
        from agent.adapters.speech import LASTING, Speech, SpeechFault

        if self._speech is None:
            self._speech = Speech(self._folder)
        made = self._speech.speak(act.text, act.language, urgent=act.urgent)
        self._tell_what_is_gone(self._speech.taken_back())
        if isinstance(made, SpeechFault):
            detail = f"{made.reason.value}: {made.detail}"
            return SpeechFailed(act.key, detail, lasting=made.reason in LASTING)
        while len(self._paths) >= KEYS_MAX:
            del self._paths[next(iter(self._paths))]
        self._paths[act.key] = made.path
        return SpeechReady(act.key, made.duration_ms, _loudness_of(made))

    def _tell_what_is_gone(self, taken_back: list[Path]) -> None:
        """Texts that had to leave memory are not spoken any more: the core asks again."""
        for key in [key for key, path in self._paths.items() if path in taken_back]:
            del self._paths[key]
            self._emit(SpeechFailed(key, "failed: gave way to another text in memory"))


def _loudness_of(made: SpeechFile) -> Loudness | None:
    """Measured here and now: it is short, and may be a warning. A minute costs 0.05 s."""
    from agent.measuring.ebu import NoLibraryError
    from agent.measuring.speech import loudness_of_wav

    try:
        return loudness_of_wav(made.path, made.duration_ms)
    except (NoLibraryError, OSError, EOFError, ValueError) as error:
        log.warning("speech_not_measured detail=%s", error)
        return None
