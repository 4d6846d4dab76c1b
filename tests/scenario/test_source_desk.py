"""What the source-system API asks of a station is unsigned: it may do what is listed, no more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.documents import ApprovalRule, Settings
from agent.contract.reasons import AckReason, AlarmCode, OccurrenceReason
from agent.contract.reports import (
    AirStart,
    AlarmEvent,
    AsRun,
    Audit,
    Body,
    Event,
    SourceReceipt,
    SourceVerb,
)
from agent.core.events import HousekeepingDue, SourceApiSeen, SourceAsked, SourceTook
from agent.core.facts import Facts
from agent.core.requests import PlanRequest, ZonesRequest, ZonesView
from agent.core.source_calls import PERMISSIONS, Airing, Call, SourceRules, Wanted
from agent.core.source_desk import AUTHORITY, WHO, SourceDesk, bulletin_of
from simulator.world.office import Owner
from tests.scenario.village import HOME, STATION, Sound, Village, entry

ALL = SourceRules(frozenset({"volume", "stop", "skip", "schedule"}), 10, 60, 3)


class House(Village):
    """A village whose source system also speaks over HTTP."""

    def __init__(self, rules: SourceRules = ALL) -> None:
        super().__init__(rules=rules)
        self.audience = f"s/{STATION}"
        self.unsigned = self._desk(AUTHORITY, self.audience)
        self.lent: dict[str, str] = {}

    def lend(self, slot: str, seconds: float) -> str:
        """A signed file that no signed timetable names; what sounds of it is the API's."""
        sha256 = self.publish(slot, seconds)
        self.lent[sha256] = slot
        return sha256

    def heard(self, name: str, zone: str = "") -> list[Sound]:
        return [
            one
            for sha256, slot in self.lent.items()
            if slot == name
            for one in super(House, self).heard(self._entry(sha256), zone)
        ] or super().heard(name, zone)

    def _entry(self, sha256: str) -> str:
        owner = self.office.owners.get(f"content:{sha256}")
        return owner.entry if owner is not None else ""

    def asks(self, call: Call) -> SourceReceipt:
        """What is told back."""
        before = len(self.receipts())
        self.tell(call)
        told = self.receipts()
        assert len(told) == before + 1
        return told[-1]

    def tell(self, call: Call) -> None:
        """The judge of the world is told which starts now may come, and whose the sound is."""
        self.box.tell(SourceAsked(call))
        held = self.judge.case.files[STATION].held.setdefault(self.audience, [])
        for schedule, _, _ in self.desk.schedules():
            self.unsigned.schedules.append(schedule)
            held.append((self.clock.now_ms, len(self.unsigned.schedules)))
            for one in schedule.entries:
                content = f"content:{self._file_of(one.id)}"
                self.office.owners[content] = Owner(self.audience, one.id, "")
        self.wait(5)

    def _file_of(self, entry_id: str) -> str:
        return self.facts.source_items[entry_id.split("-")[1]].sha256

    @property
    def desk(self) -> SourceDesk:
        assert self.box.life is not None
        return self.box.life.station.source

    def sends(self, *items: Wanted, schedule: str = "LP7") -> SourceReceipt:
        return self.asks(Call("save", schedule=schedule, title="Tuần 48", items=items))

    def wants(self, sha256: str, at: str, seconds: int = 60, **more: Any) -> Wanted:
        begin_ms = self.wall0_ms + self.at(at)
        return Wanted(
            more.pop("bulletin", "BT1"),
            more.pop("title", "Bản tin tỉnh"),
            url=more.pop("url", f"https://content.example/{sha256}"),
            airings=(Airing(begin_ms, begin_ms + seconds * 1_000),),
            **more,
        )

    def ask_volume(self) -> int:
        """Of the first zone, as a technician sees it."""
        view = self.ask(ZonesRequest())
        assert isinstance(view, ZonesView)
        return view.zones[0].volume

    def bodies(self) -> list[Body]:
        held = self.broker.collector.events[STATION]
        return [msgspec.json.decode(raw, type=Event).body for _, raw in sorted(held.items())]

    def receipts(self) -> list[SourceReceipt]:
        return [one for one in self.bodies() if isinstance(one, SourceReceipt)]

    def alarms(self) -> list[tuple[str, str]]:
        """Of the source-system API: onset or end, and what it was."""
        return [
            (one.state, one.detail)
            for one in self.bodies()
            if isinstance(one, AlarmEvent) and one.code is AlarmCode.SOURCE_API
        ]

    def audits(self) -> list[tuple[str, str]]:
        return [
            (one.what, one.result)
            for one in self.bodies()
            if isinstance(one, Audit) and one.by == WHO
        ]

    @property
    def facts(self) -> Facts:
        assert self.box.life is not None
        return self.box.life.station.facts

    def said(self, entry_id: str = "sa-") -> list[AsRun]:
        """Records of what came this way."""
        found = [one for one in self.bodies() if isinstance(one, AsRun)]
        return [one for one in found if one.occurrence.entry.startswith(entry_id)]


