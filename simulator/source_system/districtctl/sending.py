"""Subcommands that sign and send: push, publish, warn, cosign, command."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.contract.documents import (
    About,
    AckAlarm,
    Action,
    Diagnose,
    Reboot,
    ReplayEntry,
    Resend,
    SetLogLevel,
    SetVolume,
    SkipOccurrence,
    StopItem,
    TestTone,
    ZoneSelector,
)
from agent.contract.reasons import ACK
from agent.contract.topics import MESSAGE_MAX_BYTES
from agent.core.warnings import words_of
from simulator.source_system import warning_templates
from simulator.source_system.district import District, Draft, UntilSecondSignature, Warned
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.looking import open_alarms
from simulator.source_system.districtctl.moments import local, next_clock_ms, shown, start_of
from simulator.source_system.districtctl.phrases import mark
from simulator.source_system.empty_slots import AHEAD
from simulator.source_system.home import EVERYBODY
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery
from simulator.source_system.said import Said
from simulator.source_system.timetable.about import parse_email, parse_produced, parse_summary
from simulator.source_system.timetable.clock import spoken_ms
from simulator.source_system.timetable.findings import WORDINGS, Fault, tags_there_are
from simulator.source_system.timetable.languages import parse_language
from simulator.source_system.timetable.preview import AirsAgain, airs_again, next_starts
from simulator.source_system.timetable.preview import shown as shown_start
from simulator.source_system.timetable.words import clean, nearest, same, slug

NAMED_MAX = 8
SLOTS_SHOWN_MAX = 12


def audience(options: argparse.Namespace) -> str:
    """--to, --group or --all; everybody when none is given."""
    if options.to:
        return f"s/{options.to}"
    return f"g/{options.group or EVERYBODY}"


def _progress(console: Console) -> Callable[[Delivery], None]:
    def show(delivery: Delivery) -> None:
        done = len(delivery.receipts) - len(delivery.of("waiting"))
        console.line(f"  {mark('wait')} {done}/{len(delivery.receipts)}")

    return show


# --- push ----------------------------------------------------------------------------------


def push(district: District, console: Console, options: argparse.Namespace) -> Exit:
    to = audience(options)
    if options.rollback is not None:
        draft = district.draft_rollback(options.rollback, to=to, look_only=options.dry_run)
    elif options.file is None:
        raise DistrictError("argument", "push", "FILE | --rollback N")
    else:
        effective = start_of(options.effective) if options.effective else None
        try:
            draft = district.draft(
                options.file,
                to=to,
                made_from=options.base,
                effective_from=effective,
                allow_long=options.confirm_long,
                look_only=options.dry_run,
            )
        except OSError as error:
            raise DistrictError("file_unreadable", options.file, error.strerror or "") from error
    console.findings(draft.findings)
    _show_draft(district, console, draft, options.preview)
    if options.dry_run:
        console.say("dry_run")
        console.result(_draft_json(draft))
        return Exit.DONE
    console.say("sending", revision=draft.revision)
    delivery = district.send(draft, wait_s=options.wait, progress=_progress(console))
    code = console.delivery(delivery)
    if draft.made_from:
        console.say("rollback_hint", base=draft.made_from, to=_audience_option(to))
    console.result({"delivery": delivery, **_draft_json(draft)})
    return code


def _show_draft(district: District, console: Console, draft: Draft, preview: int) -> None:
    difference = draft.difference
    if not draft.made_from:
        console.say("diff_first", added=len(draft.entries))
    elif difference.empty:
        console.say("diff_none", base=draft.made_from)
    else:
        console.say(
            "diff",
            base=draft.made_from,
            added=len(difference.added),
            removed=len(difference.removed),
            changed=len(difference.changed),
        )
    for entry in difference.added if draft.made_from else ():
        console.line(f"  + {entry.title}")
    for entry in difference.removed:
        console.line(f"  − {entry.title}")
    for change in difference.changed:
        console.line(f"  ~ {change.after.title}: {', '.join(change.fields)}")
    for again in airing_again(district, draft):
        console.say(
            "airs_again",
            sign="note",
            title=again.entry.title,
            was=f"{again.was:%H:%M}",
            again=f"{again.again:%H:%M}",
        )
    _show_next(district, console, draft, preview)
    _show_size(console, draft)
    _show_empty_slots(console, draft)
    if draft.audience.startswith("g/"):
        own = [
            station.name
            for station in district.file.members(draft.audience)
            if district.ledger.latest(f"s/{station.id}", "schedule") is not None
        ]
        if own:
            console.say("also_own", sign="note", stations=", ".join(own[:5]))


def airing_again(district: District, draft: Draft) -> list[AirsAgain]:
    now = local(district.now_ms).replace(tzinfo=None)
    begin = dt.datetime.fromisoformat(draft.effective_from or "2000-01-01")
    moved = [one for one in draft.difference.changed if "when" in one.fields]
    return [again for one in moved for again in airs_again(one.before, one.after, now, begin)]


def _show_size(console: Console, draft: Draft) -> None:
    names = ", ".join(draft.stations[:NAMED_MAX])
    console.say(
        "goes_to",
        revision=draft.revision,
        entries=len(draft.entries),
        size=-(-draft.size_bytes // 1024),
        most=MESSAGE_MAX_BYTES // 1024,
        count=len(draft.stations),
        stations=names + (", …" if len(draft.stations) > NAMED_MAX else ""),
    )
    if not draft.asked_broker:
        console.say("not_asked", sign="note")
    if draft.newer:
        console.say("newer", sign="note", who=draft.newer)


def _show_empty_slots(console: Console, draft: Draft) -> None:
    if not draft.empty_slots:
        return
    console.say("empty_slots", sign="note", days=AHEAD.days)
    for one in draft.empty_slots[:SLOTS_SHOWN_MAX]:
        dates = ", ".join(f"{date[8:]}/{date[5:7]}" for date in one.dates)
        text = f"    {one.slot}: {dates or console.phrase('every_day')}"
        if len(one.stations) < len(draft.stations):
            text += f" ({', '.join(one.stations[:NAMED_MAX])})"
        console.line(text)
    if len(draft.empty_slots) > SLOTS_SHOWN_MAX:
        console.say("and_more", indent=4, count=len(draft.empty_slots) - SLOTS_SHOWN_MAX)
    first = draft.empty_slots[0]
    date = f" --date {first.dates[0]}" if first.dates else ""
    to = "--all" if draft.audience == f"g/{EVERYBODY}" else _audience_option(draft.audience)
    console.line(f"  → {console.phrase('publish_hint', slot=first.slot, date=date, to=to)}")


def _audience_option(audience: str) -> str:
    kind, _, name = audience.partition("/")
    return f"--to {name}" if kind == "s" else f"--group {name}"


def _show_next(district: District, console: Console, draft: Draft, preview: int) -> None:
    now = local(district.now_ms).replace(tzinfo=None)
    after = max(now, dt.datetime.fromisoformat(draft.effective_from or "2000-01-01"))
    console.line(console.phrase("next").upper())
    for entry in draft.entries:
        starts = next_starts(entry, after, preview)
        text = ", ".join(shown_start(start, console.lang) for start in starts)
        console.line(f"  {entry.title}: {text or console.phrase('never')}")


def _draft_json(draft: Draft) -> dict[str, object]:
    return {
        "audience": draft.audience,
        "revision": draft.revision,
        "made_from": draft.made_from,
        "stations": draft.stations,
        "entries": len(draft.entries),
        "size_bytes": draft.size_bytes,
        "size_max_bytes": MESSAGE_MAX_BYTES,
        "asked_broker": draft.asked_broker,
        "newer": draft.newer,
        "empty_slots": [
            {"slot": one.slot, "dates": one.dates, "stations": one.stations}
            for one in draft.empty_slots
        ],
        "findings": [one.as_json() for one in draft.findings],
        "added": [one.id for one in draft.difference.added],
        "removed": [one.id for one in draft.difference.removed],
        "changed": {one.after.id: list(one.fields) for one in draft.difference.changed},
    }


# --- publish -------------------------------------------------------------------------------


def publish(district: District, console: Console, options: argparse.Namespace) -> Exit:
    published = district.publish(
        options.file,
        slot=options.slot,
        date=options.date,
        title=options.title,
        author=options.author,
        about=_about(options),
        to=audience(options),
        wait_s=options.wait,
        progress=_progress(console),
    )
    binding, facts = published.binding, published.facts
    console.say(
        "published",
        sign="ok",
        slot=binding.slot,
        date=binding.date or "",
        length=spoken_ms(binding.duration_ms),
        size=binding.size // 1000,
        by=console.phrase("counted") if facts.measured_by == "sample count" else "ffprobe",
    )
    if published.replaced is not None:
        console.say("replaced", indent=2, old=published.replaced.sha256[:12])
    show_unwanted(district, console, binding.slot)
    code = console.delivery(published.delivery)
    console.result(published)
    return code


def _about(options: argparse.Namespace) -> About:
    """What is told of the file. Raises DistrictError, naming the option."""
    parsers = {"summary": parse_summary, "produced": parse_produced, "email": parse_email}
    told = {"pen_name": options.pen_name}
    for option, parse in parsers.items():
        try:
            told[option] = parse(clean(getattr(options, option)))
        except Fault as fault:
            wording = WORDINGS[fault.code]
            what = str(fault.what)
            said = Said(wording.vi.format(what=what), wording.en.format(what=what))
            raise DistrictError("argument", f"--{option}", said) from None
    return About(**told)


def show_unwanted(district: District, console: Console, slot: str) -> None:
    """A slip of the hand in a slot's name is silence on the day; nothing known: nothing said."""
    wanted = district.slots_wanted()
    if not wanted or slot in wanted:
        return
    console.say("slot_unwanted", sign="note", indent=2, slot=slot)
    meant = nearest(slot, sorted(wanted))
    if meant:
        console.say("slot_meant", indent=4, slot=meant)


