"""The order of acts against the order of commits."""

from __future__ import annotations

from agent.adapters.mqtt_connection import RECEIVE_MAXIMUM
from agent.core.effects import (
    AckMessage,
    Act,
    Do,
    HoldZones,
    PlayCue,
    Publish,
    PublishRecord,
    SetGain,
    StopCue,
)
from agent.core.effects import (
    Release as How,
)
from agent.player.protocol import Cue
from agent.release import HELD_ACKS_MAX, Release


def say(text: str) -> Act:
    return Publish(text, b"")


def play(token: str) -> Act:
    return PlayCue(Cue(token, 0, (), 0, 0))


def hold(controller: str, *, power: bool) -> Act:
    return HoldZones(controller, power, ())


def do(*acts: Act, release: How = "after_commit") -> list[Do]:
    return [Do(act, release) for act in acts]


def test_acts_wait_for_their_batch_and_all_before_it() -> None:
    release = Release()
    assert release.add(1, do(say("a")), 0) == []
    assert release.add(2, do(say("b")), 0) == []
    assert release.durable(1) == [say("a")]
    assert release.durable(2) == [say("b")]


def test_acts_of_a_batch_without_saves_wait_for_the_batches_before_it() -> None:
    release = Release()
    assert release.add(0, do(say("before any save")), 0) == [say("before any save")]
    assert release.add(1, do(say("a")), 0) == []
    assert release.add(1, do(say("b")), 0) == []
    assert release.durable(1) == [say("a"), say("b")]
    assert release.add(1, do(say("c")), 0) == [say("c")]


def test_a_group_commit_releases_in_the_order_given() -> None:
    release = Release()
    for ticket in range(1, 6):
        release.add(ticket, do(say(str(ticket))), 0)
    assert release.durable(5) == [say(str(ticket)) for ticket in range(1, 6)]


def test_now_does_not_wait() -> None:
    release = Release()
    release.add(1, do(say("a")), 0)
    assert release.add(2, do(hold("x", power=False), release="now"), 0) == [hold("x", power=False)]
    assert release.durable(2) == [say("a")]


def test_soon_goes_out_with_its_commit_when_that_is_quick() -> None:
    release = Release()
    release.add(1, do(play("w"), release="soon"), 1_000)
    assert release.next_due_ms() == 1_200
    assert release.durable(1) == [play("w")]
    assert release.next_due_ms() is None
    assert release.due(1_200) == []


def test_soon_goes_out_after_200_ms_when_the_commit_is_slow_and_only_once() -> None:
    release = Release()
    release.add(1, do(say("a")), 1_000)
    release.add(2, do(play("w"), release="soon"), 1_000)
    assert release.due(1_199) == []
    assert release.due(1_200) == [play("w")]
    assert release.durable(2) == [say("a")]


def test_a_mute_makes_older_wishes_for_that_controller_void() -> None:
    release = Release()
    release.add(1, do(hold("x", power=True), hold("y", power=True)), 0)
    assert release.add(2, do(hold("x", power=False), release="now"), 0) == [hold("x", power=False)]
    assert release.durable(2) == [hold("y", power=True)]


def test_a_wish_for_soon_does_not_void_newer_ones() -> None:
    release = Release()
    release.add(1, do(hold("x", power=False)), 0)
    release.add(2, do(hold("x", power=True), release="soon"), 0)
    release.add(3, do(HoldZones("x", True, ())), 0)
    assert release.due(200) == [hold("x", power=True)]
    assert release.durable(3) == [HoldZones("x", True, ())]


def test_a_stop_never_overtakes_the_cue_it_stops() -> None:
    release = Release()
    release.add(1, do(play("a"), play("b")), 0)
    assert release.add(2, do(StopCue("a"), SetGain("b", -600), release="now"), 0) == []
    assert release.add(2, do(StopCue("elsewhere"), release="now"), 0) == [StopCue("elsewhere")]
    assert release.durable(2) == [play("a"), play("b"), StopCue("a"), SetGain("b", -600)]


def test_without_a_disk_everything_goes_out_but_numbered_records() -> None:
    release = Release()
    release.add(1, do(play("a"), PublishRecord("event", 7, 1), say("state")), 0)
    assert release.waiting_since_ms() == 0
    assert release.not_durable() == [play("a"), say("state")]
    assert release.waiting_since_ms() is None
    assert release.add(2, do(play("b"), PublishRecord("event", 8, 2)), 0) == [play("b")]
    assert release.durable(2) == [PublishRecord("event", 7, 1), PublishRecord("event", 8, 2)]
    assert release.add(3, do(say("waits again")), 0) == []


# --- what tells others that a document is held ---------------------------------------------


def receipt(text: str) -> Act:
    return Publish("up/reported", text.encode(), retain=True)


def test_without_a_disk_no_document_is_acknowledged_until_it_is_durable() -> None:
    release = Release()
    release.add(1, [*do(play("a")), *do(AckMessage(1), receipt("1"), release="durable")], 0)
    assert release.not_durable() == [play("a")]
    assert release.add(2, do(AckMessage(2), release="durable"), 0) == []
    assert release.add(2, do(AckMessage(3)), 0) == [AckMessage(3)], "a command is acknowledged"
    assert release.durable(2) == [AckMessage(1), receipt("1"), AckMessage(2)]


def test_of_the_receipts_that_wait_only_the_newest_is_told() -> None:
    release = Release()
    release.not_durable()
    for number in "123":
        assert release.add(int(number), do(receipt(number), release="durable"), 0) == []
    assert release.durable(3) == [receipt("3")]


def test_the_brokers_window_never_closes_before_a_warning() -> None:
    release = Release()
    release.not_durable()
    out = [
        act
        for ticket in range(1, HELD_ACKS_MAX + 3)
        for act in release.add(ticket, do(AckMessage(ticket), release="durable"), 0)
    ]
    assert out == [AckMessage(1), AckMessage(2)]
    assert len(release.durable(99)) == HELD_ACKS_MAX
    assert HELD_ACKS_MAX * 2 <= RECEIVE_MAXIMUM


def test_with_a_disk_that_is_only_slow_acknowledgements_keep_their_order() -> None:
    release = Release()
    release.add(1, do(AckMessage(1), release="durable"), 0)
    release.add(2, do(AckMessage(2)), 0)
    assert release.durable(2) == [AckMessage(1), AckMessage(2)]


def test_records_whose_numbers_are_never_given_again_go_out_without_a_disk() -> None:
    release = Release(numbers_once=True)
    acts = [*do(PublishRecord("event", 1, 1)), *do(AckMessage(1), release="durable")]
    release.add(1, acts, 0)
    assert release.not_durable() == [PublishRecord("event", 1, 1)]
