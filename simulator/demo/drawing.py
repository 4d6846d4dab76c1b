"""One station as SVG: what each channel carried, and each zone planned against played.

All rows of a station share one time axis. Colour helps, but every bar also carries its name and
every kind its own shape: planned is an outline, played is filled, a warning is hatched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.demo.occurrences import iso
from simulator.demo.recording import Recording

WIDTH = 1_080
LEFT = 112
_RIGHT = 8
_WAVE = 46
_ZONE = 40
_AXIS = 30
_COLUMNS = 900
_PALETTE = ("#0b6e99", "#7a4fb5", "#a35a00", "#2f7d32", "#8a3d63", "#3b5bdb", "#5f6b2d", "#006d6d")


@dataclass(frozen=True, slots=True)
class Axis:
    """Epoch ms → x."""

    from_ms: float
    to_ms: float

    def x(self, at_ms: float) -> float:
        part = (at_ms - self.from_ms) / max(1.0, self.to_ms - self.from_ms)
        return LEFT + min(1.0, max(0.0, part)) * (WIDTH - LEFT - _RIGHT)


def colours(programmes: list[str]) -> dict[str, str]:
    return {name: _PALETTE[place % len(_PALETTE)] for place, name in enumerate(programmes)}


def station_svg(
    station: str,
    summary: Mapping[str, Any],
    recording: Recording,
    colour: Mapping[str, str],
    titles: Mapping[str, str],
) -> str:
    """The picture of one station. titles: programme → what people call it."""
    axis = Axis(summary["from_ms"], summary["to_ms"])
    zones = summary["stations"][station]["zones"]
    heard = summary["heard"][station]
    height = _AXIS + recording.buses * _WAVE + len(zones) * _ZONE + 6
    parts = [_steps(axis, summary, height), _ticks(axis, summary["tz"], height)]
    y = _AXIS
    for bus in range(recording.buses):
        parts.append(_wave(axis, recording, bus, heard, colour, y))
        y += _WAVE
    for zone in zones:
        parts.append(_zone(axis, summary, station, zone, y, colour, titles))
        y += _ZONE
    label = f"{station}: {len(zones)} cụm loa, {recording.buses} đường tiếng"
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{_PATTERNS}{''.join(parts)}</svg>"
    )


_PATTERNS = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#b3261e"/>'
    '<rect width="2" height="6" fill="#f2b8b5"/></pattern></defs>'
)


def _steps(axis: Axis, summary: Mapping[str, Any], height: int) -> str:
    """A light band behind every step that failed."""
    whole = summary["to_ms"] - summary["from_ms"]
    return "".join(
        f'<rect class="bad" x="{axis.x(step["from_ms"]):.1f}" y="{_AXIS - 4}" '
        f'width="{axis.x(step["to_ms"]) - axis.x(step["from_ms"]):.1f}" '
        f'height="{height - _AXIS + 4}"/>'
        for step in summary["steps"]
        if step["verdict"] != "ok" and step["to_ms"] - step["from_ms"] < whole
    )


def _ticks(axis: Axis, tz: str, height: int) -> str:
    span_s = (axis.to_ms - axis.from_ms) / 1000
    step_s = next((one for one in (5, 10, 15, 30, 60, 120, 300, 600) if span_s / one <= 12), 1_800)
    first = math.ceil(axis.from_ms / 1000 / step_s) * step_s
    parts = []
    for second in range(first, int(axis.to_ms / 1000) + 1, step_s):
        x = axis.x(second * 1000)
        text = iso(second * 1000, tz)[11:19]
        parts.append(
            f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{_AXIS - 6}" y2="{height}"/>'
            f'<text class="time" x="{x:.1f}" y="{_AXIS - 11}">{text}</text>'
        )
    return "".join(parts)


# --- channels -------------------------------------------------------------------------------


def _wave(
    axis: Axis,
    recording: Recording,
    bus: int,
    heard: Mapping[str, Any],
    colour: Mapping[str, str],
    y: float,
) -> str:
    """The envelope of a channel; what was recognised in it is tinted underneath."""
    middle = y + _WAVE / 2
    tints = [
        _tint(axis, one["from_ms"], one["to_ms"], y, colour.get(one["programme"], "#888"))
        for one in heard["programmes"]
        if one["bus"] == bus
    ]
    tints += [
        _tint(axis, one["from_ms"], one["to_ms"], y, "#b3261e")
        for one in heard["other"]
        if one["bus"] == bus
    ]
    return (
        f'<text class="name" x="4" y="{middle + 4:.1f}">Kênh {bus}</text>'
        f'<text class="en" x="60" y="{middle + 4:.1f}">bus {bus}</text>'
        f'{"".join(tints)}<path class="wave" d="{_envelope(axis, recording, bus, middle)}"/>'
    )


def _tint(axis: Axis, from_ms: float, to_ms: float, y: float, colour: str) -> str:
    x = axis.x(from_ms)
    width = max(1.0, axis.x(to_ms) - x)
    return (
        f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="{_WAVE - 4}" '
        f'fill="{colour}" opacity="0.16"/>'
    )


def _envelope(axis: Axis, recording: Recording, bus: int, middle: float) -> str:
    """A closed path over the highest and back along the lowest sample of each column."""
    low, high = envelope(recording, bus, axis, _COLUMNS)
    width = (WIDTH - LEFT - _RIGHT) / _COLUMNS
    reach = _WAVE / 2 - 3
    over = [
        f"{LEFT + place * width:.1f} {middle - value * reach:.1f}"
        for place, value in enumerate(high)
    ]
    back = [
        f"{LEFT + place * width:.1f} {middle - value * reach:.1f}"
        for place, value in reversed(list(enumerate(low)))
    ]
    return "M" + "L".join([*over, *back]) + "Z"


def envelope(
    recording: Recording, bus: int, axis: Axis, columns: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(lowest, highest) sample per column, -1 to 1; columns outside the recording are 0.

    Drawn with a square root: quiet speech is to be seen beside a siren.
    """
    edges = np.linspace(axis.from_ms, axis.to_ms, columns + 1)
    frames = [min(max(0, round(recording.frame(at))), len(recording.frames)) for at in edges]
    low, high = np.zeros(columns), np.zeros(columns)
    for place in range(columns):
        part = recording.frames[frames[place] : frames[place + 1], bus]
        if len(part):
            low[place], high[place] = part.min() / 32768, part.max() / 32768
    return -np.sqrt(np.abs(np.minimum(low, 0))), np.sqrt(np.maximum(high, 0))


