"""Signed bytes: one meaning or one error."""

from __future__ import annotations

import msgspec
import pytest

from agent.contract.documents import Schedule
from agent.contract.strict import DEPTH_MAX, Malformed, check_strict, decode_signed
from tests.vectors import district

BODY = msgspec.json.encode(district.schedule())


def test_a_valid_body_becomes_the_message_its_kind_names() -> None:
    assert decode_signed(BODY) == district.schedule()
    assert isinstance(decode_signed(BODY), Schedule)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a":1,"a":1}', "stands twice"),
        (b'{"a":{"b":1,"b":2}}', "stands twice"),
        (b'{"a":1,"\\u0061":2}', "stands twice"),
        (b"1.0", "not an integer"),
        (b"1e3", "not an integer"),
        (b"-Infinity", "not an integer"),
        (b"NaN", "not an integer"),
        (b"1" * 5_000, "too long"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"{}\x00", "Extra data"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b'"\\u0000"', "control character"),
        (b'"\\u001B[2J"', "control character"),
        (b'"a\nb"', "control character"),
        (b"[" * 60_000, "nested deeper"),
        (b'{"a":' * 9_000, "nested deeper"),
        (b'"' + b"\\" * 40_001, "Unterminated"),
        (b"", "Expecting value"),
    ],
)
def test_bytes_with_two_meanings_or_none_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        check_strict(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'"\\u000a\\t"',
        b'"\\ud83d\\udce2"',
        b'"\\\\u0000"',
        b'"[[[[[[[[[[[[[[[[[[[[[[[[[[[["',
        b'"\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[["',
        b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
        b"-9007199254740991",
    ],
)
def test_unusual_bytes_with_one_meaning_pass(raw: bytes) -> None:
    check_strict(raw)


def test_the_error_names_the_path() -> None:
    with pytest.raises(Malformed, match="revision: at least 1"):
        decode_signed(BODY.replace(b'"revision":7', b'"revision":0'))


@pytest.mark.parametrize("wrong", [b"thoi-su\\n", b"Thoi-su", b"", b"thoi su"])
def test_an_id_is_refused_with_anything_around_it(wrong: bytes) -> None:
    with pytest.raises(Malformed, match="id"):
        decode_signed(BODY.replace(b'"id":"thoi-su"', b'"id":"' + wrong + b'"'))


def test_digits_of_other_scripts_are_not_a_date() -> None:
    with pytest.raises(Malformed, match="start"):
        decode_signed(BODY.replace(b"2026-11-20T", "٢٠٢٦-11-20T".encode()))
