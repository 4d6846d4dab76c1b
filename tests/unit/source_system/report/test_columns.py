"""What is read of an as-run record: leniently, clamped, never more than was measured."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import AsRun, Confirmation, Event, OccurrenceRef, Segment
from simulator.source_system.report.columns import UNSAID, Label, play_of

START_MS = 1_790_000_000_000
REF = OccurrenceRef(
    authority="khu-vuc", audience="g/tat-ca", entry="thoi-su", nominal="2026-09-21T05:00:00"
)


def record(**changes: Any) -> bytes:
    body = AsRun(
        occurrence=REF,
        zone="thôn Đông",
        title="Thời sự",
        klass=3,
        planned_start_ms=START_MS,
        planned_duration_ms=60_000,
        outcome="played",
        reason=None,
        confirmed="yes",
    )
    return msgspec.json.encode(
        Event(
            station="tan-lien",
            installation="i-1",
            stream="main",
            seq=1,
            at_ms=START_MS,
            body=msgspec.structs.replace(body, **changes),
        )
    )


def sound(from_ms: int, to_ms: int, confirmed: Confirmation = "yes", **more: Any) -> Segment:
    return Segment(
        from_ms=START_MS + from_ms,
        to_ms=START_MS + to_ms,
        position_ms=0,
        bus=0,
        confirmed=confirmed,
        **more,
    )


def test_what_was_heard_and_what_was_measured_silent_are_told_apart() -> None:
    play = play_of(
        record(
            played_ms=60_000,
            segments=(
                sound(0, 20_000, level_cdb=-2_000),
                sound(20_000, 30_000, "no", level_cdb=-1_000),
                sound(30_000, 60_000, "unknown"),
            ),
        )
    )
    assert play is not None
    assert (play.played_ms, play.heard_ms, play.mute_ms) == (60_000, 20_000, 10_000)
    assert (play.level_sum, play.level_ms) == (-50_000_000, 30_000)
    assert play.level_max == -1_000
    assert play.first_ms == START_MS


def test_a_gap_is_no_sound() -> None:
    gap = sound(10_000, 50_000, gap=OccurrenceReason.PREEMPTED)
    play = play_of(
        record(played_ms=20_000, segments=(sound(0, 10_000), gap, sound(50_000, 60_000)))
    )
    assert play is not None
    assert play.heard_ms == 20_000


def test_sound_that_tore_is_taken_from_what_was_heard() -> None:
    play = play_of(record(played_ms=45_000, segments=(sound(0, 60_000),)))
    assert play is not None
    assert (play.played_ms, play.heard_ms) == (45_000, 45_000)


def test_a_record_of_older_software_says_nothing_of_what_it_does_not_know() -> None:
    raw = msgspec.json.encode(
        {
            "station": "tan-lien",
            "at_ms": START_MS,
            "body": {
                "kind": "asrun",
                "occurrence": {"authority": "a", "audience": "s/x", "entry": "e", "nominal": "n"},
                "zone": "thôn Đông",
                "planned_start_ms": START_MS,
                "outcome": "skipped",
            },
        }
    )
    play = play_of(raw)
    assert play is not None
    assert play.length_ms is None
    assert play.level_max is None
    assert play.label == Label(authority="a", entry="e", approval=UNSAID)
    assert play.label.broke is None


def test_a_reason_of_newer_software_is_kept_as_it_is() -> None:
    raw = record(outcome="skipped").replace(b'"reason":null', b'"reason":"meteor_strike"')
    play = play_of(raw)
    assert play is not None
    assert play.reason == "meteor_strike"


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b'{"body":{"zone":1}}'])
def test_what_cannot_be_read_is_no_row(raw: bytes) -> None:
    assert play_of(raw) is None


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**70), 2**70),
            st.integers(-(2**70), 2**70),
            st.sampled_from(["yes", "no", "unknown", "?"]),
            st.none() | st.integers(-(2**70), 2**70),
        ),
        max_size=6,
    ),
    st.integers(-(2**70), 2**70),
)
def test_heard_and_mute_never_exceed_what_was_played(
    segments: list[tuple[int, int, str, int | None]], played_ms: int
) -> None:
    body = {
        "kind": "asrun",
        "occurrence": {},
        "zone": "z",
        "planned_start_ms": 2**80,
        "outcome": "played",
        "played_ms": played_ms,
        "segments": [
            {"from_ms": a, "to_ms": b, "confirmed": c, "level_cdb": level}
            for a, b, c, level in segments
        ],
    }
    play = play_of(msgspec.json.encode({"body": body}))
    if play is None:  # a number that no station can mean: beyond 64 bits
        return
    assert 0 <= play.heard_ms + play.mute_ms <= play.played_ms
    assert all(-(2**62) < one < 2**62 for one in play if isinstance(one, int))
    assert play.level_max is None or -12_000 <= play.level_max <= 0
