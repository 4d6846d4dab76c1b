"""A card whose clock wanders after the opening is opened again, but only while nothing sounds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from agent.player import protocol as p
from agent.player.__main__ import REOPENINGS_MAX, Child
from agent.player.reports import Reporter
from simulator.soundcard import ModelledOutput

LIMIT_S = 10.0


class WanderingCard(ModelledOutput):
    """Says that its clock wanders until it has been opened so many times."""

    def __init__(self, good_after: int) -> None:
        super().__init__(1)
        self.openings_again = 0
        self._good_after = good_after

    @property
    def steady(self) -> bool | None:
        """As scripted."""
        return self.openings_again >= self._good_after

    def reopen(self) -> None:
        """Counted."""
        super().reopen()
        self.openings_again += 1


class Station:
    """A child in this process: what is sent to it, and its end."""

    def __init__(self, card: WanderingCard) -> None:
        self.card = card
        self._stdin, self._orders = os.pipe()
        self._reports, self._out = os.pipe()
        child = Child(card, 1, Reporter(self._out), self._stdin)
        self._thread = threading.Thread(target=child.run, kwargs={"standby": False})
        self._thread.start()

    def send(self, message: p.ToChild) -> None:
        """One order."""
        os.write(self._orders, msgspec.json.encode(message) + b"\n")

    def wait_openings(self, count: int) -> None:
        """Until it was opened again so often; fails after a while."""
        limit = time.monotonic() + LIMIT_S
        while self.card.openings_again < count and time.monotonic() < limit:
            time.sleep(0.02)
        assert self.card.openings_again >= count

    def close(self) -> None:
        """The agent goes, the child follows."""
        os.close(self._orders)
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()
        self.card.close()
        for fd in (self._stdin, self._reports, self._out):
            os.close(fd)


@pytest.fixture
def station(request: pytest.FixtureRequest) -> Iterator[Station]:
    station = Station(WanderingCard(good_after=request.param))
    yield station
    station.close()


def tone(in_ms: int) -> p.Cue:
    at_ms = time.time_ns() // 1_000_000 + in_ms
    return p.Cue("t", 0, (p.Part((p.Source("tone", tone_hz=(440,)),)),), at_ms, 0, join=False)


@pytest.mark.parametrize("station", [2], indirect=True)
def test_a_clock_that_wanders_is_begun_anew_until_it_is_steady(station: Station) -> None:
    station.wait_openings(2)
    time.sleep(1.5)
    assert station.card.openings_again == 2


@pytest.mark.parametrize("station", [99], indirect=True)
def test_a_clock_that_is_never_steady_is_taken_as_it_is(station: Station) -> None:
    station.wait_openings(REOPENINGS_MAX - 1)
    time.sleep(1.5)
    assert station.card.openings_again == REOPENINGS_MAX - 1


@pytest.mark.parametrize("station", [99], indirect=True)
def test_nothing_that_sounds_or_is_about_to_is_broken_for_the_clock(station: Station) -> None:
    station.send(tone(in_ms=0))
    station.wait_openings(0)
    time.sleep(0.3)
    before = station.card.openings_again
    time.sleep(2.5)
    assert station.card.openings_again <= before + 1
    station.send(p.Stop("t"))
    station.wait_openings(before + 2)


class EmptyCard(WanderingCard):
    """Asks for its first blocks before it plays, and says meanwhile that it has no latency."""

    shows_after_s = 0.3

    def __init__(self) -> None:
        super().__init__(0)
        self._begun_s = time.monotonic()

    @property
    def latency_ms(self) -> int:
        shown = time.monotonic() - self._begun_s >= self.shows_after_s
        return super().latency_ms if shown else 0


class SilentCard(EmptyCard):
    """Never says how late it is."""

    shows_after_s = 3_600.0


@pytest.mark.parametrize(("card", "shown"), [(EmptyCard, True), (SilentCard, False)])
def test_a_card_is_ready_when_it_shows_its_latency_or_has_none_for_a_second(
    card: type[EmptyCard], shown: bool
) -> None:
    station = Station(card())
    try:
        line = os.read(station._reports, 65_536)  # noqa: SLF001 - its first report
    finally:
        station.close()
    ready = msgspec.json.decode(line.splitlines()[0], type=p.Ready)
    assert (ready.latency_ms > 0) == shown
