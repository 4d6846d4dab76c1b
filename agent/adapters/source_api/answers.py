"""What an answer of the source system means for the message it answers. Pure.

Owns the reading of status codes and of the envelope {TrangThaiGui, MoTa, NoiDung}. An answer that
is not the source system's own is never taken for a yes: a captive page says 200, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from agent.adapters.source_api.tables import TrangThaiGui

WHY_MAX = 160

Unreached = Literal["unreachable", "tls", "strange"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever it is."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing came back. Whether the message arrived is not known."""

    state: Unreached
    why: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """It is held there. content: NoiDung."""

    content: Any = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It arrived and will not be taken as it is, however often it is sent."""

    why: str


@dataclass(frozen=True, slots=True)
class LoginOver:
    """Not looked at: who we are is not known there, or not any more."""

    why: str


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Not taken for a reason that may pass."""

    state: Unreached
    why: str


Outcome = Accepted | Refused | LoginOver | Undelivered


class _Envelope(msgspec.Struct):
    state: int | str = msgspec.field(name="TrangThaiGui")
    why: Any = msgspec.field(name="MoTa", default="")
    content: Any = msgspec.field(name="NoiDung", default=None)


def read(
    reply: Reply | NoReply, already_known: tuple[str, ...] = (), login_again: tuple[str, ...] = ()
) -> Outcome:
    """already_known, login_again: words in MoTa, see `SourceApiSection`."""
    if isinstance(reply, NoReply):
        return Undelivered(reply.state, reply.why)
    said = _envelope(reply.body)
    why = _why(reply, said)
    if reply.status in (401, 403):
        return LoginOver(why)
    if reply.status == 409:
        return Accepted()
    if reply.status in (400, 413, 422):
        return _failure(why, already_known, login_again)
    if not 200 <= reply.status < 300:
        passing = reply.status >= 500 or reply.status in (408, 425, 429)
        return Undelivered("unreachable" if passing else "strange", why)
    if said is None:
        return Undelivered("strange", why)
    if str(said.state) == str(TrangThaiGui.THANH_CONG.value):
        return Accepted(said.content)
    if str(said.state) == str(TrangThaiGui.THAT_BAI.value):
        return _failure(why, already_known, login_again)
    return Undelivered("strange", f"TrangThaiGui {said.state}"[:WHY_MAX])


def _failure(why: str, already_known: tuple[str, ...], login_again: tuple[str, ...]) -> Outcome:
    folded = why.casefold()
    if any(word.casefold() in folded for word in already_known):
        return Accepted()
    if any(word.casefold() in folded for word in login_again):
        return LoginOver(why)
    return Refused(why)


def _envelope(body: bytes) -> _Envelope | None:
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except msgspec.MsgspecError:
        return None


def _why(reply: Reply, said: _Envelope | None) -> str:
    if said is not None and said.why:
        return str(said.why)[:WHY_MAX]
    shown = reply.body[:60].decode("utf-8", "replace").strip()
    return f"HTTP {reply.status} {shown}".strip()[:WHY_MAX]
