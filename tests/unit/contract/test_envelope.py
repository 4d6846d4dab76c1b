"""The envelope: bounds and shape."""

from __future__ import annotations

import pytest

from agent.contract.envelope import (
    PAYLOAD_TYPE,
    SIGNATURES_MAX,
    EnvelopeError,
    Signature,
    open_envelope,
    seal,
    signed_message,
)
from agent.contract.topics import MESSAGE_MAX_BYTES
from tests.vectors import district

ONE = Signature("0" * 16, b"\x01" * 64)


def test_what_is_sealed_opens_to_the_same_bytes() -> None:
    opened = open_envelope(seal(b'{ "x" : 1 }', (ONE,)))
    assert opened.body == b'{ "x" : 1 }'
    assert opened.signatures == (ONE,)


def test_the_signed_message_is_the_one_of_dsse() -> None:
    assert signed_message(b"hello world", "http://example.com/HelloWorld") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"x":' + b"[" * 60_000,
        b" " * (MESSAGE_MAX_BYTES + 1),
        seal(b"x", (ONE,)).replace(PAYLOAD_TYPE.encode(), b"text/plain"),
        seal(b"x", (ONE,)).replace(b'"eA=="', b'"eA="'),
        seal(b"x", (ONE,)).replace(b'"eA=="', '"é==="'.encode()),
        seal(b"x", (ONE,)).replace(b'"eA=="', b'"\\ud800"'),
        seal(b"x", (ONE,)).replace(b'"eA=="', b"7"),
        seal(b"x", (ONE,) * (SIGNATURES_MAX + 1)),
    ],
)
def test_anything_else_is_the_one_error(raw: bytes) -> None:
    with pytest.raises(EnvelopeError):
        open_envelope(raw)


def test_unknown_fields_outside_the_signed_bytes_are_ignored() -> None:
    raw = seal(b"x", (ONE,))
    assert open_envelope(raw[:-1] + b',"note":1.5}').body == b"x"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"payload":', b'"payload":"e30=","payload":'),
        (b'"keyid":', b'"keyid":"other","keyid":'),
        (b'"signatures":', b'"signatures":[],"signatures":'),
        (b'{"payloadType"', b'{"more":1,"more":1,"payloadType"'),
    ],
)
def test_a_key_that_stands_twice_is_no_envelope(before: bytes, after: bytes) -> None:
    raw = district.sealed(district.schedule(), district.OFFICER)
    assert before in raw
    with pytest.raises(EnvelopeError, match="stands twice"):
        open_envelope(raw.replace(before, after, 1))