def refused(reason: AckReason, receipt: SourceReceipt) -> bool:
    return (receipt.state, receipt.reason) == ("refused", reason)


# --- commands ------------------------------------------------------------------------------


def test_without_a_permission_nothing_is_done_and_everything_is_told() -> None:
    house = House(SourceRules())
    before = house.ask_volume()
    for verb in ("volume", "stop", "skip", "save", "cancel"):
        call = Call(verb, volume=50, schedule="LP7", items=(Wanted("BT1"),))
        assert refused(AckReason.NOT_ALLOWED, house.asks(call))
    assert house.ask_volume() == before
    assert house.facts.source_items == {}
    assert house.audits() == [
        (f"source_{verb}", "not_allowed") for verb in ("volume", "stop", "skip", "save", "cancel")
    ]


@pytest.mark.parametrize("verb", ["pause", "resume", "play_now", "reboot", "unknown"])
def test_what_no_permission_names_is_never_done(verb: SourceVerb) -> None:
    assert refused(AckReason.UNSUPPORTED, House().asks(Call(verb)))


def test_a_volume_within_its_bounds_is_set_and_one_beyond_is_refused() -> None:
    house = House()
    assert house.asks(Call("volume", volume=60)).state == "applied"
    assert house.ask_volume() == 60
    for volume in (61, 9, 100):
        assert refused(AckReason.NOT_ALLOWED, house.asks(Call("volume", volume=volume)))
    for volume in (-1, 101, 10**9):
        assert refused(AckReason.MALFORMED, house.asks(Call("volume", volume=volume)))
    assert house.ask_volume() == 60


def test_an_ordinary_item_is_stopped_but_an_emergency_is_not() -> None:
    house = House()
    house.publish("tin", 600)
    house.timetable(entry("tin", "05:00"))
    house.until("05:01")
    assert house.asks(Call("stop")).state == "applied"
    house.wait(60)
    assert house.told("tin") == ("partial", OccurrenceReason.STOPPED)
    house.warn(minutes=30, texts={"vi": "Nước lên nhanh. " * 20})
    house.wait(10)
    assert refused(AckReason.EMERGENCY_ON_AIR, house.asks(Call("stop")))
    assert refused(AckReason.EMERGENCY_ON_AIR, house.asks(Call("skip")))
    house.wait(120)
    assert house.heard("warning")


def test_a_call_for_others_or_one_that_cannot_be_read_is_told_and_not_done() -> None:
    house = House()
    assert refused(AckReason.WRONG_AUDIENCE, house.asks(Call("stop", for_us=False)))
    assert refused(AckReason.MALFORMED, house.asks(Call("volume", volume=20, fault="no number")))


def test_a_call_with_an_id_is_done_once_also_after_a_power_cut() -> None:
    house = House()
    assert house.asks(Call("volume", id="L1", volume=30)).state == "applied"
    assert house.asks(Call("volume", id="L2", volume=40)).state == "applied"
    house.power_cut(5)
    house.wait(30)
    told = house.asks(Call("volume", id="L1", volume=30))
    assert (told.state, told.call) == ("applied", "L1")
    assert house.ask_volume() == 40


