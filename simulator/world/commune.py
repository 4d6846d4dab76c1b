"""A commune with its own operating regulation: it asks to be asked, and keeps zones quiet.

Owns what the commune's people do in the world. Whether a station obeyed is the warden's question.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from agent.contract.documents import AirWindow, Regulation, Settings, VolumeCeiling, ZoneSelector
from agent.core.approvals import digest_of_entry
from agent.core.events import Requested
from agent.core.requests import ApproveRequest, QuietRequest
from simulator.world.box import Box
from simulator.world.chance import again, log_uniform
from simulator.world.signing import PROVINCE
from simulator.world.timetable import TAGS, VIETNAM, local

if TYPE_CHECKING:
    from simulator.world.world import World

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ASKED_ID = 77


def rules(world: World, rng: Random) -> None:
    """A regulation from the first minute on; approvals, and quiet for funerals and exams."""
    office = world.office
    home = office.desks["g/vung"]
    settings = Settings(regulation=_regulation(world, rng), approvals=())
    world.judge.case.asks = True
    office.push(home, home.schedules[-1].entries, settings)

    def quiet(box: Box) -> None:
        if box.life is None:
            return
        names = [zone.name for zone in box.site.zones]
        zones = tuple(sorted(rng.sample(names, rng.randint(1, len(names)))))
        until_ms = box.wall_ms() + log_uniform(rng, 20 * MINUTE_MS, 20 * HOUR_MS)
        if rng.random() < 0.2:
            until_ms = 0
        file = world.judge.file(box)
        file.quiet.append((world.clock.now_ms, frozenset(zones), until_ms))
        world.note(f"quiet in {zones} until {until_ms}", box.site.station)
        box.tell(Requested(ASKED_ID, "cán bộ", QuietRequest(zones, until_ms, "tang lễ")))

    def decide(box: Box) -> None:
        if box.life is None:
            return
        entry = rng.choice(office.desks["g/tinh"].schedules[-1].entries)
        yes = rng.random() < 0.85
        place = None
        if yes and entry.when.tz == VIETNAM and rng.random() < 0.2:
            later = local(world.wall_ms() + rng.randint(2, 600) * MINUTE_MS)
            place = f"{later:%H:%M}"
            world.judge.case.placed.add(entry.id)
        file = world.judge.file(box)
        file.approved.setdefault(entry.id, []).append((world.clock.now_ms, yes))
        world.note(f"{'yes' if yes else 'no'} to {entry.id} {place}", box.site.station)
        digest = digest_of_entry(entry)
        body = ApproveRequest(PROVINCE, entry.id, digest, "cán bộ", "pin", yes, place=place)
        box.tell(Requested(ASKED_ID, "cán bộ", body))

    again(world, rng, 9 * HOUR_MS, quiet)
    again(world, rng, 8 * HOUR_MS, decide)


def _regulation(world: World, rng: Random) -> Regulation:
    """Mornings and evenings; in half of the communes with minutes and sessions to keep to."""
    morning = f"{rng.randint(0, 5):02}:{rng.choice((0, 10, 30)):02}-{rng.randint(8, 12):02}:00"
    evening = f"{rng.randint(13, 17):02}:15-{rng.choice(('21:00', '22:30', '24:00'))}"
    zones = rng.choice((None, None, ZoneSelector(tags=(TAGS[0],))))
    limit = rng.choice((None, None, rng.randint(5, 60) * MINUTE_MS))
    days = rng.choice(((), (), (1, 2, 3, 4, 5)))
    silent = local(world.wall_ms() + rng.randint(1, 6) * DAY_MS).date().isoformat()
    return Regulation(
        title="Quy chế hoạt động",
        document_number="12/2026/QĐ-UBND",
        windows=(
            AirWindow(hours=morning, zones=zones, session_ms=limit, days=days),
            AirWindow(hours=evening, zones=zones, session_ms=limit),
        ),
        silent_dates=rng.choice(((), (silent,))),
        sessions_per_day=rng.choice((None, 1, 2)),
        ceilings=(VolumeCeiling(hours="17:00-09:00", volume=45),),
    )
