"""The oracle: looks at what was signed, what was heard and what was reported, and says when they
do not agree. Never asks the core what it thinks happened.

Numbers are those of the invariants: 1 nothing unsigned, 2 warnings heard, 3 one outcome each,
4 nothing twice, 6 converges, 7 bounded, 9 honest, 10 within the rules of the air (0: the core
raised). Takes from the station only
which revisions it holds. Sound is the ear's, outcomes are the clerk's, warnings the siren's.
"""

from __future__ import annotations

from agent.contract.documents import Warnings
from agent.core.effects import Batch
from agent.core.events import Booted, Event, HousekeepingDue, MessageArrived, Now
from agent.core.facts import HeldDocument
from simulator.world.box import Box
from simulator.world.clerk import Clerk
from simulator.world.ear import Ear
from simulator.world.evidence import Case, File, Violation
from simulator.world.notary import Notary
from simulator.world.office import Office
from simulator.world.siren import Siren
from simulator.world.sound import Played
from simulator.world.trace import Trace
from simulator.world.warden import Warden

EVENTS_A_SECOND_MAX = 250

DocumentKey = tuple[str, str, str]


class Judge:
    """Watches every box of one world."""

    def __init__(self, office: Office, trace: Trace, wall0_ms: int, progress_ms: int) -> None:
        self.case = Case(office, trace, wall0_ms, progress_ms)
        self._ear, self._clerk, self._siren = Ear(self.case), Clerk(self.case), Siren(self.case)
        self._warden = Warden(self.case)
        self._notary = Notary(self.case, self._warden)
        office.broker.collector.on_new = self._clerk.arrived
        office.broker.collector.on_clash = self._clerk.clashed

    def add(self, box: Box) -> None:
        self.case.files[box.site.station] = File()
        self.case.boxes[box.site.station] = box

    def file(self, box: Box) -> File:
        return self.case.file(box)

    def trouble(self, box: Box, from_ms: int, to_ms: int) -> None:
        """From now on a warning may be late here, until `to_ms`."""
        self.case.file(box).troubles.append((from_ms, to_ms))

    def began(self, box: Box) -> None:
        self.case.trace.note(box.clock.now_ms, box.wall_ms(), box.site.station, "the agent begins")

    def broke(self, box: Box, event: Event, error: Exception) -> None:
        raise Violation(
            0, box.site.station, f"the core raised {error!r} on {type(event).__name__}"
        ) from error

    def handled(self, box: Box, event: Event, now: Now, batch: Batch) -> None:
        station = box.site.station
        self.case.trace.event(box.clock.now_ms, now.wall_ms, station, event, batch)
        self._no_rush(box)
        if isinstance(event, MessageArrived | Booted):
            self._documents(box, isinstance(event, Booted))
        elif isinstance(event, HousekeepingDue):
            self._bounds(box)

    def sounds(self, box: Box, played: Played) -> None:
        """A cue began to sound."""
        self._ear.sounds(box, played)

    def _no_rush(self, box: Box) -> None:
        """A station that turns in circles wears out its card and its processor."""
        file, second = self.case.file(box), box.clock.now_ms // 1_000
        file.in_second = file.in_second + 1 if second == file.second else 0
        file.second = second
        if file.in_second > EVENTS_A_SECOND_MAX:
            self.case.fail(7, box, f"more than {EVENTS_A_SECOND_MAX} events in a second")

    def _documents(self, box: Box, booted: bool) -> None:
        """Which revisions the station holds now; they never go back in one life."""
        life, file = box.life, self.case.file(box)
        if life is None:
            return
        facts = life.station.facts.documents
        if booted or len(facts) < len(file.documents):
            held = {(one.authority, one.audience, one.kind): one for one in facts.values()}
            self._let_go(box, file, held, booted=booted)
        for document in facts.values():
            key = (document.authority, document.audience, document.kind)
            before = file.documents.get(key, 0)
            if document.revision == before:
                continue
            if document.revision < before and not booted:
                self.case.fail(6, box, f"{key} went back from revision {before}")
            if document.digest not in self.case.office.digests:
                self.case.fail(1, box, f"{key} revision {document.revision} was never signed")
            file.documents[key] = document.revision
            if document.kind == "schedule":
                since_ms = box.clock.now_ms
                file.held.setdefault(document.audience, []).append((since_ms, document.revision))
            elif document.kind == "warning":
                said = self.case.office.digests[document.digest]
                if isinstance(said, Warnings):
                    self._siren.warned(box, file, said)
        if booted and {one.key for one in life.station.inbox.documents.values()} != {
            (one.authority, one.audience, one.kind) for one in facts.values()
        }:
            self.case.fail(6, box, "a held document was not taken up again")

    def _let_go(
        self, box: Box, file: File, held: dict[DocumentKey, HeldDocument], *, booted: bool
    ) -> None:
        """What never became durable was not received after all; a key's end ends its words too."""
        for key, before in list(file.documents.items()):
            now = held[key].revision if key in held else 0
            if now == before or (now > before and not booted):
                continue
            if now == 0:
                retired = {authority for authority, _ in self.case.office.retired}
                if not booted and key[0] not in retired:
                    self.case.fail(6, box, f"{key} was let go, and its key still counts")
                del file.documents[key]
                if key[2] == "schedule":
                    file.held.setdefault(key[1], []).append((box.clock.now_ms, 0))
            if key[2] == "warning":
                for mine, seen in file.warnings.items():
                    seen.judged |= mine[0] == key[1]

    def _bounds(self, box: Box) -> None:
        life = box.life
        if life is None:
            return
        station = life.station
        sizes = {
            "open items": (len(station.facts.open), 12),
            "settled": (len(station.facts.settled), 2_600),
            "warnings": (len(station.facts.warnings), 200),
            "facts on disk": (len(box.disk.facts), 3_500),
            "items": (len(station.air.items), 600),
            "cues": (len(station.air.sent), 12),
        }
        for name, (size, most) in sizes.items():
            if size > most:
                self.case.fail(7, box, f"{size} {name}, at most {most}")

    def close(self, box: Box, until_ms: int) -> None:
        """After a quiet time: everything planned up to `until_ms` has its outcome there."""
        self._converged(box)
        self._ear.leaks(box)
        self._warden.look(box)
        self._notary.look(box)
        self._clerk.all_told(box, until_ms)
        self._clerk.card_told(box)
        self._clerk.all_arrived(box)
        self._clerk.all_chained(box)

    def _converged(self, box: Box) -> None:
        file = self.case.file(box)
        for document in (one for _, one in self.case.office.current.values()):
            kind = document.__class__.__name__.lower().removesuffix("s")
            if kind == "warning" and document.accept_until_ms < self.case.office.wall_ms():
                continue
            audiences = {audience for _, audience, _ in file.documents}
            if document.audience not in audiences:
                continue
            key = (document.authority, document.audience, kind)
            if file.documents.get(key) != document.revision:
                held = file.documents.get(key)
                self.case.fail(6, box, f"{key} is at {held}, not at {document.revision}")
