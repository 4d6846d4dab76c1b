"""What goes wrong at the reference source system, on demand. Thread-safe."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "status",
    "refuse",
    "stall",
    "cut_before",
    "cut_after",
    "unauthorised",
    "captive",
    "redirect",
    "nested",
]
"""status: an HTTP error. refuse: TrangThaiGui 1. stall: no answer for a while, then none. cut:
the connection ends before, or after the message was taken. captive: a login page says 200.
nested: so does JSON without end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """code: for status. seconds: of a stall. why, refused_with: for refuse. to: where a redirect
    leads.

    only: what the message must say for this to happen, "" for any. times: how often; None is
    always.
    """

    kind: FaultKind
    code: int = 500
    seconds: float = 1.0
    why: str = "dữ liệu không hợp lệ"
    refused_with: int = 200
    only: str = ""
    to: str = "http://127.0.0.1:9/"
    times: int | None = 1


class Faults:
    """Planned by message ("*": every one); used up in the order in which they were planned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[list[object]] = []
        self.released = threading.Event()
        """Ends every stall at once."""

    def plan(self, message: str, fault: Fault) -> None:
        with self._lock:
            self._planned.append([message, fault, fault.times])

    def clear(self) -> None:
        with self._lock:
            self._planned.clear()

    def take(self, message: str, said: str = "") -> Fault | None:
        """The fault for this message, used up by one. said: what stands in it."""
        with self._lock:
            for planned in self._planned:
                name, fault, left = planned
                if name not in ("*", message) or not isinstance(fault, Fault) or left == 0:
                    continue
                if fault.only not in said:
                    continue
                if isinstance(left, int):
                    planned[2] = left - 1
                return fault
        return None
