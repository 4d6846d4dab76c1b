"""A whole station of ours beside the peers: agent, sound child, broker, amplifier, its own card.

Owns the timetable it is given: short items at whole seconds while the other players take their
turns, and a long one while its cost is read.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.contract.documents import Entry, FileSource, When, ZoneSelector
from simulator.bench import processes
from simulator.bench.daemon import GROUP, STATION
from simulator.bench.hearing import RATE_HZ
from simulator.bench.peers.costs import Usage, usage
from simulator.bench.peers.starts import SPACING_MS, Trial, sound_of
from simulator.demo.script import local
from simulator.demo.stage import Stage, now_ms
from simulator.measure import programme
from simulator.soundcard import Recorder, encode

NAME = "commune-radio, whole station"
HOW = "signed timetable over MQTT, fetched, played by the agent through its sound child"
SEED = 700
LEAD_S = 15
"""Receipts, fetching, and the ten seconds of a cue."""

EVERY_S = 3
BEGINS_AFTER_S = 2.0


class Station:
    """`with Station(folder, say) as station:`; everything ends with it."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._stage = Stage(folder, (STATION,), lambda _vi, en: say(en))

    def __enter__(self) -> Self:
        self._stage.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stage.__exit__(kind, error, trace)

    @property
    def recorder(self) -> Recorder:
        return self._stage.stations[STATION.id].recorder

    def push_starts(self, count: int, others: int) -> list[Trial]:
        """Items spread over the turns of `others` trials; the first in `LEAD_S`."""
        path = encode(sound_of(SEED)[:RATE_HZ], self._folder / "short.wav")
        self._stage.district.publish(path, slot="short")
        every_s = max(EVERY_S, int(others * SPACING_MS / 1_000 - LEAD_S) // count)
        begin_ms = (now_ms() // 1_000 + 1 + LEAD_S) * 1_000
        instants = [begin_ms + number * every_s * 1_000 for number in range(count)]
        self._push([_entry(f"s-{number}", "short", at) for number, at in enumerate(instants)])
        return [Trial(NAME, SEED, at_ms) for at_ms in instants]

    def push_long(self, seconds: float) -> float:
        """When the long programme begins."""
        path = encode(programme(seconds, seed=SEED + 1), self._folder / "long.mp3", channels=2)
        self._stage.district.publish(path, slot="long")
        at_ms = (now_ms() // 1_000 + 1 + LEAD_S) * 1_000
        self._push([_entry("long", "long", at_ms)])
        return at_ms

    def usage(self, seconds: float) -> Usage:
        agent = self._stage.stations[STATION.id].agent
        if agent is None:
            raise RuntimeError("no agent on the stage")
        return usage(tuple(processes.tree(agent.pid)), seconds)

    def _push(self, entries: list[Entry]) -> None:
        self._stage.district.push(tuple(entries), to=GROUP, wait_s=0)


def wait_for(begin_ms: float) -> None:
    """Until a programme that was to begin then has been playing for a moment."""
    time.sleep(max(0.0, begin_ms / 1_000 + BEGINS_AFTER_S - time.time()))


def _entry(name: str, slot: str, at_ms: int) -> Entry:
    return Entry(
        id=name,
        title=name,
        when=When(start=local(at_ms)),
        sources=(FileSource(slot=slot),),
        zones=ZoneSelector(all=True),
    )
