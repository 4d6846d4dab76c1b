"""Other authorities: whom a station obeys beside its own district, and who speaks over its broker.

Owns `authorities/<id>.json` in a district home (what everybody may know of another authority: its
rank, its public keys, its groups), and setting up a home that has keys of its own but the broker,
the operator's certificate, the file store and the stations of another home on this machine.

Invariant: another authority's file never holds a secret; its stations are reached by a group that
bears its id, so that its timetables never take the place of the district's on the broker.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from simulator.source_system.bounds import in_words
from simulator.source_system.compose import PublicAuthority
from simulator.source_system.home import DistrictFile, Group, Home, Station
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import DistrictError

NOBODY = "none"


def export(public: PublicAuthority, path: Path) -> None:
    """Raises DistrictError."""
    body = msgspec.json.format(msgspec.json.encode(public), indent=2) + b"\n"
    try:
        path.write_bytes(body)
    except OSError as error:
        raise DistrictError("file_unreadable", path, error.strerror or "") from error


def load(path: Path) -> PublicAuthority:
    """Raises DistrictError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=PublicAuthority)
    except OSError as error:
        raise DistrictError("file_unreadable", path, error.strerror or "") from error
    except msgspec.ValidationError as error:
        raise DistrictError("authority_wrong", path, in_words(error)) from error
    except msgspec.DecodeError as error:
        raise DistrictError("authority_wrong", path, error) from error


def keep(home: Home, others: Iterable[PublicAuthority]) -> None:
    """Remember them, so that a station that is enrolled again still obeys them."""
    home.authorities.mkdir(parents=True, exist_ok=True)
    for one in others:
        body = msgspec.json.encode(one)
        write_whole(home.authorities / f"{one.authority.id}.json", body)


def kept(home: Home, station: Station) -> tuple[PublicAuthority, ...]:
    """Those that the station obeys."""
    return tuple(load(home.authorities / f"{one}.json") for one in station.obeys)


def speak_through(home: Home, through: Home) -> None:
    """Make `home`, which was just begun, speak over the broker of `through`."""
    own, other = home.read(), through.read()
    group = Group(id=own.authority.id, name=own.authority.name)
    stations = tuple(msgspec.structs.replace(one, groups=(group.id,)) for one in other.station)
    joined = DistrictFile(
        authority=own.authority,
        broker=other.broker,
        content=other.content,
        group=(group,),
        station=stations,
    )
    shutil.rmtree(home.operator, ignore_errors=True)
    shutil.copytree(through.operator, home.operator)
    if not home.store.exists():
        home.store.symlink_to(through.store.resolve(), target_is_directory=True)
    home.write(joined)
