"""How far the wall clock can be trusted, and what its jumps passed over.

Owns: the jumps of the recent past, and which classes may run meanwhile (D6). Does not read any
clock: adapters tell.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.events import ClockTrust

JUMPS_MAX = 16


@dataclass(frozen=True, slots=True)
class Jump:
    """The wall went from `from_ms` to `to_ms` in no time; passed: what lies between, forward."""

    from_ms: int
    to_ms: int

    def passed(self, at_ms: int) -> bool:
        return self.from_ms < at_ms <= self.to_ms


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """doubted_since_ms: since when the clock is not trusted, on the clock as it is now."""

    trust: ClockTrust = "untrusted"
    epoch: int = 0
    jumps: tuple[Jump, ...] = ()
    doubts: tuple[Jump, ...] = ()
    doubted_since_ms: int | None = None

    def stepped(self, epoch: int, trust: ClockTrust, step_ms: int, wall_ms: int) -> Timekeeping:
        """After a step of `step_ms` that ended at `wall_ms`, or a change of trust."""
        jumps, doubts, since_ms = self.jumps, self.doubts, self.doubted_since_ms
        if step_ms:
            jumps = (*jumps, Jump(wall_ms - step_ms, wall_ms))[-JUMPS_MAX:]
        if since_ms is not None:
            since_ms += step_ms
        if trust == "untrusted":
            since_ms = wall_ms if since_ms is None else since_ms
        elif since_ms is not None:
            doubts, since_ms = (*doubts, Jump(since_ms, wall_ms))[-JUMPS_MAX:], None
        return Timekeeping(trust, epoch, jumps, doubts, since_ms)

    def jumped_over(self, at_ms: int) -> bool:
        return any(jump.passed(at_ms) for jump in self.jumps)

    def in_doubt(self, at_ms: int) -> bool:
        """Whether the clock was not trusted then, as far as is known now."""
        return any(doubt.passed(at_ms) for doubt in self.doubts)

    def may_run(self, klass: int, play_now: bool) -> bool:
        """Without trusted time only emergencies and an explicit "play now" run."""
        return self.trust == "trusted" or klass == 1 or play_now
