"""The content store against real HTTP and HTTPS servers that stall, lie, cut short and change."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.content import ContentStore
from agent.adapters.download import ContentSettings
from agent.core.effects import CancelFetch, Evict, Fetch
from agent.core.events import FetchFailed, FetchFault, FileReady, FilesFound
from tests.integration.adapter_lab import Authority, Ear, until

SOUND = bytes(range(256)) * 800  # 204,800 bytes
SHA = hashlib.sha256(SOUND).hexdigest()
HALF = len(SOUND) // 2
OTHER = SOUND[::-1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        name = self.path.strip("/").split("/")[0]
        with contextlib.suppress(OSError):
            getattr(self, f"_{name}", self._missing)()

    def log_message(self, *_: object) -> None:
        pass

    def _head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), str(value))
        self.end_headers()

    def _missing(self) -> None:
        self._head(404, Content_Length=0)

    def _good(self, body: bytes = SOUND, etag: str = '"one"') -> None:
        """Ranges, strong validator, as a proper content server does it."""
        begin = 0
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range", etag) == etag:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
            end = f"bytes {begin}-{len(body) - 1}/{len(body)}"
            self._head(206, Content_Length=len(body) - begin, Content_Range=end, ETag=etag)
        else:
            self._head(200, Content_Length=len(body), ETag=etag)
        self.wfile.write(body[begin:])

    def _first(self) -> bool:
        return len(self.server.asked) == 1

    def _cut(self) -> None:
        """Breaks off in the middle the first time."""
        if not self._first():
            self._good()
            return
        self._head(200, Content_Length=len(SOUND), ETag='"one"')
        self.wfile.write(SOUND[:HALF])
        self.close_connection = True

    def _changed(self) -> None:
        """Breaks off, and is another file with another tag when it is continued."""
        if self._first():
            self._head(200, Content_Length=len(SOUND), ETag='"old"')
            self.wfile.write(OTHER[:HALF])
            self.close_connection = True
        else:
            self._good(etag='"new"')

    def _swapped(self) -> None:
        """Breaks off, and continues with another file under no tag at all."""
        if self._first():
            self._head(200, Content_Length=len(SOUND))
            self.wfile.write(OTHER[:HALF])
            self.close_connection = True
        elif "Range" in self.headers:
            span = f"bytes {HALF}-{len(SOUND) - 1}/{len(SOUND)}"
            self._head(206, Content_Length=HALF, Content_Range=span)
            self.wfile.write(SOUND[HALF:])
        else:
            self._good()

    def _whole(self) -> None:
        """Knows no ranges."""
        if self._first():
            self._cut()
        else:
            self._head(200, Content_Length=len(SOUND))
            self.wfile.write(SOUND)

    def _shrunk(self) -> None:
        if self._first():
            self._cut()
        elif "Range" in self.headers:
            self._head(416, Content_Length=0)
        else:
            self._good()

    def _chunked(self, body: bytes = SOUND) -> None:
        self._head(200, Transfer_Encoding="chunked")
        for at in range(0, len(body), 50_000):
            block = body[at : at + 50_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")

    def _endless(self) -> None:
        self._chunked(SOUND * 3)

    def _long(self) -> None:
        self._good(SOUND + b"x")

    def _short(self) -> None:
        self._good(SOUND[:-1])

    def _liar(self) -> None:
        self._good(OTHER)

    def _html(self) -> None:
        """A captive portal."""
        self._head(200, Content_Length=13, Content_Type="text/html")
        self.wfile.write(b"<html>log in!")

    def _forbidden(self) -> None:
        self._head(403, Content_Length=0)

    def _broken(self) -> None:
        self._head(503, Content_Length=0)

    def _loop(self) -> None:
        self._head(302, Location="/loop", Content_Length=0)

    def _moved(self) -> None:
        self._head(302, Location="/good", Content_Length=0)

    def _insecure(self) -> None:
        self._head(302, Location="http://127.0.0.1:9/good", Content_Length=0)

    def _stall(self) -> None:
        self._head(200, Content_Length=len(SOUND), ETag='"one"')
        self.wfile.write(SOUND[:HALF])
        self.wfile.flush()
        self.server.let_go.wait(10)

    def _silent(self) -> None:
        self.server.let_go.wait(10)

    def _drip(self) -> None:
        """Never silent, never done."""
        self._head(200, Content_Length=len(SOUND))
        for byte in SOUND:
            self.wfile.write(bytes([byte]))
            if self.server.let_go.wait(0.02):
                return


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.let_go = threading.Event()
        self.scheme = "http"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is the point of some tests."""

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}/{path}"


