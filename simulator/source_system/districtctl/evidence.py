"""Subcommands about what stations wrote down: records verify, keys, accept; receipts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from agent.contract.chain import grouped
from agent.contract.reasons import ACK
from agent.contract.reports import DocumentReceipt
from simulator.source_system.accepted_keys import ROLE, accepting, write_accepted
from simulator.source_system.chain_check import FINDINGS, Finding, FindingKind
from simulator.source_system.district import District
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.moments import dated, instant_ms, since_ms
from simulator.source_system.districtctl.phrases import mark
from simulator.source_system.problems import DistrictError
from simulator.source_system.records import StreamCheck
from simulator.source_system.witness import FIRST_CONTACT, StationKey, accept_key

FINDINGS_SHOWN_MAX = 20
SIGNED_WITHIN_MS = 36 * 3_600_000
"""A station signs each night: what is older and not signed is late."""


def records(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """One of verify, keys, accept."""
    match options.what:
        case "verify":
            return _verify(district, console, options)
        case "keys":
            return _keys(district, console, options)
        case _:
            return _accept(district, console, options)


# --- verify --------------------------------------------------------------------------------


def _verify(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """1 when anything is wrong."""
    options.station = options.station or options.named
    _known(district, options.station)
    from_ms = instant_ms(options.since, "--from") if options.since else None
    to_ms = instant_ms(options.to, "--to", end=True) if options.to else None
    checks = district.records.check(options.station, from_ms, to_ms)
    for one in checks:
        _show_check(district, console, one)
    forks = [
        found
        for found in district.records.found_on_arrival(options.station)
        if found.finding.kind in (FindingKind.FORK, FindingKind.KEY_CHANGED)
        and (from_ms is None or found.found_ms >= from_ms)
        and (to_ms is None or found.found_ms < to_ms)
    ]
    for found in forks:
        name = _name(district, found.place.station)
        console.say("found_on_arrival", when=dated(found.found_ms), name=name)
        _show_finding(console, found.finding)
    if not checks:
        console.say("none")
    console.result({"streams": checks, "on_arrival": forks})
    whole = all(one.is_whole for one in checks)
    return Exit.DONE if whole and not forks else Exit.REFUSED


def _show_check(district: District, console: Console, check: StreamCheck) -> None:
    name = _name(district, check.place.station)
    console.line(f"{mark('ok' if check.is_whole else 'bad')} {name} ({check.place.installation})")
    if check.records:
        console.say(
            "records_range",
            indent=4,
            first=check.from_seq,
            last=check.to_seq,
            since=dated(check.from_ms),
            until=dated(check.to_ms),
            count=check.records,
        )
    _show_signature(console, check, district.now_ms)
    for finding in check.findings[:FINDINGS_SHOWN_MAX]:
        _show_finding(console, finding, lost=_given_up(check, finding))
    if len(check.findings) > FINDINGS_SHOWN_MAX:
        console.say("and_more", indent=4, count=len(check.findings) - FINDINGS_SHOWN_MAX)


def _show_signature(console: Console, check: StreamCheck, now_ms: int) -> None:
    signed = check.signed
    if signed is None:
        chained = any(run.chained for run in check.runs)
        console.say("records_unsigned" if chained else "records_unchained", sign="note", indent=4)
        return
    key = next((one for one in check.keys if one.public == signed.public), None)
    console.say(
        "records_signed",
        indent=4,
        seq=signed.signed_through,
        when=dated(signed.signed_ms),
        signer=grouped(key.fingerprint) if key is not None else mark("unknown"),
    )
    if key is not None and key.accepted_by == FIRST_CONTACT:
        console.say("key_only_seen", sign="note", indent=4)
        console.line(f"      → {_compare(console, key)}")
    if check.unsigned > 1:
        late = is_late(signed.signed_ms, now_ms)
        console.say("records_after", indent=4, count=check.unsigned)
        console.say("records_late" if late else "records_tonight", indent=6)


def is_late(signed_ms: int, now_ms: int) -> bool:
    """Whether a night has passed since the last signature."""
    return now_ms - signed_ms > SIGNED_WITHIN_MS


def _given_up(check: StreamCheck, finding: Finding) -> bool:
    """Whether the station itself no longer has what is missing."""
    if finding.kind is not FindingKind.GAP:
        return False
    missing = range(finding.seq, finding.to_seq + 1)
    return all(any(low <= seq <= high for low, high in check.written_off) for seq in missing)


def _show_finding(console: Console, finding: Finding, *, lost: bool = False) -> None:
    what, then = FINDINGS[finding.kind]
    where = f"{finding.seq}–{finding.to_seq}" if finding.to_seq > finding.seq else f"{finding.seq}"
    detail = f" ({finding.detail})" if finding.detail else ""
    number = "" if finding.kind is FindingKind.KEY_CHANGED else f"{where}: "
    console.line(f"    {mark('bad')} {number}{what.text(console.lang)}{detail}")
    if lost:
        console.say("records_lost", indent=6)
    else:
        console.line(f"      → {then.text(console.lang)}")


# --- keys ----------------------------------------------------------------------------------


def _keys(district: District, console: Console, options: argparse.Namespace) -> Exit:
    _known(district, options.station)
    keys = district.records.keys(options.station)
    for key in keys:
        _show_key(district, console, key)
    if not keys:
        console.say("none")
    console.result([_key_json(key) for key in keys])
    return Exit.REFUSED if any(key.accepted_ms is None for key in keys) else Exit.DONE


def _show_key(district: District, console: Console, key: StationKey) -> None:
    state = "waits" if key.accepted_ms is None else "retired" if key.retired_ms else "current"
    only_seen = key.accepted_by == FIRST_CONTACT
    by = console.phrase("first_contact") if only_seen else key.accepted_by
    good = "note" if only_seen else "ok"
    sign = {"waits": "bad", "retired": "note", "current": good}[state]
    text = console.phrase(
        f"key_{state}",
        first=dated(key.first_ms),
        by=by,
        when=dated(key.retired_ms or key.accepted_ms or key.first_ms),
    )
    name = _name(district, key.station)
    console.line(f"{mark(sign)} {name}: {grouped(key.fingerprint)}, {text}")
    if state == "waits" or (only_seen and state == "current"):
        console.line(f"  → {_compare(console, key)}")


def _compare(console: Console, key: StationKey) -> str:
    step = f"districtctl records accept {key.station} {key.fingerprint}"
    return f"{console.phrase('compare_key')}: {step}"


def _key_json(key: StationKey) -> dict[str, object]:
    return {"fingerprint": key.fingerprint, **key._asdict()}


def _accept(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """Signed and kept outside of the database first; the collector's file follows."""
    _known(district, options.station)
    fingerprint = "".join(options.fingerprint).lower()
    with district.home.locked():
        shown = district.records.keys(options.station)
        accepted = accepting(shown, fingerprint, district.by, district.now_ms)
        if accepted is None:
            found = ", ".join(grouped(one.fingerprint) for one in shown)
            raise DistrictError("key_not_shown", options.station, found)
        write_accepted(district.home, accepted, district.keyring.signing(ROLE))
    accept_key(district.home.journal, options.station, fingerprint, district.by, district.now_ms)
    key = next(one for one in accepted if one.fingerprint == fingerprint)
    _show_key(district, console, key)
    console.result(_key_json(key))
    return Exit.DONE


