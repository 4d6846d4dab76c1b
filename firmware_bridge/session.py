"""The host's conversation with one controller of our own make, as a state machine.

Owns the table of states, the handshake, reconnect back-off, the reconciliation of what is
wished with what the controller reports, and lease renewal. Does not own bytes on the wire
(`framing`, `link`), ports, threads or clocks: time is an argument and jitter is passed in.

Invariants: `state` changes only through `TABLE`; a pair that is not in it raises
`ImpossibleTransitionError`, because it is our mistake; nothing the line brings raises. Only
state-setting messages are sent. Nothing that could switch a loudspeaker on is sent to a
controller that is not adopted, nor while the holder is not alive. Every state except
CLOSED-after-stop has a timer or a request in flight that ends it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from firmware_bridge.drivers.contract import (
    ControllerReading,
    ControllerWish,
    LinkState,
    LinkWhy,
    Power,
    ZonePolicy,
    ZoneWish,
)
from firmware_bridge.framing import Decoder, Frame, FrameError, FrameKind
from firmware_bridge.knowledge import compose_reading, wish_met
from firmware_bridge.leases import (
    GATE_LEASE_MS,
    GATE_RENEW_MS,
    POWER_LEASE_S,
    POWER_RENEW_MS,
    Holder,
)
from firmware_bridge.link import Answered, Job, Lost, Priority, Requester
from firmware_bridge.messages import (
    PROTOCOL_MAJOR,
    Apply,
    Capability,
    Done,
    Health,
    Hello,
    MessageError,
    MuteAll,
    NakReason,
    ReadHealth,
    ReadState,
    Refused,
    Renew,
    Renewed,
    Request,
    SetConfig,
    State,
    ZoneSetting,
    decode_from_controller,
    greeting,
)
from firmware_bridge.recorder import FrameRecorder

FIRST_BACKOFF_MS = 1_000
LONGEST_BACKOFF_MS = 60_000
MISSING_PORT_MS = 1_000
GOODBYE_MS = 300
ACTIVE_POLL_MS = 5_000
IDLE_POLL_MS = 10_000
IDLE_HEALTH_MS = 30_000
SETTLE_MS = 500
UNEXPECTED_RETRY_MS = 1_000
INCOMPATIBLE_POLL_MS = 30_000
LOSSES_TO_GIVE_UP = 2
_WINDOW = 20
_NOISY_AT = 5
_QUIET_AT = 2


class Trigger(StrEnum):
    START = "start"
    OPENED = "opened"
    OPEN_FAILED = "open_failed"
    GREETED = "greeted"
    WRONG_MAJOR = "wrong_major"
    CONFIGURED = "configured"
    TROUBLED = "troubled"
    RECOVERED = "recovered"
    REBOOTED = "rebooted"
    GIVEN_UP = "given_up"
    PORT_LOST = "port_lost"
    STOP = "stop"
    PORT_CLOSED = "port_closed"


_S, _T = LinkState, Trigger
_LEAVING = {_T.GIVEN_UP: _S.FAILED, _T.PORT_LOST: _S.FAILED, _T.STOP: _S.FAILED}

TABLE: Mapping[LinkState, Mapping[Trigger, LinkState]] = {
    _S.CLOSED: {_T.START: _S.OPENING, _T.STOP: _S.CLOSED},
    _S.OPENING: {_T.OPENED: _S.HELLO, _T.OPEN_FAILED: _S.CLOSED, _T.STOP: _S.CLOSED},
    _S.HELLO: {_T.GREETED: _S.CONFIGURING, _T.WRONG_MAJOR: _S.INCOMPATIBLE, **_LEAVING},
    _S.CONFIGURING: {_T.CONFIGURED: _S.READY, _T.REBOOTED: _S.HELLO, **_LEAVING},
    _S.READY: {_T.TROUBLED: _S.DEGRADED, _T.REBOOTED: _S.HELLO, **_LEAVING},
    _S.DEGRADED: {_T.RECOVERED: _S.READY, _T.REBOOTED: _S.HELLO, **_LEAVING},
    _S.INCOMPATIBLE: {_T.REBOOTED: _S.HELLO, **_LEAVING},
    _S.FAILED: {_T.PORT_CLOSED: _S.CLOSED, _T.PORT_LOST: _S.FAILED, _T.STOP: _S.FAILED},
}


class ImpossibleTransitionError(Exception):
    """Our own mistake: this trigger cannot happen in this state."""


def next_state(state: LinkState, trigger: Trigger) -> LinkState:
    try:
        return TABLE[state][trigger]
    except KeyError:
        raise ImpossibleTransitionError(f"{trigger} in {state}") from None


def backoff_ms(failures: int, jitter: float) -> int:
    """1, 2, 4 ... 60 s, spread by 30 % either way; `jitter` is in [0, 1)."""
    plain = min(FIRST_BACKOFF_MS * 2 ** min(failures - 1, 10), LONGEST_BACKOFF_MS)
    return int(plain * (0.7 + 0.6 * jitter))


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """What the controller is told to keep: lease times, and each zone's fallback."""

    policies: Mapping[int, ZonePolicy]
    gate_lease_ms: int = GATE_LEASE_MS
    power_lease_s: int = POWER_LEASE_S

    def message(self, zones: int) -> SetConfig:
        listed = tuple(self.policies.get(zone, ZonePolicy()) for zone in range(1, zones + 1))
        return SetConfig(self.gate_lease_ms, self.power_lease_s, listed)


