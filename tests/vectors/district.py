"""A small district to sign with: persons with fixed keys, and one valid message of each kind.

Used by the conformance vectors and by the tests of trust. The private keys are derived from the
persons' names and therefore public: they must never be enrolled anywhere.
"""

from __future__ import annotations

import hashlib
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from agent.contract.documents import (
    AuthorityGrant,
    Binding,
    Command,
    Content,
    Cursor,
    Entry,
    FileSource,
    GroupMembership,
    Key,
    RoleGrant,
    Schedule,
    SetVolume,
    Signed,
    Trust,
    Warning,  # noqa: A004 - the contract's word
    WarningFile,
    Warnings,
    WarningTemplate,
    When,
    ZoneSelector,
)
from agent.contract.envelope import Signature, seal, signed_message
from agent.core.trust import RootKeys, TrustView

NOW_MS = 1_795_000_000_000
"""The moment of judgement: 2026-11-18 11:06:40 UTC."""

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
FAR_MS = NOW_MS + 400 * DAY_MS

STATION = "tan-lien"
OWN = f"s/{STATION}"
GROUP = "g/ha-luu"
ZONES = ("thôn Đông", "thôn Trung", "thôn Đoài")
TZ = "Asia/Ho_Chi_Minh"
EVERYWHERE = ZoneSelector(all=True)


class Person:
    """Somebody who holds a key."""

    def __init__(self, name: str, not_after_ms: int = FAR_MS) -> None:
        self.name = name
        self.seed = hashlib.sha256(name.encode()).digest()
        self._private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self._private.public_key().public_bytes_raw()
        self.keyid = hashlib.sha256(self.public).hexdigest()[:16]
        self.key = Key(public=self.public.hex(), holder=name, not_after_ms=not_after_ms)

    def sign(self, body: bytes, *, keyid: str | None = None) -> Signature:
        return Signature(keyid or self.keyid, self._private.sign(signed_message(body)))


ROOT_1, ROOT_2, ROOT_3 = Person("root one"), Person("root two"), Person("root three")
OFFICER = Person("schedule officer")
HAMLET_HEAD = Person("head of hamlet")
EDITOR = Person("content editor")
DUTY_1, DUTY_2 = Person("duty officer one"), Person("duty officer two")
SERVICE = Person("command service")
FRESHNESS = Person("freshness service")
PROVINCE = Person("province officer")
EXPIRED = Person("expired officer", not_after_ms=NOW_MS - DAY_MS)
STRANGER = Person("stranger")

