"""Active emergencies to items: at least once, repeated until ended, cancelled or expired.

Owns when a warning's next play is due and what is said. A play that was cut off (crash, outage)
is due again; a cancel or a higher revision ends what it replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from agent.contract.documents import WARNING_LIFETIME_MAX_MS, Settings
from agent.contract.documents import Warning as Emergency
from agent.contract.reports import OccurrenceRef
from agent.core.facts import WarningMemory
from agent.core.items import Item, key_of
from agent.core.programme import (
    OnBox,
    Sound,
    select_zones,
    speech_key,
    tone_ms,
    tone_source,
)
from agent.core.site import Site
from agent.core.spoken import issue_phrase, write_out
from agent.player.protocol import Part, Source

LATE_SAYING_MS = 15_000
"""A play this long after the issue says when that was: listeners must know that it is old."""

FINISH_WITHIN_MS = 600_000
"""Warnings of equal rank let each other finish."""


class Utterance(msgspec.Struct, frozen=True):
    """A text to be spoken, already written out."""

    key: str
    text: str
    language: str


def warning_entry(warning_id: str, revision: int) -> str:
    return f"w-{warning_id}-{revision}"


def _ref(memory: WarningMemory, entry: str, due: datetime) -> OccurrenceRef:
    return OccurrenceRef(
        authority=memory.authority,
        audience=memory.audience,
        entry=entry,
        nominal=due.strftime("%Y-%m-%dT%H:%M:%S"),
    )


def play_key(memory: WarningMemory, entry: str, due: datetime) -> str:
    """Key of the item that plays the warning at local time `due`."""
    return key_of(_ref(memory, entry, due))


def utterances(warning: Emergency, late: bool, zone: tzinfo) -> list[Utterance]:
    """What the station has to speak for `warning`, in the order of its languages."""
    issued = datetime.fromtimestamp(warning.issued_at_ms / 1_000, zone)
    said: list[Utterance] = []
    for language, text in warning.texts.items():
        words = write_out(text, language)
        if late:
            words = f"{issue_phrase(issued, language)}. {words}"
        said.append(Utterance(speech_key(words, language), words, language))
    return said


def says_when(warning: Emergency, memory: WarningMemory) -> bool:
    """Whether the play that is due says when the warning was issued."""
    return memory.due_ms - warning.issued_at_ms > LATE_SAYING_MS


def sound_of(
    warning: Emergency,
    memory: WarningMemory,
    box: OnBox,
    zone: tzinfo,
) -> tuple[Sound | None, tuple[str, ...]]:
    """The sound of the due play, and the languages that are missing from it for good.

    None while a text is still being made ready. A language that cannot be spoken is left out;
    with none left the siren alone sounds.
    """
    parts: list[Part] = []
    total_ms = 0
    missing: list[str] = []
    if warning.siren:
        parts.append(Part((tone_source("siren"),), 0, tone_ms("siren")))
        total_ms += tone_ms("siren")
    for utterance in utterances(warning, says_when(warning, memory), zone):
        if utterance.key not in box.speech:
            return None, ()
        length_ms = box.speech[utterance.key]
        if length_ms is None:
            missing.append(utterance.language)
            continue
        parts.append(Part((Source("file", f"speech:{utterance.key}"),), 0, length_ms))
        total_ms += length_ms
    for language, file in warning.files.items():
        if file.sha256 not in box.files:
            missing.append(language)
            continue
        parts.append(Part((Source("file", f"content:{file.sha256}"),), 0, file.duration_ms))
        total_ms += file.duration_ms
    if not parts:
        parts.append(Part((tone_source("siren"),), 0, tone_ms("siren")))
        total_ms = tone_ms("siren")
    return Sound(None, 0, tuple(parts), total_ms, "text"), tuple(missing)


def item_of(
    warning: Emergency,
    memory: WarningMemory,
    rank: int,
    sound: Sound | None,
    site: Site,
    settings: Settings | None,
    zone: tzinfo,
) -> Item:
    """The due play of an active warning."""
    due = datetime.fromtimestamp(memory.due_ms / 1_000, zone)
    ref = _ref(memory, warning_entry(warning.id, warning.revision), due)
    return Item(
        key=key_of(ref),
        ref=ref,
        title=warning.title,
        klass=1,
        rank=rank,
        order=0,
        start_ms=memory.due_ms,
        zones=select_zones(site, warning.zones, settings),
        play_ms=(sound.total_ms or 0) if sound is not None else tone_ms("siren"),
        total_ms=sound.total_ms if sound is not None else None,
        late="restart",
        grace_ms=WARNING_LIFETIME_MAX_MS,  # its memory ends it, not a clock that may be wrong
        resume="restart",
        end="finish",
        within_ms=FINISH_WITHIN_MS,
        ready=sound is not None,
        language=",".join(dict.fromkeys((*warning.texts, *warning.files))),
    )


def received(
    warning: Emergency,
    held: WarningMemory | None,
    authority: str,
    audience: str,
    now_ms: int,
    surely_ms: int,
    due_ms: int,
) -> WarningMemory | None:
    """The memory after `warning` arrived in an accepted document; None when nothing changed.

    surely_ms: an instant that has certainly passed, which an untrusted `now_ms` need not have.
    """
    if held is not None and held.revision >= warning.revision:
        return None
    ended = "cancelled" if warning.cancelled else ""
    if not ended and warning.valid_until_ms <= surely_ms:
        ended = "expired"
    return WarningMemory(
        id=warning.id,
        revision=warning.revision,
        authority=authority,
        audience=audience,
        received_ms=now_ms,
        due_ms=due_ms,
        ended=ended,  # type: ignore[arg-type]
        valid_until_ms=warning.valid_until_ms,
    )


def after_play(warning: Emergency, memory: WarningMemory, end_ms: int) -> WarningMemory:
    """The memory after a play that was heard to its end at `end_ms`.

    Repeats stay on their beat until the warning expires, which is not decided here.
    """
    plays = memory.plays + 1
    if not warning.repeat_every_ms:
        return msgspec.structs.replace(memory, plays=plays, ended="played")
    due_ms = memory.due_ms + warning.repeat_every_ms
    if due_ms <= end_ms:
        missed = (end_ms - due_ms) // warning.repeat_every_ms + 1
        due_ms += missed * warning.repeat_every_ms
    # Counted from now, should the clock have gone back since the play was due.
    due_ms = min(due_ms, end_ms + warning.repeat_every_ms)
    return msgspec.structs.replace(memory, plays=plays, due_ms=due_ms)


def dropped(held: Iterable[WarningMemory], present: set[str]) -> list[WarningMemory]:
    """Warnings of a document that its new revision no longer carries: ended as cancelled."""
    return [
        msgspec.structs.replace(memory, ended="cancelled")
        for memory in held
        if not memory.ended and memory.id not in present
    ]
