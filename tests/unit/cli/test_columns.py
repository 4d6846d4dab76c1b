"""Text in columns, whatever letters it is made of."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.columns import clean, cut, display_width, flow, spread, wrap
from agent.cli.findings import Finding, finding_lines


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("Thôn Đoài", 9),
        (unicodedata.normalize("NFD", "Thôn Đoài"), 9),
        ("Bản tin huyện", 13),
        ("広報", 4),
        ("✓ ✗ ! ?", 7),
        ("ở\u0323", 1),
        ("a\u200bb", 2),
    ],
)
def test_width_counts_what_the_terminal_draws(text: str, columns: int) -> None:
    assert display_width(text) == columns


def test_letters_that_steer_the_terminal_are_taken_out() -> None:
    assert clean("a\x1b[31mb\nc\u202ed") == "a[31mb cd"


@given(st.text(max_size=200), st.integers(8, 60))
def test_no_wrapped_line_is_wider_than_asked(text: str, width: int) -> None:
    lines = wrap(text, width, first="✗ ", then="  ")
    assert all(display_width(line) <= width for line in lines)


@given(st.text(st.characters(categories=["L", "M", "N", "P"]), max_size=80), st.integers(8, 60))
def test_wrapping_loses_no_letter(text: str, width: int) -> None:
    lines = wrap(text, width, first="", then="")
    assert "".join("".join(lines).split()) == "".join(clean(text).split())


@given(st.text(max_size=100), st.integers(0, 60))
def test_cut_text_fits(text: str, width: int) -> None:
    assert display_width(cut(text, width)) <= width


def test_cut_text_ends_in_an_ellipsis() -> None:
    assert cut("Bản tin khu vực", 8) == "Bản tin…"
    assert cut("Bản tin", 7) == "Bản tin"


@given(st.lists(st.text(max_size=60), max_size=20), st.integers(8, 60))
def test_items_side_by_side_fit(items: list[str], width: int) -> None:
    assert all(display_width(line) <= width for line in flow(items, width, indent="  "))


@given(st.text(max_size=80), st.text(max_size=80), st.integers(10, 60))
def test_both_edges_fill_the_line_exactly(left: str, right: str, width: int) -> None:
    assert display_width(spread(left, right, width)) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("qua-ranh-gioi (huyen/khu): chờ", "! qua-ranh-gioi (huyen/khu): chờ"),
        ("huyen/khu-vuc, 05:30", "! huyen/khu-vuc, 05:30"),
        ("mains_lost: several", "! mains_lost: several"),
        ("đường loa hở mạch", "! Đường loa hở mạch"),
    ],
)
def test_what_is_typed_as_it_stands_is_not_given_a_capital_letter(text: str, shown: str) -> None:
    assert finding_lines(Finding("!", text), 80) == [shown]
