"""The controller's side of the link, for virtual controllers and as a model for firmware.

Owns the device role of stop and wait: answer every request once, repeat the stored answer
to a repeated request, refuse talk before hello, announce boots and events until they are
acknowledged. Does not own what the equipment does: that is an `Equipment`.

Invariants: never raises on what the line brings; a request is handed to the equipment at
most once; between two good frames at most one NAK is sent, so a noisy line cannot make a
storm; memory is bounded.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from firmware_bridge import framing
from firmware_bridge.framing import Decoder, Frame, FrameError, FrameKind
from firmware_bridge.messages import (
    Event,
    Hello,
    MessageError,
    NakReason,
    RefusalCode,
    Refused,
    Reply,
    Request,
    decode_request,
)

EVENT_TRIES = 5
EVENT_TIMEOUT_MS = 200
BOOT_HELLO_MS = 1_000
BOOT_HELLOS = 10
_KEPT_EVENTS = 8
_SEQUENCE = 255


class Equipment(Protocol):
    """What the device role needs from the thing it speaks for."""

    def hello(self) -> Hello: ...

    def handle(self, request: Request, now_ms: int) -> Reply: ...

    def released(self, now_ms: int) -> None:
        """The host said goodbye: its gate leases end now."""


@dataclass(slots=True)
class _Announcement:
    frame: Frame
    tries: int
    repeat_ms: int


class DeviceSession:
    """Feed it bytes and time; it answers for its equipment."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment
        self._decoder = Decoder()
        self._output = bytearray()
        self._events: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._greeted = False
        self._last_seq: int | None = None
        self._last_answer: Frame | None = None
        self._event_seq = 0
        self._announced: _Announcement | None = None
        self._may_nak = True

    def boot(self, now_ms: int) -> None:
        """Forget everything and announce ourselves until somebody greets us."""
        self._decoder = Decoder()
        self._output.clear()
        self._events.clear()
        self._greeted = False
        self._last_seq = self._last_answer = None
        frame = Frame(FrameKind.HELLO, payload=self._equipment.hello().encode())
        self._announce(_Announcement(frame, 0, now_ms), BOOT_HELLO_MS, now_ms)

    def report(self, event: Event, now_ms: int) -> None:
        """Tell the host about a change; the oldest untold one is dropped when too many wait."""
        if self._greeted:
            self._events.append(event)
            self.tick(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        for found in self._decoder.feed(data):
            if isinstance(found, FrameError):
                self._refuse_noise()
            else:
                self._may_nak = True
                self._on_frame(found, now_ms)

    def tick(self, now_ms: int) -> None:
        announced = self._announced
        if announced is None:
            self._next_event(now_ms)
        elif now_ms >= announced.repeat_ms:
            booting = announced.frame.kind is FrameKind.HELLO
            if announced.tries >= (BOOT_HELLOS if booting else EVENT_TRIES):
                self._announced = None
                self._next_event(now_ms)
            else:
                self._announce(announced, BOOT_HELLO_MS if booting else EVENT_TIMEOUT_MS, now_ms)

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        return output

    def wakes_at_ms(self) -> int | None:
        return None if self._announced is None else self._announced.repeat_ms

    def _announce(self, announcement: _Announcement, wait_ms: int, now_ms: int) -> None:
        announcement.tries += 1
        announcement.repeat_ms = now_ms + wait_ms
        self._announced = announcement
        self._send(announcement.frame)

    def _next_event(self, now_ms: int) -> None:
        if not self._events or not self._greeted:
            return
        self._event_seq = self._event_seq % _SEQUENCE + 1
        frame = Frame(FrameKind.DATA, seq=self._event_seq, payload=self._events.popleft().encode())
        self._announce(_Announcement(frame, 0, now_ms), EVENT_TIMEOUT_MS, now_ms)

    def _on_frame(self, frame: Frame, now_ms: int) -> None:
        match frame.kind:
            case FrameKind.HELLO:
                self._on_hello(frame)
            case FrameKind.ACK:
                self._on_ack(frame, now_ms)
            case FrameKind.RESET:
                self._equipment.released(now_ms)
                self._greeted = False
                self._send(Frame(FrameKind.ACK, ack=frame.seq, req=frame.req))
            case FrameKind.DATA if self._greeted:
                self._on_request(frame, now_ms)
            case FrameKind.DATA:
                self._nak(NakReason.NO_SESSION, frame.req)
            case FrameKind.NAK:
                pass

    def _on_hello(self, frame: Frame) -> None:
        self._greeted = True
        self._last_seq = self._last_answer = None
        self._announced = None
        self._event_seq = 0
        payload = self._equipment.hello().encode()
        self._send(Frame(FrameKind.HELLO, ack=frame.seq, req=frame.req, payload=payload))

    def _on_ack(self, frame: Frame, now_ms: int) -> None:
        announced = self._announced
        if announced is not None and frame.ack == announced.frame.seq:
            self._announced = None
            self._next_event(now_ms)

    def _on_request(self, frame: Frame, now_ms: int) -> None:
        if frame.seq == self._last_seq and self._last_answer is not None:
            self._send(self._last_answer)
            return
        if self._last_seq is not None and self._is_older(frame.seq, self._last_seq):
            return
        self._last_seq = frame.seq
        reply = self._reply_to(frame.payload, now_ms)
        self._last_answer = Frame(
            FrameKind.DATA, ack=frame.seq, req=frame.req, payload=reply.encode()
        )
        self._send(self._last_answer)

    @staticmethod
    def _is_older(seq: int, last_seq: int) -> bool:
        return (seq - last_seq) % _SEQUENCE > _SEQUENCE // 2

    def _reply_to(self, payload: bytes, now_ms: int) -> Reply:
        try:
            request = decode_request(payload)
        except MessageError:
            return Refused(RefusalCode.UNKNOWN_MESSAGE, payload[0] if payload else 0)
        return self._equipment.handle(request, now_ms)

    def _refuse_noise(self) -> None:
        if self._may_nak:
            self._may_nak = False
            self._nak(NakReason.BAD_FRAME, 0)

    def _nak(self, reason: NakReason, req: int) -> None:
        self._send(Frame(FrameKind.NAK, req=req, payload=bytes((reason,))))

    def _send(self, frame: Frame) -> None:
        self._output += framing.encode(frame)
