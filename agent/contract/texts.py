"""A text in both languages, for what is known before it is known who reads it."""

from __future__ import annotations

from typing import NamedTuple

from agent.contract.reasons import Lang


class Words(NamedTuple):
    """The same thing said twice."""

    vi: str
    en: str

    def text(self, lang: Lang) -> str:
        return self.vi if lang == "vi" else self.en
