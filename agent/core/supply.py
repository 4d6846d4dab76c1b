"""The box and what it needs: files to fetch, texts to speak, slots nobody has filled.

Owns what is on the box as the core knows it, and asks adapters for the rest. The order of
fetching and its waits are content. A text that could not be spoken is tried again as long as
something wants it; meanwhile it counts as missing, so nothing waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from agent.contract.documents import FileSource
from agent.core import content
from agent.core.backoff import speech_wait_ms
from agent.core.content import FAULT_REASONS, Fetching, Need
from agent.core.effects import CancelFetch, Evict, Fetch, Measure, Speak
from agent.core.events import FetchFailed, FileReady, FilesMeasured, SpeechFailed, SpeechReady
from agent.core.programme import OnBox, Programme, speech_key, texts_of
from agent.core.spoken import write_out
from agent.core.turn import Turn
from agent.core.versions import all_sources
from agent.core.warnings import Utterance

HOUR_MS = 3_600_000
MIB = 1024 * 1024
RESERVE_MIB = 8
"""Less than this free: what the journal and the words of warnings need is made room for."""
ROOM_MIB = 16
"""So much is made free then."""
FETCH_AHEAD_MS = 72 * HOUR_MS
FETCH_BEHIND_MS = 6 * HOUR_MS
SPEAK_AHEAD_MS = 26 * HOUR_MS
DETAIL_MAX = 160
FAR_MS = 1 << 62
TOLD_MAX = 64
"""So many missing files and slots are named in the receipt."""


@dataclass(frozen=True, slots=True)
class _Unspoken:
    """A text that was asked for. again_mono_ms: None while it is being spoken."""

    act: Speak
    tries: int = 0
    again_mono_ms: int | None = None
    detail: str = ""


class Supply:
    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self.box = OnBox()
        self.fetching = Fetching()
        self.awaiting: tuple[str, ...] = ()
        self.missing: tuple[str, ...] = ()
        self.changed = True
        self._looked = False
        self.next_mono_ms: int | None = None
        self.speech_mono_ms: int | None = None
        """When the next text that could not be spoken is tried again."""
        self._asked: set[str] = set()
        self._unspoken: dict[str, _Unspoken] = {}
        self._failed = ""
        self.measuring_lacks = ""
        """What the box needs before the loudness of a file can be measured."""
        self._measuring: str | None = None
        """The file whose loudness is being measured; "" none, None: not asked yet what is known."""
        self._needed_ms: dict[str, int] = {}

    # --- texts --------------------------------------------------------------------------

    def speak_ahead(self, urgent: Iterable[Utterance], turn: Turn) -> None:
        """Have texts of warnings spoken now, and those of the coming day before they are due."""
        wanted: set[str] = set()
        for said in urgent:
            wanted.add(said.key)
            self._speak(Speak(said.key, said.text, said.language, urgent=True), turn)
        from_ms, to_ms = turn.wall_ms - 24 * HOUR_MS, turn.wall_ms + SPEAK_AHEAD_MS
        near = self._programme.occurrences(from_ms, to_ms)
        for source in texts_of(occurrence.entry for occurrence, _ in near):
            key = speech_key(source.text, source.language)
            wanted.add(key)
            if key not in self._asked:
                text = write_out(source.text, source.language)
                self._speak(Speak(key, text, source.language), turn)
        self._forget_unwanted(wanted)

    def _speak(self, act: Speak, turn: Turn) -> None:
        if act.key not in self._asked:
            self._asked.add(act.key)
            self._unspoken[act.key] = _Unspoken(act)
            turn.do(act, "now")

    def _forget_unwanted(self, wanted: set[str]) -> None:
        """What nobody wants any more is not tried again; should it be wanted later, at once."""
        for key, held in list(self._unspoken.items()):
            if key not in wanted and held.again_mono_ms is not None:
                del self._unspoken[key]
                self._asked.discard(key)
        self._look_at_waits()

    def _look_at_waits(self) -> None:
        waits = [one.again_mono_ms for one in self._unspoken.values()]
        self.speech_mono_ms = min((at for at in waits if at is not None), default=None)

    @property
    def speech_fault(self) -> str:
        """Why a text could not be spoken, the last time it was tried; "" if none. A missing
        engine comes first; what failed stays told, wanted or not, until a text is spoken."""
        details = {one.detail for one in self._unspoken.values() if one.detail}
        told = sorted((details | {self._failed}) - {""})
        lacking = [one for one in told if one.startswith("engine_missing")]
        return next(iter(lacking or told), "")[:DETAIL_MAX]

    def speech_ready(self, event: SpeechReady) -> None:
        self.box.speech[event.key] = event.duration_ms
        self.box.loudness[f"speech:{event.key}"] = event.loudness
        self._unspoken.pop(event.key, None)
        self._failed = ""

    def speech_failed(self, event: SpeechFailed, turn: Turn) -> None:
        """It counts as missing for now, and is tried again later, ever more rarely."""
        self.box.speech[event.key] = None
        if not event.lasting:
            self._failed = event.detail
        held = self._unspoken.get(event.key)
        if held is None:
            self._asked.discard(event.key)  # it was there and is gone: asked for when it is wanted
        if held is None or held.detail != event.detail:
            turn.log("speech_failed", "warning", key=event.key, detail=event.detail)
        if held is not None:
            wait_ms = speech_wait_ms(held.tries, event.lasting, urgent=held.act.urgent)
            again_mono_ms = turn.now.mono_ms + wait_ms
            self._unspoken[event.key] = _Unspoken(
                held.act, held.tries + 1, again_mono_ms, event.detail
            )
        self._look_at_waits()

    def speak_again(self, turn: Turn) -> None:
        """Ask once more for the texts whose wait is over."""
        if self.speech_mono_ms is None or turn.now.mono_ms < self.speech_mono_ms:
            return
        for key, held in self._unspoken.items():
            if held.again_mono_ms is not None and held.again_mono_ms <= turn.now.mono_ms:
                self._unspoken[key] = replace(held, again_mono_ms=None)
                turn.do(held.act, "now")
        self._look_at_waits()

    # --- files --------------------------------------------------------------------------

    def files_found(self, files: Iterable[tuple[str, int]]) -> None:
        """What lies on the box; nothing is fetched before that is known."""
        self.box.files = dict(files)
        self._looked = self.changed = True

    def file_ready(self, event: FileReady, turn: Turn) -> None:
        self.box.files[event.sha256] = event.size
        self.box.faults.pop(event.sha256, None)
        self.fetching.done(event.sha256)
        self.changed = True
        turn.log("file_ready", sha256=event.sha256[:12], size=event.size)

    def fetch_failed(self, event: FetchFailed, turn: Turn) -> bool:
        """Whether it is missing for another reason than before: only that changes an item."""
        self.fetching.failed(event, turn.now.mono_ms)
        self.changed = True
        reason = FAULT_REASONS[event.fault]
        if self.box.faults.get(event.sha256) is reason:
            return False
        sha = event.sha256[:12]
        turn.log("fetch_failed", "warning", sha256=sha, fault=event.fault, detail=event.detail)
        self.box.faults[event.sha256] = reason
        return True

    def fetch_again(self, sha256: str) -> None:
        self.fetching.again(sha256)
        self.changed = True

    def network_is_back(self, mono_ms: int) -> None:
        self.fetching.network_is_back(mono_ms)
        self.changed = True

    def fetch(self, turn: Turn) -> None:
        """Start what is needed soonest, when something changed or a wait is over."""
        mono_ms = turn.now.mono_ms
        due = self.next_mono_ms is not None and mono_ms >= self.next_mono_ms
        if not self.changed and not due:
            return
        self.changed = False
        needs = self._needs(turn.wall_ms)
        self._needed_ms = {}
        for need in needs:
            known_ms = self._needed_ms.get(need.binding.sha256, need.at_ms)
            self._needed_ms[need.binding.sha256] = min(known_ms, need.at_ms)
        self.next_mono_ms = mono_ms + HOUR_MS
        if not self._looked:
            return
        start, cancel, again_ms = self.fetching.next(needs, self.box.files, mono_ms)
        for binding in start:
            turn.do(Fetch(binding.sha256, binding.url, binding.size))
        for sha in cancel:
            turn.do(CancelFetch(sha))
        if again_ms is not None:
            self.next_mono_ms = min(again_ms, self.next_mono_ms)

    # --- loudness -----------------------------------------------------------------------

    def files_measured(self, event: FilesMeasured, turn: Turn) -> None:
        """How loud files are, or that it cannot be known."""
        self.measuring_lacks = event.lacking[:DETAIL_MAX]
        for sha, loudness in event.files:
            if sha not in self.box.files and self._looked:
                continue
            self.box.loudness[f"content:{sha}"] = loudness
            if loudness is not None and loudness.is_silent:
                turn.log("content_silent", "warning", sha256=sha[:12], length=loudness.length_ms)
        measured = {sha for sha, _ in event.files}
        if self._measuring is None or self._measuring in measured:
            self._measuring = ""

    def measure(self, turn: Turn) -> None:
        """Have one file measured at a time, what is needed soonest first."""
        if self._measuring != "" or not self._looked:
            return
        unknown = [sha for sha in self.box.files if f"content:{sha}" not in self.box.loudness]
        if unknown:
            self._measuring = min(unknown, key=lambda sha: (self._needed_ms.get(sha, FAR_MS), sha))
            turn.do(Measure(self._measuring))

    def _needs(self, now_ms: int) -> list[Need]:
        """Files that the coming days want; notes on the way what nobody has published."""
        needs = list(self._warning_needs(now_ms))
        awaiting: dict[str, None] = {}
        from_ms, to_ms = now_ms - FETCH_BEHIND_MS, now_ms + FETCH_AHEAD_MS
        for occurrence, _ in self._programme.occurrences(from_ms, to_ms):
            entry = occurrence.entry
            for source in (*all_sources(entry), entry.chime):
                if not isinstance(source, FileSource):
                    continue
                authority = occurrence.ref.authority
                binding = self._programme.binding(authority, source, occurrence.date)
                if binding is not None:
                    needs.append(Need(binding, occurrence.start_ms))
                elif occurrence.start_ms - now_ms <= content.AWAITED_BEFORE_MS:
                    awaiting[source.slot + (f"@{occurrence.date}" if source.dated else "")] = None
        self.awaiting = tuple(awaiting)[:TOLD_MAX]
        missing = {one.binding.sha256 for one in needs} - self.box.files.keys()
        self.missing = tuple(sorted(missing))[:TOLD_MAX]
        return needs

    def _warning_needs(self, now_ms: int) -> Iterable[Need]:
        for _, binding in self._programme.warning_files():
            if binding is not None:
                yield Need(binding, now_ms)

    def tidy(self, today: date, playing: frozenset[str], turn: Turn) -> int:
        """Evict what nothing binds or warns with any more; returns how many files went."""
        bound = list(self._programme.bindings())
        kept = playing | {file.sha256 for file, _ in self._programme.warning_files()}
        gone = content.evictable(list(self.box.files), bound, kept, today.isoformat())
        for sha in gone:
            self._evict(sha, turn)
        return len(gone)

    def make_room(self, free_mib: int | None, playing: frozenset[str], turn: Turn) -> int:
        """Drop ordinary files from a card that is nearly full, what is needed last first; returns
        how many. They are not fetched again before there is room (`CONTENT_NOT_STORED`)."""
        if free_mib is None or free_mib >= RESERVE_MIB:
            return 0
        kept = playing | {file.sha256 for file, _ in self._programme.warning_files()}
        going = [sha for sha in self.box.files if sha not in kept]
        going.sort(key=lambda sha: (-self._needed_ms.get(sha, FAR_MS), sha))
        missing, gone = (ROOM_MIB - free_mib) * MIB, 0
        for sha in going:
            if missing <= 0:
                break
            missing -= self.box.files[sha]
            self._evict(sha, turn)
            gone += 1
        if gone:
            self.changed = True
            turn.log("room_made", "warning", free_mib=free_mib, evicted=gone)
        return gone

    def _evict(self, sha: str, turn: Turn) -> None:
        del self.box.files[sha]
        self.box.loudness.pop(f"content:{sha}", None)
        turn.do(Evict(sha))
