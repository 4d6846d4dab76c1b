"""What a regulation says about an instant, a zone, an item."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.contract.documents import (
    AirWindow,
    Regulation,
    Settings,
    VolumeCeiling,
    ZoneSelector,
)
from agent.contract.reasons import OccurrenceReason as Why
from agent.core.items import FOREVER_MS, Bar
from agent.core.rules import RULE_LETTERS, Rules, shortened
from agent.core.site import Amplifier, BusChoice, Site, Zone

TZ = ZoneInfo("Asia/Ho_Chi_Minh")
BUSES = (BusChoice(0, 1),)
SITE = Site(
    "s",
    "S",
    TZ.key,
    (
        Zone("dong", "c", 0, "amp", BUSES, frozenset({"truong-hoc"})),
        Zone("doai", "c", 1, "amp", BUSES),
    ),
    (Amplifier("amp", "c"),),
)
MINUTE_MS = 60_000


def at(text: str) -> int:
    """Local time of March 2026: "02 05:00"."""
    return int(datetime.fromisoformat(f"2026-03-{text}:00").replace(tzinfo=TZ).timestamp()) * 1_000


def rules(tags: dict[str, tuple[str, ...]] | None = None, **fields: Any) -> Rules:
    made = Rules(SITE, TZ)
    made.adopt(Settings(regulation=Regulation(**fields), zone_tags=tags or {}))
    return made


def bars(made: Rules, start: str, minutes: int = 10, language: str = "vi") -> list[Bar]:
    start_ms = at(start)
    return list(made.bars(("dong",), start_ms, start_ms + minutes * MINUTE_MS, language))


def test_without_a_regulation_nothing_is_kept_back_and_nothing_is_quieter() -> None:
    made = Rules(SITE, TZ)
    for settings in (None, Settings(), Settings(regulation=Regulation())):
        made.adopt(settings)
        assert bars(made, "02 03:00") == []
        assert made.ceiling("dong", at("02 03:00")) is None
        assert made.ceiling_changes_ms(at("02 03:00")) is None
        assert made.against("dong", at("02 03:00"), ["tay"]) == []
        assert not made.counts()


def test_what_starts_in_a_window_is_barred_from_its_end_on() -> None:
    made = rules(windows=(AirWindow(hours="05:00-06:00"),), document_number="QĐ 1")
    words = "05:00-06:00 (QĐ 1)"
    ends = [Bar("dong", Why.OUTSIDE_HOURS, words, at("02 06:00"), FOREVER_MS)]
    assert bars(made, "02 05:00") == ends
    assert bars(made, "02 05:59") == ends
    assert bars(made, "02 06:00") == [Bar("dong", Why.OUTSIDE_HOURS, words)]
    assert bars(made, "02 04:59") == [Bar("dong", Why.OUTSIDE_HOURS, words)]


def test_windows_that_overlap_or_adjoin_are_one_for_an_item() -> None:
    hours = ("05:00-06:00", "05:30-07:00", "07:00-07:30", "07:31-08:00")
    made = rules(windows=tuple(AirWindow(hours=one) for one in hours))
    for start in ("02 05:10", "02 05:30", "02 07:10"):
        assert bars(made, start)[0].from_ms == at("02 07:30")
    assert bars(made, "02 07:31")[0].from_ms == at("02 08:00")


def test_hours_that_go_on_past_midnight_are_followed_and_those_without_end_end_somewhere() -> None:
    night = rules(windows=(AirWindow(hours="22:00-24:00"), AirWindow(hours="00:00-01:00")))
    assert bars(night, "02 23:00")[0].from_ms == at("03 01:00")
    always = rules(windows=(AirWindow(hours="00:00-24:00"),))
    assert bars(always, "02 23:00")[0].from_ms > at("09 00:00")


def test_a_zone_that_no_window_names_is_bound_to_no_hours() -> None:
    made = rules(windows=(AirWindow(hours="05:00-06:00", zones=ZoneSelector(names=("doai",))),))
    assert bars(made, "02 12:00") == []
    assert made.against("doai", at("02 12:00"), []) == [Why.OUTSIDE_HOURS]


def test_windows_name_zones_by_the_stations_tags_and_those_of_the_settings() -> None:
    school = AirWindow(hours="07:00-08:00", zones=ZoneSelector(tags=("truong-hoc",)))
    assert rules(windows=(school,)).has_hours("dong")
    assert not rules(windows=(school,)).has_hours("doai")
    assert rules({"doai": ("truong-hoc",)}, windows=(school,)).has_hours("doai")


def test_on_a_day_without_its_window_a_zone_stays_silent() -> None:
    made = rules(windows=(AirWindow(hours="05:00-06:00", days=(1, 2, 3, 4, 5)),))
    assert made.session_at("dong", at("06 05:00")) is not None  # a Friday
    assert made.session_at("dong", at("07 05:00")) is None
    assert bars(made, "07 05:00")[0].rule == "05:00-06:00 T2 T3 T4 T5 T6"


def test_a_silent_date_bars_from_its_midnight_to_the_next() -> None:
    made = rules(silent_dates=("2026-03-03",))
    assert bars(made, "03 12:00") == [Bar("dong", Why.SILENT_DATE, "2026-03-03")]
    assert bars(made, "02 23:55") == [
        Bar("dong", Why.SILENT_DATE, "2026-03-03", at("03 00:00"), at("04 00:00"))
    ]
    assert bars(made, "04 00:00") == []


def test_a_language_is_allowed_with_its_varieties() -> None:
    made = rules(languages=("vi", "tyz"))
    assert bars(made, "02 05:00", language="vi-VN") == []
    assert bars(made, "02 05:00", language="vie") == [
        Bar("dong", Why.LANGUAGE_NOT_ALLOWED, "Việt, Tày")
    ]
    assert made.against("dong", at("02 05:00"), ["vi", "hmn"]) == [Why.LANGUAGE_NOT_ALLOWED]


def test_the_lowest_ceiling_in_force_counts() -> None:
    made = rules(
        ceilings=(
            VolumeCeiling(hours="21:00-06:00", volume=50),
            VolumeCeiling(hours="05:00-07:00", volume=30, zones=ZoneSelector(names=("dong",))),
        )
    )
    assert [made.ceiling("dong", at(one)) for one in ("02 04:59", "02 05:00", "02 06:30")] == [
        50,
        30,
        30,
    ]
    assert [made.ceiling("doai", at(one)) for one in ("02 05:59", "02 06:00", "02 21:00")] == [
        50,
        None,
        50,
    ]


def test_the_day_of_a_ceiling_is_the_one_on_which_its_hours_begin() -> None:
    made = rules(ceilings=(VolumeCeiling(hours="21:00-06:00", volume=50, days=(7,)),))
    assert made.ceiling("dong", at("01 22:00")) == 50  # Sunday night
    assert made.ceiling("dong", at("02 05:00")) == 50
    assert made.ceiling("dong", at("02 22:00")) is None
    assert made.ceiling("dong", at("01 05:00")) is None


def test_between_two_changes_no_ceiling_changes() -> None:
    made = rules(
        ceilings=(
            VolumeCeiling(hours="21:00-06:00", volume=50, days=(1, 3)),
            VolumeCeiling(hours="05:30-05:45", volume=20),
        )
    )
    t_ms, end_ms = at("01 00:00"), at("05 00:00")
    while t_ms < end_ms:
        next_ms = made.ceiling_changes_ms(t_ms)
        assert next_ms is not None
        here = made.ceiling("dong", t_ms)
        for between_ms in range(t_ms, next_ms, 7 * MINUTE_MS):
            assert made.ceiling("dong", between_ms) == here
        assert made.ceiling("dong", next_ms - 1) == here
        t_ms = next_ms


def test_words_of_a_rule_fit_a_record_with_the_documents_number() -> None:
    many = tuple(AirWindow(hours=f"{h:02}:00-{h:02}:30", days=(1, 2, 3)) for h in range(20))
    made = rules(windows=many, document_number="12/2026/QĐ-UBND")
    words = made.hours_in_words("dong")
    assert len(words) == RULE_LETTERS
    assert words.endswith("… (12/2026/QĐ-UBND)")
    assert shortened("ngắn", " → 05:00") == "ngắn → 05:00"
