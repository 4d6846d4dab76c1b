"""The pictures of the page, as SVG of our own: no script, no other file, readable in print.

Colour is never the only sign: what failed is hatched as well, every bar has a tooltip, and every
number also stands in a table. Each plot says its axes.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from simulator.source_system.report import words
from simulator.source_system.report.emergencies import Arrival
from simulator.source_system.report.figures import DayCount, Result, Tally, joined, share
from simulator.source_system.report.gather import Part, Report
from simulator.source_system.report.tables_plays import day_number

WIDTH = 1_080
COLOURS: dict[str, str] = {
    "played": "#2f7d5b",
    "partial": "#e0a526",
    "mute": "url(#mute)",
    "missed": "url(#missed)",
    "unknown": "url(#unknown)",
    "connected": "#0b6e99",
    "lost": "url(#missed)",
}
SHORT: tuple[Result, ...] = ("partial", "mute", "missed")
BINS_MAX = 95


def patterns() -> str:
    """Hatches, once for the page."""
    found = "".join(
        f'<pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate({angle})"><rect width="5" height="5" fill="{fill}"/>'
        f'<rect width="1.6" height="5" fill="{line}"/></pattern>'
        for name, angle, fill, line in (
            ("mute", 135, "#7a4fb5", "#d6c8ec"),
            ("missed", 45, "#b3261e", "#f2b8b5"),
            ("unknown", 90, "#e3e7eb", "#c1c8cf"),
        )
    )
    return f'<svg width="0" height="0" style="position:absolute"><defs>{found}</defs></svg>'


def _svg(height: float, label: str, body: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"{body}</svg>"
    )


def _rect(x: float, y: float, width: float, height: float, fill: str, title: str = "") -> str:
    told = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.2f}" height="{height:.1f}" '
        f'fill="{fill}">{told}</rect>'
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def key(items: Sequence[tuple[str, str]]) -> str:
    """(colour name, words) as a legend in HTML."""
    spans = "".join(
        f'<span><svg class="swatch" viewBox="0 0 14 10"><rect width="14" height="10" '
        f'fill="{COLOURS[name]}"/></svg>{escape(text)}</span>'
        for name, text in items
    )
    return f'<p class="key">{spans}</p>'


# --- over time ------------------------------------------------------------------------------


class Bin(NamedTuple):
    """Days from `first` on, up to the day before the next bin."""

    first: dt.date
    days: int


def bins(report: Report) -> list[Bin]:
    """Days; weeks where there are too many; 30 days where there are very many."""
    days = report.window.days
    size = next((one for one in (1, 7, 30) if days / one <= BINS_MAX), 91)
    return [
        Bin(report.window.first + dt.timedelta(at), min(size, days - at))
        for at in range(0, days, size)
    ]


def _size(found: Sequence[Bin]) -> str:
    return {1: "ngày", 7: "tuần", 30: "30 ngày"}.get(found[0].days, f"{found[0].days} ngày")


def _in_bins(counts: Sequence[DayCount], found: Sequence[Bin]) -> list[list[DayCount]]:
    first, size = day_number(found[0].first), found[0].days
    placed: list[list[DayCount]] = [[] for _ in found]
    for one in counts:
        at = (one.day - first) // size
        if 0 <= at < len(placed):
            placed[at].append(one)
    return placed


_LEFT, _RIGHT, _TOP = 58, 12, 28


def shortfall_over_time(report: Report) -> str:
    """Share of planned plays that were not played in full, stacked by what became of them."""
    found = bins(report)
    placed = _in_bins([one for part in report.parts for one in part.days], found)
    stacks = [_shares(one) for one in placed]
    top = _nice(max((sum(one.values()) for one in stacks if one), default=0.0))
    height, bottom = 272, 236
    width = (WIDTH - _LEFT - _RIGHT) / len(found)
    parts = list(_y_axis(top, bottom))
    for place, (bin_, stack) in enumerate(zip(found, stacks, strict=True)):
        x = _LEFT + place * width
        if stack is None:
            parts.append(
                _rect(x, 14, width * 0.86, bottom - 14, COLOURS["unknown"], _bin_told(bin_, None))
            )
            continue
        y = float(bottom)
        for name in SHORT:
            tall = stack[name] / top * (bottom - _TOP)
            y -= tall
            parts.append(_rect(x, y, width * 0.86, tall, COLOURS[name], _bin_told(bin_, stack)))
    parts += _x_axis(found, width, bottom)
    parts.append(_text(4, 10, f"% lượt không phát đủ, theo {_size(found)}", "soft"))
    return _svg(height, "Tỷ lệ lượt không phát đủ theo thời gian", "".join(parts))


def _shares(counts: Sequence[DayCount]) -> dict[Result, float] | None:
    """None: no play was planned, or nobody knows."""
    plays = sum(one.plays for one in counts)
    if not plays:
        return None
    return {name: sum(one.plays for one in counts if one.result == name) / plays for name in SHORT}


def _bin_told(bin_: Bin, stack: dict[Result, float] | None) -> str:
    last = bin_.first + dt.timedelta(bin_.days - 1)
    when = words.day(bin_.first) if bin_.days == 1 else f"{words.day(bin_.first)}–{words.day(last)}"
    if stack is None:
        return f"{when}: không có bản ghi"
    shares = ", ".join(f"{words.RESULT[name]} {words.percent(stack[name])}" for name in SHORT)
    return f"{when}: {shares}"


def _nice(top: float) -> float:
    """The next round share above."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
    return next((one for one in steps if top <= one), 1.0)


