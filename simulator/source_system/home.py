"""The district home: `district.toml` and where everything else of a district lies.

Owns the readable state: who speaks (authority), where broker and content server are, which
stations are enrolled with which zones and groups. Owns no keys and no history (`keyring`,
`ledger`). Invariant: the file is replaced whole; an unknown key is an error with its path.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.contract.units import ClassNumber, Id, Line, Rank, Tag, Volume, ZoneName
from simulator.source_system.bounds import in_words
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import HomeError

EVERYBODY = "tat-ca"
"""The group every enrolled station belongs to: `--all`."""

Port = Annotated[int, Meta(ge=1, le=65_535)]


class Authority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who speaks from this home."""

    id: Id
    name: Line
    rank: Rank = 20
    class_ceiling: ClassNumber = 1


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where stations connect, and where the district's own programs do."""

    host: Line = "127.0.0.1"
    port: Port
    operator_port: Port


class ContentAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """base_url is what stands in signed documents; listen_* is where this machine serves it."""

    base_url: Line
    listen_host: Line = "127.0.0.1"
    listen_port: Port


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    name: Line = ""


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: ZoneName
    tags: tuple[Tag, ...] = ()
    volume: Volume | None = None


class Station(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    name: Line
    groups: tuple[Id, ...] = (EVERYBODY,)
    obeys: tuple[Id, ...] = ()
    """Authorities beside this one, as `authorities/<id>.json` describes them."""
    volume: Volume = 70
    warning_volume: Volume = 90
    certificate_serial: Line = ""
    certificate_not_after_ms: int = 0
    enrolled_at_ms: int = 0
    zone: tuple[Zone, ...] = ()

    @property
    def zone_names(self) -> tuple[str, ...]:
        return tuple(zone.name for zone in self.zone)


class DistrictFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """district.toml."""

    authority: Authority
    broker: BrokerAddress
    content: ContentAddress
    group: tuple[Group, ...] = (Group(id=EVERYBODY, name="Tất cả các đài"),)
    station: tuple[Station, ...] = ()

    def find(self, station: str) -> Station | None:
        return next((one for one in self.station if one.id == station), None)

    def tags(self, audience: str) -> tuple[frozenset[Tag], frozenset[Tag]]:
        """Tags of the zones that hear the audience, and of those of all other stations."""
        here = {station.id for station in self.members(audience)}
        found: tuple[set[Tag], set[Tag]] = (set(), set())
        for station in self.station:
            for zone in station.zone:
                found[station.id not in here].update(zone.tags)
        return frozenset(found[0]), frozenset(found[1])

    def members(self, audience: str) -> tuple[Station, ...]:
        """The enrolled stations that hear `s/<id>` or `g/<id>`."""
        kind, _, name = audience.partition("/")
        if kind == "s":
            return tuple(one for one in self.station if one.id == name)
        return tuple(one for one in self.station if name in one.groups)


class Home:
    """Paths below one folder, and the file `district.toml` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "district.toml"
        self.keys = folder / "keys"
        self.pki = folder / "pki"
        self.operator = folder / "operator"
        self.collector = folder / "collector"
        self.server = folder / "server"
        self.broker = folder / "broker"
        self.acl = folder / "broker" / "acl"
        self.store = folder / "content"
        self.live = folder / "live"
        self.pending = folder / "pending"
        self.enrolments = folder / "enrolments"
        self.authorities = folder / "authorities"
        self.regulations = folder / "regulations"
        self.ledger = folder / "ledger.sqlite3"
        self.journal = folder / "journal.sqlite3"

    def exists(self) -> bool:
        return self.file.exists()

    def read(self) -> DistrictFile:
        try:
            data = tomllib.loads(self.file.read_text(encoding="utf-8"))
            return msgspec.convert(data, DistrictFile)
        except FileNotFoundError:
            raise HomeError("home_missing", self.file) from None
        except msgspec.ValidationError as error:
            raise HomeError("home_wrong", self.file, in_words(error)) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise HomeError("home_wrong", self.file, error) from error

    def write(self, content: DistrictFile) -> None:
        write_whole(self.file, to_toml(content).encode())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time among the programs that share this home."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def to_toml(content: DistrictFile) -> str:
    """district.toml as text; comments are not kept."""
    data = msgspec.to_builtins(content)
    lines = ["# The district. Edit by hand with care; districtctl enrol rewrites this file."]
    for table in ("authority", "broker", "content"):
        lines += ["", f"[{table}]", *_pairs(data[table])]
    for group in data["group"]:
        lines += ["", "[[group]]", *_pairs(group)]
    for station in data["station"]:
        zones = station.pop("zone")
        lines += ["", "[[station]]", *_pairs(station)]
        for zone in zones:
            lines += ["", "[[station.zone]]", *_pairs(zone)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items() if value is not None]


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # A JSON string is a TOML basic string, but TOML has no \u escapes for surrogates nor DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
