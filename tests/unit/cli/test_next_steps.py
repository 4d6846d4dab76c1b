"""A next step that names a command names one that can be typed as it stands."""

from __future__ import annotations

import re
import shlex

import msgspec
import pytest

from agent.cli.arguments import build_parser
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status
from agent.cli.texts import TEXTS, Lang
from agent.contract.reasons import ACK, ALARM, OCCURRENCE, OccurrenceReason
from agent.core.requests import PlanView
from agent.core.words import CONTROLLER, LINK
from tests.unit.cli import views

_COMMAND = re.compile(r"(?:^|[:;] )(?:sudo )?(stationctl [^;.]+)")
STEPS = sorted(
    {
        text
        for table in (ACK, ALARM, OCCURRENCE, CONTROLLER, LINK)
        for meaning in table.values()
        for text in (meaning.next_vi, meaning.next_en)
    }
    | {text for both in TEXTS.values() for text in both}
)
COMMANDS = sorted({found for step in STEPS for found in _COMMAND.findall(step)})


def understood(command: str) -> str:
    """The verb the real parser finds in a command line; SystemExit when it finds none."""
    program, *words = shlex.split(command)
    assert program == "stationctl"
    return str(build_parser("en", "0").parse_args(words).command)


def test_there_are_commands_among_the_next_steps() -> None:
    assert {"stationctl zones", "stationctl journal", "stationctl release ID"} <= set(COMMANDS)


WHOLE = [one for one in COMMANDS if "--version" not in one and "{command}" not in one]
"""`{command}` is what was typed, see test_pin."""


@pytest.mark.parametrize("command", WHOLE)
def test_every_command_in_a_next_step_is_understood(command: str) -> None:
    assert understood(command)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_held_item_names_the_whole_command_that_releases_it(lang: Lang) -> None:
    held = msgspec.structs.replace(views.AREA, ready=False, problem=OccurrenceReason.HELD.value)
    screens = [
        render_plan(PlanView(views.NOW_MS, views.TZ, (held,)), lang, 44),
        render_status(msgspec.structs.replace(views.WELL, upcoming=(held,)), lang, 44),
    ]
    for lines in screens:
        [step] = [line.strip() for line in lines if "→ " in line]
        command = step.removeprefix("→ ")
        assert command == "stationctl release huyen/khu-vuc"
        assert understood(command) == "release"