def _y_axis(top: float, bottom: float) -> Iterator[str]:
    for step in range(5):
        value = top * step / 4
        y = bottom - (bottom - _TOP) * step / 4
        yield _line(_LEFT, y, WIDTH - _RIGHT, y)
        yield _text(_LEFT - 6, y + 4, words.percent(value, 0 if top >= 0.2 else 1), "tick", "end")


def _x_axis(found: Sequence[Bin], width: float, bottom: float) -> list[str]:
    """A mark at each bin in which a month begins, or at some days of a short window."""
    parts = [_line(_LEFT, bottom, WIDTH - _RIGHT, bottom, "axis")]
    last_x = -100.0
    for place, bin_ in enumerate(found):
        x = _LEFT + place * width
        days = [bin_.first + dt.timedelta(number) for number in range(bin_.days)]
        begins = next((one for one in days if one.day == 1), None)
        short = len(found) <= 35
        text = ""
        if begins is not None:
            text = f"{begins.month}/{begins.year}" if begins.month == 1 else f"Th{begins.month}"
        elif place == 0 or short:
            text = f"{bin_.first:%d/%m}"
        if text and x - last_x >= 40 and x < WIDTH - 40:
            parts.append(_line(x, bottom, x, bottom + 5, "axis"))
            parts.append(_text(x, bottom + 18, text, "tick"))
            last_x = x
    return parts


def station_heat(report: Report) -> str:
    """Stations down, time across: the share of the planned time that was played."""
    found = bins(report)
    left, right, tall = 190, 66, 17
    width = (WIDTH - left - right) / len(found)
    rows = _by_station(report)
    height = 34 + tall * len(rows) + 22
    parts = [_text(WIDTH - right + 6, 22, "cả kỳ", "tick")]
    for row, (name, counts) in enumerate(rows):
        y = 28 + row * tall
        parts.append(_text(left - 8, y + 12, _cut(name, 26), "name", "end"))
        for place, cell in enumerate(_in_bins(counts, found)):
            played = share(sum(one.played_ms for one in cell), sum(one.planned_ms for one in cell))
            told = f"{name}, {_span_told(found[place])}: " + (
                "không có bản ghi" if played is None else f"phát {words.percent(played)}"
            )
            fill = COLOURS["unknown"] if played is None else _heat(played)
            parts.append(_rect(left + place * width, y, width - 0.6, tall - 2, fill, told))
        whole = share(sum(one.played_ms for one in counts), sum(one.planned_ms for one in counts))
        parts.append(_text(WIDTH - right + 6, y + 12, words.percent(whole), "tick"))
    axis = 28 + tall * len(rows)
    parts += _months(found, left, width, axis)
    return _svg(height, "Tỷ lệ thời lượng phát của từng đài theo thời gian", "".join(parts))


