"""A next step that names a command names one that can be typed as it stands."""

from __future__ import annotations

import re
import shlex

import msgspec
import pytest

from agent.cli.__main__ import run_in
from agent.cli.arguments import build_parser
from agent.cli.screens.awaiting import render_awaiting, waiting
from agent.cli.screens.plan import render_plan
from agent.cli.screens.status import render_status
from agent.cli.texts import TEXTS, Lang
from agent.contract.reasons import ACK, ALARM, OCCURRENCE, OccurrenceReason
from agent.core.requests import PlanView
from agent.core.words import CONTROLLER, LINK
from tests.unit.cli import views
from tests.unit.cli.people import HOA, PIN, Agent, Keyboard, around

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


def steps(lines: list[str]) -> list[str]:
    """What stands behind the arrows, each in one line again."""
    found: list[str] = []
    going = False
    for line in lines:
        text = line.strip()
        if text.startswith("→ "):
            found.append(text.removeprefix("→ "))
            going = True
        elif going and line.startswith("    ") and not line.startswith("      "):
            found[-1] += f" {text}"
        else:
            going = False
    return found


def commands(lines: list[str]) -> list[str]:
    return [found for step in steps(lines) for found in _COMMAND.findall(step)]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_the_screens_of_decisions_say_to_type_can_be_typed(lang: Lang) -> None:
    found = commands(render_plan(views.DECIDING, lang, 44))
    found += commands(render_status(views.STATUS_DECIDING, lang, 44))
    for command in ("approve", "reject"):
        lines = render_awaiting(waiting(views.DECIDING), views.DECIDING, lang, 44, command)
        found += commands(lines)
    verbs = {understood(one) for one in found}
    assert verbs == {"approve", "reject", "release", "order"}
    assert "stationctl approve tiem-chung --at 05:27" in found


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize(
    ("typed", "verb"),
    [
        (["hold", "khu-vuc"], "release"),
        (["quiet"], "quiet"),
        (["quiet", "Đông", "Chợ", "until", "11:00", "--reason", "tang lễ"], "quiet"),
        (["quiet", "Đông"], "quiet"),
        (["announce", "Mời bà con đi họp", "--name", HOA], "status"),
        (["announce", "dong"], "announce"),
        (["approve"], "approve"),
        (["reject"], "reject"),
    ],
)
def test_what_a_decision_says_to_type_next_can_be_typed(
    typed: list[str], verb: str, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(around(Agent(), Keyboard(PIN), chatty=False), [*typed, "--lang", lang])
    found = commands(capsys.readouterr().out.splitlines())
    assert {understood(one) for one in found} == {verb}
