"""Lines are messages, or say why not."""

from __future__ import annotations

import os

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.player import protocol as p
from agent.player.reports import Lines, Reporter

STOP = p.Stop("a", 20)


@given(st.integers(1, 40))
def test_messages_survive_any_cut_of_the_stream(size: int) -> None:
    raw = (msgspec.json.encode(STOP) + b"\n") * 3
    lines = Lines()
    found = [m for at in range(0, len(raw), size) for m in lines.feed(raw[at : at + size])]
    assert found == [STOP, STOP, STOP]


@given(st.binary(max_size=100))
def test_any_line_is_a_message_or_a_reason(raw: bytes) -> None:
    found = Lines().feed(raw.replace(b"\n", b"") + b"\n" + msgspec.json.encode(STOP) + b"\n")
    assert found[-1] == STOP


def test_a_parent_that_does_not_read_never_blocks_the_child() -> None:
    read_end, write_end = os.pipe()
    reporter = Reporter(write_end)
    for n in range(30_000):
        reporter.send(p.Pulse(n, n, 0, 0, 85))
    os.close(read_end)
    os.close(write_end)
