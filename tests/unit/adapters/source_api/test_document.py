"""The document's tables are those of the code."""

from __future__ import annotations

import pytest

from agent.adapters.source_api import document, mapping
from agent.adapters.source_api.settings import SourceApiSection


def test_the_committed_tables_are_those_of_the_code() -> None:
    text = document.FILE.read_text("utf-8")
    assert document.renewed(text) == text, "run python -m agent.adapters.source_api.document"


def test_every_row_of_the_mapping_stands_in_the_document() -> None:
    text = document.FILE.read_text("utf-8")
    for row in mapping.ROWS:
        for place in (*row.a, *row.b):
            assert f"`{place.field}`" in text


def test_a_document_without_a_place_for_a_table_is_refused() -> None:
    text = document.FILE.read_text("utf-8").replace("<!-- end of codes -->", "")
    with pytest.raises(ValueError, match="codes"):
        document.renewed(text)


def test_the_document_explains_every_permission() -> None:
    text = document.FILE.read_text("utf-8")
    for name in ("volume", "stop", "skip", "schedule"):
        assert f"| `{name}` |" in text
    assert SourceApiSection().allow == ()
