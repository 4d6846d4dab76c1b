"""What an answer means, and when the next message may go."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.source_api import pace
from agent.adapters.source_api.answers import (
    Accepted,
    LoginOver,
    NoReply,
    Outcome,
    Refused,
    Reply,
    Undelivered,
    read,
)
from agent.adapters.source_api.pace import Pace

KNOWN, AGAIN = ("đã tồn tại",), ("token",)


def said(status: int, **body: object) -> Outcome:
    raw = json.dumps(body, ensure_ascii=False).encode() if body else b""
    return read(Reply(status, raw), KNOWN, AGAIN)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (said(200, TrangThaiGui=0), Accepted),
        (said(201, TrangThaiGui="0"), Accepted),
        (said(200, TrangThaiGui=1, MoTa="Thiếu TieuDe"), Refused),
        (said(200, TrangThaiGui=1, MoTa="Bản ghi ĐÃ TỒN TẠI"), Accepted),
        (said(200, TrangThaiGui=1, MoTa="Token hết hạn"), LoginOver),
        (said(200, TrangThaiGui=2), Undelivered),
        (said(200, ok=True), Undelivered),
        (said(204), Undelivered),
        (said(302), Undelivered),
        (said(400, MoTa="x"), Refused),
        (said(422, TrangThaiGui=1, MoTa="x"), Refused),
        (said(413), Refused),
        (said(401), LoginOver),
        (said(403), LoginOver),
        (said(404), Undelivered),
        (said(409), Accepted),
        (said(429), Undelivered),
        (said(500, TrangThaiGui=0), Undelivered),
        (said(503), Undelivered),
    ],
)
def test_an_answer_means_one_of_four_things(outcome: Outcome, kind: type) -> None:
    assert isinstance(outcome, kind)


def test_a_login_page_of_the_network_is_not_a_yes() -> None:
    page = Reply(200, b"<html><title>WiFi</title> TrangThaiGui 0</html>")
    assert read(page) == Undelivered("strange", f"HTTP 200 {page.body[:60].decode()}")


def test_no_answer_keeps_its_reason() -> None:
    assert read(NoReply("tls", "expired")) == Undelivered("tls", "expired")


@given(status=st.integers(min_value=100, max_value=599), body=st.binary(max_size=200))
def test_only_the_envelope_of_the_source_system_is_a_yes(status: int, body: bytes) -> None:
    outcome = read(Reply(status, body))
    if isinstance(outcome, Accepted) and status != 409:
        assert 200 <= status < 300
        assert json.loads(body)["TrangThaiGui"] in (0, "0")


@given(
    tries=st.integers(min_value=0, max_value=10_000),
    chance=st.floats(min_value=0, max_value=1, exclude_max=True),
)
def test_waits_grow_within_their_bounds(tries: int, chance: float) -> None:
    assert 0 < pace.unreached_wait_ms(tries, chance, 60_000) <= 60_500
    assert 45_000 <= pace.login_wait_ms(tries, chance) <= pace.LOGIN_MAX_MS
    assert 0 <= pace.refusing_wait_ms(tries) <= pace.REFUSING_MAX_MS


def jwt(**claims: object) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def test_a_token_is_renewed_before_its_end() -> None:
    one = Pace(60_000)
    one.logged_in(jwt(iat=1_000, exp=1_600), 0, now_ms=50_000)
    assert one.has_login(50_000 + 479_999)
    assert not one.has_login(50_000 + 480_000)


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b.c",
        "....",
        jwt(exp=1_600),
        jwt(iat=2_000, exp=1_000),
        jwt(iat=0, exp=2**62),
        jwt(iat="x", exp=1),
        "a.😀.c",
    ],
)
def test_a_token_that_does_not_say_its_end_is_used_until_it_is_refused(token: str) -> None:
    one = Pace(60_000)
    one.logged_in(token, 0, now_ms=0)
    assert one.has_login(10**12)


def test_the_configured_lifetime_counts_before_what_a_token_says() -> None:
    assert pace.lifetime_ms(jwt(iat=0, exp=9_000), 100) == 100_000


def test_a_refused_token_is_renewed_at_once_but_a_fresh_one_only_later() -> None:
    one = Pace(60_000)
    one.logged_in("t", 0, 0)
    one.accepted()
    assert one.login_over(1_000, 0.5)
    assert one.not_before_ms == 0
    one.logged_in("t", 0, 1_000)
    assert not one.login_over(2_000, 0.5)
    assert one.not_before_ms >= 2_000 + 45_000


def test_three_refusals_in_a_row_slow_the_records_down_and_one_yes_ends_that() -> None:
    one = Pace(60_000)
    seen = []
    for _ in range(3):
        one.record_refused(0)
        seen.append((one.refusing, one.records_not_before_ms))
    assert seen == [(False, 0), (False, 0), (True, pace.REFUSING_FIRST_MS)]
    one.record_taken()
    assert (one.refusing, one.refused_in_a_row) == (False, 0)
