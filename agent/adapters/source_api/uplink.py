"""Stores and forwards: the station's records to the source-system API, in order, each once by id.

Owns what goes out next and the position up to which everything is done there. The records are the
journal's, the position is the core's fact (`SourceTook`), so both survive any crash; what was
answered but not yet saved when the box died goes out again under the same key. Does not own waits
(`pace`), formats (`mapping`), or what a call may do (`agent.core.source_desk`).

Invariants: one message at a time; the position moves only after a positive answer, or when a
record was refused for good and set aside with its reason; what is denied although a new login
served the status is refused itself and holds nothing else up; the status is made when it is sent,
so none is ever old; no clock but the monotonic one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from agent.adapters.ports import Emit, StoredRecord
from agent.adapters.source_api.answers import (
    Accepted,
    LoginOver,
    NoReply,
    Outcome,
    Refused,
    Reply,
    Undelivered,
    Words,
    read,
)
from agent.adapters.source_api.dialect import Dialect, Outgoing
from agent.adapters.source_api.pace import Pace
from agent.adapters.source_api.settings import SourceApiSection
from agent.contract.reports import Event
from agent.core.events import SourceApiSeen, SourceApiState, SourceAsked, SourceTook
from agent.core.source_calls import Call

log = logging.getLogger(__name__)

PAGE = 64
LOOK_EVERY_S = 1.0
BROKEN_S = 30.0
WHY_MAX = 160

_T = TypeVar("_T")


class Records(Protocol):
    """The part of the journal that is read here."""

    def record(self, seq: int) -> Future[bytes | None]: ...

    def records_after(self, after: int, limit: int) -> Future[tuple[StoredRecord, ...]]: ...


class Poster(Protocol):
    def post(self, out: Outgoing, token: str) -> Reply | NoReply: ...


InThread = Callable[[Callable[[], _T]], Awaitable[_T]]


async def in_own_thread(work: Callable[[], _T]) -> _T:
    """In a daemon thread: a server that does not answer must not hold up the agent's end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def tell(result: _T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result, error = work(), None
        except BaseException as raised:  # noqa: BLE001 - handed to whoever waits
            result, error = None, raised
        try:
            loop.call_soon_threadsafe(tell, result, error)
        except RuntimeError:  # the loop closed meanwhile: nobody waits any more
            pass

    threading.Thread(target=run, name="source-api", daemon=True).start()
    return await done


@dataclass(frozen=True, slots=True)
class Around:
    """What the uplink is connected to.

    through, set_aside: where it stopped before. newest: number of the station's newest record.
    now: what a status report is made from. secret: read anew for each login, None when it cannot
    be read. chance: in [0, 1).
    """

    emit: Emit
    records: Records
    mono_ms: Callable[[], int]
    chance: Callable[[], float]
    now: Callable[[], object]
    secret: Callable[[], str | None]
    newest: Callable[[], int]
    through: int = 0
    set_aside: tuple[int, ...] = ()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class _Standing:
    """A record under way: what of it has not been answered yet, and why a part was refused.

    repeated: the next message may have arrived before. denied: it was, before the last status.
    """

    seq: int
    left: deque[Outgoing]
    refused: str = ""
    repeated: bool = False
    denied: bool = False


@dataclass(slots=True)
class _Position:
    """through: done there. told: of that, what the core knows. page: read ahead."""

    through: int
    told: int
    page: deque[StoredRecord] = field(default_factory=deque)


