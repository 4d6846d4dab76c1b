"""The journal names who decided at the station: the person whose PIN was right, else the login."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.contract.reports import Audit, Event
from agent.core import requests as asked
from agent.core.announcements import LETTERS_MAX
from agent.core.effects import Append
from agent.core.events import Requested
from simulator.world.signing import AUTHORITY
from tests.scenario.village import Village, entry

HOA = "Nguyễn Văn Hòa"


def tell(village: Village, body: Any, by: str = "", refused: Any = None) -> Any:
    """As the control socket tells it, after it made sure who asks, or not."""
    assert village.box.life is not None
    replies = village.box.life.replies
    before = len(replies)
    village.box.tell(Requested(7, "pi", body, by, refused))
    village.wait(0.5)
    assert len(replies) > before
    return replies[-1].body


def audits(village: Village) -> list[Audit]:
    bodies = (
        msgspec.json.decode(save.body, type=Event).body
        for *_, batch in village.trace.kept
        if batch is not None
        for save in batch.saves
        if isinstance(save, Append)
    )
    return [one for one in bodies if isinstance(one, Audit) and one.what.startswith("local_")]


ACTS: list[tuple[Any, str, str]] = [
    (asked.HoldRequest(AUTHORITY, "tin"), "local_hold", f"{AUTHORITY}/tin"),
    (asked.OrderRequest(AUTHORITY, "tin", -2), "local_order", f"{AUTHORITY}/tin: -2"),
    (asked.StopRequest(("dong",)), "local_stop", "dong"),
    (asked.QuietRequest(("dong",), 0), "local_quiet_end", "dong"),
    (asked.AnnounceRequest(("dong",), "Mời họp."), "local_announce", "dong: Mời họp."),
    (asked.PinNoteRequest("Lê Ba", ("approve",)), "local_pin_set", "Lê Ba: approve"),
    (asked.PinNoteRequest("Lê Ba"), "local_pin_remove", "Lê Ba"),
]


@pytest.mark.parametrize(("body", "what", "detail"), ACTS)
def test_an_act_in_the_name_of_a_person_is_kept_with_the_name_and_how_it_is_known(
    body: Any, what: str, detail: str
) -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    tell(village, body, by=HOA)
    [kept] = audits(village)
    assert (kept.what, kept.by, kept.means, kept.detail) == (what, HOA, "pin", detail)


def test_without_a_name_the_login_stands_there_and_nobody_was_made_sure_of() -> None:
    village = Village()
    tell(village, asked.StopRequest())
    [kept] = audits(village)
    assert (kept.by, kept.means, kept.result) == ("pi", None, "nothing_on_air")


@pytest.mark.parametrize(("body", "what", "detail"), ACTS)
def test_a_wrong_pin_changes_nothing_and_is_kept_with_whose_it_should_have_been(
    body: Any, what: str, detail: str
) -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    before = dict(village.box.life.station.facts.overrides) if village.box.life else {}
    refused = asked.Refused("wrong_pin", HOA, 4)
    assert tell(village, body, refused=refused) == refused
    [kept] = audits(village)
    assert (kept.what, kept.by, kept.means) == (what, "pi", None)
    assert (kept.detail, kept.result) == (f"{detail} · {HOA}", "wrong_pin")
    assert village.box.life is not None
    assert village.box.life.station.facts.overrides == before


def test_a_person_without_the_right_is_named_although_nothing_was_done() -> None:
    village = Village()
    refused = asked.Refused("no_right", "announce")
    tell(village, asked.AnnounceRequest((), "Mời họp."), by=HOA, refused=refused)
    [kept] = audits(village)
    assert (kept.by, kept.means, kept.result) == (HOA, "pin", "no_right")
    assert kept.detail.endswith("Mời họp.")


def test_an_announcement_stands_in_the_journal_word_for_word() -> None:
    village = Village()
    text = ("Mời bà con đi họp. " * 60)[: LETTERS_MAX - 1] + "!"
    assert isinstance(tell(village, asked.AnnounceRequest((), text), by=HOA), asked.Done)
    [kept] = audits(village)
    assert kept.detail == f"dong, trung, doai: {text}"


def test_an_announcement_is_in_the_plan_and_names_who_speaks() -> None:
    village = Village()
    tell(village, asked.AnnounceRequest(("dong",), "Mời bà con đi họp."), by=HOA)
    view = tell(village, asked.PlanRequest())
    status = tell(village, asked.StatusRequest())
    titles = [one.title for one in (*view.items, *status.on_air)]
    assert "Mời bà con đi họp." in titles
    assert audits(village)[0].by == HOA


@pytest.mark.parametrize(
    ("text", "code"), [("x" * (LETTERS_MAX + 1), "too_large"), ("  ", "malformed")]
)
def test_an_announcement_without_words_or_with_too_many_is_refused(text: str, code: str) -> None:
    village = Village()
    answer = tell(village, asked.AnnounceRequest((), text), by=HOA)
    assert isinstance(answer, asked.Refused)
    assert answer.code == code


def test_beside_a_warning_nothing_else_is_said() -> None:
    village = Village()
    village.warn(minutes=10)
    village.wait(5)
    answer = tell(village, asked.AnnounceRequest((), "Mời bà con đi họp."), by=HOA)
    assert isinstance(answer, asked.Refused)
    assert (answer.code, bool(answer.detail)) == ("emergency_on_air", True)
    [kept] = audits(village)
    assert (kept.by, kept.result) == (HOA, "emergency_on_air")
