"""What is remembered of an item from before its cue is released until its outcome is booked.

Turns items, cues and the child's reports into the open fact; when which of them is saved is the
air's decision.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from agent.core import asrun
from agent.core.cues import Sent
from agent.core.events import SoundEnded, SoundProgress
from agent.core.facts import OpenItem
from agent.core.items import Item, Run
from agent.core.lineup import Provenance, about_of
from agent.core.planner import BusSpan
from agent.core.programme import Sound


def opened(item: Item, sound: Sound, origin: Provenance, span: BusSpan, epoch: int) -> OpenItem:
    """Of an item whose first cue is about to be released."""
    return OpenItem(
        key=item.key,
        ref=item.ref,
        title=item.title,
        klass=item.klass,
        start_ms=item.start_ms,
        play_ms=item.play_ms,
        slot_ms=origin.slot_ms,
        zones=item.zones,
        origin_ms=span.origin_ms,
        from_ms=span.from_ms,
        epoch=epoch,
        revision=origin.revision,
        author=sound.author or origin.author,
        approver=origin.approver,
        approved_by=origin.approved_by,
        approval=origin.approval,
        document_number=origin.document_number,
        field=origin.field,
        language=item.language,
        moves=item.moves,
        source=sound.label,
        volume=item.volume,
        recorded=origin.recorded,
        passing=origin.entry is None and item.klass > 1,
        languages_missing=sound.missing,
        unsaid=sound.unsaid,
        about=about_of(sound, origin),
    )


def cued_again(
    held: OpenItem, item: Item, sound: Sound, origin: Provenance, span: BusSpan, epoch: int
) -> OpenItem:
    """Of an item that goes on, or whose cue changed before it sounded."""
    held = msgspec.structs.replace(
        held,
        origin_ms=span.origin_ms,
        epoch=epoch,
        play_ms=item.play_ms,
        languages_missing=sound.missing,
        unsaid=sound.unsaid,
    )
    if held.sounded:
        return held
    # Another sound may have become ready since the first cue.
    return msgspec.structs.replace(
        held,
        source=sound.label,
        author=sound.author or origin.author,
        about=about_of(sound, origin),
    )


def measured(
    held: OpenItem, sent: Sent, event: SoundProgress | SoundEnded, source: str
) -> tuple[OpenItem, Sent]:
    """Book what tore since the child's last report of this cue, and its underruns.

    source: what should have sounded."""
    silent_ms = sent.silent_until(event.at_ms, event.played_ms)
    if silent_ms > sent.silent_ms:
        from_ms, to_ms = sent.told_ms + sent.shift_ms, event.at_ms + sent.shift_ms
        held = asrun.tear(held, sent.bus, from_ms, to_ms, silent_ms - sent.silent_ms, source)
    held = msgspec.structs.replace(
        held, underruns=held.underruns + max(0, event.underruns - sent.underruns)
    )
    sent = replace(sent, told_ms=event.at_ms, silent_ms=silent_ms, underruns=event.underruns)
    return held, sent


def been(run: Run | None) -> dict[str, tuple[str, ...]]:
    """What an open item remembers of its run's zones."""
    if run is None:
        return {}
    return {"been": tuple(sorted(run.been)), "left": tuple(sorted(run.left))}
