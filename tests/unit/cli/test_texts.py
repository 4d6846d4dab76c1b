"""Both languages are complete, say the same things and nothing is left over."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import agent.cli
from agent.cli.texts import TEXTS, say
from agent.core.requests import CHECKS

FOLDER = Path(agent.cli.__file__).parent


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_stands_in_both_languages_with_the_same_placeholders(key: str) -> None:
    text = TEXTS[key]
    assert text.vi.strip()
    assert text.en.strip()
    assert placeholders(text.vi) == placeholders(text.en)


def test_every_text_is_used_and_every_used_text_exists() -> None:
    source = "".join(
        file.read_text(encoding="utf-8")
        for file in FOLDER.rglob("*.py")
        if not file.name.startswith("texts")
    )
    whole = set(re.findall(r"""["']([a-z0-9_-]+)["']""", source))
    stems = set(re.findall(r"""f["']([a-z-]+-)\{""", source))
    unused = [
        key for key in TEXTS if key not in whole and not any(key.startswith(stem) for stem in stems)
    ]
    assert unused == []
    said = set(re.findall(r"""say\((?:[a-z_.]*lang|"vi"|"en"), ["']([a-z0-9_-]+)["']""", source))
    assert said - set(TEXTS) == set()


def test_every_check_has_a_name() -> None:
    assert [say("vi", f"check-{name}") for name in CHECKS]


def test_an_unknown_key_is_a_bug() -> None:
    with pytest.raises(KeyError):
        say("vi", "nothing-of-the-kind")


@pytest.mark.parametrize(
    ("key", "count", "told"),
    [
        ("plan-title", 1, "PLAN, NEXT 1 HOUR"),
        ("plan-title", 24, "PLAN, NEXT 24 HOURS"),
        ("awaiting-in-plan", 1, "1 start awaiting approval"),
        ("tries-left", 1, "1 try left"),
        ("tries-left", 11, "11 tries left"),
    ],
)
def test_one_of_many_is_counted_as_one(key: str, count: int, told: str) -> None:
    assert say("en", key, hours=count, count=count) == told
