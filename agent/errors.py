"""Why the agent cannot begin, told by what the reader can do about it. Each has an exit code.

    StartError
    ├── ConfigError          fix the configuration file (78: retrying will not help)
    └── AlreadyRunningError  another agent holds this state directory (75: try again later)

A disk that cannot be used is not here: the station goes on in memory and raises an alarm. Once
the agent runs, faults are values: events for the core, or closed reasons of an adapter.
"""

from __future__ import annotations

from dataclasses import dataclass

EX_OK = 0
EX_GIVEN_UP = 70
EX_TEMPORARY = 75
EX_CONFIG = 78


class StartError(Exception):
    """The agent did not begin. `exit_code` follows sysexits.h."""

    exit_code = EX_GIVEN_UP


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a configuration. path: `zone[1].buses[0].bus`; line: 1-based, None unknown."""

    path: str
    text: str
    line: int | None = None
    hint: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}, {self.path}" if self.line else self.path
        return f"{where}: {self.text}" + (f". {self.hint}" if self.hint else "")


class ConfigError(StartError):
    """The configuration does not describe a station. All problems found, in file order."""

    exit_code = EX_CONFIG

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))
        self.file = file
        self.problems = problems


class AlreadyRunningError(StartError):
    exit_code = EX_TEMPORARY
