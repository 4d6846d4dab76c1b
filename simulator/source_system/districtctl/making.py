"""Subcommands that make a district and let stations in: keys init, enrol, serve."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import threading
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.source_system.authorities import NOBODY, load
from simulator.source_system.compose import PublicAuthority
from simulator.source_system.district import Backup, District, SecondHolder
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.keyring import Passphrase, passphrase_variable
from simulator.source_system.pilot import PilotDistrict
from simulator.source_system.problems import DistrictError
from simulator.source_system.timetable.words import clean, slug


def asker(console: Console) -> Passphrase:
    """The passphrase from the environment, else asked, once for each person's keys."""
    known: dict[str, bytes] = {}

    def ask(name: str) -> bytes:
        variable = passphrase_variable(name)
        if variable not in known:
            given = os.environ.get(variable)
            if given is None:
                given = getpass.getpass(console.phrase("ask_passphrase", name=name))
            known[variable] = given.encode()
        return known[variable]

    return ask


def keys_init(console: Console, options: argparse.Namespace) -> Exit:
    second = _second(options)
    if second is None:
        console.say("keys_need_second", sign="bad")
        console.result({"error": "keys_need_second"})
        return Exit.WRONG
    passphrase = asker(console)("keys") if options.passphrase else None
    try:
        district = District.create(
            options.home,
            authority=options.authority,
            name=options.name or options.authority,
            rank=options.rank,
            holder=options.holder,
            second=second,
            hosts=tuple(options.host or ("127.0.0.1", "localhost")),
            passphrase=passphrase,
            through=options.through,
        )
    except OSError as error:
        where = error.filename or options.home
        raise DistrictError("home_forbidden", where, error.strerror or str(error)) from error
    keys = district.keyring.keys
    console.say("keys_made", sign="ok", count=len(keys))
    console.say("keys_elsewhere", sign="note", where=second.folder)
    console.result({"keys": [key.name for key in keys], "second": str(second.folder)})
    return Exit.DONE


def _second(options: argparse.Namespace) -> SecondHolder | Backup | None:
    if options.backup is not None:
        return Backup(options.backup)
    if options.second_holder and options.second_dir is not None:
        return SecondHolder(options.second_holder, options.second_dir)
    return None


def enrol(district: District, console: Console, options: argparse.Namespace) -> Exit:
    name, zones = options.name, _zones(options.zones or "")
    if options.describe is not None:
        described = _described(options.describe)
        name = name or described[0]
        zones = zones or described[1]
    csr = _bytes(options.csr) if options.csr is not None else None
    enrolment = district.enrol(
        options.station,
        name=name or options.station,
        zones=zones,
        groups=[slug(group) for group in options.groups.split(",") if group.strip()],
        csr_pem=csr,
        obey_also=_others(options.obey),
        wait_s=options.wait,
    )
    console.say("enrolled", sign="ok", name=name or options.station)
    console.say("bundle", indent=2, where=enrolment.folder)
    entry = district.file.find(enrolment.station)
    if entry is not None and entry.obeys:
        console.say("obeys", indent=2, names=", ".join(entry.obeys))
    if enrolment.key is None:
        console.say("csr_note", indent=2)
    console.result(
        {
            "station": enrolment.station,
            "folder": str(enrolment.folder),
            "broker": f"{enrolment.broker_host}:{enrolment.broker_port}",
        }
    )
    return Exit.DONE


def _others(given: list[Path]) -> list[PublicAuthority] | None:
    """Files of `keys export`; `none` alone: nobody any more. None: as before."""
    if not given:
        return None
    return [] if [str(one) for one in given] == [NOBODY] else [load(one) for one in given]


def _zones(text: str) -> dict[str, list[str]]:
    """`thôn Đông:ha-luu,ven-song;thôn Đoài` → name → tags."""
    zones = {}
    for part in (clean(part) for part in text.split(";")):
        name, _, tags = part.partition(":")
        if name:
            zones[clean(name)] = [slug(tag) for tag in tags.split(",") if tag.strip()]
    return zones


def _described(path: Path) -> tuple[str, dict[str, list[str]]]:
    """Name and zones from a station's own configuration."""
    try:
        data: Mapping[str, Any] = tomllib.loads(_bytes(path).decode())
        zones = {zone["name"]: list(zone.get("tags", [])) for zone in data.get("zone", [])}
        return str(data.get("station", {}).get("name", "")), zones
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DistrictError("home_wrong", path, error) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DistrictError("file_unreadable", path, error.strerror or "") from error


def serve(console: Console, options: argparse.Namespace) -> Exit:
    """Until Ctrl-C or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with PilotDistrict(options.home, ask_passphrase=asker(console)) as pilot:
        console.say("serving", sign="ok")
        broker = pilot.broker
        rows = {
            "serve_broker": f"{broker.host}:{broker.port}",
            "serve_content": pilot.content.base_url,
            "serve_bundles": str(pilot.district.home.enrolments),
        }
        for key, value in rows.items():
            console.line(f"  {console.phrase(key)}: {value}")
        console.result({key.removeprefix("serve_"): value for key, value in rows.items()})
        stopped.wait(options.seconds)
    console.say("stopped")
    return Exit.DONE
