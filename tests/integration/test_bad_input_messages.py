"""Every bad message gets a clear reason at its sender; what was accepted stays; the item plays on.

Against one real agent over real MQTT: first a timetable is accepted and its item is on air, then
everything below is sent, once, and looked at in the station's receipt and acks.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from agent.contract.documents import (
    Command,
    Content,
    Diagnose,
    Entry,
    FileSource,
    Schedule,
    SetVolume,
    Signed,
    StreamSource,
    When,
    ZoneSelector,
)
from agent.contract.envelope import Signature, seal
from agent.contract.reasons import ACK, AckReason
from agent.contract.topics import MESSAGE_MAX_BYTES, audience_down
from agent.core.trust import digest_of
from simulator.demo.script import local
from simulator.demo.stage import now_ms
from simulator.source_system import compose
from simulator.source_system.problems import CourierError, DistrictError
from tests.integration.station_rig import (
    AUTHORITY,
    ONE,
    Made,
    Rig,
    encoded,
    entry,
    follow,
    heard,
    sealed,
    silences,
    sleep_until,
    until,
    whole_second,
)

STATION = f"s/{ONE.id}"
DAY_MS = 86_400_000
ON_AIR_S = 18.0
HELD = 5
"""Revision of the timetable that is accepted; bad ones come with others."""

AT_ONCE = 6
"""The receipt names the last eight refusals."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(slots=True)
class Sender:
    """Makes messages that are right but for one thing."""

    rig: Rig
    now_ms: int
    seq: int = 0
    count: int = 0
    accepted: dict[str, bytes] = field(default_factory=dict)

    def schedule(self, *entries: Entry, revision: int = HELD + 1, to: str = STATION) -> Schedule:
        """Never the same twice: answers name a document by its digest."""
        self.count += 1
        return compose.schedule(
            AUTHORITY,
            to,
            entries or (entry(f"nap-{self.count}", self.now_ms + DAY_MS),),
            revision=revision,
            made_from=0,
            now_ms=self.now_ms,
        )

    def signed(self, message: Signed, role: str = "schedule", **changes: Any) -> bytes:
        return sealed(encoded(message, **changes), self.rig.key(role))

    def entries(self, *entries: Entry) -> bytes:
        return self.signed(self.schedule(*entries))

    def command(self, name: str, **changes: Any) -> Command:
        self.seq += 1
        said: dict[str, Any] = {
            "v": 1,
            "authority": AUTHORITY,
            "audience": STATION,
            "issued_at_ms": self.now_ms,
            "accept_until_ms": self.now_ms + 300_000,
            "id": name,
            "seq": 1_000_000_000 + self.seq,
            "action": Diagnose(),
            **changes,
        }
        return Command(**said)

    def once(self, rule: str, **more: Any) -> bytes:
        """A timetable with this recurrence."""
        return self.entries(
            Entry(
                id="lap",
                title="Lặp",
                when=When(start=local(self.now_ms + DAY_MS), rrule=rule, **more),
                sources=(FileSource(slot="nap"),),
                zones=ZoneSelector(all=True),
            )
        )


@dataclass(frozen=True, slots=True)
class Case:
    """make: the payload. says: a word the person at the sender needs in the detail."""

    name: str
    reason: AckReason
    make: Callable[[Sender], bytes]
    kind: str = "schedule"
    says: str = ""
    retain: bool = False
    id: str = ""
    """Of a command whose signature holds; others are answered by digest."""


def unsigned(sender: Sender) -> bytes:
    return seal(encoded(sender.schedule()), ())


def spoilt_signature(sender: Sender) -> bytes:
    body = encoded(sender.schedule())
    good = sender.rig.key("schedule").sign(body)
    return seal(body, (Signature(good.keyid, bytes(64)),))


def changed_after_signing(sender: Sender) -> bytes:
    message = sender.schedule()
    good = sender.rig.key("schedule").sign(encoded(message))
    return seal(encoded(message, note="x"), (good,))


def foreign_key(sender: Sender) -> bytes:
    body = encoded(sender.schedule())
    good = sender.rig.key("schedule").sign(body)
    short = Signature("f" * 16, good.signature[:9])
    return seal(body, (Signature("0" * 16, os.urandom(64)), short))


def duplicate_key(sender: Sender) -> bytes:
    body = encoded(sender.schedule())
    twice = body.replace(b'"revision": 6', b'"revision": 6, "revision": 7')
    assert twice != body
    return sealed(twice, sender.rig.key("schedule"))


def with_zone(sender: Sender) -> bytes:
    zones = ZoneSelector(names=("Thôn Không Có",))
    return sender.entries(entry("nap", sender.now_ms + DAY_MS, zones=zones))


