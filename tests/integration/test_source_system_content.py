"""The content server: whole and resumed files, and every way to get them wrong."""

from __future__ import annotations

import contextlib
import hashlib
import random
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from simulator.source_system.content_server import ContentServer, Fault
from simulator.source_system.pki import CertificateAuthority

BODY = random.Random(7).randbytes(200_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ContentServer, str]]:
    folder = tmp_path_factory.mktemp("content")
    (folder / "store").mkdir()
    (folder / "store" / SHA256).write_bytes(BODY)
    (folder / "secret").write_text("outside the store")
    authority = CertificateAuthority.create(folder / "pki", "trial CA")
    credentials = authority.issue_server(folder / "server", ["127.0.0.1"])
    with ContentServer(folder / "store", credentials) as server:
        yield server, str(folder / "pki" / "ca.pem")


@pytest.fixture
def server(served: tuple[ContentServer, str]) -> Iterator[ContentServer]:
    yield served[0]
    served[0].faults.clear()


@pytest.fixture
def get(served: tuple[ContentServer, str]) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.verify = served[1]
        session.trust_env = False
        yield session


def url(server: ContentServer) -> str:
    return f"{server.base_url}/c/{SHA256}"


def test_a_file_comes_whole_with_its_hash_as_tag(
    server: ContentServer, get: requests.Session
) -> None:
    answer = get.get(url(server), timeout=5)
    assert (answer.status_code, answer.content) == (200, BODY)
    assert answer.headers["ETag"] == f'"{SHA256}"'
    assert get.head(url(server), timeout=5).headers["Content-Length"] == str(len(BODY))


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-99", BODY[:100], "bytes 0-99/200000"),
        ("bytes=150000-", BODY[150_000:], "bytes 150000-199999/200000"),
        ("bytes=-100", BODY[-100:], "bytes 199900-199999/200000"),
        ("bytes=199999-999999", BODY[-1:], "bytes 199999-199999/200000"),
    ],
)
def test_a_part_can_be_asked_for(
    server: ContentServer, get: requests.Session, asked: str, expected: bytes, content_range: str
) -> None:
    answer = get.get(url(server), headers={"Range": asked}, timeout=5)
    assert (answer.status_code, answer.content) == (206, expected)
    assert answer.headers["Content-Range"] == content_range


def test_a_part_beyond_the_end_cannot_be_had(server: ContentServer, get: requests.Session) -> None:
    answer = get.get(url(server), headers={"Range": "bytes=200000-"}, timeout=5)
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */200000")


def test_another_tag_in_if_range_brings_the_whole_file(
    server: ContentServer, get: requests.Session
) -> None:
    for tag, status in ((f'"{SHA256}"', 206), ('"old"', 200)):
        headers = {"Range": "bytes=100-", "If-Range": tag}
        assert get.get(url(server), headers=headers, timeout=5).status_code == status


@pytest.mark.parametrize(
    "path", ["/", "/c/", "/c/" + "0" * 64, "/c/../secret", "/c/%2e%2e/secret", f"/C/{SHA256}"]
)
def test_anything_but_a_known_hash_is_not_found(
    server: ContentServer, get: requests.Session, path: str
) -> None:
    assert get.get(server.base_url + path, timeout=5).status_code == 404


def test_a_truncated_transfer_can_be_resumed_to_the_same_hash(
    server: ContentServer, get: requests.Session
) -> None:
    server.faults.set(SHA256, Fault("truncate", after_bytes=70_000, times=1))
    received = b""
    with contextlib.suppress(requests.exceptions.ChunkedEncodingError):
        for chunk in get.get(url(server), stream=True, timeout=5).iter_content(8192):
            received += chunk
    assert 0 < len(received) <= 70_000
    rest = get.get(url(server), headers={"Range": f"bytes={len(received)}-"}, timeout=5)
    assert hashlib.sha256(received + rest.content).hexdigest() == SHA256


def test_a_stall_sends_a_little_and_then_nothing(
    server: ContentServer, get: requests.Session
) -> None:
    server.faults.set("*", Fault("stall", after_bytes=1_000, times=1))
    began = time.monotonic()
    with pytest.raises(requests.exceptions.ConnectionError):
        _ = get.get(url(server), timeout=0.5).content
    assert 0.4 < time.monotonic() - began < 3


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_status_can_be_ordered_and_ends_after_its_times(
    server: ContentServer, get: requests.Session, status: int
) -> None:
    server.faults.set(SHA256, Fault("status", status=status, times=2))
    codes = [get.get(url(server), timeout=5).status_code for _ in range(3)]
    assert codes == [status, status, 200]


def test_wrong_bytes_have_the_right_length(server: ContentServer, get: requests.Session) -> None:
    server.faults.set(SHA256, Fault("wrong_bytes"))
    content = get.get(url(server), timeout=5).content
    assert len(content) == len(BODY)
    assert hashlib.sha256(content).hexdigest() != SHA256


def test_a_range_can_be_ignored(server: ContentServer, get: requests.Session) -> None:
    server.faults.set(SHA256, Fault("ignore_range"))
    answer = get.get(url(server), headers={"Range": "bytes=100-"}, timeout=5)
    assert (answer.status_code, len(answer.content)) == (200, len(BODY))


def test_a_redirect_loop_never_ends(server: ContentServer, get: requests.Session) -> None:
    server.faults.set(SHA256, Fault("redirect_loop"))
    get.max_redirects = 5
    with pytest.raises(requests.exceptions.TooManyRedirects):
        get.get(url(server), timeout=5)


def test_a_silent_client_holds_up_nobody(server: ContentServer, get: requests.Session) -> None:
    with socket.create_connection((server.host, server.port)):
        assert get.get(url(server), timeout=5).status_code == 200


def test_requests_are_counted(server: ContentServer, get: requests.Session) -> None:
    before = len(server.requests)
    get.get(url(server), headers={"Range": "bytes=0-9"}, timeout=5)
    last = server.await_requests(before + 1)[-1]
    assert (last.sha256, last.asked_range, last.status, last.sent_bytes) == (
        SHA256,
        "bytes=0-9",
        206,
        10,
    )
