"""Each decision has a number of its own, and every text that names one finds it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
NAMED = re.compile(r"decisions/(\d{4}-[a-z0-9-]+\.md)|[Dd]ecision (\d{4})\b")
TEXTS = ("*.md", "docs/**/*.md", "agent/**/*.py", "simulator/**/*.py", "tests/**/*.py")


def test_no_number_is_given_twice_and_each_stands_in_its_title() -> None:
    numbers = [one.name[:4] for one in DECISIONS]
    assert numbers
    assert len(set(numbers)) == len(numbers)
    for one in DECISIONS:
        assert re.match(rf"# 0*{int(one.name[:4])}\b", one.read_text(encoding="utf-8")), one.name


def test_a_decision_that_is_named_is_there() -> None:
    there = {one.name for one in DECISIONS} | {one.name[:4] for one in DECISIONS}
    for pattern in TEXTS:
        for file in ROOT.glob(pattern):
            for found in NAMED.finditer(file.read_text(encoding="utf-8")):
                assert (found[1] or found[2]) in there, (file.name, found[0])
