"""Bought amplifiers that speak lines of ASCII, behind the same contract as our own.

Owns the conversation: one question at a time, the profile's gap between commands, state
read back after every command. Does not own the vocabulary (`profiles`) or any port.

Invariants: an echo is never taken for an answer; what was not read back is not confirmed;
the buffer for incoming bytes is bounded. Such equipment has no leases: the reading says
`unsupported`, and a stalled holder makes the driver mute the zones itself, which is the
best a box can do that is still alive. It has no identity either: the id is the profile's
name, and adoption compares that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerReading,
    ControllerWish,
    LeaseSupport,
    LinkState,
    LinkWhy,
    ZoneReading,
    ZoneWish,
)
from firmware_bridge.drivers.profiles import AsciiProfile, ProfileError
from firmware_bridge.leases import Holder
from firmware_bridge.recorder import FrameRecorder
from firmware_bridge.session import MISSING_PORT_MS, Trigger, backoff_ms, next_state

ANSWER_MS = 600
TRIES = 3
POLL_MS = 5_000
MAX_LINE = 256


class AsciiAmplifier:
    """Implements `drivers.contract.Driver` for one profile."""

    def __init__(
        self, profile: AsciiProfile, *, adopted_id: str | None, jitter: Callable[[], float]
    ) -> None:
        self._profile = profile
        self._adopted_id = adopted_id
        self._jitter = jitter
        self._recorder = FrameRecorder()
        self._holder = Holder()
        self._state = LinkState.CLOSED
        self._why = LinkWhy.STARTING
        self._stopping = False
        self._open_at_ms: int | None = None
        self._failures = 0
        self._wish: ControllerWish | None = None
        self._refused = False
        self._to_send: deque[bytes] = deque()
        self._to_ask: deque[int] = deque()
        self._asked: int | None = None
        self._tries = 0
        self._next_ms = 0
        self._poll_at_ms = 0
        self._heard = bytearray()
        self._output = bytearray()
        self._zones: dict[int, ZoneReading] = {}
        self._stalled = False

    @property
    def wants_port(self) -> bool:
        return self._state not in (LinkState.CLOSED, LinkState.FAILED)

    @property
    def stopped(self) -> bool:
        return self._stopping and not self.wants_port

    def start(self, now_ms: int) -> None:
        self._open_at_ms = now_ms
        self.tick(now_ms)

    def stop(self, now_ms: int) -> None:
        """Mute on the way out: nobody else will."""
        self._stopping, self._why = True, LinkWhy.CLOSED_BY_USER
        self._to_ask.clear()
        self._asked = None
        if self._state.usable and self._adopted and self._wish is not None:
            self._to_send = deque(self._mute_commands())
            self._next_ms = min(self._next_ms, now_ms + self._profile.gap_ms)
        else:
            self._move(Trigger.STOP, now_ms)

    def port_opened(self, now_ms: int) -> None:
        self._heard.clear()
        self._zones.clear()
        self._to_send.clear()
        self._asked = None
        self._next_ms = now_ms
        self._move(Trigger.OPENED, now_ms)
        self._to_ask = deque([1])
        self.tick(now_ms)

    def port_failed(self, why: LinkWhy, now_ms: int) -> None:
        opening = self._state is LinkState.OPENING
        self._fail(Trigger.OPEN_FAILED if opening else Trigger.PORT_LOST, why, now_ms)
        if opening:
            self._wait_to_open(now_ms)

    def port_closed(self, now_ms: int) -> None:
        self._move(Trigger.PORT_CLOSED, now_ms)
        self._wait_to_open(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        heard = (bytes(self._heard) + data)[-MAX_LINE:]
        self._heard[:] = heard
        for found in self._profile.answer.finditer(heard):
            zone = int(found["zone"])
            if self._asked == zone:
                self._heard.clear()
                self._learn(zone, found.groupdict(), now_ms)

    def tick(self, now_ms: int) -> None:
        if self._state is LinkState.CLOSED:
            if self._open_at_ms is not None and now_ms >= self._open_at_ms and not self._stopping:
                self._move(Trigger.START, now_ms)
        elif self.wants_port and now_ms >= self._next_ms:
            self._step(now_ms)
        if self._state.usable and not self._stopping:
            self._watch_holder(now_ms)
            self._poll(now_ms)

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        return output

    def wakes_at_ms(self) -> int | None:
        if self._state is LinkState.CLOSED:
            return self._open_at_ms
        busy = self._asked is not None or self._to_ask or self._to_send or self._stopping
        return self._next_ms if busy else self._poll_at_ms

    def set_wish(self, wish: ControllerWish, now_ms: int) -> None:
        if wish == self._wish:
            return
        self._wish = wish
        self._assert_wish(now_ms)

    def keep_alive(self, progress_mono_ms: int) -> None:
        self._holder.mark(progress_mono_ms)

    def adopt(self, controller_id: str | None, now_ms: int) -> None:
        if controller_id != self._adopted_id:
            self._adopted_id = controller_id
            self._assert_wish(now_ms)

    def reading(self) -> ControllerReading:
        numbers = range(1, self._profile.zones + 1)
        return ControllerReading(
            state=self._state,
            why=self._why_now(),
            controller_id=self._profile.name if self._state.usable else None,
            adopted=self._adopted,
            lease=LeaseSupport.UNSUPPORTED,
            zones=tuple(self._zones.get(number, ZoneReading(number)) for number in numbers),
        )

    def history(self) -> str:
        return self._recorder.take()

    # --- conversation ---------------------------------------------------------------

    def _step(self, now_ms: int) -> None:
        """Send what is next: commands before questions; an unanswered question again."""
        if self._to_send:
            self._say(self._to_send.popleft(), self._profile.gap_ms, now_ms)
        elif self._stopping:
            self._move(Trigger.STOP, now_ms)
        elif self._asked is not None and self._tries >= TRIES:
            self._fail(Trigger.GIVEN_UP, LinkWhy.NO_ANSWER, now_ms)
        elif self._asked is not None or self._to_ask:
            self._ask(now_ms)

    def _ask(self, now_ms: int) -> None:
        if self._asked is None:
            self._asked = self._to_ask.popleft()
            self._tries = 0
        self._tries += 1
        self._heard.clear()
        self._say(self._profile.question(self._asked), ANSWER_MS, now_ms)

    def _say(self, data: bytes, wait_ms: int, now_ms: int) -> None:
        self._recorder.note(f"> {data!r}", now_ms)
        self._output += data
        self._next_ms = now_ms + wait_ms

    def _learn(self, zone: int, values: Mapping[str, bytes], now_ms: int) -> None:
        gain_cdb = self._profile.gain_of(int(values["volume"]))
        source = int(values["source"]) - self._profile.first_source
        self._recorder.note(f"< zone {zone} {dict(values)}", now_ms)
        self._asked = None
        self._next_ms = now_ms + self._profile.gap_ms
        seen = ZoneReading(zone, int(values["gate"]) == 1, gain_cdb, source, at_mono_ms=now_ms)
        self._zones[zone] = replace(seen, confirmed=self._confirmation(seen))
        if self._state is LinkState.HELLO:
            self._failures = 0
            self._why = LinkWhy.OK
            self._move(Trigger.GREETED, now_ms)
            self._move(Trigger.CONFIGURED, now_ms)
            self._assert_wish(now_ms)

    def _poll(self, now_ms: int) -> None:
        """Read every zone again; a zone that is not as wished is set again by the way."""
        if now_ms < self._poll_at_ms or self._to_send or self._to_ask:
            return
        self._poll_at_ms = now_ms + POLL_MS
        if any(zone.confirmed is Confirmation.NO for zone in self._zones.values()):
            self._assert_wish(now_ms)
        else:
            self._to_ask.extend(range(1, self._profile.zones + 1))

    def _assert_wish(self, now_ms: int) -> None:
        """Queue the commands for the whole wish, then read every zone back."""
        if not self._state.usable or self._stopping:
            return
        self._refused = False
        self._to_send.clear()
        if self._wish is not None and self._adopted:
            self._to_send.extend(self._commands(self._wish))
        self._forget_confirmations()
        self._asked = None
        self._to_ask = deque(range(1, self._profile.zones + 1))
        self._poll_at_ms = now_ms + POLL_MS
        self._next_ms = min(self._next_ms, now_ms + self._profile.gap_ms)

    def _commands(self, wish: ControllerWish) -> list[bytes]:
        """Mutes first. A wish beyond the profile's range is refused and its zone muted."""
        alive = self._holder.progress_ms is not None and not self._stalled
        commands: list[bytes] = []
        for zone in sorted(map(wish.of, self._numbers), key=lambda zone: zone.gate):
            try:
                commands += self._profile.commands(zone if alive else _muted(zone))
            except ProfileError as error:
                self._refused = True
                self._recorder.note(f"refused: {error}", self._next_ms)
                commands += self._profile.commands(_muted(zone))
        return commands

    def _mute_commands(self) -> list[bytes]:
        return [
            command
            for number in self._numbers
            for command in self._profile.commands(ZoneWish(number, gate=False))
        ]

    def _watch_holder(self, now_ms: int) -> None:
        wish = self._wish
        stalled = wish is not None and wish.any_gate and not self._holder.alive(now_ms)
        if stalled != self._stalled:
            self._stalled = stalled
            self._assert_wish(now_ms)

    # --- state and knowledge ------------------------------------------------------------

    @property
    def _numbers(self) -> range:
        return range(1, self._profile.zones + 1)

    @property
    def _adopted(self) -> bool:
        return self._adopted_id == self._profile.name

    def _forget_confirmations(self) -> None:
        for number, zone in self._zones.items():
            self._zones[number] = replace(zone, confirmed=Confirmation.UNKNOWN)

    def _confirmation(self, seen: ZoneReading) -> Confirmation:
        if self._wish is None or not self._adopted:
            return Confirmation.UNKNOWN
        wish = self._wish.of(seen.zone)
        if not wish.gate:
            return Confirmation.NO if seen.gate else Confirmation.YES
        try:
            volume = self._profile.volume_of(wish.gain_cdb)
        except ProfileError:
            return Confirmation.NO
        met = (seen.gate, seen.gain_cdb, seen.source) == (
            True,
            self._profile.gain_of(volume),
            wish.source,
        )
        return Confirmation.YES if met else Confirmation.NO

    def _why_now(self) -> LinkWhy:
        if not self._state.usable or self._stopping:
            return self._why
        if not self._adopted:
            known = self._adopted_id is not None
            return LinkWhy.OTHER_CONTROLLER if known else LinkWhy.NOT_ADOPTED
        if self._stalled:
            return LinkWhy.HOLDER_STALLED
        beyond = self._wish is not None and any(
            zone.zone > self._profile.zones for zone in self._wish.zones
        )
        return LinkWhy.WISH_REFUSED if self._refused or beyond else self._why

    def _move(self, trigger: Trigger, now_ms: int) -> None:
        before, self._state = self._state, next_state(self._state, trigger)
        self._recorder.note(f"{before} -> {self._state}: {trigger}", now_ms)

    def _fail(self, trigger: Trigger, why: LinkWhy, now_ms: int) -> None:
        if not self._stopping:
            self._why = why
            self._failures += 1
        self._asked = None
        self._zones.clear()
        self._output.clear()
        self._move(trigger, now_ms)

    def _wait_to_open(self, now_ms: int) -> None:
        if self._stopping:
            self._open_at_ms = None
        elif self._why in (LinkWhy.PORT_MISSING, LinkWhy.PORT_LOST):
            self._open_at_ms = now_ms + MISSING_PORT_MS
        else:
            self._open_at_ms = now_ms + backoff_ms(max(self._failures, 1), self._jitter())


def _muted(zone: ZoneWish) -> ZoneWish:
    return ZoneWish(zone.zone, gate=False)
