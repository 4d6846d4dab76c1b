"""Every reason has its meaning (decision D9): owner, both languages, a next step."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from agent.contract import reasons
from agent.contract.reasons import (
    ACK,
    ALARM,
    LINK_FAULT,
    OCCURRENCE,
    AckReason,
    AlarmCode,
    LinkFault,
    Meaning,
)

TABLES: list[tuple[type[StrEnum], Mapping[Any, Meaning]]] = [
    (reasons.AckReason, ACK),
    (reasons.OccurrenceReason, OCCURRENCE),
    (reasons.AlarmCode, ALARM),
    (reasons.LinkFault, LINK_FAULT),
]
MEANINGS = [(code, meaning) for _, table in TABLES for code, meaning in table.items()]


@pytest.mark.parametrize(("enum", "table"), TABLES)
def test_every_code_has_a_meaning_and_every_meaning_a_code(
    enum: type[StrEnum], table: Mapping[Any, Meaning]
) -> None:
    assert set(table) == set(enum)


@pytest.mark.parametrize(("code", "meaning"), MEANINGS)
def test_a_meaning_says_all_in_both_languages(code: StrEnum, meaning: Meaning) -> None:
    assert meaning.owner in {"sender", "station", "technician", "network", "nobody"}
    for text in (meaning.vi, meaning.en, meaning.next_vi, meaning.next_en):
        assert text == text.strip() != ""
    assert meaning.text("vi") == meaning.vi
    assert meaning.text("en") == meaning.en
    assert meaning.next("vi") == meaning.next_vi
    assert meaning.next("en") == meaning.next_en


@pytest.mark.parametrize(("code", "meaning"), MEANINGS)
def test_the_first_line_of_a_meaning_fits_a_phone(code: StrEnum, meaning: Meaning) -> None:
    assert len(meaning.vi) <= 50


@pytest.mark.parametrize(("enum", "table"), TABLES)
def test_there_is_no_code_for_not_knowing(
    enum: type[StrEnum], table: Mapping[Any, Meaning]
) -> None:
    assert not {"other", "unknown", "misc", "error"} & {code.value for code in enum}


@pytest.mark.parametrize("enum", [AckReason, AlarmCode, LinkFault, reasons.OccurrenceReason])
def test_codes_are_lower_case_words(enum: type[StrEnum]) -> None:
    assert all(code.value.replace("_", "").isalpha() for code in enum)
    assert all(code.value == code.value.lower() == code.name.lower() for code in enum)
