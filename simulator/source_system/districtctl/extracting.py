"""Subcommand extract: make a signed extract of a zone's records, and verify one."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

from agent.contract.chain import grouped
from agent.contract.documents import Role
from simulator.source_system.desk import TIME_ZONE
from simulator.source_system.district import District
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.moments import instant_ms
from simulator.source_system.extract.content import (
    Asked,
    Extract,
    SignedBy,
    acts_of,
    clock_in_doubt,
    plays_of,
)
from simulator.source_system.extract.folder import (
    HTML_FILE,
    PDF_FILE,
    Verified,
    sign_folder,
    verify_folder,
    write_extract,
)
from simulator.source_system.extract.gather import gather, rules_in_force
from simulator.source_system.home import Home, Station
from simulator.source_system.keyring import Keyring
from simulator.source_system.problems import DistrictError, SourceSystemError
from simulator.source_system.said import Said
from simulator.source_system.timetable.words import nearest, same

SIGNING_ROLE: Role = "schedule"
"""An engineer's own key, one per person; never on the broker."""

UNSIGNED = ("bad_signature", "key_differs")
"""With one of these nobody has signed, whatever the extract says of itself."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PRINT_WITHIN_S = 60.0


def extract(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """1 when records are missing, wrong or not all here yet; the extract says so too."""
    if options.words:
        raise DistrictError("argument", "extract", " ".join(options.words))
    station = district.file.find(options.station or "")
    if station is None:
        known = ", ".join(one.id for one in district.file.station)
        raise DistrictError("audience_unknown", options.station or "--station", known)
    for name in ("zone", "since", "to", "out"):
        if getattr(options, name) is None:
            raise DistrictError("argument", "--from" if name == "since" else f"--{name}")
    asked = Asked(
        station=station.id,
        zone=_zone(station, options.zone),
        from_ms=instant_ms(options.since, "--from"),
        to_ms=instant_ms(options.to, "--to", end=True),
        reference=options.reference,
    )
    if asked.from_ms >= asked.to_ms:
        raise DistrictError("argument", "--to", f"{options.since} → {options.to}")
    return _make(district, console, station, asked, options)


def _zone(station: Station, text: str) -> str:
    found = next((one for one in station.zone_names if same(one) == same(text)), None)
    if found is None:
        guess = nearest(text, station.zone_names)
        meant = Said(f"ý bạn “{guess}”?", f"did you mean “{guess}”?") if guess else ""
        raise DistrictError("zone_unknown", f"“{text}”", meant)
    return found


def _make(
    district: District,
    console: Console,
    station: Station,
    asked: Asked,
    options: argparse.Namespace,
) -> Exit:
    report = district.journal.reports().get(station.id)
    found = gather(district.records, report.health if report else None, asked)
    tags = frozenset(tag for one in station.zone if one.name == asked.zone for tag in one.tags)
    keyring, authority = district.keyring, district.file.authority
    key = keyring.signing(SIGNING_ROLE)
    info = keyring.by_keyid(key.keyid)
    made = Extract(
        asked=asked,
        station_name=station.name,
        made_ms=district.now_ms,
        tz=TIME_ZONE,
        plays=plays_of(found.records, asked),
        acts=acts_of(found.records, asked),
        evidence=found.evidence,
        known_until_ms=found.known_until_ms,
        clock_doubt=clock_in_doubt(found.records, asked),
        rules=rules_in_force(district.records, district.ledger, asked, tags),
        signer=SignedBy(
            holder=info.holder if info is not None else district.by,
            authority=authority.id,
            authority_name=authority.name,
            keyid=key.keyid,
            public=key.public_hex,
        ),
    )
    write_extract(options.out, made, found.rows, key, console.lang)
    printed = options.pdf and _print(console, options.out)
    if printed:
        sign_folder(options.out, key)
    _show_made(console, made, options.out)
    console.result(
        {
            "folder": str(options.out),
            "plays": len(made.plays),
            "complete": made.is_complete,
            "keyid": key.keyid,
            "pdf": bool(printed),
        }
    )
    return Exit.DONE if made.is_complete else Exit.REFUSED


def _print(console: Console, folder: Path) -> bool:
    """A PDF when there is a browser to print with; the page can be printed without it, too."""
    program = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if program is None:
        console.say("extract_no_browser", sign="note")
        return False
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    target, source = folder / PDF_FILE, (folder / HTML_FILE).resolve()
    try:
        subprocess.run(
            [program, *words, f"--print-to-pdf={target.resolve()}", source.as_uri()],
            check=True,
            capture_output=True,
            timeout=PRINT_WITHIN_S,
        )
    except (subprocess.SubprocessError, OSError) as error:
        target.unlink(missing_ok=True)
        console.say("extract_not_printed", sign="note", detail=str(error)[:200])
        return False
    return target.exists()


def _show_made(console: Console, made: Extract, folder: Path) -> None:
    console.say("extract_made", sign="ok", where=folder / HTML_FILE, count=len(made.plays))
    shown = grouped(made.signer.keyid)
    console.say("extract_signed", indent=2, holder=made.signer.holder, signer=shown)
    if not made.is_complete:
        console.say("extract_incomplete", sign="note")
        step = f"districtctl records verify --station {made.asked.station}"
        console.line(f"  → {step}")


# --- verify --------------------------------------------------------------------------------


def verify(console: Console, options: argparse.Namespace) -> Exit:
    """Needs no district home; with one, the signer's key is looked up in it."""
    if len(options.words) != 2:
        raise DistrictError("argument", "extract verify", "FOLDER")
    verified = verify_folder(Path(options.words[1]))
    known = _known_signer(options, verified)
    _show_verified(console, verified, known)
    console.result({"verified": verified, "signer_known": known})
    return Exit.DONE if not verified.faults and known else Exit.REFUSED


def _known_signer(options: argparse.Namespace, verified: Verified) -> bool:
    """By the fingerprint that was typed, else by the keys of the district home."""
    if verified.extract is None:
        return False
    signer = verified.extract.signer
    if options.key:
        return "".join(options.key.split()).lower() == signer.keyid
    try:
        keys = Keyring.load(Home(options.home).keys).of_role(SIGNING_ROLE)
    except SourceSystemError:
        return False
    return any((key.public, key.holder) == (signer.public, signer.holder) for key in keys)


def _show_verified(console: Console, verified: Verified, known: bool) -> None:
    for fault in verified.faults:
        console.say(f"fault_{fault.code}", sign="bad", where=fault.where)
    made = verified.extract
    if made is None:
        return
    signer = made.signer
    shown = grouped(signer.keyid)
    if not verified.faults:
        console.say("extract_holds", sign="ok", count=len(made.plays))
    unsigned = any(fault.code in UNSIGNED for fault in verified.faults)
    console.say(
        "signer_unproven" if unsigned else "signer_known" if known else "signer_unknown",
        sign="ok" if known and not unsigned else "bad",
        holder=signer.holder,
        authority=signer.authority_name,
        signer=shown,
    )
    for key in verified.station_keys:
        console.say("extract_station_key", indent=2, signer=grouped(key))
    if not made.is_complete:
        console.say("extract_incomplete", sign="note")
