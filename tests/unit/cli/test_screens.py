"""Each screen as a person sees it, in both languages, never wider than a phone."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from agent.adapters.pins import Person
from agent.cli.columns import display_width
from agent.cli.pin import Place, render_pins
from agent.cli.screens.alarms import render_alarms
from agent.cli.screens.awaiting import render_awaiting, render_waiting, waiting
from agent.cli.screens.doctor import render_doctor
from agent.cli.screens.journal import render_journal
from agent.cli.screens.link import render_link
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status
from agent.cli.screens.zones import render_zones
from agent.cli.texts import Lang
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import AsRun, Audit, OccurrenceRef, Refusal
from agent.core.requests import AlarmsView, AlarmView, JournalLine, JournalView, PlanView, ZonesView
from tests.unit.cli import views
from tests.unit.cli.golden_files import golden

replace = msgspec.structs.replace
both_languages = pytest.mark.parametrize("lang", ["vi", "en"])
ITEMS = (views.FARMING, views.AREA, views.COMMUNE)


@both_languages
@pytest.mark.parametrize("name", views.STATUSES)
def test_status_looks_as_agreed(name: str, lang: Lang) -> None:
    golden(f"status-{name}.{lang}", render_status(views.STATUSES[name], lang, 44))


@both_languages
def test_plan_looks_as_agreed(lang: Lang) -> None:
    view = PlanView(views.NOW_MS, views.TZ, ITEMS)
    golden(f"plan.{lang}", render_plan(view, lang, 44, 48))


@both_languages
def test_the_plan_tells_what_is_decided_and_what_is_not(lang: Lang) -> None:
    golden(f"plan-deciding.{lang}", render_plan(views.DECIDING, lang, 44))


@both_languages
def test_what_awaits_approval_looks_as_agreed(lang: Lang) -> None:
    found = waiting(views.DECIDING)
    golden(f"awaiting.{lang}", render_awaiting(found, views.DECIDING, lang, 44))
    nothing = views.replace(views.DECIDING, items=())
    golden(f"awaiting-none.{lang}", render_awaiting(waiting(nothing), nothing, lang, 44))


PEOPLE = tuple(
    Person(name=name, may=may, salt="00" * 16, hash="00" * 32, n=16384, r=8, p=1, set_ms=set_ms)
    for name, may, set_ms in (
        ("Nguyễn Văn Hòa", ("approve", "announce"), views.at(8, 0, day=2)),
        ("Chủ tịch Ủy ban nhân dân xã Trần Thị Mai", (), views.at(8, 0) - 400 * 86_400_000),
        ("Lê Tám", ("microphone",), views.at(8, 0)),
    )
)


@both_languages
def test_the_people_with_a_pin_look_as_agreed(lang: Lang) -> None:
    place = Place(Path("/var/lib/commune-radio"), views.NOW_MS, views.TZ)
    lines = [*render_pins(PEOPLE, place, lang, 44), "", *render_pins((), place, lang, 44)]
    assert "00" * 16 not in "".join(lines)
    golden(f"pins.{lang}", lines)


@both_languages
def test_zones_look_as_agreed(lang: Lang) -> None:
    golden(f"zones.{lang}", render_zones(views.ZONES, lang, 44))


@both_languages
def test_alarms_look_as_agreed(lang: Lang) -> None:
    strange = AlarmView("of-a-later-version", "ampli-1", views.at(4, 0), 3)
    view = AlarmsView(views.NOW_MS, views.TZ, (strange, views.OFFLINE, views.OPEN_LINE))
    golden(f"alarms.{lang}", render_alarms(view, lang, 44))


@both_languages
def test_alarms_that_somebody_noted_stand_behind_the_others_and_say_who(lang: Lang) -> None:
    view = AlarmsView(views.NOW_MS, views.TZ, views.ON_BATTERY.alarms)
    golden(f"alarms-noted.{lang}", render_alarms(view, lang, 44))
    noted = replace(view, alarms=view.alarms[2:])
    assert "ack" not in " ".join(render_alarms(noted, lang, 44))


@both_languages
@pytest.mark.parametrize("name", views.LINKS)
def test_the_link_looks_as_agreed(name: str, lang: Lang) -> None:
    golden(f"link-{name}.{lang}", render_link(views.LINKS[name], lang, 44))


@both_languages
def test_journal_looks_as_agreed(lang: Lang) -> None:
    golden(f"journal.{lang}", render_journal(views.JOURNAL, lang, 44))


@both_languages
def test_doctor_looks_as_agreed(lang: Lang) -> None:
    golden(f"doctor.{lang}", render_doctor(views.DOCTOR, lang, 44))


@both_languages
def test_empty_screens_say_that_there_is_nothing(lang: Lang) -> None:
    screens = [
        render_plan(PlanView(views.NOW_MS, views.TZ, ()), lang, 44),
        render_zones(ZonesView(views.NOW_MS, ()), lang, 44),
        render_alarms(AlarmsView(views.NOW_MS, views.TZ, ()), lang, 44),
        render_journal(JournalView(views.NOW_MS, views.TZ, 0, ()), lang, 44),
    ]
    golden(f"empty.{lang}", [line for screen in screens for line in [*screen, ""]])


@both_languages
@pytest.mark.parametrize("width", [24, 30, 44, 80])
def test_no_line_is_wider_than_the_terminal(width: int, lang: Lang) -> None:
    lines = [line for view in views.STATUSES.values() for line in render_status(view, lang, width)]
    lines += [line for view in views.LINKS.values() for line in render_link(view, lang, width)]
    lines += render_plan(PlanView(views.NOW_MS, views.TZ, ITEMS), lang, width)
    lines += render_plan(views.DECIDING, lang, width)
    for one in waiting(views.DECIDING):
        lines += render_waiting(one, views.DECIDING, lang, width, "1 ")
    lines += render_awaiting(waiting(views.DECIDING), views.DECIDING, lang, width)
    lines += render_zones(views.ZONES, lang, width)
    lines += render_journal(views.JOURNAL, lang, width)
    lines += render_doctor(views.DOCTOR, lang, width)
    assert [line for line in lines if display_width(line) > width] == []


def test_the_worst_fault_stands_first_and_each_fault_names_its_next_step() -> None:
    lines = render_status(views.FAULTY, "vi", 44)
    assert lines[1].startswith("✗ Thôn Đoài: đường loa hở mạch")
    assert lines[2].startswith("  → ")


def test_a_zone_that_is_not_measured_is_neither_good_nor_bad() -> None:
    lines = render_status(views.FAULTY, "vi", 44)
    assert any("Trung ? không đo được" in line for line in lines)


def test_of_dozens_of_zones_only_the_silent_ones_are_named() -> None:
    text = "\n".join(render_status(views.EMERGENCY, "vi", 44))
    assert "Thôn Cao Lâu ✗" in text
    assert "✓ 24 cụm" in text
    assert "Thôn 7" not in text


def test_a_title_cannot_steer_the_terminal() -> None:
    on_air = (msgspec.structs.replace(views.NEWS, title="Tin\x1b[2J\u202e\nmới"),)
    view = msgspec.structs.replace(views.WELL, on_air=on_air, name="Đài\x1b]0;x\x07")
    upcoming = (msgspec.structs.replace(views.AREA, title="\x1b[2J"),)
    view = msgspec.structs.replace(view, upcoming=upcoming)
    assert all(line.isprintable() for line in render_status(view, "vi", 44))


def test_a_reason_of_a_later_version_is_shown_as_it_came() -> None:
    upcoming = (msgspec.structs.replace(views.COMMUNE, problem="of_a_later_version"),)
    lines = render_status(msgspec.structs.replace(views.WELL, upcoming=upcoming), "en", 44)
    assert any("of_a_later_version" in line for line in lines)


@pytest.mark.parametrize(
    ("ends_ms", "endless", "words"),
    [
        (views.at(6, 0, day=28), False, ("! Lịch phát hết sau 5 ngày, T7 28/11", "14→28/11")),
        (views.at(5, 0, day=25, month=12), False, ("14→25/12",)),
        (views.at(5, 0) + 400 * 86_400_000, False, ("14→28/12/2027",)),
        (None, True, ("14, không có ngày hết",)),
        (views.at(5, 0, day=20), False, ("✗ Lịch phát đã hết từ T6 20/11", "14→20/11")),
        (None, False, ("✗ Lịch phát không có lượt nào",)),
    ],
)
def test_the_end_of_the_timetable_is_told_as_it_is(
    ends_ms: int | None, endless: bool, words: tuple[str, ...]
) -> None:
    view = msgspec.structs.replace(views.WELL, schedule_ends_ms=ends_ms, schedule_endless=endless)
    text = "\n".join(render_status(view, "vi", 80))
    assert [one for one in words if one not in text] == []
    assert ("✗" in text) == ("✗" in words[0])


@both_languages
@pytest.mark.parametrize("name", views.DECIDED)
def test_an_approval_that_is_only_declared_has_no_tick_and_one_that_is_known_has(
    name: str, lang: Lang
) -> None:
    view = PlanView(views.NOW_MS, views.TZ, (views.DECIDED[name],))
    text = "\n".join(render_plan(view, lang, 44))
    declared = {"vi": "? theo khai báo", "en": "? declared"}[lang]
    assert (declared in text) == (name == "declared")
    ticks = sum(line.strip().startswith("✓") for line in text.splitlines())
    assert ticks == (name in ("pin", "key", "standing"))


def test_a_changed_entry_is_decided_about_anew_and_one_of_today_that_is_over_last() -> None:
    changed = views.replace(views.TOMORROW, digest="1111111111111111")
    view = PlanView(views.NOW_MS, views.TZ, (views.OVER, views.AWAITING, changed))
    assert [one.next for one in waiting(view)] == [views.AWAITING, changed, views.OVER]


def test_the_status_counts_what_awaits_a_decision_before_what_is_only_to_know() -> None:
    view = views.replace(views.STATUS_DECIDING, alarms=(views.OFFLINE, views.OPEN_LINE))
    lines = render_status(view, "vi", 44)
    marks = [line for line in lines if line[:1] in "✗!"]
    assert marks[0].startswith("✗ Thôn Đoài")
    assert marks[1] == "! 3 lượt phát trong 24 giờ tới chờ xã duyệt"
    assert lines[lines.index(marks[1]) + 1] == "  → stationctl approve"


def _refused(number: int, kind: str = "schedule") -> Refusal:
    return Refusal(
        kind=kind,
        digest=f"{number:02}",
        reason=AckReason.MALFORMED,
        detail=f"byte {number}",
        at_ms=views.at(5, number),
        authority="huyen",
    )


def test_many_refusals_alike_are_one_line_below_what_is_on_air() -> None:
    many = tuple(_refused(number) for number in range(8))
    view = msgspec.structs.replace(views.WELL, on_air=(views.NEWS,), refusals=many)
    lines = render_status(view, "en", 200)
    told = [number for number, line in enumerate(lines) if "byte" in line]
    on_air = next(number for number, line in enumerate(lines) if views.NEWS.title in line)
    assert len(told) == 1
    assert "byte 7" in lines[told[0]]
    assert "×8" in lines[told[0]]
    assert told[0] > on_air


def test_a_refused_emergency_stands_above_what_is_on_air() -> None:
    view = msgspec.structs.replace(
        views.WELL, on_air=(views.NEWS,), refusals=(_refused(1, "warning"),)
    )
    lines = render_status(view, "en", 200)
    told = next(number for number, line in enumerate(lines) if "byte 1" in line)
    assert told < next(number for number, line in enumerate(lines) if views.NEWS.title in line)


@both_languages
def test_a_language_that_will_be_missing_stands_below_its_item(lang: Lang) -> None:
    item = replace(views.AREA, languages_missing=("tyz", "hmn", "xx-new"))
    lines = render_plan(PlanView(views.NOW_MS, views.TZ, (item,)), lang, 44)
    said = {
        "vi": "! thiếu bản tiếng: Tày, Mông, xx-new",
        "en": "! missing languages: Tay, Hmong, xx-new",
    }
    assert said[lang] in " ".join(" ".join(lines).split())
    assert all(display_width(line) <= 44 for line in lines)


@both_languages
def test_the_journal_names_the_languages_that_were_not_said(lang: Lang) -> None:
    record = AsRun(
        occurrence=OccurrenceRef(
            authority="huyen", audience="g/vung", entry="tin", nominal="2026-11-23T05:00:00"
        ),
        zone="Đông",
        title="Bản tin xã",
        klass=3,
        planned_start_ms=views.NOW_MS,
        planned_duration_ms=60_000,
        outcome="partial",
        reason=OccurrenceReason.CONTENT_NOT_PUBLISHED,
        confirmed="yes",
        played_ms=60_000,
        languages_missing=("hmn",),
    )
    line = JournalLine(7, views.NOW_MS, msgspec.Raw(msgspec.json.encode(record)))
    shown = render_journal(JournalView(views.NOW_MS, views.TZ, 6, (line,)), lang, 44)
    said = {"vi": "thiếu bản tiếng: Mông", "en": "missing languages: Hmong"}
    assert said[lang] in " ".join(" ".join(shown).split())


@both_languages
def test_an_announcement_that_an_emergency_kept_silent_is_not_told_as_something_not_stopped(
    lang: Lang,
) -> None:
    body = Audit(what="local_announce", by="hoa", detail="Đông: Họp", result="emergency_on_air")
    stop = Audit(what="local_stop", by="hoa", detail="Đông", result="emergency_on_air")
    lines = {}
    for name, one in (("announce", body), ("stop", stop)):
        raw = msgspec.Raw(msgspec.json.encode(one))
        view = JournalView(views.NOW_MS, views.TZ, 0, (JournalLine(1, views.NOW_MS, raw),))
        lines[name] = " ".join(" ".join(render_journal(view, lang, 44)).split())
    beside = {"vi": "không đọc chen vào", "en": "nothing is said beside"}[lang]
    stopped = {"vi": "không dừng bằng lệnh thường", "en": "not stopped this way"}[lang]
    assert (beside in lines["announce"], stopped in lines["announce"]) == (True, False)
    assert (beside in lines["stop"], stopped in lines["stop"]) == (False, True)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mains": False}, "✗ Đông: ampli mất điện lưới"),
        ({"sounding": False}, "! Đông: chưa ra tiếng"),
        (
            {"volume": 30, "wanted": 90, "ceiling": 30, "volume_source": "local"},
            "âm lượng 30, trần của quy chế (đặt tại đài 90)",
        ),
    ],
)
def test_a_zone_without_mains_or_sound_is_not_fine_and_a_ceiling_is_named(
    changes: dict[str, object], told: str
) -> None:
    zone = views.replace(views.EAST, **changes)
    text = " ".join(render_zones(ZonesView(views.NOW_MS, (zone,)), "vi", 120))
    assert told in text
    assert ("phát: Thời sự VOV" in text) == ("sounding" not in changes)
    fine = views.replace(views.EAST, mains=True, sounding=True, wanted=70, ceiling=90)
    text = " ".join(render_zones(ZonesView(views.NOW_MS, (fine,)), "vi", 120))
    assert "✓ Đông" in text
    assert "trần" not in text
