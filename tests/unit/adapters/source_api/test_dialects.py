"""What comes in: read as it was seen, or told why it cannot be; nothing breaks the reader."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.source_api.dialect import CALLS_MAX, Dialect, LoggedIn
from agent.adapters.source_api.dialect_a import DialectA
from agent.adapters.source_api.dialect_b import DialectB
from agent.adapters.source_api.settings import Codes, Ids, Paths, SourceApiSection
from agent.contract.documents import About
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import AirStart, AsRun, Event, Segment, SourceVerb
from agent.core.source_calls import Call
from tests.integration.source_lab import ended, start

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
IDS = Ids(source_id="H24", target_id="D01", cluster_id="86")
CODES = Codes(stop=7, once=0, daily=1, weekly=2, monthly=3, monday=2, play_modes=(0,))


def settings(**more: Any) -> SourceApiSection:
    return SourceApiSection(**{"ids": IDS, "codes": CODES, **more})


def b(**more: Any) -> DialectB:
    return DialectB(settings(**more), HANOI, lambda *_: "")


def a(**more: Any) -> DialectA:
    return DialectA(settings(**more), HANOI, lambda *_: "")


def order(code: int, parameter: Any, **more: Any) -> Call:
    said = {"DieuKhienThietBi": {"MaLenh": code, "ThamSo": parameter}, **more}
    [call] = b().calls({"DanhSachLenh": [said]})
    return call


# --- dialect B -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "parameter", "verb", "volume"),
    [
        (0, "55", "volume", 55),
        (0, 55, "volume", 55),
        (7, "0", "stop", None),
        (7, "1", "skip", None),
        (7, "2", "pause", None),
        (7, "3", "resume", None),
        (7, "4", "unknown", None),
        (1, "0", "unknown", None),
    ],
)
def test_a_command_is_read_by_its_code(
    code: int, parameter: Any, verb: SourceVerb, volume: int | None
) -> None:
    call = order(code, parameter)
    assert (call.verb, call.volume, call.fault) == (verb, volume, "")


@pytest.mark.parametrize("parameter", ["101", "-1", "", "5.0", "٣", "9" * 5_000, None, [], {}])
def test_a_volume_that_is_none_is_told_and_not_guessed(parameter: Any) -> None:
    assert order(0, parameter).fault


def test_without_a_configured_code_nothing_stops_not_even_code_minus_one() -> None:
    said = {"DieuKhienThietBi": {"MaLenh": -1, "ThamSo": "0"}}
    [call] = b(codes=Codes()).calls({"DanhSachLenh": [said]})
    assert call.verb == "unknown"


@pytest.mark.parametrize(
    ("said", "for_us"),
    [
        ({}, True),
        ({"NguonID": "H24"}, True),
        ({"NguonID": "H25"}, False),
        ({"DanhSachThietBi": {"CumLoaID": ["86", "87"]}}, True),
        ({"DanhSachThietBi": {"CumLoaID": [86]}}, True),
        ({"DanhSachThietBi": {"CumLoaID": ["87"]}}, False),
        ({"DanhSachDiaBanNhan": [{"DichID": "D01"}]}, True),
        ({"DanhSachDiaBanNhan": [{"DichID": "D02"}]}, False),
    ],
)
def test_a_command_for_others_is_not_for_us(said: dict[str, Any], for_us: bool) -> None:
    assert order(0, "50", **said).for_us is for_us


def item(**more: Any) -> dict[str, Any]:
    begin_s = 1_772_400_600
    day = {
        "TimNgayPhat": "02-03-2026",
        "ThoiDiemPhat": [{"ThoiGianBatDau": begin_s, "ThoiGianKetThuc": begin_s + 90, "DaPhat": 0}],
    }
    known = {"LichPhatID": "LP7", "BanTinID": 12, "DanhSachNgayPhat": [day]}
    return {**known, "NoiDung": "https://x/y", "LoaiLinhVuc": 3, **more}


def test_items_of_one_schedule_are_one_call() -> None:
    said = [item(TenLichPhat="Tuần"), item(BanTinID="13"), item(LichPhatID="LP8")]
    first, second = b().calls({"DanhSachLichPhat": said})
    assert (first.verb, first.schedule, first.title) == ("save", "LP7", "Tuần")
    assert [one.bulletin for one in first.items] == ["12", "13"]
    assert second.schedule == "LP8"
    assert first.items[0].field == "đường lối, chính sách, pháp luật"
    [airing] = first.items[0].airings
    assert (airing.start_ms, airing.end_ms) == (1_772_400_600_000, 1_772_400_690_000)


def test_what_is_said_of_a_bulletin_is_kept_and_what_is_not_said_stays_empty() -> None:
    author = {"TenDayDu": "Trần Bình", "ButDanh": "Bình Minh", "Email": "binh@x.example"}
    said = item(NoiDungTomTat="Tiêm chủng", ThoiGianSanXuat=1_772_356_800, TacGia=author)
    [call] = b().calls({"DanhSachLichPhat": [said]})
    [wanted] = call.items
    assert wanted.author == "Trần Bình"
    assert wanted.about == About(
        summary="Tiêm chủng",
        produced="2026-03-01T16:20:00",
        pen_name="Bình Minh",
        email="binh@x.example",
    )
    [call] = b().calls({"DanhSachLichPhat": [item(ThoiGianSanXuat=0, NoiDungTomTat="x" * 900)]})
    assert call.items[0].about == About(summary="x" * 500)


@pytest.mark.parametrize("played", [1, True, "1", "true"])
def test_what_was_played_already_is_left_out(played: Any) -> None:
    said = item()
    said["DanhSachNgayPhat"][0]["ThoiDiemPhat"][0]["DaPhat"] = played
    [call] = b().calls({"DanhSachLichPhat": [said]})
    assert call.items[0].airings == ()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"LoaiBanTin": 5}, AckReason.UNSUPPORTED),
        ({"LoaiBanTin": 6}, AckReason.UNSUPPORTED),
        ({"DanhSachNgayPhat": [{"TimNgayPhat": "2026-03-02"}]}, AckReason.MALFORMED),
        (
            {
                "DanhSachNgayPhat": [
                    {
                        "TimNgayPhat": "03-03-2026",
                        "ThoiDiemPhat": [{"ThoiGianBatDau": 1_772_400_600}],
                    }
                ]
            },
            AckReason.MALFORMED,
        ),
        (
            {
                "DanhSachNgayPhat": [
                    {
                        "TimNgayPhat": "02-03-2026",
                        "ThoiDiemPhat": [{"ThoiGianBatDau": 1_772_400_600_000}],
                    }
                ]
            },
            AckReason.MALFORMED,
        ),
    ],
)
def test_an_item_that_cannot_be_taken_says_why(more: dict[str, Any], reason: AckReason) -> None:
    [call] = b().calls({"DanhSachLichPhat": [item(**more)]})
    assert call.items[0].refused is reason
    assert call.items[0].detail


@pytest.mark.parametrize(
    ("more", "ours"),
    [
        ({"NguonID": "H24"}, True),
        ({"NguonID": "H24", "CumLoaID": 86}, True),
        ({"CumLoaID": ["85", "86"]}, True),
        ({"NguonID": "H25"}, False),
        ({"CumLoaID": "87"}, False),
        ({"NguonID": "H24", "CumLoaID": ["87"]}, False),
    ],
)
def test_a_schedule_that_names_another_station_is_refused_item_by_item(
    more: dict[str, Any], ours: bool
) -> None:
    [call] = b().calls({"DanhSachLichPhat": [item(**more), item(BanTinID="13")]})
    first, second = call.items
    assert first.refused is (None if ours else AckReason.WRONG_AUDIENCE)
    assert second.refused is None
    [call] = b().calls({"DanhSachLichPhatXoa": [{"LichPhatID": 7, **more}]})
    assert call.for_us is ours


def test_a_deleted_schedule_is_a_cancel() -> None:
    [call] = b().calls({"DanhSachLichPhatXoa": [{"LichPhatID": 7, "TenLichPhat": "Tuần"}]})
    assert (call.verb, call.schedule, call.title) == ("cancel", "7", "Tuần")


# --- dialect A -----------------------------------------------------------------------------


def bulletin(**more: Any) -> dict[str, Any]:
    return {
        "NguonId": "H24",
        "BanTinId": "BT1",
        "NgayBatDau": "2026-03-02T00:00:00.00000",
        "NgayKetThuc": "2026-03-08T00:00:00.00000",
        "CheDoPhat": 0,
        "LichPhat": {
            "ThoiDiemBatDau": ["05:30:00.000000", "23:59:30.000000"],
            "ThoiDiemKetThuc": ["05:31:00.000000", "00:00:30.000000"],
            "KieuLich": more.pop("KieuLich", 1),
            "DanhSachNgayPhat": more.pop("DanhSachNgayPhat", []),
        },
        "NoiDung": {"Link": "https://x/y"},
        "TieuDe": "Bản tin",
        **more,
    }


def heard(name: str, said: dict[str, Any], **more: Any) -> Call:
    [call] = a(**more).calls({"DanhSachLenh": [{"Lenh": name, "DuLieu": said, "LenhID": 5}]})
    assert call.id == "5"
    return call


@pytest.mark.parametrize(
    ("kind", "named", "days"),
    [(0, [], [2]), (1, [], [2, 3, 4, 5, 6, 7, 8]), (2, [2, 8], [2, 8]), (3, [4, 31], [4])],
)
def test_a_bulletin_plays_on_the_days_of_its_kind(
    kind: int, named: list[int], days: list[int]
) -> None:
    call = heard("api5", bulletin(KieuLich=kind, DanhSachNgayPhat=named))
    starts = [(one.start_ms + 25_200_000) // 86_400_000 for one in call.items[0].airings[::2]]
    first = 1_772_409_600_000 // 86_400_000
    assert [day - first + 2 for day in starts] == days
    over_midnight = call.items[0].airings[1]
    assert over_midnight.end_ms == over_midnight.start_ms + 60_000


@pytest.mark.parametrize(
    ("made", "produced"),
    [
        ("2026-03-01T16:20:00.00000", "2026-03-01T16:20:00"),
        ("2026-03-01T09:20:00Z", "2026-03-01T16:20:00"),
        ("0001-01-01T00:00:00", ""),
        ("9999-12-31T23:59:59", ""),
        ("hôm qua", ""),
        (17, ""),
        (None, ""),
    ],
)
def test_dialect_a_says_when_a_bulletin_was_made_or_it_is_not_known(
    made: Any, produced: str
) -> None:
    author = {"TenDayDu": "Trần Bình", "ButDanh": "Bình Minh", "Email": None}
    more = {"NoiDungTomTat": "Tiêm chủng", "ThoiGianSanXuat": made, "TacGia": author}
    [wanted] = heard("api5", bulletin(**more)).items
    assert wanted.author == "Trần Bình"
    assert wanted.about == About(summary="Tiêm chủng", produced=produced, pen_name="Bình Minh")


def test_days_before_there_were_computers_are_refused_and_break_nothing() -> None:
    [wanted] = heard("api5", bulletin(NgayBatDau="0001-01-01T00:00:00")).items
    assert wanted.refused is AckReason.UNSUPPORTED


STRANGE_DATES = (
    "0001-01-01T00:00:00.0",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T20:00:00Z",
    "9999-12-31T23:59:59.999999-14:00",
    "2026-03-02T00:00:00+23:59",
    "-1",
    "",
)


@pytest.mark.parametrize("date", STRANGE_DATES)
@pytest.mark.parametrize("name", ["NgayBatDau", "NgayKetThuc", "ThoiGianSanXuat"])
@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_date_that_is_none_takes_no_other_call_along(zone: str, name: str, date: str) -> None:
    speaker = DialectA(settings(), ZoneInfo(zone), lambda *_: "")
    volume = {"NguonId": "H24", "CumLoaId": "86", "AmLuong": 40}
    said = [
        {"Lenh": "api5", "DuLieu": bulletin(**{name: date})},
        {"Lenh": "api4", "DuLieu": volume},
    ]
    first, second = speaker.calls({"DanhSachLenh": said})
    assert (second.verb, second.volume, second.fault) == ("volume", 40, "")
    assert first.verb == "save"
    if name != "ThoiGianSanXuat" and "+23" not in date:
        assert first.items[0].refused is AckReason.UNSUPPORTED


def nested(levels: int) -> Any:
    made: Any = []
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize("dialect", [a(), b()])
def test_a_call_that_is_nested_without_end_takes_no_other_call_along(dialect: Dialect) -> None:
    """Deeper than reading and showing it can go; an answer from the wire never gets so far."""
    if isinstance(dialect, DialectA):
        good = {"Lenh": "api4", "DuLieu": {"NguonId": "H24", "CumLoaId": "86", "AmLuong": 40}}
    else:
        good = {"DieuKhienThietBi": {"MaLenh": 0, "ThamSo": "40"}}
    first, second = dialect.calls({"DanhSachLenh": [nested(200_000), good]})
    assert (first.verb, first.said) == ("unknown", "?")
    assert first.fault
    assert (second.verb, second.volume) == ("volume", 40)


def test_more_airings_than_are_kept_are_refused_before_they_are_made() -> None:
    clocks = ["05:30:00.000000"] * 1_000
    plan = {"ThoiDiemBatDau": clocks, "ThoiDiemKetThuc": clocks, "KieuLich": 1}
    [wanted] = heard("api5", bulletin(LichPhat=plan)).items
    assert (wanted.refused, wanted.detail) == (AckReason.MALFORMED, "7000 airings")


def test_a_change_of_times_says_nothing_else() -> None:
    call = heard("api7", bulletin())
    assert call.items[0].known
    assert (call.items[0].url, call.items[0].title) == ("", "")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"CheDoPhat": 1}, AckReason.UNSUPPORTED),
        ({"KieuLich": -1}, AckReason.UNSUPPORTED),
        ({"NgayKetThuc": "2036-03-08T00:00:00.00000"}, AckReason.UNSUPPORTED),
        ({"NgayKetThuc": "2026-03-01T00:00:00.00000"}, AckReason.UNSUPPORTED),
        ({"NgayBatDau": "hôm nay"}, AckReason.UNSUPPORTED),
        ({"ThoiLuong": -5}, AckReason.MALFORMED),
        ({"NoiDung": {"Link": "https://x/y", "tanso": 98.5}}, AckReason.UNSUPPORTED),
        ({"NoiDung": [{"Link": "https://x/y"}, {"Link": "https://x/z"}]}, AckReason.UNSUPPORTED),
        (
            {"LichPhat": {"ThoiDiemBatDau": ["5h30"], "ThoiDiemKetThuc": ["5h31"], "KieuLich": 1}},
            AckReason.MALFORMED,
        ),
        (
            {"LichPhat": {"ThoiDiemBatDau": [], "ThoiDiemKetThuc": [], "KieuLich": 1}},
            AckReason.MALFORMED,
        ),
    ],
)
def test_a_bulletin_that_cannot_be_taken_says_why(more: dict[str, Any], reason: AckReason) -> None:
    call = heard("api5", bulletin(**more))
    assert call.items[0].refused is reason
    assert call.items[0].detail


def test_without_configured_codes_no_schedule_is_taken() -> None:
    call = heard("api5", bulletin(KieuLich=-1), codes=Codes(play_modes=(0,)))
    assert call.items[0].refused is AckReason.UNSUPPORTED


def test_a_call_that_is_not_one_of_the_four_is_unknown() -> None:
    assert heard("api9", {}).verb == "unknown"
    assert heard("api4", {"NguonId": "H24"}).fault
    assert heard("api6", {"NguonId": "H25", "BanTinId": "BT1"}).for_us is False


# --- both ----------------------------------------------------------------------------------

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "DanhSachLenh DanhSachLichPhat DanhSachLichPhatXoa DieuKhienThietBi MaLenh ThamSo"
                " Lenh DuLieu LichPhatID BanTinID DanhSachNgayPhat TimNgayPhat ThoiDiemPhat LenhID"
                " ThoiGianBatDau NguonID DanhSachThietBi CumLoaID".split()
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@pytest.mark.parametrize("dialect", [a(), b()])
@given(content=junk)
def test_whatever_stands_in_an_answer_is_read_or_told_and_bounded(
    dialect: Dialect, content: Any
) -> None:
    calls = dialect.calls(content)
    assert len(calls) <= CALLS_MAX
    for call in calls:
        assert len(call.said) <= 100
        assert len(call.id) <= 200
        hash(call)


def test_a_token_that_could_end_a_header_is_none() -> None:
    assert b().logged_in({"Token": "abc.def"}) == LoggedIn("abc.def")
    for token in ("", "a\nb", "a\r\nX: y", "ế", "x" * 9_000, None, 7):
        assert isinstance(b().logged_in({"Token": token}), str)
    assert a().logged_in(None) == LoggedIn("")
    assert isinstance(a().logged_in({"Token": "a\nb"}), str)


def test_dialect_a_logs_in_with_a_number_and_with_nothing_else() -> None:
    said = a().login("123456")
    assert said is not None
    assert dict(said.body) == {"NguonId": "H24", "CumLoaId": "86", "MaXacThuc": 123456}
    assert a().login("mat-khau") is None
    assert a().login("") is None
    assert b().login("") is None


# --- what goes out ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("produced", "told"),
    [
        ("2026-03-01", 1_772_298_000),
        ("2026-03-01T16:20:00", 1_772_356_800),
        ("2026-02-31", 0),
        ("", 0),
    ],
)
def test_both_journals_of_dialect_b_say_who_made_a_bulletin_when_and_what_it_says(
    produced: str, told: int
) -> None:
    about = About(
        summary="Tiêm chủng", produced=produced, pen_name="An Nhiên", email="an@x.example"
    )
    begun = msgspec.structs.replace(start(1, 1_772_400_600_000), about=about)
    over = msgspec.structs.replace(ended(1, 1_772_400_600_000), author="An", about=about)
    speaker = b(paths=Paths(journal="/a", journal_end="/b"))
    bodies: tuple[AirStart | AsRun, ...] = (begun, over)
    for number, body in enumerate(bodies):
        event = Event(station="x", installation="i", stream="main", seq=number, at_ms=1, body=body)
        [message] = speaker.of_record(event)
        said = message.body
        assert (said["NoiDungTomTat"], said["ThoiGianSanXuat"]) == ("Tiêm chủng", told)
        assert said["TacGia"] == {
            "TenDayDu": body.author,
            "ButDanh": "An Nhiên",
            "Email": "an@x.example",
        }


HEARD = (
    Segment(
        from_ms=1_772_400_600_000,
        to_ms=1_772_400_600_400,
        position_ms=0,
        bus=0,
        gap=OccurrenceReason.ZONE_NOT_CONFIRMED,
    ),
    Segment(from_ms=1_772_400_601_000, to_ms=1_772_400_630_000, position_ms=0, bus=0),
    Segment(from_ms=1_772_400_640_000, to_ms=1_772_400_690_500, position_ms=0, bus=0),
)


@pytest.mark.parametrize(
    ("segments", "error_ms", "began_s", "over"),
    [
        (HEARD, None, 1_772_400_601, "2026-03-02T04:31:30.50000"),
        ((), 2_000, 1_772_400_602, None),
        ((), None, 0, None),
        (HEARD[:1], None, 0, None),
    ],
)
def test_the_record_of_an_end_says_in_their_field_when_it_began(
    segments: tuple[Segment, ...], error_ms: int | None, began_s: int, over: str | None
) -> None:
    """ThoiDiemBatDau is a beginning in their schema; what never sounded has none."""
    body = msgspec.structs.replace(
        ended(1, 1_772_400_600_000), segments=segments, start_error_ms=error_ms
    )
    written_ms = 1_772_400_691_000
    event = Event(station="x", installation="i", stream="main", seq=7, at_ms=written_ms, body=body)
    [message] = b(paths=Paths(journal_end="/b")).of_record(event)
    details = {one["Ten"]: one["GiaTri"] for one in message.body["ThongTinChiTietBanTin"]}
    assert message.body["ThoiDiemBatDau"] == began_s
    assert details.get("Kết thúc") == over
    assert details["Ghi lúc"] == "2026-03-02T04:31:31.00000"
