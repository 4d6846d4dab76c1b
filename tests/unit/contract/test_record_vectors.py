"""The record vectors: current, chained as the station chains, and checked as they say."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest

from agent.adapters.signature import verify
from agent.contract.chain import BEGIN, chained, link, parted
from agent.contract.reports import Event
from simulator.source_system.chain_check import Place, Row, Walk
from tests.vectors import records as make

VECTORS: dict[str, Any] = json.loads(make.PATH.read_text(encoding="utf-8"))
GOOD = [raw.encode() for raw in VECTORS["cases"][0]["records"]]


def test_the_committed_record_vectors_are_what_the_generator_writes() -> None:
    assert make.PATH.read_text(encoding="utf-8") == make.build()


def test_a_station_chains_as_the_contract_says() -> None:
    """Cut the ending off what it would publish and hash it by hand."""
    before = BEGIN
    for raw in GOOD:
        event = msgspec.json.decode(raw, type=Event)
        written, chain = chained(event, before)
        ending = f',"chain":"{chain}"}}'.encode()
        assert written.endswith(ending)
        content = written.removesuffix(ending) + b"}"
        assert chain == hashlib.sha256(bytes.fromhex(before) + content).hexdigest()
        assert msgspec.json.decode(content, type=Event) == msgspec.structs.replace(event, chain="")
        before = chain


def test_the_chain_is_checked_on_the_bytes_that_came() -> None:
    before = BEGIN
    for raw, expected in zip(GOOD, VECTORS["chains"], strict=True):
        content, stated = parted(raw)
        assert link(before, content) == stated == expected
        before = stated


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_source_system_finds_what_the_vector_says(case: dict[str, Any]) -> None:
    place = Place(VECTORS["station"], VECTORS["installation"], VECTORS["stream"])
    walk = Walk(place, verify, lambda public: public == VECTORS["public"])
    for raw in case["records"]:
        event = msgspec.json.decode(raw, type=Event)
        kind = str(event.body.__struct_config__.tag)
        walk.take(Row(event.seq, event.at_ms, kind, raw.encode()))
    found = [{"kind": one.kind.value, "seq": one.seq} for one in walk.findings]
    assert found == case["expect"]


def test_the_chain_stays_the_last_field_of_a_record() -> None:
    assert Event.__struct_fields__[-1] == "chain"
