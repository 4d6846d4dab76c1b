"""Bytes of a link by local day: counted once, whatever restarts, resets and clocks do."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from agent.core.data_use import (
    DAYS_KEPT,
    UNSAVED_MAX_BYTES,
    DataUse,
    counted,
    month_began,
    of_day,
    since,
    unsaved,
)
from agent.core.events import InterfaceSeen

DAY = date(2026, 11, 23)
TODAY = DAY.isoformat()


def seen(
    received: int | None, sent: int | None = 0, incarnation: str = "boot-1/3"
) -> InterfaceSeen:
    return InterfaceSeen("wwan0", "modem", True, True, received, sent, incarnation)


def all_of(use: DataUse) -> int:
    return sum(use.days.values()) + use.undated


def test_the_first_look_counts_nothing_because_nobody_knows_since_when_the_counter_runs() -> None:
    use = counted(None, seen(5_000_000), TODAY)
    assert use == DataUse("boot-1/3", 5_000_000)


def test_both_directions_are_counted() -> None:
    use = counted(counted(None, seen(100, 10), TODAY), seen(300, 25), TODAY)
    assert use is not None
    assert of_day(use, DAY) == 215


def test_an_agent_that_restarts_in_the_same_boot_counts_what_passed_meanwhile() -> None:
    saved = DataUse("boot-1/3", 1_000, {TODAY: 400})
    use = counted(saved, seen(9_000), TODAY)
    assert use is not None
    assert of_day(use, DAY) == 8_400


def test_a_new_boot_counts_from_zero_even_when_the_counter_is_higher_than_before() -> None:
    saved = DataUse("boot-1/3", 1_000, {TODAY: 400})
    use = counted(saved, seen(1_500, 0, "boot-2/3"), TODAY)
    assert use is not None
    assert of_day(use, DAY) == 1_900


def test_a_counter_that_went_back_without_a_word_counts_from_zero() -> None:
    use = counted(DataUse("boot-1/3", 5_000, {TODAY: 1}), seen(70), TODAY)
    assert use is not None
    assert of_day(use, DAY) == 71


def test_what_was_carried_with_an_untrusted_clock_goes_into_the_first_known_day() -> None:
    use = counted(counted(None, seen(0), None), seen(500), None)
    assert use is not None
    assert use.days == {}
    use = counted(use, seen(500), TODAY)
    assert use is not None
    assert use.days == {TODAY: 500}
    assert use.undated == 0


def test_a_clock_that_steps_back_over_a_month_puts_bytes_where_they_belong_then() -> None:
    use = counted(counted(None, seen(0), "2026-12-01"), seen(100), "2026-12-01")
    use = counted(use, seen(160), "2026-11-30")
    assert use is not None
    assert use.days == {"2026-12-01": 100, "2026-11-30": 60}
    assert since(use, date(2026, 11, 1), date(2026, 11, 30)) == 60


def test_an_interface_that_does_not_tell_its_counters_changes_nothing() -> None:
    before = DataUse("boot-1/3", 5, {TODAY: 9})
    assert counted(before, seen(None, None), TODAY) is before
    assert counted(None, seen(None, None), TODAY) is None


def test_a_look_without_traffic_is_the_same_fact_so_that_nothing_is_saved() -> None:
    before = DataUse("boot-1/3", 50, {TODAY: 9})
    assert counted(before, seen(50), TODAY) is before


def test_old_days_are_forgotten() -> None:
    use: DataUse | None = DataUse("boot-1/3", 0)
    for number in range(1, 201):
        use = counted(use, seen(number), date.fromordinal(DAY.toordinal() + number).isoformat())
    assert use is not None
    assert len(use.days) == DAYS_KEPT
    assert max(use.days) == date.fromordinal(DAY.toordinal() + 200).isoformat()


def test_the_plan_month_begins_on_its_day_whatever_month_it_is() -> None:
    assert month_began(date(2026, 11, 23), 1) == date(2026, 11, 1)
    assert month_began(date(2026, 11, 23), 25) == date(2026, 10, 25)
    assert month_began(date(2027, 1, 4), 15) == date(2026, 12, 15)
    assert month_began(date(2026, 3, 1), 31) == date(2026, 2, 28)


def test_a_month_sums_its_days_and_no_others() -> None:
    use = DataUse("b", 0, {"2026-10-31": 1, "2026-11-01": 10, "2026-11-23": 100, "2026-11-24": 7})
    assert since(use, month_began(DAY, 1), DAY) == 110


def test_a_reset_is_worth_saving_at_once_and_a_look_is_not() -> None:
    saved = DataUse("boot-1/3", 1_000)
    assert unsaved(DataUse("boot-1/3", 1_300), saved) == 300
    assert unsaved(DataUse("boot-2/3", 5), saved) >= UNSAVED_MAX_BYTES


@given(
    st.lists(
        st.one_of(
            st.integers(0, 10_000),
            st.sampled_from(["reset", "new boot", "no clock", "clock", "tomorrow", "yesterday"]),
        ),
        max_size=60,
    )
)
def test_every_byte_is_counted_once_whatever_happens_between_two_looks(
    story: list[int | str],
) -> None:
    """Every look sees the counter as it is; resets and clock steps lie between looks."""
    use = counted(None, seen(0), TODAY)
    raw, carried, boot, day, trusted = 0, 0, 1, DAY, True
    for what in story:
        match what:
            case int():
                raw += what
                carried += what
            case "reset" | "new boot":
                boot += 1
                raw = 0
            case "clock" | "no clock":
                trusted = what == "clock"
            case "tomorrow" | "yesterday":
                day = date.fromordinal(day.toordinal() + (1 if what == "tomorrow" else -1))
        use = counted(use, seen(raw, 0, f"{boot}"), day.isoformat() if trusted else None)
        assert use is not None
        assert all_of(use) == carried
        if trusted:
            assert use.undated == 0
