"""Content: measure a file, keep it under its hash, bind it to a slot and a date, publish.

Invariant: a file that lies in the store under its hash is never touched again.
"""

from __future__ import annotations

import datetime as dt
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from agent.contract.documents import (
    UNTOLD,
    About,
    Binding,
    Content,
    Document,
    Schedule,
    Warnings,
)
from agent.contract.topics import audience_down
from simulator.source_system import compose
from simulator.source_system.audio_file import AudioFacts, examine
from simulator.source_system.bounds import in_words
from simulator.source_system.desk import Desk, open_push, retained_document
from simulator.source_system.empty_slots import Bound, files_of
from simulator.source_system.home import EVERYBODY
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery, Progress

BINDING_KEPT_DAYS = 14
"""Bindings of older dates leave the document."""


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was bound to its slot. replaced: the binding that stood there before."""

    binding: Binding
    facts: AudioFacts
    replaced: Binding | None
    delivery: Delivery


class ContentDesk(Desk):
    """Publish files into slots."""

    def publish(
        self,
        path: Path,
        *,
        slot: str,
        date: str | None = None,
        title: str = "",
        author: str = "",
        about: About = UNTOLD,
        to: str = f"g/{EVERYBODY}",
        base_url: str | None = None,
        wait_s: float = 0.0,
        progress: Progress | None = None,
    ) -> Published:
        """Measure, copy into the store, bind {slot, date} to the hash, sign, publish.

        Raises AudioFileError. base_url: how these stations reach the store (another network).
        """
        stations = self._stations(to)
        if date is not None and _calendar_date(date) is None:
            raise DistrictError("binding_wrong", f"{slot} {date}", "there is no such day")
        facts = examine(path)
        url = f"{base_url or self.file.content.base_url}/c/{facts.sha256}"
        try:
            binding = msgspec.convert(
                {
                    "slot": slot,
                    "date": date,
                    "sha256": facts.sha256,
                    "size": facts.size,
                    "duration_ms": facts.duration_ms,
                    "url": url,
                    "media_type": facts.media_type,
                    "title": title,
                    "author": author,
                    "about": msgspec.to_builtins(about),
                },
                Binding,
            )
        except msgspec.ValidationError as error:
            where = f"{slot} {date or ''}".strip()
            raise DistrictError("binding_wrong", where, in_words(error)) from error
        self._store(path, facts.sha256)
        newest, base = self._base(to, "content", adopt=True)
        before = base.bindings if isinstance(base, Content) else ()
        replaced = next((one for one in before if (one.slot, one.date) == (slot, date)), None)
        kept = [one for one in before if one is not replaced and not self._stale(one)]
        document = compose.content(
            self.authority,
            to,
            [*kept, binding],
            revision=newest + 1,
            made_from=0 if base is None else base.revision,
            now_ms=self._clock_ms(),
        )
        push = self._record(document, [self.keyring.signing("content")])
        delivery = self._send(push, stations, wait_s, progress)
        return Published(binding=binding, facts=facts, replaced=replaced, delivery=delivery)

    def slots_wanted(self) -> frozenset[str]:
        """Slots that some timetable or warning sent from here names."""
        wanted: set[str] = set()
        for push in self.ledger.current():
            document = open_push(push)
            if isinstance(document, Schedule):
                wanted |= {file.slot for entry in document.entries for file in files_of(entry)}
            elif isinstance(document, Warnings):
                files = (one.files.values() for one in document.warnings)
                wanted |= {file.slot for several in files for file in several}
        return frozenset(wanted)

    def _store(self, path: Path, sha256: str) -> None:
        """Content-addressed: a file that lies there is never touched again."""
        target = self.home.store / sha256
        if target.exists():
            return
        self.home.store.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{sha256}.{secrets.token_hex(4)}")
        shutil.copyfile(path, temporary)
        temporary.rename(target)

    def _bindings(self, to: str) -> tuple[Binding, ...]:
        return _bindings_of(self._own(to, "content"))

    def _bound(self, audiences: Sequence[str], *, ask_broker: bool) -> dict[str, Bound]:
        """Audience → (slot, date) pairs that have a file."""
        own = {to: self._own(to, "content") for to in audiences}
        if ask_broker:
            keys = self.keyring.keys
            with self._courier() as courier:
                topics = [audience_down(to, "content") for to in audiences]
                for to, raw in zip(audiences, courier.retained(topics), strict=True):
                    held, mine = retained_document(raw, keys), own[to]
                    if held is not None and (mine is None or held.revision > mine.revision):
                        own[to] = held
        return {
            to: frozenset((one.slot, one.date) for one in _bindings_of(document))
            for to, document in own.items()
        }

    def _stale(self, binding: Binding) -> bool:
        if binding.date is None:
            return False
        oldest = self._today() - dt.timedelta(days=BINDING_KEPT_DAYS)
        day = _calendar_date(binding.date)
        return day is None or day < oldest


def _bindings_of(document: Document | None) -> tuple[Binding, ...]:
    return document.bindings if isinstance(document, Content) else ()


def _calendar_date(text: str) -> dt.date | None:
    """The day, None when the calendar has none of that name."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None
