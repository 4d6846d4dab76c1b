"""Whatever somebody does to stored records shows, and no crash breaks the chain.

Who tampers has the file, the source code and a pencil, but not the station's key: they may even
compute every chain anew. The records are made by the core's own reporter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.signature import verify
from agent.contract.chain import BEGIN, link, parted
from agent.contract.reasons import AlarmCode
from agent.contract.reports import AlarmEvent, Audit, Body, Checkpoint, Event
from agent.core.effects import Append, Drop, Put, Save
from agent.core.events import Now
from agent.core.facts import Facts
from agent.core.reporter import Reporter
from agent.core.seal import CHECKPOINT_RECORDS, Signer
from agent.core.site import Site
from agent.core.turn import Turn
from simulator.source_system.chain_check import FindingKind, Place, Row, Walk

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
THIEF = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
SIGNER = Signer(PRIVATE.public_key().public_bytes_raw(), PRIVATE.sign)
SITE = Site("tan-lien", "Tân Liên", "Asia/Ho_Chi_Minh", (), ())
PLACE = Place("tan-lien", "i-1", "main")
DAY_MS = 86_400_000
BEGUN_MS = 1_795_000_000_000

texts = st.text(max_size=20)
bodies = st.one_of(
    st.builds(Audit, what=texts, by=texts, detail=texts, result=texts),
    st.builds(
        AlarmEvent,
        code=st.sampled_from(AlarmCode),
        subject=texts,
        state=st.sampled_from(("raised", "cleared")),
        episode=st.integers(0, 9),
        since_ms=st.just(BEGUN_MS),
    ),
)


@dataclass
class Box:
    """A reporter whose batches go to a disk that may lose the last of them."""

    facts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    records: dict[int, bytes] = field(default_factory=dict)
    pending: list[tuple[Save, ...]] = field(default_factory=list)
    wall_ms: int = BEGUN_MS

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        self._facts = Facts((kind, key, raw) for (kind, key), raw in self.facts.items())
        self.reporter = Reporter(SITE, self._facts, SIGNER)
        self.reporter.installation = PLACE.installation

    def record(self, body: Body) -> None:
        self.wall_ms += 1_000
        self.reporter.record(body, Turn(Now(self.wall_ms, self.wall_ms)))
        self.pending.append(self._facts.taken())

    def sign(self) -> None:
        self.reporter.sign_records(Turn(Now(self.wall_ms, self.wall_ms)))
        self.pending.append(self._facts.taken())

    def crash(self, keep: int) -> None:
        """`keep` of the batches under way reach the disk."""
        for saves in self.pending[:keep]:
            for save in saves:
                match save:
                    case Put(kind=kind, key=key, value=value):
                        self.facts[kind, key] = value
                    case Drop(kind=kind, key=key):
                        self.facts.pop((kind, key), None)
                    case Append(seq=seq, body=body):
                        assert seq not in self.records, "a number was given twice"
                        self.records[seq] = body
        self.pending.clear()
        self.boot()

    def rows(self) -> list[Row]:
        return [row_of(raw) for _, raw in sorted(self.records.items())]


def row_of(raw: bytes) -> Row:
    event = msgspec.json.decode(raw, type=Event)
    return Row(event.seq, event.at_ms, str(event.body.__struct_config__.tag), raw)


def walked(rows: list[Row]) -> Walk:
    walk = Walk(PLACE, verify, lambda public: public == SIGNER.public.hex())
    walk.take_all(rows)
    return walk


@cache
def stream(records: int = 30, sign_every: int = 7) -> tuple[Row, ...]:
    """A stream that ends with a checkpoint and some records after it."""
    box = Box()
    for number in range(records):
        box.record(Audit(what=f"act {number}", by="Đài “x”", detail='","chain":"'))
        if number % sign_every == sign_every - 1:
            box.sign()
    box.sign()
    for number in range(3):
        box.record(Audit(what=f"late {number}", by="x"))
    box.crash(len(box.pending))
    return tuple(box.rows())


def last_checkpoint(rows: tuple[Row, ...]) -> int:
    return max(row.seq for row in rows if row.kind == "checkpoint")


def chained_anew(rows: list[Row], since: int, signer: Ed25519PrivateKey | None = None) -> list[Row]:
    """The forger's pencil: every chain from `since` on is right again; signatures are not."""
    before, made = BEGIN, []
    for row in rows:
        content, stated = parted(row.raw)
        if row.seq >= since:
            if row.kind == "checkpoint" and signer is not None:
                content = resigned(content, before, signer)
            stated = link(before, content)
        raw = content[:-1] + f',"chain":"{stated}"}}'.encode()
        made.append(row._replace(raw=raw))
        before = stated
    return made