# --- warn ----------------------------------------------------------------------------------


def warn(district: District, console: Console, options: argparse.Namespace) -> Exit:
    words: Sequence[str] = options.text
    if list(words) == ["list"]:
        return _list_warnings(district, console)
    if list(words) == ["templates"]:
        return _list_templates(console)
    if list(words) == ["cancel"]:
        raise DistrictError("cancel_which", "warn cancel")
    if len(words) == 2 and words[0] == "cancel":
        done = district.cancel(words[1], cosign=options.cosign, wait_s=options.wait)
        return _warned(console, done, "cancelled")
    to = audience(options)
    zones = zones_of(district, to, options.zones, options.tags)
    _show_reach(district, console, to, zones)
    slots = {
        name: value
        for name in ("place", "level", "time")
        if (value := getattr(options, f"slot_{name}")) is not None
    }
    if options.dry_run:
        text = " ".join(words)
        spoken = warning_templates.fill(options.template, slots) if options.template else text
        console.say("will_say", text=words_of(spoken, options.language, drill=options.drill))
        console.say("dry_run")
        return Exit.DONE
    done = district.warn(
        {options.language: " ".join(words)} if words else "",
        template=options.template,
        slots=slots,
        files=_recordings(options.recording),
        to=to,
        zones=zones,
        until_ms=next_clock_ms(options.until, district.now_ms) if options.until else None,
        repeat_every_ms=options.repeat * 60_000,
        level=options.severity,
        siren=not options.no_siren,
        drill=options.drill,
        cosign=options.cosign,
        wait_s=options.wait,
        progress=_progress(console),
    )
    return _warned(console, done, "warned")


