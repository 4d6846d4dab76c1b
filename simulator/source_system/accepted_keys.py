"""Which station keys people accepted, kept outside of the collector's database and signed.

Owns the folder `station-keys` of a district home: one small file a station, sealed with the
engineer's `schedule` key like a document. The database says which keys were shown; whoever
administers it can write any key into it, but not into these files. A station without a file has
keys that were only seen: believed at first contact, compared by nobody.

What remains: whoever holds the district's `schedule` key, or may write its public keyring, can
accept any key; an older file of the same station put back shows as fewer accepted keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from agent.contract.documents import Role
from agent.contract.envelope import EnvelopeError, open_envelope
from simulator.source_system.home import Home
from simulator.source_system.keyring import Keyring, SigningKey, sealed, signers_of
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import KeyringError
from simulator.source_system.witness import FIRST_CONTACT, StationKey

ROLE: Role = "schedule"
"""An engineer's own key, one per person; never on the broker."""

FOLDER = "station-keys"
SUFFIX = ".signed.json"

Accepted = Mapping[str, Sequence[StationKey]]
"""station → its keys as they were when one of them was accepted last."""


class _Key(msgspec.Struct, frozen=True, kw_only=True):
    public: str
    first_ms: int
    accepted_ms: int
    accepted_by: str
    retired_ms: int | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1
    says: Literal["station keys"] = "station keys"
    station: str
    keys: tuple[_Key, ...]


def read_accepted(home: Home) -> dict[str, tuple[StationKey, ...]]:
    """Raises KeyringError for a file that none of the district's keys has signed."""
    folder = home.folder / FOLDER
    if not folder.is_dir():
        return {}
    signers = Keyring.load(home.keys).of_role(ROLE)
    found = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            envelope = open_envelope(path.read_bytes())
            file = msgspec.json.decode(envelope.body, type=_File)
        except (EnvelopeError, msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
            raise KeyringError("station_keys_wrong", path, error) from error
        if not signers_of(envelope, signers) or path.name != file.station + SUFFIX:
            raise KeyringError("station_keys_wrong", path)
        found[file.station] = tuple(
            StationKey(
                file.station,
                one.public,
                one.first_ms,
                one.accepted_ms,
                one.accepted_by,
                one.retired_ms,
            )
            for one in file.keys
        )
    return found


def accepting(
    known: Sequence[StationKey], wanted: str, by: str, now_ms: int
) -> tuple[StationKey, ...] | None:
    """The keys of a station once a person has compared the fingerprint `wanted`.

    Those it had stay good for what they signed and are retired; those that nobody believed are left
    out. None when no key of this station has the fingerprint.
    """
    wanted = wanted.replace(" ", "").lower()
    if not any(one.fingerprint == wanted for one in known):
        return None
    found = []
    for one in known:
        if one.fingerprint == wanted:
            when_ms = one.accepted_ms if _compared(one) and one.accepted_ms else now_ms
            accepted = one._replace(accepted_ms=when_ms, accepted_by=by, retired_ms=None)
            found.append(accepted)
        elif one.accepted_ms is not None:
            found.append(one._replace(retired_ms=one.retired_ms or now_ms))
    return tuple(found)


def _compared(key: StationKey) -> bool:
    return key.accepted_ms is not None and key.accepted_by != FIRST_CONTACT


def write_accepted(home: Home, keys: Sequence[StationKey], signer: SigningKey) -> Path:
    """All keys of one station, replaced whole."""
    station = keys[0].station
    file = _File(
        station=station,
        keys=tuple(
            _Key(
                public=one.public,
                first_ms=one.first_ms,
                accepted_ms=one.accepted_ms or 0,
                accepted_by=one.accepted_by,
                retired_ms=one.retired_ms,
            )
            for one in keys
        ),
    )
    path = home.folder / FOLDER / f"{station}{SUFFIX}"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, sealed(msgspec.json.encode(file), [signer]))
    return path


def trusted(held: Sequence[StationKey], accepted: Accepted) -> list[StationKey]:
    """What the database says of keys, as far as it is to be believed.

    A station with a signed file: its keys count and no others. One without: what was believed is
    first seen and no more, whoever the database says accepted it.
    """
    found = [_believed(one) for one in held if one.station not in accepted]
    for station, signed in accepted.items():
        publics = {one.public for one in signed}
        found += signed
        found += [
            one._replace(accepted_ms=None, accepted_by="", retired_ms=None)
            for one in held
            if one.station == station and one.public not in publics
        ]
    return sorted(found, key=lambda one: (one.station, one.first_ms, one.accepted_ms is None))


def _believed(key: StationKey) -> StationKey:
    return key if key.accepted_ms is None else key._replace(accepted_by=FIRST_CONTACT)
