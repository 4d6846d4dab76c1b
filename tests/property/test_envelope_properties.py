"""The envelope: bytes from anywhere open to an envelope or to the one error."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.contract.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    open_envelope,
    seal,
    signed_message,
)
from tests.vectors import district

GOOD = district.sealed(district.schedule(), district.OFFICER)


def opened(raw: bytes) -> Envelope | None:
    try:
        return open_envelope(raw)
    except EnvelopeError as error:
        str(error).encode("utf-8")
        return None


@settings(max_examples=300)
@given(raw=st.binary(max_size=300))
@example(b"[" * 65_000)
@example(b'{"payload":"\\ud800"}')
def test_any_bytes_open_or_are_the_one_error(raw: bytes) -> None:
    opened(raw)


@settings(max_examples=400)
@given(
    at=st.integers(0, len(GOOD) - 1),
    cut=st.integers(0, 6),
    put=st.binary(max_size=3) | st.sampled_from([b"[" * 9_000, b"\\ud800", b"\xc3\xa9", b"="]),
)
def test_a_changed_envelope_never_verifies_another_body(at: int, cut: int, put: bytes) -> None:
    found = opened(GOOD[:at] + put + GOOD[at + cut :])
    if found is None:
        return
    for one in found.signatures:
        if len(one.signature) == 64 and district.verify(
            district.OFFICER.public, one.signature, found.message
        ):
            assert found.body == open_envelope(GOOD).body


@given(
    body=st.binary(max_size=2_000),
    signatures=st.lists(
        st.builds(Signature, st.text(max_size=20), st.binary(max_size=70)), max_size=10
    ).map(tuple),
)
def test_what_is_sealed_opens_to_the_same(body: bytes, signatures: tuple[Signature, ...]) -> None:
    assert open_envelope(seal(body, signatures)) == Envelope(body, signed_message(body), signatures)


@given(one=st.binary(max_size=50), other=st.binary(max_size=50))
def test_two_bodies_never_share_a_signed_message(one: bytes, other: bytes) -> None:
    assert (signed_message(one) == signed_message(other)) == (one == other)
