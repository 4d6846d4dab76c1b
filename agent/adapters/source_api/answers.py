"""What an answer of the source system means for the message it answers. Pure.

Owns the reading of status codes and of the envelope {TrangThaiGui, MoTa, NoiDung}. An answer that
is not the source system's own is never taken for a yes: a captive page says 200, too. Nor is a
failure whose words leave a doubt: a record that is set aside is told and tried again, one that
counts as delivered is gone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True)
class Words:
    """What is known of MoTa, see `SourceApiSection`; in any case."""

    already_known: tuple[str, ...] = ()
    login_again: tuple[str, ...] = ()


NO_WORDS = Words()

DOUBTS = (
    *("không", "chưa", "chẳng", "chả", "đừng", "not", "no", "isn't", "doesn't"),
    *("khớp", "sai", "lệch", "khác", "hợp lệ", "mismatch", "different", "invalid", "wrong"),
    *("nếu", "phải", "cần", "hãy", "chờ", "có thể", "if", "must", "should", "may"),
    *("tài khoản", "mật khẩu", "thiết bị", "cụm", "cụm loa", "cumloa", "cumloaid", "nguonid"),
    *("quyền", "đăng nhập", "token", "account", "device"),
)
"""With one of these a sentence may deny that a record is held, ask for it, or speak of something
else that exists: "không trùng khớp", "CumLoaID đã tồn tại ở tài khoản khác"."""


class _Envelope(msgspec.Struct):
    state: int | str = msgspec.field(name="TrangThaiGui")
    why: Any = msgspec.field(name="MoTa", default="")
    content: Any = msgspec.field(name="NoiDung", default=None)


def read(
    reply: Reply | NoReply, words: Words = NO_WORDS, key: str = "", *, repeated: bool = False
) -> Outcome:
    """key: the id of the message that is answered, "" for none. repeated: it may have arrived
    before; one that goes out for the first time cannot be held already, whatever is said."""
    if isinstance(reply, NoReply):
        return Undelivered(reply.state, reply.why)
    said = _envelope(reply.body)
    why = _why(reply, said)
    if reply.status in (401, 403):
        return LoginOver(why)
    if reply.status in (400, 409, 413, 422):
        named = key if reply.status == 409 else ""
        return _failure(said, why, words, named, repeated=repeated)
    if not 200 <= reply.status < 300:
        passing = reply.status >= 500 or reply.status in (408, 425, 429)
        return Undelivered("unreachable" if passing else "strange", why)
    if said is None:
        return Undelivered("strange", why)
    if str(said.state) == str(TrangThaiGui.THANH_CONG.value):
        return Accepted(said.content)
    if str(said.state) == str(TrangThaiGui.THAT_BAI.value):
        return _failure(said, why, words, "", repeated=repeated)
    return Undelivered("strange", f"TrangThaiGui {said.state}"[:WHY_MAX])


def _failure(
    said: _Envelope | None, why: str, words: Words, key: str, *, repeated: bool
) -> Outcome:
    """Only the source system's own words say that a record is held, or that the login is over."""
    told = str(said.why) if said is not None else ""
    if repeated and is_held(told, words.already_known, key):
        return Accepted()
    if any(_folded(one) in _folded(told) for one in words.login_again):
        return LoginOver(why)
    return Refused(why)


def is_held(told: str, already_known: Iterable[str], key: str = "") -> bool:
    """Whether this says plainly that the record is held: by a word for it, or by its id."""
    plain = _has(told, already_known) or (key != "" and key in told)
    return plain and not _has(told, DOUBTS)


def _has(told: str, phrases: Iterable[str]) -> bool:
    folded = _folded(told)
    return any(re.search(rf"(?<!\w){re.escape(_folded(one))}(?!\w)", folded) for one in phrases)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _envelope(body: bytes) -> _Envelope | None:
    """RecursionError: it is nested deeper than anything that means something."""
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _why(reply: Reply, said: _Envelope | None) -> str:
    if said is not None and said.why:
        return str(said.why)[:WHY_MAX]
    shown = reply.body[:60].decode("utf-8", "replace").strip()
    return f"HTTP {reply.status} {shown}".strip()[:WHY_MAX]
