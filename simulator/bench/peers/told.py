"""The comparison as a table, a picture and a page: pure text from figures.

Owns what a row says: errors without their sign, a trial without sound counted beside them and never
among them, the ratio of medians to ours. Figures of the document stand between markers, so that the
command can renew them and the words around them stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from simulator.bench.peers.costs import Cost
from simulator.bench.table import number, statistic

NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to play. `starts` and `steps` in ms with their sign, NaN where nothing was heard."""

    name: str
    version: str
    how: str
    starts: tuple[float, ...] = ()
    steps: tuple[float, ...] = ()
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """All that one run found."""

    rows: tuple[Row, ...]
    machine: tuple[str, ...]
    """How the machine was, a line for each part."""

    quiet: bool
    settings: str
    floor: tuple[float, ...] = ()
    """Steps between two recordings of one card: below this nothing can be told."""

    troubles: tuple[str, ...] = ()


def heard(values: Iterable[float]) -> tuple[float, ...]:
    """Errors without sign, of the trials that were heard."""
    return tuple(abs(one) for one in values if not math.isnan(one))


def spread(values: Sequence[float]) -> str:
    """Median / 95th percentile / worst of the errors, and how many were not heard."""
    if not values:
        return NONE
    found = heard(values)
    if not found:
        return f"none of {len(values)}"
    three = " / ".join(number(statistic(found, of)) for of in ("p50", "p95", "max"))
    lost = len(values) - len(found)
    return f"{three} ({lost} of {len(values)} lost)" if lost else three


def times_ours(values: Sequence[float], ours: Sequence[float]) -> str:
    """How many times our median."""
    theirs, own = heard(values), heard(ours)
    if not theirs or not own or statistic(own, "p50") <= 0:
        return NONE
    ratio = statistic(theirs, "p50") / statistic(own, "p50")
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


def wobble(values: Sequence[float]) -> str:
    """From the 5th to the 95th percentile, with sign: what is left when a constant is taken off."""
    found = [one for one in values if not math.isnan(one)]
    if not found:
        return NONE
    return f"{signed(statistic(found, 'p5'))} … {signed(statistic(found, 'p95'))}"


def signed(value: float) -> str:
    return number(value).replace("-", "−")


