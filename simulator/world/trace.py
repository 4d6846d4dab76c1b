"""What happened, in a form that costs little: a running digest and the last events.

The digest covers every event, every save and every act, so two runs of one seed are the same
exactly when their digests are.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass, field

from agent.core.effects import AckMessage, Append, Batch, Drop, Log, Publish, Put
from agent.core.events import Event

KEPT = 400


@dataclass(slots=True)
class Trace:
    """show: print each line as it happens."""

    kept: deque[tuple[int, int, str, Event | str, Batch | None]] = field(
        default_factory=lambda: deque(maxlen=KEPT)
    )
    show: bool = False
    events: int = 0
    _crc: int = 0
    _alder: int = 1

    def event(self, true_ms: int, wall_ms: int, station: str, event: Event, batch: Batch) -> None:
        self.events += 1
        line = f"{true_ms}{station}{type(event).__name__}{len(batch.acts)}{batch.wake_at_mono_ms}"
        self._mix(line.encode())
        for save in batch.saves:
            if isinstance(save, Put):
                self._mix(save.value)
            elif isinstance(save, Append):
                self._mix(save.body)
        self.kept.append((true_ms, wall_ms, station, event, batch))
        if self.show:
            print("\n".join(_lines(self.kept[-1])))

    def note(self, true_ms: int, wall_ms: int, station: str, what: str) -> None:
        """Something the world did."""
        self._mix(f"{true_ms}{station}{what}".encode())
        self.kept.append((true_ms, wall_ms, station, what, None))
        if self.show:
            print("\n".join(_lines(self.kept[-1])))

    def _mix(self, data: bytes) -> None:
        self._crc = zlib.crc32(data, self._crc)
        self._alder = zlib.adler32(data, self._alder)

    @property
    def digest(self) -> str:
        return f"{self._crc:08x}{self._alder:08x}"

    def last(self, station: str, count: int) -> list[str]:
        """The last lines that concern `station`, plain waking left out."""
        lines: list[str] = []
        for one in self.kept:
            if one[2] in (station, ""):
                lines += _lines(one)
        return lines[-count:]


def stamp(ms: int) -> str:
    """Milliseconds since the world began, or since 1970 in Vietnam, as a clock shows them."""
    day, rest = divmod(ms, 86_400_000)
    hour, rest = divmod(rest, 3_600_000)
    minute, rest = divmod(rest, 60_000)
    return f"{day}d {hour:02}:{minute:02}:{rest // 1_000:02}.{rest % 1_000:03}"


def _lines(one: tuple[int, int, str, Event | str, Batch | None]) -> list[str]:
    true_ms, wall_ms, station, event, batch = one
    head = f"{stamp(true_ms)} {stamp((wall_ms + 25_200_000) % 86_400_000)[3:]} {station}"
    if isinstance(event, str):
        return [f"{head} ** {event}"]
    said = [f"{head} {_short(event)}"]
    if batch is not None:
        said += [f"{'':>27}  {_save(save)}" for save in batch.saves]
        said += [
            f"{'':>27}  → {do.release} {_short(do.act)}"
            for do in batch.acts
            if not isinstance(do.act, AckMessage)
            and not (isinstance(do.act, Publish) and do.act.qos == 0)
        ]
    if len(said) == 1 and type(event).__name__ in ("Wake", "Delivered"):
        return []
    return said


def _short(what: object) -> str:
    if isinstance(what, Log):
        fields = " ".join(f"{name}={value}" for name, value in what.fields)
        return f"log {what.event} {fields}"[:200]
    return str(what)[:240]


def _save(save: object) -> str:
    match save:
        case Put(kind=kind, key=key, value=value):
            return f"+ {kind} {key} {value[:500].decode(errors='replace')}"
        case Drop(kind=kind, key=key):
            return f"- {kind} {key}"
        case Append(seq=seq, body=body):
            return f"# {seq} {body[60:600].decode(errors='replace')}"
        case _:
            return str(save)
