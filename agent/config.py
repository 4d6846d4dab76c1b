"""The station's configuration: TOML in, typed and checked values out.

Owns the keys, their defaults and every message about them. Does not own: what a zone or bus
means (`agent.core.site`), or whether devices work (the adapters find out while they run).

Invariants: an unknown key is an error with the nearest known one; every duration is a whole
number with its unit in the key's name; relative paths are relative to the configuration file;
`load` reads files but changes nothing. A missing device or certificate is a warning: the box
must play from its disk without them.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import math
import re
import tomllib
import typing
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from agent import config_sound
from agent import config_source_api as source_api
from agent.adapters.source_api.settings import SourceApiSection
from agent.config_box import (
    IdentitySection,
    LinkSection,
    PlaceSection,
    PowerSection,
    ReportsSection,
    identity,
    is_date,
    link_terms,
    place,
)
from agent.config_texts import words
from agent.contract.bounds import in_words, plainly
from agent.contract.documents import FEATURES, Key
from agent.contract.texts import Words
from agent.contract.units import Id, KeyId, Tag, ZoneName
from agent.core.loudness import Levels
from agent.core.site import Amplifier, BusChoice, Site, Zone
from agent.errors import ConfigError, Problem
from agent.state_dir import is_there, state_problem

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
    """The card. device: ALSA or PortAudio name, empty is the default one; frames per buffer, auto:
    as few as the card bears.

    return_input: the `[[input]]` that hears bus `return_bus` from behind the amplifier, if any.
    """

    device: str = ""
    buses: Annotated[int, Meta(ge=1, le=8)] = 1
    frames: Annotated[int, Meta(ge=64, le=8_192)] | Literal["auto"] = "auto"
    warm_standby: bool = False
    return_input: str = ""
    return_bus: Annotated[int, Meta(ge=0, le=7)] = 0


class LoudnessSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How loud programmes leave, in whole LUFS, dB and dBTP. level false: as they were recorded."""

    level: bool = True
    target_lufs: Annotated[int, Meta(ge=-40, le=-10)] = -18
    emergency_lufs: Annotated[int, Meta(ge=-40, le=-10)] = -14
    boost_db: Annotated[int, Meta(ge=0, le=24)] = 12
    ceiling_dbtp: Annotated[int, Meta(ge=-12, le=0)] = -1


class InputSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line input, tuner or microphone. device: as of the card; channel: counted from 0."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    device: Annotated[str, Meta(min_length=1)]
    channel: Annotated[int, Meta(ge=0, le=7)] = 0


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
    backed_up: bool = False


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


class ApproversSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """ask_pin_for: what asks for a name and its PIN beside approvals and announcements."""

    ask_pin_for: tuple[
        Literal["hold", "skip", "order", "stop", "quiet", "volume", "test_tone", "ack_alarm"], ...
    ] = ()


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `[[controller]]`, `[[amplifier]]` and `[[zone]]` repeat."""

    station: StationSection
    broker: BrokerSection
    clock: ClockSection = ClockSection()
    content: ContentSection = ContentSection()
    sound: SoundSection = SoundSection()
    loudness: LoudnessSection = LoudnessSection()
    identity: IdentitySection = IdentitySection()
    place: PlaceSection = PlaceSection()
    link: LinkSection = LinkSection()
    power: PowerSection = PowerSection()
    reports: ReportsSection = ReportsSection()
    source_api: SourceApiSection = SourceApiSection()
    approvers: ApproversSection = ApproversSection()
    input: tuple[InputSection, ...] = ()
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
        problem = _problem("TOML", "toml", line=_line_of(error), why=error)
        raise ConfigError(str(file), (problem,)) from None
    lines = _key_lines(text)
    problems = [*_unknown_keys(data, Config, ""), *_wrong_values(data, Config, "")]
    draft = _Draft(data, problems)
    problems += _contradictions(draft)
    roots = _read_roots(file.parent.absolute() / draft.root_keys) if draft.root_keys else None
    if isinstance(roots, Problem):
        problems.append(roots)
    if problems or not isinstance(roots, RootKeys):
        raise ConfigError(str(file), _in_order(problems, lines))
    config = _absolute(msgspec.convert(data, Config), file.parent.absolute())
    warnings = _in_order(_missing_things(config), lines)
    config = _plainly_named(config)
    return Loaded(config, _site(config), roots, warnings)


def _problem(
    path: str, key: str, hint: str = "", line: int | None = None, **values: object
) -> Problem:
    """hint: another remedy than that of the fault itself."""
    return Problem(path, words(key, **values), line, words(hint or f"{key}-next", **values))


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        problem = _problem("file", "file", why=error.strerror or str(error))
    except UnicodeDecodeError as error:
        problem = _problem("file", "not-utf8", at=error.start)
    raise ConfigError(str(file), (problem,))


def _line_of(error: Exception) -> int | None:
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else None


def _in_order(problems: Iterable[Problem], lines: dict[str, int]) -> tuple[Problem, ...]:
    """Where they stand in the file; of one place only the first."""
    first: dict[str, Problem] = {}
    for problem in problems:
        line = _line_for(problem.path, lines)
        first.setdefault(problem.path, dataclasses.replace(problem, line=line))
    return tuple(sorted(first.values(), key=lambda one: (one.line is None, one.line or 0)))


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


# --- unknown keys and wrong units ----------------------------------------------------------

_UNIT = re.compile(r"^(?P<stem>.+?)(_(s|sec|secs|seconds|m|min|minutes|h|ms|kbit_s|mib|mb|gb))?$")


def _unknown_keys(data: Any, kind: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    """Every key that no section knows, anywhere in the file."""
    if not isinstance(data, dict):
        return
    hints = typing.get_type_hints(kind)
    for key, value in data.items():
        where = f"{path}.{key}" if path else key
        if key not in hints:
            yield Problem(where, words("no-such-key"), hint=_nearest(key, hints))
            continue
        section, _ = _section_of(hints[key])
        if section is not None:
            for inner, item in _items(where, value):
                yield from _unknown_keys(item, section, inner)


def _items(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A section, or the sections of a list, each with its path."""
    if isinstance(value, list):
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(value))
    else:
        yield path, value


