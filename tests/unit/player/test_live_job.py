"""A live source is judged by what arrives of it, and not before it is due."""

from __future__ import annotations

import numpy as np

from agent.player.clockmap import NS_PER_S
from agent.player.live import LiveJob
from agent.player.protocol import RATE_HZ, Source, SourceFault

SILENCE = np.zeros(RATE_HZ // 4, np.int16)
HUM = np.asarray(3_000 * np.sin(np.arange(RATE_HZ // 4) / 20), np.int16)


class Fed:
    """A source as the test wants it, looked at four times a second."""

    def __init__(self, *, silent_ms: int = 0, segment_ms: int = 0, lead_ms: int = 1_500) -> None:
        self.job = LiveJob(Source("stream", "https://a", silent_ms=silent_ms), 0)
        self.job.base_lead_ms, self.job.segment_ms = lead_ms, segment_ms
        self.now_ns = 0

    def run(
        self, for_s: float, pcm: np.typing.NDArray[np.int16] | None, due_s: float = 0.0
    ) -> SourceFault | None:
        for _ in range(round(4 * for_s)):
            self.now_ns += NS_PER_S // 4
            if pcm is not None:
                self.job.take(pcm, self.now_ns)
                self.job.reader.read(self.job.track.end - RATE_HZ // 2, 1)
            self.job.poll(self.now_ns, round(due_s * NS_PER_S))
        return self.job.fault


def test_silence_is_judged_from_the_planned_start_on() -> None:
    fed = Fed(silent_ms=5_000)
    assert fed.run(12.5, SILENCE, due_s=8.0) is None
    assert fed.run(1.0, SILENCE, due_s=8.0) == "silent"


def test_silence_before_the_start_is_forgotten_when_the_programme_begins() -> None:
    fed = Fed(silent_ms=5_000)
    fed.run(8.0, SILENCE, due_s=8.0)
    assert fed.run(20.0, HUM, due_s=8.0) is None


def test_a_source_that_never_sends_anything_is_given_up_before_its_start_too() -> None:
    assert Fed().run(6.5, None, due_s=20.0) == "not_audio"


def test_a_plain_stream_is_stalled_after_four_seconds() -> None:
    fed = Fed()
    fed.run(5.0, HUM)
    assert fed.run(4.0, None) is None
    assert fed.run(0.5, None) == "stalled"


def test_segments_are_waited_for_as_long_as_their_store_lasts_and_not_for_ever() -> None:
    fed = Fed(segment_ms=6_000, lead_ms=10_000)
    fed.run(5.0, HUM)
    assert fed.run(10.5, None) is None
    assert fed.run(1.0, None) == "stalled"


def test_half_a_stream_is_told_as_too_slow() -> None:
    fed = Fed()
    assert fed.run(60.0, HUM[::2]) == "too_slow"


def test_a_whole_stream_never_is() -> None:
    assert Fed().run(600.0, HUM) is None
