"""The one table is whole: no field of ours and no field of theirs is forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import get_args

import msgspec
import pytest

from agent.adapters.source_api import dialect_a, dialect_b, mapping
from agent.adapters.source_api.forms import FORMS
from agent.adapters.source_api.inbound import READ, UNREAD
from agent.adapters.source_api.settings import Ids
from agent.contract.documents import About
from agent.contract.reports import (
    AirStart,
    AsRun,
    Body,
    Event,
    OccurrenceRef,
    Segment,
    SourceReceipt,
)
from agent.core.source_view import Snapshot
from tests.unit.adapters.source_api.reference import A_IN, A_OUT, B_IN, B_OUT

ROOTS: dict[str, type] = {
    "start": AirStart,
    "run": AsRun,
    "receipt": SourceReceipt,
    "record": Event,
    "now": Snapshot,
    "ids": Ids,
    "start.occurrence": OccurrenceRef,
    "start.about": About,
    "run.about": About,
}
"""Where the paths of the table begin, and the record that stands there."""

PARTS: tuple[type, ...] = (Segment,)
"""Records within records."""


def fields(kind: type) -> Iterator[str]:
    if issubclass(kind, msgspec.Struct):
        yield from kind.__struct_fields__
    elif dataclasses.is_dataclass(kind):
        yield from (one.name for one in dataclasses.fields(kind))


def forgotten(kind: type, root: str) -> list[str]:
    """Fields that are in no row and not left out with a reason."""
    if kind.__name__ in mapping.LEFT_OUT:
        return []
    ours = {row.ours for row in mapping.ROWS}
    return [
        f"{kind.__name__}.{name}"
        for name in fields(kind)
        if f"{root}.{name}" not in ours and f"{kind.__name__}.{name}" not in mapping.LEFT_OUT
    ]


@pytest.mark.parametrize("root", ROOTS)
def test_every_field_of_ours_has_a_row_or_a_reason(root: str) -> None:
    assert forgotten(ROOTS[root], root) == []


def test_every_kind_of_record_is_told_or_left_out_with_a_reason() -> None:
    told = set(ROOTS.values())
    for kind in (*get_args(Body), *PARTS):
        assert kind in told or kind.__name__ in mapping.LEFT_OUT, kind


def test_a_new_field_of_a_record_would_be_noticed() -> None:
    """The walk itself can fail: a record with one field more has one forgotten field."""
    more = msgspec.defstruct("AirStart", [("sponsor", str)], bases=(AirStart,), kw_only=True)
    assert forgotten(more, "start") == ["AirStart.sponsor"]


def test_a_row_that_is_taken_away_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(row for row in mapping.ROWS if row.ours != "run.outcome")
    monkeypatch.setattr(mapping, "ROWS", rows)
    assert forgotten(AsRun, "run") == ["AsRun.outcome"]
    assert {"BanTinId", "GiaTri"} - sent("api9-end") == {"GiaTri"}


def test_what_is_left_out_exists_and_has_no_row() -> None:
    kinds = {one.__name__: one for one in (*ROOTS.values(), *PARTS, *get_args(Body))}
    roots = {kind.__name__: root for root, kind in ROOTS.items()}
    ours = {row.ours for row in mapping.ROWS}
    for name, why in mapping.LEFT_OUT.items():
        record, _, field = name.partition(".")
        assert why.strip() == why != ""
        assert not field or field in set(fields(kinds[record]))
        assert f"{roots.get(record, '-')}.{field}" not in ours


# --- theirs --------------------------------------------------------------------------------


def sent(message: str) -> set[str]:
    return {place.field.partition("[")[0] for _, place in mapping.places(message)}


@pytest.mark.parametrize("call", A_OUT)
def test_every_field_of_dialect_a_is_sent_and_nothing_else(call: str) -> None:
    messages = [name for name in mapping.messages_of("a") if name.partition("-")[0] == call]
    assert messages
    for message in messages:
        assert sent(message) == A_OUT[call]


@pytest.mark.parametrize("message", B_OUT)
def test_every_field_of_dialect_b_is_sent(message: str) -> None:
    """Beyond them only the id of a record, which receipts have no other place for."""
    assert B_OUT[message] - sent(message) == set()
    assert sent(message) - B_OUT[message] <= {"MaBanGhi"}


ADDED = {"Lenh", "DuLieu", "LenhID", "TenLichPhat", "NguonID", "CumLoaID"}
READERS: dict[str, tuple[type[msgspec.Struct], set[str]]] = {
    "a call": (dialect_a.Named, set()),
    "a api4": (dialect_a.Api4, A_IN["api4"]),
    "a api5": (dialect_a.Api5, A_IN["api5"]),
    "a api5 LichPhat": (dialect_a.Plan, A_IN["api5 LichPhat"]),
    "a api5 NoiDung": (dialect_a.Sound, A_IN["api5 NoiDung"]),
    "a api6": (dialect_a.Api6, A_IN["api6"]),
    "a api7": (dialect_a.Api7, A_IN["api7"]),
    "b item": (dialect_b.ScheduleItem, B_IN["item"]),
    "b day": (dialect_b.Day, B_IN["day"]),
    "b playing": (dialect_b.Playing, B_IN["playing"]),
    "b author": (dialect_b.Author, B_IN["author"]),
    "b command": (dialect_b.Command, B_IN["command"]),
    "b area": (dialect_b.Area, B_IN["area"]),
    "b devices": (dialect_b.Devices, B_IN["devices"]),
    "b order": (dialect_b.Order, B_IN["order"]),
    "b deleted": (dialect_b.Deleted, B_IN["deleted"]),
}


@pytest.mark.parametrize("name", READERS)
def test_every_field_that_comes_in_is_known_and_used_or_left_with_a_reason(name: str) -> None:
    kind, seen = READERS[name]
    known = set(kind.__struct_encode_fields__)
    assert seen - known == set()
    assert known - seen <= ADDED, "what was not seen is our addition"
    told = {field for one, field, _ in (*READ, *UNREAD) if one == name}
    assert told == known


def test_no_message_says_a_field_twice_and_every_form_is_used() -> None:
    for message in mapping.MESSAGES:
        named = [place.field for _, place in mapping.places(message)]
        assert len(named) == len(set(named)), message
    used = {place.form for row in mapping.ROWS for place in (*row.a, *row.b)}
    assert used == set(FORMS)


def test_every_row_names_its_evidence_and_messages_of_its_own_dialect() -> None:
    for row in mapping.ROWS:
        assert row.a or row.b
        for dialect, places in (("a", row.a), ("b", row.b)):
            for place in places:
                assert set(place.messages) <= set(mapping.messages_of(dialect)), row
                assert place.evidence in get_args(mapping.Evidence)
