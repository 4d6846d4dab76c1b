"""The live screen's header: the number beside the title says what it is."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from simulator.demo.screen import Screen


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("lang", "words"), [("vi", "còn 42 s"), ("en", "42 s left")])
def test_the_countdown_says_that_it_is_the_time_left(lang: str, words: str) -> None:
    out = Terminal()
    stage: Any = SimpleNamespace(stations={})
    Screen(lang, out).draw(stage, 41.8)
    header = next(line for line in out.getvalue().splitlines() if "commune-radio" in line)
    assert words in header
