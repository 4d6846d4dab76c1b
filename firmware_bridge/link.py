"""Stop and wait, for the host: one request in flight, repeated until answered or given up.

Owns sequence numbers, request ids, retransmission, the adaptive timeout, and the order in
which waiting requests are sent. Does not own what requests mean, the session's state or
any clock.

Invariants: at most one request is in flight; a request ends exactly once, with an answer
or with a loss, no later than its deadline; a more urgent request never waits for a less
urgent one to time out (it replaces it, and the replaced one is queued again: every request
is idempotent); an answer counts only if it carries the request id in flight.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from firmware_bridge import framing
from firmware_bridge.framing import Frame, FrameKind
from firmware_bridge.recorder import FrameRecorder

MIN_TIMEOUT_MS = 100
MAX_TIMEOUT_MS = 1_600
TRIES = 5
TRANSACTION_MS = 3_200
_FIRST_TIMEOUT_MS = 200
_ANSWER_KIND = {
    FrameKind.DATA: FrameKind.DATA,
    FrameKind.HELLO: FrameKind.HELLO,
    FrameKind.RESET: FrameKind.ACK,
}


class Priority(IntEnum):
    """Lower is more urgent."""

    MUTE = 0
    LEASE = 1
    STATE = 2
    TELEMETRY = 3


@dataclass(slots=True)
class Rtt:
    """Smoothed round trip as in RFC 6298, clamped to 0.1-1.6 s."""

    smoothed_ms: float | None = None
    variation_ms: float = 0.0
    floor_ms: int = 0

    def sample(self, measured_ms: int) -> None:
        self.floor_ms = 0
        if self.smoothed_ms is None:
            self.smoothed_ms, self.variation_ms = float(measured_ms), measured_ms / 2
            return
        self.variation_ms += (abs(self.smoothed_ms - measured_ms) - self.variation_ms) / 4
        self.smoothed_ms += (measured_ms - self.smoothed_ms) / 8

    def ambiguous(self, timeout_ms: int) -> None:
        """An answer came after repeats: to which one is unknown, so start from this timeout."""
        self.floor_ms = min(timeout_ms, MAX_TIMEOUT_MS)

    def timeout_ms(self, tries: int) -> int:
        """How long to wait for the answer to the `tries`-th sending, counted from 1."""
        if self.smoothed_ms is None:
            base = float(_FIRST_TIMEOUT_MS)
        else:
            base = self.smoothed_ms + 4 * self.variation_ms
        grown = max(base, MIN_TIMEOUT_MS, self.floor_ms) * 2 ** (tries - 1)
        return int(min(grown, MAX_TIMEOUT_MS))


@dataclass(slots=True)
class Job:
    """One request. `key` identifies its purpose: a newer job with the same key replaces it."""

    key: str
    priority: Priority
    payload: bytes
    kind: FrameKind = FrameKind.DATA


@dataclass(frozen=True, slots=True)
class Answered:
    job: Job
    frame: Frame
    tries: int


@dataclass(frozen=True, slots=True)
class Lost:
    job: Job
    tries: int


@dataclass(slots=True)
class _Flight:
    job: Job
    seq: int
    req: int
    deadline_ms: int
    tries: int = 0
    sent_ms: int = 0
    repeat_ms: int = 0
    hurried: bool = False


def _displaces(job: Job, in_flight: Job) -> bool:
    return job.priority is Priority.MUTE and in_flight.priority is not Priority.MUTE


@dataclass(slots=True)
class Requester:
    """The sending side. Feed it frames and time; collect bytes and results."""

    recorder: FrameRecorder
    rtt: Rtt = field(default_factory=Rtt)
    retransmits: int = 0
    _waiting: dict[str, Job] = field(default_factory=dict)
    _flight: _Flight | None = None
    _seq: int = 0
    _req: int = 0
    _peer_seq: int = 0
    _output: bytearray = field(default_factory=bytearray)

    def reset(self) -> None:
        """Forget everything said so far; request ids go on so that late answers stay strangers."""
        self._waiting.clear()
        self._flight = None
        self._seq = 0
        self._peer_seq = 0
        self.rtt = Rtt()
        self._output.clear()

    def submit(self, job: Job, now_ms: int) -> None:
        """Queue a job, replacing one of the same key; urgent ones displace what is in flight."""
        flight = self._flight
        if flight is not None and flight.job.key == job.key:
            self._flight = None
        elif flight is not None and _displaces(job, flight.job):
            self._waiting.setdefault(flight.job.key, flight.job)
            self._flight = None
        self._waiting[job.key] = job
        self._launch(now_ms)

    def has(self, key: str) -> bool:
        return key in self._waiting or (self._flight is not None and self._flight.job.key == key)

    @property
    def idle(self) -> bool:
        return self._flight is None and not self._waiting

    def answer(self, frame: Frame, now_ms: int) -> Answered | None:
        """Match an incoming frame with the request in flight; strangers give None."""
        flight = self._flight
        if flight is None or frame.req != flight.req:
            return None
        if frame.kind is not _ANSWER_KIND[flight.job.kind]:
            return None
        if flight.tries == 1:
            self.rtt.sample(now_ms - flight.sent_ms)
        else:
            self.rtt.ambiguous(flight.repeat_ms - flight.sent_ms)
        self._flight = None
        return Answered(flight.job, frame, flight.tries)

    def repeat_now(self, req: int, now_ms: int) -> None:
        """The peer saw a damaged frame: do not wait for the timeout. Once per request."""
        flight = self._flight
        if flight is not None and req in (0, flight.req) and not flight.hurried:
            flight.hurried = True
            self._send(flight, now_ms)

    def tick(self, now_ms: int) -> Lost | None:
        """Repeat or give up the request in flight, or send the next one."""
        flight = self._flight
        if flight is None:
            self._launch(now_ms)
            return None
        if now_ms >= flight.deadline_ms or (now_ms >= flight.repeat_ms and flight.tries >= TRIES):
            self._flight = None
            return Lost(flight.job, flight.tries)
        if now_ms >= flight.repeat_ms:
            self._send(flight, now_ms)
        return None

    def acknowledge(self, frame: Frame, now_ms: int) -> None:
        """Tell the peer that its unsolicited frame arrived."""
        self._peer_seq = frame.seq
        self._emit(Frame(FrameKind.ACK, seq=self._seq, ack=frame.seq), now_ms)

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        return output

    def wakes_at_ms(self) -> int | None:
        flight = self._flight
        return None if flight is None else min(flight.repeat_ms, flight.deadline_ms)

    def _launch(self, now_ms: int) -> None:
        if self._flight is not None or not self._waiting:
            return
        job = min(self._waiting.values(), key=lambda waiting: waiting.priority)
        del self._waiting[job.key]
        self._seq = 0 if job.kind is FrameKind.HELLO else self._seq % 255 + 1
        self._req = self._req % 0xFFFF + 1
        self._flight = _Flight(job, self._seq, self._req, now_ms + TRANSACTION_MS)
        self._send(self._flight, now_ms)

    def _send(self, flight: _Flight, now_ms: int) -> None:
        flight.tries += 1
        self.retransmits += flight.tries > 1
        flight.sent_ms = now_ms
        flight.repeat_ms = now_ms + self.rtt.timeout_ms(flight.tries)
        job = flight.job
        self._emit(Frame(job.kind, flight.seq, self._peer_seq, flight.req, job.payload), now_ms)

    def _emit(self, frame: Frame, now_ms: int) -> None:
        self.recorder.sent(frame, now_ms)
        self._output += framing.encode(frame)