# --- receipts ------------------------------------------------------------------------------


def receipts(district: District, console: Console, options: argparse.Namespace) -> Exit:
    """Each document a station applied, changed, deleted, dropped or refused; oldest first."""
    _known(district, options.station)
    since = since_ms(options.since, district.now_ms)
    found = [
        (event, event.body)
        for event in district.journal.events(
            options.station, kinds=("receipt",), since_ms=since, limit=options.limit
        )
        if isinstance(event.body, DocumentReceipt)
    ]
    for event, body in found:
        name = _name(district, event.station)
        console.line(f"{dated(event.at_ms)}  {name}: {_receipt(console, body)}")
        if body.reason is not None:
            meaning = ACK[body.reason]
            detail = f" ({body.detail})" if body.detail else ""
            console.line(f"    {meaning.text(console.lang)}{detail} → {meaning.next(console.lang)}")
    if not found:
        console.say("none")
    console.result([_receipt_json(event, body) for event, body in found])
    return Exit.DONE


def _receipt(console: Console, body: DocumentReceipt) -> str:
    sign = mark({"refused": "bad", "dropped": "note"}.get(body.state, "ok"))
    kinds = ("trust", "schedule", "content", "warning")
    kind = console.phrase(f"doc_{body.document}") if body.document in kinds else body.document
    revision = mark("unknown") if body.revision is None else str(body.revision)
    if body.before is not None:
        revision = f"{body.before}→{revision}"
    parts = [
        f"{sign} {console.phrase(f'receipt_{body.state}')} {kind} {body.audience} {revision}",
        f"{body.by or body.authority or mark('unknown')}",
        body.digest,
    ]
    if body.state in ("applied", "changed", "deleted"):
        parts.append(
            console.phrase(
                "receipt_counts",
                entries=body.entries,
                added=body.added,
                removed=body.removed,
                changed=body.changed,
            )
        )
    if body.regulation:
        parts.append(console.phrase("receipt_regulation", name=body.regulation))
    return " · ".join(parts)


def _receipt_json(event: msgspec.Struct, body: DocumentReceipt) -> dict[str, object]:
    where = ("station", "installation", "stream", "seq", "at_ms")
    return {name: getattr(event, name) for name in where} | msgspec.structs.asdict(body)


# --- all of them ---------------------------------------------------------------------------


def _name(district: District, station: str) -> str:
    found = district.file.find(station)
    return found.name if found is not None else station


def _known(district: District, station: str | None) -> None:
    """Raises DistrictError for a station that was never enrolled and never heard."""
    if station is None or district.file.find(station) is not None:
        return
    if station in district.journal.reports():
        return
    known: Sequence[str] = [one.id for one in district.file.station]
    raise DistrictError("audience_unknown", station, ", ".join(known))
