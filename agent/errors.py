"""Why the agent cannot begin, told by what the reader can do about it. Each has an exit code.

    StartError
    ├── ConfigError          fix the configuration file (78: retrying will not help)
    └── AlreadyRunningError  another agent holds this state directory (75: try again later)

A disk that cannot be used is not here: the station goes on in memory and raises an alarm. Once
the agent runs, faults are values: events for the core, or closed reasons of an adapter.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.config_texts import words
from agent.contract.reasons import Lang
from agent.contract.texts import Words

LANGS: tuple[Lang, Lang] = ("vi", "en")
NOTHING = Words("", "")

EX_OK = 0
EX_GIVEN_UP = 70
EX_TEMPORARY = 75
EX_CONFIG = 78


class StartError(Exception):
    """The agent did not begin. `exit_code` follows sysexits.h. `str` is the English text."""

    exit_code = EX_GIVEN_UP

    def __init__(self, text: Words) -> None:
        super().__init__(text.en)
        self._text = text

    def said(self, lang: Lang) -> str:
        return self._text.text(lang)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a configuration, and what to do about it.

    path: `zone[1].buses[0].bus`; line: 1-based, None unknown.
    """

    path: str
    text: Words
    line: int | None = None
    hint: Words = NOTHING

    def said(self, lang: Lang) -> str:
        where = self.path
        if self.line:
            where = words("line", line=self.line, path=self.path).text(lang)
        hint = self.hint.text(lang)
        return f"{where}: {self.text.text(lang)}" + (
            f". {hint[:1].upper()}{hint[1:]}" if hint else ""
        )

    def __str__(self) -> str:
        return self.said("en")


class ConfigError(StartError):
    """The configuration does not describe a station. All problems found, in file order."""

    exit_code = EX_CONFIG

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(Words(*(_lines(file, problems, lang) for lang in LANGS)))
        self.file = file
        self.problems = problems


def _lines(file: str, problems: tuple[Problem, ...], lang: Lang) -> str:
    return "\n".join(f"{file}: {problem.said(lang)}" for problem in problems)


class AlreadyRunningError(StartError):
    exit_code = EX_TEMPORARY
