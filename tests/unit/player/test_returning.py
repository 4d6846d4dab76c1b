"""What lacks on the return line is told when it lacks, and never when nobody can know."""

from __future__ import annotations

import numpy as np

from agent.player.clockmap import NS_PER_MS, NS_PER_S
from agent.player.hearing import Look
from agent.player.pattern import SLOW_HZ
from agent.player.returning import FRAMES, KEPT_NS, ReturnEar
from agent.player.ring import Block

STEP_NS = FRAMES * NS_PER_S // 48_000
LOUD = Look("sound", 48_000, -20.0, -10.0, 0.05)
FAINT = Look("sound", 48_000, -58.0, -50.0, 0.05)
PAUSE = Look("silent", 48_000, -90.0, -90.0, None)


def sine(level: float) -> Block:
    return (level * np.sin(2 * np.pi * 500 * np.arange(FRAMES) / 48_000)).astype(np.float32)


class Line:
    """A return line whose input is `level` from second to second."""

    def __init__(self) -> None:
        self.ear = ReturnEar()
        self.now_ns = 10 * NS_PER_S

    def second(self, level: float | None, sent: Look | None) -> int | None:
        end_ns = self.now_ns + NS_PER_S
        while self.now_ns < end_ns:
            if level is not None:
                self.ear.add(sine(level), self.now_ns)
            self.now_ns += STEP_NS
        return self.ear.look(sent, 1_000, self.now_ns)[1]


def test_sound_that_is_sent_and_does_not_come_back_lacks_ever_longer() -> None:
    line = Line()
    lacks = [line.second(0.0, LOUD) for _ in range(5)]
    assert lacks[0] == 0
    assert all(late is not None and late > 3_000 for late in lacks[3:])
    assert line.second(0.1, LOUD) == 0


def test_a_pause_in_the_programme_neither_counts_nor_heals() -> None:
    line = Line()
    for sent in (LOUD, PAUSE, PAUSE):
        assert line.second(0.0, sent) == 0
    assert (line.second(0.0, LOUD) or 0) > 3_000


def test_what_is_sent_too_faint_to_be_heard_behind_an_amplifier_says_nothing() -> None:
    line = Line()
    assert [line.second(0.0, FAINT) for _ in range(10)] == [0] * 10


def test_hum_alone_is_as_empty_as_silence_once_it_is_known() -> None:
    line = Line()
    line.second(0.005, None)
    lacks = [line.second(0.005, LOUD) for _ in range(4)]
    assert (lacks[-1] or 0) > 3_000
    unknown = Line()
    assert [unknown.second(0.005, LOUD) for _ in range(4)] == [0] * 4


def test_a_loud_sound_of_somebody_else_is_not_learned_as_hum() -> None:
    line = Line()
    line.second(0.5, None)
    assert [line.second(0.3, LOUD) for _ in range(4)] == [0] * 4


def test_a_line_that_gives_no_samples_claims_nothing() -> None:
    line = Line()
    assert line.second(None, LOUD) is None
    line.second(0.0, LOUD)
    assert [line.second(None, LOUD) for _ in range(4)] == [None] * 4


def test_a_piece_is_what_came_in_between_and_nothing_where_it_is_not_all_there() -> None:
    line = Line()
    began_ns = line.now_ns
    for _ in range(3):
        line.second(0.1, None)
    piece = line.ear.piece(began_ns + NS_PER_S, began_ns + 2 * NS_PER_S)
    assert piece is not None
    assert len(piece) == SLOW_HZ
    assert line.ear.piece(began_ns - NS_PER_S, began_ns) is None
    assert line.ear.piece(line.now_ns - NS_PER_S, line.now_ns + NS_PER_S) is None


def test_what_is_kept_is_bounded() -> None:
    line = Line()
    for _ in range(60):
        line.ear.add(sine(0.1), line.now_ns)
        line.now_ns += NS_PER_S // 4
    early = line.now_ns - KEPT_NS - 2 * NS_PER_S
    assert line.ear.piece(early, early + 100 * NS_PER_MS) is None
