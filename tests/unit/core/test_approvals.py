"""What an approval is bound to, and whose word counts."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from agent.contract.documents import Entry, FileSource, LateRule, TextSource, When, ZoneSelector
from agent.core.approvals import digest_of_entry, same_person

ENTRY = Entry(
    id="tin-tinh",
    title="Tin tỉnh",
    when=When(start="2026-03-02T05:00:00", rrule="FREQ=DAILY"),
    sources=(FileSource(slot="tin", dated=True), TextSource(text="Thay thế")),
    zones=ZoneSelector(all=True),
    late=LateRule(policy="skip"),
)


def test_the_digest_is_that_of_the_entry_without_its_defaults_as_sorted_json() -> None:
    """As the other side has to make it; the text stands here by hand."""
    plain = {
        "id": "tin-tinh",
        "late": {"policy": "skip"},
        "sources": [
            {"dated": True, "kind": "file", "slot": "tin"},
            {"kind": "text", "text": "Thay thế"},
        ],
        "title": "Tin tỉnh",
        "when": {"rrule": "FREQ=DAILY", "start": "2026-03-02T05:00:00"},
        "zones": {"all": True},
    }
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert digest_of_entry(ENTRY) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_an_entry_as_it_was_sent_has_the_digest_of_the_one_that_was_made() -> None:
    raw = msgspec.json.encode(ENTRY)
    assert digest_of_entry(msgspec.json.decode(raw, type=Entry)) == digest_of_entry(ENTRY)
    unknown = json.dumps({**json.loads(raw), "of-a-later-version": 1})
    assert digest_of_entry(msgspec.json.decode(unknown, type=Entry)) == digest_of_entry(ENTRY)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Tin khác"},
        {"klass": 2},
        {"language": "tay"},
        {"author": "ai đó"},
        {"duration_ms": 60_000},
        {"zones": ZoneSelector(names=("dong",))},
        {"when": When(start="2026-03-02T05:00:00")},
        {"sources": (FileSource(slot="tin"),)},
    ],
)
def test_whatever_changes_in_an_entry_changes_its_digest(changes: dict[str, object]) -> None:
    assert digest_of_entry(msgspec.structs.replace(ENTRY, **changes)) != digest_of_entry(ENTRY)


def test_a_name_is_the_same_however_it_is_typed_and_nobody_is_nobody() -> None:
    assert same_person("Nguyễn Văn Hòa", "NGUYEN  van hoa")
    assert not same_person("Nguyễn Văn Hòa", "Nguyễn Văn Hà")
    assert not same_person("", "")
