"""The station's configuration: TOML in, typed and checked values out.

Owns the keys, their defaults and every message about them. Does not own: what a zone or bus
means (`agent.core.site`), or whether devices work (the adapters find out while they run).

Invariants: an unknown key is an error with the nearest known one; every duration is a whole
number with its unit in the key's name; relative paths are relative to the configuration file;
`load` reads files but changes nothing. A missing device or certificate is a warning: the box
must play from its disk without them.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from agent.contract.documents import FEATURES, Key
from agent.contract.units import Id, KeyId, Tag, ZoneName
from agent.core.site import Amplifier, BusChoice, Site, Zone
from agent.errors import ConfigError, Problem

VERSION = "0.1.0"
"""Of the software; a test holds it to pyproject.toml."""

Port = Annotated[int, Meta(ge=1, le=65_535)]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
CurvePoint = tuple[Annotated[int, Meta(ge=0, le=100)], Annotated[int, Meta(ge=-10_000, le=2_400)]]


class StationSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the station is and where it keeps its things."""

    id: Id
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    tz: str = "Asia/Ho_Chi_Minh"
    language: Literal["vi", "en"] = "vi"
    state_dir: str = "/var/lib/commune-radio"
    control_socket: str = "/run/commune-radio/control.sock"
    root_keys: str
    housekeeping_at: ClockTime = "03:10"
    storage_low_mib: Annotated[int, Meta(ge=10, le=1_000_000)] = 500


class ClockSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`measured`: NTP, a battery clock, or nothing. `system`: always believed (laboratory)."""

    trust: Literal["measured", "system"] = "measured"


class BrokerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The MQTT broker. `tls` false is for a laboratory on one machine."""

    host: Annotated[str, Meta(min_length=1, max_length=253)]
    port: Port = 8883
    tls: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    mqtt: Literal["auto", "5", "3.1.1"] = "auto"


class ContentSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where sound files come from. ca empty: the system's authorities."""

    ca: str = ""
    allow_http: bool = False
    parallel: Annotated[int, Meta(ge=1, le=4)] = 1
    rate_limit_kbit_s: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    stall_ms: Annotated[int, Meta(ge=1_000, le=600_000)] = 60_000


class SoundSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card. device: ALSA or PortAudio name, empty is the default one; frames per buffer."""

    device: str = ""
    buses: Annotated[int, Meta(ge=1, le=8)] = 1
    frames: Annotated[int, Meta(ge=64, le=8_192)] = 2_048
    warm_standby: bool = False


class ControllerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amplifier controller on a serial port. adopted_id: what its hello must say."""

    id: Id
    port: Annotated[str, Meta(min_length=1)]
    adopted_id: str = ""


class AmplifierSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    controller: Id
    warm_up_ms: Annotated[int, Meta(ge=0, le=120_000)] = 1_500
    linger_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 60_000


class BusSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    bus: Annotated[int, Meta(ge=0, le=7)]
    source: Annotated[int, Meta(ge=0, le=15)]


class ZoneSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A loudspeaker line. index: as on the terminal strip. curve: [volume, gain_cdb] points."""

    name: ZoneName
    controller: Id
    index: Annotated[int, Meta(ge=1, le=16)]
    amplifier: str
    buses: Annotated[tuple[BusSection, ...], Meta(min_length=1)]
    tags: tuple[Tag, ...] = ()
    curve: Annotated[tuple[CurvePoint, ...], Meta(min_length=2)] = (
        (0, -6_000),
        (1, -4_000),
        (100, 0),
    )


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `[[controller]]`, `[[amplifier]]` and `[[zone]]` repeat."""

    station: StationSection
    broker: BrokerSection
    clock: ClockSection = ClockSection()
    content: ContentSection = ContentSection()
    sound: SoundSection = SoundSection()
    controller: tuple[ControllerSection, ...] = ()
    amplifier: tuple[AmplifierSection, ...] = ()
    zone: Annotated[tuple[ZoneSection, ...], Meta(min_length=1)]