class HostSession:
    """The native driver's brain; implements `drivers.contract.Driver`."""

    def __init__(
        self,
        *,
        adopted_id: str | None,
        config: LinkConfig,
        jitter: Callable[[], float],
        observer: bool = False,
    ) -> None:
        """An observer only reads: it neither configures, nor mutes, nor says goodbye."""
        self._observer = observer
        self._adopted_id = adopted_id
        self._config = config
        self._jitter = jitter
        self._recorder = FrameRecorder()
        self._requester = Requester(self._recorder)
        self._decoder = Decoder()
        self._holder = Holder()
        self._state = LinkState.CLOSED
        self._why = LinkWhy.STARTING
        self._stopping = False
        self._goodbye_until_ms: int | None = None
        self._failures = 0
        self._open_at_ms: int | None = None
        self._wish: ControllerWish | None = None
        self._unmet = False
        self._unanswered = False
        self._stalled = False
        self._refused = False
        self._config_refused = False
        self._losses = 0
        self._repeated: deque[bool] = deque(maxlen=_WINDOW)
        self._hello: Hello | None = None
        self._known: State | None = None
        self._known_at_ms = 0
        self._health: Health | None = None
        self._renew_at_ms = self._assert_at_ms = self._health_at_ms = 0
        self._corrected_at_ms: int | None = None

    # --- what the runner calls ------------------------------------------------

    @property
    def wants_port(self) -> bool:
        return self._state not in (LinkState.CLOSED, LinkState.FAILED)

    @property
    def stopped(self) -> bool:
        return self._stopping and self._state in (LinkState.CLOSED, LinkState.FAILED)

    def start(self, now_ms: int) -> None:
        self._open_at_ms = now_ms
        self.tick(now_ms)

    def stop(self, now_ms: int) -> None:
        """Say goodbye if somebody listens: the controller then ends its gate leases at once."""
        self._stopping = True
        self._why = LinkWhy.CLOSED_BY_USER
        if self._state.usable and not self._observer:
            self._goodbye_until_ms = now_ms + GOODBYE_MS
            self._requester.submit(Job("goodbye", Priority.MUTE, b"", FrameKind.RESET), now_ms)
        else:
            self._move(Trigger.STOP, now_ms)

    def port_opened(self, now_ms: int) -> None:
        self._move(Trigger.OPENED, now_ms)
        self._greet(now_ms)

    def port_failed(self, why: LinkWhy, now_ms: int) -> None:
        opening = self._state is LinkState.OPENING
        self._fail(Trigger.OPEN_FAILED if opening else Trigger.PORT_LOST, why, now_ms)
        if opening:
            self._wait_to_open(now_ms)

    def port_closed(self, now_ms: int) -> None:
        self._move(Trigger.PORT_CLOSED, now_ms)
        self._wait_to_open(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        for found in self._decoder.feed(data):
            self._recorder.received(found, now_ms)
            if self.wants_port and not isinstance(found, FrameError):
                self._on_frame(found, now_ms)

    def tick(self, now_ms: int) -> None:
        if self._goodbye_until_ms is not None and now_ms >= self._goodbye_until_ms:
            self._leave(now_ms)
        elif self._state is LinkState.CLOSED:
            if self._open_at_ms is not None and now_ms >= self._open_at_ms:
                self._move(Trigger.START, now_ms)
        elif self.wants_port:
            self._plan(now_ms)
            lost = self._requester.tick(now_ms)
            if lost is not None:
                self._on_lost(lost, now_ms)

    def take_output(self) -> bytes:
        return self._requester.take_output()

    def wakes_at_ms(self) -> int | None:
        """The earliest of all timers that matter in the present state."""
        times = [self._requester.wakes_at_ms(), self._goodbye_until_ms]
        if self._state is LinkState.CLOSED:
            times.append(self._open_at_ms)
        elif self._state is LinkState.INCOMPATIBLE and not self._observer:
            times.append(self._assert_at_ms)
        elif self._state.usable and self._goodbye_until_ms is None:
            times += [self._assert_at_ms, self._health_at_ms]
            if self._renews:
                times.append(self._renew_at_ms)
        return min((time for time in times if time is not None), default=None)

    def set_wish(self, wish: ControllerWish, now_ms: int) -> None:
        """Sent at once when the holder is alive; a repetition changes nothing."""
        if wish == self._wish:
            return
        self._wish = wish
        self._refused = False
        self._unmet = self._unanswered = True
        self._renew_at_ms = min(self._renew_at_ms, now_ms)
        self.tick(now_ms)

    def keep_alive(self, progress_mono_ms: int) -> None:
        self._holder.mark(progress_mono_ms)

    def adopt(self, controller_id: str | None, now_ms: int) -> None:
        if controller_id == self._adopted_id:
            return
        self._adopted_id = controller_id
        self._unmet = True
        self.tick(now_ms)

    def history(self) -> str:
        return self._recorder.take()

    # --- state ----------------------------------------------------------------

    def _move(self, trigger: Trigger, now_ms: int) -> None:
        before, self._state = self._state, next_state(self._state, trigger)
        if before is not self._state:
            self._recorder.note(f"{before} -> {self._state}: {trigger}", now_ms)

    def _fail(self, trigger: Trigger, why: LinkWhy, now_ms: int) -> None:
        if not self._stopping:
            self._why = why
            self._failures += 1
        self._forget_conversation()
        self._move(trigger, now_ms)

    def _forget_conversation(self) -> None:
        self._requester.reset()
        self._decoder = Decoder()
        self._known = None
        self._health = None
        self._losses = 0
        self._repeated.clear()
        self._goodbye_until_ms = None

    def _wait_to_open(self, now_ms: int) -> None:
        if self._stopping:
            self._open_at_ms = None
        elif self._why in (LinkWhy.PORT_MISSING, LinkWhy.PORT_LOST):
            self._open_at_ms = now_ms + MISSING_PORT_MS
        else:
            self._open_at_ms = now_ms + backoff_ms(max(self._failures, 1), self._jitter())

    def _leave(self, now_ms: int) -> None:
        self._forget_conversation()
        self._move(Trigger.STOP, now_ms)

    def _greet(self, now_ms: int) -> None:
        self._forget_conversation()
        self._requester.submit(Job("hello", Priority.MUTE, greeting(), FrameKind.HELLO), now_ms)

    # --- what arrives -----------------------------------------------------------

    def _on_frame(self, frame: Frame, now_ms: int) -> None:
        match frame.kind:
            case FrameKind.HELLO if frame.req == 0:
                self._on_reboot(now_ms)
            case FrameKind.NAK if frame.payload[:1] == bytes((NakReason.NO_SESSION,)):
                if frame.req and self._state is not LinkState.HELLO:
                    self._on_reboot(now_ms)
            case FrameKind.NAK:
                self._requester.repeat_now(frame.req, now_ms)
            case FrameKind.DATA if frame.req == 0:
                self._requester.acknowledge(frame, now_ms)
                if self._state.usable:
                    self._read_state(now_ms)
            case _:
                answered = self._requester.answer(frame, now_ms)
                if answered is not None:
                    self._on_answer(answered, now_ms)

    def _on_reboot(self, now_ms: int) -> None:
        if self._stopping:
            self._leave(now_ms)
        elif self._state is LinkState.HELLO:
            self._requester.repeat_now(0, now_ms)
        else:
            self._why = LinkWhy.REBOOTED
            self._move(Trigger.REBOOTED, now_ms)
            self._greet(now_ms)

    def _on_answer(self, answered: Answered, now_ms: int) -> None:
        self._repeated.append(answered.tries > 1)
        try:
            self._understand(answered.job.key, answered.frame.payload, now_ms)
        except MessageError as error:
            self._recorder.note(f"not understood: {error}", now_ms)
            self._on_lost(Lost(answered.job, answered.tries), now_ms)
            return
        self._losses = 0
        self._judge_line(now_ms)
        if self._state is LinkState.CONFIGURING and self._requester.idle:
            self._fail(Trigger.GIVEN_UP, LinkWhy.CONFIG_REFUSED, now_ms)

    def _understand(self, key: str, payload: bytes, now_ms: int) -> None:
        if key == "goodbye":
            self._leave(now_ms)
        elif key == "hello":
            self._on_hello(Hello.decode(payload), now_ms)
        elif key != "mute":  # the one answer that may come in words of another major version
            self._on_message(key, decode_from_controller(payload), now_ms)
        elif self._state.usable:
            self._read_state(now_ms)

    def _on_hello(self, hello: Hello, now_ms: int) -> None:
        self._hello = hello
        if hello.major != PROTOCOL_MAJOR:
            self._why = LinkWhy.WRONG_VERSION
            self._move(Trigger.WRONG_MAJOR, now_ms)
            self._assert_at_ms = now_ms
            self._plan(now_ms)
            return
        self._config_refused = False
        self._move(Trigger.GREETED, now_ms)
        wanted = self._config.message(hello.zones)
        if self._leases and hello.config_crc != wanted.crc and not self._observer:
            self._ask("config", Priority.STATE, wanted, now_ms)
        else:
            self._read_state(now_ms)

    def _on_message(self, key: str, message: object, now_ms: int) -> None:
        match message:
            case State():
                self._on_state(message, key, now_ms)
            case Health():
                self._health = message
            case Renewed():
                self._on_renewed(message, now_ms)
            case Refused():
                self._on_refused(key, now_ms)
            case Done() if key == "config":
                self._read_state(now_ms)
            case Done():
                pass
            case _:
                raise MessageError(f"{type(message).__name__} does not answer {key}")

    def _on_state(self, state: State, key: str, now_ms: int) -> None:
        if self._known is not None and _audibly_differs(self._known, state):
            self._health_at_ms = min(self._health_at_ms, now_ms + SETTLE_MS)
        self._known, self._known_at_ms = state, now_ms
        if self._state is LinkState.CONFIGURING:
            self._become_ready(state, now_ms)
            return
        met = self._is_met(state)
        if key == "apply":
            self._unanswered = False
            self._refused = self._refused and not met
        if not met:
            self._correct_soon(now_ms)

    def _is_met(self, state: State) -> bool:
        if not self._adopted or self._hello is None:
            return not any(zone.gate for zone in state.zones)
        return self._wish is None or wish_met(self._wish, state, self._hello)

    def _correct_soon(self, now_ms: int) -> None:
        """At once, but no more than once a second when correcting does not help."""
        last_ms = self._corrected_at_ms
        due_ms = now_ms if last_ms is None else max(now_ms, last_ms + UNEXPECTED_RETRY_MS)
        self._assert_at_ms = min(self._assert_at_ms, due_ms)

    def _become_ready(self, state: State, now_ms: int) -> None:
        wanted = self._config.message(len(state.zones))
        foreign_config = self._leases and state.config_crc != wanted.crc
        self._config_refused |= foreign_config and not self._observer
        self._failures = 0
        self._unmet = self._unanswered = True
        self._corrected_at_ms = None
        self._why = LinkWhy.OK
        self._renew_at_ms = self._assert_at_ms = self._health_at_ms = now_ms
        self._move(Trigger.CONFIGURED, now_ms)
        self._plan(now_ms)

    def _on_renewed(self, renewed: Renewed, now_ms: int) -> None:
        if self._wish is None or self._known is None:
            return
        wished = {zone.zone for zone in self._wish.zones if zone.gate}
        power_lost = self._wish.power and renewed.power is Power.OFF
        if wished != set(renewed.gates) or wished & set(renewed.on_policy) or power_lost:
            self._read_state(now_ms)
            return
        if renewed.power is not self._known.power:
            self._read_state(now_ms)
        self._known_at_ms = now_ms

    def _on_refused(self, key: str, now_ms: int) -> None:
        if key == "config":
            self._config_refused = True
            self._read_state(now_ms)
        elif key == "apply":
            self._unanswered = False
            self._refused = True
            self._read_state(now_ms)

    def _on_lost(self, lost: Lost, now_ms: int) -> None:
        if lost.job.key == "goodbye":
            self._leave(now_ms)
            return
        self._losses += 1
        settled = self._state.usable or self._state is LinkState.INCOMPATIBLE
        if not settled or self._losses >= LOSSES_TO_GIVE_UP:
            self._fail(Trigger.GIVEN_UP, LinkWhy.NO_ANSWER, now_ms)
            return
        self._assert_at_ms = now_ms
        self._judge_line(now_ms)

    def _judge_line(self, now_ms: int) -> None:
        noise = sum(self._repeated)
        if self._state is LinkState.READY and (self._losses or noise >= _NOISY_AT):
            self._move(Trigger.TROUBLED, now_ms)
        elif self._state is LinkState.DEGRADED and not self._losses and noise <= _QUIET_AT:
            self._move(Trigger.RECOVERED, now_ms)

    # --- what is sent -----------------------------------------------------------

    @property
    def _adopted(self) -> bool:
        return self._hello is not None and self._hello.controller_id == self._adopted_id

    @property
    def _leases(self) -> bool:
        return self._hello is not None and Capability.LEASES in self._hello.capabilities

    @property
    def _renews(self) -> bool:
        wish = self._wish
        return self._leases and self._adopted and wish is not None and _needs_leases(wish)

    def _ask(self, key: str, priority: Priority, message: Request, now_ms: int) -> None:
        self._requester.submit(Job(key, priority, message.encode()), now_ms)

    def _read_state(self, now_ms: int) -> None:
        if not self._requester.has("state"):
            self._ask("state", Priority.STATE, ReadState(), now_ms)

    def _plan(self, now_ms: int) -> None:
        """Ask for whatever is due. Called often; asks for nothing twice."""
        if self._stopping:
            return
        if self._state is LinkState.INCOMPATIBLE:
            self._plan_incompatible(now_ms)
        elif self._state.usable:
            self._plan_wish(now_ms)
            self._plan_renewal(now_ms)
            self._plan_health(now_ms)

    def _plan_incompatible(self, now_ms: int) -> None:
        if now_ms >= self._assert_at_ms and not self._observer:
            self._assert_at_ms = now_ms + INCOMPATIBLE_POLL_MS
            self._ask("mute", Priority.MUTE, MuteAll(), now_ms)

    def _plan_wish(self, now_ms: int) -> None:
        due = now_ms >= self._assert_at_ms
        if not due and not self._unmet:
            return
        self._corrected_at_ms = now_ms
        if due:
            self._assert_at_ms = now_ms + self._poll_ms
        if self._observer:
            self._read_state(now_ms)
        elif not self._adopted:
            self._keep_muted(now_ms, due=due)
        elif self._wish is not None and self._may_apply(self._wish, now_ms):
            self._assert_wish(self._wish, now_ms)
        elif due:
            self._unanswered = False
            self._read_state(now_ms)
        self._unmet = False

    def _assert_wish(self, wish: ControllerWish, now_ms: int) -> None:
        if self._unmet or not self._requester.has("apply"):
            priority = Priority.MUTE if self._unmet else Priority.STATE
            self._stalled = False
            self._renew_at_ms = now_ms + _renewal_ms(wish)
            self._ask("apply", priority, self._apply_message(wish), now_ms)

    def _keep_muted(self, now_ms: int, *, due: bool) -> None:
        known = self._known
        if known is not None and any(zone.gate for zone in known.zones):
            self._ask("mute", Priority.MUTE, MuteAll(), now_ms)
        if due:
            self._read_state(now_ms)

    def _may_apply(self, wish: ControllerWish, now_ms: int) -> bool:
        return self._holder.alive(now_ms) or not _needs_leases(wish)

    def _apply_message(self, wish: ControllerWish) -> Apply:
        numbers = range(1, self._hello.zones + 1 if self._hello is not None else 1)
        return Apply(wish.power, tuple(_setting(wish.of(zone)) for zone in numbers))

    def _plan_renewal(self, now_ms: int) -> None:
        wish = self._wish
        if wish is None or not self._renews or now_ms < self._renew_at_ms:
            return
        self._renew_at_ms = now_ms + _renewal_ms(wish)
        self._stalled = not self._holder.alive(now_ms)
        if not self._stalled and not self._requester.has("renew"):
            zones = tuple(zone.zone for zone in wish.zones if zone.gate)
            self._ask("renew", Priority.LEASE, Renew(zones, wish.power), now_ms)

    def _plan_health(self, now_ms: int) -> None:
        if now_ms >= self._health_at_ms:
            active = self._wish is not None and self._wish.any_gate
            self._health_at_ms = now_ms + (ACTIVE_POLL_MS if active else IDLE_HEALTH_MS)
            self._ask("health", Priority.TELEMETRY, ReadHealth(), now_ms)

    @property
    def _poll_ms(self) -> int:
        active = self._wish is not None and _needs_leases(self._wish)
        return ACTIVE_POLL_MS if active else IDLE_POLL_MS

    # --- what is known ----------------------------------------------------------

    @property
    def _beyond_its_zones(self) -> bool:
        zones = self._wish.zones if self._wish is not None else ()
        hello = self._hello
        return hello is not None and any(zone.zone > hello.zones for zone in zones)

    def reading(self) -> ControllerReading:
        trusted = self._wish is not None and self._adopted
        return compose_reading(
            ControllerReading(
                state=self._state,
                why=self._why_now(),
                adopted=self._adopted,
                retransmits=self._requester.retransmits,
            ),
            hello=self._hello,
            health=self._health,
            state=self._known if self._state.usable else None,
            at_mono_ms=self._known_at_ms,
            wish=self._wish if trusted and not self._losses and not self._unanswered else None,
        )

    def _why_now(self) -> LinkWhy:
        if not self._state.usable or self._stopping:
            return self._why
        if not self._adopted:
            known = self._adopted_id is not None
            return LinkWhy.OTHER_CONTROLLER if known else LinkWhy.NOT_ADOPTED
        if self._losses:
            return LinkWhy.ANSWERS_LOST
        if self._stalled and self._renews:
            return LinkWhy.HOLDER_STALLED
        if self._refused or self._beyond_its_zones:
            return LinkWhy.WISH_REFUSED
        if self._config_refused:
            return LinkWhy.CONFIG_REFUSED
        return LinkWhy.NOISY_LINE if self._state is LinkState.DEGRADED else LinkWhy.OK


def _audibly_differs(before: State, after: State) -> bool:
    return before.power is not after.power or any(
        (a.gate, a.source, a.gain_cdb) != (b.gate, b.source, b.gain_cdb)
        for a, b in zip(before.zones, after.zones, strict=False)
    )


def _needs_leases(wish: ControllerWish) -> bool:
    return wish.power or wish.any_gate


def _renewal_ms(wish: ControllerWish) -> int:
    return GATE_RENEW_MS if wish.any_gate else POWER_RENEW_MS


def _setting(wish: ZoneWish) -> ZoneSetting:
    return ZoneSetting(wish.zone, wish.gate, wish.gain_cdb, wish.source)
