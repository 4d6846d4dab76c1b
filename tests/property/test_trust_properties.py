"""No message sequence makes the station hold unsigned, replayed, wrong-audience or older content.

Who may say what is written down once more, as plain sets, beside the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.contract.documents import (
    CancelCommand,
    Command,
    Content,
    Cursor,
    Schedule,
    Trust,
    Warnings,
)
from agent.contract.envelope import open_envelope, seal
from agent.contract.topics import Down
from agent.core.commands import (
    REMEMBERED_MAX,
    WINDOWS_MAX,
    CommandMemory,
    Duplicate,
    Fresh,
    Rejected,
    admit,
    answer,
)
from agent.core.trust import Accepted, AlreadyHeld, DocumentKey, Held, TrustView, Verdict, judge
from tests.vectors import district as d

PEOPLE = (*d.EVERYBODY, d.STRANGER)

MAY_SAY: dict[tuple[str, str], set[str]] = {
    ("schedule", "huyen"): {d.OFFICER.keyid, d.HAMLET_HEAD.keyid},
    ("content", "huyen"): {d.EDITOR.keyid},
    ("warning", "huyen"): {d.DUTY_1.keyid, d.DUTY_2.keyid},
    ("command", "huyen"): {d.SERVICE.keyid},
    ("cursor", "huyen"): {d.FRESHNESS.keyid},
    ("schedule", "tinh"): {d.PROVINCE.keyid},
    ("warning", "tinh"): {d.PROVINCE.keyid},
}
ROOTS = {d.ROOT_1.keyid, d.ROOT_2.keyid, d.ROOT_3.keyid}

MAKERS: dict[str, Any] = {
    "trust": d.trust,
    "schedule": d.schedule,
    "content": d.content,
    "warning": d.warnings,
    "cmd": d.command,
    "cursor": d.cursor,
}


@dataclass(frozen=True)
class Step:
    """One message on the wire, signed honestly or not."""

    topic: Down
    retained: bool
    raw: bytes
    body: bytes
    honest: frozenset[str]
    """Key ids that really signed `body`."""
    clock_trusted: bool


FAULTS = ("signers", "body", "keyid", "audience", "authority", "topic", "kind", "past", "retained")
PLACES = [("huyen", d.OWN), ("huyen", d.OWN), ("tinh", d.OWN), ("tinh", d.GROUP)]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """A message that would be accepted but for its faults (none, one or several) and its past."""
    faults = draw(st.just(set()) | st.sets(st.sampled_from(FAULTS), max_size=3))
    kind = draw(st.sampled_from([*MAKERS, "schedule", "cmd"]))
    authority, audience = draw(st.sampled_from(PLACES))
    if kind in ("trust", "content", "cmd", "cursor"):
        authority, audience = "huyen", d.OWN
    fields: dict[str, Any] = {
        "authority": draw(st.sampled_from(["huyen", "tinh", "ai-do"]))
        if "authority" in faults
        else authority,
        "audience": draw(st.sampled_from([d.OWN, d.GROUP, "s/khac", "g/khac"]))
        if "audience" in faults
        else audience,
    }
    if kind == "cmd":
        fields |= {"id": f"c{draw(st.integers(0, 3))}", "seq": draw(st.integers(0, 90))}
    else:
        fields["revision"] = draw(st.integers(4, 8))
    if "past" in faults:
        fields |= {"issued_at_ms": d.NOW_MS - 3 * d.HOUR_MS, "accept_until_ms": d.NOW_MS - 1}
    body: bytes = msgspec.json.encode(MAKERS[kind](**fields))
    right = [one for one in PEOPLE if one.keyid in MAY_SAY.get((kind, authority), ROOTS)]
    if kind == "schedule" and authority == "huyen":
        right = [d.OFFICER]
    others = st.just(right[:1]) | st.lists(st.sampled_from(PEOPLE), max_size=3)
    signers = draw(others) if "signers" in faults else right
    signed_body = body + b" " if "body" in faults else body
    keyid = draw(st.sampled_from(PEOPLE)).keyid if "keyid" in faults else None
    topic = Down(
        draw(st.sampled_from([d.OWN, d.GROUP])) if "topic" in faults else fields["audience"],
        draw(st.sampled_from(list(MAKERS))) if "kind" in faults else kind,
    )
    return Step(
        topic,
        "retained" in faults if kind == "cmd" else True,
        seal(body, tuple(one.sign(signed_body, keyid=keyid) for one in signers)),
        body,
        frozenset() if "body" in faults else frozenset(one.keyid for one in signers),
        draw(st.booleans()),
    )


@dataclass
class Station:
    """A station reduced to what it holds."""

    view: TrustView = field(default_factory=lambda: d.view(enrolled=True))
    held: dict[DocumentKey, Held] = field(default_factory=dict)
    memory: CommandMemory = field(default_factory=CommandMemory)
    ran: list[tuple[str, str, int]] = field(default_factory=list)
    ids: list[tuple[str, str]] = field(default_factory=list)

    def receive(self, step: Step) -> Verdict:
        verdict = judge(
            step.raw,
            topic=step.topic,
            retained=step.retained,
            view=self.view,
            held=self.held,
            now_ms=d.NOW_MS if step.clock_trusted else None,
            floor_ms=d.NOW_MS - d.HOUR_MS,
            verify=d.verify,
            zones=d.zones,
        )
        if isinstance(verdict, Accepted):
            self.apply(verdict, step)
        return verdict

    def apply(self, verdict: Accepted, step: Step) -> None:
        message = verdict.message
        if isinstance(message, Command):
            self.run(message, verdict.signers[0])
            return
        self.held[verdict.key] = Held(message.revision, verdict.digest, step.raw)
        if isinstance(message, Trust):
            self.view = TrustView(d.STATION, self.view.root, message, frozenset(d.ZONES), d.TZ)

    def run(self, command: Command, keyid: str) -> None:
        admission = admit(self.memory, command, keyid=keyid, earliest_ms=d.NOW_MS)
        self.memory = admission.memory
        if isinstance(admission, Fresh):
            self.ran.append((keyid, command.audience, command.seq))
            self.ids.append((command.authority, command.id))


def allowed(verdict: Accepted, step: Step, before: TrustView) -> bool:
    """Once more, from plain sets: were there enough honest signatures of the right people?"""
    message = verdict.message
    if isinstance(message, Trust):
        return len(step.honest & ROOTS) >= 2 and step.topic.audience == d.OWN
    kinds = {Schedule: "schedule", Content: "content", Warnings: "warning"}
    kinds |= {Command: "command", Cursor: "cursor"}
    if before.trust is None or not step.honest & MAY_SAY.get(
        (kinds[type(message)], message.authority), set()
    ):
        return False
    own_group = message.audience == d.GROUP and message.authority == "tinh"
    return message.audience == d.OWN or own_group


@settings(max_examples=250)
@given(story=st.lists(steps(), min_size=1, max_size=14), enrolled=st.booleans())
def test_no_message_sequence_makes_the_station_hold_what_it_must_not(
    story: list[Step], enrolled: bool
) -> None:
    station = Station() if enrolled else Station(view=d.view())
    for step in [*story, *story]:
        before, held_before = station.view, dict(station.held)
        verdict = station.receive(step)
        if isinstance(verdict, AlreadyHeld):
            assert held_before[verdict.key].digest == verdict.digest
        if not isinstance(verdict, Accepted):
            assert station.held == held_before
            continue
        assert allowed(verdict, step, before)
        assert msgspec.json.encode(verdict.message) == step.body
        assert verdict.message.audience == step.topic.audience
        assert verdict.kind.replace("command", "cmd") == step.topic.kind
        assert set(verdict.signers) <= step.honest
        assert not (isinstance(verdict.message, Command) and step.retained)
        assert (
            step.topic.kind == "cmd"
            or verdict.message.accept_until_ms >= d.NOW_MS
            or (not step.clock_trusted)
        )
        for key, earlier in held_before.items():
            assert station.held[key].revision >= earlier.revision
    assert len(set(station.ran)) == len(station.ran), "a sequence ran twice"
    assert len(set(station.ids)) == len(station.ids), "an id ran twice"


GOOD = {
    "trust": d.sealed(d.trust(revision=4), d.ROOT_1, d.ROOT_2),
    "schedule": d.sealed(d.schedule(), d.OFFICER),
    "content": d.sealed(d.content(), d.EDITOR),
    "warning": d.sealed(d.warnings(), d.DUTY_1),
    "cmd": d.sealed(d.command(), d.SERVICE),
    "cursor": d.sealed(d.cursor(), d.FRESHNESS),
}


@settings(max_examples=400)
@given(
    kind=st.sampled_from(list(GOOD)),
    at=st.integers(0, 8_000),
    cut=st.integers(0, 5),
    put=st.binary(max_size=4),
)
def test_a_message_changed_on_the_way_says_the_same_or_nothing(
    kind: str, at: int, cut: int, put: bytes
) -> None:
    good = GOOD[kind]
    at %= len(good)
    verdict = judge(
        good[:at] + put + good[at + cut :],
        topic=Down(d.OWN, kind),
        retained=False,
        view=d.view(),
        held={},
        now_ms=d.NOW_MS,
        floor_ms=0,
        verify=d.verify,
        zones=d.zones,
    )
    if isinstance(verdict, Accepted):
        assert msgspec.json.encode(verdict.message) == open_envelope(good).body


@settings(max_examples=300)
@given(raw=st.binary(max_size=200), kind=st.sampled_from(list(GOOD)), body=st.binary(max_size=200))
def test_any_bytes_get_a_verdict_even_when_a_known_key_signed_them(
    raw: bytes, kind: str, body: bytes
) -> None:
    for message in (raw, d.sealed_bytes(body, d.ROOT_1, d.ROOT_2, d.OFFICER)):
        verdict = judge(
            message,
            topic=Down(d.OWN, kind),
            retained=False,
            view=d.view(),
            held={},
            now_ms=d.NOW_MS,
            floor_ms=0,
            verify=d.verify,
            zones=d.zones,
        )
        assert not isinstance(verdict, Accepted | AlreadyHeld)
        verdict.detail.encode("utf-8")


ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from(["0" * 16, "1" * 16]),
        st.sampled_from([d.OWN, d.GROUP]),
        st.integers(0, 200) | st.integers(0, 9_007_199_254_740_991),
        st.integers(0, 12),
        st.booleans(),
        st.integers(0, 20 * d.MINUTE_MS),
        st.sampled_from(["", "done", "running", "failed"]),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(arrivals=ARRIVALS)
def test_no_order_of_arrival_admits_a_sequence_or_a_remembered_id_twice(
    arrivals: list[tuple[str, str, int, int, bool, int, Any]],
) -> None:
    """Time runs, answers come, ids repeat, copies overtake each other."""
    memory, now_ms = CommandMemory(), d.NOW_MS
    ran: set[tuple[str, str, int]] = set()
    for keyid, audience, seq, number, cancels, later_ms, outcome in arrivals:
        now_ms += later_ms // 4
        identity = f"c{number}"
        action = {"action": CancelCommand(id=f"c{number + 1}")} if cancels else {}
        command = d.command(
            id=identity,
            seq=seq,
            audience=audience,
            accept_until_ms=now_ms + later_ms,
            **action,
        )
        known = memory.find("huyen", identity)
        admission = admit(memory, command, keyid=keyid, earliest_ms=now_ms)
        memory = admission.memory
        match admission:
            case Fresh():
                assert (keyid, audience, seq) not in ran
                ran.add((keyid, audience, seq))
            case Duplicate():
                assert known is not None
            case Rejected():
                assert memory.find("huyen", identity) is None
        if outcome:
            memory = answer(memory, "huyen", identity, outcome)
        assert len(memory.commands) <= REMEMBERED_MAX
        assert len(memory.windows) <= WINDOWS_MAX
        assert len({(one.authority, one.id) for one in memory.commands}) == len(memory.commands)
        assert msgspec.json.decode(msgspec.json.encode(memory), type=CommandMemory) == memory
