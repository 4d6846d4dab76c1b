"""The real child on an ALSA card that runs dry: it takes larger blocks, says so and remembers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from agent.player import protocol as p
from simulator.soundcard import PacedCard, PlayerChild

pytestmark = [
    pytest.mark.skipif(bool(PacedCard.missing()), reason=f"needs {PacedCard.missing()}"),
    pytest.mark.realtime,
]

APART_S = 1.05
"""Dry moments within a second are one trouble."""


def starve(child: PlayerChild, times: int) -> None:
    """Hold the child for longer than what its card has in store."""
    for _ in range(times):
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(0.2)
        os.kill(child.pid, signal.SIGCONT)
        time.sleep(APART_S)


def test_a_card_that_keeps_running_dry_gets_larger_blocks_also_after_a_restart(
    tmp_path: Path,
) -> None:
    options = ("--frames", "auto", "--remember", str(tmp_path / "sound.json"))
    with PacedCard("the-kham", 1) as card:
        with PlayerChild(card.env(), "the-kham", 1, *options) as child:
            # A device that is no card of the kernel begins as one behind a sound server does.
            assert child.wait(p.Ready).frames_per_buffer == 2_048
            starve(child, 3)
            grown = child.wait(p.Pulse, where=lambda one: one.frames_per_buffer == 4_096)
            assert (grown.underruns >= 3, grown.reopened) == (True, 1)
            later = child.wait(p.Pulse, where=lambda one: one.frames > grown.frames + 40_000)
            assert later.latency_ms == pytest.approx(85, abs=3)
            assert any("frames=2048 opened_again_with=4096" in line for line in child.log)
        with PlayerChild(card.env(), "the-kham", 1, *options) as child:
            assert child.wait(p.Ready).frames_per_buffer == 4_096


def test_a_size_that_is_configured_stays_whatever_the_card_does() -> None:
    with (
        PacedCard("the-kham", 1) as card,
        PlayerChild(card.env(), "the-kham", 1, "--frames", "960") as child,
    ):
        assert child.wait(p.Ready).frames_per_buffer == 960
        starve(child, 3)
        dry = child.wait(p.Pulse, where=lambda one: one.underruns >= 3)
        last = child.wait(p.Pulse, where=lambda one: one.frames > dry.frames + 48_000)
        assert (last.frames_per_buffer, last.reopened) == (960, 0)
