"""The link does to a connection what 4G does, by the numbers it was given."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from simulator.link import Link, LinkSimulator

SIZE = 60_000


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[str, int]]:
    """Sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while chunk := connection.recv(65_536):
                connection.sendall(chunk)

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield server.getsockname()
    stop.set()
    thread.join()
    server.close()


@pytest.fixture(scope="module")
def links() -> Iterator[LinkSimulator]:
    with LinkSimulator() as running:
        yield running


@pytest.fixture
def link(
    links: LinkSimulator, echo: tuple[str, int], request: pytest.FixtureRequest
) -> Iterator[Link]:
    made = links.link(request.node.name, far=echo)
    yield made
    made.cut()


def connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port("far")), timeout=3)


def receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(65_536)
        if not chunk:
            break
        received += chunk
    return received


def round_trip_s(connection: socket.socket, payload: bytes = b"ping") -> float:
    began = time.monotonic()
    connection.sendall(payload)
    assert receive(connection, len(payload)) == payload
    return time.monotonic() - began


def test_everything_passes_unchanged_and_is_counted(link: Link) -> None:
    payload = bytes(range(256)) * 400
    with connect(link) as connection:
        round_trip_s(connection, payload)
    assert link.counted.up_bytes == len(payload)
    assert link.counted.down_bytes == len(payload)
    assert link.counted.connections == 1


def test_the_end_of_one_direction_passes_too(link: Link) -> None:
    with connect(link) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection, 100) == b"last words"


def test_delay_is_paid_each_way(link: Link) -> None:
    link.set(delay_ms=100)
    with connect(link) as connection:
        assert 0.19 < round_trip_s(connection) < 0.6


def test_delay_does_not_limit_the_rate(link: Link) -> None:
    link.set(delay_ms=100)
    with connect(link) as connection:
        assert round_trip_s(connection, b"x" * SIZE) < 1.0


def test_rate_is_held_and_shared_by_connections(link: Link) -> None:
    link.set(down_bytes_per_s=SIZE)
    began = time.monotonic()
    with connect(link) as one, connect(link) as other:
        for connection in (one, other):
            connection.sendall(b"x" * (SIZE // 2))
        for connection in (one, other):
            assert len(receive(connection, SIZE // 2)) == SIZE // 2
    assert 0.8 < time.monotonic() - began < 2.0


def test_a_rate_can_be_lifted_while_it_runs(link: Link) -> None:
    link.set(up_bytes_per_s=10_000)
    with connect(link) as connection:
        connection.sendall(b"x" * 40_000)
        time.sleep(0.3)
        link.set(up_bytes_per_s=0)
        began = time.monotonic()
        assert len(receive(connection, 40_000)) == 40_000
        assert time.monotonic() - began < 2.0


def test_a_cut_drops_what_stands_and_refuses_what_comes(link: Link) -> None:
    with connect(link) as connection:
        round_trip_s(connection)
        link.cut()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(link)
    link.restore()
    with connect(link) as connection:
        round_trip_s(connection)


def test_a_black_hole_accepts_and_passes_nothing_until_it_ends(link: Link) -> None:
    with connect(link) as standing:
        round_trip_s(standing)
        link.black_hole()
        with connect(link) as fresh:
            for connection in (standing, fresh):
                connection.sendall(b"ping")
                connection.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    connection.recv(10)
            link.restore()
            for connection in (standing, fresh):
                connection.settimeout(3)
                assert connection.recv(10) == b"ping"


def test_standing_connections_can_be_dropped_once(link: Link) -> None:
    with connect(link) as connection:
        round_trip_s(connection)
        link.drop()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(10) == b""
    with connect(link) as connection:
        round_trip_s(connection)


def test_links_are_independent(links: LinkSimulator, echo: tuple[str, int]) -> None:
    one, other = links.link("one", far=echo), links.link("other", far=echo)
    one.cut()
    with connect(other) as connection:
        round_trip_s(connection)
    assert (one.counted.up_bytes, other.counted.up_bytes) == (0, 4)


def test_the_proxy_leads_to_the_links_own_targets_only(link: Link, echo: tuple[str, int]) -> None:
    def ask(port: int) -> bytes:
        proxy = ("127.0.0.1", link.port("proxy"))
        with socket.create_connection(proxy, timeout=3) as connection:
            connection.sendall(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
            answer = connection.recv(1_000)
            if b" 200 " in answer:
                assert round_trip_s(connection) < 1.0
            return answer

    assert b" 200 " in ask(echo[1])
    assert b" 403 " in ask(1)


def test_a_target_that_is_away_is_a_closed_connection(links: LinkSimulator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = free.getsockname()
    link = links.link("away", far=address)
    with connect(link) as connection, contextlib.suppress(ConnectionResetError):
        assert connection.recv(10) == b""
    assert link.counted.refused == 1