class SourceUplink:
    """`run` is its supervised task."""

    def __init__(
        self, settings: SourceApiSection, dialect: Dialect, poster: Poster, around: Around
    ) -> None:
        self._settings = settings
        self._dialect = dialect
        self._poster = poster
        self._around = around
        self._words = Words(settings.already_known, settings.login_again)
        self._pace = Pace(settings.status_every_s * 1_000)
        self._before_start = around.newest()
        self._position = _Position(around.through, around.through)
        self._standing: _Standing | None = None
        self._again = deque(sorted(around.set_aside))
        self._greetings: deque[Outgoing] = deque()
        self._asked: frozenset[Call] = frozenset()
        self._poll_denied = False
        self._state: SourceApiState = "ok"

    @property
    def through(self) -> int:
        """Everything up to this record is done there."""
        return self._position.through

    @property
    def busy(self) -> bool:
        """A record is under way, or one that was set aside waits for its second try."""
        return self._standing is not None or bool(self._again)

    async def run(self) -> None:
        """For ever, whatever happens: a station that cannot report broadcasts all the same."""
        while True:
            try:
                wait_s = await self.step()
            except Exception:  # supervision: it must not end the agent, as a failing task would
                log.exception("source_api_failed")
                wait_s = BROKEN_S
            if wait_s > 0:
                await self._around.sleep(wait_s)

    async def step(self) -> float:
        """Send at most one message; returns how long to wait before the next step, s."""
        pace, now_ms = self._pace, self._around.mono_ms()
        if now_ms < pace.not_before_ms:
            return (pace.not_before_ms - now_ms) / 1_000
        if not pace.has_login(now_ms):
            await self._log_in()
        elif self._greetings:
            await self._greet()
        elif now_ms >= pace.status_due_ms or self._to_be_proven:
            await self._report_status(now_ms)
        elif self._settings.inbound == "poll" and now_ms >= pace.poll_due_ms:
            await self._poll(now_ms)
        elif now_ms < pace.records_not_before_ms or not await self._send_record():
            return min(LOOK_EVERY_S, max(0.0, (pace.status_due_ms - now_ms) / 1_000))
        return 0.0

    @property
    def _to_be_proven(self) -> bool:
        """A record was denied: is the login any good?"""
        standing = self._standing
        return standing is not None and standing.denied and not self._pace.proven

    # --- one message ----------------------------------------------------------------------

    async def _post(self, out: Outgoing, *, repeated: bool = False) -> Outcome:
        token = self._pace.token or ""
        reply = await in_own_thread(lambda: self._poster.post(out, token))
        return read(reply, self._words, out.key, repeated=repeated)

    def _not_delivered(self, outcome: LoginOver | Undelivered) -> None:
        now_ms, chance = self._around.mono_ms(), self._around.chance()
        match outcome:
            case Undelivered(state=state, why=why):
                self._pace.unreached(now_ms, chance)
                self._tell(state, why)
            case LoginOver(why=why):
                if not self._pace.login_over(now_ms, chance):
                    self._tell("not_authorised", why)

    def _accepted(self) -> None:
        self._pace.accepted()
        self._tell("refusing" if self._pace.refusing else "ok")

    def _tell(self, state: SourceApiState, detail: str = "") -> None:
        if state != self._state:
            self._state = state
            self._around.emit(SourceApiSeen(state, detail[:WHY_MAX]))

    # --- login, status, calls -------------------------------------------------------------

    async def _log_in(self) -> None:
        self._pace.token = None
        secret = await in_own_thread(self._around.secret)
        out = self._dialect.login(secret) if secret is not None else None
        if out is None:
            self._pace.login_refused(self._around.mono_ms(), self._around.chance())
            self._tell("not_authorised", "password_file")
            return
        outcome = await self._post(out)
        now_ms, chance = self._around.mono_ms(), self._around.chance()
        match outcome:
            case Accepted(content=content):
                login = self._dialect.logged_in(content)
                if isinstance(login, str):
                    self._pace.unreached(now_ms, chance)
                    self._tell("strange", login)
                    return
                self._pace.logged_in(login.token, self._settings.token_lifetime_s, now_ms)
                self._greetings = deque(self._dialect.greetings())
            case Undelivered():
                self._not_delivered(outcome)
            case Refused(why=why) | LoginOver(why=why):
                self._pace.login_refused(now_ms, chance)
                self._tell("not_authorised", why)

    async def _greet(self) -> None:
        """Denied is refused, too: whether the login is any good the status will show."""
        outcome = await self._post(self._greetings[0])
        if isinstance(outcome, Undelivered):
            self._not_delivered(outcome)
            return
        if isinstance(outcome, Refused | LoginOver):
            log.warning("source_api_greeting_refused why=%s", outcome.why)
        if not isinstance(outcome, LoginOver):
            self._pace.accepted()
        self._greetings.popleft()

    async def _report_status(self, now_ms: int) -> None:
        """Refused is told, and the next one is tried in its turn."""
        outcome = await self._post(self._dialect.status(self._around.now()))
        if isinstance(outcome, LoginOver | Undelivered):
            self._not_delivered(outcome)
            return
        self._pace.status_due_ms = now_ms + self._settings.status_every_s * 1_000
        self._pace.status_seen(refused=isinstance(outcome, Refused))
        if isinstance(outcome, Refused):
            self._tell("refusing", outcome.why)
            return
        self._accepted()
        if self._settings.inbound == "answers":
            self._take_calls(outcome.content)

    async def _poll(self, now_ms: int) -> None:
        """Denied again after a new login it is refused: the status shows whether the login is.

        Whatever comes of it, the next one waits for its turn, so that records go out all the same.
        """
        out = self._dialect.poll()
        outcome = await self._post(out) if out is not None else Accepted()
        if isinstance(outcome, LoginOver) and not self._poll_denied:
            self._poll_denied, self._pace.renew_at_ms = True, now_ms
            return
        self._pace.poll_due_ms = now_ms + self._settings.poll_every_s * 1_000
        if isinstance(outcome, Undelivered):
            self._not_delivered(outcome)
            return
        self._pace.poll_refused = isinstance(outcome, Refused | LoginOver)
        if isinstance(outcome, Refused | LoginOver):
            self._tell("refusing", outcome.why)
            return
        self._poll_denied = False
        self._take_calls(outcome.content)

    def _take_calls(self, content: object) -> None:
        """What stood in the answer before and still does is the same call, not another one."""
        calls = self._dialect.calls(content)
        before, self._asked = self._asked, frozenset(calls)
        for call in dict.fromkeys(calls):
            if call not in before:
                self._around.emit(SourceAsked(call))

    # --- records --------------------------------------------------------------------------

    async def _send_record(self) -> bool:
        """One message of the oldest record that is not done; whether there was any."""
        standing = self._standing
        if standing is None:
            standing = self._standing = await self._next_standing()
        if standing is None:
            return await self._send_again()
        out, repeated = standing.left[0], standing.repeated or standing.seq <= self._before_start
        outcome = await self._post(out, repeated=repeated)
        match outcome:
            case Undelivered():
                standing.repeated = True
                self._not_delivered(outcome)
                return True
            case LoginOver() if not (standing.denied and self._pace.proven):
                standing.denied = True
                self._pace.denied(self._around.mono_ms(), self._around.chance())
                return True
            case Accepted():
                self._pace.record_taken(out.message, denied=standing.denied)
                self._accepted()
            case Refused(why=why) | LoginOver(why=why):
                self._pace.accepted()
                self._pace.record_refused(out.message, self._around.mono_ms())
                if self._pace.refusing:
                    self._tell("refusing", why)
                log.warning("source_api_refused seq=%s why=%s", standing.seq, why)
                standing.refused = standing.refused or why
        standing.left.popleft()
        standing.repeated = standing.denied = False
        if not standing.left:
            self._done(standing.seq, standing.refused)
        return True

    def _done(self, seq: int, refused: str = "") -> None:
        self._standing = None
        self._position.through = self._position.told = seq
        self._around.emit(SourceTook(seq, ((seq, refused),) if refused else ()))

    async def _next_standing(self) -> _Standing | None:
        """The next record that has something to tell; those that have not are passed over."""
        position = self._position
        while position.page or await self._read_page():
            stored = position.page.popleft()
            gone = stored.seq - position.through - 1
            if gone > 0 and position.through > 0:
                self._around.emit(SourceTook(stored.seq - 1, gone=gone))
            try:
                outs = self._messages(stored.body)
            except Exception as error:  # supervision: one record must not hold up all after it
                log.exception("source_api_record_unreadable seq=%s", stored.seq)
                self._done(stored.seq, f"unreadable: {error}"[:WHY_MAX])
                continue
            if outs:
                position.through = stored.seq - 1
                return _Standing(stored.seq, deque(outs))
            position.through = stored.seq
        if position.told < position.through:
            position.told = position.through
            self._around.emit(SourceTook(position.through))
        return None

    async def _read_page(self) -> bool:
        position = self._position
        if self._around.newest() <= position.through:
            return False
        found = await asyncio.wrap_future(
            self._around.records.records_after(position.through, PAGE)
        )
        position.page.extend(found)
        return bool(position.page)

    def _messages(self, body: bytes) -> Iterable[Outgoing]:
        return self._dialect.of_record(msgspec.json.decode(body, type=Event))

    async def _send_again(self) -> bool:
        """Records set aside before this start, once each: the settings may have been mended."""
        if not self._again:
            return False
        seq = self._again[0]
        body = await asyncio.wrap_future(self._around.records.record(seq))
        outs = list(self._messages(body)) if body is not None else []
        for out in outs:
            outcome = await self._post(out, repeated=True)
            unproven = LoginOver if not self._pace.proven else Undelivered
            if isinstance(outcome, Undelivered | unproven):
                self._not_delivered(outcome)
                return True
            if isinstance(outcome, Refused | LoginOver):
                self._pace.record_refused(out.message, self._around.mono_ms())
                self._again.popleft()
                return True
        self._again.popleft()
        if outs:
            self._accepted()
            self._around.emit(SourceTook(self._position.told, mended=(seq,)))
        return True
