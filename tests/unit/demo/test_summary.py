"""A good run passes every check; each kind of spoilt run fails, and names the step."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from simulator.demo.intent import Step, Story, read_story, write_story
from simulator.demo.sabotage import SABOTAGES, spoil
from simulator.demo.summary import main, summarise
from tests.unit.demo.synthetic import STATIONS, District, at, good_run, good_story

ROW_KEYS = {
    "id",
    "station",
    "zone",
    "title",
    "class",
    "planned_start",
    "measured_start",
    "start_error_ms",
    "confirmed",
    "level_dbfs",
    "outcome",
    "reason",
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_run().write(tmp_path_factory.mktemp("demo") / "good", good_story())


@pytest.fixture
def run(good: Path, tmp_path: Path) -> Path:
    """A copy that may be spoilt."""
    return Path(shutil.copytree(good, tmp_path / "run"))


def failed(summary: dict[str, Any]) -> dict[str, str]:
    """Name of each failed step → its reasons."""
    return {
        step["name"]: "; ".join(why["en"] for why in step["why"])
        for step in summary["steps"]
        if step["verdict"] != "ok"
    }


def test_a_good_run_passes_every_step(good: Path) -> None:
    summary = summarise(good)
    assert failed(summary) == {}
    assert summary["verdict"] == "ok"


def test_there_is_one_row_for_each_station_occurrence_and_zone(good: Path) -> None:
    rows = summarise(good)["occurrences"]
    assert all(set(row) >= ROW_KEYS for row in rows)
    assert {(row["class"], row["class_name"]) for row in rows} == {
        (1, "emergency"),
        (2, "priority"),
        (3, "normal"),
    }
    keys = [(row["id"], row["station"], row["zone"]) for row in rows]
    assert len(keys) == len(set(keys)) == 25


def test_starts_are_measured_to_a_tenth_of_a_millisecond(good: Path) -> None:
    errors = summarise(good)["start_error_ms"]
    assert errors["count"] == 13
    assert errors["worst"] < 0.1


def test_receipts_and_alarms_come_from_the_traffic(good: Path) -> None:
    summary = summarise(good)
    assert {(one["station"], one["kind"], one["revision"]) for one in summary["receipts"]} == {
        (station, kind, 1) for station in STATIONS for kind in ("schedule", "content")
    }
    assert [(one["code"], one["subject"]) for one in summary["alarms"]] == [
        ("zone_not_confirmed", "Đông")
    ]


@pytest.mark.parametrize(
    ("sabotage", "step", "words"),
    [
        ("late50", "together", "50"),
        ("mute-zone", "in-step", "only 0.2 of 10.0 s were heard"),
        ("drop-report", "in-step", "no as-run record"),
        ("double-play", "in-step", "only 7.0 of 10.0 s were heard"),
        ("wrong-zone", "preempts", "not meant for this zone"),
        ("wrong-report", "report-equals", "for “Không phát”, the recordings"),
    ],
)
def test_each_sabotage_fails_the_step_it_spoils(
    sabotage: str, step: str, words: str, run: Path
) -> None:
    spoil(run, sabotage)
    summary = summarise(run)
    assert summary["verdict"] == "failed"
    assert words in failed(summary)[step]


def test_every_sabotage_is_tried() -> None:
    assert set(SABOTAGES) == {
        "late50",
        "mute-zone",
        "drop-report",
        "double-play",
        "wrong-zone",
        "wrong-report",
    }


def test_an_item_played_twice_is_said_to_be_played_twice(run: Path) -> None:
    spoil(run, "double-play")
    assert "3.0 s played twice" in failed(summarise(run))["nothing-else"]


def test_the_exit_status_and_one_line_a_step_tell_the_verdict(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(run)]) == 0
    assert all(line.startswith("✓ ") for line in capsys.readouterr().out.splitlines())
    spoil(run, "late50")
    assert main([str(run), "--lang", "vi"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("✗ together: ") and "lệch +50.0 ms" in line for line in lines)
    assert json.loads((run / "summary.json").read_text(encoding="utf-8"))["verdict"] == "failed"


def test_recordings_that_cannot_be_read_are_neither_good_nor_bad(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "tan-lien" / "sound.wav").unlink()
    assert main([str(run)]) == 2
    assert "sound.wav" in capsys.readouterr().err


# --- spoilt one thing at a time ---------------------------------------------------------------


def spoilt(tmp_path: Path, change: Callable[[District], None]) -> dict[str, str]:
    district = good_run()
    change(district)
    return failed(summarise(district.write(tmp_path / "spoilt", good_story())))


def without(district: District, wanted: Callable[[dict[str, Any]], bool]) -> None:
    district.mqtt = [row for row in district.mqtt if not wanted(row)]


def body_of(row: dict[str, Any]) -> dict[str, Any]:
    body = (row["payload"] or {}).get("body")
    return body if isinstance(body, dict) else {}


def no_receipt(district: District) -> None:
    without(district, lambda row: "cao-lau/up/reported" in row["topic"])


def file_missing(district: District) -> None:
    for row in district.mqtt:
        if "tan-lien/up/reported" in row["topic"]:
            row["payload"]["missing"] = ["aa"]


def zone_switched_late(district: District) -> None:
    for row in district.logs["tan-lien"]:
        if row["source"] == 1:
            row["at_ms"] += 1_000


def resumed_at_the_wrong_place(district: District) -> None:
    district.sound["tan-lien"][:, 0] *= 0
    district.play("tan-lien", 0, "khu-vuc", 4, 0, 4.5)
    district.play("tan-lien", 0, "khu-vuc", 4.2, 4.5, 9.8)


def warning_not_heard_in_a_zone(district: District) -> None:
    district.logs["cao-lau"] = [
        row
        for row in district.logs["cao-lau"]
        if not (row["zone"] == 2 and at(16) < row["at_ms"] < at(20))
    ]


def warning_not_ended(district: District) -> None:
    district.siren("tan-lien", 0, 19.2, 23.5)
    district.gate("tan-lien", (1, 2), 19.26, gate=True)
    district.gate("tan-lien", (1, 2), 23.6, gate=False)


def speech_instead_of_siren(district: District) -> None:
    first, last = round(16.4 * 48_000), round(19.2 * 48_000)
    noise = np.random.default_rng(5).standard_normal(last - first) * 0.1
    district.sound["cao-lau"][first:last, 0] = noise


def cut_that_was_none(district: District) -> None:
    district.message(27, "s/cao-lau/up/health", {"t": 1})


def warning_never_made_up_for(district: District) -> None:
    first, last = round(36.4 * 48_000), round(38.6 * 48_000)
    district.sound["cao-lau"][first:last] = 0


def reports_lost_on_return(district: District) -> None:
    without(
        district,
        lambda row: (
            "cao-lau" in row["topic"]
            and body_of(row).get("occurrence", {}).get("entry") == "thoi-su"
        ),
    )


def report_doubled(district: District) -> None:
    district.as_run(56, "cao-lau", "Đông", "thoi-su")


def continued_at_the_wrong_place(district: District) -> None:
    first, last = 45 * 48_000, round(50.1 * 48_000)
    district.sound["tan-lien"][first:last] = 0
    district.play("tan-lien", 0, "nong-nghiep", 40.2, 5, 9.8)


def never_continued(district: District) -> None:
    district.sound["tan-lien"][45 * 48_000 : round(50.1 * 48_000)] = 0


def continued_too_late(district: District) -> None:
    district.sound["tan-lien"][45 * 48_000 : round(48.5 * 48_000)] = 0


def no_alarm(district: District) -> None:
    without(district, lambda row: body_of(row).get("kind") == "alarm")


def confirmed_though_open(district: District) -> None:
    for row in district.mqtt:
        body = body_of(row)
        if body.get("reason") == "line_open":
            body["confirmed"] = "yes"


def gap_in_one_zone(district: District) -> None:
    district.gate("cao-lau", (2,), 6.0, gate=False)
    district.gate("cao-lau", (2,), 6.6, gate=True)


def unplanned_programme(district: District) -> None:
    district.play("cao-lau", 0, "nong-nghiep", 46, 0, 3)
    district.gate("cao-lau", (1,), 45.9, gate=True)
    district.gate("cao-lau", (1,), 49.1, gate=False)


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        (no_receipt, "applied", "cao-lau: no receipt"),
        (file_missing, "fetched", "tan-lien: 1 files missing"),
        (zone_switched_late, "preempts", "xa tan-lien/Đoài: only 2.0 of 3.0 s"),
        (resumed_at_the_wrong_place, "preempts", "+200 ms off its place"),
        (warning_not_heard_in_a_zone, "warning", "cao-lau/Đoài: the warning was not heard"),
        (warning_not_ended, "warning", "still sounding after the cancel"),
        (speech_instead_of_siren, "warning", "not the siren"),
        (cut_that_was_none, "cache", "still sent messages"),
        (warning_never_made_up_for, "late-warning", "was not heard"),
        (reports_lost_on_return, "reports-back", "the as-run record is lost"),
        (report_doubled, "reports-back", "2 records"),
        (continued_at_the_wrong_place, "killed", "+200 ms off its place"),
        (never_continued, "killed", "did not go on"),
        (continued_too_late, "killed", "silent for 5.5 s"),
        (no_alarm, "line-open", "never arrived"),
        (confirmed_though_open, "line-open", "confirmed yes"),
        (confirmed_though_open, "honest", "reported as played"),
        (gap_in_one_zone, "together", "cao-lau/Đoài: a gap of 600 ms"),
        (unplanned_programme, "nothing-else", "that nobody planned"),
    ],
)
def test_each_thing_that_goes_wrong_fails_its_step(
    change: Callable[[District], None], step: str, words: str, tmp_path: Path
) -> None:
    assert words in spoilt(tmp_path, change)[step]


def test_a_record_sent_again_is_not_a_second_record(tmp_path: Path) -> None:
    def again(district: District) -> None:
        district.mqtt.append({**district.mqtt[-1], "at_ms": at(57.5)})

    assert spoilt(tmp_path, again) == {}


def test_a_misspelt_check_is_an_error_and_not_an_empty_one(run: Path) -> None:
    text = (run / "story.json").read_text(encoding="utf-8")
    (run / "story.json").write_text(text.replace("max_spread_ms", "max_spred_ms"), encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match="max_spred_ms"):
        read_story(run)


def test_an_occurrence_nobody_described_fails_its_step(run: Path) -> None:
    story = read_story(run)
    step: Step = next(one for one in story.steps if one.name == "other-zone")
    check = msgspec.structs.replace(step.check, expected=("nothing-of-the-kind",))
    steps = tuple(
        msgspec.structs.replace(one, check=check) if one is step else one for one in story.steps
    )
    changed: Story = msgspec.structs.replace(story, steps=steps)
    write_story(run, changed)
    assert "no such occurrence" in failed(summarise(run))["other-zone"]


# --- independence -----------------------------------------------------------------------------


def imported(module: str, seen: set[str]) -> set[str]:
    """Everything of this project that a module imports, directly or not, packages included."""
    if module in seen:
        return seen
    seen.add(module)
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return seen
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            parts = name.split(".")
            if parts[0] in ("agent", "firmware_bridge", "simulator"):
                for depth in range(1, len(parts) + 1):
                    imported(".".join(parts[:depth]), seen)
    return seen


def test_the_summary_imports_nothing_of_what_it_judges() -> None:
    found = imported("simulator.demo.summary", set())
    assert "simulator.measure.correlate" in found
    assert {name.split(".")[0] for name in found} == {"simulator"}


def test_the_summary_loads_nothing_of_what_it_judges() -> None:
    code = (
        "import sys, simulator.demo.summary, simulator.demo.report_page; "
        "print([m for m in sys.modules if m.split('.')[0] in ('agent', 'firmware_bridge')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
