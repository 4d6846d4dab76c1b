"""What somebody does at the box is done, and the journal keeps who asked and what came of it."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from agent.contract.documents import SetVolume, When
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import Audit, Event
from agent.core import requests as asked
from agent.core.backoff import Cause
from agent.core.doctor import examine
from agent.core.effects import Append
from agent.core.events import ControllerSeen, ControllerState, Now, ZoneSeen
from agent.core.station import Station
from simulator.world.signing import AUTHORITY
from tests.scenario.village import DAY, EVERYWHERE, Village, entry


def audits(village: Village, by: str = "cán bộ") -> list[tuple[str, str, str]]:
    """(what, detail, result) of each act by `by`, oldest first."""
    records = (
        msgspec.json.decode(save.body, type=Event).body
        for *_, batch in village.trace.kept
        if batch is not None
        for save in batch.saves
        if isinstance(save, Append)
    )
    return [
        (one.what, one.detail, one.result)
        for one in records
        if isinstance(one, Audit) and one.by == by
    ]


REQUESTS: list[tuple[Any, tuple[str, str, str]]] = [
    (asked.VolumeRequest(("dong",), 40), ("local_volume", "dong: 40", "done")),
    (asked.VolumeRequest((), None), ("local_volume", "dong, trung, doai: auto", "done")),
    (asked.VolumeRequest(("ben",), 40), ("local_volume", "ben: 40", "unknown_zone")),
    (asked.TestToneRequest(("doai",), 1_500), ("local_test_tone", "doai: 1.5 s", "done")),
    (asked.HoldRequest(AUTHORITY, "tin"), ("local_hold", f"{AUTHORITY}/tin", "done")),
    (
        asked.HoldRequest(AUTHORITY, "tin", held=False),
        ("local_release", f"{AUTHORITY}/tin", "done"),
    ),
    (asked.OrderRequest(AUTHORITY, "tin", -2), ("local_order", f"{AUTHORITY}/tin: -2", "done")),
    (
        asked.SkipRequest("xa", "none", f"{DAY}T05:00:00"),
        ("local_skip", f"xa/none {DAY}T05:00:00", "unknown_entry"),
    ),
]


@pytest.mark.parametrize(("request_made", "kept"), REQUESTS)
def test_what_is_done_at_the_box_is_kept_with_who_what_and_result(
    request_made: Any, kept: tuple[str, str, str]
) -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    village.ask(request_made)
    assert audits(village) == [kept]


def test_a_test_tone_refused_because_something_is_on_air_is_kept_too() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 120)
    village.until("05:01")
    village.ask(asked.TestToneRequest(("dong",)))
    assert audits(village) == [("local_test_tone", "dong: 3 s", "busy")]


@pytest.mark.parametrize(
    "look",
    [asked.StatusRequest(), asked.PlanRequest(), asked.ZonesRequest(), asked.DoctorRequest()],
)
def test_looking_leaves_no_trace(look: Any) -> None:
    village = Village()
    village.ask(look)
    assert audits(village) == []


def test_a_command_from_above_is_kept_with_its_result() -> None:
    village = Village()
    village.command(SetVolume(zones=EVERYWHERE, volume=30))
    kept = ("command_SetVolume", "30: dong, trung, doai", "done")
    assert audits(village, "kỹ sư") == [kept]


def test_a_record_of_an_earlier_version_and_one_of_a_later_both_load() -> None:
    earlier = b'{"kind":"audit","what":"document_applied","by":"xa"}'
    later = b'{"kind":"audit","what":"x","by":"hoa","result":"done","room":"3"}'
    assert msgspec.json.decode(earlier, type=Audit).result == ""
    assert msgspec.json.decode(later, type=Audit).result == "done"


# --- the doctor ----------------------------------------------------------------------------


def station_of(village: Village) -> Station:
    assert village.box.life is not None
    return village.box.life.station


def details(village: Village, name: str) -> tuple[str, ...]:
    found = examine(station_of(village), Now(village.clock.now_ms, village.wall_ms()))
    [check] = [one for one in found if one.name == name]
    assert check.verdict == "fault"
    assert all(text for text in check.next)
    return (*check.detail, *check.next)


@pytest.mark.parametrize("cause", get_args(Cause))
def test_the_doctor_says_in_words_why_the_source_system_is_not_reached(cause: Cause) -> None:
    village = Village()
    uplink = station_of(village).uplink
    uplink.connected, uplink.cause = False, cause
    assert not any(cause in text for text in details(village, "broker"))


@pytest.mark.parametrize("state", [one for one in get_args(ControllerState) if one != "ready"])
def test_the_doctor_says_in_words_what_is_wrong_with_a_controller(state: ControllerState) -> None:
    village = Village()
    village.box.tell(ControllerSeen("c1", state))
    vi, en, *_ = details(village, "controller")
    assert vi.startswith("c1 ")
    assert "_" not in vi + en
    assert state not in vi


@pytest.mark.parametrize(
    ("rule", "verdict", "words", "endless"),
    [
        ("FREQ=DAILY", "ok", "the timetable has no end", True),
        ("FREQ=MONTHLY;COUNT=9", "ok", "planned for 245 days", False),
        ("FREQ=DAILY;COUNT=3", "warning", "the timetable ends in 2 days", False),
    ],
)
def test_the_end_of_the_timetable_is_said_however_far_it_is(
    rule: str, verdict: str, words: str, endless: bool
) -> None:
    village = Village()
    when = When(start=f"{DAY}T05:00:00", rrule=rule)
    village.timetable(msgspec.structs.replace(entry("tin", "05:00"), when=when))
    checks = {one.name: one for one in village.ask(asked.DoctorRequest()).checks}
    assert (checks["plan"].verdict, checks["plan"].detail[1]) == (verdict, words)
    assert village.ask(asked.StatusRequest()).schedule_endless == endless


def test_a_timetable_that_is_over_is_a_fault_with_its_next_step() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00", seconds=10))
    village.until("05:30")
    checks = {one.name: one for one in village.ask(asked.DoctorRequest()).checks}
    assert checks["plan"].verdict == "fault"
    assert checks["plan"].detail[1] == "the timetable ended 0 days ago"
    assert "districtctl push" in checks["plan"].next[0]
    assert village.ask(asked.StatusRequest()).schedule_ends_ms is not None


def test_the_doctor_says_in_words_what_is_wrong_with_a_zone() -> None:
    village = Village()
    zone = ZoneSeen("dong", gate=False, confirmed="no", line="open")
    village.box.tell(ControllerSeen("c1", "ready", (zone,)))
    vi, en, *_ = details(village, "zones")
    assert (vi, en) == ("dong: đường loa hở mạch", "dong: the loudspeaker line is open")


# --- what became of a tone -------------------------------------------------------------------


def tone(village: Village, *zones: str, length_ms: int = 2_000) -> str:
    answer = village.ask(asked.TestToneRequest(zones, length_ms))
    assert isinstance(answer, asked.Done)
    assert answer.entry
    return answer.entry


def became(village: Village, entry: str) -> asked.ToneView:
    view = village.ask(asked.ToneRequest(entry))
    assert isinstance(view, asked.ToneView)
    return view


def test_a_tone_is_only_taken_up_at_first_and_its_outcome_can_be_asked_for() -> None:
    village = Village()
    named = tone(village, "dong", "trung")
    assert became(village, named).state == "waiting"
    village.wait(2.5)
    assert became(village, named).state == "sounding"
    village.wait(6)
    view = became(village, named)
    assert view.state == "over"
    assert [(one.zone, one.outcome, one.confirmed) for one in view.zones] == [
        ("dong", "played", "yes"),
        ("trung", "played", "yes"),
    ]
    assert all(abs(one.played_ms - 2_000) < 200 for one in view.zones)


def test_a_tone_that_nobody_heard_is_told_with_the_reason() -> None:
    village = Village()
    village.mains(on=False)
    village.wait(5)
    named = tone(village, "dong")
    village.wait(10)
    view = became(village, named)
    assert view.state == "over"
    [had] = view.zones
    assert (had.outcome, had.reason, had.confirmed) == ("skipped", OccurrenceReason.NO_MAINS, "no")


def test_of_a_tone_from_before_the_restart_or_of_none_nothing_is_known() -> None:
    village = Village()
    assert became(village, "test-tone-9").state == "unknown"
    named = tone(village, "dong")
    village.kill(1)
    village.wait(20)
    assert became(village, named).state == "unknown"


def test_only_the_latest_tones_are_remembered() -> None:
    village = Village()
    first = tone(village, "dong", length_ms=100)
    for _ in range(20):
        village.wait(5)
        tone(village, "dong", length_ms=100)
    assert became(village, first).state == "unknown"
    assert village.box.life is not None
    assert len(village.box.life.station.settlement.unrecorded) <= 16
