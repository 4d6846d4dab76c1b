"""What comes through the source-system API: judged, carried out, told back. It is not signed.

Owns what such a caller may do (`SourceRules`), the schedules it sent, and the receipts. Does not
own what a stop or a volume does (`actions`), nor when an item plays: its schedules stand in line
as those of the lowest-ranked authority, so arbitration, approval and the rules of the air bind
them like any other.

Invariants: nothing is done that the configuration does not list; an item of a schedule plays only
a file that a signed content document binds, now and at its start; no item is an emergency; a call
with an id is carried out once; what is remembered is bounded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, tzinfo

import msgspec

from agent.contract.documents import (
    Binding,
    Content,
    Entry,
    FileSource,
    LateRule,
    Schedule,
    When,
    ZoneSelector,
)
from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import Audit, SourceReceipt
from agent.core import requests as asked
from agent.core.actions import Actions
from agent.core.effects import LogLevel
from agent.core.events import SourceApiSeen, SourceApiState, SourceTook
from agent.core.facts import Facts, SetAside, SourceAnswer, SourceItem
from agent.core.parts import Parts
from agent.core.source_calls import NEEDS, Airing, Call, SourceRules, Wanted
from agent.core.turn import Turn
from agent.core.words import source_act

WHO = "source_api"
"""Who did it, in the journal."""

AUTHORITY = "source-api"
"""In whose name its schedules stand in line."""

RANK = 99
CLASS_CEILING = 2
AIRINGS_MAX = 1_000
ANSWERS_KEPT = 256
SET_ASIDE_KEPT = 500
DAY_MS = 86_400_000
AHEAD_MAX_MS = 400 * DAY_MS
ENDED_KEPT_MS = 90 * DAY_MS
"""So long after its last airing an item is known, because records may still name it."""

LINE = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")

Verdict = tuple[AckReason | None, str]
DONE: Verdict = (None, "")


class SourceDesk:
    """rules None: the station has no source-system API, and nothing here ever happens."""

    def __init__(self, parts: Parts, actions: Actions, rules: SourceRules | None) -> None:
        self._parts = parts
        self._actions = actions
        self._rules = rules
        self.state: SourceApiState = "ok"

    # --- what becomes of records ----------------------------------------------------------

    def seen(self, event: SourceApiSeen, turn: Turn) -> None:
        if event.state != self.state:
            level: LogLevel = "info" if event.state == "ok" else "warning"
            turn.log("source_api", level, state=event.state, detail=event.detail)
        self.state = event.state

    def took(self, event: SourceTook, turn: Turn) -> None:
        """The cursor of the second uplink, and what it did not take."""
        facts = self._parts.facts
        facts.mark(source_through=max(facts.marks.source_through, event.through))
        for seq in event.mended:
            facts.drop("set_aside", str(seq))
        for seq, why in event.set_aside:
            self._set_aside(seq, why, turn)
        if event.gone:
            self._record(Audit(what="source_records_gone", by=WHO, detail=str(event.gone)), turn)

    def _set_aside(self, seq: int, why: str, turn: Turn) -> None:
        facts = self._parts.facts
        for key in sorted(facts.set_aside, key=int)[
            : max(0, len(facts.set_aside) - SET_ASIDE_KEPT + 1)
        ]:
            facts.drop("set_aside", key)
        if str(seq) not in facts.set_aside:
            detail = f"#{seq}: {why}"[:LINE]
            self._record(Audit(what="source_set_aside", by=WHO, detail=detail), turn)
        facts.put("set_aside", str(seq), SetAside(why[:LINE], turn.wall_ms))

    def prunable(self, before_ms: int, now_ms: int) -> Iterator[tuple[int, int]]:
        """(through, before) of records that may go: both uplinks are done with them.

        At the bound of `keep_days` a record goes although this API never took it; the uplink
        finds the gap and tells how many went.
        """
        marks = self._parts.facts.marks
        if self._rules is None:
            yield marks.cursor_through, before_ms
            return
        yield min(marks.cursor_through, marks.source_through), before_ms
        bound_ms = now_ms - self._rules.keep_days * DAY_MS
        yield marks.cursor_through, min(before_ms, bound_ms)

    # --- calls --------------------------------------------------------------------------

    def called(self, call: Call, turn: Turn) -> bool:
        """Judge and carry out; whether the schedules changed."""
        rules = self._rules
        if rules is None:
            return False
        known = self._parts.facts.source_answers.get(call.id) if call.id else None
        if known is not None:
            self._tell(call, (known.reason, known.detail), (), turn)
            return False
        if call.verb == "save" and (verdict := _unfit(call, rules)) is DONE:
            return self._save(call, rules, turn)
        verdict, items = self._verdict(call, rules, turn)
        self._tell(call, verdict, items, turn)
        return call.verb == "cancel" and verdict[0] is None

    def _verdict(
        self, call: Call, rules: SourceRules, turn: Turn
    ) -> tuple[Verdict, tuple[str, ...]]:
        verdict = _unfit(call, rules)
        if verdict is not DONE:
            return verdict, tuple(one.bulletin for one in call.items)
        match call.verb:
            case "volume":
                return self._volume(call, rules, turn), ()
            case "stop" | "skip":
                return self._ask(asked.StopRequest(), turn), ()
            case "cancel":
                return self._cancel(call, turn)
        return (AckReason.UNSUPPORTED, call.verb), ()

    def _volume(self, call: Call, rules: SourceRules, turn: Turn) -> Verdict:
        if call.volume is None or not 0 <= call.volume <= 100:
            return AckReason.MALFORMED, f"volume {call.volume}"
        if not rules.volume_min <= call.volume <= rules.volume_max:
            bounds = f"{rules.volume_min}–{rules.volume_max}"
            return AckReason.NOT_ALLOWED, f"volume {call.volume}, allowed {bounds}"
        return self._ask(asked.VolumeRequest((), call.volume), turn)

    def _ask(self, body: asked.Request, turn: Turn) -> Verdict:
        answer = self._actions.ask(body, WHO, turn)
        if isinstance(answer, asked.Refused):
            return AckReason(answer.code), answer.detail
        return None, answer.detail

    def _tell(self, call: Call, verdict: Verdict, items: tuple[str, ...], turn: Turn) -> None:
        """Into the journal: who asked for what, and the receipt that goes back."""
        reason, detail = verdict
        said = " · ".join(part for part in (call.said, detail) if part)
        result = "done" if reason is None else reason.value
        audit = Audit(what=source_act(call.verb), by=WHO, detail=said[:LINE], result=result)
        self._record(audit, turn)
        receipt = SourceReceipt(
            what=call.verb,
            state="applied" if reason is None else "refused",
            reason=reason,
            detail=detail[:LINE],
            call=call.id[:LINE],
            schedule=call.schedule[:LINE],
            title=call.title[:LINE],
            items=items,
        )
        self._record(receipt, turn)
        self._remember(call, verdict, turn)

    def _record(self, body: Audit | SourceReceipt, turn: Turn) -> None:
        self._parts.reporter.record(body, turn)

    def _remember(self, call: Call, verdict: Verdict, turn: Turn) -> None:
        facts = self._parts.facts
        if not call.id or call.id in facts.source_answers:
            return
        oldest = sorted(facts.source_answers, key=lambda one: facts.source_answers[one].at_ms)
        for key in oldest[: max(0, len(oldest) - ANSWERS_KEPT + 1)]:
            facts.drop("source_answer", key)
        answer = SourceAnswer(verdict[0], verdict[1][:LINE], turn.wall_ms)
        facts.put("source_answer", call.id, answer)

    # --- schedules ----------------------------------------------------------------------

    def _save(self, call: Call, rules: SourceRules, turn: Turn) -> bool:
        """Each item by itself: one that cannot be taken does not take the others along.

        A schedule that is sent again and again as it is changes nothing and is told once.
        """
        taken: list[str] = []
        refused: dict[Verdict, list[str]] = {}
        bound = list(self._bound())
        for wanted in call.items:
            held = self._held(call, wanted)
            verdict, binding = _judge(_completed(wanted, held), bound, turn.wall_ms)
            if binding is not None and held is None and self._live >= rules.items_max:
                verdict, binding = (AckReason.BUSY, f"{rules.items_max} items"), None
            if binding is None:
                refused.setdefault(verdict, []).append(wanted.bulletin)
                continue
            item = _item(call, _completed(wanted, held), binding, turn.wall_ms)
            if held is not None and _same(item, held) and not call.id:
                continue
            self._end_on_air(item.key, OccurrenceReason.SUPERSEDED, turn)
            self._parts.facts.put("source_item", item.key, item)
            taken.append(wanted.bulletin)
        if taken:
            self._tell(call, DONE, tuple(taken), turn)
        if not call.items:
            self._tell(call, (AckReason.MALFORMED, "no item"), (), turn)
        for verdict, items in refused.items():
            self._tell(call, verdict, tuple(items), turn)
        return bool(taken)

    def _held(self, call: Call, wanted: Wanted) -> SourceItem | None:
        held = self._parts.facts.source_items.get(_key(call.schedule, wanted.bulletin))
        return held if held is not None and held.ended_ms is None else None

    @property
    def _live(self) -> int:
        return sum(one.ended_ms is None for one in self._parts.facts.source_items.values())

    def _cancel(self, call: Call, turn: Turn) -> tuple[Verdict, tuple[str, ...]]:
        """By schedule, or by bulletin where no schedule is named."""
        named = {one.bulletin for one in call.items}
        found = [
            item
            for item in self._parts.facts.source_items.values()
            if item.ended_ms is None
            and (not call.schedule or item.schedule == call.schedule)
            and (not named or item.bulletin in named)
        ]
        if not found or not (call.schedule or named):
            return (AckReason.UNKNOWN_ENTRY, call.schedule or ", ".join(sorted(named))), ()
        for item in found:
            self._end_on_air(item.key, OccurrenceReason.CANCELLED, turn)
            ended = msgspec.structs.replace(item, ended_ms=turn.wall_ms)
            self._parts.facts.put("source_item", item.key, ended)
        return DONE, tuple(item.bulletin for item in found)

    def _end_on_air(self, key: str, why: OccurrenceReason, turn: Turn) -> None:
        item = self._parts.facts.source_items.get(key)
        entries = {one.id for one in _entries(item, self._parts)} if item is not None else set()
        for opened, held in list(self._parts.facts.open.items()):
            if held.ref.authority == AUTHORITY and held.ref.entry in entries:
                self._parts.air.end_item(opened, why, turn)

    def tidy(self, now_ms: int) -> bool:
        """Forget items that ended long ago; whether any airing is over for good."""
        facts = self._parts.facts
        changed = False
        for key, item in list(facts.source_items.items()):
            last_ms = max((end or start for start, end in item.airings), default=0)
            ended_ms = last_ms if item.ended_ms is None else item.ended_ms
            if ended_ms < now_ms - ENDED_KEPT_MS:
                facts.drop("source_item", key)
            elif item.ended_ms is None and last_ms < now_ms - DAY_MS:
                facts.put("source_item", key, msgspec.structs.replace(item, ended_ms=last_ms))
                changed = True
        return changed

    # --- what stands in line --------------------------------------------------------------

    def schedules(self) -> Iterator[tuple[Schedule, int, int]]:
        """The accepted items as a timetable of the lowest rank, or nothing."""
        items = [one for one in self._parts.facts.source_items.values() if one.ended_ms is None]
        entries = tuple(entry for item in items for entry in _entries(item, self._parts))
        if entries:
            timetable = Schedule(
                v=1,
                authority=AUTHORITY,
                audience=self._audience,
                issued_at_ms=0,
                accept_until_ms=0,
                revision=1,
                entries=entries,
            )
            yield timetable, RANK, CLASS_CEILING

    def contents(self) -> Iterator[Content]:
        """The files of these items, as long as a signed document binds them."""
        by_hash = {one.sha256: one for one in self._bound()}
        bindings = tuple(
            msgspec.structs.replace(by_hash[item.sha256], slot=_slot(item.key), date=None)
            for item in self._parts.facts.source_items.values()
            if item.ended_ms is None and item.sha256 in by_hash
        )
        if bindings:
            yield Content(
                v=1,
                authority=AUTHORITY,
                audience=self._audience,
                issued_at_ms=0,
                accept_until_ms=0,
                revision=1,
                bindings=bindings,
            )

    @property
    def _audience(self) -> str:
        return f"s/{self._parts.site.station}"

    def _bound(self) -> Iterator[Binding]:
        for content in self._parts.inbox.contents():
            yield from content.bindings


def bulletin_of(facts: Facts, authority: str, entry: str) -> tuple[str, str] | None:
    """(LichPhatID, BanTinID) of an entry that came this way."""
    if authority != AUTHORITY:
        return None
    found = (item for key, item in facts.source_items.items() if entry.startswith(_slot(key)))
    return next(((item.schedule, item.bulletin) for item in found), None)


def _unfit(call: Call, rules: SourceRules) -> Verdict:
    """Why a call is not even looked at; DONE when it is."""
    if call.fault:
        return AckReason.MALFORMED, call.fault
    if not call.for_us:
        return AckReason.WRONG_AUDIENCE, ""
    needed = NEEDS.get(call.verb)
    if needed is None:
        return AckReason.UNSUPPORTED, call.verb
    if needed not in rules.allow:
        return AckReason.NOT_ALLOWED, needed
    return DONE


def _completed(wanted: Wanted, held: SourceItem | None) -> Wanted:
    """Only the times are new: the rest is as it was sent before."""
    if not wanted.known or wanted.refused is not None:
        return wanted
    if held is None:
        return replace(wanted, refused=AckReason.UNKNOWN_ENTRY, detail=wanted.bulletin)
    return replace(
        wanted,
        title=held.title,
        klass=held.klass,
        url=f"sha256:{held.sha256}",
        author=held.author,
        field=held.field,
        about=held.about,
    )


def _same(item: SourceItem, held: SourceItem) -> bool:
    return item == msgspec.structs.replace(held, received_ms=item.received_ms)


def _judge(wanted: Wanted, bound: Iterable[Binding], now_ms: int) -> tuple[Verdict, Binding | None]:
    """Whether an item may stand in line, and the signed file it plays."""
    if wanted.refused is not None:
        return (wanted.refused, wanted.detail), None
    if wanted.klass == 1:
        return (AckReason.CLASS_ABOVE_CEILING, "1"), None
    if not wanted.bulletin or wanted.klass not in (2, 3):
        return (AckReason.MALFORMED, f"class {wanted.klass}"), None
    if len(wanted.airings) > AIRINGS_MAX:
        return (AckReason.TOO_LARGE, f"{len(wanted.airings)} airings"), None
    if any(_strange(one, now_ms) for one in wanted.airings):
        return (AckReason.MALFORMED, "airing out of bounds"), None
    if not any((one.end_ms or one.start_ms) > now_ms for one in wanted.airings):
        return (AckReason.EXPIRED, ""), None
    binding = _binding_of(wanted.url, bound)
    if binding is None:
        return (AckReason.UNSIGNED, wanted.url[:LINE]), None
    return DONE, binding


def _strange(airing: Airing, now_ms: int) -> bool:
    end_ms = airing.end_ms
    too_long = end_ms is not None and not 0 < end_ms - airing.start_ms <= DAY_MS
    return too_long or airing.start_ms < 0 or airing.start_ms > now_ms + AHEAD_MAX_MS


def _binding_of(url: str, bound: Iterable[Binding]) -> Binding | None:
    """By its address, or by the hash its address ends in."""
    last = url.rstrip("/").rpartition("/")[2].removeprefix("sha256:").lower()
    sha256 = last if _SHA256.fullmatch(last) else ""
    return next((one for one in bound if one.url == url or one.sha256 == sha256), None)


def _item(call: Call, wanted: Wanted, binding: Binding, now_ms: int) -> SourceItem:
    return SourceItem(
        key=_key(call.schedule, wanted.bulletin),
        schedule=call.schedule[:LINE],
        schedule_title=call.title[:LINE],
        bulletin=wanted.bulletin[:LINE],
        title=(wanted.title or wanted.bulletin)[:LINE],
        klass=wanted.klass,
        sha256=binding.sha256,
        airings=tuple(sorted({(one.start_ms, one.end_ms) for one in wanted.airings}, key=_first)),
        received_ms=now_ms,
        author=wanted.author[:LINE],
        field=wanted.field[:LINE],
        about=wanted.about,
    )


def _first(airing: tuple[int, int | None]) -> tuple[int, int]:
    return airing[0], airing[1] or 0


def _key(schedule: str, bulletin: str) -> str:
    """Their ids can be anything; ours cannot."""
    return hashlib.sha256(f"{schedule}\n{bulletin}".encode()).hexdigest()[:16]


def _slot(key: str) -> str:
    return f"sa-{key}"


def _entries(item: SourceItem, parts: Parts) -> list[Entry]:
    """One entry for each length its airings have, because an entry has one slot length."""
    by_length: dict[int | None, list[int]] = {}
    for start_ms, end_ms in item.airings:
        length_ms = None if end_ms is None else end_ms - start_ms
        by_length.setdefault(length_ms, []).append(start_ms)
    slot = _slot(item.key)
    return [
        Entry(
            id=slot if number == 0 else f"{slot}-{number}",
            title=item.title,
            when=_when(starts, parts.site.tz, parts.tz),
            sources=(FileSource(slot=slot),),
            zones=ZoneSelector(all=True),
            klass=item.klass,
            duration_ms=length_ms,
            late=LateRule(policy="join"),
            author=item.author,
            field=item.field,
            about=item.about,
        )
        for number, (length_ms, starts) in enumerate(by_length.items())
    ]


def _when(starts: list[int], name: str, tz: tzinfo) -> When:
    walls = [
        datetime.fromtimestamp(start_ms // 1_000, tz).strftime("%Y-%m-%dT%H:%M:%S")
        for start_ms in starts
    ]
    return When(start=walls[0], tz=name, dates=tuple(walls[1:]))