def _list_templates(console: Console) -> Exit:
    """Each agreed text with what is to be filled in."""
    for name, one in sorted(warning_templates.TEMPLATES.items()):
        options = " ".join(f"--{slot}" for slot in warning_templates.slots_of(name))
        console.line(f"{name}  {one.title}  {options}")
        console.line(f"    {one.vi if console.lang == 'vi' else one.en}")
    for slot, (vi, en) in warning_templates.SLOTS.items():
        console.line(f"--{slot}: {vi if console.lang == 'vi' else en}")
    names = sorted(warning_templates.TEMPLATES)
    console.result({name: list(warning_templates.slots_of(name)) for name in names})
    return Exit.DONE


def _recordings(words: Sequence[str]) -> dict[str, str]:
    """`tày=canh-bao-tay`: language → slot. Raises DistrictError."""
    found: dict[str, str] = {}
    for word in words:
        language, equals, slot = word.partition("=")
        try:
            found[parse_language(language)] = slot.strip()
        except Fault as fault:
            wording = WORDINGS[fault.code]
            raise DistrictError("argument", word, Said(wording.vi, wording.en)) from None
        if not equals or not slot.strip():
            raise DistrictError("argument", word, "tày=SLOT")
    return found


def cosign(district: District, console: Console, options: argparse.Namespace) -> Exit:
    given = Path(options.pending)
    pending = given if given.exists() else options.pending
    done = district.cosign(pending, options.key, wait_s=options.wait, progress=_progress(console))
    return _warned(console, done, "warned")


def _warned(console: Console, done: Warned | UntilSecondSignature, key: str) -> Exit:
    console.say("will_say", text=done.text)
    console.result(done)
    if isinstance(done, UntilSecondSignature):
        console.say("second_needed", sign="bad")
        console.line("  → " + console.phrase("second_hint", id=done.id))
        console.line(f"  {done.path}")
        return Exit.SECOND_SIGNATURE
    console.say(key, sign="ok", id=done.id)
    code = console.delivery(done.delivery)
    if key == "warned":
        console.say("cancel_hint", id=done.id)
    return code


def _list_warnings(district: District, console: Console) -> Exit:
    found = {
        push.audience: district.active_warnings(push.audience)
        for push in district.ledger.current()
        if push.kind == "warning"
    }
    standing = [(to, one) for to, several in found.items() for one in several if not one.cancelled]
    for to, one in standing:
        until = console.phrase("until", when=shown(one.valid_until_ms))
        console.line(f"{one.id} {to} {one.title} {until}")
    if not standing:
        console.say("no_warnings")
    console.result(found)
    return Exit.DONE


