"""What both dialects have in common: the port the uplink speaks to, and what goes out.

Pure: a dialect makes messages and reads answers; it posts nothing and knows no time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

import msgspec

from agent.adapters.source_api import times
from agent.contract.documents import About
from agent.contract.reports import Event
from agent.core.source_calls import Call

CALLS_MAX = 64
"""More in one answer are not read."""

ID_MAX = 200
LINE_MAX = 200
SUMMARY_MAX = 500


UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What reading one call may raise, whatever it says: then that call has a fault, and no other."""


def shown(raw: Any) -> str:
    """A call as it came, for the journal."""
    try:
        return str(raw)[:100]
    except UNREADABLE:
        return "?"


def bounded(text: str | int) -> str:
    """An id of theirs, no longer than we keep one."""
    return str(text)[:ID_MAX]


def about(summary: Any, made_ms: int | None, tz: tzinfo, pen_name: Any, email: Any) -> About:
    """What is told of a bulletin and nothing is decided by, no longer than we keep it."""
    return About(
        summary=str(summary or "")[:SUMMARY_MAX],
        produced=times.local_moment(made_ms, tz),
        pen_name=str(pen_name or "")[:LINE_MAX],
        email=str(email or "")[:LINE_MAX],
    )


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to post. key: the same for every try, and for no other message."""

    message: str
    path: str
    body: Mapping[str, Any]
    key: str = ""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """token "": the source system gave none, and wants none."""

    token: str = ""


class Dialect(Protocol):
    """See `dialect_a` and `dialect_b`."""

    def login(self, secret: str) -> Outgoing | None:
        """None: with this secret there is nothing to say."""

    def logged_in(self, content: Any) -> LoggedIn | str:
        """From the content of an accepted login; a text says what is wrong with it."""

    def greetings(self) -> tuple[Outgoing, ...]:
        """What is said once after each login."""

    def status(self, now: object) -> Outgoing:
        """now: an `agent.core.source_view.Snapshot`."""

    def of_record(self, event: Event) -> tuple[Outgoing, ...]:
        """What is told of a record, in order; nothing for most."""

    def poll(self) -> Outgoing | None: ...

    def calls(self, content: Any) -> tuple[Call, ...]:
        """What the content of an answer asks for. What cannot be read is a call with a fault."""

    def farewell(self) -> Outgoing | None: ...


def record_key(event: Event) -> str:
    """(installation, stream, seq) is the id of a record."""
    return f"{event.installation}/{event.stream}/{event.seq}"
