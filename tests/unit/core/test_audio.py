"""How the card runs is counted over its children; a self-test's answer finds its own item."""

from __future__ import annotations

from agent.core.audio import COMPARED_KEPT, Audio
from agent.core.effects import CompareReturn
from agent.core.events import AudioSeen, Now, PlayerLost, ReturnCompared, SoundStarted
from agent.core.turn import Turn


def turn() -> Turn:
    return Turn(Now(1_000, 1_000, 0, "trusted"))


def seen(underruns: int, reopened: int = 0) -> AudioSeen:
    return AudioSeen("dai", "dai", 1_024, 43, underruns, reopened)


def began(token: str, at_ms: int = 5_000, position_ms: int = 0) -> SoundStarted:
    return SoundStarted(token, 0, 0, position_ms, at_ms)


def test_underruns_are_counted_over_every_child_of_the_agents_life() -> None:
    audio = Audio()
    audio.look(seen(2), 1)
    audio.look(seen(5, 1), 2)
    assert (audio.underruns, audio.reopened) == (5, 1)
    audio.player_lost(PlayerLost("device_lost", "pulled out"))
    assert (audio.seen, audio.lost, audio.why) == (None, 1, "device_lost")
    audio.player_lost(PlayerLost("no_device", "not there"))  # never opened: the same loss
    assert (audio.underruns, audio.lost, audio.why) == (5, 1, "no_device")
    audio.look(seen(3), 3)
    assert (audio.underruns, audio.reopened, audio.why) == (8, 1, "")


def test_a_self_test_is_asked_for_once_and_its_answer_kept_under_its_item() -> None:
    audio, now = Audio(), turn()
    audio.began("k1", began("t1", 5_000, 120), now)
    audio.began("k1", began("t2"), now)  # a second bus of the same item
    assert [one.act for one in now.acts] == [CompareReturn("t1", 5_000, 120)]
    assert audio.compared == {"k1": None}
    found = ReturnCompared("t1", heard=True, delay_us=60_000)
    audio.take(ReturnCompared("of-somebody-else", heard=False))
    audio.take(found)
    assert audio.compared == {"k1": found}


def test_a_self_test_whose_child_died_is_unknown_not_unheard() -> None:
    audio = Audio()
    audio.began("k1", began("t1"), turn())
    audio.player_lost(PlayerLost("hung"))
    kept = audio.compared["k1"]
    assert kept is not None
    assert (kept.heard, kept.fault) == (None, "hung")


def test_old_self_tests_are_forgotten() -> None:
    audio = Audio()
    for number in range(3 * COMPARED_KEPT):
        audio.began(f"k{number}", began(f"t{number}"), turn())
    assert len(audio.compared) == COMPARED_KEPT
    assert f"k{3 * COMPARED_KEPT - 1}" in audio.compared