class RootKeys(msgspec.Struct, frozen=True, kw_only=True):
    """`root.json`: which keys found the trust, and how many must sign."""

    threshold: Annotated[int, Meta(ge=1, le=10)]
    keys: dict[KeyId, Key]


class Loaded(msgspec.Struct, frozen=True):
    """A usable configuration. warnings: what the box can live without, but should not."""

    config: Config
    site: Site
    roots: RootKeys
    warnings: tuple[Problem, ...]


def load(file: Path) -> Loaded:
    """Read, check and complete the configuration; raises ConfigError with every problem found."""
    text = _read_text(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), (Problem("TOML", str(error), _line_of(error)),)) from None
    lines = _key_lines(text)
    problems = list(_unknown_keys(data, Config, "", lines))
    if problems:
        raise ConfigError(str(file), _in_order(problems))
    config = _absolute(_convert(file, data, lines), file.parent.absolute())
    problems = [_located(problem, lines) for problem in _contradictions(config)]
    roots = _read_roots(Path(config.station.root_keys))
    if isinstance(roots, Problem):
        problems.append(_located(roots, lines))
    if problems or isinstance(roots, Problem):
        raise ConfigError(str(file), _in_order(problems))
    warnings = tuple(_located(problem, lines) for problem in _missing_things(config))
    return Loaded(config, _site(config), roots, _in_order(warnings))


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem("file", error.strerror or str(error))
    except UnicodeDecodeError as error:
        problem = Problem("file", f"not UTF-8 at byte {error.start}")
    raise ConfigError(str(file), (problem,))


def _line_of(error: Exception) -> int | None:
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else None


