"""A text in both languages, for whoever knows what is wrong before knowing who reads it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from agent.contract.reasons import Lang


class Said(NamedTuple):
    """The same thing said twice."""

    vi: str
    en: str

    def text(self, lang: Lang) -> str:
        return self.vi if lang == "vi" else self.en

    def __str__(self) -> str:
        return self.en


def as_said(text: object) -> Said:
    """What is already in two languages, or one text for both."""
    return text if isinstance(text, Said) else Said(str(text), str(text))
