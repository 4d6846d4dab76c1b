"""What is said at the station itself, now: words typed or spoken into its microphone, of class 2.

Owns the announcements that are not over: their text to speak, or the input that is open, their
place in line, and how long they wait: not long, and never into a bulletin that was placed there
before. An open input closes by itself, and somebody who was pre-empted does not go on speaking
unheard. The rules of the air bind them like anything that is no emergency. They live as long as the
agent: what a restart cuts off is told by its record and has to be asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import OccurrenceRef
from agent.core.facts import Facts
from agent.core.items import Item, key_of
from agent.core.lineup import KEPT_BACK, Line, Provenance
from agent.core.programme import INPUT, OnBox, Sound, speech_key, tone_ms, tone_source
from agent.core.spoken import write_out
from agent.core.warnings import Utterance
from agent.player.protocol import Part, Source

CLASS = 2
TITLE_LETTERS = 60
SPOKEN_LEAST_MS = 5_000
LETTER_MS = 90
"""What a letter takes to say, rather too much."""

LETTERS_MAX = 1_000
"""Longer than this (about a minute and a half of speech) nobody types at the station."""
SPEAK_LEAST_MS, SPEAK_MOST_MS = 10_000, 60 * 60_000
"""How long an input may stay open: nobody leaves a microphone open for a night."""
WAIT_MS = 60_000
"""How long an announcement waits for its speech, for a free zone, for a quiet to end: as long as
somebody stands at the desk or at the microphone. After that it is told as not said."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What is to be said. start_ms: not before the amplifiers are warm.

    input: spoken live, for speak_ms; there is no text then. withdrawn: not wanted any more.
    over: over the programme where that can be.
    """

    ref: OccurrenceRef
    title: str
    text: str
    language: str
    zones: tuple[str, ...]
    rank: int
    start_ms: int
    by: str
    input: str = ""
    speak_ms: int = 0
    withdrawn: bool = False
    over: bool = False

    @property
    def utterance(self) -> Utterance | None:
        """What the station has to speak itself."""
        if self.input:
            return None
        words = write_out(self.text, self.language)
        return Utterance(speech_key(words, self.language), words, self.language)

    def sound(self, box: OnBox) -> Sound | None:
        if self.utterance is None:
            url = f"{INPUT}{self.input}"
            part = Part((Source("input", url),), 0, None)
            return Sound(tone_source("chime"), tone_ms("chime"), (part,), None, url)
        key = self.utterance.key
        length_ms = box.speech.get(key)
        if length_ms is None:
            return None
        part = Part((Source("file", f"speech:{key}"),))
        return Sound(tone_source("chime"), tone_ms("chime"), (part,), length_ms, "text")

    def item(self, box: OnBox, others: Iterable[Item] = ()) -> Item:
        """Its place in line; until it is spoken, its length is reckoned from its letters.

        others: what the timetable wants. On time it goes before them like any class 2; late it
        begins only where it is over before the next of them.
        """
        sound = None if self.withdrawn else self.sound(box)
        total_ms = sound.total_ms if sound is not None else None
        words_ms = max(SPOKEN_LEAST_MS, len(self.text) * LETTER_MS)
        reckoned_ms = tone_ms("chime") + (self.speak_ms if self.input else words_ms)
        length_ms = total_ms or reckoned_ms
        why = (
            OccurrenceReason.SKIPPED_LOCALLY
            if self.withdrawn
            else OccurrenceReason.SPEECH_UNAVAILABLE
        )
        # Nobody knows how long somebody will speak: it only has to begin before the next bulletin.
        wait_ms = self._wait_ms(0 if self.input else length_ms, others)
        return Item(
            key=key_of(self.ref),
            ref=self.ref,
            title=self.title,
            klass=CLASS,
            rank=self.rank,
            order=0,
            start_ms=self.start_ms,
            zones=self.zones,
            play_ms=length_ms,
            total_ms=total_ms,
            late="restart",
            grace_ms=wait_ms,
            resume="drop" if self.input else "continue",
            ready=sound is not None,
            problem=None if sound is not None else why,
            language=self.language,
            latest_ms=self.start_ms + wait_ms,
            over=self.over,
        )

    def _wait_ms(self, length_ms: int, others: Iterable[Item]) -> int:
        if self.withdrawn:
            return 0
        here = set(self.zones)
        starts = [
            one.start_ms
            for one in others
            if one.start_ms > self.start_ms and one.klass > 1
            if one.problem not in KEPT_BACK and here.intersection(one.zones)
        ]
        free_ms = min(starts, default=self.start_ms + length_ms + WAIT_MS) - self.start_ms
        return max(0, min(WAIT_MS, free_ms - length_ms))


class Announcements:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._made: dict[str, Announcement] = {}

    def add(self, made: Announcement) -> None:
        self._made[key_of(made.ref)] = made

    def find(self, entry: str) -> Announcement | None:
        """One with an open input that is not over."""
        self._tidy()
        found = (one for one in self._made.values() if one.input and one.ref.entry == entry)
        return next(found, None)

    def drop(self, key: str) -> None:
        """It is not wanted any more and has not begun."""
        self._made.pop(key, None)

    def _tidy(self) -> None:
        for key in [key for key in self._made if key in self._facts.settled]:
            del self._made[key]

    def utterances(self) -> list[Utterance]:
        self._tidy()
        return [one.utterance for one in self._made.values() if one.utterance is not None]

    def lines(self, box: OnBox, timetable: Sequence[Line]) -> Iterable[Line]:
        self._tidy()
        others = [line.item for line in timetable]
        for one in self._made.values():
            origin = Provenance(author=one.by, approver=one.by, approval="home", approved_by=one.by)
            yield Line(one.item(box, others), one.sound(box), origin)

    def inputs(self) -> list[Announcement]:
        """Those that open an input, are not over and were not taken back."""
        self._tidy()
        return [one for one in self._made.values() if one.input and not one.withdrawn]

    def withdraw(self, authority: str, entry: str) -> bool:
        """It is not to be said any more; whether there is such an announcement."""
        named = [
            key
            for key, one in self._made.items()
            if (one.ref.authority, one.ref.entry) == (authority, entry)
        ]
        self._drop(named)
        return bool(named)

    def withdraw_waiting(self, zones: Iterable[str]) -> list[str]:
        """Those that have not begun and are for none but these zones; their keys."""
        self._tidy()
        opened, within = self._facts.open, set(zones)
        found = [
            key
            for key, one in self._made.items()
            if not one.withdrawn and within.issuperset(one.zones)
            if key not in opened or not opened[key].sounded
        ]
        self._drop(found)
        return found

    def is_withdrawn(self, key: str) -> bool:
        return key in self._made and self._made[key].withdrawn

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._made[key] = replace(self._made[key], withdrawn=True)


def title_of(title: str, text: str) -> str:
    """A title for the journal: as given, else the first words."""
    line = " ".join((title or text).split())
    return line if len(line) <= TITLE_LETTERS else line[: TITLE_LETTERS - 1].rstrip() + "…"
