"""Observations to alarms, with hysteresis: a state must hold for a while before it is one.

Owns the delays before onset and before the end; the facts keep the episodes. An alarm is raised
once per episode, however often it is observed. What is bad is decided in `watch`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.contract.reasons import AlarmCode

ONSET_MS: dict[AlarmCode, int] = {
    AlarmCode.ZONE_NOT_CONFIRMED: 1_500,
    AlarmCode.CONTROLLER_LOST: 5_000,
    AlarmCode.NO_SOUND: 5_000,
    AlarmCode.SOUND_SILENT: 0,
    AlarmCode.STORAGE_LOW: 0,
    AlarmCode.CLOCK_UNTRUSTED: 60_000,
    AlarmCode.SOURCE_UNREACHABLE: 180_000,
    AlarmCode.RECORDS_UNSIGNED: 0,
    AlarmCode.MAINS_LOST: 5_000,
    AlarmCode.BATTERY_LOW: 90_000,
    AlarmCode.SUPPLY_LOW: 0,
    AlarmCode.OVERHEATING: 90_000,
    AlarmCode.STORAGE_WORN: 0,
    AlarmCode.STORAGE_FAILED: 0,
    AlarmCode.NO_SIGNAL: 120_000,
    AlarmCode.SIM_FAULT: 90_000,
    AlarmCode.ROAMING: 90_000,
    AlarmCode.DATA_PLAN_LOW: 0,
    AlarmCode.DATA_PLAN_USED_UP: 0,
    AlarmCode.SIM_EXPIRES: 0,
    AlarmCode.SOURCE_API: 180_000,
}
"""A fault must last this long before its alarm: what is looked at once a minute, for two looks."""

CLEAR_MS: dict[AlarmCode, int] = {
    AlarmCode.ZONE_NOT_CONFIRMED: 2_000,
    AlarmCode.CONTROLLER_LOST: 2_000,
    AlarmCode.NO_SOUND: 2_000,
    AlarmCode.SOUND_SILENT: 2_000,
    AlarmCode.STORAGE_LOW: 60_000,
    AlarmCode.CLOCK_UNTRUSTED: 0,
    AlarmCode.SOURCE_UNREACHABLE: 10_000,
    AlarmCode.RECORDS_UNSIGNED: 0,
    AlarmCode.MAINS_LOST: 10_000,
    AlarmCode.BATTERY_LOW: 60_000,
    AlarmCode.SUPPLY_LOW: 600_000,
    AlarmCode.OVERHEATING: 60_000,
    AlarmCode.STORAGE_WORN: 60_000,
    AlarmCode.STORAGE_FAILED: 10_000,
    AlarmCode.NO_SIGNAL: 60_000,
    AlarmCode.SIM_FAULT: 60_000,
    AlarmCode.ROAMING: 60_000,
    AlarmCode.DATA_PLAN_LOW: 60_000,
    AlarmCode.DATA_PLAN_USED_UP: 60_000,
    AlarmCode.SIM_EXPIRES: 60_000,
    AlarmCode.SOURCE_API: 90_000,
}
"""It must be gone this long before the alarm ends."""

FLAPS: frozenset[AlarmCode] = frozenset({AlarmCode.SOURCE_API})
"""A fault that is gone for less than `CLEAR_MS` was not gone: its onset does not start over.

Of the source system's API because a status that is taken each minute says nothing of the records.
"""


@dataclass(slots=True)
class _Watch:
    """before_mono_ms: since when it was bad before it was good, of an onset that was broken off."""

    bad: bool
    since_mono_ms: int
    detail: str = ""
    before_mono_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm's onset (`raised`) or end."""

    code: AlarmCode
    subject: str
    raised: bool
    detail: str


@dataclass(slots=True)
class Health:
    """What is being watched. `open` is (code, subject) of raised alarms."""

    open: set[tuple[AlarmCode, str]] = field(default_factory=set)
    _watched: dict[tuple[AlarmCode, str], _Watch] = field(default_factory=dict)

    def observe(
        self, code: AlarmCode, subject: str, bad: bool, mono_ms: int, detail: str = ""
    ) -> None:
        """The state of `subject` now. Repeating it changes nothing."""
        key = (code, subject)
        watch = self._watched.get(key)
        if watch is None:
            if bad or key in self.open:
                self._watched[key] = _Watch(bad, mono_ms, detail)
        elif watch.bad != bad:
            self._watched[key] = _turned(key, watch, mono_ms, detail or watch.detail)
        elif bad and detail:
            watch.detail = detail

    def detail(self, code: str, subject: str) -> str:
        """What is known of it by now; "" when nothing newer was seen, or by other software."""
        watch = self._watched.get((AlarmCode(code), subject)) if code in ONSET_MS else None
        return watch.detail if watch is not None and watch.bad else ""

    def due(self, mono_ms: int) -> list[Change]:
        """Alarms that begin or end now."""
        changes: list[Change] = []
        for key, watch in list(self._watched.items()):
            code, subject = key
            wait_ms = ONSET_MS[code] if watch.bad else CLEAR_MS[code]
            raised = key in self.open
            if watch.bad == raised:
                if not watch.bad and not _flapped(key, watch, mono_ms):
                    del self._watched[key]
                continue
            if mono_ms - watch.since_mono_ms < wait_ms:
                continue
            if watch.bad:
                self.open.add(key)
            else:
                self.open.discard(key)
                del self._watched[key]
            changes.append(Change(code, subject, watch.bad, watch.detail))
        return changes

    def wake_mono_ms(self) -> int | None:
        moments = [
            watch.since_mono_ms + (ONSET_MS[key[0]] if watch.bad else CLEAR_MS[key[0]])
            for key, watch in self._watched.items()
            if watch.bad != (key in self.open)
        ]
        return min(moments) if moments else None


def _flapped(key: tuple[AlarmCode, str], watch: _Watch, mono_ms: int) -> bool:
    """It is good, but not for long enough for its last onset to be over."""
    good_ms = mono_ms - watch.since_mono_ms
    return watch.before_mono_ms is not None and good_ms < CLEAR_MS[key[0]]


def _turned(key: tuple[AlarmCode, str], watch: _Watch, mono_ms: int, detail: str) -> _Watch:
    """From bad to good or back."""
    if watch.bad:
        before_ms = watch.since_mono_ms if key[0] in FLAPS else None
        return _Watch(False, mono_ms, detail, before_ms)
    onset_ms = watch.before_mono_ms if _flapped(key, watch, mono_ms) else None
    return _Watch(True, mono_ms if onset_ms is None else onset_ms, detail)
