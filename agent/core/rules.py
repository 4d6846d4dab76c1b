"""The rules of the air here: what the commune's regulation lets sound when, and how loud.

Owns the regulation, read once for the zones of one station, as plain questions about an instant.
Binds classes 2 and 3; whoever asks leaves emergencies out. Sessions and minutes of a day are
counted in sessions.py; quiet is quiet.py.

Invariants: a rule means what the wall clock shows, also in the nights in which it is changed. An
item belongs to the window in which it starts and does not sound beyond its end; windows that adjoin
or overlap are one for it, so it runs on from the one into the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import NamedTuple

from agent.contract.documents import AirWindow, Regulation, Settings, VolumeCeiling, ZoneSelector
from agent.contract.languages import name_of
from agent.contract.reasons import OccurrenceReason
from agent.core.hours import Hours, Span, local_day, read_hours, spans_of
from agent.core.items import FOREVER_MS, Bar
from agent.core.programme import select_zones
from agent.core.site import Site
from agent.core.versions import is_among

RULE_LETTERS = 200
DAYS_KEPT = 400
ADJOINING_MAX = 16
"""Windows that are looked at as one; hours that never end are followed for some days."""
_ONE_DAY = timedelta(days=1)
_EVERY_DAY = frozenset(range(1, 8))
_DAY_NAMES = ("", "T2", "T3", "T4", "T5", "T6", "T7", "CN")


class Session(NamedTuple):
    """A window on one day. number: its place in the regulation. to_ms: the end of the last window
    that goes on from it without a gap."""

    day: date
    number: int
    from_ms: int
    to_ms: int
    session_ms: int | None


class _Window(NamedTuple):
    number: int
    hours: Hours
    days: frozenset[int]
    zones: frozenset[str]
    said: AirWindow


class _Ceiling(NamedTuple):
    hours: Hours
    days: frozenset[int]
    zones: frozenset[str]
    volume: int


class Rules:
    """The regulation in force. Without one nothing is kept back and nothing is quieter."""

    def __init__(self, site: Site, tz: tzinfo) -> None:
        self._site = site
        self._tz = tz
        self._clear()

    def _clear(self) -> None:
        self.regulation = Regulation()
        self._windows: tuple[_Window, ...] = ()
        self._ceilings: tuple[_Ceiling, ...] = ()
        self._silent: frozenset[str] = frozenset()
        self._days: dict[date, tuple[tuple[_Window, tuple[Span, ...]], ...]] = {}

    def adopt(self, settings: Settings | None) -> None:
        """Take the settings as they are now in force."""
        self._clear()
        if settings is None or settings.regulation is None:
            return
        self.regulation = settings.regulation
        self._silent = frozenset(self.regulation.silent_dates)
        self._windows = tuple(self._read_windows(settings))
        self._ceilings = tuple(
            _Ceiling(hours, frozenset(one.days) or _EVERY_DAY, zones, one.volume)
            for one in self.regulation.ceilings
            if (hours := read_hours(one.hours, past_midnight=True)) is not None
            if (zones := self._zones(one, settings))
        )

    def _read_windows(self, settings: Settings) -> Iterator[_Window]:
        for number, one in enumerate(self.regulation.windows):
            hours = read_hours(one.hours, past_midnight=False)
            zones = self._zones(one, settings)
            if hours is not None and zones:
                yield _Window(number, hours, frozenset(one.days) or _EVERY_DAY, zones, one)

    def _zones(self, rule: AirWindow | VolumeCeiling, settings: Settings) -> frozenset[str]:
        selector = rule.zones if rule.zones is not None else ZoneSelector(all=True)
        return frozenset(select_zones(self._site, selector, settings))

    # --- questions about an item --------------------------------------------------------

    def bars(
        self, zones: Iterable[str], start_ms: int, end_ms: int, language: str
    ) -> Iterator[Bar]:
        """What keeps an item back, whatever else is planned; at most one whole bar a zone."""
        if self.regulation.languages and not self._allows(language):
            rule = self._worded(", ".join(name_of(one) for one in self.regulation.languages))
            for zone in zones:
                yield Bar(zone, OccurrenceReason.LANGUAGE_NOT_ALLOWED, rule)
            return
        if not (self._windows or self._silent):
            return
        silent = tuple(self._silent_spans(start_ms, end_ms))
        for zone in zones:
            yield from self._bars_in(zone, start_ms, silent)

    def _bars_in(
        self, zone: str, start_ms: int, silent: Sequence[tuple[date, Span]]
    ) -> Iterator[Bar]:
        for day, span in silent:
            reason, rule = OccurrenceReason.SILENT_DATE, self._worded(day.isoformat())
            if span.from_ms <= start_ms:
                yield Bar(zone, reason, rule)
                return
            yield Bar(zone, reason, rule, span.from_ms, span.to_ms)
        if not self.has_hours(zone):
            return
        session = self.session_at(zone, start_ms)
        reason, rule = OccurrenceReason.OUTSIDE_HOURS, self.hours_in_words(zone)
        if session is None:
            yield Bar(zone, reason, rule)
        else:  # also for what ends before: a clock that is set forward carries it along
            yield Bar(zone, reason, rule, session.to_ms, FOREVER_MS)

    def _silent_spans(self, start_ms: int, end_ms: int) -> Iterator[tuple[date, Span]]:
        if not self._silent:
            return
        day, last = self.day_of(start_ms), self.day_of(max(start_ms, end_ms)) + _ONE_DAY
        while day <= last:
            if day.isoformat() in self._silent:
                yield day, local_day(day, self._tz)
            day += _ONE_DAY

    def _allows(self, language: str) -> bool:
        return is_among(language, self.regulation.languages)

    def counts(self) -> bool:
        """Whether sessions or minutes of a day are limited."""
        limited = self.regulation.sessions_per_day is not None
        return limited or any(one.said.session_ms is not None for one in self._windows)

    # --- questions about an instant -----------------------------------------------------

    def day_of(self, t_ms: int) -> date:
        return datetime.fromtimestamp(t_ms / 1_000, self._tz).date()

    def span_of(self, day: date) -> Span:
        return local_day(day, self._tz)

    def has_hours(self, zone: str) -> bool:
        """Whether any window names the zone: only then it is bound to hours."""
        return any(zone in window.zones for window in self._windows)

    def session_at(self, zone: str, t_ms: int) -> Session | None:
        """The window that is open in `zone`; of several the one that is open longest, and where it
        ends the next one that adjoins goes on."""
        day = self.day_of(t_ms)
        found = [
            Session(day, window.number, span.from_ms, span.to_ms, window.said.session_ms)
            for window, spans in self._on(day)
            if zone in window.zones
            for span in spans
            if span.from_ms <= t_ms < span.to_ms
        ]
        longest = max(found, key=lambda one: (one.to_ms, -one.number), default=None)
        if longest is None:
            return None
        return longest._replace(to_ms=self._runs_on(zone, longest.to_ms))

    def _runs_on(self, zone: str, to_ms: int) -> int:
        """Until when windows of the zone go on without a gap from `to_ms`."""
        for _ in range(ADJOINING_MAX):
            ends = [
                span.to_ms
                for window, spans in self._on(self.day_of(to_ms))
                if zone in window.zones
                for span in spans
                if span.from_ms <= to_ms < span.to_ms
            ]
            if not ends:
                break
            to_ms = max(ends)
        return to_ms

    def _on(self, day: date) -> tuple[tuple[_Window, tuple[Span, ...]], ...]:
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= DAYS_KEPT:
                self._days.clear()
            known = self._days[day] = tuple(
                (window, spans_of(day, window.hours, self._tz))
                for window in self._windows
                if day.isoweekday() in window.days
            )
        return known

    def against(self, zone: str, t_ms: int, languages: Iterable[str]) -> list[OccurrenceReason]:
        """Which rules something that sounds in `zone` at that instant is against."""
        found: list[OccurrenceReason] = []
        if self.has_hours(zone) and self.session_at(zone, t_ms) is None:
            found.append(OccurrenceReason.OUTSIDE_HOURS)
        if self.day_of(t_ms).isoformat() in self._silent:
            found.append(OccurrenceReason.SILENT_DATE)
        if self.regulation.languages and not all(self._allows(one) for one in languages):
            found.append(OccurrenceReason.LANGUAGE_NOT_ALLOWED)
        return found

    # --- volume -------------------------------------------------------------------------

    def ceiling(self, zone: str, t_ms: int) -> int | None:
        """The loudest that may be set in `zone` at that instant."""
        wall = datetime.fromtimestamp(t_ms / 1_000, self._tz)
        minute, day = wall.hour * 60 + wall.minute, wall.isoweekday()
        before = 7 if day == 1 else day - 1
        return min(
            (
                one.volume
                for one in self._ceilings
                if zone in one.zones
                if (day in one.days and one.hours.holds(minute))
                or (before in one.days and one.hours.holds_next_day(minute))
            ),
            default=None,
        )

    def ceiling_changes_ms(self, t_ms: int) -> int | None:
        """When `ceiling` may answer differently, for any zone."""
        if not self._ceilings:
            return None
        day = self.day_of(t_ms)
        edges: set[int] = set()
        for on in (day, day + _ONE_DAY):
            edges.add(local_day(on, self._tz).from_ms)
            for one in self._ceilings:
                for hours in one.hours.by_day():
                    for span in spans_of(on, hours, self._tz):
                        edges |= {span.from_ms, span.to_ms}
        return min((edge for edge in edges if edge > t_ms), default=None)

    # --- words --------------------------------------------------------------------------

    def hours_in_words(self, zone: str) -> str:
        """The hours of a zone as the regulation writes them."""
        said = (_window_in_words(one) for one in self._windows if zone in one.zones)
        return self._worded(", ".join(dict.fromkeys(said)))

    def minutes_in_words(self, session: Session) -> str:
        window = self.regulation.windows[session.number]
        minutes = (session.session_ms or 0) / 60_000
        return self._worded(f"{window.hours} ≤ {minutes:g} min")

    def sessions_in_words(self, zone: str) -> str:
        said = ", ".join(one.said.hours for one in self._windows if zone in one.zones)
        return self._worded(f"≤ {self.regulation.sessions_per_day}: {said}")

    def _worded(self, text: str) -> str:
        name = self.regulation.document_number or self.regulation.title
        return shortened(text, f" ({name})" if name else "")


def _window_in_words(window: _Window) -> str:
    if window.days == _EVERY_DAY:
        return window.said.hours
    return f"{window.said.hours} {' '.join(_DAY_NAMES[day] for day in sorted(window.days))}"


def shortened(text: str, tail: str = "") -> str:
    """A line for a record: the words, and what must not be cut off after them."""
    tail = tail[: RULE_LETTERS // 2]
    room = RULE_LETTERS - len(tail)
    return (text if len(text) <= room else text[: room - 1] + "…") + tail
