"""The return line on the real child: what comes back from behind the card is heard, or told lost.

A null sink is the card; a loopback from its monitor into another one is amplifier and wire.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from agent.player import protocol as p
from simulator.soundcard import PlayerChild, SoundCard

NEEDED = ("pulseaudio", "parec", "pactl")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]
LOOP_MS = 60
TONE = p.Source("tone", tone_hz=(800,))


@dataclass
class Station:
    card: SoundCard
    child: PlayerChild
    tokens: int = 0

    def play(self, source: p.Source, length_ms: int, gain_cdb: int = -1_200) -> str:
        self.tokens += 1
        part = p.Part((source,), length_ms=length_ms, gain_cdb=gain_cdb)
        start_ms = time.time_ns() // 1_000_000 + 300
        self.child.send(p.Cue(f"t{self.tokens}", 0, (part,), start_ms, 0))
        return f"t{self.tokens}"

    def plug(self) -> str:
        """Amplifier and wire; its module's number."""
        return self.card.pactl(
            "load-module",
            "module-loopback",
            "source=dai.monitor",
            "sink=ve-mouth",
            f"latency_msec={LOOP_MS}",
        ).strip()

    def compare(self) -> p.Compared:
        token = self.play(p.PATTERN, p.PATTERN_MS)
        began = self.child.wait(p.Started, token)
        self.child.send(p.Compare(token, began.at_ms, 0, began.position_ms))
        return self.child.wait(p.Compared, token)


@pytest.fixture(scope="module")
def station() -> Iterator[Station]:
    options = ("--return-device", "ve")
    with (
        SoundCard(sinks={"dai": 1}, inputs=("ve",)) as card,
        PlayerChild(card.env(), "dai", 1, *options) as child,
    ):
        assert child.wait(p.Ready).resolved == "dai"
        child.wait(p.Returned, where=lambda one: one.kind == "silent")
        yield Station(card, child)


def test_a_pattern_that_comes_back_is_found_with_its_delay_and_level(station: Station) -> None:
    number = station.plug()
    try:
        time.sleep(0.5)
        found = station.compare()
        if not found.heard:  # on a busy machine the wire, a sound server, may itself be torn
            found = station.compare()
        assert found.heard is True
        assert found.delay_us is not None
        assert -20 <= found.delay_us / 1_000 <= LOOP_MS + 250
        # A sine at -6 dBFS has -9 dB of level; the part takes 12 from it.
        assert found.level_cdb == pytest.approx(-2_100, abs=100)
        assert found.snr_cdb is not None
        assert found.snr_cdb > 2_000
    finally:
        station.card.pactl("unload-module", number)


def test_without_its_wire_the_pattern_is_not_heard(station: Station) -> None:
    found = station.compare()
    assert (found.heard, found.level_cdb) == (False, None)


def test_what_sounds_before_the_card_and_not_behind_it_lacks_until_it_is_back(
    station: Station,
) -> None:
    seen = len(station.child.all(p.Returned))
    token = station.play(TONE, 60_000)
    began = station.child.wait(p.Started, token)
    lacks = station.child.wait(p.Returned, where=lambda one: (one.lacks_ms or 0) >= 3_500)
    assert 3_300 <= lacks.at_ms - began.at_ms <= 6_000
    number = station.plug()
    back = station.child.wait(
        p.Returned, where=lambda one: one.at_ms > lacks.at_ms and one.lacks_ms == 0
    )
    assert back.kind == "sound"
    station.child.send(p.Stop(token))
    station.child.wait(p.Ended, token)
    station.card.pactl("unload-module", number)
    assert seen < len(station.child.all(p.Returned))


def test_a_return_line_that_is_not_there_claims_nothing() -> None:
    options = ("--return-device", "khong-co")
    with SoundCard(sinks={"dai": 1}) as card, PlayerChild(card.env(), "dai", 1, *options) as child:
        child.wait(p.Ready)
        alone = Station(card, child)
        told = child.wait(p.Returned, where=lambda one: one.fault != "")
        assert (told.fault, told.kind, told.lacks_ms) == ("not_found", None, None)
        found = alone.compare()
        assert (found.heard, found.fault) == (None, "not_found")
