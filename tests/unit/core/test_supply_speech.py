"""A text that could not be spoken: tried again, ever more rarely, as long as it is wanted."""

from __future__ import annotations

import pytest

from agent.core.backoff import speech_wait_ms
from agent.core.effects import Log, Speak
from agent.core.events import Now, SpeechFailed, SpeechReady
from agent.core.programme import Programme
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.turn import Turn
from agent.core.warnings import Utterance
from tests.vectors import district as d

FLOOD = Utterance("k", "Lũ quét.", "vi")
TIMEOUT = SpeechFailed("k", "timeout: after 30 s")
NO_VOICE = SpeechFailed("k", "voice_missing: no voice for 'hmn'", lasting=True)


class Bench:
    """A supply whose only text is that of a warning, and what it asks for."""

    def __init__(self) -> None:
        site = Site("tan-lien", "Tân Liên", d.TZ, (), ())
        self.supply = Supply(Programme(site, d.zones))
        self.mono_ms = 1_000
        self.warnings = 0

    def want(self, *texts: Utterance) -> int:
        turn = self._turn()
        self.supply.speak_ahead(texts, turn)
        return self._spoken(turn)

    def fail(self, event: SpeechFailed) -> None:
        turn = self._turn()
        self.supply.speech_failed(event, turn)
        self.warnings += sum(isinstance(one.act, Log) for one in turn.acts)

    def wait(self, for_ms: int) -> int:
        """How often a text is asked for when so much time has passed."""
        self.mono_ms += for_ms
        turn = self._turn()
        self.supply.speak_again(turn)
        return self._spoken(turn)

    def _turn(self) -> Turn:
        return Turn(Now(wall_ms=d.NOW_MS + self.mono_ms, mono_ms=self.mono_ms))

    def _spoken(self, turn: Turn) -> int:
        return sum(one.act == Speak("k", FLOOD.text, "vi", urgent=True) for one in turn.acts)


@pytest.fixture
def bench() -> Bench:
    one = Bench()
    assert one.want(FLOOD) == 1
    return one


def test_a_text_that_failed_is_asked_for_again_after_its_wait(bench: Bench) -> None:
    bench.fail(TIMEOUT)
    assert bench.supply.speech_mono_ms == bench.mono_ms + 5_000
    assert bench.wait(4_999) == 0
    assert bench.wait(1) == 1
    assert bench.wait(60_000) == 0  # it is being spoken
    assert bench.supply.speech_mono_ms is None


def test_nothing_waits_for_a_text_that_failed(bench: Bench) -> None:
    assert "k" not in bench.supply.box.speech
    bench.fail(TIMEOUT)
    assert bench.supply.box.speech["k"] is None
    bench.wait(5_000)
    assert bench.supply.box.speech["k"] is None


def test_a_text_that_is_spoken_in_the_end_is_on_the_box(bench: Bench) -> None:
    bench.fail(TIMEOUT)
    bench.wait(5_000)
    bench.supply.speech_ready(SpeechReady("k", 2_000))
    assert bench.supply.box.speech["k"] == 2_000
    assert bench.wait(3_600_000) == 0


def test_the_waits_grow_and_the_same_failure_is_logged_once(bench: Bench) -> None:
    waits: list[int] = []
    for _ in range(12):
        bench.fail(TIMEOUT)
        due_ms = bench.supply.speech_mono_ms or 0
        waits.append(due_ms - bench.mono_ms)
        assert bench.wait(due_ms - bench.mono_ms) == 1
    assert waits[:4] == [5_000, 10_000, 20_000, 40_000]
    assert waits[-1] == 60_000
    assert speech_wait_ms(100, lasting=False) == 900_000
    assert bench.warnings == 1
    bench.fail(NO_VOICE)
    assert bench.warnings == 2


def test_a_language_without_a_voice_is_tried_rarely(bench: Bench) -> None:
    bench.fail(NO_VOICE)
    assert bench.wait(599_999) == 0
    assert bench.wait(1) == 1
    assert speech_wait_ms(100, lasting=True) == 6 * 3_600_000


def test_what_nobody_wants_any_more_is_not_tried_again(bench: Bench) -> None:
    bench.fail(TIMEOUT)
    bench.want()
    assert bench.supply.speech_mono_ms is None
    assert bench.wait(3_600_000) == 0
    assert bench.want(FLOOD) == 1


def test_being_asked_for_twice_does_not_hurry_a_wait(bench: Bench) -> None:
    bench.fail(TIMEOUT)
    assert bench.want(FLOOD) == 0
    assert bench.wait(1_000) == 0


def test_a_missing_engine_is_the_speech_fault_that_is_told_first(bench: Bench) -> None:
    assert bench.supply.speech_fault == ""
    bench.want(FLOOD, Utterance("m", "Tuag.", "hmn"))
    bench.fail(SpeechFailed("m", "failed: exit 1"))
    assert bench.supply.speech_fault == "failed: exit 1"
    bench.fail(SpeechFailed("k", "engine_missing: espeak-ng"))
    assert bench.supply.speech_fault == "engine_missing: espeak-ng"
    bench.supply.speech_ready(SpeechReady("k", 1_000))
    bench.supply.speech_ready(SpeechReady("m", 1_000))
    assert bench.supply.speech_fault == ""
