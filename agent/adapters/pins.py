"""The PINs of a station on its disk: set by the technician, compared by the agent.

Owns two files of the state directory, both 0600, both replaced whole (temporary file, fsync,
rename, fsync of the directory):

    pins.json        names, rights and scrypt hashes; written by `stationctl pin`, read by the agent
    pin-tries.json   wrong tries of each name; written by the agent alone

Invariants: a PIN is in neither of them, in no log and in no text made here; a file that others
could read or write is not believed; a try counts before it is compared, so that no crash gives one
for nothing; a new PIN forgets the tries of the old one. While the disk takes nothing tries are
counted in memory. What is a weak PIN and how long a name waits is `agent.core.pins`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import os
import secrets
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from agent.contract.reasons import AckReason
from agent.core.pins import Right, Tries, name_key
from agent.core.requests import Refused

log = logging.getLogger(__name__)

PINS, TRIES = "pins.json", "pin-tries.json"
SIZE_MAX = 256 * 1024
PEOPLE_MAX = 64

N, R, P = 1 << 14, 8, 1
"""16 MiB and about 60 ms on a laptop, a third of a second on a Raspberry Pi."""
MEMORY_MAX = 64 * 1024 * 1024
SALT_BYTES = 16
HASH_BYTES = 32

Damage = Literal["rights", "owner", "unreadable", "damaged"]


class Signer(msgspec.Struct, frozen=True):
    """Who says that it is they, on the way from `stationctl` to the agent; goes no further."""

    name: Annotated[str, Meta(max_length=200)]
    pin: Annotated[str, Meta(max_length=64)]

    def __repr__(self) -> str:
        return f"Signer(name={self.name!r}, pin=…)"


Hex = Annotated[str, Meta(pattern=r"^([0-9a-f]{2}){16,64}\Z")]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One name of the file. may: rights of this version; those of a later one are kept, unread."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    may: tuple[str, ...]
    salt: Hex
    hash: Hex
    n: Annotated[int, Meta(ge=1 << 10, le=1 << 15)]
    r: Annotated[int, Meta(ge=1, le=16)]
    p: Annotated[int, Meta(ge=1, le=4)]
    set_ms: int = 0

    @property
    def token(self) -> str:
        """Changes with the PIN, tells nothing of it."""
        return hashlib.sha256(bytes.fromhex(self.salt)).hexdigest()[:16]

    def fits(self, pin: str) -> bool:
        made = _scrypt(pin, bytes.fromhex(self.salt), self.n, self.r, self.p, len(self.hash) // 2)
        return hmac.compare_digest(made, bytes.fromhex(self.hash))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the file is not believed. fault: what to mend; detail: of the system or the reader."""

    file: Path
    fault: Damage
    detail: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Who has a PIN. raw: the file as it was read, with what a later version wrote into it."""

    people: tuple[Person, ...] = ()
    raw: tuple[dict[str, Any], ...] = ()

    def find(self, name: str) -> Person | None:
        key = name_key(name)
        return next((one for one in self.people if name_key(one.name) == key), None)


def read_people(state_dir: Path) -> People | Trouble:
    """No file: nobody has a PIN."""
    file = state_dir / PINS
    found = _read(file)
    if isinstance(found, Trouble):
        return found
    if found is None:
        return People()
    try:
        raw = json.loads(found)["people"]
        return People(msgspec.convert(raw, tuple[Person, ...]), tuple(raw))
    except (ValueError, KeyError, TypeError) as error:
        # Never the text of the decoder: it could quote the file.
        return Trouble(file, "damaged", type(error).__name__)


def with_pin(
    people: People, name: str, pin: str, may: tuple[Right, ...] | None, at_ms: int
) -> People:
    """With a new PIN for `name`. may None: the rights they hold, of somebody new to approve."""
    known = people.find(name)
    salt = secrets.token_bytes(SALT_BYTES)
    made = {
        "name": known.name if known is not None else name,
        "may": may if may is not None else known.may if known is not None else ("approve",),
        "salt": salt.hex(),
        "hash": _scrypt(pin, salt, N, R, P, HASH_BYTES).hex(),
        "n": N,
        "r": R,
        "p": P,
        "set_ms": at_ms,
    }
    key = name_key(name)
    before = next((one for one in people.raw if name_key(one["name"]) == key), {})
    others = tuple(one for one in people.raw if one is not before)
    raw = (*others, msgspec.to_builtins({**before, **made}))
    return People(msgspec.convert(raw, tuple[Person, ...]), raw)


def without(people: People, name: str) -> People:
    key = name_key(name)
    raw = tuple(one for one in people.raw if name_key(one["name"]) != key)
    return People(msgspec.convert(raw, tuple[Person, ...]), raw)


def write_people(state_dir: Path, people: People) -> None:
    """Raises OSError. Root writes it for the owner of the directory, who is the agent."""
    owner = state_dir.stat()
    _write(state_dir / PINS, {"version": 1, "people": people.raw}, (owner.st_uid, owner.st_gid))


def _scrypt(pin: str, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=n, r=r, p=p, maxmem=MEMORY_MAX, dklen=length)


# --- comparing ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """The PIN was right."""

    name: str
    may: tuple[str, ...]


class PinCheck:
    """Compares, one at a time, and counts what was wrong. Blocks: call it in a thread."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._lock = threading.Lock()
        self._tries: dict[str, tuple[str, Tries]] | None = None
        self._unwritten = False

    def check(self, signer: Signer, now_ms: int) -> Known | Refused:
        """now_ms: by the wall clock. The name of a refusal is a known one or left out: somebody
        may have typed the PIN where the name belongs."""
        with self._lock:
            return self._check(signer, now_ms)

    def _check(self, signer: Signer, now_ms: int) -> Known | Refused:
        people = read_people(self._state_dir)
        if isinstance(people, Trouble):
            log.error("pins_unusable file=%s fault=%s", people.file, people.fault)
            return Refused(AckReason.PIN_FILE.value, people.fault)
        person = people.find(signer.name)
        if person is None:
            return Refused(AckReason.UNKNOWN_PERSON.value)
        tries = self._tries_of(person).seen_at(now_ms)
        wait_ms = tries.wait_ms(now_ms)
        if wait_ms:
            return Refused(AckReason.PIN_LOCKED.value, person.name, wait_ms=wait_ms)
        counted = tries.and_one(now_ms)
        self._keep(person, counted, people)
        if person.fits(signer.pin):
            self._keep(person, Tries(), people)
            return Known(person.name, person.may)
        log.warning("pin_wrong tries=%s", counted.wrong)
        wait_ms = counted.wait_ms(now_ms)
        return Refused(AckReason.WRONG_PIN.value, person.name, counted.left, wait_ms or None)

    def _tries_of(self, person: Person) -> Tries:
        if self._tries is None:
            self._tries = _read_tries(self._state_dir / TRIES)
        token, tries = self._tries.get(name_key(person.name), ("", Tries()))
        return tries if token == person.token else Tries()

    def _keep(self, person: Person, tries: Tries, people: People) -> None:
        known = self._tries if self._tries is not None else {}
        names = {name_key(one.name) for one in people.people}
        known = {key: value for key, value in known.items() if key in names}
        known[name_key(person.name)] = (person.token, tries)
        self._tries = known
        counts = {
            key: {"pin": token, "wrong": one.wrong, "last_ms": one.last_ms}
            for key, (token, one) in known.items()
            if one.wrong
        }
        try:
            _write(self._state_dir / TRIES, counts)
            self._unwritten = False
        except OSError as error:
            if not self._unwritten:
                log.error("pin_tries_not_kept detail=%s", error)
            self._unwritten = True


