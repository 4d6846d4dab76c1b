"""A warning's recording is what its signer named by hash, whatever a content document says."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from agent.contract.documents import Binding, Warning, WarningFile  # noqa: A004 - contract's word
from agent.core.effects import Evict, Fetch
from agent.core.events import FileReady, Now
from agent.core.facts import WarningMemory
from agent.core.programme import OnBox, Programme
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.turn import Turn
from agent.core.warnings import sound_of, utterances
from tests.vectors import district as d

MEANT = WarningFile(slot="coi-hu", sha256="ab" * 32, duration_ms=5_000)
WITH_RECORDING = d.warning(texts={}, files={"vi": MEANT}, siren=False)


ZONE = d.zones(d.TZ) or pytest.fail("no zone")


def bound(sha256: str, duration_ms: int = 5_000) -> Binding:
    return d.binding(slot=MEANT.slot, date=None, sha256=sha256, duration_ms=duration_ms)


def supply(warning: Warning, *bindings: Binding) -> Supply:
    programme = Programme(Site("tan-lien", "Tân Liên", d.TZ, (), ()), d.zones)
    warnings, content = d.warnings(warning), d.content(*bindings)
    programme.replace([], [content], [(warnings, 20)], "huyen")
    made = Supply(programme)
    made.files_found(())
    return made


def turn() -> Turn:
    return Turn(Now(wall_ms=d.NOW_MS, mono_ms=1_000))


def fetched(one: Supply) -> list[str]:
    now = turn()
    one.fetch(now)
    return [act.sha256 for act in _effects(now) if isinstance(act, Fetch)]


def _effects(now: Turn) -> list[object]:
    return [one.act for one in now.acts]


def sound_on(box: OnBox, after_ms: int = 0) -> list[tuple[str, int | None]]:
    """What sounds so long after the issue."""
    memory = WarningMemory(
        id="xa-lu-1",
        revision=1,
        authority="huyen",
        audience=d.OWN,
        received_ms=d.NOW_MS,
        due_ms=WITH_RECORDING.issued_at_ms + after_ms,
        valid_until_ms=d.NOW_MS + d.HOUR_MS,
    )
    sound = sound_of(WITH_RECORDING, memory, box, ZONE)
    return [(part.sources[0].url, part.length_ms) for part in sound.main] if sound else []


def test_the_recording_is_fetched_from_where_the_content_document_says() -> None:
    assert fetched(supply(WITH_RECORDING, bound(MEANT.sha256))) == [MEANT.sha256]


def test_other_bytes_bound_to_the_slot_are_not_fetched() -> None:
    assert fetched(supply(WITH_RECORDING, bound("ef" * 32))) == []


def test_only_the_bytes_that_were_signed_sound_and_as_long_as_was_signed() -> None:
    assert sound_on(OnBox(files={MEANT.sha256: 1})) == [(f"content:{MEANT.sha256}", 5_000)]


def test_before_a_recording_that_comes_again_the_hour_of_its_issue_is_said() -> None:
    (hour,) = utterances(WITH_RECORDING, WITH_RECORDING.issued_at_ms + d.HOUR_MS, ZONE)
    assert hour.text.startswith("ban hành lúc ")
    box = OnBox(files={MEANT.sha256: 1}, speech={hour.key: 2_000})
    assert sound_on(box, d.HOUR_MS) == [
        (f"speech:{hour.key}", 2_000),
        (f"content:{MEANT.sha256}", 5_000),
    ]


def test_a_recording_does_not_wait_for_an_hour_that_cannot_be_spoken() -> None:
    (hour,) = utterances(WITH_RECORDING, WITH_RECORDING.issued_at_ms + d.HOUR_MS, ZONE)
    box = OnBox(files={MEANT.sha256: 1}, speech={hour.key: None})
    assert sound_on(box, d.HOUR_MS) == [(f"content:{MEANT.sha256}", 5_000)]


def test_with_other_bytes_on_the_box_the_siren_sounds() -> None:
    assert sound_on(OnBox(files={"ef" * 32: 1})) == [("", 3_000)]


def test_a_recording_stays_on_the_box_while_its_warning_stands() -> None:
    one = supply(WITH_RECORDING, bound("ef" * 32))
    for sha256 in (MEANT.sha256, "99" * 32):
        one.file_ready(FileReady(sha256=sha256, size=1), turn())
    now = turn()
    one.tidy(date(2026, 11, 18), frozenset(), now)
    assert _effects(now) == [Evict("99" * 32)]


def test_a_warning_without_the_length_of_its_recording_is_no_warning() -> None:
    raw = msgspec.json.encode({"slot": "coi-hu", "sha256": "ab" * 32})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=WarningFile)