def _show_reach(district: District, console: Console, to: str, zones: ZoneSelector) -> None:
    members = district.file.members(to)
    reached = [
        zone
        for station in members
        for zone in station.zone
        if zones.all or zone.name in zones.names or set(zone.tags) & set(zones.tags)
    ]
    console.say("reaches", stations=len(members), zones=len(reached))


def zones_of(district: District, to: str, names: str | None, tags: str | None) -> ZoneSelector:
    """Names are checked against the zones of everyone it goes to. Raises DistrictError."""
    if not names and not tags:
        return ZoneSelector(all=True)
    known = {same(name): name for one in district.file.members(to) for name in one.zone_names}
    found = []
    for part in re.split(r"[;,]", names or ""):
        if not clean(part):
            continue
        if same(part) not in known:
            guess = nearest(part, known.values())
            meant = Said(f"ý bạn “{guess}”?", f"did you mean “{guess}”?")
            raise DistrictError("zone_unknown", f"“{clean(part)}”", meant if guess else "")
        found.append(known[same(part)])
    wanted = tuple(slug(tag) for tag in re.split(r"[;, ]", tags or "") if slug(tag))
    here, elsewhere = district.file.tags(to)
    for tag in wanted:
        if tag not in here:
            guess = nearest(tag, sorted(here))
            meant = Said(f"ý bạn “{guess}”?", f"did you mean “{guess}”?")
            there_are = Said(
                *(said.removeprefix("; ") for said in tags_there_are(here | elsewhere))
            )
            raise DistrictError("tag_unknown", f"“{tag}”", meant if guess else there_are)
    return ZoneSelector(names=tuple(found), tags=wanted)


# --- command -------------------------------------------------------------------------------


def command(district: District, console: Console, options: argparse.Namespace) -> Exit:
    to = options.station if options.station.startswith("g/") else f"s/{options.station}"
    zones = zones_of(district, to, options.zones, None)
    if options.action == "ack-alarm":
        action: Action = _note_of(district, options.station, options.value)
    else:
        action = _action(options.action, options.value, zones)
    sent = district.command(to, action, wait_s=options.wait)
    console.say("command_sent", sign="ok", id=sent.id)
    refused = False
    for station in sent.stations:
        ack = sent.acks.get(station)
        if ack is None:
            console.line(f"  {mark('wait')} {station}: {console.phrase('no_answer')}")
            continue
        refused |= ack.state in ("rejected", "failed", "expired")
        reason = ""
        if ack.reason is not None:
            meaning = ACK[ack.reason]
            reason = f": {meaning.text(console.lang)} → {meaning.next(console.lang)}"
        sign = mark("bad" if ack.state in ("rejected", "failed", "expired") else "ok")
        state: str = ack.state
        if options.action == "test-tone" and ack.state == "done":  # the order was, not the tone
            sign, state = mark("wait"), console.phrase("tone_taken_up")
        console.line(f"  {sign} {station}: {state}{reason} {ack.detail}".rstrip())
    console.result(sent)
    return Exit.REFUSED if refused else Exit.DONE


def _note_of(district: District, station: str, values: Sequence[str]) -> Action:
    """The open alarm that is meant, in the episode that was told. Raises DistrictError."""
    alarms = open_alarms(district, station)
    found = [one for one in alarms if [one.code] == [*values[:1]]]
    subject = " ".join(values[1:])
    if subject or len(found) > 1:
        found = [one for one in found if one.subject == subject]
    if len(found) != 1:
        known = ", ".join(f"{one.code} {one.subject}".strip() for one in alarms)
        raise DistrictError("no_such_alarm", " ".join(values) or station, known or "–")
    return AckAlarm(code=found[0].code, subject=found[0].subject, episode=found[0].episode)


def _action(name: str, values: Sequence[str], zones: ZoneSelector) -> Action:
    """Raises DistrictError for values that do not fit."""
    try:
        return _parsed_action(name, values, zones)
    except (IndexError, ValueError) as error:
        raise DistrictError("argument", f"command … {name}", " ".join(values)) from error


def _parsed_action(name: str, values: Sequence[str], zones: ZoneSelector) -> Action:
    match name:
        case "volume":
            volume = int(values[0])
            if not 0 <= volume <= 100:
                raise ValueError(volume)
            return SetVolume(zones=zones, volume=volume)
        case "stop":
            return StopItem(zones=zones)
        case "skip":
            return SkipOccurrence(entry=values[0], nominal=start_of(values[1]))
        case "test-tone":
            length_ms = int(values[0]) * 1000 if values else 3_000
            return TestTone(zones=zones, length_ms=min(max(length_ms, 100), 60_000))
        case "replay":
            return ReplayEntry(entry=values[0])
        case "resend":
            return Resend(from_seq=int(values[0]))
        case "log":
            return SetLogLevel(level="debug" if values[0] == "debug" else "info")
        case "reboot":
            return Reboot()
        case _:
            return Diagnose()
