"""docs/compliance.md names nothing that is not there and hides nothing that is missing.

No test can tell whether a requirement was read rightly; this one tells that its file and its tests
exist.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
STATES = {"done", "partly", "not done", "not applicable"}
MARK = re.compile(r"\[(source|practice|plan|inference|background)\]|NOT SEEN")
MAPPING = {f"M{number}" for number in range(1, 13)}


class Row(NamedTuple):
    """One requirement, its cells in the order of the table."""

    id: str
    requirement: str
    evidence: str
    state: str
    where: str
    shown_by: str
    to_check: str

    @property
    def files(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.where)

    @property
    def tests(self) -> list[str]:
        return re.findall(r"`([^`]+)`", self.shown_by)


def text() -> str:
    return (ROOT / "docs" / "compliance.md").read_text(encoding="utf-8")


def rows() -> list[Row]:
    found = []
    for line in text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[A-Z]\d+", cells[0]):
            assert len(cells) == len(Row._fields), line
            found.append(Row(*cells))
    return found


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def test_no_requirement_is_numbered_twice_and_none_of_the_mapping_is_left_out() -> None:
    ids = [row.id for row in rows()]
    assert len(ids) == len(set(ids)) >= 90
    assert set(ids) >= MAPPING


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_every_file_and_every_test_that_is_named_exists(row: Row) -> None:
    for file in row.files:
        assert (ROOT / file).is_file(), file
    for named in row.tests:
        file, _, test = named.partition("::")
        assert test.startswith("test_"), named
        assert (ROOT / file).is_file(), file
        assert test in functions_of(file), named


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_a_state_is_borne_out_and_its_evidence_is_marked(row: Row) -> None:
    assert row.state in STATES
    assert MARK.search(row.evidence), row.evidence
    if row.state in ("done", "partly"):
        assert row.files
        assert row.tests
    if row.state != "done":
        assert row.to_check, "what is missing, or who has to look, is not said"


def test_what_nobody_has_seen_is_never_called_done_without_something_to_check() -> None:
    for row in rows():
        if "NOT SEEN" in row.evidence and row.state == "done":
            assert row.to_check, row.id


def test_the_table_says_that_it_claims_conformity_with_no_text() -> None:
    assert "It claims conformity with no text." in text()
    assert not re.search(r"\b(complies|compliant|conforms) with\b", text(), re.IGNORECASE)
