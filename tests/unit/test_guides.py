"""What the guides say to type can be typed, and their alarm tables are those of the software.

Every command in a code block or in single backticks goes through the real argument parsers.
`python -m tests.unit.test_guides` writes the tables anew.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agent.__main__ import main as station_agent
from agent.cli.arguments import build_parser
from agent.cli.screens.doctor import render_doctor
from agent.contract.reasons import ALARM, LINK_FAULT, Lang, Meaning
from agent.core.pins import PIN_LEAST, PIN_MOST
from agent.core.requests import CHECKS, Check, DoctorView
from firmware_bridge.__main__ import parse_arguments as firmware_bridge
from simulator.amplifier.__main__ import parse as amplifier
from simulator.source_system.districtctl.arguments import build as district_parser

ROOT = Path(__file__).parents[2]
GUIDES: tuple[tuple[str, Lang], ...] = (
    ("docs/vi/ky-thuat-vien.md", "vi"),
    ("docs/vi/can-bo-truyen-thanh.md", "vi"),
    ("docs/vi/ky-su.md", "vi"),
    ("docs/en/technician.md", "en"),
    ("docs/en/officer.md", "en"),
    ("docs/en/engineer.md", "en"),
)
PAIRS = tuple(zip(GUIDES[:3], GUIDES[3:], strict=True))
PROGRAMS = (
    "stationctl",
    "districtctl",
    "station-agent",
    "python -m firmware_bridge",
    "python -m simulator.amplifier",
)
TABLES: dict[str, dict[Lang, str]] = {
    "alarms": {
        "vi": "| báo động | tên để nhận | việc cần làm |",
        "en": "| alarm | name to note it by | what to do |",
    },
    "links": {"vi": "| vì sao | mã | việc cần làm |", "en": "| why | code | what to do |"},
}

_INLINE = re.compile(r"`([^`\n]+)`")
_SHELL = re.compile(r" && | \|\| | \| |; | & | > | 2> ")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def split(text: str) -> tuple[list[str], str]:
    """Lines to be typed, and the prose. A block that names a language (`text`) shows a screen."""
    typed: list[str] = []
    prose: list[str] = []
    within: str | None = None
    for line in text.splitlines():
        if line.strip().startswith("```"):
            within = line.strip()[3:] if within is None else None
        elif within is None:
            prose.append(line)
        elif not within:
            typed.append(line.strip())
    assert within is None
    return typed, "\n".join(prose)


def commands(text: str, *, inline: bool = True) -> Iterator[list[str]]:
    """The words of each command that is one of our programs."""
    typed, prose = split(text)
    for line in [*typed, *(_INLINE.findall(prose) if inline else ())]:
        for part in _SHELL.split(line):
            words = part.strip().removesuffix("&").strip()
            words = re.sub(r"^sudo (-u station )?", "", words)
            words = re.sub(r"^\S*/(?=python |stationctl|station-agent)", "", words)
            if words.startswith(tuple(f"{one} " for one in PROGRAMS)):
                yield shlex.split(words, comments=True)


def parse(words: list[str]) -> None:
    """SystemExit when the real parser does not understand."""
    match words:
        case ["stationctl", *rest]:
            build_parser("en", "0").parse_args(rest)
        case ["districtctl", *rest]:
            district_parser("en").parse_args(rest)
        case ["python", "-m", "firmware_bridge", *rest]:
            firmware_bridge(rest)
        case ["python", "-m", "simulator.amplifier", *rest]:
            amplifier(rest)
        case ["station-agent", *rest]:
            assert station_agent([*rest, "--config", "no-such-file"]) == 78  # understood, not found
        case _:
            raise AssertionError(words)


@pytest.mark.parametrize("name", ["README.md", *(name for name, _ in GUIDES)])
def test_every_command_of_a_guide_is_understood(name: str) -> None:
    found = list(commands(text_of(name)))
    assert len(found) >= 5
    for words in found:
        try:
            parse(words)
        except SystemExit:
            pytest.fail(f"{name}: {shlex.join(words)}")


def test_a_command_that_cannot_be_typed_would_be_found() -> None:
    [words] = commands("```\nsudo stationctl approve --everything\n```\n")
    with pytest.raises(SystemExit):
        parse(words)


@pytest.mark.parametrize(("vi", "en"), [(vi[0], en[0]) for vi, en in PAIRS])
def test_both_languages_name_the_same_commands_in_the_same_order(vi: str, en: str) -> None:
    def typed(name: str) -> list[list[str]]:
        return list(commands(text_of(name), inline=False))

    assert typed(vi) == typed(en)


def table(which: str, lang: Lang) -> str:
    rows: Mapping[str, Meaning] = (
        {code.value: meaning for code, meaning in ALARM.items()}
        if which == "alarms"
        else {code.value: meaning for code, meaning in LINK_FAULT.items()}
    )
    head = TABLES[which][lang]
    lines = [head, "|---|---|---|"]
    for code, meaning in rows.items():
        said, step = meaning.text(lang), meaning.next(lang)
        lines.append(f"| {said[0].upper()}{said[1:]} | `{code}` | {step} |")
    return "\n".join(lines)


def with_table(text: str, which: str, lang: Lang) -> str:
    between = re.compile(rf"(<!-- {which}: [^\n]* -->\n).*?(<!-- /{which} -->)", re.DOTALL)
    assert len(between.findall(text)) == 1
    return between.sub(lambda at: f"{at[1]}\n{table(which, lang)}\n\n{at[2]}", text)


@pytest.mark.parametrize("which", sorted(TABLES))
@pytest.mark.parametrize(("name", "lang"), [GUIDES[0], GUIDES[3]])
def test_the_technicians_table_says_what_the_station_says_of_every_code(
    name: str, lang: Lang, which: str
) -> None:
    assert text_of(name) == with_table(text_of(name), which, lang)


def test_every_link_of_a_guide_leads_somewhere() -> None:
    for name in ["README.md", *(name for name, _ in GUIDES)]:
        for target in re.findall(r"\]\(([^)#\s]+)\)", text_of(name)):
            if "://" not in target:
                assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


def sample(name: str, begins: str) -> list[str]:
    """The screen in a block of a guide whose first line begins so."""
    blocks: list[str] = re.findall(r"```text\n(.*?)```", text_of(name), re.DOTALL)
    [found] = [one for one in blocks if one.startswith(begins)]
    return found.splitlines()


@pytest.mark.parametrize(("name", "lang"), [GUIDES[0], GUIDES[3]])
def test_the_sample_of_the_check_is_what_the_screen_says(name: str, lang: Lang) -> None:
    told = {
        "sound": ("fault", "no sound can leave the card", "không có tiếng ra"),
        "power": ("unknown", "the mains are not measured", "không đo điện lưới"),
        "config": ("ok", "2 zones, 1 bus", "2 khu vực, 1 đường tiếng"),
        "clock": ("ok", "the time is trusted", "giờ tin được"),
    }
    steps = {
        "sound": (
            "xem thẻ và tên để ghi vào [sound]: stationctl audio",
            "see the card and the name for [sound]: stationctl audio",
        ),
        "power": (
            "ghi chân GPIO vào [power] mains_file",
            "name the GPIO line in [power] mains_file",
        ),
    }
    checks = []
    for one in CHECKS:
        verdict, en, vi = told.get(one, ("ok", "", ""))
        checks.append(Check(one, verdict, (vi, en), steps.get(one, ("", ""))))  # type: ignore[arg-type]
    screen = render_doctor(DoctorView(0, tuple(checks)), lang, 44)
    shown = sample(name, "KIỂM TRA ĐÀI" if lang == "vi" else "STATION CHECK")
    assert shown == screen[: len(shown)]
    words = (ROOT / "agent/core/doctor.py").read_text("utf-8")
    words += (ROOT / "agent/core/doctor_box.py").read_text("utf-8")
    for said in (*told.values(), *steps.values()):
        assert all(part in words for part in said if " " in part and not part[0].isdigit())


@pytest.mark.parametrize("name", ["docs/vi/can-bo-truyen-thanh.md", "docs/en/officer.md"])
def test_the_sample_of_the_plan_has_the_day_and_the_id_of_an_item(name: str) -> None:
    lines = sample(name, "LỊCH PHÁT" if "/vi/" in name else "PLAN")
    assert [line for line in lines if re.fullmatch(r"(T2|Mon) 23/11", line)]
    assert [line for line in lines if re.fullmatch(r" {6}(mã|id) huyen/khu-vuc", line)]


@pytest.mark.parametrize(("name", "lang"), [GUIDES[0], GUIDES[3]])
def test_the_technician_reads_how_long_a_pin_is(name: str, lang: Lang) -> None:
    to = "đến" if lang == "vi" else "to"
    assert f"{PIN_LEAST} {to} {PIN_MOST}" in text_of(name)


if __name__ == "__main__":
    for name, lang in (GUIDES[0], GUIDES[3]):
        written = text_of(name)
        for which in TABLES:
            written = with_table(written, which, lang)
        (ROOT / name).write_text(written, encoding="utf-8")
