"""When the next message may go: tries, waits, the token's age. Pure; time and chance are arguments.

Owns the waits and nothing that is sent. All times are monotonic ms, so a step of the wall clock
changes nothing here.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

UNREACHED_FIRST_MS = 2_000
LOGIN_FIRST_MS = 60_000
LOGIN_MAX_MS = 3_600_000
REFUSALS_IN_A_ROW = 3
"""So many records refused one after the other: perhaps it is not the records."""
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

    fresh: nothing was accepted since the last login, so another login would not help.
    """

    status_every_ms: int
    tries: int = 0
    login_tries: int = 0
    refused_in_a_row: int = 0
    status_refused: bool = False
    not_before_ms: int = 0
    records_not_before_ms: int = 0
    token: str | None = None
    renew_at_ms: int | None = None
    fresh: bool = False
    status_due_ms: int = 0
    poll_due_ms: int = 0

    def logged_in(self, token: str, configured_s: int, now_ms: int) -> None:
        self.token, self.fresh = token, True
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

    def record_taken(self) -> None:
        self.refused_in_a_row = 0

    def record_refused(self, now_ms: int) -> None:
        self.refused_in_a_row += 1
        self.records_not_before_ms = now_ms + refusing_wait_ms(self.refused_in_a_row)

    @property
    def refusing(self) -> bool:
        return self.status_refused or self.refused_in_a_row >= REFUSALS_IN_A_ROW
