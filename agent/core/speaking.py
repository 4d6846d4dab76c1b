"""What is asked to be said at the station itself: typed words, and an input that is opened.

Owns when such a request is refused and how an open input stands. What an announcement is, and its
place in line, is `announcements`. Who may ask was made sure of before (pins).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import msgspec

from agent.contract.reasons import AckReason, OccurrenceReason
from agent.contract.reports import OccurrenceRef
from agent.core import requests as asked
from agent.core.announcements import (
    LETTERS_MAX,
    SPEAK_LEAST_MS,
    SPEAK_MOST_MS,
    Announcement,
    Announcements,
    title_of,
)
from agent.core.commands import RunState
from agent.core.items import Item, key_of
from agent.core.lineup import Line, Provenance
from agent.core.parts import Parts
from agent.core.site import Site
from agent.core.turn import Turn

LOCAL = "local"
"""Authority of what is asked for at the station itself."""

TONE_LEAD_MS = 300
ENDED_KEPT = 16

Verdict = tuple[RunState, AckReason | None, str]
Asked = asked.AnnounceRequest | asked.SpeakRequest | asked.EndSpeechRequest


class Speaking:
    """Requests to say something, on one station."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.made = Announcements(parts.facts)
        self._count = 0
        self._opened: dict[str, str] = {}  # entry → input, of the latest ones

    def take(self, body: Asked, who: str, turn: Turn) -> Any:
        match body:
            case asked.AnnounceRequest():
                return self._announce(body, who, turn)
            case asked.SpeakRequest():
                return self._speak(body, who, turn)
            case asked.EndSpeechRequest(entry=entry):
                return self._end(entry, turn)

    def spoken(self, entry: str, now_ms: int) -> asked.SpokenView:
        """How an open input stands."""
        made = self.made.find(entry)
        if made is None:
            known = self._opened.get(entry)
            return asked.SpokenView(now_ms, entry, "unknown" if known is None else "over")
        key, air = key_of(made.ref), self._parts.air
        held = self._parts.facts.open.get(key)
        carried = [sent for sent in air.sent.values() if sent.key == key and sent.sounding]
        if held is not None and held.is_over:
            return asked.SpokenView(now_ms, entry, "over", made.input)
        if not carried:
            return asked.SpokenView(now_ms, entry, "waiting", made.input, zones=made.zones)
        began_ms = min(sent.began_ms + sent.shift_ms for sent in carried)
        length_ms = made.item(self._parts.supply.box).play_ms
        return asked.SpokenView(
            now_ms,
            entry,
            "sounding",
            made.input,
            speaks_ms=began_ms + length_ms - made.speak_ms,
            ends_ms=began_ms + length_ms,
            zones=tuple(zone for zone, on in air.decision.zones.items() if on.key == key),
        )

    # --- requests -----------------------------------------------------------------------

    def _announce(self, body: asked.AnnounceRequest, who: str, turn: Turn) -> Any:
        text = body.text.strip()
        if not text:
            return asked.Refused(AckReason.MALFORMED.value, "no text")
        if len(text) > LETTERS_MAX:
            return asked.Refused(AckReason.TOO_LARGE.value, f"{len(text)} > {LETTERS_MAX}")
        title = title_of(body.title, text)

        def make(zones: tuple[str, ...]) -> Announcement:
            made = self._announcement(zones, title, who, turn)
            return replace(made, text=text, language=body.language, over=body.over)

        return self._say(body.zones, make, turn)

    def _speak(self, body: asked.SpeakRequest, who: str, turn: Turn) -> Any:
        """Only an input that is configured, and only the one that is meant; no return line."""
        known = sorted(self._parts.site.inputs)
        name = body.input or (known[0] if len(known) == 1 else "")
        if name not in known:
            returns = name in self._parts.site.return_inputs
            why = AckReason.INPUT_IS_RETURN if returns else AckReason.UNKNOWN_INPUT
            detail = f"{name or '?'}; inputs: {', '.join(known) or '-'}"
            return asked.Refused(why.value, detail)
        taken = self._open_input(body.zones)
        if taken is not None:
            return asked.Refused(AckReason.BUSY.value, taken.title)
        speak_ms = max(SPEAK_LEAST_MS, min(SPEAK_MOST_MS, body.length_ms))

        def make(zones: tuple[str, ...]) -> Announcement:
            made = self._announcement(zones, title_of(body.title, who), who, turn)
            return replace(made, input=name, speak_ms=speak_ms, over=body.over)

        return self._say(body.zones, make, turn)

    def _open_input(self, zones: tuple[str, ...]) -> Announcement | None:
        """What somebody speaks into one of these zones now, or is about to. zones: none is all."""
        for made in self.made.inputs():
            held = self._parts.facts.open.get(key_of(made.ref))
            over = held is not None and held.is_over
            if not over and (not zones or set(zones) & set(made.zones)):
                return made
        return None

    def _end(self, entry: str, turn: Turn) -> Any:
        made = self.made.find(entry)
        if made is None:
            return asked.Refused(AckReason.NOTHING_ON_AIR.value, entry)
        key = key_of(made.ref)
        held = self._parts.facts.open.get(key)
        if held is not None and (held.sounded or held.from_ms <= turn.wall_ms):
            why = None if made.input and held.sounded else OccurrenceReason.STOPPED
            self._parts.air.end_item(key, why, turn)
        else:
            self.made.drop(key)
        self._parts.items_changed = True
        return asked.Done(made.title, entry)

    def _say(
        self,
        wanted: tuple[str, ...],
        make: Callable[[tuple[str, ...]], Announcement],
        turn: Turn,
    ) -> Any:
        parts = self._parts
        warnings = ", ".join(warning.title for warning, _, _ in parts.emergencies.active())
        if warnings:
            return asked.Refused(AckReason.EMERGENCY_ON_AIR.value, warnings)

        kept: list[asked.Kept] = []

        def say(zones: tuple[str, ...]) -> Verdict:
            made = make(zones)
            kept.extend(self._kept_out(made.item(parts.supply.box), turn))
            ruled = [one for one in kept if one.reason != OccurrenceReason.NO_MAINS]
            if zones and {zone for one in ruled for zone in one.zones} >= set(zones):
                return "failed", AckReason.AGAINST_THE_RULES, kept[0].rule or kept[0].reason
            self.made.add(made)
            if made.input:
                self._opened[made.ref.entry] = made.input
                self._opened.pop(self._entry(self._count - ENDED_KEPT), None)
            parts.items_changed = True
            return "done", None, f"{made.title}: {', '.join(zones)}"

        answer = locally(parts.site, wanted, say, lambda: self._entry(self._count))
        if isinstance(answer, asked.Refused):
            return answer
        return msgspec.structs.replace(answer, kept=tuple(kept))

    def _entry(self, number: int) -> str:
        return f"announce-{self._parts.facts.marks.birth}-{number}"

    def _announcement(
        self, zones: tuple[str, ...], title: str, who: str, turn: Turn
    ) -> Announcement:
        parts = self._parts
        self._count += 1
        ref = OccurrenceRef(
            authority=parts.programme.home or LOCAL,
            audience=f"s/{parts.site.station}",
            entry=self._entry(self._count),
            nominal=parts.local(turn.wall_ms).strftime("%Y-%m-%dT%H:%M:%S"),
        )
        trusted = parts.inbox.trusted
        authorities = trusted.authorities if trusted is not None else ()
        return Announcement(
            ref=ref,
            title=title,
            text="",
            language=parts.site.language,
            zones=zones,
            rank=next((one.rank for one in authorities if one.home), 99),
            start_ms=turn.wall_ms + TONE_LEAD_MS + parts.air.gates.cold_ms(zones),
            by=who,
        )

    def _kept_out(self, item: Item, turn: Turn) -> Iterable[asked.Kept]:
        """Zones that do not hear it if it begins now, and why, in the words of the rules."""
        parts = self._parts
        lines = [Line(one, None, Provenance()) for one in parts.air.items.values()]
        asked_for = Line(item, None, Provenance())
        *_, bound = parts.lineup.bound([*lines, asked_for], parts.time, turn.wall_ms)
        together: dict[tuple[str, str], list[str]] = {}
        for zone in item.zones:
            bar = bound.item.bar_at(zone, item.start_ms)
            if bar is not None:
                together.setdefault((bar.reason.value, bar.rule), []).append(zone)
            elif zone in parts.power.without_mains:
                together.setdefault((OccurrenceReason.NO_MAINS.value, ""), []).append(zone)
        for (reason, rule), zones in together.items():
            yield asked.Kept(tuple(zones), reason, rule)


# --- what every request at the station goes through ----------------------------------------


def locally(
    site: Site,
    zones: tuple[str, ...],
    act: Callable[[tuple[str, ...]], Verdict],
    entry: Callable[[], str] = str,
) -> asked.Done | asked.Refused:
    """Do it in zones by name; none: all. entry: names what the act has only taken up."""
    names = [zone.name for zone in site.zones]
    unknown = [zone for zone in zones if zone not in names]
    if unknown:
        detail = f"{', '.join(unknown)}; zones: {', '.join(names)}"
        return asked.Refused(AckReason.UNKNOWN_ZONE.value, detail)
    answer = told(act(tuple(zone for zone in names if not zones or zone in zones)))
    if isinstance(answer, asked.Done):
        return msgspec.structs.replace(answer, entry=entry())
    return answer


def told(verdict: Verdict) -> asked.Done | asked.Refused:
    """The answer to who asked at the station."""
    _, reason, detail = verdict
    return asked.Done(detail) if reason is None else asked.Refused(reason.value, detail)