# --- zones ----------------------------------------------------------------------------------


def _zone(
    axis: Axis,
    summary: Mapping[str, Any],
    station: str,
    zone: str,
    y: float,
    colour: Mapping[str, str],
    titles: Mapping[str, str],
) -> str:
    """Upper half: planned, as outlines. Lower half: what came out. A line: the gate was open."""
    rows = [
        row for row in summary["occurrences"] if (row["station"], row["zone"]) == (station, zone)
    ]
    parts = [f'<line class="rule" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>']
    parts.append(f'<text class="name" x="4" y="{y + 24}">{escape(_short(zone))}</text>')
    for span in summary["open"].get(f"{station}/{zone}", ()):
        x, end = axis.x(span["from_ms"]), axis.x(span["to_ms"])
        parts.append(
            f'<rect class="gate" x="{x:.1f}" y="{y + 36}" width="{max(1, end - x):.1f}" '
            'height="2"/>'
        )
    parts += [_planned(axis, row, y, colour) for row in rows]
    parts += [_played(axis, row, y, colour, titles) for row in rows]
    parts += [
        _bar(axis, one["from_ms"], one["to_ms"], y + 15, 18, "none", "stray", "✗ sai")
        for one in summary["strays"]
        if (one["station"], one["zone"]) == (station, zone)
    ]
    return "".join(parts)


def _short(zone: str) -> str:
    return zone if len(zone) <= 15 else zone[:14] + "…"


def _planned(axis: Axis, row: Mapping[str, Any], y: float, colour: Mapping[str, str]) -> str:
    if row["programme"] is None:
        x = axis.x(row["planned_start_ms"])
        return f'<path class="due" d="M{x:.1f} {y + 13}l-5 -9h10z"/>'
    line = colour.get(row["programme"], "#888")
    x = axis.x(row["planned_start_ms"])
    width = max(2.0, axis.x(row["planned_start_ms"] + row["length_ms"]) - x)
    return (
        f'<rect class="plan" x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="8" '
        f'stroke="{line}"/>'
    )


def _played(
    axis: Axis,
    row: Mapping[str, Any],
    y: float,
    colour: Mapping[str, str],
    titles: Mapping[str, str],
) -> str:
    warning = row["programme"] is None
    fill = "url(#hatch)" if warning else colour.get(row["programme"], "#888")
    name = "Cảnh báo" if warning else titles.get(row["programme"], row["title"])
    kind = "warn" if warning else "play"
    bars = [
        _bar(axis, one["from_ms"], one["to_ms"], y + 15, 18, fill, kind, name)
        for one in row["segments"]
    ]
    if not bars and row.get("kept_back"):
        x = axis.x(row["planned_start_ms"])
        bars = [f'<text class="kept" x="{x:.1f}" y="{y + 28}">– giữ lại</text>']
    elif not bars:
        x = axis.x(row["planned_start_ms"])
        bars = [f'<text class="missing" x="{x:.1f}" y="{y + 28}">✗ không nghe</text>']
    return "".join(bars)


def _bar(
    axis: Axis,
    from_ms: float,
    to_ms: float,
    y: float,
    height: float,
    fill: str,
    kind: str,
    name: str,
) -> str:
    x = axis.x(from_ms)
    width = max(1.5, axis.x(to_ms) - x)
    seconds = (to_ms - from_ms) / 1000
    bar = (
        f'<rect class="{kind}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{height}" '
        f'fill="{fill}"><title>{escape(name)}, {seconds:.1f} s</title></rect>'
    )
    room = int((width - 6) / 6.7)
    if room < 3:
        return bar
    text = name if len(name) <= room else name[: room - 1] + "…"
    style = "dark" if kind == "stray" else "label"
    back = (
        f'<rect class="plate" x="{x + 2:.1f}" y="{y + 3}" width="{len(text) * 6.7 + 5:.1f}" '
        f'height="{height - 6}"/>'
        if kind == "warn"
        else ""
    )
    return f'{bar}{back}<text class="{style}" x="{x + 4:.1f}" y="{y + 13}">{escape(text)}</text>'
