"""Who may say what: the rows that the conformance vectors do not show."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.contract.documents import (
    GroupMembership,
    Key,
    RoleGrant,
    Trust,
    WarningTemplate,
    When,
    ZoneSelector,
)
from agent.contract.envelope import SIGNATURES_MAX, Signature, seal
from agent.contract.reasons import AckReason
from agent.contract.topics import Down
from agent.core.rights import fills
from agent.core.trust import (
    VERIFICATIONS_MAX,
    Accepted,
    AlreadyHeld,
    DocumentKey,
    Held,
    Refused,
    TrustView,
    Verdict,
    digest_of,
    judge,
    reopen,
)
from tests.vectors import district as d


def verdict_on(
    raw: bytes,
    kind: str = "schedule",
    *,
    audience: str = d.OWN,
    view: TrustView | None = None,
    held: dict[DocumentKey, Held] | None = None,
    now_ms: int | None = d.NOW_MS,
    **changes: Any,
) -> Verdict:
    arguments: dict[str, Any] = {"floor_ms": 0, "verify": d.verify, "zones": d.zones, **changes}
    return judge(
        raw,
        topic=Down(audience, kind),
        retained=kind != "cmd",
        view=view or d.view(),
        held=held or {},
        now_ms=now_ms,
        **arguments,
    )


def refused(verdict: Verdict | Accepted | Refused) -> Refused:
    assert isinstance(verdict, Refused), verdict
    return verdict


def test_an_accepted_message_carries_who_counted_and_how_high_it_may_reach() -> None:
    raw = d.sealed(d.schedule(), d.STRANGER, d.OFFICER)
    verdict = verdict_on(raw)
    assert isinstance(verdict, Accepted)
    assert verdict.signers == (d.OFFICER.keyid,)
    assert (verdict.rank, verdict.class_ceiling) == (20, 2)
    assert verdict.key == ("huyen", d.OWN, "schedule")
    assert verdict.digest == digest_of(msgspec.json.encode(d.schedule()))


def test_a_refusal_says_nothing_it_did_not_verify() -> None:
    verdict = refused(verdict_on(d.sealed(d.schedule(), d.STRANGER)))
    assert (verdict.authority, verdict.audience, verdict.revision) == ("", "", None)
    assert verdict.kind == "schedule"
    assert verdict.digest == digest_of(msgspec.json.encode(d.schedule()))


def test_a_refusal_after_the_signatures_names_what_was_meant() -> None:
    raw = d.sealed(d.schedule(audience="s/cao-lau"), d.OFFICER)
    verdict = refused(verdict_on(raw))
    assert (verdict.authority, verdict.audience, verdict.revision) == ("huyen", "s/cao-lau", 7)
    assert verdict.keyid == d.OFFICER.keyid


def test_a_refused_command_can_be_answered_by_its_id() -> None:
    raw = d.sealed(d.command(accept_until_ms=d.NOW_MS - 1), d.SERVICE)
    assert refused(verdict_on(raw, "cmd")).id == "lenh-1"


def test_a_detail_fits_its_field_and_repeats_no_strange_key_id() -> None:
    body = msgspec.json.encode(d.schedule())
    strange = tuple(d.STRANGER.sign(body, keyid="\x1b[2J" * 40) for _ in range(10))
    verdict = refused(verdict_on(seal(body, strange)))
    assert len(verdict.detail) <= 200
    assert "\x1b" not in verdict.detail


def test_an_unknown_zone_is_answered_with_the_nearest_name() -> None:
    one = d.entry(zones=ZoneSelector(names=("Thon Đoai",)))
    verdict = refused(verdict_on(d.sealed(d.schedule(one), d.OFFICER)))
    assert verdict.detail.endswith("nearest: thôn Đoài")


def test_a_flood_of_signatures_costs_a_bounded_number_of_checks() -> None:
    body = msgspec.json.encode(d.schedule())
    spent = []

    def count(public: bytes, signature: bytes, message: bytes) -> bool:
        spent.append(public)
        return False

    forged = tuple(Signature(f"{n:016x}", bytes([n]) * 64) for n in range(SIGNATURES_MAX))
    verdict = refused(verdict_on(seal(body, forged), verify=count))
    assert verdict.reason == AckReason.UNKNOWN_KEY
    assert len(spent) == VERIFICATIONS_MAX


def test_signatures_of_another_length_are_not_even_tried() -> None:
    def never(public: bytes, signature: bytes, message: bytes) -> bool:
        raise AssertionError("tried")

    body = msgspec.json.encode(d.schedule())
    raw = seal(body, (Signature(d.OFFICER.keyid, b"short"),))
    assert refused(verdict_on(raw, verify=never)).reason == AckReason.BAD_SIGNATURE


def test_one_public_key_under_two_ids_counts_once() -> None:
    """A trust document could not say so, an enrolment file might."""
    view = d.view(enrolled=True)
    twice = {d.ROOT_1.keyid: d.ROOT_1.key, "0" * 16: d.ROOT_1.key}
    view = TrustView(view.station, type(view.root)(twice, 2), None)
    body = msgspec.json.encode(d.trust())
    signatures = (d.ROOT_1.sign(body), d.ROOT_1.sign(body, keyid="0" * 16))
    verdict = refused(verdict_on(seal(body, signatures), "trust", view=view))
    assert verdict.reason == AckReason.THRESHOLD


@pytest.mark.parametrize("now_ms", [d.NOW_MS, None])
def test_the_floor_counts_even_when_the_clock_lies_behind_it(now_ms: int | None) -> None:
    raw = d.sealed(d.schedule(), d.OFFICER)
    verdict = verdict_on(raw, now_ms=now_ms, floor_ms=d.NOW_MS + 40 * d.DAY_MS)
    assert refused(verdict).reason == AckReason.EXPIRED


def test_without_a_clock_a_key_is_judged_by_the_floor() -> None:
    raw = d.sealed(d.schedule(), d.EXPIRED)
    assert isinstance(verdict_on(raw, now_ms=None, floor_ms=0), Accepted)
    late = verdict_on(raw, now_ms=None, floor_ms=d.NOW_MS)
    assert refused(late).reason == AckReason.KEY_EXPIRED


def test_a_command_is_not_measured_against_held_revisions() -> None:
    held = {("huyen", d.OWN, "command"): Held(999, "x")}
    raw = d.sealed(d.command(), d.SERVICE)
    assert isinstance(verdict_on(raw, "cmd", held=held), Accepted)


def test_an_older_trust_document_is_refused_under_whatever_authority_it_comes() -> None:
    held = {("root", d.OWN, "trust"): Held(9, "x")}
    raw = d.sealed(d.trust(revision=8, authority="goc"), d.ROOT_1, d.ROOT_2)
    assert refused(verdict_on(raw, "trust", held=held)).reason == AckReason.OLDER


def test_the_held_trust_document_again_is_no_fault() -> None:
    raw = d.sealed(d.trust(), d.ROOT_1, d.ROOT_2)
    held = {("root", d.OWN, "trust"): Held(3, digest_of(msgspec.json.encode(d.trust())))}
    assert isinstance(verdict_on(raw, "trust", held=held), AlreadyHeld)


def test_a_zone_that_a_narrowed_key_names_may_not_come_by_tag() -> None:
    one = d.entry(zones=ZoneSelector(names=("thôn Đông",), tags=("tat-ca",)))
    verdict = refused(verdict_on(d.sealed(d.schedule(one), d.HAMLET_HEAD)))
    assert verdict.reason == AckReason.NOT_ALLOWED


def test_hours_may_pass_midnight_and_bound_the_end_of_a_slot() -> None:
    def said(start: str, minutes: int) -> bool:
        role = d.trust().roles[1]
        night = msgspec.structs.replace(role, hours=("22:00-02:00",))
        view = d.view(d.trust(roles=(night,)))
        one = d.entry(
            zones=ZoneSelector(names=("thôn Đông",)),
            when=When(start=f"2026-11-20T{start}:00"),
            duration_ms=minutes * d.MINUTE_MS,
        )
        raw = d.sealed(d.schedule(one), d.HAMLET_HEAD)
        return isinstance(verdict_on(raw, view=view), Accepted)

    assert said("22:00", 240)
    assert not said("22:00", 241)
    assert said("01:30", 30)
    assert not said("02:00", 1)
    assert not said("21:59", 1)


# --- trust documents -----------------------------------------------------------------------


def officer(**changes: Any) -> tuple[RoleGrant, ...]:
    return (msgspec.structs.replace(d.trust().roles[0], **changes),)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"root_keyids": ("0" * 16, d.ROOT_1.keyid)}, "not among the keys"),
        ({"root_threshold": 4}, "cannot be met"),
        ({"root_keyids": (d.ROOT_1.keyid, d.ROOT_1.keyid)}, "second holder"),
        ({"groups": (GroupMembership(id="a", authority="khong-ai"),)}, "unknown khong-ai"),
        ({"authorities": ()}, "unknown tinh"),
        ({"authorities": tuple(
            msgspec.structs.replace(one, home=True) for one in d.trust().authorities
        )}, "more than one is home"),
        ({"roles": officer(threshold=3)}, "cannot be met"),
        ({"roles": officer(role="root")}, "root_keyids"),
        ({"roles": officer(hours=("5-6",))}, "HH:MM"),
        ({"roles": officer(authority="x")}, "not known"),
        ({"roles": officer(keyids=("0" * 16,))}, "not among"),
    ],
)  # fmt: skip
def test_a_trust_document_that_contradicts_itself_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    raw = d.sealed(d.trust(revision=4, **changes), d.ROOT_1, d.ROOT_2)
    verdict = refused(verdict_on(raw, "trust"))
    assert verdict.reason == AckReason.MALFORMED
    assert said in verdict.detail


@pytest.mark.parametrize("field", ["authorities", "groups", "templates"])
def test_an_id_stands_once_in_a_trust_document(field: str) -> None:
    values = getattr(d.trust(templates=d.TEMPLATES), field)
    raw = d.sealed(d.trust(revision=4, **{field: (*values, values[-1])}), d.ROOT_1, d.ROOT_2)
    verdict = refused(verdict_on(raw, "trust"))
    reasons = {AckReason.DUPLICATE_ID}
    assert verdict.reason in reasons


def renewed(revision: int, *people: d.Person) -> Trust:
    keys: dict[str, Key] = {**d.trust().keys, **{one.keyid: one.key for one in people}}
    keyids = tuple(one.keyid for one in people)
    return d.trust(revision=revision, keys=keys, root_keyids=keyids)


def test_the_root_moves_on_by_a_chain_of_documents_and_never_back() -> None:
    one, two = d.Person("root four"), d.Person("root five")
    first = renewed(4, d.ROOT_1, one)
    second = renewed(5, one, two)
    raw = d.sealed(first, d.ROOT_1, d.ROOT_2, one)
    assert isinstance(verdict_on(raw, "trust"), Accepted)
    raw = d.sealed(second, d.ROOT_1, one, two)
    assert isinstance(verdict_on(raw, "trust", view=d.view(first)), Accepted)
    back = d.sealed(d.trust(revision=6), d.ROOT_1, d.ROOT_2, d.ROOT_3)
    verdict = refused(verdict_on(back, "trust", view=d.view(second)))
    assert verdict.reason == AckReason.NOT_ALLOWED


# --- opening again -------------------------------------------------------------------------


def again(raw: bytes, kind: str, view: TrustView) -> Accepted | Refused:
    return reopen(raw, topic=Down(d.OWN, kind), view=view, verify=d.verify, zones=d.zones)


def test_after_a_start_an_accepted_schedule_holds_though_envelope_and_key_ended() -> None:
    past = d.schedule(issued_at_ms=1, accept_until_ms=2)
    assert isinstance(again(d.sealed(past, d.EXPIRED), "schedule", d.view()), Accepted)


def test_a_schedule_whose_key_was_taken_away_does_not_hold() -> None:
    view = d.view(d.trust(roles=d.trust().roles[1:]))
    verdict = again(d.sealed(d.schedule(), d.OFFICER), "schedule", view)
    assert refused(verdict).reason == AckReason.NOT_ALLOWED


def test_a_held_trust_document_opens_by_its_own_root_after_two_changes() -> None:
    one, two = d.Person("root four"), d.Person("root five")
    held = d.sealed(renewed(5, one, two), one, two)
    assert isinstance(again(held, "trust", d.view(enrolled=True)), Accepted)
    altered = d.sealed(renewed(5, one, two), one)
    assert refused(again(altered, "trust", d.view(enrolled=True))).reason == AckReason.THRESHOLD


def test_anything_else_in_the_place_of_the_trust_document_does_not_open() -> None:
    raw = d.sealed(d.schedule(), d.OFFICER)
    assert refused(again(raw, "trust", d.view())).reason == AckReason.WRONG_TOPIC
    assert refused(again(b"", "trust", d.view())).reason == AckReason.MALFORMED


# --- templates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "text", "expected"),
    [
        ("Xả lũ lúc {gio}.", "Xả lũ lúc 08:00.", True),
        ("Xả lũ lúc {gio}.", "Xả lũ lúc .", False),
        ("Xả lũ lúc {gio}.", "Xả lũ lúc 08:00", False),
        ("Xả lũ lúc {gio}.", "Xả lũ lúc 08:00. Chạy.", True),
        ("Xả lũ lúc {gio}. Hết.", "Xả lũ lúc 08:00. Chạy! Hết.", False),
        ("{a}{b}", "xy", True),
        ("{a}{b}", "x", False),
        ("{a}", "x" * 60, True),
        ("{a}", "x" * 61, False),
        ("{a}", "x\ny", False),
        ("không có chỗ", "không có chỗ", True),
        ("không có chỗ", "không có chỗ ", False),
        ("{a} và {b} và {c}", "1 và 2", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_a_text_fills_a_template_or_not(template: str, text: str, expected: bool) -> None:
    assert fills(template, text) is expected


def test_a_hostile_template_costs_one_pass() -> None:
    assert not fills("{a}a" * 500, "a" * 3_999 + "b")


def test_one_language_more_than_the_template_has_needs_the_second_signature() -> None:
    templates = (WarningTemplate(id="xa-lu", texts={"vi": "Xả lũ."}),)
    texts = {"vi": "Xả lũ.", "tay": "anything"}
    raw = d.sealed(d.warnings(d.warning(texts=texts)), d.DUTY_1)
    verdict = verdict_on(raw, "warning", view=d.view(d.trust(templates=templates)))
    assert refused(verdict).reason == AckReason.THRESHOLD


# --- hours of a role -----------------------------------------------------------------------

BY_DAY = ("06:00-22:00",)
"""11:06 UTC, when the messages are issued, is 18:06 at the station."""
BY_NIGHT = ("22:00-06:00",)


def _narrowed(role: str, hours: tuple[str, ...]) -> TrustView:
    roles = tuple(
        msgspec.structs.replace(one, hours=hours) if one.role == role else one
        for one in d.trust().roles
    )
    return d.view(d.trust(roles=roles))


@pytest.mark.parametrize(("hours", "accepted"), [(BY_DAY, True), (BY_NIGHT, False)])
def test_a_command_is_issued_within_the_hours_of_its_key(
    hours: tuple[str, ...], accepted: bool
) -> None:
    view = _narrowed("command", hours)
    verdict = verdict_on(d.sealed(d.command(), d.SERVICE), "cmd", view=view)
    assert isinstance(verdict, Accepted) is accepted
    if not accepted:
        assert "issued at 18:05, outside 22:00-06:00" in refused(verdict).detail


@pytest.mark.parametrize(("hours", "accepted"), [(BY_DAY, True), (BY_NIGHT, False)])
def test_a_warning_is_issued_within_the_hours_of_its_key(
    hours: tuple[str, ...], accepted: bool
) -> None:
    view = _narrowed("emergency", hours)
    verdict = verdict_on(d.sealed(d.warnings(), d.DUTY_1), "warning", view=view)
    assert isinstance(verdict, Accepted) is accepted


def test_a_warning_stands_and_is_cancelled_after_the_hours_of_its_key() -> None:
    view = _narrowed("emergency", BY_NIGHT)
    in_time = d.warning(issued_at_ms=d.NOW_MS - 13 * d.HOUR_MS)
    outside = d.warning(id="xa-lu-2", cancelled=True)
    raw = d.sealed(d.warnings(in_time, outside), d.DUTY_1)
    assert isinstance(verdict_on(raw, "warning", view=view), Accepted)
