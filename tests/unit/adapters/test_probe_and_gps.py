"""The Internet and the satellites, asked over real sockets on this machine."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.adapters.gps import MOVED_UDEG, Gps, place_in
from agent.adapters.interfaces import Interfaces
from agent.adapters.network import EVERY_S, NetworkLook
from agent.adapters.probe import Prober, probe
from agent.core.effects import Probe
from agent.core.events import Event, ModemSeen, NetworkSeen, PlaceSeen, Probed
from tests.unit.adapters.sysfs import FakeBox


@contextmanager
def page(status: int, location: str = "") -> Iterator[tuple[str, list[str]]]:
    """A page that answers with `status`; what was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/generate_204?x=1", asked
        finally:
            server.shutdown()
            thread.join(5)


def test_the_page_that_answers_as_it_should_is_an_open_internet() -> None:
    with page(204) as (url, asked):
        assert probe(url, 5) == Probed("open")
    assert asked == ["/generate_204?x=1"]


@pytest.mark.parametrize("status", [200, 302, 511])
def test_any_other_answer_is_somebody_else_s_and_is_not_followed(status: int) -> None:
    with page(status, "http://127.0.0.1:1/pay") as (url, asked):
        assert probe(url, 5) == Probed("captive", f"{status} http://127.0.0.1:1/pay")
    assert len(asked) == 1


def test_nobody_there_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    assert probe(f"http://127.0.0.1:{port}/", 5).found == "unreachable"


def test_somebody_who_says_nothing_is_given_up_in_time() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(4)
        assert probe(f"http://127.0.0.1:{mute.getsockname()[1]}/", 0.2).found == "unreachable"


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[", "http://a:99999/"])
def test_an_address_that_is_none_is_told_and_harms_nobody(url: str) -> None:
    assert probe(url, 1).found == "unreachable"


def test_the_prober_answers_in_its_own_time_and_asks_once_at_a_time() -> None:
    told: queue.Queue[Event] = queue.Queue()
    prober = Prober(told.put, within_s=1.0)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(4)
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        prober.ask(Probe(url))
        prober.ask(Probe(url))
        first = told.get(timeout=5)
    assert isinstance(first, Probed)
    assert told.empty()


# --- satellites -------------------------------------------------------------------------------

VERSION = b'{"class":"VERSION","release":"3.22","proto_major":3,"proto_minor":14}\n'
NO_FIX = b'{"class":"TPV","device":"/dev/ttyACM0","mode":1}\n'
FIX = (
    b'{"class":"TPV","device":"/dev/ttyACM0","mode":3,"lat":21.853421,"lon":106.761,"alt":258.1}\n'
)


@contextmanager
def gpsd(*lines: bytes) -> Iterator[tuple[str, int]]:
    """Says its lines to whoever asks it to watch, then nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4)
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(0.05)
            while not stop.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                with client:
                    client.settimeout(2)
                    client.sendall(VERSION)
                    if b"?WATCH" in client.recv(200):
                        client.sendall(b"".join(lines))
                    stop.wait(0.5)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()
        finally:
            stop.set()
            thread.join(5)


def test_the_first_fix_is_the_place() -> None:
    with gpsd(NO_FIX, b"garbage\n", FIX) as address:
        place = asyncio.run(Gps(print, address=address, within_s=5).look())
    assert place == PlaceSeen(21_853_421, 106_761_000)


def test_without_a_fix_or_a_daemon_nothing_is_told() -> None:
    with gpsd(NO_FIX) as address:
        assert asyncio.run(Gps(print, address=address, within_s=0.3).look()) is None
    assert asyncio.run(Gps(print, address=address, within_s=0.3).look()) is None


def test_a_box_that_stands_still_is_told_once() -> None:
    told: list[Event] = []
    slept = 0

    async def sleep(_seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 3:
            raise asyncio.CancelledError

    with gpsd(FIX) as address, pytest.raises(asyncio.CancelledError):
        asyncio.run(Gps(told.append, address=address, within_s=5, sleep=sleep).run())
    assert told == [PlaceSeen(21_853_421, 106_761_000)]
    assert MOVED_UDEG > 0


@given(st.binary(max_size=200))
def test_whatever_a_daemon_says_is_a_place_or_nothing(line: bytes) -> None:
    assert place_in(line) is None


@pytest.mark.parametrize("lat", ["91", "-1e9", '"21"', "null"])
def test_a_place_off_the_globe_is_none(lat: str) -> None:
    assert place_in(f'{{"class":"TPV","mode":3,"lat":{lat},"lon":1}}'.encode()) is None


# --- the links, once a minute -----------------------------------------------------------------


class Modem:
    def __init__(self, seen: ModemSeen | None) -> None:
        self.seen = seen

    async def look(self) -> ModemSeen | None:
        return self.seen


def test_links_and_modem_are_told_together_once_a_minute(tmp_path: Path) -> None:
    box = FakeBox(tmp_path)
    box.link("wwan0", devtype="wwan")
    box.default_route("wwan0")
    told: list[Event] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    look = NetworkLook(
        Modem(ModemSeen("connected")), told.append, interfaces=Interfaces(tmp_path), sleep=sleep
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(look.run())
    assert slept == [EVERY_S, EVERY_S]
    first = told[0]
    assert isinstance(first, NetworkSeen)
    assert [one.name for one in first.interfaces] == ["wwan0"]
    assert first.modem == ModemSeen("connected")


def test_without_anybody_to_ask_the_modem_is_unknown(tmp_path: Path) -> None:
    look = NetworkLook(None, print, interfaces=Interfaces(tmp_path))
    assert asyncio.run(look.look()) == NetworkSeen((), None)
