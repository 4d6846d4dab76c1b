"""When a warning is said again, in which zones, and in which words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.core import warnings
from agent.core.facts import WarningMemory
from agent.core.warnings import next_beat, next_play, rests_until, utterances
from tests.vectors import district as d

ISSUED = d.warning().issued_at_ms
MINUTE = 60_000
ZONES = ("dong", "trung", "doai")
REACHABLE = frozenset(ZONES)
ZONE = d.zones(d.TZ)
assert ZONE is not None


def memory(**changes: Any) -> WarningMemory:
    fields: dict[str, Any] = {
        "id": "xa-lu-1",
        "revision": 1,
        "authority": "huyen",
        "audience": d.OWN,
        "received_ms": ISSUED,
        "due_ms": ISSUED,
        "plays": 1,
        "heard": dict.fromkeys(ZONES, ISSUED + 5 * MINUTE),
    }
    return WarningMemory(**{**fields, **changes})


REPEATS = d.warning(repeat_every_ms=10 * MINUTE)
ONCE = d.warning()


@pytest.mark.parametrize(
    ("earliest_min", "beat_min"), [(0, 0), (0.1, 10), (9.9, 10), (10, 10), (10.1, 20), (-0.1, 0)]
)
def test_beats_are_whole_intervals_after_the_issue(earliest_min: float, beat_min: int) -> None:
    earliest_ms = ISSUED + round(earliest_min * MINUTE)
    assert next_beat(REPEATS, earliest_ms) == ISSUED + beat_min * MINUTE


def test_nobody_can_be_asked_to_repeat_it_all_the_time() -> None:
    assert warnings.interval_ms(d.warning(repeat_every_ms=1)) == 30_000


@pytest.mark.parametrize(
    ("began_min", "next_min"),
    [(0.1, 10), (4.9, 10), (5.1, 20), (9.5, 20), (10, 20)],
    ids=["at once", "before the middle", "past the middle", "just before a beat", "on a beat"],
)
def test_after_a_delayed_play_the_beat_that_would_follow_at_once_is_left_out(
    began_min: float, next_min: int
) -> None:
    began_ms = ISSUED + round(began_min * MINUTE)
    rest_ms = rests_until(REPEATS, began_ms, began_ms + 20_000)
    assert next_beat(REPEATS, rest_ms) == ISSUED + next_min * MINUTE


def test_a_play_longer_than_its_interval_is_followed_by_silence() -> None:
    often = d.warning(repeat_every_ms=MINUTE)
    rest_ms = rests_until(often, ISSUED, ISSUED + 2 * MINUTE - 1_000)
    assert next_beat(often, rest_ms) == ISSUED + 3 * MINUTE


def test_a_clock_that_went_back_while_it_sounded_puts_nothing_off_for_long() -> None:
    ended_ms = ISSUED
    assert rests_until(REPEATS, ISSUED + 3_600_000, ended_ms) <= ended_ms + 10 * MINUTE


def test_what_all_zones_heard_and_does_not_repeat_is_said_no_more() -> None:
    assert next_play(ONCE, memory(), ZONES, REACHABLE, ISSUED) is None


def test_a_zone_that_missed_it_hears_it_by_itself_as_soon_as_it_can_be_heard() -> None:
    held = memory(heard={"trung": 0, "doai": 0}, owed=("dong",))
    now_ms = ISSUED + 30 * MINUTE
    assert next_play(ONCE, held, ZONES, frozenset({"trung"}), now_ms) is None
    soon = now_ms + warnings.CATCH_UP_AFTER_MS
    assert next_play(ONCE, held, ZONES, REACHABLE, now_ms) == (soon, ("dong",))


def test_a_zone_that_always_has_something_else_to_hear_goes_without_in_the_end() -> None:
    heard = {"trung": 0, "doai": 0}
    for plays, wanted in ((4, True), (5, False)):
        found = next_play(ONCE, memory(heard=heard, plays=plays), ZONES, REACHABLE, ISSUED)
        assert (found is not None) is wanted


def test_a_zone_without_mains_is_never_given_up() -> None:
    held = memory(heard={}, plays=50, owed=ZONES)
    assert next_play(ONCE, held, ZONES, REACHABLE, ISSUED) is not None


def test_the_next_beat_is_for_every_zone_that_has_been_silent() -> None:
    heard = {"dong": ISSUED + 5 * MINUTE, "trung": ISSUED + 12 * MINUTE}
    held = memory(heard=heard, owed=("doai",))
    due = next_play(REPEATS, held, ZONES, frozenset({"dong", "trung"}), ISSUED + 6 * MINUTE)
    assert due == (ISSUED + 10 * MINUTE, ("dong", "doai"))


def test_a_zone_that_comes_back_shortly_before_a_beat_waits_for_it() -> None:
    held = memory(heard={"dong": ISSUED + 5 * MINUTE}, owed=("trung", "doai"))
    due = next_play(REPEATS, held, ZONES, REACHABLE, ISSUED + 9 * MINUTE + 10_000)
    assert due == (ISSUED + 10 * MINUTE, ZONES)


def test_a_zone_in_the_dark_does_not_hold_up_the_beats_of_the_others() -> None:
    heard = {"dong": ISSUED + 5 * MINUTE, "trung": ISSUED + 15 * MINUTE}
    held = memory(heard=heard, owed=("dong",))
    due = next_play(REPEATS, held, ("dong", "trung"), frozenset({"trung"}), ISSUED + 11 * MINUTE)
    assert due == (ISSUED + 20 * MINUTE, ("dong", "trung"))


# --- what is said -----------------------------------------------------------------------------


def texts(said_ms: int, *, again: bool = False, **changes: Any) -> list[str]:
    warning = d.warning(**{"texts": {"vi": "Xả lũ.", "en": "Flood."}, **changes})
    assert ZONE is not None
    return [one.text for one in utterances(warning, said_ms, ZONE, again=again)]


def test_at_once_the_words_alone_are_said() -> None:
    assert texts(ISSUED + 15_000) == ["Xả lũ.", "Flood."]


def test_later_the_hour_of_issue_comes_first_in_each_language_that_has_words_for_it() -> None:
    vietnamese, english = texts(ISSUED + 16_000)
    assert vietnamese.startswith("ban hành lúc ")
    assert english.startswith("issued at ")
    assert "ngày" not in vietnamese


def test_said_again_by_a_slow_clock_it_still_tells_the_hour() -> None:
    assert texts(ISSUED - 3_600_000, again=True)[0].startswith("ban hành lúc ")


def test_on_another_day_the_day_is_said_too() -> None:
    vietnamese, english = texts(ISSUED + 86_400_000)
    assert " ngày " in vietnamese
    assert " on " in english


def test_before_words_of_another_language_the_hour_is_said_alone() -> None:
    hour, words = texts(ISSUED + MINUTE, texts={"km": "ទឹកជំនន់"})
    assert hour.startswith("ban hành lúc ")
    assert words == "ទឹកជំនន់"


# --- memories of older software -----------------------------------------------------------------


def test_a_memory_of_older_software_is_read_without_zones() -> None:

    raw = (
        b'{"id":"a","revision":1,"authority":"h","audience":"s/x","received_ms":1,"due_ms":2,'
        b'"plays":1,"ended":"played","valid_until_ms":3}'
    )
    held = msgspec.json.decode(raw, type=WarningMemory)
    assert (held.heard, held.zones, held.owed) == (None, (), ())
