"""People type names as they come to mind."""

from __future__ import annotations

import pytest

from agent.cli.names import NotFound, find_entry, find_name
from tests.unit.cli import views

NAMES = ("Thôn Đông", "Thôn Đoài", "Chợ", "Chợ mới")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Thôn Đoài", "Thôn Đoài"),
        ("thôn-đoài", "Thôn Đoài"),
        ("thon doai", "Thôn Đoài"),
        ("doai", "Thôn Đoài"),
        ("cho", "Chợ"),
    ],
)
def test_a_zone_is_found_without_marks_and_by_a_part(typed: str, name: str) -> None:
    assert find_name(typed, NAMES) == name


def test_two_zones_that_fit_are_both_offered() -> None:
    assert find_name("thôn", NAMES) == NotFound("thôn", ("Thôn Đông", "Thôn Đoài"), several=True)


def test_a_misspelt_zone_gets_the_nearest_names() -> None:
    found = find_name("thôn đoàj", NAMES)
    assert isinstance(found, NotFound)
    assert found.candidates[0] == "Thôn Đoài"


def test_nothing_like_it_offers_nothing() -> None:
    assert find_name("---", NAMES) == NotFound("---", ())


def test_an_entry_is_its_next_occurrence() -> None:
    later = views.replace(
        views.AREA, start_ms=views.AREA.start_ms + 86_400_000, nominal="2026-11-24T05:30:00"
    )
    assert find_entry("khu-vuc", (later, views.AREA)) is views.AREA
    for when in ("24/11 05:30", "2026-11-24T05:30:00", "2026-11-24 5:30"):
        assert find_entry("huyen/khu-vuc", (later, views.AREA), when) is later
    assert find_entry("khu-vuc", (later, views.AREA), "05:30") is views.AREA


@pytest.mark.parametrize("when", ["05:31", "25/11 05:30", "noon"])
def test_an_entry_that_does_not_start_then_names_its_starts(when: str) -> None:
    found = find_entry("khu-vuc", (views.AREA,), when)
    assert found == NotFound("khu-vuc", ("23/11/2026 05:30",), at=when)


def test_an_entry_of_two_senders_must_be_named_in_full() -> None:
    other = views.replace(views.AREA, authority="tinh")
    found = find_entry("khu-vuc", (other, views.AREA))
    assert found == NotFound("khu-vuc", ("huyen/khu-vuc", "tinh/khu-vuc"), several=True)