def _months(found: Sequence[Bin], left: float, width: float, y: float) -> Iterator[str]:
    last_x = -100.0
    for place, bin_ in enumerate(found):
        x = left + place * width
        days = [bin_.first + dt.timedelta(number) for number in range(bin_.days)]
        begins = next((one for one in days if one.day == 1), None)
        text = f"{bin_.first:%d/%m}" if place == 0 else f"Th{begins.month}" if begins else ""
        if len(found) <= 35 and not text and bin_.first.day % 5 == 0:
            text = f"{bin_.first:%d/%m}"
        if text and x - last_x >= 36:
            yield _line(x, y, x, y + 4, "axis")
            yield _text(x, y + 16, text, "tick")
            last_x = x


def _by_station(report: Report) -> list[tuple[str, list[DayCount]]]:
    counts: dict[str, list[DayCount]] = {}
    names: dict[str, str] = {}
    for part in report.parts:
        station = part.slice.unit.station
        counts.setdefault(station, []).extend(part.days)
        names[station] = part.slice.unit.name
    return [(names[station], found) for station, found in counts.items()]


HEAT = (
    (0.995, "#1f6f4e"),
    (0.97, "#58a17f"),
    (0.90, "#b9d8b0"),
    (0.75, "#f3dd8a"),
    (0.50, "#e8a055"),
    (0.0, "#b3261e"),
)


def _heat(played: float) -> str:
    return next(colour for low, colour in HEAT if played >= low)


def heat_key() -> str:
    """Which colour stands for how much."""
    names = ("≥ 99,5 %", "≥ 97 %", "≥ 90 %", "≥ 75 %", "≥ 50 %", "< 50 %")
    spans = "".join(
        f'<span><svg class="swatch" viewBox="0 0 14 10"><rect width="14" height="10" '
        f'fill="{colour}"/></svg>{name}</span>'
        for name, (_, colour) in zip(names, HEAT, strict=True)
    )
    unknown = (
        '<span><svg class="swatch" viewBox="0 0 14 10"><rect width="14" height="10" '
        'fill="url(#unknown)"/></svg>không có bản ghi</span>'
    )
    return f'<p class="key">{spans}{unknown}</p>'


def _span_told(bin_: Bin) -> str:
    last = bin_.first + dt.timedelta(bin_.days - 1)
    return words.day(bin_.first) if bin_.days == 1 else f"{words.day(bin_.first)}–{words.day(last)}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


# --- reasons --------------------------------------------------------------------------------


def reasons(found: Tally) -> str:
    """The most frequent first, whatever became of the play."""
    items = sorted(found.reasons.items(), key=lambda item: (-item[1], item[0][1]))[:12]
    tall, left = 24, 330
    top = max((number for _, number in items), default=1)
    parts = []
    for row, ((result, code), number) in enumerate(items):
        y = 6 + row * tall
        width = number / top * (WIDTH - left - 210)
        of = words.percent(share(number, found.plays), 2)
        parts.append(_text(left - 8, y + 14, _cut(words.reason(code), 46), "name", "end"))
        told = f"{words.RESULT[result]}: {words.reason(code)}, {words.count(number)} lượt"
        parts.append(
            _rect(left, y + 2, max(1.5, width), tall - 8, COLOURS.get(result, "#888"), told)
        )
        parts.append(
            _text(left + max(1.5, width) + 8, y + 14, f"{words.count(number)} lượt · {of}", "tick")
        )
    return _svg(12 + tall * max(1, len(items)), "Lý do không phát đủ", "".join(parts))


# --- stations at a glance -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """One bar of shares in a row. pieces: (colour name, share, words)."""

    title: str
    pieces: tuple[tuple[str, float, str], ...]


class Whole(NamedTuple):
    """A station over the whole window, whatever it was called meanwhile."""

    name: str
    timetable: Tally
    connected_ms: int
    lost_ms: int
    unknown_ms: int


def _wholes(report: Report) -> list[Whole]:
    parts: dict[str, list[Part]] = {}
    for part in report.parts:
        parts.setdefault(part.slice.unit.station, []).append(part)
    return [
        Whole(
            found[-1].slice.unit.name,
            joined(part.timetable for part in found),
            sum(part.presence.connected_ms for part in found),
            sum(part.presence.lost_ms for part in found),
            sum(part.presence.unknown_ms for part in found),
        )
        for found in parts.values()
    ]


