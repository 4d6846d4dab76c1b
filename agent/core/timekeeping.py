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
    trust: ClockTrust = "untrusted"
    epoch: int = 0
    jumps: tuple[Jump, ...] = ()

    def stepped(self, epoch: int, trust: ClockTrust, step_ms: int, wall_ms: int) -> Timekeeping:
        """After a step of `step_ms` that ended at `wall_ms`."""
        jumps = (
            (*self.jumps, Jump(wall_ms - step_ms, wall_ms))[-JUMPS_MAX:]
            if step_ms
            else (self.jumps)
        )
        return Timekeeping(trust, epoch, jumps)

    def jumped_over(self, at_ms: int) -> bool:
        return any(jump.passed(at_ms) for jump in self.jumps)

    def may_run(self, klass: int, play_now: bool) -> bool:
        """Without trusted time only emergencies and an explicit "play now" run."""
        return self.trust == "trusted" or klass == 1 or play_now
