"""A source that is listened to and not played: what is told of it, and when it is enough."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.live import LiveJob
from agent.player.protocol import RATE_HZ, Source, SourceFault
from agent.player.trial import EVERY_S, OPEN_LIMIT_S, Tried, source_from, tried

SOURCE = Source("stream", "https://a.invalid/x")
STEP = round(EVERY_S * RATE_HZ)
Sound = Callable[[int], NDArray[np.int16]]


def tone(frames: int) -> NDArray[np.int16]:
    wave = np.sin(2 * np.pi * 440 * np.arange(frames) / RATE_HZ)
    return np.asarray(0.1 * 32_767 * wave, np.int16)


def silence(frames: int) -> NDArray[np.int16]:
    return np.zeros(frames, np.int16)


def hiss(frames: int) -> NDArray[np.int16]:
    return np.asarray(np.random.default_rng(7).normal(0, 2_000, frames), np.int16)


class Studio:
    """A live job to which half a second of sound comes whenever we wait that long."""

    def __init__(self, *pieces: Sound, fault: SourceFault | None = None, ends: bool = True) -> None:
        self.now_ns = 0
        self.job = LiveJob(SOURCE, 0)
        self._pieces = list(pieces)
        self._fault = fault
        self._ends = ends

    def pause(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)
        if self._pieces:
            self.job.take(self._pieces.pop(0)(STEP), self.now_ns)
        elif self._ends:
            self.job.finish(self._fault)

    def listen(self, seconds: float) -> list[Tried]:
        return list(tried(self.job, seconds, lambda: self.now_ns, self.pause))


def test_it_ends_when_so_much_was_heard() -> None:
    studio = Studio(*[tone] * 9)
    reports = studio.listen(2.0)
    assert [one.heard_ms for one in reports] == [500, 1_000, 1_500, 2_000]
    assert [one.over for one in reports] == [False, False, False, True]
    assert {one.kind for one in reports} == {"sound"}
    assert reports[-1].fault is None
    assert studio.job.cancelled.is_set(), "nothing goes on behind it"


def test_level_and_peak_are_those_of_the_sound() -> None:
    report = Studio(tone).listen(0.5)[0]
    assert report.level_cdb == pytest.approx(-2_301, abs=5)
    assert report.peak_cdb == pytest.approx(-2_000, abs=5)


@pytest.mark.parametrize(("piece", "kind"), [(silence, "silent"), (hiss, "hiss")])
def test_silence_and_hiss_are_told_apart_from_sound(piece: Sound, kind: str) -> None:
    assert {one.kind for one in Studio(*[piece] * 4).listen(2.0)} == {kind}


def test_how_long_the_first_sound_took_is_told() -> None:
    assert Studio(silence).listen(0.5)[0].waited_ms == 500


def test_a_source_that_breaks_is_told_with_its_fault_and_what_was_heard_before() -> None:
    reports = Studio(tone, fault="ended_early").listen(9.0)
    assert (reports[-1].fault, reports[-1].over, reports[-1].heard_ms) == ("ended_early", True, 500)
    assert reports[0].kind == "sound"


def test_a_source_that_never_sounds_is_given_up() -> None:
    reports = Studio(ends=False).listen(5.0)
    assert reports[-1].fault == "not_audio"
    assert len(reports) <= OPEN_LIMIT_S / EVERY_S + 1
    assert all(one.kind is None and one.level_cdb is None for one in reports)


def test_what_it_would_do_while_it_plays_is_left_out() -> None:
    line = b'{"kind":"input","url":"micro","channel":1,"silent_ms":5000,"delay_ms":900}'
    assert source_from(line) == Source("input", "micro", channel=1)


@pytest.mark.parametrize(
    "line", [b"", b"{", b'{"kind":"file","url":"/etc/passwd"}', b'{"kind":"tone"}']
)
def test_only_a_live_source_is_listened_to(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        source_from(line)
