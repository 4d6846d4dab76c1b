"""No screen shows a code: whatever the agent can answer is said in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from agent.cli.columns import clean
from agent.cli.screens.alarms import render_alarms
from agent.cli.screens.journal import render_journal
from agent.cli.screens.link import render_link
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status
from agent.cli.screens.zones import render_zones
from agent.cli.session import refusal
from agent.cli.texts import Lang
from agent.contract.details import LinkDetails, ModemDetails
from agent.contract.documents import Action, SignedKind
from agent.contract.reasons import AckReason, AlarmCode, LinkFault, OccurrenceReason
from agent.contract.reports import (
    AlarmEvent,
    AsRun,
    Audit,
    Body,
    DocumentReceipt,
    Refusal,
    SourceReceipt,
    WarningReport,
)
from agent.core.backoff import Cause
from agent.core.events import (
    ControllerSeen,
    ControllerState,
    LinkChanged,
    ModemState,
    Registration,
    SourceApiState,
    ZoneSeen,
)
from agent.core.requests import (
    AlarmsView,
    AlarmView,
    JournalLine,
    JournalView,
    PlanView,
    Refused,
    StatusView,
    ZonesView,
    ZoneView,
)
from agent.core.words import (
    AUDIT,
    AUDITED,
    CONTROLLER,
    LINK,
    MODEM_STATE,
    PLAYER,
    REGISTRATION,
    SOURCE_API,
    UNHEARD,
)
from tests.unit.cli import views

WIDE = 400
both_languages = pytest.mark.parametrize("lang", ["vi", "en"])
replace = msgspec.structs.replace


def values(kind: type, field: str) -> tuple[str, ...]:
    """What a field of closed values may hold."""
    return get_args(get_type_hints(kind)[field])


def is_a_code(value: str, lang: Lang) -> bool:
    """In Vietnamese no English word is a text; in English those of one word are."""
    return "_" in value or (lang == "vi" and value.isascii() and value != "")


def unsaid(lines: list[str], codes: tuple[str, ...], lang: Lang) -> list[str]:
    """Those of `codes` that stand in the lines as they are."""
    words = {word.strip(".,:;()·") for line in lines for word in clean(line).split()}
    return [code for code in codes if is_a_code(code, lang) and code in words]


def alarm_details() -> Iterator[tuple[AlarmCode, str]]:
    """What the station itself says of each alarm."""
    yield from ((AlarmCode.CONTROLLER_LOST, one) for one in get_args(ControllerState))
    yield from ((AlarmCode.SOURCE_UNREACHABLE, one) for one in get_args(Cause))
    yield from ((AlarmCode.SOURCE_UNREACHABLE, one.value) for one in LinkFault)
    yield from ((AlarmCode.SIM_FAULT, one.value) for one in LinkFault)
    yield from ((AlarmCode.SOURCE_API, one) for one in get_args(SourceApiState))
    yield from ((AlarmCode.SOUND_SILENT, one) for one in UNHEARD)
    yield from ((AlarmCode.NO_SOUND, one) for one in values(StatusView, "player"))
    yield from ((AlarmCode.ZONE_NOT_CONFIRMED, one.value) for one in OccurrenceReason)
    yield from ((one, "") for one in AlarmCode)


def test_the_tables_hold_every_code_of_their_types() -> None:
    assert set(LINK) == set(values(LinkChanged, "cause"))
    assert set(CONTROLLER) == set(values(ControllerSeen, "state"))
    assert set(PLAYER) == set(values(StatusView, "player"))
    assert set(SOURCE_API) == set(get_args(SourceApiState))
    assert set(AUDIT) == AUDITED
    assert set(MODEM_STATE) == set(get_args(ModemState))
    assert set(REGISTRATION) == set(get_args(Registration))
    for words in (*LINK.values(), *CONTROLLER.values(), *PLAYER.values(), *AUDIT.values()):
        assert all(text.strip() == text != "" for text in words)


@both_languages
@pytest.mark.parametrize(("code", "detail"), tuple(alarm_details()))
def test_an_alarm_and_its_cause_are_said_in_words(code: AlarmCode, detail: str, lang: Lang) -> None:
    alarm = AlarmView(code, "Đông", views.NOW_MS, 1, detail)
    shown = render_alarms(AlarmsView(views.NOW_MS, views.TZ, (alarm,)), lang, WIDE)
    status = render_status(replace(views.WELL, alarms=(alarm,)), lang, WIDE)
    event = AlarmEvent(
        code=code, subject="Đông", state="raised", episode=1, since_ms=0, detail=detail
    )
    noted = replace(event, state="acknowledged", by="hoa")
    told = journal(lang, event, noted, replace(event, state="cleared"))
    assert unsaid([*shown, *status, *told], (code.value, detail), lang) == []
    assert sum("  → " in line for line in shown) == 1


@both_languages
@pytest.mark.parametrize("fault", [None, *LinkFault])
@pytest.mark.parametrize("state", get_args(ModemState))
def test_the_link_screen_says_no_code(state: str, fault: LinkFault | None, lang: Lang) -> None:
    for registration in get_args(Registration):
        modem = ModemDetails(state=state, registration=registration)
        link = LinkDetails(kind="modem", interface="wwan0", modem=modem, last_fault=fault)
        link = replace(link, last_fault_ms=views.NOW_MS)
        view = replace(views.LINK_LOST, fault=fault, link=link)
        lines = render_link(view, lang, WIDE)
        assert unsaid(lines, (state, registration, str(fault)), lang) == []


def journal(lang: Lang, *bodies: Body) -> list[str]:
    lines = (
        JournalLine(number, views.NOW_MS, msgspec.Raw(msgspec.json.encode(body)))
        for number, body in enumerate(bodies)
    )
    return render_journal(JournalView(views.NOW_MS, views.TZ, 0, tuple(lines)), lang, WIDE)


@both_languages
@pytest.mark.parametrize("what", sorted(AUDITED))
def test_an_audit_line_is_said_in_words_with_its_result(what: str, lang: Lang) -> None:
    done = Audit(what=what, by="hoa", detail="Đông: 60", result="done")
    results = [replace(done, result=one.value) for one in AckReason]
    by_itself = [replace(done, by=one, result="") for one in ("station", "clock")]
    lines = journal(lang, done, *results, *by_itself)
    codes = (what, "done", "station", "clock", *(one.value for one in AckReason))
    assert unsaid(lines, codes, lang) == []
    assert any("hoa" in line and "Đông: 60" in line for line in lines)


@both_languages
def test_a_person_whose_pin_was_right_is_told_apart_from_a_login(lang: Lang) -> None:
    person = Audit(what="local_stop", by="Nguyễn Văn Hòa", detail="Đông", result="done")
    known, login = journal(lang, person, replace(person, means="pin"))[-2:]
    word = "PIN" if lang == "en" else "mã PIN"
    assert f"Nguyễn Văn Hòa ({word})" in known
    assert word not in login


def test_every_command_from_above_has_an_audit_text() -> None:
    for action in get_args(Action):
        assert f"command_{action.__name__}" in AUDIT


@both_languages
def test_an_applied_document_is_named_in_the_readers_language(lang: Lang) -> None:
    details = ("schedule g/vung revision 3", "warnings s/x revision 1", "trust s/x revision 2")
    audits = [Audit(what="document_applied", by="huyen", detail=one) for one in details]
    lines = journal(lang, *audits)
    assert unsaid(lines, ("schedule", "warnings", "revision", "document_applied"), "vi") == (
        [] if lang == "vi" else ["revision"]
    )


@both_languages
@pytest.mark.parametrize("state", values(DocumentReceipt, "state"))
def test_what_became_of_a_document_is_said_in_words(state: Any, lang: Lang) -> None:
    receipts = [
        DocumentReceipt(
            state=state, document=one, authority="huyen", audience="s/x", digest="0", revision=3
        )
        for one in ("trust", "schedule", "content", "warning")
    ]
    refused = [replace(receipts[0], reason=one) for one in AckReason]
    lines = journal(lang, *receipts, *refused)
    codes = ("trust", "schedule", "content", "warning", state, *(one.value for one in AckReason))
    assert unsaid(lines, codes, lang) == []
    assert sum("huyen" in line for line in lines) == len(receipts) + len(refused)


@both_languages
@pytest.mark.parametrize("what", values(SourceReceipt, "what"))
def test_what_the_source_system_is_told_back_is_said_in_words(what: Any, lang: Lang) -> None:
    taken = SourceReceipt(what=what, state="applied", schedule="LP7", title="Lịch tuần 48")
    refused = [replace(taken, state="refused", reason=one) for one in AckReason]
    lines = journal(lang, taken, *refused)
    codes = (f"source_{what}", "applied", "refused", *(one.value for one in AckReason))
    assert unsaid(lines, codes, lang) == []
    assert sum("LP7 Lịch tuần 48" in line for line in lines) == 1 + len(refused)


@both_languages
@pytest.mark.parametrize("reason", OccurrenceReason)
def test_why_something_does_not_play_is_said_in_words(reason: OccurrenceReason, lang: Lang) -> None:
    item = replace(views.COMMUNE, problem=reason.value)
    view = PlanView(views.NOW_MS, views.TZ, (item,))
    outcomes = [
        replace(views.PLAYED, outcome=outcome, confirmed=confirmed, reason=reason)
        for outcome in values(AsRun, "outcome")
        for confirmed in values(AsRun, "confirmed")
    ]
    lines = [*render_plan(view, lang, WIDE), *journal(lang, *outcomes)]
    codes = (reason.value, *values(AsRun, "outcome"), *values(AsRun, "confirmed"))
    assert unsaid(lines, codes, lang) == []


@both_languages
@pytest.mark.parametrize("reason", AckReason)
def test_a_refusal_is_said_in_words(reason: AckReason, lang: Lang) -> None:
    finding = refusal(Refused(reason.value), lang)
    told = tuple(
        Refusal(kind=kind, digest="00", reason=reason, detail="", at_ms=0, revision=3)
        for kind in get_args(SignedKind)
        if kind != "cursor"
    )
    lines = [finding.text, finding.next]
    lines += render_status(replace(views.WELL, refusals=told), lang, WIDE)
    assert finding.next
    assert unsaid(lines, (reason.value, *get_args(SignedKind)), lang) == []


@both_languages
def test_every_state_of_a_zone_is_said_in_words(lang: Lang) -> None:
    fields = ("controller_state", "line", "power", "lease", "confirmed", "volume_source")
    possible: dict[str, tuple[str, ...]] = {
        "controller_state": values(ControllerSeen, "state"),
        "line": values(ZoneSeen, "line"),
        "power": values(ControllerSeen, "power"),
        "lease": values(ControllerSeen, "lease"),
        "confirmed": values(ZoneView, "confirmed"),
        "volume_source": values(ZoneView, "volume_source"),
    }
    changes: list[dict[str, Any]] = [{field: one} for field in fields for one in possible[field]]
    zones = tuple(replace(views.EAST, **change) for change in changes)
    lines = render_zones(ZonesView(views.NOW_MS, zones), lang, WIDE)
    assert unsaid(lines, tuple(code for one in possible.values() for code in one), lang) == []


@both_languages
def test_every_state_of_a_warning_is_said_in_words(lang: Lang) -> None:
    states = values(WarningReport, "state")
    bodies = [
        msgspec.convert(
            {"kind": "warning", "id": "kc-1", "revision": 1, "state": one}, WarningReport
        )
        for one in states
    ]
    assert unsaid(journal(lang, *bodies), states, lang) == []


@both_languages
def test_a_code_of_a_later_version_is_shown_as_it_came(lang: Lang) -> None:
    alarm = AlarmView(AlarmCode.NO_SOUND, "", views.NOW_MS, 1, "of_a_later_version")
    lines = render_alarms(AlarmsView(views.NOW_MS, views.TZ, (alarm,)), lang, WIDE)
    lines += journal(lang, Audit(what="later_act", by="hoa", result="later_reason"))
    text = " ".join(lines)
    assert all(code in text for code in ("of_a_later_version", "later_act", "later_reason"))
