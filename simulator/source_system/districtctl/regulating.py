"""`districtctl regulation`: a commune's operating regulation, shown in words before it is sent."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent.contract.documents import Regulation, ZoneSelector
from agent.contract.languages import name_of
from agent.contract.reasons import OCCURRENCE
from simulator.source_system.district import District
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.sending import audience
from simulator.source_system.problems import DistrictError
from simulator.source_system.regulation_desk import (
    KEPT_SHOWN_MAX,
    KeptBack,
    RegulationDraft,
    preset,
    presets,
)
from simulator.source_system.regulation_file import Commune
from simulator.source_system.timetable.days import WEEKDAYS_EN, WEEKDAYS_VI
from simulator.source_system.timetable.preview import shown as shown_start


def regulation(district: District, console: Console, options: argparse.Namespace) -> Exit:
    raw = _asked(options)
    if options.write is not None:
        return _write(console, options.write, raw)
    if not (options.to or options.group or options.all):
        raise DistrictError("argument", "regulation", "--to | --group | --all")
    drafts = district.draft_regulation(raw, to=audience(options), look_only=options.dry_run)
    if drafts:
        _show(console, drafts[0].commune)
    for one in drafts:
        _show_station(console, one)
    if options.dry_run:
        console.say("dry_run")
        console.result([_as_json(one) for one in drafts])
        return Exit.DONE
    worst, deliveries = Exit.DONE, []
    for one in drafts:
        delivery = district.send_regulation(one, wait_s=options.wait)
        deliveries.append(delivery)
        worst = max(worst, console.delivery(delivery))
    console.result({"deliveries": deliveries, "stations": [_as_json(one) for one in drafts]})
    return worst


def _asked(options: argparse.Namespace) -> bytes:
    """The bytes of the file, or of one of the examples."""
    if (options.file is None) == (options.preset is None):
        raise DistrictError("argument", "regulation", f"FILE | --preset {'|'.join(presets())}")
    if options.preset is not None:
        return preset(options.preset)
    file: Path = options.file
    try:
        return file.read_bytes()
    except OSError as error:
        raise DistrictError("file_unreadable", file, error.strerror or "") from error


def _write(console: Console, path: Path, raw: bytes) -> Exit:
    """A copy to be mended; what is there is not replaced."""
    try:
        with path.open("xb") as file:
            file.write(raw)
    except OSError as error:
        raise DistrictError("file_unwritable", path, error.strerror or "") from error
    console.say("regulation_written", sign="ok", where=path)
    console.result({"written": str(path)})
    return Exit.DONE


def _show(console: Console, commune: Commune) -> None:
    """The rules as the station will read them."""
    rules = commune.regulation
    name = " ".join(part for part in (rules.title, rules.document_number) if part)
    console.line(name or console.phrase("regulation_unnamed"))
    for line in _rules(console, rules):
        console.line(f"  {line}")
    if commune.approvals is None:
        console.say("rule_nobody_asked", indent=2)
    else:
        console.say("rule_asked", indent=2)
    for one in commune.approvals or ():
        if one.mode == "standing":
            said = {"authority": one.authority, "document": one.document_number}
            console.say("rule_standing", indent=2, **said)
    if commune.approver_differs:
        console.say("rule_differs", indent=2)


def _rules(console: Console, rules: Regulation) -> list[str]:
    names = WEEKDAYS_VI if console.lang == "vi" else WEEKDAYS_EN
    lines = []
    for window in rules.windows:
        parts = [window.hours, " ".join(names[day - 1] for day in window.days)]
        if window.session_ms is not None:
            parts.append(console.phrase("rule_minutes", count=window.session_ms // 60_000))
        lines.append(" · ".join(part for part in (*parts, _zones(window.zones)) if part))
    if not rules.windows:
        lines.append(console.phrase("rule_any_time"))
    if rules.sessions_per_day is not None:
        lines.append(console.phrase("rule_sessions", count=rules.sessions_per_day))
    if rules.silent_dates:
        dates = ", ".join(f"{day[8:]}/{day[5:7]}/{day[:4]}" for day in rules.silent_dates)
        lines.append(console.phrase("rule_silent", dates=dates))
    for ceiling in rules.ceilings:
        parts = [ceiling.hours, " ".join(names[day - 1] for day in ceiling.days)]
        parts.append(console.phrase("rule_ceiling", volume=ceiling.volume))
        lines.append(" · ".join(part for part in (*parts, _zones(ceiling.zones)) if part))
    if rules.languages:
        languages = ", ".join(name_of(one, console.lang) for one in rules.languages)
        lines.append(console.phrase("rule_languages", languages=languages))
    return lines


def _zones(selector: ZoneSelector | None) -> str:
    return "" if selector is None else ", ".join((*selector.names, *selector.tags))


def _show_station(console: Console, one: RegulationDraft) -> None:
    console.say("regulation_goes_to", station=one.station.name, revision=one.draft.revision)
    if not one.draft.asked_broker:
        console.say("not_asked", sign="note")
    if not one.kept_back:
        console.say("regulation_keeps_none", sign="ok", indent=2)
        return
    console.say("regulation_keeps", sign="note", indent=2, count=len(one.kept_back))
    for kept in one.kept_back[:KEPT_SHOWN_MAX]:
        console.line(f"    {_kept(console, kept)}")
    if len(one.kept_back) > KEPT_SHOWN_MAX:
        console.say("and_more", indent=4, count=len(one.kept_back) - KEPT_SHOWN_MAX)


def _kept(console: Console, kept: KeptBack) -> str:
    why = OCCURRENCE[kept.reason].text(console.lang)
    cut = "" if kept.from_start else f" ({console.phrase('rule_cut')})"
    when = shown_start(kept.first, console.lang)
    return f"{when} {kept.entry.title}: {why}{cut} · {', '.join(kept.zones)}"


def _as_json(one: RegulationDraft) -> dict[str, object]:
    return {
        "station": one.station.id,
        "revision": one.draft.revision,
        "regulation": one.commune.regulation,
        "approvals": one.commune.approvals,
        "approver_differs": one.commune.approver_differs,
        "kept_back": [
            {
                "entry": kept.entry.id,
                "first": kept.first.isoformat(),
                "reason": kept.reason,
                "rule": kept.rule,
                "zones": kept.zones,
                "whole": kept.from_start,
            }
            for kept in one.kept_back
        ],
    }
