"""Warnings: what came in time and was in reach is heard, and again as often as it repeats.

Owns invariant 2, zone by zone, and of invariant 4 that nobody hears a warning twice in a row. Times
without power, sound, speech or the right hour are excused, and those in which a zone had no mains;
after them it has to be heard.
"""

from __future__ import annotations

from itertools import pairwise

from agent.contract.documents import Warnings
from simulator.world.box import Box
from simulator.world.evidence import Case, File, Seen, common, complete, quiet_stretch, whole
from simulator.world.sound import Played
from simulator.world.timetable import selects

WAIT_MS = 65_000
"""A zone that missed a warning may wait so long for the next beat."""

SILENT_MS = 9_500
"""At least so long a zone is silent between two plays."""

NOTICE_MS = 1_000
"""Until somebody sees that mains failed."""


def _unnoticed_ms(box: Box, played: Played, zone: str) -> int:
    """Mains that failed as a play ended are noticed when it has ended."""
    ended_ms = played.ended_ms if played.ended_ms is not None else played.counted_ms
    near_its_end = (low for low, _ in box.dark(zone) if ended_ms - NOTICE_MS <= low <= ended_ms)
    return max((ended_ms - low for low in near_its_end), default=0)


class Siren:
    def __init__(self, case: Case) -> None:
        self._case = case

    def warned(self, box: Box, file: File, said: Warnings) -> None:
        now_ms = box.clock.now_ms
        mine = {key: seen for key, seen in file.warnings.items() if key[0] == said.audience}
        present = {(said.audience, one.id, one.revision): one for one in said.warnings}
        for key, seen in mine.items():
            still = key in present and not present[key].cancelled
            if not still and seen.until_ms > now_ms:
                seen.until_ms = now_ms
                self._check_warning(box, key, seen)
        for key, one in present.items():
            if one.cancelled or key in file.warnings:
                continue
            zones = frozenset(
                zone.name for zone in box.site.zones if selects(one.zones, zone.name, zone.tags)
            )
            length_ms = 3_000 + sum(1_000 + 70 * (len(text) + 60) for text in one.texts.values())
            until_ms = one.valid_until_ms - self._case.wall0_ms
            seen = file.warnings[key] = Seen(
                now_ms, until_ms, length_ms, zones, one.repeat_every_ms
            )
            box.clock.at(until_ms, lambda key=key, seen=seen: self._check_warning(box, key, seen))  # type: ignore[misc]

    def _check_warning(self, box: Box, key: tuple[str, str, int], seen: Seen) -> None:
        """A warning that had its chance was heard."""
        file, now_ms = self._case.file(box), box.clock.now_ms
        if seen.judged or not seen.zones:
            return
        seen.judged = True
        if box.life is not None and box.life.card is not None:
            box.life.card.count()
        plays = [one for one in file.warned.get(key, []) if complete(one, now_ms)]
        excused = any(
            low < (one.ended_ms or now_ms) and one.begins_ms < high
            for one in plays
            for low, high in file.troubles
        )
        missed = [
            zone
            for zone in sorted(seen.zones)
            if not any(whole(one, zone, _unnoticed_ms(box, one, zone)) for one in plays)
        ]
        others = sum(
            1
            for other in file.warnings.values()
            if other.received_ms < seen.until_ms and other.until_ms > seen.received_ms
        )
        need_ms = 45_000 + 2 * others * seen.length_ms + (WAIT_MS if seen.repeat_ms else 0)
        for zone in [] if excused else missed:
            spans = [*file.troubles, *box.dark(zone)]
            if quiet_stretch(seen.received_ms, now_ms, spans) > need_ms:
                self._case.fail(2, box, f"warning {key} was in reach of {zone} and never heard")
        self._repeated(box, key, seen, need_ms)
        self._not_twice(box, key, seen, plays)
        self._case.count("warnings out of reach" if missed and not excused else "warnings heard")

    def _repeated(self, box: Box, key: tuple[str, str, int], seen: Seen, need_ms: int) -> None:
        """A warning that repeats is never silent for long while nothing is wrong.

        After it was delayed, the beat that follows at once is left out.
        """
        file = self._case.file(box)
        # Where no zone has mains nothing is said.
        dark = [box.dark(zone) for zone in sorted(seen.zones)]
        spans = [*file.troubles, *common(dark)]
        begun = sorted(one.begins_ms for one in file.warned.get(key, []))
        ends = [*begun, min(seen.until_ms, box.clock.now_ms)]
        for from_ms, to_ms in pairwise([seen.received_ms, *ends]):
            silent_ms = quiet_stretch(from_ms, to_ms, spans)
            if seen.repeat_ms and silent_ms > seen.repeat_ms * 3 // 2 + need_ms:
                self._case.fail(
                    2, box, f"warning {key} was silent for {silent_ms} ms from {from_ms}"
                )

    def _not_twice(
        self, box: Box, key: tuple[str, str, int], seen: Seen, plays: list[Played]
    ) -> None:
        """A zone that heard all of it is left alone until the next beat, whatever others missed."""
        file = self._case.file(box)
        spans = [*file.troubles, *file.clock_troubles, *file.stalls]
        for zone in sorted(seen.zones):
            heard = sorted(
                (one for one in plays if len(one.sources) > 1 and whole(one, zone)),
                key=lambda one: one.begins_ms,
            )
            for one, other in pairwise(heard):
                ended_ms = one.ended_ms if one.ended_ms is not None else one.begins_ms
                silent_ms = other.begins_ms - ended_ms
                if silent_ms >= SILENT_MS and seen.repeat_ms:
                    continue
                if not any(low <= other.begins_ms and one.begins_ms <= high for low, high in spans):
                    what = f"warning {key} is said to {zone} again after {silent_ms} ms"
                    self._case.fail(4, box, what)
