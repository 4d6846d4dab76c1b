"""How exactly plays began: quantiles of what stations measured at their sound card. Pure.

The error is without sign. A play that joined late or never began has none and is counted apart, so
the figures speak of what began on time only. Records hold whole milliseconds, and so do these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Starts:
    """errors: |ms| → plays. unmeasured: plays that sounded and have no start on record."""

    errors: Counter[int] = field(default_factory=Counter)
    unmeasured: int = 0

    @property
    def measured(self) -> int:
        return self.errors.total()

    @property
    def worst_ms(self) -> int | None:
        return max(self.errors, default=None)

    def quantile(self, share: float) -> int | None:
        """The smallest error that so many plays do not exceed (nearest rank); None of nothing."""
        wanted, passed = share * self.measured, 0
        for error_ms in sorted(self.errors):
            passed += self.errors[error_ms]
            if passed >= wanted:
                return error_ms
        return None


def joined_starts(found: Iterable[Starts]) -> Starts:
    whole = Starts()
    for one in found:
        whole.errors.update(one.errors)
        whole.unmeasured += one.unmeasured
    return whole
