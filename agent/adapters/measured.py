"""What is known of the loudness of files: asks the measuring process, keeps its answers.

Owns `<state>/content/loudness/`: one small file beside each content file, named by the same hash,
and the one measuring process that may run. Does not own which file is measured when.

Invariants: each `Measure` is answered by exactly one `FilesMeasured`, whatever the process does;
a file that was begun `TRIES_MAX` times without an end is not begun again (it may be what brings
the box down); what cannot be read or is of another version is unknown and measured anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from agent.adapters.ports import Emit
from agent.core.effects import Measure
from agent.core.events import FilesMeasured
from agent.core.loudness import VERSION, Loudness

log = logging.getLogger(__name__)

SILENT_WITHIN_S = 60.0
"""The process tells where it is every few seconds; on a box that is busy it may starve a while."""
TRIES_MAX = 3
COMMAND = (sys.executable, "-m", "agent.measuring")


class Kept(msgspec.Struct, frozen=True):
    """The file beside a file. tries: how often it was begun; loudness None: without an end yet."""

    version: int = VERSION
    tries: int = 0
    loudness: Loudness | None = None
    why: str = ""


class _Line(msgspec.Struct, frozen=True):
    t: str
    loudness: Loudness | None = None
    why: str = ""
    lasting: bool = True


class Measuring:
    """Obeys Measure. `run` is its supervised task."""

    def __init__(
        self,
        folder: Path,
        path_of: Callable[[str], Path],
        emit: Emit,
        *,
        command: Sequence[str] = COMMAND,
        silent_within_s: float = SILENT_WITHIN_S,
    ) -> None:
        self._folder = folder
        self._path_of = path_of
        self._emit = emit
        self._command = tuple(command)
        self._silent_within_s = silent_within_s
        self._asked: asyncio.Queue[str] = asyncio.Queue()

    def open(self) -> FilesMeasured:
        """What is known from before; forgets what belongs to no file any more."""
        found: list[tuple[str, Loudness | None]] = []
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            for one in sorted(self._folder.glob("*.json")):
                if not self._path_of(one.stem).exists():
                    one.unlink(missing_ok=True)
                    continue
                kept = _read(one)
                if kept.loudness is not None or kept.tries >= TRIES_MAX:
                    found.append((one.stem, kept.loudness))
        except OSError as error:
            log.warning("loudness_unreadable detail=%s", error)
        return FilesMeasured(tuple(found))

    def measure(self, act: Measure) -> None:
        """Queue it."""
        self._asked.put_nowait(act.sha256)

    async def run(self) -> None:
        """One file after the other, for ever."""
        while True:
            sha256 = await self._asked.get()
            kept = await self._one(sha256)
            if kept.loudness is None:
                log.warning("not_measured file=%s why=%s", sha256[:12], kept.why)
            lacking = kept.why if kept.loudness is None and kept.tries == 0 else ""
            self._emit(FilesMeasured(((sha256, kept.loudness),), lacking))

    async def _one(self, sha256: str) -> Kept:
        place = self._folder / f"{sha256}.json"
        kept = await asyncio.to_thread(_read, place)
        if kept.loudness is not None or kept.tries >= TRIES_MAX:
            return kept
        before = kept.tries
        await asyncio.to_thread(_write, place, Kept(tries=before + 1, why="begun"))
        said = await self._ask(self._path_of(sha256))
        tries = before + 1
        if said.t == "failed":  # a file without sound will have none the next time
            tries = TRIES_MAX if said.lasting else before
        kept = Kept(tries=tries, loudness=said.loudness, why=said.why)
        await asyncio.to_thread(_write, place, kept)
        return kept

    async def _ask(self, file: Path) -> _Line:
        """What the process found, or why nothing."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                str(file),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            return _Line("failed", why=str(error), lasting=False)
        try:
            return await self._listen(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> _Line:
        lines = process.stdout
        while lines is not None:
            try:
                async with asyncio.timeout(self._silent_within_s):
                    raw = await lines.readline()
            except (TimeoutError, ValueError):
                break
            if not raw:
                break
            try:
                line = msgspec.json.decode(raw, type=_Line)
            except msgspec.MsgspecError:
                continue
            if line.t == "failed" or (line.t == "measured" and line.loudness is not None):
                return line
        return _Line("died", why="died")


def _read(place: Path) -> Kept:
    try:
        kept = msgspec.json.decode(place.read_bytes(), type=Kept)
    except (OSError, msgspec.MsgspecError):
        return Kept()
    return kept if kept.version == VERSION else Kept()


def _write(place: Path, kept: Kept) -> None:
    """Whole or not at all; without a usable disk it is measured again after the next start."""
    unfinished = place.with_suffix(".tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(msgspec.json.encode(kept))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place)
    except OSError as error:
        log.warning("loudness_not_kept detail=%s", error)
