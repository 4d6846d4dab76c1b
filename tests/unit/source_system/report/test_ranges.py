"""Which records a report rests on: its gaps, and whether the chain over them holds."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given
from hypothesis import strategies as st

from agent.contract.chain import BEGIN, chained, follows, link, parted, stated_link, words_of
from agent.contract.reports import Audit, Body, Checkpoint, Event
from simulator.source_system.chain_check import Place, Row, Walk
from simulator.source_system.keyring import verify_signature
from simulator.source_system.report.gather import chain_checker
from simulator.source_system.report.presence import Span
from simulator.source_system.report.ranges import Gap, RawRecord, Stream, follow, missing
from simulator.source_system.report.reading import opened
from tests.unit.source_system.report.told import Told, play

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
STREAM = Stream("tan-lien", "card", "main")
DAY = Span(0, 86_400_000)


class Made(NamedTuple):
    rows: list[RawRecord]
    chain: str


def made(count: int, checkpoints: set[int]) -> Made:
    """Records 1 to `count`; those in `checkpoints` sign what is before them."""
    rows, chain = [], BEGIN
    for seq in range(1, count + 1):
        body: Body = Audit(what="x", by="a", detail=str(seq))
        if seq in checkpoints:
            words = words_of(*STREAM, seq - 1, chain)
            signature = KEY.sign(words).hex()
            body = Checkpoint(through=seq - 1, chain=chain, public=PUBLIC, signature=signature)
        event = Event(
            station=STREAM.station,
            installation=STREAM.installation,
            stream=STREAM.stream,
            seq=seq,
            at_ms=seq,
            body=body,
        )
        raw, chain = chained(event, chain)
        rows.append((seq, str(body.__struct_config__.tag), raw))
    return Made(rows, chain)


def followed(rows: list[RawRecord], before: str = BEGIN, accepted: bool = True) -> Any:
    return follow(STREAM, rows, before, verify_signature, lambda *_: accepted)


def test_a_whole_chain_is_signed_up_to_its_last_checkpoint() -> None:
    found = followed(made(9, {4, 8}).rows)
    assert (found.state, found.signed_through, found.broken_at) == ("signed", 7, [])
    assert len(found.keys) == 1


def test_a_chain_that_nobody_signed_is_linked_and_no_more() -> None:
    assert followed(made(5, set()).rows).state == "linked"


def test_records_of_older_software_have_no_chain() -> None:
    rows = [(seq, "audit", b'{"v":1}') for seq in (1, 2, 3)]
    assert followed(rows).state == "none"


def test_the_first_chained_record_after_older_ones_begins_the_chain() -> None:
    rows = [(0, "audit", b'{"v":1}'), *made(5, {5}).rows]
    assert followed(rows).state == "signed"


def test_a_chain_that_loses_its_links_is_broken() -> None:
    rows = made(5, {3}).rows
    rows[4] = (5, "audit", b'{"v":1}')
    assert followed(rows).broken_at == [5]


def test_a_key_that_nobody_accepted_signs_nothing() -> None:
    found = followed(made(5, {5}).rows, accepted=False)
    assert (found.state, found.signed_through) == ("linked", 0)
    assert found.unknown_keys == found.keys


def test_following_can_begin_in_the_middle_with_or_without_the_chain_before() -> None:
    whole = made(8, {8})
    before = made(3, set()).chain
    assert followed(whole.rows[3:], before).state == "signed"
    assert followed(whole.rows[3:], "").state == "signed"
    assert followed(whole.rows[3:], "0" * 64).broken_at == [4]


@example(2, {2}, [("drop", 0), ("change", 0)])
@given(
    st.integers(2, 12),
    st.sets(st.integers(1, 12)),
    st.lists(
        st.tuples(st.sampled_from(["drop", "change", "swap"]), st.integers(0, 11)), max_size=2
    ),
)
def test_it_finds_a_forgery_whenever_the_thorough_walk_does(
    count: int, checkpoints: set[int], acts: list[tuple[str, int]]
) -> None:
    rows = made(count, checkpoints).rows
    for act, place in acts:
        at = place % len(rows)
        if act == "drop" and len(rows) > 1:
            del rows[at]
        elif act == "change":
            seq, kind, raw = rows[at]
            rows[at] = (seq, kind, raw.replace(b'"at_ms":', b'"at_ms":1', 1))
        elif act == "swap":
            other = (at + 1) % len(rows)
            one, two = rows[at], rows[other]
            rows[at], rows[other] = (one[0], *two[1:]), (two[0], *one[1:])
    walk = Walk(Place(*STREAM), verify_signature, lambda _: True)
    walk.take_all(Row(seq, seq, kind, raw) for seq, kind, raw in rows)
    # A gap is told as a gap, and what is kept beside the bytes is not in the chain.
    told = {one.kind.value for one in walk.findings} - {"gap"}
    wrong = told - {"misplaced", "unreadable"}
    found = followed(rows, BEGIN if rows[0][0] == 1 else "")
    assert not wrong or found.state == "broken"
    assert told or found.state != "broken"


@given(
    st.binary(max_size=40),
    st.binary(min_size=32, max_size=32),
    st.sampled_from([b"", b" ", b"A", b"0"]),
)
def test_the_quick_look_at_a_record_sees_what_the_contract_sees(
    content: bytes, chain: bytes, spoiler: bytes
) -> None:
    text = chain.hex().encode()
    text = spoiler + text[len(spoiler) :]
    raw = b"{" + content + b',"chain":"' + text + b'"}'
    whole, stated = parted(raw)
    assert stated_link(raw).hex() == stated
    if stated:
        good = link(BEGIN, whole)
        assert follows(bytes(32), raw, bytes.fromhex(good))
        assert follows(bytes(32), raw, stated_link(raw)) == (good == stated)


# --- from the database ----------------------------------------------------------------------


def test_gaps_are_named_and_what_is_written_off_is_told(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    for seq in (1, 2, 5, 6, 9):
        told.tell(play(seq * 1_000), seq * 1_000, seq=seq)
    (gap,) = told.journal.gaps()
    with told.journal.transaction():
        told.journal.write_off(gap)
    with opened(told.close()) as records:
        (found,) = records.ranges("tan-lien", DAY)
    assert (found.first_seq, found.last_seq, found.records) == (1, 9, 5)
    assert found.gaps == [Gap(3, 4), Gap(7, 8)]
    assert (found.missing, found.lost) == (4, 2)


def test_a_range_holds_what_was_counted_even_when_it_was_written_down_later(
    tmp_path: Path,
) -> None:
    told = Told(tmp_path / "j")
    told.tell(play(DAY.to_ms - 60_000), DAY.to_ms + 3_600_000)
    told.tell(play(DAY.to_ms + 60_000), DAY.to_ms + 7_200_000)
    with opened(told.close()) as records:
        (found,) = records.ranges("tan-lien", DAY)
    assert (found.first_seq, found.last_seq) == (1, 1)


def test_a_second_record_of_the_same_play_is_told_and_not_counted(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    told.tell(play(1_000), 5_000)
    told.tell(play(1_000, outcome="skipped"), 9_000)
    with opened(told.close()) as records:
        (found,) = records.ranges("tan-lien", DAY)
        assert found.doubled == 1
        assert sum(one.plays for one in records.counted("tan-lien", DAY)) == 1


def test_a_record_changed_in_the_database_breaks_the_chain_of_the_report(tmp_path: Path) -> None:
    told = Told(tmp_path / "j")
    for number in range(5):
        told.tell(play(number * 1_000), number * 1_000)
    path = told.close()
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE events SET raw = CAST(replace(raw, '\"played_ms\":600000', '\"played_ms\":1')"
            " AS BLOB) WHERE seq = 3"
        )
    with opened(path) as records:
        check = chain_checker(records, verify_signature)
        (found,) = records.ranges("tan-lien", DAY)
        chain = check(records, found)
    assert (chain.state, chain.broken_at) == ("broken", [3])


@given(
    st.sets(st.integers(1, 40)),
    st.integers(0, 40),
    st.integers(0, 12),
    st.integers(0, 5),
)
def test_every_missing_number_is_told_once_inside_or_at_the_edge(
    held: set[int], first_seq: int, length: int, more: int
) -> None:
    """From the nearest record before a range to the nearest after it, or to where all was here."""
    last_seq = first_seq + length if first_seq else 0
    through = max(held | {last_seq}) + more
    before = max((one for one in held if one < first_seq), default=0) if first_seq else 0
    after = min((one for one in held if one > last_seq), default=through + 1)
    after = after if first_seq else through + 1
    numbers = [before, *sorted(one for one in held if before < one < after), after]
    gaps, edges = missing(itertools.pairwise(numbers), first_seq, last_seq, {})
    spans = [(one.from_seq, one.to_seq) for one in gaps]
    spans += [(one.from_seq, one.to_seq) for one in edges]
    told = [seq for low, high in spans for seq in range(low, high + 1)]
    assert sorted(told) == [one for one in range(before + 1, after) if one not in held]
    assert all(first_seq <= gap.from_seq <= gap.to_seq <= last_seq for gap in gaps)