def stations_at_a_glance(report: Report) -> str:
    """For each station: what was played, what was measured, how long it was connected."""
    left, gap, tall = 190, 34, 18
    width = (WIDTH - left - 2 * gap - 6) / 3
    rows = sorted(_wholes(report), key=_played_share)
    titles = ("Lượt phát theo lịch", "Thời lượng phát: đã đo", "Kết nối")
    parts = [_text(left + at * (width + gap), 14, one, "name") for at, one in enumerate(titles)]
    bottom = 26 + tall * len(rows)
    for at in range(3):
        x = left + at * (width + gap)
        for step in range(5):
            parts.append(_line(x + width * step / 4, 22, x + width * step / 4, bottom))
            label = f"{25 * step} %"
            anchor = "start" if step == 0 else "end" if step == 4 else "middle"
            parts.append(_text(x + width * step / 4, bottom + 14, label, "tick", anchor))
    for row, whole in enumerate(rows):
        y = 24 + row * tall
        parts.append(_text(left - 8, y + 12, _cut(whole.name, 26), "name", "end"))
        for at, strip in enumerate(_strips(whole)):
            x = left + at * (width + gap)
            parts += _strip(strip, x, y, width, tall - 5)
    return _svg(bottom + 24, "Từng đài: lượt phát, bằng chứng, kết nối", "".join(parts))


def _played_share(whole: Whole) -> float:
    """Worst first; stations without a record before all."""
    found = whole.timetable
    return found.results["played"] / found.plays if found.plays else -1.0


def _strips(whole: Whole) -> tuple[Strip, Strip, Strip]:
    found = whole.timetable
    plays = max(1, found.plays)
    played_ms = max(1, found.played_ms)
    time_ms = max(1, whole.connected_ms + whole.lost_ms + whole.unknown_ms)
    results: tuple[Result, ...] = ("played", "partial", "mute", "missed")
    return (
        Strip(
            "lượt",
            tuple((one, found.results[one] / plays, words.RESULT[one]) for one in results)
            if found.plays
            else (("unknown", 1.0, "không có bản ghi"),),
        ),
        Strip(
            "bằng chứng",
            (
                ("played", found.heard_ms / played_ms, "đo có tiếng"),
                ("mute", found.mute_ms / played_ms, "đo mất tiếng"),
                ("unknown", found.unmeasured_ms / played_ms, "không đo được"),
            )
            if found.played_ms
            else (("unknown", 1.0, "không phát"),),
        ),
        Strip(
            "kết nối",
            (
                ("connected", whole.connected_ms / time_ms, "kết nối"),
                ("lost", whole.lost_ms / time_ms, "mất liên lạc"),
                ("unknown", whole.unknown_ms / time_ms, "không rõ"),
            ),
        ),
    )


def _strip(strip: Strip, x: float, y: float, width: float, tall: float) -> Iterator[str]:
    told = ", ".join(f"{text} {words.percent(part)}" for _, part, text in strip.pieces)
    for name, part, _ in strip.pieces:
        if part > 0:
            yield _rect(x, y, part * width, tall, COLOURS[name], told)
            x += part * width


# --- warnings and loudness ------------------------------------------------------------------


def time_to_sound(report: Report) -> str:
    """A row for each warning, a dot for each station: seconds from receipt to sound, log scale."""
    warnings: dict[str, list[Arrival]] = {}
    for one in report.emergencies:
        warnings.setdefault(one.id, []).append(one)
    slowest = sorted(warnings.values(), key=_slowest_ms, reverse=True)[:WARNINGS_MAX]
    times = [one.sound_ms for found in slowest for one in found if one.sound_ms is not None]
    if not times:
        return ""
    axis = _LogAxis(max(times) / 1000)
    rows = sorted(slowest, key=lambda found: min(_first_ms(one) for one in found))
    tall = 19
    bottom = 8 + tall * len(rows)
    parts = []
    for tick in axis.ticks():
        places = 1 if tick < 1 else 0
        name = words.length(tick * 1000) if tick >= 60 else f"{words.decimal(tick, places)} giây"
        parts.append(_line(axis.x(tick), 4, axis.x(tick), bottom))
        parts.append(_text(axis.x(tick), bottom + 15, name, "tick", "middle"))
    for row, found in enumerate(rows):
        parts += _warning_row(found, axis, 8 + row * tall + tall / 2, report)
    hidden = len(warnings) - len(rows)
    told = f"; {words.count(hidden)} cảnh báo nhanh hơn không vẽ" if hidden else ""
    label = f"Mỗi chấm là một đài; từ khi đài nhận đến khi ra tiếng (thang lôgarit){told}"
    parts.append(_text(_LogAxis.LEFT, bottom + 32, label, "soft"))
    return _svg(bottom + 40, "Thời gian đến khi ra tiếng", "".join(parts))