def _section_of(hint: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The section class a key holds, and whether it holds a list of them."""
    if isinstance(hint, type):
        return (hint if issubclass(hint, msgspec.Struct) else None), False
    if typing.get_origin(hint) is tuple:
        return _section_of(typing.get_args(hint)[0])[0], True
    return None, False


def _nearest(key: str, known: dict[str, Any]) -> Words:
    other_unit = _of_other_unit(key, known)
    if other_unit:
        return words("unit-in-key", name=other_unit)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return words("did-you-mean", name=near[0])
    return words("known-here", names=", ".join(sorted(known)))


def _of_other_unit(key: str, known: dict[str, Any]) -> str:
    stem = _stem(key)
    return next((one for one in known if one != key and _stem(one) == stem and one != stem), "")


def _misspelt(data: dict[str, Any], known: dict[str, Any]) -> set[str]:
    """The known keys that the unknown ones were meant to be: they are not missing as well."""
    unknown = [key for key in data if key not in known]
    near = {one for key in unknown for one in difflib.get_close_matches(key, known, n=1)}
    return near | {_of_other_unit(key, known) for key in unknown}


def _stem(key: str) -> str:
    found = _UNIT.match(key)
    return found["stem"] if found else key


# --- values that are none -------------------------------------------------------------------


def _wrong_values(data: Any, kind: type[msgspec.Struct], path: str) -> Iterator[Problem]:
    """Every key that is missing and every value that is not what its key takes."""
    if not isinstance(data, dict):
        yield from _wrong_value(data, kind, path)
        return
    hints = typing.get_type_hints(kind, include_extras=True)
    plain = typing.get_type_hints(kind)
    required = {one.name for one in msgspec.structs.fields(kind) if one.required}
    required -= _misspelt(data, hints)
    for key, hint in hints.items():
        where = f"{path}.{key}" if path else key
        if key not in data:
            if key in required:
                yield _problem(where, "missing")
            continue
        section, many = _section_of(plain[key])
        if section is None or many != isinstance(data[key], list) or data[key] == []:
            yield from _wrong_value(data[key], hint, where)
            continue
        for inner, item in _items(where, data[key]):
            yield from _wrong_values(item, section, inner)


def _wrong_value(value: Any, kind: Any, path: str) -> Iterator[Problem]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        inner, text = in_words(str(error))
        where = f"{path}{inner}" if inner.startswith("[") else ".".join(filter(None, (path, inner)))
        allowed = [one for one in typing.get_args(kind) if isinstance(one, str)]
        if typing.get_origin(kind) is Literal and allowed:
            text = words("one-of", given=repr(value))
            hint = words("one-of-next", names=", ".join(f'"{one}"' for one in allowed))
        else:
            hint = _value_hint(path, value, str(error))
        yield Problem(where, text, hint=hint)


def _value_hint(path: str, value: Any, message: str) -> Words:
    key = path.rpartition(".")[2]
    if "Expected `int" not in message:
        return words("value-next")
    if "Expected `int`, got `str`" in message:
        return words("no-quotes")
    if key.endswith("_ms"):
        return words("milliseconds")
    if key == "curve":
        return words("centibels")
    if isinstance(value, float) and math.isfinite(value):
        return words("whole-number", example=round(value))
    return words("value-next")


# --- what must fit together ----------------------------------------------------------------


class _Draft:
    """The parts of the file that are sound by themselves, beside those that are not.

    Lists hold (number in the file, section). Names are as written, also those of faulty parts,
    so that nobody is told that a thing is not described because its description has a fault.
    """

    def __init__(self, data: dict[str, Any], problems: Iterable[Problem]) -> None:
        self._data = data
        self._faulty = [one.path for one in problems]
        self.station = self._one("station", StationSection)
        self.broker = self._one("broker", BrokerSection)
        self.sound = SoundSection() if "sound" not in data else self._one("sound", SoundSection)
        self.place = self._one("place", PlaceSection)
        self.link = self._one("link", LinkSection)
        self.source_api = self._one("source_api", SourceApiSection)
        self.identity = self._one("identity", IdentitySection)
        self.amplifiers = self._many("amplifier", AmplifierSection)
        self.zones = self._many("zone", ZoneSection)
        self.input_names = self._names("input", "name")
        self.controller_ids = self._names("controller", "id")
        self.amplifier_names = self._names("amplifier", "name")
        self.zone_names = self._names("zone", "name")

    @property
    def root_keys(self) -> str:
        """Also of a station with another fault; "" when it is not said."""
        station = self._data.get("station")
        named = station.get("root_keys") if isinstance(station, dict) else None
        return named if isinstance(named, str) else ""

    def _sound(self, path: str) -> bool:
        inside = (f"{path}.", f"{path}[")
        return not any(one == path or one.startswith(inside) for one in self._faulty)

    def _one(self, table: str, kind: type[_S]) -> _S | None:
        if table not in self._data or not self._sound(table):
            return None
        return msgspec.convert(self._data[table], kind)

    def _many(self, table: str, kind: type[_S]) -> list[tuple[int, _S]]:
        found = self._data.get(table)
        return [
            (number, msgspec.convert(one, kind))
            for number, one in enumerate(found if isinstance(found, list) else ())
            if self._sound(f"{table}[{number}]") and table not in self._faulty
        ]

    def _names(self, table: str, key: str) -> list[str]:
        """By number; "" where there is none."""
        found = self._data.get(table)
        named = [
            one.get(key) if isinstance(one, dict) else None
            for one in (found if isinstance(found, list) else ())
        ]
        return [name if isinstance(name, str) else "" for name in named]


_S = typing.TypeVar("_S", bound=msgspec.Struct)


def _contradictions(draft: _Draft) -> Iterator[Problem]:
    if draft.station is not None:
        try:
            ZoneInfo(draft.station.tz)
        except (KeyError, ValueError, OSError):
            yield _problem("station.tz", "no-time-zone", name=draft.station.tz)
    yield from _doubles("input", draft.input_names)
    yield from _doubles("controller", draft.controller_ids)
    yield from _doubles("amplifier", draft.amplifier_names)
    yield from _doubles("zone", draft.zone_names)
    yield from _nowhere_and_never(draft)
    if draft.source_api is not None:
        section = source_api.completed(draft.source_api, draft.identity or IdentitySection())
        yield from source_api.contradictions(section, draft.place or PlaceSection())
    broker = draft.broker
    if broker is not None and broker.tls and bool(broker.certificate) != bool(broker.key):
        yield _problem("broker.certificate", "pair")
    for number, amplifier in draft.amplifiers:
        if not _may_name(amplifier.controller, draft.controller_ids):
            path = f"amplifier[{number}].controller"
            yield _unnamed(path, amplifier.controller, draft.controller_ids)
    for number, zone in draft.zones:
        yield from _zone_contradictions(f"zone[{number}]", zone, draft)
    yield from _shared_terminals(draft)
    yield from _return_line(draft)


def _return_line(draft: _Draft) -> Iterator[Problem]:
    sound = draft.sound
    if sound is None or not sound.return_input:
        return
    names = [config_sound.plain(one) for one in draft.input_names]
    if not _may_name(config_sound.plain(sound.return_input), names):
        yield _unnamed("sound.return_input", sound.return_input, draft.input_names)
    if sound.return_bus >= sound.buses:
        yield _problem("sound.return_bus", "no-bus", bus=sound.return_bus, buses=sound.buses)


def _nowhere_and_never(draft: _Draft) -> Iterator[Problem]:
    """A place and a day that look like ones and are none."""
    try:
        place(draft.place or PlaceSection())
    except ValueError as error:
        yield _problem("place.position", "no-place", given=error)
    expires = draft.link.sim_expires if draft.link is not None else ""
    if expires and not is_date(expires):
        yield _problem("link.sim_expires", "no-date", given=expires)


def _zone_contradictions(path: str, zone: ZoneSection, draft: _Draft) -> Iterator[Problem]:
    amplifiers = {one.name: one for _, one in draft.amplifiers}
    if not _may_name(zone.controller, draft.controller_ids):
        yield _unnamed(f"{path}.controller", zone.controller, draft.controller_ids)
    if not _may_name(zone.amplifier, draft.amplifier_names):
        yield _unnamed(f"{path}.amplifier", zone.amplifier, draft.amplifier_names)
    elif zone.amplifier in amplifiers and amplifiers[zone.amplifier].controller != zone.controller:
        yield _problem(f"{path}.amplifier", "other-controller", name=zone.amplifier)
    for bus in zone.buses if draft.sound is not None else ():
        if draft.sound is not None and bus.bus >= draft.sound.buses:
            yield _problem(f"{path}.buses", "no-bus", bus=bus.bus, buses=draft.sound.buses)
    volumes = [volume for volume, _ in zone.curve]
    gains = [gain for _, gain in zone.curve]
    if volumes != sorted(set(volumes)) or gains != sorted(gains):
        yield _problem(f"{path}.curve", "curve")


def _may_name(name: str, known: list[str]) -> bool:
    """Described, or possibly meant to be by a part whose own name has a fault."""
    return name in known or "" in known


def _unnamed(path: str, name: str, known: list[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = words("did-you-mean", name=near[0])
    else:
        hint = words("known", names=", ".join(sorted(filter(None, known))) or "–")
    return Problem(path, words("not-described", name=name), hint=hint)


def _doubles(table: str, names: list[str]) -> Iterator[Problem]:
    for number, name in enumerate(names):
        if name and name in names[:number]:
            yield _problem(f"{table}[{number}]", "twice", name=name)


def _shared_terminals(draft: _Draft) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for number, zone in draft.zones:
        other = seen.setdefault((zone.controller, zone.index), zone.name)
        if other != zone.name:
            path = f"zone[{number}].index"
            yield _problem(
                path, "terminal", index=zone.index, controller=zone.controller, other=other
            )


def _missing_things(config: Config) -> Iterator[Problem]:
    """What is not there now but may come: ports are plugged in, certificates are enrolled."""
    for number, one in enumerate(config.controller):
        path = f"controller[{number}]"
        if not is_there(Path(one.port)):
            yield _problem(f"{path}.port", "not-there", "port-next", name=one.port)
        if not one.adopted_id:
            yield _problem(f"{path}.adopted_id", "not-adopted", port=one.port)
    if config.power.mains_file and not is_there(Path(config.power.mains_file)):
        yield _problem("power.mains_file", "not-there", "mains-next", name=config.power.mains_file)
    wanted = [("content.ca", config.content.ca)]
    if config.broker.tls:
        wanted += [
            ("broker.ca", config.broker.ca),
            ("broker.certificate", config.broker.certificate),
            ("broker.key", config.broker.key),
        ]
    for path, name in wanted:
        if name and not is_there(Path(name)):
            yield _problem(path, "not-there", "enrol-next", name=name)
    if config.broker.tls and not config.broker.certificate:
        yield _problem("broker.certificate", "no-certificate", "enrol-next")
    if not config.broker.tls:
        yield _problem("broker.tls", "no-tls", "laboratory")
    if config.clock.trust == "system":
        yield _problem("clock.trust", "clock-believed", "laboratory")
    yield from config_sound.findings(
        config.sound.device,
        config.sound.return_input,
        config.input,
        config.loudness.target_lufs,
        config.loudness.emergency_lufs,
    )
    yield from source_api.missing_things(config.source_api)
    unusable = state_problem(Path(config.station.state_dir))
    if unusable is not None:
        yield unusable


# --- from the file to what the parts take --------------------------------------------------


def _absolute(config: Config, folder: Path) -> Config:
    def under(name: str) -> str:
        return str(folder / name) if name else name

    station, broker, content = config.station, config.broker, config.content
    power, api = config.power, config.source_api
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
        power=msgspec.structs.replace(power, mains_file=under(power.mains_file)),
        source_api=msgspec.structs.replace(
            source_api.completed(api, config.identity),
            ca=under(api.ca),
            password_file=under(api.password_file),
        ),
        controller=tuple(
            msgspec.structs.replace(one, port=under(one.port)) for one in config.controller
        ),
    )


def _plainly_named(config: Config) -> Config:
    """Inputs by the names that are spoken; only the first of two that are the same then."""
    inputs = {
        name: msgspec.structs.replace(one, name=name)
        for one in reversed(config.input)
        if (name := config_sound.plain(one.name) or one.name)
    }
    line = config_sound.plain(config.sound.return_input)
    return msgspec.structs.replace(
        config,
        input=tuple(reversed(inputs.values())),
        sound=msgspec.structs.replace(config.sound, return_input=line),
    )


def _read_roots(file: Path) -> RootKeys | Problem:
    def wrong(key: str, **values: object) -> Problem:
        text, hint = words(key, file=file, **values), words("roots-next")
        return Problem("station.root_keys", text, hint=hint)

    try:
        roots = msgspec.json.decode(file.read_bytes(), type=RootKeys)
    except OSError as error:
        return wrong("roots-unreadable", why=error.strerror)
    except msgspec.DecodeError as error:
        return wrong("roots-unreadable", why=plainly(str(error)))
    for keyid, key in roots.keys.items():
        if keyid != hashlib.sha256(bytes.fromhex(key.public)).hexdigest()[:16]:
            return wrong("roots-id", keyid=keyid)
    if len(roots.keys) < 2:
        return wrong("roots-single")
    if roots.threshold > len(roots.keys):
        return wrong("roots-threshold", threshold=roots.threshold, count=len(roots.keys))
    return roots


def _site(config: Config) -> Site:
    returns = config_sound.return_inputs(config.sound.return_input, config.input)
    return Site(
        station=config.station.id,
        name=config.station.name,
        tz=config.station.tz,
        zones=tuple(_zone(zone) for zone in config.zone),
        amplifiers=tuple(
            Amplifier(one.name, one.controller, one.warm_up_ms, one.linger_ms, one.backed_up)
            for one in config.amplifier
        ),
        buses=config.sound.buses,
        language=config.station.language,
        version=VERSION,
        storage_low_mib=config.station.storage_low_mib,
        identity=identity(config.identity),
        place=place(config.place),
        link=link_terms(config.link),
        heartbeat_ms=config.reports.heartbeat_s * 1_000,
        details_pause_ms=config.reports.details_pause_s * 1_000,
        levels=_levels(config.loudness),
        features=FEATURES,
        inputs=frozenset(one.name for one in config.input) - returns,
        return_inputs=returns,
        return_bus=config.sound.return_bus if config.sound.return_input else None,
        source_rules=source_api.rules(config.source_api),
    )


def _levels(section: LoudnessSection) -> Levels:
    return Levels(
        on=section.level,
        target_clufs=100 * section.target_lufs,
        emergency_clufs=100 * section.emergency_lufs,
        boost_cdb=100 * section.boost_db,
        ceiling_cdb=100 * section.ceiling_dbtp,
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
