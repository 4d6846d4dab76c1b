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

if TYPE_CHECKING:
    from agent.adapters.speech import Speech

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
        from agent.adapters.speech import Speech

        speech = Speech(self._folder)
        while (act := self._queue.get()) is not None:
            self._emit(self._say(speech, act))

    def _say(self, speech: Speech, act: Speak) -> SpeechReady | SpeechFailed:
        from agent.adapters.speech import SpeechFault

        try:
            made = speech.speak(act.text, act.language)
        except Exception as error:  # supervision: the other texts must still be spoken
            log.exception("speech_broke")
            return SpeechFailed(act.key, f"internal: {error}")
        if isinstance(made, SpeechFault):
            return SpeechFailed(act.key, f"{made.reason.value}: {made.detail}")
        while len(self._paths) >= KEYS_MAX:
            del self._paths[next(iter(self._paths))]
        self._paths[act.key] = made.path
        return SpeechReady(act.key, made.duration_ms)
