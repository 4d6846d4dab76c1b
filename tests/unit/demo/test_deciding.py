"""Approval, a quiet zone, a broken rule and the written report: each lie of them is found out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.demo.summary import summarise
from tests.unit.demo.synthetic import OFFICER, District, good_run, good_story

Spoil = Callable[[District], None]


def why(summary: dict[str, Any], name: str) -> str:
    """The reasons for which a step failed, in English; "" when it did not."""
    step = next(one for one in summary["steps"] if one["name"] == name)
    return "; ".join(one["en"] for one in step["why"])


def bodies(run: District, kind: str, entry: str = "") -> list[dict[str, Any]]:
    found = [row["payload"]["body"] for row in run.mqtt if row["topic"].endswith("/up/event")]
    return [
        body
        for body in found
        if body["kind"] == kind and entry in ("", body.get("occurrence", {}).get("entry"))
    ]


def nobody_approved(run: District) -> None:
    run.mqtt = [row for row in run.mqtt if (row["payload"] or {}).get("body", {}) not in told(run)]


def told(run: District) -> list[dict[str, Any]]:
    return bodies(run, "audit")


def approved_by_declaration(run: District) -> None:
    for body in bodies(run, "asrun", "tinh"):
        body["approval"] = "declared"


def approval_was_refused(run: District) -> None:
    told(run)[0]["result"] = "wrong_pin"


def undecided_sounds(run: District) -> None:
    run.play("cao-lau", 0, "thoi-su", 46, 0, 5)
    run.gate("cao-lau", (1,), 46, gate=True)
    run.gate("cao-lau", (1,), 51.1, gate=False)


def undecided_reported_as_off_hours(run: District) -> None:
    for body in bodies(run, "asrun", "tinh-2"):
        body["reason"] = "off_hours"


def quiet_zone_sounds(run: District) -> None:
    run.gate("cao-lau", (2,), 51.9, gate=True)
    run.gate("cao-lau", (2,), 55.1, gate=False)


def quiet_without_its_reason(run: District) -> None:
    for body in bodies(run, "asrun", "yen"):
        body["rule"] = ""


def broken_rule_untold(run: District) -> None:
    for body in bodies(run, "asrun", "w-kc-2-1"):
        body["broke"] = []


def quiet_kept_from_the_warning(run: District) -> None:
    run.logs["cao-lau"] = [
        row
        for row in run.logs["cao-lau"]
        if row["zone"] != 2 or not row["gate"] or not 36e3 < row["at_ms"] - at0(run) < 38e3
    ]


def at0(run: District) -> int:
    return int(run.logs["cao-lau"][0]["at_ms"])


@pytest.mark.parametrize(
    ("spoil", "step", "words"),
    [
        (nobody_approved, "approved", f"no record that {OFFICER} approved tinh beforehand"),
        (approval_was_refused, "approved", "no record that"),
        (approved_by_declaration, "approved", "(declared)"),
        (undecided_sounds, "not-approved", "5.0 s were heard, not silence"),
        (undecided_reported_as_off_hours, "not-approved", "off_hours, not skipped, awaiting"),
        (quiet_zone_sounds, "quiet", "3.0 s were heard, not silence"),
        (quiet_without_its_reason, "quiet", "without “tang lễ”"),
        (broken_rule_untold, "quiet-broken", "names [] as broken, not quiet"),
        (quiet_kept_from_the_warning, "quiet-broken", "the warning was not heard"),
        (quiet_kept_from_the_warning, "report-equals", "2 for “Đo có tiếng”, the recordings 1"),
    ],
    ids=lambda one: one.__name__ if callable(one) else "",
)
def test_what_was_decided_and_did_not_happen_fails_its_step(
    spoil: Spoil, step: str, words: str, tmp_path: Path
) -> None:
    run = good_run()
    spoil(run)
    assert words in why(summarise(run.write(tmp_path / "run", good_story())), step)


# --- the report -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return good_run().write(tmp_path_factory.mktemp("report") / "good", good_story())


def test_every_number_of_a_true_report_agrees_and_is_shown(good: Path) -> None:
    compared = summarise(good)["report"]
    assert all(one["agrees"] for one in compared), [one for one in compared if not one["agrees"]]
    assert {"tan-lien/Đông", "cao-lau", "Tổng", "cao-lau/kc-2"} <= {
        one["where"] for one in compared
    }


@pytest.mark.parametrize(
    ("file", "true", "false", "words"),
    [
        ("theo-cum-loa.csv", "tan-lien,Đông,3,1,1,1", "tan-lien,Đông,3,2,1,0", "Mất tiếng"),
        ("theo-cum-loa.csv", "tan-lien,Đông,3", "tan-lien,Đông,4", "says 4 for “Lượt phát theo"),
        (
            "theo-cum-loa.csv",
            "tan-lien,Đoài,4,2,2,0,0,28,23",
            "tan-lien,Đoài,4,2,2,0,0,28,26",
            "26",
        ),
        (
            "theo-cum-loa.csv",
            "cao-lau,Đông,5,4,0,0,1,26,21\n",
            "",
            "cao-lau/Đông: the report says ?",
        ),
        ("theo-dai.csv", "cao-lau,5,1", "cao-lau,5,0", "Không cụm nào"),
        ("theo-dai.csv", "Tổng,9,1,17,10", "Tổng,9,1,17,11", "Tổng: the report says 11"),
        ("khan-cap.csv", "5.500", "1.500", "cao-lau/kc-2: the report says 1.500"),
        ("khan-cap.csv", "kc-1,cao-lau,0.400,2\n", "", "Khẩn cấp: the report says 3"),
        ("khan-cap.csv", "kc-1,tan-lien,0.400,2", "kc-1,tan-lien,0.400,1", "Đo có tiếng"),
    ],
)
def test_a_report_with_one_wrong_number_fails(
    file: str, true: str, false: str, words: str, good: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(good, tmp_path / "run"))
    path = run / "report" / file
    text = path.read_text(encoding="utf-8-sig")
    assert true in text
    path.write_text(text.replace(true, false), encoding="utf-8-sig")
    assert words in why(summarise(run), "report-equals")


def test_without_a_report_nothing_is_proven(good: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(good, tmp_path / "run"))
    shutil.rmtree(run / "report")
    assert "the report cannot be read" in why(summarise(run), "report-equals")
