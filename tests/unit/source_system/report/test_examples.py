"""The examples an engineer copies: they load as they are, and say what they seem to say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from simulator.source_system.report.letterhead import (
    DOTS,
    Letterhead,
    LetterheadWrong,
    read_letterhead,
)
from simulator.source_system.report.registry import hamlets
from simulator.source_system.report.registry_file import COLUMNS, read_registry

EXAMPLES = Path(__file__).parents[4] / "config" / "examples"


def test_the_example_registry_loads_and_shows_a_merger_and_an_unserved_hamlet() -> None:
    found = read_registry(EXAMPLES / "registry")
    before, after = dt.date(2025, 6, 30), dt.date(2025, 7, 1)
    names = [found.unit("xuat-le", day) for day in (before, after)]
    assert [one.name for one in names if one] == ["Xã Xuất Lễ", "Xã Tân Xuất"]
    assert [one.name for one in hamlets(found, after) if not one.is_served] == ["Khe Sâu"]
    assert found.boards[1].connected is None


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_the_example_registry_shows_every_column(name: str) -> None:
    header = (EXAMPLES / "registry" / name).read_text(encoding="utf-8-sig").splitlines()[0]
    assert header.split(",") == [names[0] for names in COLUMNS[name].values()]


def test_the_example_letterhead_leaves_the_signer_open() -> None:
    found = read_letterhead(EXAMPLES / "report-letterhead.toml")
    assert found.signer == DOTS
    assert found.issuer == "Trung tâm Văn hóa và Truyền thanh"


def test_without_a_letterhead_everything_is_left_open(tmp_path: Path) -> None:
    assert read_letterhead(tmp_path / "none.toml") == Letterhead()


def test_a_letterhead_with_an_unknown_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('boss = "A"', encoding="utf-8")
    with pytest.raises(LetterheadWrong, match="boss"):
        read_letterhead(tmp_path / "x.toml")
