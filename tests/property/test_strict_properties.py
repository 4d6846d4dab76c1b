"""Bytes from anywhere: a value, or the one error, nothing else."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.contract.documents import Signed
from agent.contract.strict import Malformed, check_strict, decode_signed
from tests.vectors import district

BODIES = [
    msgspec.json.encode(message)
    for message in (
        district.trust(),
        district.schedule(),
        district.content(),
        district.warnings(),
        district.command(),
        district.cursor(),
    )
]
SPLICES = st.sampled_from(
    [
        *(b"", b'"', b"\\", b"{", b"}", b"[", b"]" * 30, b"[" * 3_000, b"\x00", b"\xff"),
        *(b"\xef\xbb\xbf", b"-", b"1e9", b"9" * 5_000, b"NaN", b"\\ud800", b"\\u0000"),
        *(b",", b":", b"null", b"0.5"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=400)
@given(raw=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
@example(b"[" * 100_000)
@example(b'{"":' * 50_000)
@example(b'"' * 60_001)
def test_any_bytes_give_a_message_or_malformed(raw: bytes) -> None:
    try:
        message = decode_signed(raw)
    except Malformed as error:
        str(error).encode("utf-8")
        return
    assert isinstance(message, Signed)


@settings(max_examples=600)
@given(body=st.sampled_from(BODIES), at=st.integers(0, 2_000), cut=st.integers(0, 12), put=SPLICES)
def test_a_message_with_a_piece_replaced_is_a_message_or_malformed(
    body: bytes, at: int, cut: int, put: bytes
) -> None:
    at %= len(body)
    changed = body[:at] + put + body[at + cut :]
    try:
        message = decode_signed(changed)
    except Malformed as error:
        str(error).encode("utf-8")
        return
    again = decode_signed(msgspec.json.encode(message))
    assert again == message


@settings(max_examples=300)
@given(value=JSON)
def test_what_passes_the_strict_check_means_the_same_to_every_parser(value: Any) -> None:
    raw = json.dumps(value).encode()
    try:
        check_strict(raw)
    except Malformed:
        return
    assert json.loads(raw) == msgspec.json.decode(raw)


@settings(max_examples=200)
@given(name=st.text(max_size=5), depth=st.integers(0, 20), between=st.booleans())
def test_a_key_that_stands_twice_is_found_at_any_depth(
    name: str, depth: int, between: bool
) -> None:
    key = json.dumps(name)
    other = f', "{name.encode().hex()}-": 0' if between else ""
    raw = '{"x":' * depth + f"{{{key}: 1{other}, {key}: 2}}" + "}" * depth
    with pytest.raises(Malformed):
        check_strict(raw.encode("utf-8", "surrogatepass"))
