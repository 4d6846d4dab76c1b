"""What authorities ask of a bulletin beyond its title: summary, production, pen name, e-mail."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from agent.contract.documents import About, Binding, Entry
from agent.contract.reports import AirStart, AsRun, Event
from agent.core.facts import SourceItem
from agent.core.lineup import Provenance, about_of
from agent.core.programme import Sound
from tests.scenario.test_source_desk import House
from tests.scenario.village import HOME, STATION, Village, entry

OF_ENTRY = About(summary="Bản tin hằng ngày", produced="2026-01-01", pen_name="Ban biên tập")
OF_FILE = About(
    summary="Lịch tiêm chủng tháng ba ở trạm y tế xã",
    produced="2026-03-01T16:20:00",
    pen_name="Bình Minh",
    email="binh@xamau.example",
)
T = TypeVar("T")


def bodies(village: Village, kind: type[T]) -> list[T]:
    held = village.broker.collector.events[STATION]
    found = (msgspec.json.decode(raw, type=Event).body for _, raw in sorted(held.items()))
    return [one for one in found if isinstance(one, kind)]


def bind(village: Village, slot: str, seconds: float, **about: object) -> None:
    village.publish(slot, seconds)
    desk = village.desks[HOME]
    desk.bindings[slot, None] = msgspec.structs.replace(desk.bindings[slot, None], **about)
    village.office.publish_bindings(desk)
    village.wait(3)


def test_start_and_end_records_tell_what_the_timetable_says_of_the_bulletin() -> None:
    village = Village()
    village.publish("tin", 40)
    village.timetable(entry("tin", "05:00", author="Trần Bình", about=OF_ENTRY))
    village.until("05:02")
    [start] = bodies(village, AirStart)
    assert (start.author, start.about) == ("Trần Bình", OF_ENTRY)
    assert village.outcome("tin").about == OF_ENTRY


def test_what_is_said_of_the_file_goes_before_what_is_said_of_the_entry() -> None:
    village = Village()
    bind(village, "tin", 40, author="Lê Thị Minh", about=OF_FILE)
    village.timetable(entry("tin", "05:00", author="Trần Bình", about=OF_ENTRY))
    village.until("05:02")
    [start] = bodies(village, AirStart)
    assert (start.author, start.about) == ("Lê Thị Minh", OF_FILE)
    ended = village.outcome("tin")
    assert (ended.author, ended.about) == ("Lê Thị Minh", OF_FILE)


def test_what_never_sounded_is_told_with_what_the_timetable_says() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00", 40, about=OF_ENTRY))
    village.until("05:03")
    assert village.outcome("tin").outcome == "skipped"
    assert village.outcome("tin").about == OF_ENTRY


def test_a_pen_name_stays_with_its_author() -> None:
    of_file = Sound(None, 0, (), 0, author="Lê Thị Minh", about=About(summary="Tin mới"))
    told = about_of(of_file, Provenance(author="Trần Bình", about=OF_ENTRY))
    assert told == About(summary="Tin mới", produced="2026-01-01")
    nameless = Sound(None, 0, (), 0, about=About(summary="Tin mới"))
    told = about_of(nameless, Provenance(author="Trần Bình", about=OF_ENTRY))
    assert told.pen_name == "Ban biên tập"


def test_what_the_source_system_says_of_its_bulletin_is_told_back_also_after_a_power_cut() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    house.sends(house.wants(sha256, "05:10", author="Trần Bình", about=OF_FILE))
    house.power_cut(20)
    house.wait(60)
    house.until("05:12")
    [start] = bodies(house, AirStart)
    assert (start.author, start.about) == ("Trần Bình", OF_FILE)
    assert {one.about for one in house.said()} == {OF_FILE}


def test_documents_facts_and_records_of_older_software_still_load() -> None:
    """As they lie on cards and in databases: without a word of it."""
    village = Village()
    village.publish("tin", 40)
    village.timetable(entry("tin", "05:00"))
    village.until("05:00:20")
    assert village.box.life is not None
    [opened] = village.box.life.station.facts.open.values()
    village.until("05:02")
    [start] = bodies(village, AirStart)
    binding = village.desks[HOME].bindings["tin", None]
    item = SourceItem("k", "LP7", "Tuần", "BT1", "Tin", 3, "0" * 64, ((0, 1),), 0)
    for one in (entry("tin", "05:00"), binding, opened, start, village.outcome("tin"), item):
        plain = json.loads(msgspec.json.encode(one))
        del plain["about"]
        assert msgspec.convert(plain, type(one)) == one, type(one)
    for kind in (Entry, Binding, AirStart, AsRun):
        assert "about" in kind.__struct_fields__