def _in_order(problems: typing.Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


# --- where a key stands --------------------------------------------------------------------

_TABLE = re.compile(r"^\s*\[(?P<array>\[)?\s*(?P<name>[A-Za-z0-9_.-]+)\s*\]")
_KEY = re.compile(r"^\s*(?P<name>[A-Za-z0-9_-]+)\s*=")


def _key_lines(text: str) -> dict[str, int]:
    """`zone[1].name` → line. Inline tables are known by the line of their key."""
    lines: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = header["name"]
            if header["array"]:
                counts[table] = counts.get(table, -1) + 1
                table = f"{table}[{counts[table]}]"
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault(f"{table}.{key['name']}" if table else key["name"], number)
    return lines


def _line_for(path: str, lines: dict[str, int]) -> int | None:
    """The line of the path, or of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path.rpartition(".")[0] if not path.endswith("]") else path.rpartition("[")[0]
    return None


def _located(problem: Problem, lines: dict[str, int]) -> Problem:
    return Problem(problem.path, problem.text, _line_for(problem.path, lines), problem.hint)


# --- unknown keys and wrong units ----------------------------------------------------------

_UNIT = re.compile(r"^(?P<stem>.+?)(_(s|sec|secs|seconds|m|min|minutes|h|ms|kbit_s|mib|mb|gb))?$")


def _unknown_keys(
    data: Any, kind: type[msgspec.Struct], path: str, lines: dict[str, int]
) -> Iterator[Problem]:
    """Every key that no section knows, anywhere in the file."""
    if not isinstance(data, dict):
        return
    hints = typing.get_type_hints(kind)
    for key, value in data.items():
        where = f"{path}.{key}" if path else key
        if key not in hints:
            yield Problem(where, "no such key", _line_for(where, lines), _nearest(key, hints))
            continue
        section, many = _section_of(hints[key])
        if section is None:
            continue
        items = enumerate(value) if many and isinstance(value, list) else [(None, value)]
        for index, item in items:
            inner = where if index is None else f"{where}[{index}]"
            yield from _unknown_keys(item, section, inner, lines)


def _section_of(hint: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The section class a key holds, and whether it holds a list of them."""
    if isinstance(hint, type):
        return (hint if issubclass(hint, msgspec.Struct) else None), False
    if typing.get_origin(hint) is tuple:
        return _section_of(typing.get_args(hint)[0])[0], True
    return None, False


def _nearest(key: str, known: dict[str, Any]) -> str:
    stem = _stem(key)
    for name in known:
        if name != key and _stem(name) == stem and name != stem:
            return f'The key is "{name}": the unit is part of its name, the value a whole number'
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return "Known here: " + ", ".join(sorted(known))


def _stem(key: str) -> str:
    found = _UNIT.match(key)
    return found["stem"] if found else key


def _convert(file: Path, data: dict[str, Any], lines: dict[str, int]) -> Config:
    try:
        return msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        text, _, at = str(error).partition(" - at `$")
        path = at.strip("`").removeprefix(".")
        if missing := re.search(r"missing required field `(\w+)`", text):
            path = f"{path}.{missing[1]}".removeprefix(".")
            text = "is missing"
        raise ConfigError(
            str(file), (Problem(path, text, _line_for(path, lines), _unit_hint(path, text)),)
        ) from None


def _unit_hint(path: str, text: str) -> str:
    key = path.rpartition(".")[2]
    if "Expected `int`" not in text:
        return ""
    if "got `str`" in text:
        return "It is a whole number without quotes"
    if key.endswith("_ms"):
        return "Durations are whole milliseconds: 1.5 seconds is 1500"
    if key == "curve" or "curve" in path:
        return "Gains are whole hundredths of a decibel: -6.5 dB is -650"
    return "It is a whole number"


# --- what must fit together ----------------------------------------------------------------


def _contradictions(config: Config) -> Iterator[Problem]:
    try:
        ZoneInfo(config.station.tz)
    except (KeyError, ValueError, OSError):
        yield Problem("station.tz", f"{config.station.tz!r} is not an IANA time zone")
    yield from _doubles("controller", [one.id for one in config.controller])
    yield from _doubles("amplifier", [one.name for one in config.amplifier])
    yield from _doubles("zone", [one.name for one in config.zone])
    if config.broker.tls and bool(config.broker.certificate) != bool(config.broker.key):
        yield Problem("broker.certificate", "certificate and key belong together")
    controllers = {one.id for one in config.controller}
    for number, amplifier in enumerate(config.amplifier):
        if amplifier.controller not in controllers:
            yield _unnamed(f"amplifier[{number}].controller", amplifier.controller, controllers)
    for number, zone in enumerate(config.zone):
        yield from _zone_contradictions(f"zone[{number}]", zone, config, controllers)
    yield from _shared_terminals(config)


def _zone_contradictions(
    path: str, zone: ZoneSection, config: Config, controllers: set[str]
) -> Iterator[Problem]:
    amplifiers = {one.name: one for one in config.amplifier}
    if zone.controller not in controllers:
        yield _unnamed(f"{path}.controller", zone.controller, controllers)
    if zone.amplifier not in amplifiers:
        yield _unnamed(f"{path}.amplifier", zone.amplifier, set(amplifiers))
    elif amplifiers[zone.amplifier].controller != zone.controller:
        yield Problem(f"{path}.amplifier", f"{zone.amplifier!r} hangs on another controller")
    for bus in zone.buses:
        if bus.bus >= config.sound.buses:
            text = f"bus {bus.bus} does not exist: sound.buses is {config.sound.buses}"
            yield Problem(f"{path}.buses", text, hint="Buses count from 0")
    volumes = [volume for volume, _ in zone.curve]
    gains = [gain for _, gain in zone.curve]
    if volumes != sorted(set(volumes)) or gains != sorted(gains):
        yield Problem(f"{path}.curve", "volumes must rise, and gain must not fall as they do")


def _unnamed(path: str, name: str, known: set[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    hint = (
        f'Did you mean "{near[0]}"?' if near else "Known: " + (", ".join(sorted(known)) or "none")
    )
    return Problem(path, f"{name!r} is not described in this file", hint=hint)


def _doubles(table: str, names: list[str]) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield Problem(f"{table}[{number}]", f"{name!r} is described twice")


def _shared_terminals(config: Config) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for number, zone in enumerate(config.zone):
        other = seen.setdefault((zone.controller, zone.index), zone.name)
        if other != zone.name:
            text = f"terminal {zone.index} of {zone.controller!r} already belongs to {other!r}"
            yield Problem(f"zone[{number}].index", text)


def _missing_things(config: Config) -> Iterator[Problem]:
    """What is not there now but may come: ports are plugged in, certificates are enrolled."""
    wanted = [
        (f"controller[{number}].port", one.port) for number, one in enumerate(config.controller)
    ]
    if config.broker.tls:
        wanted += [
            ("broker.ca", config.broker.ca),
            ("broker.certificate", config.broker.certificate),
            ("broker.key", config.broker.key),
        ]
    wanted.append(("content.ca", config.content.ca))
    for path, name in wanted:
        if name and not Path(name).exists():
            yield Problem(path, f"{name} does not exist (yet)")
    if config.broker.tls and not config.broker.certificate:
        yield Problem("broker.certificate", "no client certificate: most brokers will refuse")
    if not config.broker.tls:
        yield Problem("broker.tls", "the connection is not encrypted", hint="Laboratory only")
    if config.clock.trust == "system":
        yield Problem("clock.trust", "the clock is believed unmeasured", hint="Laboratory only")


# --- from the file to what the parts take --------------------------------------------------


def _absolute(config: Config, folder: Path) -> Config:
    def under(name: str) -> str:
        return str(folder / name) if name else name

    station, broker, content = config.station, config.broker, config.content
    return msgspec.structs.replace(
        config,
        station=msgspec.structs.replace(
            station,
            state_dir=under(station.state_dir),
            control_socket=under(station.control_socket),
            root_keys=under(station.root_keys),
        ),
        broker=msgspec.structs.replace(
            broker,
            ca=under(broker.ca),
            certificate=under(broker.certificate),
            key=under(broker.key),
        ),
        content=msgspec.structs.replace(content, ca=under(content.ca)),
        controller=tuple(
            msgspec.structs.replace(one, port=under(one.port)) for one in config.controller
        ),
    )


def _read_roots(file: Path) -> RootKeys | Problem:
    path = "station.root_keys"
    try:
        roots = msgspec.json.decode(file.read_bytes(), type=RootKeys)
    except OSError as error:
        return Problem(path, f"{file}: {error.strerror}")
    except msgspec.DecodeError as error:
        return Problem(path, f"{file}: {error}")
    for keyid, key in roots.keys.items():
        if keyid != hashlib.sha256(bytes.fromhex(key.public)).hexdigest()[:16]:
            return Problem(path, f"{file}: {keyid} is not the id of its public key")
    if len(roots.keys) < 2:
        return Problem(path, f"{file}: a single root key cannot be replaced when it is lost")
    if roots.threshold > len(roots.keys):
        return Problem(path, f"{file}: threshold {roots.threshold} of {len(roots.keys)} keys")
    return roots


def _site(config: Config) -> Site:
    return Site(
        station=config.station.id,
        name=config.station.name,
        tz=config.station.tz,
        zones=tuple(_zone(zone) for zone in config.zone),
        amplifiers=tuple(
            Amplifier(one.name, one.controller, one.warm_up_ms, one.linger_ms)
            for one in config.amplifier
        ),
        buses=config.sound.buses,
        language=config.station.language,
        version=VERSION,
        storage_low_mib=config.station.storage_low_mib,
        features=FEATURES,
    )


def _zone(zone: ZoneSection) -> Zone:
    return Zone(
        name=zone.name,
        controller=zone.controller,
        index=zone.index,
        amplifier=zone.amplifier,
        buses=tuple(BusChoice(one.bus, one.source) for one in zone.buses),
        tags=frozenset(zone.tags),
        curve=zone.curve,
    )
