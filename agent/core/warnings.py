"""Active emergencies to items: at least once in every zone, repeated until cancelled or expired.

Owns when a warning's next play is due, in which zones, and what is said. A play that was cut off
(crash, outage) is due again; a cancel or a higher revision ends what it replaces.

Invariants: repeats stand on the beats counted from the hour of issue, so they never drift and all
stations say them together; a zone has silence after a play, also when an outage delayed that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from agent.contract.documents import WARNING_LIFETIME_MAX_MS, Settings
from agent.contract.documents import Warning as Emergency
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef
from agent.core.facts import WarningMemory
from agent.core.items import Item, key_of
from agent.core.programme import (
    SPEECH_REASON,
    OnBox,
    Sound,
    label_of,
    select_zones,
    speech_key,
    tone_ms,
    tone_source,
)
from agent.core.site import Site
from agent.core.spoken import drill_phrase, issue_phrase, write_out
from agent.player.protocol import Part, Source

LATE_SAYING_MS = 15_000
"""A play this long after the issue says when that was: listeners must know that it is old."""

FINISH_WITHIN_MS = 600_000
"""Warnings of equal rank let each other finish."""

REPEAT_MIN_MS = 30_000
"""Nobody can be asked to repeat a warning more often."""

SILENCE_MS = 10_000
"""At least so long is a zone silent after a play, before the same words come again."""

CATCH_UP_AFTER_MS = 5_000
"""After mains is back: amplifiers switch on one by one, and a zone waits for its neighbour."""

WAIT_FOR_BEAT_MS = 60_000
"""A zone that missed the warning waits so long for the next beat, and hears it with the others."""

REWORD_AFTER_MS = 60_000
"""A play that could not begin for so long gets the words of a later one."""

ATTEMPTS_MAX = 5
"""So often a warning is said to its end before zones that had something else to hear go without."""

DRILL = "Diễn tập"
TITLE_MAX = 200
"""As long as a line may be on the wire."""

HOUR_LANGUAGES = ("vi", "en")
"""Languages in which the hour of issue can be said."""


class Utterance(msgspec.Struct, frozen=True):
    """A text to be spoken, already written out. language: of the warning's texts, "" for the hour
    of issue alone. instead: key of the same words without the hour."""

    key: str
    text: str
    language: str
    says: str = ""
    instead: str = ""


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


# --- what is said ----------------------------------------------------------------------------


def utterances(
    warning: Emergency, said_ms: int, zone: tzinfo, *, again: bool = False
) -> list[Utterance]:
    """What the station has to speak for a play at `said_ms`, in the order of its languages.

    A play that comes again or not at once says the hour of issue, and the day when that is another
    one; a drill says that it is one. Recordings cannot: before them that is said alone.
    """
    issued = datetime.fromtimestamp(warning.issued_at_ms / 1_000, zone)
    late, dated = wording(warning, said_ms, zone)
    late |= again
    said: list[Utterance] = []
    for language, text in warning.texts.items():
        plain = write_out(words_of(text, language, drill=warning.drill), language)
        phrase = issue_phrase(issued, language, dated=dated) if late else ""
        words = f"{phrase}. {plain}" if phrase else plain
        instead = speech_key(plain, language) if phrase else ""
        said.append(Utterance(speech_key(words, language), words, language, language, instead))
    if not any(_base(language) in HOUR_LANGUAGES for language in warning.texts):
        language = HOUR_LANGUAGES[0]
        phrases = [drill_phrase(language)] if warning.drill else []
        phrases += [issue_phrase(issued, language, dated=dated)] if late else []
        if phrases:
            phrase = ". ".join(phrases)
            said.insert(0, Utterance(speech_key(phrase, language), phrase, language))
    return said


def words_of(text: str, language: str, *, drill: bool) -> str:
    """What is said of a text: of a drill, before and behind it, that it is one."""
    phrase = drill_phrase(language) if drill else ""
    if not phrase:
        return text
    end = "" if text.rstrip().endswith((".", "!", "?")) else "."
    phrase = phrase.capitalize()
    return f"{phrase}. {text.rstrip()}{end} {phrase}."


def title_of(warning: Emergency) -> str:
    """As it stands on screens and in records: a drill is never taken for the real thing."""
    if not warning.drill or DRILL.casefold() in warning.title.casefold():
        return warning.title
    return f"{DRILL}: {warning.title}"[:TITLE_MAX]


def _base(language: str) -> str:
    return language.lower().split("-")[0]


def wording(warning: Emergency, said_ms: int, zone: tzinfo) -> tuple[bool, bool]:
    """Whether a play at `said_ms` says the hour of issue, and whether with the day."""
    issued = datetime.fromtimestamp(warning.issued_at_ms / 1_000, zone)
    said_on = datetime.fromtimestamp(said_ms / 1_000, zone).date()
    return said_ms - warning.issued_at_ms > LATE_SAYING_MS, said_on != issued.date()


def said_ms(memory: WarningMemory) -> int:
    """When the due play is said, as its words have it."""
    return memory.words_ms or memory.due_ms


def due_utterances(warning: Emergency, memory: WarningMemory, zone: tzinfo) -> list[Utterance]:
    """What has to be spoken for the play that is due."""
    return utterances(warning, said_ms(memory), zone, again=memory.plays > 0)


def is_spoken(said: Utterance, box: OnBox) -> bool:
    """Whether its words can be said, with the hour or at least without it."""
    return box.speech.get(said.key) is not None or box.speech.get(said.instead) is not None


def sound_of(
    warning: Emergency,
    memory: WarningMemory,
    box: OnBox,
    zone: tzinfo,
) -> Sound | None:
    """The sound of the due play; None while a text is still being made ready.

    A language that cannot be said is left out and named as missing; with none left the siren alone
    sounds. Words without their hour are better than no words.
    """
    parts: list[Part] = []
    said: list[str] = []
    siren = Part((tone_source("siren"),), 0, tone_ms("siren"))
    if warning.siren:
        parts.append(siren)
        said.append("")
    for utterance in due_utterances(warning, memory, zone):
        if utterance.key not in box.speech:
            return None
        key = utterance.key
        if box.speech[key] is None:
            key = utterance.instead
        length_ms = box.speech.get(key)
        if length_ms is not None:
            parts.append(Part((Source("file", f"speech:{key}"),), 0, length_ms))
            said.append(utterance.says)
    for language, file in warning.files.items():
        if file.sha256 in box.files:
            parts.append(Part((Source("file", f"content:{file.sha256}"),), 0, file.duration_ms))
            said.append(language)
    if not parts:
        parts.append(siren)
    total_ms = sum(part.length_ms or 0 for part in parts)
    wanted = dict.fromkeys((*warning.texts, *warning.files))
    missing = tuple(language for language in wanted if language not in said)
    unsaid = _why_unsaid(warning, missing, box)
    return Sound(None, 0, tuple(parts), total_ms, _label(parts), tuple(said), missing, unsaid)


def _label(parts: Iterable[Part]) -> str:
    """What sounds: words if there are any, and never words where only the siren is heard."""
    labels = {label_of(part.sources[0], 0) for part in parts} - {"tone"}
    return "text" if "text" in labels else min(labels, default="tone")


def _why_unsaid(
    warning: Emergency, missing: tuple[str, ...], box: OnBox
) -> OccurrenceReason | None:
    """Why the first of the missing languages is not said."""
    if not missing:
        return None
    file = warning.files.get(missing[0])
    if file is None or missing[0] in warning.texts:
        return SPEECH_REASON
    return box.faults.get(file.sha256, OccurrenceReason.CONTENT_NOT_FETCHED)


def siren_ms(warning: Emergency, play_ms: int) -> int:
    """How much of a play comes before its words, which are what a zone must hear."""
    length_ms = tone_ms("siren")
    return length_ms if warning.siren and play_ms > length_ms else 0


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
    addressed = select_zones(site, warning.zones, settings)
    return Item(
        key=key_of(ref),
        ref=ref,
        title=title_of(warning),
        klass=1,
        rank=rank,
        order=0,
        start_ms=memory.due_ms,
        zones=tuple(one for one in addressed if not memory.zones or one in memory.zones),
        play_ms=(sound.total_ms or 0) if sound is not None else tone_ms("siren"),
        total_ms=sound.total_ms if sound is not None else None,
        late="restart",
        grace_ms=WARNING_LIFETIME_MAX_MS,  # its memory ends it, not a clock that may be wrong
        resume="restart",
        end="finish",
        within_ms=FINISH_WITHIN_MS,
        ready=sound is not None,
        language=",".join(dict.fromkeys((*warning.texts, *warning.files))),
        languages_missing=sound.missing if sound is not None else (),
    )


# --- when it is due --------------------------------------------------------------------------


def interval_ms(warning: Emergency) -> int:
    """0: it is said once."""
    return max(REPEAT_MIN_MS, warning.repeat_every_ms) if warning.repeat_every_ms else 0


def next_beat(warning: Emergency, earliest_ms: int) -> int:
    """The first instant a whole number of intervals after the issue (or before it, by a clock that
    is slow) that is not earlier."""
    interval = interval_ms(warning)
    beats = -((warning.issued_at_ms - earliest_ms) // interval)
    return warning.issued_at_ms + beats * interval


def rests_until(warning: Emergency, began_ms: int, ended_ms: int) -> int:
    """Before which instant a zone does not hear the warning again.

    A play on its beat is followed by the next one. Of a play that an outage delayed past the
    middle between two beats, the next beat is left out.
    """
    interval = interval_ms(warning)
    earliest_ms = max(began_ms + interval // 2, ended_ms + SILENCE_MS)
    return min(earliest_ms, ended_ms + max(interval, SILENCE_MS))


def next_play(
    warning: Emergency,
    memory: WarningMemory,
    addressed: tuple[str, ...],
    reachable: frozenset[str],
    now_ms: int,
) -> tuple[int, tuple[str, ...]] | None:
    """When and in which zones the warning is due after a play; None: nobody is to hear it now.

    Zones that missed it, or their beat, hear it soon and by themselves, if they can be heard; the
    next beat is for all whose silence is over by then.
    """
    heard = memory.heard or {}
    beats: dict[str, int] = {}
    if warning.repeat_every_ms:
        beats = {zone: next_beat(warning, heard[zone]) for zone in addressed if zone in heard}
        beats = {zone: beat_ms for zone, beat_ms in beats.items() if beat_ms > now_ms}
    rest = beats if warning.repeat_every_ms else heard
    missed = tuple(zone for zone in addressed if zone not in rest)
    again = tuple(
        zone
        for zone in missed
        if zone in reachable and (zone in memory.owed or memory.plays < ATTEMPTS_MAX)
    )
    soon_ms = now_ms + CATCH_UP_AFTER_MS
    if not warning.repeat_every_ms:
        return (soon_ms, again) if again else None
    beat_ms = min(beats.values(), default=next_beat(warning, soon_ms))
    if again and soon_ms + WAIT_FOR_BEAT_MS < beat_ms:
        return soon_ms, again
    return beat_ms, tuple(zone for zone in addressed if beats.get(zone, beat_ms) <= beat_ms)


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
        heard={},
    )


def after_play(
    warning: Emergency,
    memory: WarningMemory,
    whole: frozenset[str],
    owed: frozenset[str],
    began_ms: int,
    ended_ms: int,
    missing: tuple[str, ...] = (),
) -> WarningMemory:
    """The memory after a play that came to its end; when the next one is due is `next_play`.

    whole: zones that heard all of it. owed: zones that could not be heard. missing: languages it
    was without.
    """
    rest_ms = rests_until(warning, min(began_ms, ended_ms), ended_ms)
    return msgspec.structs.replace(
        memory,
        plays=memory.plays + 1,
        heard={**(memory.heard or {}), **dict.fromkeys(sorted(whole), rest_ms)},
        owed=tuple(sorted((set(memory.owed) | owed) - whole)),
        missing=missing,
    )


def replanned(memory: WarningMemory, due: tuple[int, tuple[str, ...]] | None) -> WarningMemory:
    """The memory with its next play as `next_play` has it."""
    if due is None:
        return msgspec.structs.replace(memory, ended="played", zones=(), words_ms=0)
    due_ms, zones = due
    return msgspec.structs.replace(memory, ended="", due_ms=due_ms, zones=zones, words_ms=0)


def shifted(memory: WarningMemory, step_ms: int, *, due: bool) -> WarningMemory:
    """The memory after the wall clock jumped: what lies in the past lies as long ago as before.

    due: so does the next play, which has not begun.
    """
    return msgspec.structs.replace(
        memory,
        received_ms=memory.received_ms + step_ms,
        heard=(
            None
            if memory.heard is None
            else {zone: at_ms + step_ms for zone, at_ms in memory.heard.items()}
        ),
        due_ms=memory.due_ms + (step_ms if due else 0),
        words_ms=memory.words_ms + (step_ms if memory.words_ms else 0),
    )


def dropped(held: Iterable[WarningMemory], present: set[str]) -> list[WarningMemory]:
    """Warnings of a document that its new revision no longer carries: ended as cancelled."""
    return [
        msgspec.structs.replace(memory, ended="cancelled")
        for memory in held
        if not memory.ended and memory.id not in present
    ]
