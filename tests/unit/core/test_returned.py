"""Nothing comes out of an amplifier though something goes in: believed only after a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.returned import MISSING_FOR_MS, Returned

PROGRAMME = -2_500


def test_a_zone_whose_return_is_missing_for_long_is_silent_and_heals_with_the_first_sound() -> None:
    returned = Returned()
    returned.read("dong", PROGRAMME, -9_600, 0)
    returned.look("dong", MISSING_FOR_MS - 1)
    assert returned.silent == frozenset()
    returned.look("dong", MISSING_FOR_MS)
    assert returned.silent == {"dong"}
    returned.read("dong", PROGRAMME, -2_700, MISSING_FOR_MS + 1)
    assert returned.silent == frozenset()


def test_a_breath_between_words_says_nothing() -> None:
    returned = Returned()
    for at_ms in range(0, 10 * MISSING_FOR_MS, 10_000):
        returned.read("dong", PROGRAMME, -9_600 if at_ms % 20_000 else -2_500, at_ms)
        assert returned.silent == frozenset()


@pytest.mark.parametrize(("put_in", "out"), [(None, -9_600), (PROGRAMME, None), (-6_500, -9_600)])
def test_where_nothing_is_measured_or_put_in_nothing_is_claimed(
    put_in: int | None, out: int | None
) -> None:
    returned = Returned()
    returned.read("dong", put_in, out, 0)
    returned.look("dong", 10 * MISSING_FOR_MS)
    assert returned.silent == frozenset()


@given(st.integers(-6_000, 0), st.integers(0, 2_999))
def test_what_is_lower_by_a_gain_not_known_is_heard_all_the_same(put_in: int, less: int) -> None:
    returned = Returned()
    returned.read("dong", put_in, put_in - less, 0)
    returned.look("dong", 10 * MISSING_FOR_MS)
    assert returned.silent == frozenset()
