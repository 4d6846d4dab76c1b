"""What the station writes down: a receipt for every document, chained and signed with its key."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from agent.contract.documents import Regulation, Settings, ZoneSelector
from agent.contract.reasons import AckReason
from agent.contract.reports import AirStart, AsRun, Checkpoint, DocumentReceipt, Event
from agent.contract.topics import audience_down
from agent.core.events import HousekeepingDue, Leaving
from agent.core.requests import StatusRequest
from simulator.source_system.chain_check import Place, Row, Walk
from simulator.world import signing
from tests.scenario.village import HOME, STATION, Village, entry


@pytest.fixture
def village() -> Iterator[Village]:
    village = Village()
    yield village
    assert_sound(village)


def records(village: Village) -> list[tuple[Event, bytes]]:
    """What the source system has, in order."""
    held = village.broker.collector.events[STATION]
    return [(msgspec.json.decode(raw, type=Event), raw) for _, raw in sorted(held.items())]


def walked(village: Village) -> Walk:
    key = signing.signer_of(STATION).public.hex()
    place = Place(STATION, village.box.installation, "main")
    walk = Walk(place, signing.verify, lambda one: one == key)
    for event, raw in records(village):
        kind = str(event.body.__struct_config__.tag)
        walk.take(Row(event.seq, event.at_ms, kind, raw))
    return walk


def assert_sound(village: Village) -> None:
    village.wait(60)
    walk = walked(village)
    assert walk.findings == []
    assert len(walk.runs) == 1
    assert walk.checkpoints >= 1


def receipts(village: Village, document: str = "schedule") -> list[DocumentReceipt]:
    village.wait(60)
    bodies = [event.body for event, _ in records(village)]
    return [one for one in bodies if isinstance(one, DocumentReceipt) and one.document == document]


def test_each_revision_leaves_one_receipt_with_what_changed(village: Village) -> None:
    first = village.timetable(entry("tin", "05:00"), entry("nhac", "05:30"))
    second = village.timetable(entry("tin", "05:10"), entry("moi", "06:00"))
    third = village.timetable()
    told = [
        (one.state, one.revision, one.before, one.entries, one.added, one.changed, one.removed)
        for one in receipts(village)
    ]
    assert told == [
        ("applied", first.revision, None, 2, 2, 0, 0),
        ("changed", second.revision, first.revision, 2, 1, 1, 1),
        ("deleted", third.revision, second.revision, 0, 0, 0, 2),
    ]


def test_a_changed_regulation_is_named_in_the_receipt_and_an_unchanged_one_is_not(
    village: Village,
) -> None:
    rules = Regulation(title="Quy chế đài xã", document_number="05/QĐ-UBND")
    line = entry("tin", "05:00")
    village.timetable(line)
    village.timetable(line, settings=Settings(regulation=rules))
    village.timetable(entry("tin", "05:10"), settings=Settings(regulation=rules))
    village.timetable(line, settings=Settings(regulation=rules, approvals=()))
    village.timetable(line, settings=Settings(volume=60))
    named = "Quy chế đài xã, 05/QĐ-UBND"
    assert [one.regulation for one in receipts(village)] == ["", named, "", named, "?"]


def test_a_receipt_says_who_signed_and_names_the_document_by_its_digest(village: Village) -> None:
    schedule = village.timetable(entry("tin", "05:00"))
    (receipt,) = receipts(village)
    assert (receipt.authority, receipt.audience) == (schedule.authority, HOME)
    assert receipt.signers == (signing.OFFICE.keyid,)
    assert receipt.by == "office"
    assert receipt.digest in village.office.digests
    assert village.office.digests[receipt.digest] == schedule


def test_files_that_were_bound_leave_a_receipt_too(village: Village) -> None:
    village.publish("tin", 30)
    village.publish("nhac", 30)
    told = [(one.state, one.entries, one.added) for one in receipts(village, "content")]
    assert told == [("applied", 1, 1), ("changed", 2, 1)]


def test_a_refusal_is_recorded_once_however_often_the_document_comes(village: Village) -> None:
    village.timetable(entry("tin", "05:00"))
    own = msgspec.structs.replace(
        village.timetable(entry("tin", "05:00")),
        audience=f"s/{STATION}",
        entries=(entry("xa", "05:20", zones=ZoneSelector(names=("thôn Xa",))),),
    )
    for _ in range(2):
        village.office.publish(own)
        village.wait(2)
    village.power_cut(20)
    village.wait(120)
    village.office.publish(own)
    refused = [one for one in receipts(village) if one.state == "refused"]
    assert [(one.reason, one.audience, one.revision) for one in refused] == [
        (AckReason.UNKNOWN_ZONE, f"s/{STATION}", own.revision)
    ]
    assert "thôn Xa" in refused[0].detail


def test_records_survive_power_cuts_and_kills_in_one_chain(village: Village) -> None:
    for number in range(6):
        village.timetable(entry("tin", f"05:{10 + number}"))
        village.power_cut(3) if number % 2 else village.kill(2)
        village.wait(40)
    assert [one.before for one in receipts(village)] == [None, 1, 2, 3, 4, 5]


def test_the_night_and_leaving_sign_what_is_new_and_nothing_twice(village: Village) -> None:
    def signed() -> list[int]:
        village.wait(60)
        return [one.body.through for one, _ in records(village) if isinstance(one.body, Checkpoint)]

    before = signed()
    village.timetable(entry("tin", "05:00"))
    village.box.tell(HousekeepingDue())
    at_night = signed()
    assert len(at_night) == len(before) + 1
    village.box.tell(HousekeepingDue())
    assert signed() == at_night
    village.timetable(entry("tin", "05:20"))
    village.box.tell(Leaving())
    village.wait(1)
    village.kill(2)
    assert len(signed()) == len(at_night) + 1


def test_a_hundred_records_are_signed_without_waiting_for_the_night(village: Village) -> None:
    first = len(records(village))
    for number in range(110):
        village.timetable(entry("tin", f"{6 + number // 60:02d}:{number % 60:02d}"))
    walk = walked(village)
    assert walk.runs[0].signed_through >= first + 90


def test_an_item_leaves_a_start_and_an_end_that_say_the_same_of_it(village: Village) -> None:
    """Across a power cut in the middle: one start for the occurrence, one end for each zone."""
    village.timetable(
        entry(
            "tin",
            "05:00",
            title="Bản tin sáng",
            author="Lê Thị Hoa",
            approver="Trần Văn Bình",
            document_number="12/QĐ-UBND",
            field="Thông tin chung",
            volume=60,
        )
    )
    village.publish("tin", 120)
    village.until("05:00:40")
    village.power_cut(15)
    village.until("05:05")
    bodies = [event.body for event, _ in records(village)]
    (start,) = [one for one in bodies if isinstance(one, AirStart)]
    ends = [one for one in bodies if isinstance(one, AsRun)]
    assert sorted(one.zone for one in ends) == sorted(start.zones) == ["doai", "dong", "trung"]
    for end in ends:
        for name in SAID_TWICE:
            assert getattr(start, name) == getattr(end, name), name
    assert start.title == "Bản tin sáng"
    assert (start.volume, start.source[:5]) == (60, "file:")
    (event,) = [
        event for event, _ in records(village) if event.body is start or event.body == start
    ]
    first_ms = min(one.from_ms for end in ends for one in end.segments)
    assert 0 <= event.at_ms - first_ms < 1_000


SAID_TWICE = (
    "occurrence",
    "title",
    "klass",
    "planned_start_ms",
    "planned_duration_ms",
    "author",
    "approver",
    "approved_by",
    "approval",
    "document_number",
    "field",
    "language",
    "source",
    "volume",
    "revision",
)


def test_a_good_timetable_ends_what_is_told_of_one_that_could_not_be_read(
    village: Village,
) -> None:
    topic = audience_down(HOME, "schedule")
    village.broker.publish_down(topic, b"{}", retain=False)
    village.wait(2)
    assert [one.kind for one in village.ask(StatusRequest()).refusals] == ["schedule"]
    village.timetable(entry("tin", "05:30"))
    assert village.ask(StatusRequest()).refusals == ()