# --- schedules -----------------------------------------------------------------------------


def test_an_item_plays_a_file_that_a_signed_document_binds() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    receipt = house.sends(house.wants(sha256, "05:10", author="Trần Bình"))
    assert (receipt.state, receipt.schedule, receipt.items) == ("applied", "LP7", ("BT1",))
    house.until("05:12")
    assert [one.begin for one in house.heard("tinh")] == ["05:10:00"]
    house.wait(60)
    ran = house.said()
    assert {one.outcome for one in ran} == {"played"}
    assert {one.author for one in ran} == {"Trần Bình"}
    ref = ran[0].occurrence
    assert bulletin_of(house.facts, ref.authority, ref.entry) == ("LP7", "BT1")


@pytest.mark.parametrize("url", ["http://anywhere/x.mp3", "", "https://content.example/", "0" * 64])
def test_what_no_signed_document_binds_never_plays(url: str) -> None:
    house = House()
    house.lend("tinh", 40)
    receipt = house.sends(house.wants("", "05:10", url=url))
    assert refused(AckReason.UNSIGNED, receipt)
    assert house.facts.source_items == {}
    house.until("05:15")
    assert house.heard("tinh") == []


def test_the_same_file_under_another_address_is_known_by_its_hash() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    wanted = house.wants(sha256, "05:10", url=f"http://elsewhere/files/{sha256.upper()}")
    assert house.sends(wanted).state == "applied"


def test_an_item_whose_file_is_no_longer_bound_at_its_start_does_not_play() -> None:
    house = House()
    house.sends(house.wants(house.lend("tinh", 40), "05:10"))
    del house.desks[HOME].bindings["tinh", None]
    house.office.publish_bindings(house.desks[HOME])
    house.wait(5)
    house.until("05:15")
    house.wait(60)
    assert house.heard("tinh") == []
    assert {one.reason for one in house.said()} == {OccurrenceReason.CONTENT_NOT_PUBLISHED}


def test_an_emergency_is_not_taken_from_here() -> None:
    house = House()
    wanted = house.wants(house.lend("tinh", 40), "05:10", klass=1)
    assert refused(AckReason.CLASS_ABOVE_CEILING, house.sends(wanted))


def test_a_timetable_of_the_same_class_goes_before_it() -> None:
    house = House()
    house.publish("tin", 60)
    house.timetable(entry("tin", "05:10"))
    house.sends(house.wants(house.lend("tinh", 60), "05:10"))
    house.until("05:14")
    house.wait(60)
    assert house.told("tin") == ("played", None)
    assert "played" not in {one.outcome for one in house.said()}


def test_where_the_commune_asks_to_approve_it_awaits_approval() -> None:
    house = House()
    approvals = (ApprovalRule(authority="tinh", mode="standing"),)
    house.timetable(entry("tin", "06:00"), settings=Settings(approvals=approvals))
    house.sends(house.wants(house.lend("tinh", 40), "05:10"))
    plan = house.ask(PlanRequest())
    awaiting = [one.title for one in plan.items if one.approval == "awaiting"]
    assert awaiting == ["Bản tin tỉnh"]
    house.until("05:15")
    assert house.heard("tinh") == []


def test_items_survive_a_power_cut_and_a_cancelled_one_does_not_play() -> None:
    house = House()
    first, second = house.lend("mot", 30), house.lend("hai", 30)
    house.sends(
        house.wants(first, "05:10", bulletin="BT1"), house.wants(second, "05:20", bulletin="BT2")
    )
    house.power_cut(20)
    house.wait(60)
    told = house.asks(Call("cancel", items=(Wanted("BT2"),)))
    assert (told.state, told.items) == ("applied", ("BT2",))
    house.until("05:25")
    assert len(house.heard("mot")) == 1
    assert house.heard("hai") == []
    assert refused(AckReason.UNKNOWN_ENTRY, house.asks(Call("cancel", schedule="LP9")))
    assert refused(AckReason.UNKNOWN_ENTRY, house.asks(Call("cancel")))