def resigned(content: bytes, before: str, signer: Ed25519PrivateKey) -> bytes:
    event = msgspec.json.decode(content, type=Event)
    assert isinstance(event.body, Checkpoint)
    lines = ("commune-radio checkpoint 1", *PLACE, str(event.body.through), before)
    said = json.loads(content)
    said["body"]["chain"] = before
    said["body"]["public"] = signer.public_key().public_bytes_raw().hex()
    said["body"]["signature"] = signer.sign("\n".join(lines).encode()).hex()
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


# --- what the station writes ---------------------------------------------------------------


@given(st.lists(st.tuples(bodies, st.booleans()), max_size=40))
def test_what_a_station_records_is_one_chain(steps: list[tuple[Body, bool]]) -> None:
    box = Box()
    for body, sign in steps:
        box.record(body)
        if sign:
            box.sign()
    box.crash(len(box.pending))
    walk = walked(box.rows())
    assert walk.findings == []
    assert len(walk.runs) == (1 if steps else 0)
    assert [row.seq for row in box.rows()] == list(range(1, len(box.records) + 1))


@given(
    st.lists(
        st.tuples(st.lists(bodies, max_size=8), st.booleans(), st.floats(0, 1)),
        min_size=1,
        max_size=8,
    )
)
def test_a_crash_at_any_prefix_of_batches_leaves_one_chain(
    lives: list[tuple[list[Body], bool, float]],
) -> None:
    box = Box()
    for written, sign, kept in lives:
        for body in written:
            box.record(body)
        if sign:
            box.sign()
        box.crash(round(kept * len(box.pending)))
        walk = walked(box.rows())
        assert walk.findings == []
        assert len(walk.runs) <= 1


@given(st.integers(1, 450))
def test_at_most_so_many_records_wait_for_a_signature(records: int) -> None:
    box = Box()
    for _ in range(records):
        box.record(Audit(what="x", by="x"))
    box.crash(len(box.pending))
    walk = walked(box.rows())
    assert len(box.records) - walk.runs[0].signed_through <= CHECKPOINT_RECORDS + 1


def test_the_first_record_a_day_after_the_last_checkpoint_is_signed() -> None:
    box = Box()
    box.record(Audit(what="first", by="x"))
    box.record(Audit(what="second", by="x"))
    box.wall_ms += DAY_MS
    box.record(Audit(what="next day", by="x"))
    box.crash(len(box.pending))
    assert [row.kind for row in box.rows()] == [
        "audit",
        "checkpoint",
        "audit",
        "audit",
        "checkpoint",
    ]


# --- what somebody does to it --------------------------------------------------------------

ROWS = stream()
SIGNED = last_checkpoint(ROWS) - 1
"""The last record that a signature stands for."""

places = st.integers(0, len(ROWS) - 1)
signed_places = st.integers(0, SIGNED - 1)


@given(places, st.data())
def test_a_changed_byte_is_found_at_its_record(place: int, data: st.DataObject) -> None:
    rows, row = list(ROWS), ROWS[place]
    at = data.draw(st.integers(0, len(row.raw) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda one: one != row.raw[at]))
    raw = row.raw[:at] + bytes([other]) + row.raw[at + 1 :]
    rows[place] = row._replace(raw=raw)
    walk = walked(rows)
    assert walk.findings[0].seq in (row.seq, row.seq + 1)
    assert not walk.proves(row.seq)


