"""What is on the air from the studio: one folder a session, and who may fetch its sound.

    live/truc-tiep-1a2b3c4d/session.json     what, to whom, when, by whom; at the end its hash
    live/truc-tiep-1a2b3c4d/sound.mp3        grows while it is on the air, and is kept as the record
    live/truc-tiep-1a2b3c4d/receivers.json   how many fetch it; written by the content server
    live/.on/<token>                         only while it is on the air: which folder that is

Owns these files. The studio writes the sound, the content server reads it: two processes that share
nothing else, so that a studio that dies leaves a whole recording, and nobody anything to wait for.

Invariants: without `.on/<token>` nothing is handed out; a token is 32 bytes of chance and stands
only in a signed timetable; a sound that does not grow any more is over.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Literal

import msgspec

from simulator.source_system.private_files import make_private_folder, write_secret, write_whole

STALE_S = 6.0
"""A studio that is alive writes several times a second."""

FRESH_S = 1.5
"""Who connects gets the newest seconds: of a studio that stands still they were heard already."""

_TOKEN = re.compile(r"[0-9a-f]{64}")
_PREFIX = "truc-tiep-"
_ENTRY = re.compile(r"truc-tiep-[0-9a-f]{8}")

Ending = Literal["on_air", "finished", "stopped", "studio_lost", "refused"]


class Receivers(msgspec.Struct, frozen=True):
    """Connections that fetch the sound: now, at most at a time, at most from each address."""

    now: int = 0
    most: int = 0
    by_address: dict[str, int] = {}


class LiveSession(msgspec.Struct, frozen=True, kw_only=True):
    """starts_ms, ends_ms: as signed. stopped_ms, sha256, size: once it is over."""

    entry: str
    token: str
    audience: str
    title: str
    klass: int
    zones: str
    source: str
    by: str
    kbps: int
    starts_ms: int
    ends_ms: int
    ending: Ending = "on_air"
    stopped_ms: int | None = None
    sha256: str = ""
    size: int = 0
    receivers: Receivers = Receivers()


def new_entry() -> str:
    return _PREFIX + secrets.token_hex(4)


def new_token() -> str:
    return secrets.token_hex(32)


def is_live_entry(entry: str) -> bool:
    """Whether an entry of a timetable was made by a session from the studio."""
    return _ENTRY.fullmatch(entry) is not None


class LiveShelf:
    """The folder of all sessions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._on = folder / ".on"

    def sound(self, entry: str) -> Path:
        return self.folder / entry / "sound.mp3"

    def begin(self, session: LiveSession) -> None:
        """From now on its sound is handed out."""
        make_private_folder(self.folder)
        make_private_folder(self._on)
        self.write(session)
        write_secret(self._on / session.token, session.entry.encode())

    def write(self, session: LiveSession) -> None:
        raw = msgspec.json.format(msgspec.json.encode(session), indent=1)
        write_secret(self.folder / session.entry / "session.json", raw)

    def end(self, session: LiveSession, ending: Ending, now_ms: int) -> LiveSession:
        """Nothing more is handed out; what was sent is kept with its hash."""
        (self._on / session.token).unlink(missing_ok=True)
        sound = self.sound(session.entry)
        raw = sound.read_bytes() if sound.exists() else b""
        ended = msgspec.structs.replace(
            session,
            ending=ending,
            stopped_ms=now_ms,
            sha256=hashlib.sha256(raw).hexdigest(),
            size=len(raw),
            receivers=self.receivers(session.entry),
        )
        self.write(ended)
        return ended

    def forget(self, session: LiveSession) -> None:
        """Nobody was ever told of it."""
        (self._on / session.token).unlink(missing_ok=True)
        shutil.rmtree(self.folder / session.entry, ignore_errors=True)

    def on_air(self, token: str) -> LiveSession | None:
        """The session of a token, while it is on the air."""
        if _TOKEN.fullmatch(token) is None:
            return None
        try:
            entry = (self._on / token).read_text("ascii")
        except (OSError, UnicodeDecodeError):
            return None
        return self.read(entry) if is_live_entry(entry) else None

    def is_on(self, session: LiveSession, within_s: float = STALE_S) -> bool:
        """It was not ended, and its studio has written lately."""
        if not (self._on / session.token).exists():
            return False
        try:
            grown_s = time.time() - self.sound(session.entry).stat().st_mtime
        except OSError:
            return False
        return grown_s < within_s

    def read(self, entry: str) -> LiveSession | None:
        try:
            raw = (self.folder / entry / "session.json").read_bytes()
            return msgspec.json.decode(raw, type=LiveSession)
        except (OSError, msgspec.DecodeError):
            return None

    def sessions(self) -> list[LiveSession]:
        """All there were, oldest first."""
        found = (self.read(one.name) for one in self.folder.glob(f"{_PREFIX}*"))
        return sorted((one for one in found if one is not None), key=lambda one: one.starts_ms)

    def receivers(self, entry: str) -> Receivers:
        try:
            raw = (self.folder / entry / "receivers.json").read_bytes()
            return msgspec.json.decode(raw, type=Receivers)
        except (OSError, msgspec.DecodeError):
            return Receivers()

    def note_receivers(self, entry: str, receivers: Receivers) -> None:
        write_whole(self.folder / entry / "receivers.json", msgspec.json.encode(receivers))
