"""The conformance vectors: current, and answered by this implementation as they say."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from agent.contract.reasons import AckReason
from agent.contract.topics import parse_down
from agent.core.trust import Accepted, AlreadyHeld, Held, Refused, judge
from tests.vectors import district, make

VECTORS: dict[str, Any] = json.loads(make.PATH.read_text(encoding="utf-8"))


def test_the_committed_vectors_are_what_the_generator_writes() -> None:
    assert make.PATH.read_text(encoding="utf-8") == make.build()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_this_station_answers_as_the_vector_says(case: dict[str, Any]) -> None:
    topic = parse_down(case["topic"])
    assert topic is not None
    verdict = judge(
        base64.b64decode(case["message_base64"]) + b" " * case["padding"],
        topic=topic,
        retained=case["retained"],
        view=district.view(
            district.trust() if case["templates_held"] else district.trust(templates=()),
            enrolled=case["enrolled_only"],
        ),
        held={
            (one["authority"], one["audience"], one["kind"]): Held(one["revision"], one["digest"])
            for one in case["held"]
        },
        now_ms=VECTORS["now_ms"] if case["clock_trusted"] else None,
        floor_ms=VECTORS["floor_ms"],
        verify=district.verify,
        zones=district.zones,
    )
    match verdict:
        case Accepted():
            answer = "accepted"
        case AlreadyHeld():
            answer = "already_held"
        case Refused():
            answer = verdict.reason
    assert answer == case["expect"], verdict


def test_vectors_cover_every_reason_a_message_alone_can_be_refused_for() -> None:
    expected = {case["expect"] for case in VECTORS["cases"]}
    later = {
        AckReason.REPLAYED,
        AckReason.UNKNOWN_ENTRY,
        AckReason.NOTHING_ON_AIR,
        AckReason.EMERGENCY_ON_AIR,
        AckReason.CANCELLED,
        AckReason.BUSY,
        AckReason.WRONG_PIN,
        AckReason.PIN_NEEDED,
        AckReason.PIN_LOCKED,
        AckReason.PIN_FILE,
        AckReason.UNKNOWN_PERSON,
        AckReason.NO_RIGHT,
        AckReason.CREATOR_IS_APPROVER,
        AckReason.CHANGED_SINCE,
        AckReason.NOTHING_TO_APPROVE,
        AckReason.AGAINST_THE_RULES,
        AckReason.NO_SUCH_ALARM,
        AckReason.OTHER_EPISODE,
        AckReason.UNKNOWN_INPUT,
        AckReason.INPUT_IS_RETURN,
    }
    assert set(AckReason) - later <= expected
