"""The live screen of the demo: chapters told so far, and what each station does now.

Draws; owns nothing of what it shows. On a terminal the picture is redrawn in place, elsewhere
each chapter is one line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

from simulator.demo.stage import Stage

TOLD_MAX = 18
HOME, CLEAR_BELOW, CLEAR_LINE = "\x1b[H", "\x1b[J", "\x1b[K"


class Screen:
    """`say` tells a chapter; `draw` shows the stations."""

    def __init__(self, lang: str, out: TextIO = sys.stdout) -> None:
        self._lang = lang
        self._out = out
        self._live = out.isatty()
        self._told: list[str] = []
        self._began = time.monotonic()
        if self._live:
            out.write("\x1b[2J")

    def say(self, vi: str, en: str) -> None:
        line = f"{time.monotonic() - self._began:6.1f} s  {vi if self._lang == 'vi' else en}"
        self._told.append(line)
        if not self._live:
            print(line, file=self._out, flush=True)

    def draw(self, stage: Stage, left_s: float) -> None:
        if not self._live:
            return
        left = f"còn {left_s:.0f} s" if self._lang == "vi" else f"{left_s:.0f} s left"
        lines = [f"commune-radio · demo · {left}", ""]
        lines += self._told[-TOLD_MAX:]
        lines.append("")
        for name, station in stage.stations.items():
            lines += self._station(stage, name, station.spec.name)
        text = "\n".join(f"{line}{CLEAR_LINE}" for line in lines)
        self._out.write(f"{HOME}{text}\n{CLEAR_BELOW}")
        self._out.flush()

    def _station(self, stage: Stage, name: str, title: str) -> list[str]:
        station = stage.stations[name]
        alive = station.agent is not None and station.agent.poll() is None
        state = stage.observer.latest.get(f"radio/v1/s/{name}/up/state") or {}
        cut = station.link.conditions.mode != "up"
        pick: Callable[[str, str], str] = lambda vi, en: vi if self._lang == "vi" else en  # noqa: E731
        signs = [
            pick("tiến trình ", "process ") + ("✓" if alive else "✗"),
            pick("mạng ", "network ") + ("✗" if cut else "✓"),
            f"{state.get('state', '?')}",
            pick("ampli ", "amp ") + station.power,
        ]
        zones = "  ".join(
            f"{zone} {'♪' if station.gates.get(station.spec.terminal(place)) else '·'}"
            for place, zone in enumerate(station.spec.zones)
        )
        return [f"{title:<20} {'  '.join(signs)}", f"    {zones}"]
