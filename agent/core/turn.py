"""One call of `Station.handle`: the reading of the clocks, and the acts collected on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.core.effects import Act, Do, Log, LogLevel, Release
from agent.core.events import Now


@dataclass(slots=True)
class Turn:
    """Acts keep the order in which they are asked for."""

    now: Now
    acts: list[Do] = field(default_factory=list)

    @property
    def wall_ms(self) -> int:
        return self.now.wall_ms

    def do(self, act: Act, release: Release = "after_commit") -> None:
        self.acts.append(Do(act, release))

    def log(self, event: str, level: LogLevel = "info", **fields: object) -> None:
        self.do(Log(event, tuple((k, str(v)) for k, v in fields.items()), level), "now")
