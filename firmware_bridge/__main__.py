"""`python -m firmware_bridge`: look at a controller and move its zones, without the agent.

Owns the command line: arguments, words and exit codes. Does not own the conversation.
Exit codes: 0 done, 1 the controller could not do it, 2 the command was wrong. An error says
what is wrong, where, and what to do next.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from firmware_bridge.client import ControllerClient
from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LinkState,
    LinkWhy,
    ZoneWish,
)
from firmware_bridge.drivers.native import native_driver
from firmware_bridge.port import list_ports, stable_name

CONNECT_S = 8.0
APPLY_S = 5.0
KEEP_ALIVE_S = 0.5

NEXT_STEP: dict[LinkWhy, str] = {
    LinkWhy.OK: "",
    LinkWhy.STARTING: "wait a moment and try again",
    LinkWhy.CLOSED_BY_USER: "",
    LinkWhy.PORT_MISSING: "check the cable and the controller's power; `probe` lists the ports",
    LinkWhy.PORT_FORBIDDEN: "add your user to the group `dialout` and log in again",
    LinkWhy.PORT_BUSY: "another program holds the port: stop it, or ask the daemon instead",
    LinkWhy.PORT_UNUSABLE: "this is not a serial port; `probe` lists those present",
    LinkWhy.PORT_LOST: "the plug came out or the controller lost power: check both",
    LinkWhy.NO_ANSWER: "check that it is our controller, its power, and TX/RX of the cable",
    LinkWhy.WRONG_VERSION: "update the controller's firmware or this software",
    LinkWhy.NOT_ADOPTED: "compare the id with the label, then run `adopt`",
    LinkWhy.OTHER_CONTROLLER: "the controller was exchanged: run `adopt` if that was meant",
    LinkWhy.CONFIG_REFUSED: "its firmware does not take our lease settings: update it",
    LinkWhy.WISH_REFUSED: "the controller has no such zone, gain or source; see `state`",
    LinkWhy.ANSWERS_LOST: "the controller stopped answering: check its power and the cable",
    LinkWhy.NOISY_LINE: "many repeats: shorten or shield the cable, check the ground",
    LinkWhy.REBOOTED: "it restarted: under-voltage is the first suspect, check the supply",
    LinkWhy.HOLDER_STALLED: "the program that holds the zones has stalled; see its log",
    LinkWhy.CRASHED: "a fault in this software: report it with the log",
}


class CommandError(Exception):
    """The command line is wrong; the message says where."""


def parse_zone(text: str) -> ZoneWish:
    """`3=on,gain=-18dB,source=1` or `3=off`; gain and source default to 0."""
    fields: dict[str, str] = {}
    first, *rest = text.split(",")
    zone, _, gate = first.partition("=")
    for item in rest:
        name, _, value = item.partition("=")
        if name not in ("gain", "source") or name in fields:
            raise CommandError(f"{text!r}: {item!r} is neither gain=…dB nor source=…, once each")
        fields[name] = value
    if not zone.isdecimal() or gate not in ("on", "off"):
        raise CommandError(f"{text!r}: begin with the zone's number, as in 3=on or 3=off")
    try:
        gain_cdb = round(float(fields.get("gain", "0").removesuffix("dB")) * 100)
        return ZoneWish(int(zone), gate == "on", gain_cdb, int(fields.get("source", "0")))
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{text!r}: {error}") from error


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m firmware_bridge", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port", help="default: the only port there is")
    shared.add_argument("--json", action="store_true", help="for machines")
    shared.add_argument("--file", type=Path, help="JSON file with the adopted id of each port")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("probe", parents=[shared], help="list ports and who answers on them")
    commands.add_parser("state", parents=[shared], help="read one controller")
    apply = commands.add_parser("apply", parents=[shared], help="move zones: 3=on,gain=-18dB")
    apply.add_argument("zones", nargs="*", metavar="ZONE=on|off[,gain=…dB][,source=N]")
    apply.add_argument("--power", choices=("on", "off"), default="on")
    apply.add_argument("--id", help="the controller meant; see `probe`")
    apply.add_argument("--hold-s", type=float, default=5.0, help="then let go (default 5)")
    adopt = commands.add_parser("adopt", parents=[shared], help="accept this controller as ours")
    adopt.add_argument("--id", help="adopt only if it is this one")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    run = {"probe": probe, "state": state, "apply": apply, "adopt": adopt}[options.command]
    try:
        return run(options)
    except CommandError as error:
        _say(options, {"ok": False, "error": str(error)}, f"✗ {error}")
        return 2
    except KeyboardInterrupt:
        return 130


# --- commands -------------------------------------------------------------------


def probe(options: argparse.Namespace) -> int:
    """Ask every port who is there; nothing is switched."""
    ports = [options.port] if options.port else list_ports()
    found = []
    for port in ports:
        with _Link(port, None, observer=True) as link:
            found.append((port, link.connect()))
    if not found:
        _say(options, [], "no serial ports. Check the cable; `lsusb` shows what the box sees")
        return 1
    rows = [{"port": port, **_plain(reading)} for port, reading in found]
    _say(options, rows, "\n".join(_one_line(port, reading) for port, reading in found))
    return 0 if any(reading.controller_id for _, reading in found) else 1


def state(options: argparse.Namespace) -> int:
    port = _port(options)
    with _Link(port, _adopted(options.file, port), observer=True) as link:
        reading = link.connect()
        if reading.state.usable:
            link.until(lambda seen: seen.supply_mv is not None, 1.0)
        reading = link.reading()
    _say(options, {"port": port, **_plain(reading)}, _screen(port, reading))
    return 0 if reading.state.usable else 1


def apply(options: argparse.Namespace) -> int:
    """Apply, verify, hold; afterwards the zones follow their fallback policy."""
    wish = _wish(options)
    port = _port(options)
    meant = options.id or _adopted(options.file, port)
    with _Link(port, meant) as link:
        reading = link.connect()
        if reading.state.usable and reading.adopted:
            link.client.set_wish(wish)
            reading = link.until(lambda seen: _carried_out(seen, wish), APPLY_S)
            link.hold(options.hold_s)
        done = _carried_out(reading, wish)
        text = _screen(port, reading) if done else _complaint(port, reading)
        _say(options, {"ok": done, "port": port, **_plain(reading)}, text)
    return 0 if done else 1


def adopt(options: argparse.Namespace) -> int:
    port = _port(options)
    with _Link(port, None, observer=True) as link:
        reading = link.connect()
    found = reading.controller_id
    if found is None:
        _say(options, {"ok": False, **_plain(reading)}, _complaint(port, reading))
        return 1
    if options.id not in (None, found):
        raise CommandError(f"{port}: the controller there is {found}, not {options.id}")
    if options.file is not None:
        _save_adopted(options.file, port, found)
    where = f" in {options.file}" if options.file else ""
    line = f'adopted_id = "{found}"'
    text = f"✓ {port}: adopted {found}{where}\n  For the station's configuration: {line}"
    if options.file is None:
        text += (
            f"\n  Nothing was kept here; for state and apply: --id {found}, or adopt --file FILE"
        )
    _say(options, {"ok": True, "port": port, "controller_id": found}, text)
    return 0


# --- the conversation -------------------------------------------------------------


class _Link:
    """A client for the length of one command."""

    def __init__(self, port: str, adopted_id: str | None, *, observer: bool = False) -> None:
        driver = partial(
            native_driver,
            adopted_id=adopted_id,
            policies=None,
            jitter=random.random,
            observer=observer,
        )
        self.client = ControllerClient(
            port, adopted_id=adopted_id, on_change=lambda _reading: None, make_driver=driver
        )

    def __enter__(self) -> _Link:
        self.client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def reading(self) -> ControllerReading:
        return self.client.reading()

    def connect(self) -> ControllerReading:
        """The first reading that says whether there is a controller, or why not."""
        return self.until(_settled, CONNECT_S)

    def until(
        self, reached: Callable[[ControllerReading], bool], limit_s: float
    ) -> ControllerReading:
        end_s = time.monotonic() + limit_s
        while not reached(self.reading()) and time.monotonic() < end_s:
            self.client.keep_alive(int(time.monotonic() * 1000))
            time.sleep(0.01)
        return self.reading()

    def hold(self, for_s: float) -> None:
        end_s = time.monotonic() + for_s
        while time.monotonic() < end_s:
            self.client.keep_alive(int(time.monotonic() * 1000))
            time.sleep(min(KEEP_ALIVE_S, max(0.0, end_s - time.monotonic())))


def _settled(reading: ControllerReading) -> bool:
    if reading.state.usable or reading.state is LinkState.INCOMPATIBLE:
        return True
    return reading.why not in (LinkWhy.STARTING, LinkWhy.REBOOTED)


def _carried_out(reading: ControllerReading, wish: ControllerWish) -> bool:
    wished = [zone.zone for zone in wish.zones] or [zone.zone for zone in reading.zones]
    zones = [reading.zone(zone) for zone in wished]
    return bool(zones) and all(zone.confirmed is Confirmation.YES for zone in zones)


# --- arguments and files -----------------------------------------------------------


def _wish(options: argparse.Namespace) -> ControllerWish:
    try:
        return ControllerWish(
            tuple(parse_zone(text) for text in options.zones), power=options.power == "on"
        )
    except ValueError as error:
        raise CommandError(str(error)) from error


def _port(options: argparse.Namespace) -> str:
    if options.port:
        return stable_name(options.port)
    ports = list_ports()
    if len(ports) == 1:
        return ports[0]
    listed = "\n  ".join(ports) if ports else "there is none"
    raise CommandError(f"say which port with --port:\n  {listed}")


def _adopted(file: Path | None, port: str) -> str | None:
    if file is None or not file.exists():
        return None
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        found = known.get(port)
    except (OSError, ValueError, AttributeError) as error:
        raise CommandError(f"{file}: not a JSON object of port to id: {error}") from error
    return found if isinstance(found, str) else None


def _save_adopted(file: Path, port: str, controller_id: str) -> None:
    _adopted(file, port)
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known[port] = controller_id
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=file.name, delete=False, encoding="utf-8"
    ) as fresh:
        json.dump(known, fresh, indent=2)
        fresh.flush()
        os.fsync(fresh.fileno())
    Path(fresh.name).replace(file)


# --- words --------------------------------------------------------------------------


def _say(options: argparse.Namespace, data: object, text: str) -> None:
    sys.stdout.write((json.dumps(data, ensure_ascii=False) if options.json else text) + "\n")


def _plain(reading: ControllerReading) -> dict[str, Any]:
    return {**asdict(reading), "next": NEXT_STEP[reading.why]}


def _complaint(port: str, reading: ControllerReading) -> str:
    return f"✗ {port}: {reading.why}\n  → {NEXT_STEP[reading.why] or 'run `state` and compare'}"


def _one_line(port: str, reading: ControllerReading) -> str:
    if reading.controller_id is None:
        return _complaint(port, reading)
    return (
        f"✓ {port}: {reading.controller_id}, firmware {reading.firmware},"
        f" protocol {reading.protocol}, {len(reading.zones)} zones, leases {reading.lease}"
    )


def _screen(port: str, reading: ControllerReading) -> str:
    lines = [_one_line(port, reading)]
    if reading.controller_id is not None and NEXT_STEP[reading.why]:
        lines.append(f"! {reading.why}: {NEXT_STEP[reading.why]}")
    if not reading.state.usable:
        return "\n".join(lines)
    temperature = reading.temperature_cdeg
    warmth = "?" if temperature is None else f"{temperature / 100:.1f} °C"
    supply = "?" if reading.supply_mv is None else f"{reading.supply_mv / 1000:.2f} V"
    mains = {True: "yes", False: "NO", None: "?"}[reading.mains]
    lines.append(f"  power {reading.power}, mains {mains}, {warmth}, supply {supply}")
    for zone in reading.zones:
        gain = "?" if zone.gain_cdb is None else f"{zone.gain_cdb / 100:+.1f} dB"
        level = "no signal" if zone.level_cdb is None else f"{zone.level_cdb / 100:.1f} dB out"
        gate = {True: "on", False: "off", None: "?"}[zone.gate]
        lines.append(
            f"  zone {zone.zone:2d} {gate:3} {gain:>9} source {zone.source}"
            f"  line {zone.line}  {level}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