@given(signed_places, texts.filter(bool))
def test_a_record_written_anew_with_all_chains_after_it_is_found_at_the_next_checkpoint(
    place: int, words: str
) -> None:
    rows, row = list(ROWS), ROWS[place]
    said = json.loads(parted(row.raw)[0])
    if row.kind == "checkpoint":
        said["at_ms"] += 1
    else:
        said["body"]["what"] += words
    content = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    rows[place] = row._replace(raw=content[:-1] + b',"chain":"' + b"0" * 64 + b'"}')
    rows[place] = rows[place]._replace(at_ms=said["at_ms"])
    findings = walked(chained_anew(rows, row.seq)).findings
    nexts = [one.seq for one in ROWS if one.kind == "checkpoint" and one.seq > row.seq]
    wrong = (one.seq for one in findings if one.kind is FindingKind.WRONG_CHECKPOINT)
    assert next(wrong) == nexts[0]


@given(signed_places)
def test_a_thiefs_key_does_not_help(place: int) -> None:
    rows = chained_anew(list(ROWS), ROWS[place].seq, THIEF)
    walk = walked(rows)
    assert FindingKind.UNKNOWN_KEY in {one.kind for one in walk.findings}
    assert not any(walk.proves(row.seq) for row in rows if row.seq > ROWS[place].seq)


@given(st.integers(0, len(ROWS) - 2), st.integers(1, 5))
def test_missing_records_are_counted(place: int, many: int) -> None:
    many = min(many, len(ROWS) - 1 - place)
    walk = walked([*ROWS[:place], *ROWS[place + many :]])
    gaps = [(one.seq, one.to_seq) for one in walk.findings if one.kind is FindingKind.GAP]
    assert gaps == [(ROWS[place].seq, ROWS[place + many - 1].seq)]
    assert not any(walk.proves(row.seq) for row in ROWS[place : place + many])


@given(st.integers(1, len(ROWS) - 1))
def test_records_cut_off_the_end_are_found_by_what_the_station_said_last(many: int) -> None:
    walk = walked(list(ROWS[:-many]))
    walk.ended(ROWS[-1].seq)
    assert [(one.kind, one.seq, one.to_seq) for one in walk.findings] == [
        (FindingKind.GAP, ROWS[-many].seq, ROWS[-1].seq)
    ]


@given(st.permutations(range(6)).filter(lambda order: order != sorted(order)), st.integers(0, 20))
def test_records_in_another_order_are_found(order: list[int], start: int) -> None:
    """The rows keep their numbers, the records change places."""
    rows = list(ROWS)
    for place, source in enumerate(order):
        rows[start + place] = ROWS[start + source]._replace(seq=ROWS[start + place].seq)
    moved = {ROWS[start + place].seq for place, source in enumerate(order) if place != source}
    found = {one.seq for one in walked(rows).findings if one.kind is FindingKind.MISPLACED}
    assert found == moved


@given(st.integers(0, len(ROWS) - 2))
def test_a_record_slipped_in_is_found_though_all_after_it_are_numbered_anew(place: int) -> None:
    rows = list(ROWS[: place + 1])
    for row in (ROWS[place], *ROWS[place + 1 :]):
        said = json.loads(parted(row.raw)[0])
        said["seq"] = rows[-1].seq + 1
        content = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
        raw = content[:-1] + b',"chain":"' + b"0" * 64 + b'"}'
        rows.append(Row(said["seq"], row.at_ms, row.kind, raw))
    walk = walked(chained_anew(rows, rows[place + 1].seq))
    later = [row for row in ROWS[place:] if row.kind == "checkpoint"]
    assert bool(walk.findings) == bool(later)
    assert not any(walk.proves(row.seq) for row in rows[place + 1 :])


@given(signed_places, st.sampled_from(("station", "installation", "stream")))
def test_a_record_of_another_station_is_no_record_of_this_one(place: int, name: str) -> None:
    said = json.loads(parted(ROWS[place].raw)[0]) | {name: "khac"}
    content = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    rows = list(ROWS)
    rows[place] = rows[place]._replace(raw=content[:-1] + b',"chain":"' + b"0" * 64 + b'"}')
    kinds = [one.kind for one in walked(chained_anew(rows, rows[place].seq)).findings]
    assert FindingKind.MISPLACED in kinds
    assert {FindingKind.WRONG_CHECKPOINT, FindingKind.BAD_SIGNATURE} & set(kinds)