def test_one_item_that_cannot_be_taken_does_not_take_the_others_along() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    good = house.wants(sha256, "05:10", bulletin="BT1")
    house.tell(Call("save", schedule="LP7", items=(good, Wanted("BT2"))))
    assert [(one.state, one.items) for one in house.receipts()] == [
        ("applied", ("BT1",)),
        ("refused", ("BT2",)),
    ]


def test_the_same_schedule_sent_again_is_told_once_and_a_changed_one_anew() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    house.sends(house.wants(sha256, "05:10"))
    again = Call("save", schedule="LP7", title="Tuần 48", items=(house.wants(sha256, "05:10"),))
    house.tell(again)
    assert len(house.receipts()) == 1
    assert house.sends(house.wants(sha256, "05:20")).state == "applied"
    house.until("05:25")
    assert [one.begin for one in house.heard("tinh")] == ["05:20:00"]


def test_a_change_of_times_keeps_the_bulletin_and_of_an_unknown_one_is_refused() -> None:
    house = House()
    house.sends(house.wants(house.lend("tinh", 40), "05:10"), schedule="")
    begin_ms = house.wall0_ms + house.at("05:30")
    moved = Wanted("BT1", airings=(Airing(begin_ms, begin_ms + 60_000),), known=True)
    assert house.asks(Call("save", items=(moved,))).state == "applied"
    strange = Wanted("BT9", airings=moved.airings, known=True)
    assert refused(AckReason.UNKNOWN_ENTRY, house.asks(Call("save", items=(strange,))))
    house.until("05:35")
    assert [one.begin for one in house.heard("tinh")] == ["05:30:00"]


def test_schedules_are_bounded_and_what_is_over_or_too_far_is_refused() -> None:
    house = House()
    sha256 = house.lend("tinh", 40)
    for number in range(3):
        house.sends(house.wants(sha256, "05:10", bulletin=f"BT{number}"))
    assert refused(AckReason.BUSY, house.sends(house.wants(sha256, "05:10", bulletin="BT4")))
    assert refused(AckReason.EXPIRED, house.sends(house.wants(sha256, "04:00", bulletin="BT5")))
    far = Wanted("BT6", url=f"/{sha256}", airings=(Airing(2**60),))
    assert refused(AckReason.MALFORMED, house.sends(far))
    many = Wanted("BT7", url=f"/{sha256}", airings=(Airing(house.wall_ms() + 60_000),) * 1_001)
    assert refused(AckReason.TOO_LARGE, house.sends(many))
    assert refused(AckReason.MALFORMED, house.asks(Call("save", schedule="LP7")))


# --- records -------------------------------------------------------------------------------


def test_records_wait_for_both_uplinks_but_not_beyond_their_bound() -> None:
    house = House()
    day_ms = 86_400_000
    now_ms = 1_000 * day_ms
    house.facts.mark(cursor_through=70)
    house.box.tell(SourceTook(40))
    assert list(house.desk.prunable(now_ms - 90 * day_ms, now_ms)) == [
        (40, now_ms - 90 * day_ms),
        (70, now_ms - 180 * day_ms),
    ]


def test_a_station_without_such_a_source_system_does_nothing_of_all_this() -> None:
    village = Village()
    assert village.box.life is not None
    station = village.box.life.station
    before = station.facts.marks.next_seq
    village.box.tell(SourceAsked(Call("volume", volume=50)))
    village.wait(5)
    assert station.facts.marks.next_seq == before
    assert list(station.source.prunable(100, 1_000)) == [(station.facts.marks.cursor_through, 100)]
    assert not list(station.source.schedules())
    assert not list(station.source.contents())


