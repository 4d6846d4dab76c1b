"""What an answer means, and when the next message may go."""

from __future__ import annotations

import base64
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.source_api import answers, pace
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
from agent.adapters.source_api.pace import Pace
from agent.adapters.source_api.settings import SourceApiSection

DEFAULTS = SourceApiSection()
WORDS = Words(DEFAULTS.already_known, DEFAULTS.login_again)
KEY = "5f3a/main/17"


def said(status: int, *, repeated: bool = True, **body: object) -> Outcome:
    raw = json.dumps(body, ensure_ascii=False).encode() if body else b""
    return read(Reply(status, raw), WORDS, KEY, repeated=repeated)


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
        (said(409), Refused),
        (said(409, TrangThaiGui=1), Refused),
        (said(409, TrangThaiGui=1, MoTa="Bản ghi đã tồn tại"), Accepted),
        (said(409, TrangThaiGui=1, MoTa=f"Đã nhận {KEY} lúc 05:00"), Accepted),
        (said(409, TrangThaiGui=1, MoTa=f"{KEY} không hợp lệ"), Refused),
        (said(409, TrangThaiGui=1, MoTa="Bản ghi đã tồn tại", repeated=False), Refused),
        (said(200, TrangThaiGui=1, MoTa="Bản ghi đã tồn tại", repeated=False), Refused),
        (said(400, MoTa="Bản ghi đã tồn tại"), Refused),
        (said(409, MoTa="Bản ghi đã tồn tại"), Refused),
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
    outcome = read(Reply(status, body), WORDS, KEY, repeated=True)
    if isinstance(outcome, Accepted):
        envelope = json.loads(body)
        assert status in (400, 409, 413, 422) or 200 <= status < 300
        assert envelope["TrangThaiGui"] in (0, "0") or envelope["MoTa"]


def test_json_that_is_nested_without_end_is_no_answer() -> None:
    deep = b'{"TrangThaiGui": 0, "NoiDung": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert isinstance(read(Reply(200, deep)), Undelivered)


# --- "held already" ------------------------------------------------------------------------

HELD = (
    "Bản ghi đã tồn tại",
    "Lỗi: bản ghi ĐÃ TỒN TẠI trong hệ thống",
    "Nhật ký này đã  tồn tại.",
    "Bản ghi bị trùng",
    "Record already exists",
    unicodedata.normalize("NFD", "Bản ghi đã tồn tại"),
)
NOT_HELD = (
    "CumLoaID không trùng khớp với tài khoản",
    "Mã trùng khớp một phần",
    "Bản ghi chưa đã tồn tại",
    "NguonID không tồn tại",
    "CumLoaID đã tồn tại ở tài khoản khác",
    "Thiết bị đã tồn tại",
    "Lịch phát trùng giờ",
    "Bản tin phải đã tồn tại trước khi gửi nhật ký",
    "Bản ghi không bị trùng nhưng bản ghi trùng mã sai",
    "the record does not already exists",
    "bản ghi đã tồn tại" + " " * 300 + "với nội dung khác",
    "Đã tồn tạinhưng",
    "",
)


@pytest.mark.parametrize("told", HELD)
def test_a_plain_word_for_it_says_that_a_record_is_held(told: str) -> None:
    assert isinstance(said(200, TrangThaiGui=1, MoTa=told), Accepted)
    assert isinstance(said(409, TrangThaiGui=1, MoTa=told), Accepted)


@pytest.mark.parametrize("told", NOT_HELD)
@pytest.mark.parametrize("status", [200, 400, 409, 422])
def test_a_sentence_that_leaves_a_doubt_never_counts_as_delivered(status: int, told: str) -> None:
    assert not isinstance(said(status, TrangThaiGui=1, MoTa=told), Accepted)


@given(
    phrase=st.sampled_from((*DEFAULTS.already_known, KEY)),
    doubt=st.sampled_from(answers.DOUBTS),
    between=st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạ ,.:", max_size=30),
    first=st.booleans(),
    upper=st.booleans(),
    status=st.sampled_from((200, 400, 409, 413, 422)),
)
def test_no_negation_and_no_mismatch_is_ever_taken_for_a_record_that_is_held(
    phrase: str, doubt: str, between: str, first: bool, upper: bool, status: int
) -> None:
    parts = (doubt, between, phrase) if first else (phrase, between, doubt)
    told = " ".join(parts)
    told = told.upper() if upper and phrase != KEY else told
    assert not isinstance(said(status, TrangThaiGui=1, MoTa=told), Accepted)


@given(told=st.text(alphabet="trùngkhớpbảnghđãồạicsóẽvẫ ", max_size=60))
def test_without_a_word_for_it_nothing_is_held(told: str) -> None:
    held = isinstance(said(409, TrangThaiGui=1, MoTa=told), Accepted)
    folded = " ".join(told.casefold().split())
    assert held <= any(one in folded for one in DEFAULTS.already_known)


# --- when the next message may go ----------------------------------------------------------


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
        one.record_refused("journal", 0)
        seen.append((one.refusing, one.records_not_before_ms))
    assert seen == [(False, 0), (False, 0), (True, pace.REFUSING_FIRST_MS)]
    one.record_taken("journal")
    assert (one.refusing, one.refused["journal"]) == (False, 0)


def logins_for_records(one: Pace, until_ms: int, *, helped: bool = False) -> list[int]:
    """One record after the other is denied each second, and the status always taken."""
    made = []
    for now_ms in range(0, until_ms, 1_000):
        one.denied(now_ms, 0.0)
        if not one.has_login(now_ms):
            made.append(now_ms)
            one.logged_in("t", 0, now_ms)
        one.status_seen(refused=False)
        if helped:
            one.record_taken("journal", denied=True)
    return made


def test_logins_for_the_sake_of_records_grow_rare_whatever_the_status_says() -> None:
    one = Pace(60_000)
    one.logged_in("t", 0, 0)
    made = logins_for_records(one, 3_600_000)
    assert made == [0, 45_000, 135_000, 315_000, 675_000, 1_395_000, 2_835_000]


def test_a_login_that_helped_a_record_makes_the_next_one_no_later() -> None:
    one = Pace(60_000)
    one.logged_in("t", 0, 0)
    assert len(logins_for_records(one, 60_000, helped=True)) == 60


def test_after_a_quiet_hour_a_denied_record_has_its_login_at_once_again() -> None:
    one = Pace(60_000)
    one.logged_in("t", 0, 0)
    logins_for_records(one, 600_000)
    later_ms = one.denied_login_at_ms + pace.LOGIN_MAX_MS
    one.denied(later_ms, 0.0)
    assert (one.denied_logins, one.has_login(later_ms)) == (1, False)


def test_kinds_of_records_are_refused_each_by_itself() -> None:
    """Where each begin is refused and each end is taken, something is wrong all the same."""
    one = Pace(60_000)
    for _ in range(3):
        one.record_refused("journal", 0)
        one.record_taken("journal_end")
    assert one.refusing
    one.record_taken("journal")
    assert not one.refusing
