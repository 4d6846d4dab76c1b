"""A value out of bounds is refused in words, with an example; nobody is shown a pattern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import pytest

from agent.config import Config
from agent.contract.bounds import in_words, plainly, said_of
from agent.contract.schemas import MESSAGES
from agent.contract.strict import Malformed, decode_signed

EXAMPLE = re.compile(r"(?:ví dụ|for example) ((\S+?)(?:,.*)?)$")
"""All of it, and its first word: of several examples one is enough."""


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (one for key, one in schema.items() if key == "pattern")
        for one in schema.values():
            yield from patterns(one)
    if isinstance(schema, list):
        for one in schema:
            yield from patterns(one)


ALL = sorted(
    {one for kind in (*MESSAGES.values(), Config) for one in patterns(msgspec.json.schema(kind))}
)


def refused(pattern: str) -> str:
    """What the decoder says of a text that does not fit."""
    kind = msgspec.defstruct("Kind", [("field", _text(pattern))])
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"field": "?"}, kind)
    return str(caught.value)


def _text(pattern: str) -> Any:
    return Annotated[str, msgspec.Meta(pattern=pattern)]


def test_there_are_patterns() -> None:
    assert len(ALL) >= 9


@pytest.mark.parametrize("pattern", ALL)
def test_every_pattern_has_words_and_a_right_example_in_both_languages(pattern: str) -> None:
    message = refused(pattern)
    assert pattern.replace("\\", "\\\\") in message, "the decoder would have shown it"
    path, words = in_words(message)
    assert path == "field"
    for text in words:
        assert not set("^\\[]{}$") & set(text), text
        found = EXAMPLE.search(text)
        assert found is not None, text
        assert re.search(pattern, found[1]) or re.search(pattern, found[2])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"kind":"command","id":"A B"}', "id: only small letters"),
        (b'{"kind":"command"}', "is missing"),
        (b'{"kind":"command","id":7}', "id: must be a text"),
    ],
)
def test_a_malformed_message_is_refused_in_words(body: bytes, told: str) -> None:
    with pytest.raises(Malformed) as caught:
        decode_signed(body)
    assert told in str(caught.value)
    assert "Expected" not in str(caught.value)


def test_what_is_not_known_loses_at_least_its_pattern() -> None:
    assert plainly("Expected `bytes` matching regex 'x+' here - at `$.a`") == (
        "a: Expected `bytes` here"
    )


class Bounded(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    number: Annotated[int, msgspec.Meta(ge=-3, le=9)]
    mixed: bool | list[int] | None = None


@pytest.mark.parametrize(
    "value",
    [
        {"text": "", "number": 1},
        {"text": "a" * 201, "number": 1},
        {"text": "a", "number": 10},
        {"text": "a", "number": -4},
        {"text": "a", "number": "1"},
        {"text": "a", "number": 1, "mixed": "x"},
        {"number": 1},
        {"text": "a", "number": 1, "x": 1},
    ],
)
def test_what_was_said_plainly_is_read_back_in_both_languages(value: Any) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, Bounded)
    message = str(caught.value)
    path, words = in_words(message)
    assert said_of(plainly(message)).vi == (f"{path}: {words.vi}" if path else words.vi)
    assert words.vi != words.en


@pytest.mark.parametrize("pattern", ALL)
def test_every_pattern_is_read_back(pattern: str) -> None:
    message = refused(pattern)
    assert said_of(plainly(message)).vi == f"field: {in_words(message)[1].vi}"


@pytest.mark.parametrize("text", ["", "x", "a: b", "bản tin: không có"])
def test_what_nobody_said_stays_as_it_is(text: str) -> None:
    assert said_of(text) == (text, text)