def test_a_refused_record_is_told_in_the_journal_once_and_forgotten_when_it_is_taken() -> None:
    house = House()
    house.box.tell(SourceTook(5, set_aside=((5, "Thiếu TieuDe"),)))
    house.box.tell(SourceTook(5, set_aside=((5, "Thiếu TieuDe"),)))
    house.box.tell(SourceTook(9, gone=3))
    house.wait(5)
    told = [one for one in house.bodies() if isinstance(one, Audit) and one.by == WHO]
    assert [(one.what, one.detail) for one in told] == [
        ("source_set_aside", "#5: Thiếu TieuDe"),
        ("source_records_gone", "3"),
    ]
    assert set(house.facts.set_aside) == {"5"}
    house.box.tell(SourceTook(9, mended=(5,)))
    assert house.facts.set_aside == {}
    assert house.facts.marks.source_through == 9
    house.box.tell(HousekeepingDue())


def test_a_source_system_that_takes_nothing_is_an_alarm_until_it_takes_something() -> None:
    house = House()
    house.box.tell(SourceApiSeen("refusing", "thiếu TieuDe"))
    house.wait(60)
    assert house.alarms() == []
    house.wait(180)
    assert house.alarms() == [("raised", "refusing")]
    house.box.tell(SourceApiSeen("ok"))
    house.wait(120)
    assert [state for state, _ in house.alarms()] == ["raised", "cleared"]


def test_a_source_system_that_takes_the_status_and_nothing_else_is_one_alarm() -> None:
    """Each minute a status is taken and a record is not: that is one fault, not many short ones."""
    house = House()
    for _ in range(8):
        house.box.tell(SourceApiSeen("unreachable", "HTTP 500"))
        house.wait(48)
        house.box.tell(SourceApiSeen("ok"))
        house.wait(12)
    assert house.alarms() == [("raised", "unreachable")]
    house.wait(120)
    assert [state for state, _ in house.alarms()] == ["raised", "cleared"]


def test_single_posts_that_fail_now_and_then_are_no_alarm() -> None:
    house = House()
    for _ in range(8):
        house.box.tell(SourceApiSeen("unreachable", "HTTP 500"))
        house.wait(5)
        house.box.tell(SourceApiSeen("ok"))
        house.wait(115)
    assert house.alarms() == []


# --- whatever is asked -----------------------------------------------------------------------

VERBS: list[SourceVerb] = [
    "volume",
    "stop",
    "skip",
    "pause",
    "play_now",
    "reboot",
    "save",
    "cancel",
]
texts = st.text(max_size=8)
wanted = st.builds(
    Wanted,
    texts,
    title=texts,
    klass=st.integers(-1, 5),
    url=texts | st.just("/" + "ab" * 32),
    airings=st.lists(
        st.builds(Airing, st.integers(-10, 2**62), st.none() | st.integers(-10, 2**62)), max_size=3
    ).map(tuple),
    known=st.booleans(),
)
calls = st.builds(
    Call,
    st.sampled_from(VERBS),
    id=texts,
    volume=st.none() | st.integers(-5, 200),
    schedule=texts,
    title=texts,
    items=st.lists(wanted, max_size=3).map(tuple),
    for_us=st.booleans(),
)


@settings(max_examples=60)
@given(
    asked=st.lists(calls, min_size=1, max_size=6),
    allow=st.sets(st.sampled_from(sorted(PERMISSIONS))),
)
def test_no_call_does_more_than_is_allowed_and_none_plays_unsigned_content(
    asked: list[Call], allow: set[Any]
) -> None:
    house = House(SourceRules(frozenset(allow), 10, 60, 3))
    for call in asked:
        house.box.tell(SourceAsked(call))
    house.wait(5)
    volumes = [one.number for one in house.facts.overrides.values() if one.what == "volume"]
    assert all("volume" in allow and 10 <= one <= 60 for one in volumes)
    assert house.facts.source_items == {}, "nothing was ever signed here"
    assert not any(isinstance(one, AirStart) for one in house.bodies())
    assert all(one.result for one in house.bodies() if isinstance(one, Audit) and one.by == WHO)