def plain_stream(sender: Sender) -> bytes:
    sources = (StreamSource(url="http://127.0.0.1/live"),)
    return sender.entries(entry("song", sender.now_ms + DAY_MS, sources=sources))


def command_twice(sender: Sender) -> bytes:
    """Another command under a number that was used."""
    first = sender.command("c-lan-mot")
    sender.accepted["c-lan-mot"] = sender.signed(first, "command")
    again = msgspec.structs.replace(first, id="c-lap-lai")
    send(sender.rig, "cmd", sender.accepted["c-lan-mot"])
    until(lambda: acks(sender.rig, "c-lan-mot"), "the first command")
    return sender.signed(again, "command")


R = AckReason
CASES = (
    Case("unsigned", R.UNSIGNED, unsigned),
    Case("a_signature_of_zeros", R.BAD_SIGNATURE, spoilt_signature),
    Case("changed_after_signing", R.BAD_SIGNATURE, changed_after_signing),
    Case("signed_by_nobody_we_know", R.UNKNOWN_KEY, foreign_key),
    Case(
        "signed_by_a_key_of_another_role",
        R.NOT_ALLOWED,
        lambda s: s.signed(s.schedule(), "content"),
    ),
    Case(
        "expired",
        R.EXPIRED,
        lambda s: s.signed(
            s.schedule(), issued_at_ms=s.now_ms - 9 * DAY_MS, accept_until_ms=s.now_ms - 60_000
        ),
        says="ago",
    ),
    Case(
        "from_the_future",
        R.FROM_THE_FUTURE,
        lambda s: s.signed(
            s.schedule(), issued_at_ms=s.now_ms + DAY_MS, accept_until_ms=s.now_ms + 2 * DAY_MS
        ),
    ),
    Case(
        "valid_for_ten_years",
        R.LIFETIME_TOO_LONG,
        lambda s: s.signed(s.schedule(), accept_until_ms=s.now_ms + 3_650 * DAY_MS),
    ),
    Case(
        "older", R.OLDER, lambda s: s.signed(s.schedule(revision=HELD - 1)), says=f"{HELD} is held"
    ),
    Case(
        "the_same_revision_with_other_words",
        R.SAME_REVISION_DIFFERS,
        lambda s: s.signed(s.schedule(revision=HELD)),
        retain=True,
    ),
    Case("not_json", R.MALFORMED, lambda _: b"\xff\xfe not json"),
    Case("no_payload", R.MALFORMED, lambda _: b"{}"),
    Case("a_field_of_the_wrong_type", R.MALFORMED, lambda s: s.signed(s.schedule(), entries="x")),
    Case("a_duplicate_key", R.MALFORMED, duplicate_key, says="revision"),
    Case(
        "a_fraction", R.MALFORMED, lambda s: s.signed(s.schedule(), made_from=1.5), says="integer"
    ),
    Case(
        "a_feature_the_station_lacks",
        R.UNSUPPORTED,
        lambda s: s.signed(s.schedule(), requires=["hologram"]),
        says="hologram",
    ),
    Case("an_unknown_zone", R.UNKNOWN_ZONE, with_zone, says="Không Có"),
    Case(
        "a_rule_without_end_or_pause",
        R.RECURRENCE_FLOODS,
        lambda s: s.once("FREQ=SECONDLY"),
        says="lap",
    ),
    Case(
        "a_rule_that_never_comes",
        R.RECURRENCE_NEVER,
        lambda s: s.once("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        says="lap",
    ),
    Case("a_rule_that_is_none", R.BAD_RECURRENCE, lambda s: s.once("FREQ=SOMETIMES"), says="lap"),
    Case(
        "a_time_zone_nobody_knows",
        R.BAD_TIME_ZONE,
        lambda s: s.once("FREQ=DAILY", tz="Asia/Atlantis"),
        says="Atlantis",
    ),
    Case("a_stream_in_the_clear", R.INSECURE_STREAM, plain_stream),
    Case(
        "an_id_twice",
        R.DUPLICATE_ID,
        lambda s: s.entries(*(entry("doi", s.now_ms + DAY_MS),) * 2),
        says="doi",
    ),
    Case(
        "meant_for_another_station",
        R.WRONG_AUDIENCE,
        lambda s: s.signed(s.schedule(to="s/xuat-le")),
        says="s/xuat-le",
    ),
    Case(
        "another_kind_on_this_topic",
        R.WRONG_TOPIC,
        lambda s: s.signed(content_of(s), "content"),
        says="content",
    ),
    Case(
        "an_expired_command",
        R.EXPIRED,
        lambda s: s.signed(
            s.command("c-cu", issued_at_ms=s.now_ms - 700_000, accept_until_ms=s.now_ms - 300_000),
            "command",
        ),
        kind="cmd",
        id="c-cu",
    ),
    Case(
        "a_command_without_signature",
        R.UNSIGNED,
        lambda s: seal(encoded(s.command("c-khong-ky")), ()),
        kind="cmd",
    ),
    Case("a_replayed_command", R.REPLAYED, command_twice, kind="cmd", id="c-lap-lai"),
    Case(
        "a_command_for_an_unknown_zone",
        R.UNKNOWN_ZONE,
        lambda s: s.signed(
            s.command(
                "c-vung-la", action=SetVolume(zones=ZoneSelector(names=("Mường",)), volume=9)
            ),
            "command",
        ),
        kind="cmd",
        id="c-vung-la",
    ),
    Case("a_command_that_is_none", R.MALFORMED, lambda _: b'{"stop": "all"}', kind="cmd"),
    Case(
        "a_retained_command",
        R.RETAINED_COMMAND,
        lambda s: s.signed(s.command("c-luu"), "command"),
        kind="cmd",
        retain=True,
    ),
)


def content_of(sender: Sender) -> Content:
    return compose.content(AUTHORITY, STATION, (), revision=9, made_from=0, now_ms=sender.now_ms)


def send(rig: Rig, kind: str, payload: bytes, *, retain: bool = False) -> None:
    with rig.courier() as courier:
        courier.publish(audience_down(STATION, kind), payload, retain=retain)


def identity(case: Case, payload: bytes) -> str:
    """How the answer names what was sent."""
    if case.id:
        return case.id
    try:
        body = msgspec.json.decode(payload)["payload"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return digest_of(payload)
    if case.reason is R.RETAINED_COMMAND:
        return digest_of(payload)
    return digest_of(msgspec.json.decode(f'"{body}"', type=bytes))


def acks(rig: Rig, name: str) -> list[dict[str, Any]]:
    topic = f"radio/v1/{STATION}/up/ack"
    seen = [said for _, at, said in list(rig.stage.observer.seen) if at == topic]
    return [said for said in seen if said["id"] == name]


def answers(rig: Rig) -> dict[str, tuple[str, str]]:
    """digest or command id → (reason, detail), from every receipt and ack that was sent."""
    found: dict[str, tuple[str, str]] = {}
    for _, topic, said in list(rig.stage.observer.seen):
        if topic == f"radio/v1/{STATION}/up/reported":
            for one in said["refusals"]:
                found[one["digest"]] = (one["reason"], one["detail"])
        elif topic == f"radio/v1/{STATION}/up/ack" and said.get("reason"):
            found[said["id"]] = (said["reason"], said["detail"])
    return found


@dataclass(slots=True)
class Sent:
    """Everything that was sent, and the station before and after it."""

    rig: Rig
    sender: Sender
    made: Made
    start_ms: int
    pid: int
    applied: dict[str, tuple[int, str]]
    names: dict[str, str]
    slowest_s: float
    after_flood_s: float


def applied(rig: Rig) -> dict[str, tuple[int, str]]:
    """kind and audience → (revision, digest), by the station's own word."""
    return {
        f"{one.kind} {one.audience}": (one.revision, one.digest) for one in rig.status().documents
    }


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    with Rig(tmp_path_factory.mktemp("messages"), ONE) as rig:
        made = rig.publish("dai", ON_AIR_S, 7)
        start_ms = whole_second(3)
        sender = Sender(rig, now_ms())
        held = sender.schedule(entry("dai", start_ms), revision=HELD)
        send(rig, "schedule", sender.signed(held), retain=True)
        until(lambda: rig.status().on_air, "the item on air", 15)
        before = applied(rig)
        giant = threading.Thread(target=send_giant, args=(rig,))
        giant.start()
        names: dict[str, str] = {}
        slowest_s = 0.0
        for first in range(0, len(CASES), AT_ONCE):
            some = {}
            for case in CASES[first : first + AT_ONCE]:
                payload = case.make(sender)
                some[case.name] = identity(case, payload)
                send(rig, case.kind, payload, retain=case.retain)
            names |= some
            slowest_s = max(slowest_s, wait_for(rig, set(some.values())))
        after_flood_s = flood(rig)
        giant.join()
        yield Sent(rig, sender, made, start_ms, rig.pid(), before, names, slowest_s, after_flood_s)


def send_giant(rig: Rig) -> None:
    try:
        send(rig, "cmd", b"x" * (MESSAGE_MAX_BYTES + 4_096))
    except CourierError:
        pass  # the broker says no, or nothing at all


def flood(rig: Rig) -> float:
    """300 pieces of rubbish; returns how long a command took after them."""
    with rig.courier() as courier:
        for number in range(300):
            courier.publish(audience_down(STATION, "cmd"), b"rubbish %d" % number, retain=False)
    began = time.monotonic()
    done = rig.district.command(STATION, Diagnose(), wait_s=20)
    assert done.acks[ONE.id].state == "done"
    return time.monotonic() - began


def wait_for(rig: Rig, wanted: set[str]) -> float:
    """How long the answers took. Whoever is missing shows in the test of its case."""
    began = time.monotonic()
    try:
        until(lambda: wanted <= answers(rig).keys(), "answers", 15)
    except AssertionError:
        pass
    return time.monotonic() - began


# --- each of them --------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sender_is_told_why(sent: Sent, case: Case) -> None:
    told = answers(sent.rig).get(sent.names[case.name])
    assert told is not None, "no answer"
    reason, detail = told
    assert (reason, detail) == (case.reason.value, detail)
    assert case.says in detail
    meaning = ACK[case.reason]
    assert meaning.text("vi")
    assert meaning.next("en")


def test_every_answer_is_there_within_five_seconds(sent: Sent) -> None:
    assert sent.slowest_s < 5


def test_a_copy_of_a_command_gets_the_same_answer_and_does_nothing(sent: Sent) -> None:
    before = acks(sent.rig, "c-lan-mot")
    send(sent.rig, "cmd", sent.sender.accepted["c-lan-mot"])
    until(lambda: len(acks(sent.rig, "c-lan-mot")) > len(before), "the answer again")
    again = acks(sent.rig, "c-lan-mot")[-1]
    assert {key: again[key] for key in ("state", "detail")} == {
        key: before[-1][key] for key in ("state", "detail")
    }


def test_what_is_too_large_is_refused_before_it_is_sent(sent: Sent) -> None:
    at_ms = sent.sender.now_ms + DAY_MS
    many = tuple(entry(f"muc-{number}", at_ms, note="n" * 150) for number in range(300))
    with pytest.raises(DistrictError) as refused:
        sent.rig.district.push(many, to=STATION, made_from=HELD)
    assert refused.value.code == "timetable_too_large"


def test_a_giant_and_a_flood_of_rubbish_do_not_keep_a_command_waiting(sent: Sent) -> None:
    assert sent.after_flood_s < 5


# --- and what was there before ---------------------------------------------------------------


def test_what_was_accepted_before_is_still_applied(sent: Sent) -> None:
    assert sent.applied[f"schedule {STATION}"][0] == HELD
    assert applied(sent.rig) == sent.applied


def test_it_is_still_applied_after_a_reconnect_to_what_the_broker_now_retains(sent: Sent) -> None:
    before = sent.rig.status().connected_since_ms
    sent.rig.station().link.drop()

    def back() -> bool:
        status = sent.rig.status()
        return status.connected and status.connected_since_ms != before

    until(back, "the station", 20)
    assert applied(sent.rig) == sent.applied


def test_the_same_process_is_still_there(sent: Sent) -> None:
    assert sent.rig.pid() == sent.pid
    assert sent.rig.station().starts == 1
    log = sent.rig.log()
    assert "Traceback" not in log
    assert "core_failed" not in log


def test_the_item_on_air_went_on_through_all_of_it(sent: Sent) -> None:
    end_ms = sent.start_ms + ON_AIR_S * 1_000
    sleep_until(end_ms + 500)
    records = sent.rig.settled("dai")
    moments = follow(sent.rig.recording(), ((sent.made.sound, float(sent.start_ms)),))
    began_ms = records[0].segments[0].from_ms
    for place, zone in enumerate(ONE.zones):
        spans = heard(moments, sent.rig.opened(place))
        missing = silences(spans, began_ms, end_ms - 300)
        assert sum(to_ms - from_ms for from_ms, to_ms in missing) <= 0.03 * ON_AIR_S * 1_000, zone


def test_a_command_that_was_retained_is_not_obeyed_when_it_is_met_again(sent: Sent) -> None:
    """Nobody clears it: the station meets it after every reconnect."""
    assert "c-luu" not in {one["id"] for one in acks(sent.rig, "c-luu") if one["state"] == "done"}
    with sent.rig.courier() as courier:
        (left,) = courier.retained([audience_down(STATION, "cmd")])
        assert left is not None
        courier.publish(audience_down(STATION, "cmd"), b"", retain=True)
    assert json.loads(left)["signatures"]
