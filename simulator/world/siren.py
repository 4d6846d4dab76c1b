"""Warnings: what came in time and was in reach is heard, and again as often as it repeats.

Owns invariant 2. Times without power, sound, speech or the right hour are excused.
"""

from __future__ import annotations

from itertools import pairwise

from agent.contract.documents import Warnings
from simulator.world.box import Box
from simulator.world.evidence import Case, File, Seen, complete, quiet_stretch, whole
from simulator.world.timetable import selects


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
        heard = all(any(whole(one, zone) for one in plays) for zone in seen.zones) or excused
        others = sum(
            1
            for other in file.warnings.values()
            if other.received_ms < seen.until_ms and other.until_ms > seen.received_ms
        )
        need_ms = 45_000 + 2 * others * seen.length_ms
        if not heard and quiet_stretch(seen.received_ms, now_ms, file.troubles) > need_ms:
            self._case.fail(2, box, f"warning {key} was in reach and never heard")
        self._repeated(box, key, seen, need_ms)
        self._case.count("warnings heard" if heard else "warnings out of reach")

    def _repeated(self, box: Box, key: tuple[str, str, int], seen: Seen, need_ms: int) -> None:
        """A warning that repeats is never silent for long while nothing is wrong."""
        file = self._case.file(box)
        begun = sorted(one.begins_ms for one in file.warned.get(key, []))
        ends = [*begun, min(seen.until_ms, box.clock.now_ms)]
        for from_ms, to_ms in pairwise([seen.received_ms, *ends]):
            silent_ms = quiet_stretch(from_ms, to_ms, file.troubles)
            if seen.repeat_ms and silent_ms > seen.repeat_ms + need_ms:
                self._case.fail(
                    2, box, f"warning {key} was silent for {silent_ms} ms from {from_ms}"
                )
