"""The controller's side: once is once, hello comes first, noise makes no storm."""

from __future__ import annotations

from firmware_bridge.device import EVENT_TRIES, DeviceSession
from firmware_bridge.drivers.contract import Line, ZoneWish
from firmware_bridge.framing import Decoder, Frame, FrameKind, encode
from firmware_bridge.knowledge import zone_met
from firmware_bridge.messages import (
    Done,
    Event,
    EventKind,
    Hello,
    MuteAll,
    NakReason,
    RefusalCode,
    Refused,
    Reply,
    Request,
    ZoneState,
    greeting,
)
from simulator.amplifier.faults import LineFaults
from simulator.amplifier.world import LinkWorld


class Equipment:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.releases = 0

    def hello(self) -> Hello:
        return Hello(1, 0, unique_id=b"x" * 12)

    def handle(self, request: Request, now_ms: int) -> Reply:
        self.asked.append(request)
        return Done()

    def released(self, now_ms: int) -> None:
        self.releases += 1


class Talk:
    """A device and its frames."""

    def __init__(self, *, greeted: bool = True) -> None:
        self.equipment = Equipment()
        self.device = DeviceSession(self.equipment)
        if greeted:
            self.say(Frame(FrameKind.HELLO, req=1, payload=greeting()))

    def say(self, frame: Frame, now_ms: int = 0) -> list[Frame]:
        self.device.receive(encode(frame), now_ms)
        return self.heard()

    def heard(self) -> list[Frame]:
        found = Decoder().feed(self.device.take_output())
        return [frame for frame in found if isinstance(frame, Frame)]


def request(seq: int, req: int = 7, payload: bytes = MuteAll().encode()) -> Frame:
    return Frame(FrameKind.DATA, seq=seq, req=req, payload=payload)


def test_a_repeated_request_is_answered_again_but_not_carried_out_again() -> None:
    talk = Talk()
    answers = talk.say(request(1)), talk.say(request(1))
    assert answers[0] == answers[1] != []
    assert len(talk.equipment.asked) == 1


def test_a_request_older_than_the_last_is_ignored_also_around_the_turn() -> None:
    talk = Talk()
    for seq in (254, 255, 1):
        assert talk.say(request(seq))
    assert talk.say(request(255)) == []
    assert len(talk.equipment.asked) == 3


def test_before_hello_it_asks_for_hello() -> None:
    talk = Talk(greeted=False)
    (answer,) = talk.say(request(1, req=9))
    assert (answer.kind, answer.req) == (FrameKind.NAK, 9)
    assert answer.payload == bytes((NakReason.NO_SESSION,))
    assert talk.equipment.asked == []


def test_noise_is_complained_about_once_between_good_frames() -> None:
    talk = Talk()
    talk.device.receive(b"\x05\x01\0" * 1_000, 0)
    assert [frame.kind for frame in talk.heard()] == [FrameKind.NAK]
    talk.say(request(1))
    talk.device.receive(b"\x05\x01\0", 0)
    assert [frame.kind for frame in talk.heard()] == [FrameKind.NAK]


def test_an_unknown_message_is_refused_by_name() -> None:
    (answer,) = Talk().say(request(1, payload=b"\x7f"))
    assert answer.payload == Refused(RefusalCode.UNKNOWN_MESSAGE, 0x7F).encode()


def test_a_boot_is_announced_until_somebody_greets() -> None:
    talk = Talk(greeted=False)
    talk.device.boot(0)
    assert [frame.req for frame in talk.heard()] == [0]
    talk.device.tick(1_000)
    assert [frame.kind for frame in talk.heard()] == [FrameKind.HELLO]
    talk.say(Frame(FrameKind.HELLO, req=3, payload=greeting()), 1_100)
    talk.device.tick(60_000)
    assert talk.heard() == []


def test_events_are_repeated_until_acknowledged_and_told_in_order() -> None:
    talk = Talk()
    for zone in (1, 2):
        talk.device.report(Event(EventKind.LINE_CHANGED, zone), 0)
    talk.device.tick(200)
    first = talk.heard()
    assert [frame.payload[-1] for frame in first] == [1, 1]
    (second,) = talk.say(Frame(FrameKind.ACK, ack=first[0].seq), 250)
    assert second.payload[-1] == 2


def test_an_event_nobody_wants_is_dropped_after_five_tries() -> None:
    talk = Talk()
    talk.device.report(Event(EventKind.POWER_CHANGED), 0)
    for now_ms in range(0, 10_000, 100):
        talk.device.tick(now_ms)
    assert len(talk.heard()) == EVENT_TRIES
    assert talk.device.wakes_at_ms() is None


def test_goodbye_releases_and_ends_the_session() -> None:
    talk = Talk()
    (answer,) = talk.say(Frame(FrameKind.RESET, seq=2, req=5))
    assert (answer.kind, answer.req, talk.equipment.releases) == (FrameKind.ACK, 5, 1)
    assert talk.say(request(3))[0].kind is FrameKind.NAK


def test_a_zone_that_follows_its_policy_is_not_as_wished_however_it_looks() -> None:
    wish = ZoneWish(1, gate=True, gain_cdb=-600, source=1)
    assert zone_met(wish, ZoneState(1, True, -600, 1, Line.OK, on_policy=False))
    assert not zone_met(wish, ZoneState(1, True, -600, 1, Line.OK, on_policy=True))


def test_a_line_slower_than_the_first_timeout_is_learned_not_flooded() -> None:
    world = LinkWorld(faults=LineFaults(delay_ms=400))
    assert world.run_until(lambda: world.reading.state.usable, 30_000)
    world.run(60_000)
    before = world.reading.retransmits
    world.run(600_000)
    assert world.reading.retransmits - before <= 5