EVERYBODY = (
    ROOT_1,
    ROOT_2,
    ROOT_3,
    OFFICER,
    HAMLET_HEAD,
    EDITOR,
    DUTY_1,
    DUTY_2,
    SERVICE,
    FRESHNESS,
    PROVINCE,
    EXPIRED,
)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """The real Ed25519."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


_KNOWN_ZONES = {
    name: ZoneInfo(name)
    for name in (
        "Asia/Ho_Chi_Minh",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Sao_Paulo",
        "UTC",
    )
}


def zones(name: str) -> ZoneInfo | None:
    """A resolver of time zones that does not touch the disk."""
    return _KNOWN_ZONES.get(name)


def sealed_bytes(body: bytes, *people: Person) -> bytes:
    return seal(body, tuple(person.sign(body) for person in people))


def sealed(message: Signed, *people: Person) -> bytes:
    return sealed_bytes(msgspec.json.encode(message), *people)


def _grant(role: Any, authority: str, *people: Person, **changes: Any) -> RoleGrant:
    keyids = tuple(person.keyid for person in people)
    return RoleGrant(role=role, authority=authority, keyids=keyids, **changes)


def _header(lifetime_ms: int) -> dict[str, Any]:
    return {
        "v": 1,
        "authority": "huyen",
        "audience": OWN,
        "issued_at_ms": NOW_MS - MINUTE_MS,
        "accept_until_ms": NOW_MS - MINUTE_MS + lifetime_ms,
    }


def trust(**changes: Any) -> Trust:
    """The district (home) and the province, whose group the station belongs to."""
    fields: dict[str, Any] = {
        **_header(365 * DAY_MS),
        "authority": "root",
        "revision": 3,
        "keys": {person.keyid: person.key for person in EVERYBODY},
        "root_keyids": (ROOT_1.keyid, ROOT_2.keyid, ROOT_3.keyid),
        "root_threshold": 2,
        "authorities": (
            AuthorityGrant(id="tinh", name="Tỉnh", rank=10, class_ceiling=1),
            AuthorityGrant(id="huyen", name="Huyện", rank=20, class_ceiling=1, home=True),
        ),
        "roles": (
            _grant("schedule", "huyen", OFFICER, EXPIRED, class_ceiling=2),
            _grant(
                "schedule",
                "huyen",
                HAMLET_HEAD,
                class_ceiling=3,
                zones=("thôn Đông",),
                hours=("05:00-06:00",),
            ),
            _grant("content", "huyen", EDITOR),
            _grant("emergency", "huyen", DUTY_1, DUTY_2),
            _grant("command", "huyen", SERVICE),
            _grant("freshness", "huyen", FRESHNESS),
            _grant("schedule", "tinh", PROVINCE, class_ceiling=2),
            _grant("command", "tinh", PROVINCE),
            _grant("emergency", "tinh", PROVINCE, free_text_threshold=1),
        ),
        "groups": (GroupMembership(id="ha-luu", authority="tinh"),),
        "templates": TEMPLATES,
    }
    return Trust(**{**fields, **changes})


RECORDING = WarningFile(slot="xa-lu-ghi-am", sha256="cd" * 32, duration_ms=12_000)
TEMPLATES = (
    WarningTemplate(
        id="xa-lu",
        texts={"vi": "{ho} xả lũ lúc {gio}, mức {muc}. Tránh xa bờ sông."},
        files=(RECORDING,),
    ),
)


def entry(**changes: Any) -> Entry:
    fields: dict[str, Any] = {
        "id": "thoi-su",
        "title": "Thời sự",
        "when": When(start="2026-11-20T05:00:00", rrule="FREQ=DAILY"),
        "sources": (FileSource(slot="thoi-su", dated=True),),
        "zones": EVERYWHERE,
        "duration_ms": 15 * MINUTE_MS,
    }
    return Entry(**{**fields, **changes})


def schedule(*entries: Entry, **changes: Any) -> Schedule:
    fields = {**_header(30 * DAY_MS), "revision": 7, "entries": entries or (entry(),)}
    return Schedule(**{**fields, **changes})


def content(*bindings: Binding, **changes: Any) -> Content:
    fields = {**_header(10 * DAY_MS), "revision": 5, "bindings": bindings or (binding(),)}
    return Content(**{**fields, **changes})


def binding(**changes: Any) -> Binding:
    fields: dict[str, Any] = {
        "slot": "thoi-su",
        "date": "2026-11-20",
        "sha256": "ab" * 32,
        "size": 7_200_000,
        "duration_ms": 15 * MINUTE_MS,
        "url": "https://noi-dung.example/ab",
    }
    return Binding(**{**fields, **changes})


def warning(**changes: Any) -> Warning:
    fields: dict[str, Any] = {
        "id": "xa-lu-1",
        "revision": 1,
        "issued_at_ms": NOW_MS - MINUTE_MS,
        "valid_until_ms": NOW_MS + 6 * HOUR_MS,
        "title": "Xả lũ",
        "zones": ZoneSelector(tags=("ha-luu",)),
        "texts": {"vi": "Hồ chứa xả lũ lúc 08:00, mức 3. Tránh xa bờ sông."},
        "template": "xa-lu",
    }
    return Warning(**{**fields, **changes})


def warnings(*active: Warning, **changes: Any) -> Warnings:
    fields = {**_header(12 * HOUR_MS), "revision": 2, "warnings": active or (warning(),)}
    return Warnings(**{**fields, **changes})


def command(**changes: Any) -> Command:
    fields: dict[str, Any] = {
        **_header(5 * MINUTE_MS),
        "id": "lenh-1",
        "seq": 41,
        "action": SetVolume(zones=EVERYWHERE, volume=60),
    }
    return Command(**{**fields, **changes})


def cursor(**changes: Any) -> Cursor:
    fields: dict[str, Any] = {
        **_header(2 * DAY_MS),
        "revision": 9,
        "installation": "may-1",
        "stream": "nhat-ky",
        "through": 120,
    }
    return Cursor(**{**fields, **changes})


def view(held: Trust | None = None, *, enrolled: bool = False) -> TrustView:
    """What the station knows: `held` (by default the trust above), or only its enrolment."""
    root = RootKeys({one.keyid: one.key for one in (ROOT_1, ROOT_2, ROOT_3)}, 2)
    known = None if enrolled else held or trust()
    return TrustView(STATION, root, known, frozenset(ZONES), TZ)
