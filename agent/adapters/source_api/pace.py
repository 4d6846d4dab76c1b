"""When the next message may go: tries, waits, the token's age. Pure; time and chance are arguments.

Owns the waits and nothing that is sent. All times are monotonic ms, so a step of the wall clock
changes nothing here.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from dataclasses import dataclass, field

import msgspec

UNREACHED_FIRST_MS = 2_000
LOGIN_FIRST_MS = 60_000
LOGIN_MAX_MS = 3_600_000
REFUSALS_IN_A_ROW = 3
"""So many of a kind refused one after the other: perhaps it is not the records."""
REFUSING_FIRST_MS = 5_000
REFUSING_MAX_MS = 300_000
LIFETIME_MAX_MS = 30 * 86_400_000
RENEW_AT_PERCENT = 80


def unreached_wait_ms(tries: int, chance: float, most_ms: int) -> int:
    """Full jitter, never longer than a status interval: trying costs what a status costs."""
    ceiling = min(most_ms, UNREACHED_FIRST_MS << min(tries, 12))
    return 500 + round(ceiling * chance)


def login_wait_ms(tries: int, chance: float) -> int:
    """After a refused login: seldom, so that the account is not locked."""
    ceiling = min(LOGIN_MAX_MS, LOGIN_FIRST_MS << min(tries, 10))
    return round(ceiling * (0.75 + 0.25 * chance))


def refusing_wait_ms(in_a_row: int) -> int:
    """Between records, so that a wrong setting does not set a whole backlog aside in a minute."""
    beyond = in_a_row - REFUSALS_IN_A_ROW
    return 0 if beyond < 0 else min(REFUSING_MAX_MS, REFUSING_FIRST_MS << min(beyond, 10))


class _Claims(msgspec.Struct):
    exp: int
    iat: int


def lifetime_ms(token: str, configured_s: int) -> int | None:
    """How long a token may be used; None when nobody says.

    A JWT says when it was made and when it ends. It is read, not verified: a wrong guess costs a
    login, no more.
    """
    if configured_s:
        return configured_s * 1_000
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(raw, type=_Claims)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    length_ms = (claims.exp - claims.iat) * 1_000
    return length_ms if 0 < length_ms <= LIFETIME_MAX_MS else None


@dataclass(slots=True)
class Pace:
    """What was tried in vain, and when it may be tried again.

    fresh: nothing was accepted since the last login, so another login would not help. refused: how
    many of each kind of record in a row. proven: a status was looked at since the login, and since
    a record was denied, so what is denied now is not denied for the login. denied_logins: how many
    were made for a record's sake, and when the next may be.
    """

    status_every_ms: int
    tries: int = 0
    login_tries: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    status_refused: bool = False
    poll_refused: bool = False
    not_before_ms: int = 0
    records_not_before_ms: int = 0
    token: str | None = None
    renew_at_ms: int | None = None
    fresh: bool = False
    proven: bool = False
    denied_logins: int = 0
    denied_login_at_ms: int = 0
    status_due_ms: int = 0
    poll_due_ms: int = 0

    def logged_in(self, token: str, configured_s: int, now_ms: int) -> None:
        self.token, self.fresh, self.proven = token, True, False
        length_ms = lifetime_ms(token, configured_s)
        self.renew_at_ms = None
        if length_ms is not None:
            self.renew_at_ms = now_ms + length_ms * RENEW_AT_PERCENT // 100

    def has_login(self, now_ms: int) -> bool:
        return self.token is not None and (self.renew_at_ms is None or now_ms < self.renew_at_ms)

    def accepted(self) -> None:
        self.tries = self.login_tries = 0
        self.fresh = False

    def unreached(self, now_ms: int, chance: float) -> None:
        self.not_before_ms = now_ms + unreached_wait_ms(self.tries, chance, self.status_every_ms)
        self.tries += 1

    def login_over(self, now_ms: int, chance: float) -> bool:
        """Log in again; whether at once, or because that did not help, later."""
        self.token = None
        if not self.fresh:
            return True
        self.login_refused(now_ms, chance)
        return False

    def login_refused(self, now_ms: int, chance: float) -> None:
        self.token = None
        self.fresh = False
        self.not_before_ms = now_ms + login_wait_ms(self.login_tries, chance)
        self.login_tries += 1

    def status_seen(self, *, refused: bool) -> None:
        self.status_refused, self.proven = refused, True
        self.accepted()

    def denied(self, now_ms: int, chance: float) -> None:
        """A record says that the login is over: a status shows whether it is, under a new login.

        Such logins become rarer the more of them helped no record, or an account were locked for
        the sake of one; in between the status goes out under the login there is.
        """
        self.proven = False
        if now_ms < self.denied_login_at_ms:
            return
        if now_ms >= self.denied_login_at_ms + LOGIN_MAX_MS:
            self.denied_logins = 0
        self.renew_at_ms = now_ms
        self.denied_login_at_ms = now_ms + login_wait_ms(self.denied_logins, chance)
        self.denied_logins += 1

    def record_taken(self, kind: str, *, denied: bool = False) -> None:
        """denied: it was, and a new login helped."""
        self.refused.pop(kind, None)
        if denied:
            self.denied_logins = self.denied_login_at_ms = 0

    def record_refused(self, kind: str, now_ms: int) -> None:
        self.refused[kind] += 1
        self.records_not_before_ms = now_ms + refusing_wait_ms(self.refused[kind])

    @property
    def refusing(self) -> bool:
        in_a_row = max(self.refused.values(), default=0)
        return self.status_refused or self.poll_refused or in_a_row >= REFUSALS_IN_A_ROW
