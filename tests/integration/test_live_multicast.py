"""Live sound that is sent to a multicast group, through the real child, over loopback."""

# ruff: noqa: T201  (figures, shown by `pytest -s`)

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from agent.contract.addresses import Group
from agent.player import protocol as p
from agent.player.multicast import MulticastFeed, joined
from simulator.relay import GroupSender, free_udp_port
from simulator.relay.groups import GROUP
from simulator.soundcard import PlayerChild, SoundCard
from tests.integration.live_lab import (
    SPARE_HZ,
    STUDIO_HZ,
    Station,
    holes_ms,
    studio,
    tone_file,
    tone_hz,
)

NEEDED = ("pulseaudio", "parec", "ffmpeg")
needs_sound = pytest.mark.skipif(
    not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"
)
realtime = pytest.mark.realtime
SENT = {
    "mpegts": ("udp", ("-c:a", "aac", "-b:a", "64k")),
    "rtp_mp3": ("rtp", ("-c:a", "libmp3lame", "-b:a", "64k")),
    "rtp_g711": ("rtp", ("-ar", "8000", "-c:a", "pcm_alaw")),
}


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with (
        SoundCard(sinks={"tan-lien": 1}) as card,
        card.record("tan-lien") as recorder,
        PlayerChild(card.env(), "tan-lien", 1) as child,
    ):
        child.wait(p.Ready)
        yield Station(recorder, child, card, tmp_path_factory.mktemp("multicast"))


@needs_sound
@realtime
@pytest.mark.parametrize("kind", SENT)
def test_what_is_sent_to_a_group_is_heard_without_a_hole(station: Station, kind: str) -> None:
    scheme, codec = SENT[kind]
    with GroupSender(scheme, studio(), codec) as sender:
        token, start_ms = station.play(p.Source("stream", sender.url), for_ms=20_000)
        began = station.child.wait(p.Started, token)
        print(f"\n{kind}: heard {began.at_ms - start_ms} ms after its start")
        sound = station.heard(began.at_ms + 300, began.at_ms + 2_800)
        ended = station.stop(token)
    assert tone_hz(sound) == pytest.approx(STUDIO_HZ, abs=2)
    assert holes_ms(sound) == 0
    assert ended.underruns == 0


@needs_sound
@realtime
def test_a_sender_that_falls_quiet_gives_way_to_the_file_behind_it(station: Station) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    with GroupSender("udp", studio()) as sender:
        token, _ = station.play(
            p.Source("stream", sender.url), p.Source("file", str(spare)), for_ms=20_000
        )
        station.child.wait(p.Started, token)
        lost = time.monotonic()
        sender.freeze()
        assert station.child.wait(p.SourceFailed, token, limit_s=8).fault == "stalled"
        print(f"\nquiet: named {time.monotonic() - lost:.1f} s later")
        assert time.monotonic() - lost < 6.0
        began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
        sound = station.heard(began.at_ms + 200, began.at_ms + 1_200)
        assert tone_hz(sound) == pytest.approx(SPARE_HZ, abs=2)
        station.stop(token)


@needs_sound
@realtime
def test_a_group_to_which_nobody_sends_is_named_and_the_next_source_sounds(
    station: Station,
) -> None:
    spare = tone_file(station.folder, SPARE_HZ, 2.0)
    nobody = p.Source("stream", f"udp://@{GROUP}:{free_udp_port()}")
    token, start_ms = station.play(nobody, p.Source("file", str(spare)), for_ms=9_000)
    assert station.child.wait(p.SourceFailed, token).fault == "not_found"
    began = station.child.wait(p.PartStarted, token, where=lambda one: one.source == 1)
    print(f"\nnobody: the next source sounds {began.at_ms - start_ms} ms after its start")
    assert began.at_ms - start_ms < 6_000
    station.stop(token)


def sent_to(address: str, port: int, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 0)
        link.sendto(data, (address, port))


def test_only_what_is_sent_to_the_group_is_let_in() -> None:
    """Not to the box's own address, nor to a group that somebody else on the box has joined."""
    port, other = free_udp_port(), "239.255.77.78"
    with joined(Group(GROUP, port)) as link, joined(Group(other, port)):
        sent_to("127.0.0.1", port, b"to the box")
        sent_to(other, port, b"to another group")
        sent_to(GROUP, port, b"to the group")
        link.settimeout(2)
        assert link.recv(100) == b"to the group"
        link.settimeout(0.1)
        with pytest.raises(TimeoutError):
            link.recv(100)


@pytest.mark.parametrize(("sender", "heard"), [("127.0.0.1", True), ("192.0.2.7", False)])
def test_an_address_may_name_the_only_sender(sender: str, heard: bool) -> None:
    port = free_udp_port()
    with joined(Group(GROUP, port, sender)) as link:
        sent_to(GROUP, port, b"x")
        link.settimeout(1 if heard else 0.1)
        if heard:
            assert link.recv(100) == b"x"
        else:
            with pytest.raises(TimeoutError):
                link.recv(100)


def test_a_feed_that_is_closed_while_it_waits_lets_go_at_once() -> None:
    feed = MulticastFeed(f"udp://@{GROUP}:{free_udp_port()}")
    began = time.monotonic()
    threading.Timer(0.2, feed.close).start()
    assert not feed.open()
    assert time.monotonic() - began < 1.5
    assert feed.fault is None, "nobody gave it up: it was no longer wanted"
