"""What is counted while the agent and the box run: starts, losses, and that the supply was low.

Owns these counts and the newest reading of the box. Counts since the agent began are of this life;
what counts the box's own starts survives in the facts.
"""

from __future__ import annotations

import msgspec

from agent.core.events import (
    ControllerSeen,
    Event,
    HostSeen,
    LinkChanged,
    PlaceSeen,
    PlayerLost,
    SoundStarted,
)
from agent.core.facts import BoxMemory, Facts

BOX = ""
"""The one fact of its kind."""


class Running:
    """booted_ms: when the box started, by the wall of the last look.

    place: where the satellites say the box is; None: nobody said.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.since_ms = 0
        self.booted_ms: int | None = None
        self.connects = 0
        self.items = 0
        self.alarms = 0
        self.sound_lost = 0
        self.controllers_lost = 0
        self.place: PlaceSeen | None = None
        self.host_looked = False
        self._connected = False
        self._sounding = False
        self._controllers: dict[str, str] = {}

    def note(self, event: Event, wall_ms: int) -> None:
        """Count what this event is, if it is to be counted."""
        match event:
            case LinkChanged(connected=connected):
                self.connects += connected and not self._connected
                self._connected = connected
            case SoundStarted(part=0):
                self.items += 1
                self._sounding = True
            case PlayerLost():
                self.sound_lost += self._sounding
                self._sounding = False
            case ControllerSeen(controller=name, state=state):
                self.controllers_lost += state == "lost" and self._controllers.get(name) == "ready"
                self._controllers[name] = state
            case HostSeen():
                self.host_looked = True
                if event.uptime_s is not None:
                    self.booted_ms = wall_ms - event.uptime_s * 1_000
                self._box(event)
            case PlaceSeen():
                self.place = event
            case _:
                pass

    def _box(self, seen: HostSeen) -> None:
        """A run of the box is known by its id; the supply's low is kept for as long as it lasts."""
        held = self.box
        if seen.boot_id and seen.boot_id != held.boot_id:
            held = BoxMemory(seen.boot_id, held.boots + 1)
        if seen.undervoltage is not None and held.undervoltage is None:
            held = msgspec.structs.replace(held, undervoltage=False)
        if seen.undervoltage:
            held = msgspec.structs.replace(held, undervoltage=True)
        if held != self.box:
            self._facts.put("box", BOX, held)

    @property
    def box(self) -> BoxMemory:
        return self._facts.box.get(BOX, BoxMemory())