class _Counted(msgspec.Struct, frozen=True):
    pin: str
    wrong: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    last_ms: Annotated[int, Meta(ge=0)]


def _read_tries(file: Path) -> dict[str, tuple[str, Tries]]:
    """What cannot be read counts nothing: a damaged counter must not lock the commune out."""
    found = _read(file)
    if not isinstance(found, bytes):
        return {}
    try:
        counts = msgspec.json.decode(found, type=dict[str, _Counted])
    except msgspec.DecodeError:
        return {}
    return {key: (one.pin, Tries(one.wrong, one.last_ms)) for key, one in counts.items()}


# --- files ----------------------------------------------------------------------------------


def _read(file: Path) -> bytes | Trouble | None:
    """None: there is none."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Trouble(file, "unreadable", error.strerror or "")
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) & 0o077:
            return Trouble(file, "rights", f"{stat.S_IMODE(status.st_mode):04o}")
        if status.st_uid not in (0, os.geteuid(), file.parent.stat().st_uid):
            return Trouble(file, "owner", str(status.st_uid))
        return opened.read(SIZE_MAX)


def _write(file: Path, body: object, owner: tuple[int, int] | None = None) -> None:
    temporary = file.with_name(f".{file.name}.new")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        if owner is not None and os.geteuid() == 0:
            os.fchown(descriptor, *owner)
        opened.write(json.dumps(body, ensure_ascii=False, indent=1).encode())
        opened.flush()
        os.fsync(descriptor)
    temporary.rename(file)
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