@contextlib.contextmanager
def serving(web: Web) -> Iterator[Web]:
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield web
    web.let_go.set()
    web.shutdown()
    web.server_close()
    thread.join(5)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web()) as one:
        yield one


class Store:
    """The store under test with its ear."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        settings.setdefault("allow_http", True)
        settings.setdefault("read_within_s", 5.0)
        self.folder = folder
        self.ear = Ear()
        self.store = ContentStore(folder, ContentSettings(**settings), self.ear, chance=lambda: 0.5)
        self.found = self.store.open()

    def fetch(self, url: str, sha256: str = SHA, size: int = len(SOUND)) -> FileReady | FetchFailed:
        self.ear.forget()
        self.store.fetch(Fetch(sha256, url, size))
        until(lambda: self.ear.of(FileReady) or self.ear.of(FetchFailed))
        [event] = self.ear.heard
        assert isinstance(event, FileReady | FetchFailed)
        return event

    def fault(self, url: str) -> FetchFault:
        event = self.fetch(url)
        assert isinstance(event, FetchFailed), event
        assert event.chance == 0.5
        assert not self.store.path(SHA).exists()
        return event.fault

    @property
    def partial(self) -> Path:
        return self.folder / "partial" / SHA


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    made: list[Store] = []

    def one(**settings: Any) -> Store:
        made.append(Store(tmp_path / "content", **settings))
        return made[-1]

    yield one
    for store in made:
        store.store.close()


Make = Callable[..., Store]


@pytest.mark.parametrize("path", ["good", "chunked", "moved"])
def test_a_file_arrives_verified(web: Web, make: Make, path: str) -> None:
    store = make()
    assert store.found == FilesFound(())
    assert store.fetch(web.url(path)) == FileReady(SHA, len(SOUND))
    assert store.store.path(SHA).read_bytes() == SOUND
    assert list((store.folder / "partial").iterdir()) == []
    assert make().found == FilesFound(((SHA, len(SOUND)),))


def test_a_file_that_is_there_is_ready_without_asking_anybody(web: Web, make: Make) -> None:
    store = make()
    store.fetch(web.url("good"))
    store.fetch(web.url("good"))
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("missing", "not_found"),
        ("forbidden", "refused"),
        ("broken", "network"),
        ("loop", "bad_url"),
        ("long", "too_long"),
        ("endless", "too_long"),
        ("short", "wrong_hash"),
        ("liar", "wrong_hash"),
        ("html", "wrong_hash"),
        ("cut", "network"),
    ],
)
def test_a_server_that_cannot_give_the_file_is_told_by_reason(
    web: Web, make: Make, path: str, fault: FetchFault
) -> None:
    store = make()
    assert store.fault(web.url(path)) == fault
    assert store.partial.exists() == (path == "cut")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ftp://127.0.0.1/x", "bad_url"),
        ("/etc/passwd", "bad_url"),
        ("file:///etc/passwd", "bad_url"),
        ("http://", "bad_url"),
        ("http://no-such-host.invalid/x", "network"),
        ("http://127.0.0.1:1/x", "network"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_by_reason(
    make: Make, url: str, fault: FetchFault
) -> None:
    assert make().fault(url) == fault


def test_what_arrived_survives_a_restart_and_is_continued(web: Web, make: Make) -> None:
    assert make().fault(web.url("cut")) == "network"
    again = make()
    assert again.partial.stat().st_size == HALF
    assert again.fetch(web.url("cut")) == FileReady(SHA, len(SOUND))
    headers = web.asked[1][1]
    assert (headers["Range"], headers["If-Range"]) == (f"bytes={HALF}-", '"one"')


@pytest.mark.parametrize("path", ["changed", "swapped", "whole"])
def test_a_continued_file_that_is_another_one_now_is_fetched_from_the_beginning(
    web: Web, make: Make, path: str
) -> None:
    store = make()
    assert store.fault(web.url(path)) == "network"
    assert store.fetch(web.url(path)) == FileReady(SHA, len(SOUND))


def test_a_server_that_has_less_than_we_do_is_asked_from_the_beginning_next_time(
    web: Web, make: Make
) -> None:
    store = make()
    assert store.fault(web.url("shrunk")) == "network"
    assert store.fault(web.url("shrunk")) == "wrong_hash"
    assert store.fetch(web.url("shrunk")) == FileReady(SHA, len(SOUND))


def test_a_server_that_stalls_is_given_up_and_what_came_is_kept(web: Web, make: Make) -> None:
    store = make(read_within_s=0.2)
    assert store.fault(web.url("stall")) == "network"
    assert store.partial.stat().st_size == HALF
    assert store.fault(web.url("silent")) == "network"


def test_a_server_that_drips_is_given_up_although_it_is_never_silent(web: Web, make: Make) -> None:
    store = make(stall_ms=300)
    event = store.fetch(web.url("drip"))
    assert isinstance(event, FetchFailed)
    assert "bytes in 300 ms" in event.detail


def test_a_cancelled_fetch_says_nothing_and_keeps_what_came(web: Web, make: Make) -> None:
    store = make()
    store.store.fetch(Fetch(SHA, web.url("drip"), len(SOUND)))
    until(lambda: web.asked)
    store.store.cancel(CancelFetch(SHA))
    assert store.fetch(web.url("good")) == FileReady(SHA, len(SOUND))


def test_asking_twice_is_one_download(web: Web, make: Make) -> None:
    store = make(parallel=2)
    for _ in range(3):
        store.store.fetch(Fetch(SHA, web.url("good"), len(SOUND)))
    store.ear.wait_for(FileReady)
    assert len(web.asked) == 1


def test_two_files_come_one_after_the_other_by_default(web: Web, make: Make) -> None:
    store = make()
    other = hashlib.sha256(OTHER).hexdigest()
    store.store.fetch(Fetch(SHA, web.url("good"), len(SOUND)))
    store.store.fetch(Fetch(other, web.url("liar"), len(OTHER)))
    store.ear.wait_for(FileReady, lambda one: one.sha256 == other)
    assert [one.sha256 for one in store.ear.of(FileReady)] == [SHA, other]


def test_the_rate_limit_holds(web: Web, make: Make) -> None:
    store = make(rate_limit_kbit_s=8_000)  # 204,800 bytes need 204 ms
    began = time.monotonic()
    store.fetch(web.url("good"))
    assert time.monotonic() - began > 0.15


def test_a_file_in_use_is_evicted_only_when_it_is_let_go(web: Web, make: Make) -> None:
    store = make()
    store.fetch(web.url("good"))
    path = store.store.path(SHA)
    store.store.pin(SHA)
    store.store.pin(SHA)
    store.store.evict(Evict(SHA))
    store.store.unpin(SHA)
    assert path.exists()
    store.store.unpin(SHA)
    assert not path.exists()


def test_a_file_wanted_again_before_it_was_let_go_stays(web: Web, make: Make) -> None:
    store = make()
    store.fetch(web.url("good"))
    store.store.pin(SHA)
    store.store.evict(Evict(SHA))
    assert store.fetch(web.url("good")) == FileReady(SHA, len(SOUND))
    store.store.unpin(SHA)
    assert store.store.path(SHA).exists()


def test_a_file_that_rotted_on_the_card_is_removed_and_told(web: Web, make: Make) -> None:
    make().fetch(web.url("good"))
    again = make()
    rotten = bytearray(SOUND)
    rotten[1_000] ^= 1
    again.store.path(SHA).write_bytes(rotten)
    again.store.start()
    assert again.ear.wait_for(FilesFound) == FilesFound(())
    assert not again.store.path(SHA).exists()


def test_strange_files_in_the_store_are_not_offered(web: Web, make: Make) -> None:
    store = make()
    store.fetch(web.url("good"))
    (store.folder / "ready" / "notes.txt").write_text("hello")
    (store.folder / "ready" / ("a" * 64)).mkdir()
    assert make().found == FilesFound(((SHA, len(SOUND)),))


def test_a_full_disk_is_known_before_a_byte_is_paid_for(web: Web, make: Make) -> None:
    store = make()
    store.store.fetch(Fetch(SHA, web.url("good"), 2**60))
    assert store.ear.wait_for(FetchFailed).fault == "no_space"
    assert web.asked == []


def test_a_store_that_cannot_be_made_offers_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "content")
    assert store.found == FilesFound(())
    store.store.start()
    assert store.fault("http://127.0.0.1:1/x") == "no_storage"
    store.store.close()


def test_a_folder_that_is_gone_is_not_blamed_on_the_network(web: Web, make: Make) -> None:
    store = make()
    shutil.rmtree(store.folder)
    assert store.fault(web.url("good")) == "no_storage"
    assert web.asked == []


def test_plain_http_is_refused_unless_allowed(web: Web, make: Make) -> None:
    assert make(allow_http=False).fault(web.url("good")) == "bad_url"
    assert web.asked == []


def test_https_is_verified_and_never_left(tmp_path: Path, make: Make) -> None:
    ours, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    issued = ours.issue("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.certificate, issued.key)
    secure = Web()
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    secure.scheme = "https"
    with serving(secure):
        trusting = make(ca=str(ours.certificate))
        assert trusting.fault(secure.url("insecure")) == "refused"
        assert make(ca=str(stranger.certificate)).fault(secure.url("good")) == "refused"
        assert trusting.fetch(secure.url("good")) == FileReady(SHA, len(SOUND))