def table(told: Told) -> str:
    """Markdown. The first row that started anything is what the others are compared with."""
    ours = next((row.starts for row in told.rows if heard(row.starts)), ())
    ours_step = next((row.steps for row in told.rows if heard(row.steps)), ())
    lines = [
        "| player | start error, ms: p50 / p95 / worst | × ours | step between two, ms: "
        "p50 / p95 / worst | × ours | CPU of a core, %: idle / playing | memory (USS), MB: "
        "idle / playing |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in told.rows:
        cells = [
            f"{row.name} {row.version}".strip(),
            spread(row.starts),
            times_ours(row.starts, ours),
            spread(row.steps),
            times_ours(row.steps, ours_step),
            NONE if row.cost is None else _both(row.cost.idle.cpu, row.cost.playing.cpu),
            NONE if row.cost is None else _both(row.cost.idle.mb, row.cost.playing.mb),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _both(idle: float, playing: float) -> str:
    """To a tenth: the kernel counts CPU time in hundredths of a second."""
    return f"{idle:.1f} / {playing:.1f}"


def weather(told: Told) -> str:
    if told.quiet:
        return "The machine was quiet."
    return (
        "**The machine was disturbed**: worst cases, and part of the medians, are the machine's. "
        "All players had the same machine."
    )


def spreads(told: Told) -> str:
    """Everything behind the table: how each was told, how often, how it scattered."""
    lines = [
        "| player | how it is told to begin | trials | start, ms, with sign: p5 … p95 | step, ms, "
        "with sign: p5 … p95 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.name} | {row.how} | {len(row.starts) or NONE} | {wobble(row.starts)} | "
        f"{wobble(row.steps)} |"
        for row in told.rows
    ]
    return "\n".join(lines)


def readme_part(told: Told) -> str:
    return f"{table(told)}\n\n{told.settings} {weather(told)}"


def page_part(told: Told) -> str:
    """For the document beside the table."""
    parts = [told.settings, weather(told), table(told), spreads(told)]
    if told.floor:
        parts.append(f"Floor of a step (two recorders on one card): {spread(told.floor)} ms.")
    parts.append("\n".join(f"* {line}" for line in told.machine))
    if told.troubles:
        parts.append("Went wrong:\n\n" + "\n".join(f"* {line}" for line in told.troubles))
    return "\n\n".join(parts)


def renewed(document: str, part: str, name: str = "bench-sound") -> str:
    """The document with `part` between its markers; ValueError when it has none."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no {begin} … {end} in the document")
    return f"{before}{begin}\n{part}\n{end}{after}"


# --- the picture -------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, LINE = 960, 250, 24, 24
LOW_MS, HIGH_MS = 0.01, 2_000.0
DOTS_MOST = 120
"""A long run has thousands: drawn are so many of them, the smallest and the largest among them."""

OURS, PEER, INK, GRID = "#0b6e99", "#b3541e", "#1f2933", "#d5dbe1"


def picture(told: Told) -> str:
    """SVG: starts and steps as dots on a logarithmic axis, medians as bars; then the costs."""
    parts: list[str] = []
    y = 34.0
    for title, which in (("Start error, ms", "starts"), ("Step between two players, ms", "steps")):
        rows = [(row, heard(getattr(row, which))) for row in told.rows]
        shown = [(row, values) for row, values in rows if values]
        parts.append(_text(12, y, f"{title} (a dot each, bar: median)", weight="bold"))
        top, bottom = y + 10, y + 10 + LINE * len(shown)
        parts += _axis(top, bottom)
        for place, (row, values) in enumerate(shown):
            parts += _dots(row, values, top + LINE * (place + 0.5))
        y = bottom + 50
    parts.append(_text(12, y, "CPU of one core, % (idle, playing)", weight="bold"))
    for row in told.rows:
        if row.cost is not None:
            y += LINE
            parts += _bars(row, row.cost, y, told)
    y += 26
    parts.append(_text(12, y, told.settings + ("" if told.quiet else " Machine disturbed.")))
    height = y + 16
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="Start error, step and cost of players">'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _x(ms: float) -> float:
    share = math.log(min(HIGH_MS, max(LOW_MS, ms)) / LOW_MS) / math.log(HIGH_MS / LOW_MS)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _axis(top: float, bottom: float) -> list[str]:
    marks = (0.01, 0.1, 1, 10, 100, 1_000)
    return [
        f'<line x1="{_x(one):.1f}" y1="{top:.1f}" x2="{_x(one):.1f}" y2="{bottom:.1f}" '
        f'stroke="{GRID}"/>' + _text(_x(one), bottom + 15, f"{one:g}", anchor="middle")
        for one in marks
    ]


def _dots(row: Row, values: Sequence[float], y: float) -> list[str]:
    colour = _colour(row)
    middle = _x(statistic(values, "p50"))
    told = escape(f"{row.name}: {spread(values)} ms")
    shown = sorted(values)
    if len(shown) > DOTS_MOST:
        last = (len(shown) - 1) / (DOTS_MOST - 1)
        shown = [shown[round(place * last)] for place in range(DOTS_MOST)]
    dots = "".join(f'<circle cx="{_x(one):.1f}" cy="{y:.1f}" r="3"/>' for one in shown)
    return [
        _text(LEFT - 8, y + 4, row.name, anchor="end"),
        f'<g fill="{colour}" fill-opacity="0.35"><title>{told}</title>{dots}</g>',
        f'<rect x="{middle - 1.5:.1f}" y="{y - 9:.1f}" width="3" height="18" fill="{colour}"/>',
    ]


def _bars(row: Row, cost: Cost, y: float, told: Told) -> list[str]:
    top = max(one.cost.playing.cpu for one in told.rows if one.cost is not None)
    scale = (WIDTH - LEFT - RIGHT - 250) / max(top, 0.1)
    idle, playing = cost.idle, cost.playing
    words = f"{_both(idle.cpu, playing.cpu)} %; {_both(idle.mb, playing.mb)} MB"
    longest = max(idle.cpu, playing.cpu) * scale
    return [
        _text(LEFT - 8, y + 4, row.name, anchor="end"),
        f'<rect x="{LEFT}" y="{y - 7:.1f}" width="{idle.cpu * scale:.1f}" height="6" '
        f'fill="{_colour(row)}" fill-opacity="0.45"/>',
        f'<rect x="{LEFT}" y="{y:.1f}" width="{playing.cpu * scale:.1f}" height="8" '
        f'fill="{_colour(row)}"/>',
        _text(LEFT + longest + 8, y + 5, words),
    ]


def _colour(row: Row) -> str:
    return OURS if row.name.startswith("commune-radio") else PEER


def _text(x: float, y: float, words: str, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{INK}">{escape(words.replace("`", ""))}</text>'
    )
