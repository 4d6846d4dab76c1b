"""Which PIN is too weak, how long a name waits after wrong ones, and who is the same person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.pins import FREE_TRIES, WAIT_MAX_MS, Tries, name_key, plain_name, weakness_of

MINUTE_MS = 60_000


@pytest.mark.parametrize(
    ("pin", "weakness"),
    [
        ("12345", "short"),
        ("1234567890123", "long"),
        ("40281a", "digits"),
        ("٤٠٢٨١٧", "digits"),
        ("", "digits"),
        ("000000", "few"),
        ("112122", "few"),
        ("123456", "row"),
        ("987654", "row"),
        ("789012", "row"),
        ("135791", "row"),
        ("123123", "repeated"),
        ("40174017", "repeated"),
        ("199073", "year"),
        ("731990", "year"),
        ("72201966", "year"),
        ("231185", "date"),
        ("851123", "date"),
        ("112385", "date"),
        ("30041975", "date"),
        ("19750430", "date"),
    ],
)
def test_a_pin_that_is_guessed_first_is_not_taken(pin: str, weakness: str) -> None:
    assert weakness_of(pin) == weakness


@pytest.mark.parametrize("pin", ["402817", "7305916", "918273645", "602914"])
def test_a_pin_of_unordered_digits_is_taken(pin: str) -> None:
    assert weakness_of(pin) is None


@given(st.text(max_size=20))
def test_whatever_is_typed_is_taken_only_as_six_to_twelve_digits(pin: str) -> None:
    if weakness_of(pin) is None:
        assert pin.isascii()
        assert pin.isdecimal()
        assert 6 <= len(pin) <= 12
        assert len(set(pin)) >= 3


def after(wrong: int, at_ms: int = 0) -> Tries:
    return Tries(wrong, at_ms)


def test_five_tries_are_free_and_then_the_waits_grow_to_an_hour() -> None:
    waits = [after(wrong).wait_ms(0) for wrong in range(14)]
    assert waits[:FREE_TRIES] == [0] * 5
    assert [one // MINUTE_MS for one in waits[FREE_TRIES:]] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert after(10**6).wait_ms(0) == WAIT_MAX_MS


def test_a_wait_runs_down_and_is_over_at_its_end() -> None:
    tries = after(5, 1_000)
    assert tries.wait_ms(1_000 + 20_000) == 40_000
    assert tries.wait_ms(1_000 + 60_000) == 0


@given(wrong=st.integers(0, 100), last_ms=st.integers(0, 10**13), now_ms=st.integers(0, 10**13))
def test_whatever_the_clock_says_a_wait_is_never_longer_than_it_is(
    wrong: int, last_ms: int, now_ms: int
) -> None:
    tries = after(wrong, last_ms).seen_at(now_ms)
    assert 0 <= tries.wait_ms(now_ms) <= WAIT_MAX_MS
    assert tries.wait_ms(now_ms + WAIT_MAX_MS) == 0
    if last_ms > now_ms and wrong >= FREE_TRIES:
        assert tries.wait_ms(now_ms) > 0, "a clock that went back let a name in"


@given(st.integers(0, 30), st.integers(0, 10**13))
def test_one_more_wrong_pin_never_shortens_the_wait(wrong: int, now_ms: int) -> None:
    before = after(wrong, now_ms)
    assert before.and_one(now_ms).wait_ms(now_ms) >= before.wait_ms(now_ms)
    assert before.and_one(now_ms).left == max(0, before.left - 1)


def test_a_name_is_the_same_however_it_is_typed() -> None:
    assert name_key("Nguyễn Văn Đoàn") == name_key("nguyen  van doan")
    assert name_key("Hoa") != name_key("Hoan")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Nguyễn  Văn Hòa ", "Nguyễn Văn Hòa"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("", None),
        ("A", None),
        ("402817", None),
        ("a\x1b[2J", None),
        ("x" * 65, None),
        ("...", None),
    ],
)
def test_a_name_is_kept_as_written_and_what_is_none_is_not(typed: str, kept: str | None) -> None:
    assert plain_name(typed) == kept
