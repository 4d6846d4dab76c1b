"""The schemas in docs/ are those of the code."""

from __future__ import annotations

import json

import pytest

from agent.contract import schemas


def test_the_committed_schemas_are_current() -> None:
    assert schemas.outdated() == []


@pytest.mark.parametrize("name", schemas.MESSAGES)
def test_a_schema_uses_only_patterns_every_language_reads(name: str) -> None:
    text = schemas.schema_text(name)
    assert "\\\\Z" not in text
    assert json.loads(text)["title"].endswith(name)


def test_check_is_content_with_the_committed_files_and_writes_nothing() -> None:
    assert schemas.main(["--check"]) == 0
