"""What `districtctl push` says before anything is sent: size, stations, empty slots; no broker."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from agent.contract.documents import Entry, FileSource, TextSource, When, ZoneSelector
from agent.contract.topics import MESSAGE_MAX_BYTES
from simulator.source_system.district import District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.districtctl.console import Console
from simulator.source_system.districtctl.sending import airing_again, show_unwanted
from simulator.source_system.empty_slots import EmptySlot, empty_slots
from simulator.source_system.problems import CourierError, DistrictError
from simulator.source_system.timetable.preview import airs_again

HEADER = "Giờ bắt đầu,Thời lượng,Tên chương trình,Nguồn,Khu vực,Ngày phát\n"
NOON = dt.datetime.fromisoformat("2026-11-25T12:00")


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    """A district with two stations; nobody runs its broker."""
    home = ["--home", str(tmp_path / "d"), "--lang", "en"]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    district = District(tmp_path / "d")
    for station, name in (("tan-lien", "Tân Liên"), ("cao-lau", "Cao Lâu")):
        district.enrol(station, name=name, zones={"thôn Đông": ()})
    return home


def timetable(folder: Path, rows: int = 1) -> Path:
    path = folder / "lich.csv"
    text = HEADER
    for row in range(rows):
        source = "tep:ban-tin-{ngày}.mp3"
        text += f"05:{row % 60:02},00:00:30,Mục {row},{source},tất cả,T{2 + row % 6}\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_dry_run_without_a_broker_shows_what_would_go_to_whom(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*home, "push", str(timetable(tmp_path)), "--all", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "revision 1: 1 entry, 2/64 KB, to 2 stations: Cao Lâu, Tân Liên" in said
    assert "! the broker cannot be reached" in said
    assert "nothing was sent" in said


def test_a_dry_run_without_a_broker_has_a_machine_form(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    asked = [*home, "--json", "push", str(timetable(tmp_path)), "--to", "cao-lau", "--dry-run"]
    assert main(asked) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["stations"] == ["Cao Lâu"]
    assert said["asked_broker"] is False
    assert 0 < said["size_bytes"] < said["size_max_bytes"] == MESSAGE_MAX_BYTES


def test_a_dry_run_without_a_broker_still_finds_mistakes(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = timetable(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("05:00", "5.30"), encoding="utf-8")
    assert main([*home, "push", str(path), "--all", "--dry-run"]) == 2
    assert "A2" in capsys.readouterr().out


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_timetable_that_is_too_large_is_refused_before_anything_is_said_to_be_sent(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    capsys.readouterr()
    path = timetable(tmp_path, 5_000)
    assert main([*home, "--lang", lang, "push", str(path), "--all", "--dry-run"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert ("5000 mục" if lang == "vi" else "5000 entries") in err
    assert "64 KB" in err
    assert "--group" in err
    assert "T2-T7" in err


def test_the_size_that_is_told_is_the_size_that_is_sent(home: list[str], tmp_path: Path) -> None:
    district = District(tmp_path / "d", clock_ms=lambda: 1_795_000_000_000)
    draft = district.draft(timetable(tmp_path, 12), to="g/tat-ca", look_only=True)
    with pytest.raises(CourierError):
        district.send(draft)
    recorded = district.ledger.latest("g/tat-ca", "schedule")
    assert recorded is not None
    assert len(recorded.sealed) == draft.size_bytes


def test_a_slot_that_nobody_has_filled_is_told_with_its_dates(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "lich.csv"
    row = "05:00,00:10:00,Bản tin,{},tất cả,hằng ngày\n"
    path.write_text(
        HEADER + row.format("tep:ban-tin-{ngày}.mp3") + row.format("tep:nhac.mp3"), encoding="utf-8"
    )
    main([*home, "push", str(path), "--all", "--dry-run"])
    said = capsys.readouterr().out
    assert "! no file yet for the next 3 days:" in said
    (dated,) = [line for line in said.splitlines() if line.startswith("    ban-tin: ")]
    assert dated.count("/") == 3
    assert "    nhac: every day" in said
    assert "districtctl publish FILE --slot ban-tin --date 20" in said


def entry(id_: str, *sources: FileSource | TextSource) -> Entry:
    when = When(start="2026-11-20T05:00:00", rrule="FREQ=DAILY")
    zones = ZoneSelector(all=True)
    return Entry(id=id_, title=id_, when=when, sources=sources, zones=zones)


def test_a_dated_slot_wants_each_of_its_days_and_an_undated_one_only_itself() -> None:
    entries = (entry("a", FileSource(slot="a", dated=True)), entry("b", FileSource(slot="b")))
    bound = {"X": frozenset({("a", "2026-11-27"), ("a", None), ("b", "2026-11-26")})}
    assert empty_slots(entries, bound, NOON) == (
        EmptySlot("a", ("2026-11-26", "2026-11-28"), ("X",)),
        EmptySlot("b", (), ("X",)),
    )


def test_a_slot_is_empty_only_at_the_stations_that_lack_it() -> None:
    entries = (entry("a", FileSource(slot="a")),)
    bound = {"X": frozenset({("a", None)}), "Y": frozenset[tuple[str, str | None]]()}
    assert empty_slots(entries, bound, NOON) == (EmptySlot("a", (), ("Y",)),)


def test_what_does_not_play_soon_and_what_is_no_file_is_not_asked_for() -> None:
    later = entry("a", FileSource(slot="a"))
    later = Entry(
        id="a",
        title="a",
        when=When(start="2026-12-20T05:00:00"),
        sources=later.sources,
        zones=later.zones,
    )
    assert empty_slots((later, entry("b", TextSource(text="x"))), {"X": frozenset()}, NOON) == ()


def test_a_push_without_a_broker_is_still_refused(home: list[str], tmp_path: Path) -> None:
    assert main([*home, "push", str(timetable(tmp_path)), "--all"]) == 3
    with pytest.raises(DistrictError):
        District(tmp_path / "d").draft_rollback(7, to="g/tat-ca", look_only=True)


def daily(hour: int, day: str = "2026-11-25") -> Entry:
    return Entry(
        id="ban-tin",
        title="Bản tin",
        when=When(start=f"{day}T{hour:02}:00:00", rrule="FREQ=DAILY"),
        sources=(FileSource(slot="ban-tin"),),
        zones=ZoneSelector(all=True),
    )


def test_what_was_due_today_and_is_moved_to_later_today_is_told_to_play_again() -> None:
    long_ago = dt.datetime.fromisoformat("2000-01-01")
    (again,) = airs_again(daily(5), daily(17), NOON, long_ago)
    assert (again.was.hour, again.again.hour) == (5, 17)
    assert airs_again(daily(14), daily(17), NOON, long_ago) == [], "it was still to come"
    assert airs_again(daily(5), daily(6), NOON, long_ago) == [], "that is over too"
    assert airs_again(daily(5), daily(17), NOON, NOON + dt.timedelta(days=1)) == []


def test_the_push_warns_of_an_entry_that_would_play_twice_today(
    home: list[str], tmp_path: Path
) -> None:
    noon_ms = round(NOON.replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")).timestamp() * 1_000)
    district = District(tmp_path / "d", clock_ms=lambda: noon_ms)
    with pytest.raises(CourierError):
        district.send(district.draft([daily(5)], to="g/tat-ca", look_only=True))
    moved = district.draft([daily(17)], to="g/tat-ca", look_only=True)
    assert [one.entry.title for one in airing_again(district, moved)] == ["Bản tin"]
    later = district.draft([daily(6)], to="g/tat-ca", look_only=True)
    assert airing_again(district, later) == []


def test_a_slot_that_no_entry_names_is_told_with_the_one_that_is_like_it(
    home: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    district = District(tmp_path / "d")
    assert district.slots_wanted() == frozenset()
    with pytest.raises(CourierError):
        district.send(district.draft([daily(5)], to="g/tat-ca", look_only=True))
    assert district.slots_wanted() == {"ban-tin"}
    console = Console("en")
    capsys.readouterr()
    show_unwanted(district, console, "ban-tim")
    said = capsys.readouterr().out
    assert "uses “ban-tim”" in said
    assert "Did you mean “ban-tin”?" in said
    show_unwanted(district, console, "ban-tin")
    assert capsys.readouterr().out == ""
