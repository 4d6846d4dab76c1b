"""Strict parsing of signed bodies: one meaning for the bytes, or one error with its path.

msgspec keeps the last of duplicate keys and takes floats for integers where they are whole;
signed bytes may contain neither, nor NaN, nor absurd nesting. So a pre-pass reads the bytes once.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

from agent.contract.documents import Signed

DEPTH_MAX = 24
NUMBER_DIGITS_MAX = 16

T = TypeVar("T")


class Malformed(ValueError):
    """The bytes are not a message of the contract; the text names the path and the fault."""


def _refuse_float(text: str) -> Any:
    raise Malformed(f"number {text[:40]} is not an integer")


def _bounded_int(text: str) -> int:
    if len(text) > NUMBER_DIGITS_MAX + 1:
        raise Malformed(f"number {text[:20]}… is too long")
    return int(text)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(f"key {key[:60]!r} stands twice")
        found[key] = value
    return found


def _depth(raw: bytes) -> int:
    """Greatest nesting of brackets outside strings."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in raw:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def check_strict(raw: bytes) -> None:
    """Raises Malformed for duplicate keys, floats, NaN, over-long numbers, deep nesting, no UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start}") from None
    if _depth(raw) > DEPTH_MAX:
        raise Malformed(f"nested deeper than {DEPTH_MAX}")
    try:
        json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_float=_refuse_float,
            parse_int=_bounded_int,
            parse_constant=_refuse_float,
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"line {error.lineno} column {error.colno}: {error.msg}") from None


def decode_strict(raw: bytes, kind: type[T] | Any) -> T:
    """Signed bytes → a message of `kind`; raises Malformed."""
    check_strict(raw)
    try:
        decoded: T = msgspec.json.decode(raw, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Malformed(str(error)) from None
    return decoded


def decode_signed(raw: bytes) -> Signed:
    """Signed bytes → the document, command or cursor its `kind` names; raises Malformed."""
    return decode_strict(raw, Signed)