WARNINGS_MAX = 24


def _first_ms(one: Arrival) -> int:
    return one.received_ms or one.first_ms or 0


def _slowest_ms(found: Sequence[Arrival]) -> int:
    return max((one.sound_ms or 0 for one in found), default=0)


class _LogAxis:
    """Seconds, from 0,1 to the next power of ten above the slowest."""

    LEFT, RIGHT, LOW = 330, 100, 0.1

    def __init__(self, slowest_s: float) -> None:
        self._decades = max(2, math.ceil(math.log10(max(1.0, slowest_s) / self.LOW)))

    def x(self, seconds: float) -> float:
        part = math.log10(max(self.LOW, seconds) / self.LOW) / self._decades
        return self.LEFT + part * (WIDTH - self.LEFT - self.RIGHT)

    def ticks(self) -> list[float]:
        return [self.LOW * 10**step for step in range(self._decades + 1)]


def _warning_row(
    found: Sequence[Arrival], axis: _LogAxis, y: float, report: Report
) -> Iterator[str]:
    when = dt.datetime.fromtimestamp(_first_ms(found[0]) / 1000, report.window.tz)
    name = f"{when:%d/%m} {found[0].title or found[0].id}"
    yield _text(_LogAxis.LEFT - 10, y + 4, _cut(name, 44), "name", "end")
    for one in found:
        if one.sound_ms is not None:
            told = f"{one.station}: {words.length(one.sound_ms)}"
            yield (
                f'<circle class="dot" cx="{axis.x(one.sound_ms / 1000):.1f}" cy="{y:.1f}" r="3.6">'
                f"<title>{escape(told)}</title></circle>"
            )
    heard = sum(one.first_ms is not None for one in found)
    text = f"{words.count(heard)}/{words.count(len(found))} đài"
    yield _text(WIDTH - 8, y + 4, text, "tick", "end")


LEVEL_LOW_DB = -60.0


def loudness(report: Report) -> str:
    """Mean and loudest level of each station, dBFS."""
    rows = [
        (whole.name, whole.timetable)
        for whole in _wholes(report)
        if whole.timetable.level_db is not None
    ]
    if not rows:
        return ""
    quietest = min(found.level_db or 0.0 for _, found in rows)
    left, tall, high = 190, 16, 0.0
    low = max(LEVEL_LOW_DB, math.floor((quietest - 3) / 10) * 10.0)
    width = WIDTH - left - 20
    bottom = 8 + tall * len(rows)

    def x(level: float) -> float:
        return left + (min(high, max(low, level)) - low) / (high - low) * width

    parts = []
    for step in range(round((high - low) / 10) + 1):
        level = low + 10 * step
        parts.append(_line(x(level), 4, x(level), bottom))
        parts.append(_text(x(level), bottom + 15, words.decimal(level, 0), "tick", "middle"))
    for row, (name, found) in enumerate(rows):
        y = 8 + row * tall + tall / 2
        mean, top = found.level_db, found.loudest_db
        if mean is None or top is None:
            continue
        parts.append(_text(left - 8, y + 4, _cut(name, 26), "name", "end"))
        parts.append(_line(x(mean), y, x(top), y, "reach"))
        told = f"{name}: trung bình {words.decimal(mean)}, to nhất {words.decimal(top)} dBFS"
        parts.append(
            f'<circle class="dot" cx="{x(mean):.1f}" cy="{y:.1f}" r="3.6">'
            f"<title>{escape(told)}</title></circle>"
        )
        parts.append(_line(x(top), y - 5, x(top), y + 5, "reach"))
    parts.append(_text(left, bottom + 31, "dBFS: ● trung bình, ┤ to nhất", "soft"))
    return _svg(bottom + 38, "Mức tín hiệu từng đài, dBFS", "".join(parts))
