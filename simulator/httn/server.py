"""The reference source system on one port of this machine: both dialects, an operator's page.

Owns tokens, routes and the answers; `rules` judges, `store` keeps, `faults` go wrong. How calls
reach a station (in the answer to a status report, or polled) was not seen and is our reading.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from simulator.httn import overview
from simulator.httn.faults import Fault, Faults
from simulator.httn.rules import judge
from simulator.httn.store import Store
from simulator.web import WebServer

BODY_MAX_BYTES = 256 * 1024
IDLE_DEADLINE_S = 60.0
STALL_MAX_S = 120.0
DEPTH_MAX = 32
NESTED = 50_000

ROUTES: dict[str, str] = {
    **{f"/api{number}": f"api{number}" for number in range(1, 10)},
    "/login": "login",
    "/status": "status",
    "/journal": "journal",
    "/journal/end": "journal_end",
    "/schedule/saved": "schedule_saved",
    "/schedule/deleted": "schedule_deleted",
    "/outcome": "outcome",
    "/poll": "poll",
}
"""Path → message. The station's defaults, and two that it sends only when they are set."""

OPEN = frozenset({"api1", "login"})
DOWNWARD = frozenset({"api4", "api5", "api6", "api7"})
NOT_KEPT = frozenset({"poll", "login", "api1", "api2", "api3"})


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the reference does, and how strictly.

    accounts: by name, with password; codes: MaXacThuc that api1 accepts. token_s, token_uses: how
    long, or for how many messages, a token is good; token_bytes: how much chance is in it, four
    characters for three of them. knows_keys: it looks at Idempotency-Key; else
    a message is known by what it says. on_duplicate: the answer to one that is held already.
    calls_in: where calls are handed out.
    """

    accounts: Mapping[str, str] = field(default_factory=lambda: {"cum-loa": "mat-khau-thu"})
    codes: frozenset[int] = frozenset({123_456})
    token_s: float = 3_600.0
    token_uses: int | None = None
    token_bytes: int = 24
    knows_keys: bool = True
    on_duplicate: Literal["accept", "conflict", "refuse"] = "accept"
    refuse_with: Literal[200, 400, 422] = 200
    calls_in: Literal["answers", "poll"] = "answers"
    status_every_s: int = 60
    tz: tzinfo = UTC


@dataclass(slots=True)
class _Token:
    ends_ms: int
    uses_left: int | None


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    body: bytes
    kind: str = "application/json; charset=utf-8"
    location: str = ""


def _said(state: int, why: str = "", content: Any = None, code: int = 200) -> _Answer:
    body: dict[str, Any] = {"TrangThaiGui": state, "MoTa": why}
    if content is not None:
        body["NoiDung"] = content
    return _Answer(code, json.dumps(body, ensure_ascii=False).encode())


class Desk:
    """What is answered to what. No sockets here."""

    def __init__(self, settings: Settings, store: Store, now_ms: Callable[[], int]) -> None:
        self.settings = settings
        self.store = store
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._tokens: dict[str, _Token] = {}
        self.logins = 0
        self.seen: list[str] = []
        """Every message that came through the door, by name."""

    def expire_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def answer(self, message: str, body: Any, headers: Mapping[str, str]) -> _Answer:
        with self._lock:
            self.seen.append(message)
        if message not in OPEN and not self._knows(headers.get("Authorization", "")):
            return _said(1, "token không hợp lệ hoặc hết hạn", code=401)
        if message in DOWNWARD:
            return _said(1, f"{message} do hệ thống nguồn gửi", code=405)
        why = judge(message, body)
        if why:
            self.store.refuse(message, why, self._now_ms(), body)
            return _said(1, why, code=self.settings.refuse_with)
        if message in OPEN:
            return self._log_in(message, body)
        return self._take(message, body, headers.get("Idempotency-Key", ""))

    # --- who ------------------------------------------------------------------------------

    def _log_in(self, message: str, body: dict[str, Any]) -> _Answer:
        if message == "login":
            known = self.settings.accounts.get(body["Username"])
            said = body["Password"].encode("utf-8", "surrogatepass")
            good = known is not None and secrets.compare_digest(known.encode(), said)
        else:
            good = body["MaXacThuc"] in self.settings.codes
        if not good:
            return _said(1, "sai tài khoản hoặc mã xác thực")
        token = secrets.token_urlsafe(self.settings.token_bytes)
        ends_ms = self._now_ms() + round(self.settings.token_s * 1_000)
        with self._lock:
            self._tokens[token] = _Token(ends_ms, self.settings.token_uses)
            self.logins += 1
        return _said(0, content={"Token": token})

    def _knows(self, authorization: str) -> bool:
        """Each use counts."""
        with self._lock:
            token = self._tokens.get(authorization.removeprefix("Bearer "))
            if token is None or self._now_ms() >= token.ends_ms or token.uses_left == 0:
                return False
            if token.uses_left is not None:
                token.uses_left -= 1
            return True

    # --- what -----------------------------------------------------------------------------

    def _take(self, message: str, body: dict[str, Any], key: str) -> _Answer:
        cluster = str(body.get("CumLoaID", body.get("CumLoaId", "")))
        if message in ("status", "api8"):
            self.store.status(cluster, self._now_ms(), body)
            handed_out = self.settings.calls_in == "answers"
            return _said(0, content=self._calls(cluster, message) if handed_out else None)
        if message == "poll":
            return _said(0, content=self._calls(cluster, "status" if "CumLoaID" in body else ""))
        if message in NOT_KEPT:
            return _said(0)
        known_by = key if key and self.settings.knows_keys else _by_content(message, body)
        if self.store.add(message, cluster, known_by, key, self._now_ms(), body):
            return _said(0)
        match self.settings.on_duplicate:
            case "conflict":
                return _said(1, "bản ghi đã tồn tại", code=409)
            case "refuse":
                return _said(1, "Bản ghi đã tồn tại", code=self.settings.refuse_with)
        return _said(0)

    def _calls(self, cluster: str, dialect_of: str) -> dict[str, Any] | None:
        waiting = self.store.take_waiting(cluster)
        if not waiting:
            return None
        if dialect_of != "status":
            calls = [{"Lenh": kind, "DuLieu": body} for kind, body in waiting]
            return {"DanhSachLenh": calls}
        return {
            "DanhSachLenh": [body for kind, body in waiting if kind == "command"],
            "DanhSachLichPhat": [body for kind, body in waiting if kind == "item"],
            "DanhSachLichPhatXoa": [body for kind, body in waiting if kind == "deleted"],
        }

    # --- the operator ---------------------------------------------------------------------

    def send(self, cluster: str, kind: str, body: dict[str, Any]) -> str:
        """Have a call wait for a station; "" or why it may not."""
        if kind not in ("command", "item", "deleted", *DOWNWARD):
            return f"không có loại {kind}"
        why = judge(kind, body)
        if not why:
            self.store.wait_for(cluster, kind, body)
        return why

    def overview(self) -> overview.Overview:
        every_s = self.settings.status_every_s
        return overview.look(self.store.statuses(), self._now_ms(), every_s)


def _deeper(body: Any, levels: int) -> bool:
    """Whether it is nested deeper than any message is."""
    level = [body]
    for _ in range(levels):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def _by_content(message: str, body: dict[str, Any]) -> str:
    """A repeated post says the same, to the byte."""
    said = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return f"{message}:{hashlib.sha256(said.encode()).hexdigest()}"


# --- sockets -------------------------------------------------------------------------------


class _Server(WebServer):
    def __init__(
        self, address: tuple[str, int], desk: Desk, faults: Faults, tls: ssl.SSLContext | None
    ) -> None:
        self.desk = desk
        self.faults = faults
        super().__init__(address, _Handler, tls, idle_s=IDLE_DEADLINE_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """The store keeps what matters."""

    def do_GET(self) -> None:
        desk = self.server.desk
        if self.path == "/":
            shown = overview.page(desk.overview(), desk.settings.tz).encode()
            self._send(_Answer(200, shown, "text/html; charset=utf-8"))
        elif self.path == "/tong-quan.json":
            said = json.dumps(desk.overview().as_json(), ensure_ascii=False).encode()
            self._send(_Answer(200, said))
        else:
            self._send(_said(1, "không có trang này", code=404))

    def do_POST(self) -> None:
        message = ROUTES.get(self.path, "")
        body = self._body()
        if self.path == "/dieu-khien":
            self._send(self._operator(body))
            return
        if not message:
            self._send(_said(1, "không có đường dẫn này", code=404))
            return
        said = json.dumps(body, ensure_ascii=False)
        self._answer(message, body, self.server.faults.take(message, said))

    def _body(self) -> Any:
        """None: no JSON, too deep, or too long."""
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY_MAX_BYTES:
            self.close_connection = True
            return None
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            return None
        return None if _deeper(body, DEPTH_MAX) else body

    def _operator(self, body: Any) -> _Answer:
        """{"CumLoaID", "Loai", "NoiDung"}: have a call wait for a station."""
        if not isinstance(body, dict) or not isinstance(body.get("NoiDung"), dict):
            return _said(1, "cần CumLoaID, Loai, NoiDung", code=400)
        kind = str(body.get("Loai", ""))
        why = self.server.desk.send(str(body.get("CumLoaID", "")), kind, body["NoiDung"])
        return _said(1, why, code=400) if why else _said(0)

    def _answer(self, message: str, body: Any, fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind not in ("cut_after", "stall"):
            self._go_wrong(fault)
            return
        answer = self.server.desk.answer(message, body, dict(self.headers.items()))
        if fault is None:
            self._send(answer)
            return
        if kind == "stall":
            self.server.faults.released.wait(min(fault.seconds, STALL_MAX_S))
        self._hang_up()

    def _go_wrong(self, fault: Fault) -> None:
        match fault.kind:
            case "status":
                self._send(_Answer(fault.code, b"<h1>loi</h1>", "text/html"))
            case "refuse":
                self._send(_said(1, fault.why, code=fault.refused_with))
            case "unauthorised":
                self._send(_said(1, "chưa đăng nhập", code=401))
            case "captive":
                page = b"<html><title>Dang nhap WiFi</title></html>"
                self._send(_Answer(200, page, "text/html"))
            case "nested":
                deep = b"[" * NESTED + b"]" * NESTED
                self._send(_Answer(200, b'{"TrangThaiGui": 0, "NoiDung": ' + deep + b"}"))
            case "redirect":
                self._send(_Answer(307, b"", "text/html", fault.to))
            case _:
                self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.code)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.end_headers()
        self.wfile.write(answer.body)


class Httn:
    """`with Httn() as httn:`. store None: in memory. tls None: plain HTTP. port 0: a free one."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        store: Path | None = None,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.store = Store(store)
        self.desk = Desk(settings or Settings(), self.store, now_ms)
        self.faults = Faults()
        self._tls = tls
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port

    @property
    def base_url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Again after `stop`, on the same port and with everything it held."""
        address = ("127.0.0.1", self.port)
        self.faults.released.clear()
        self._server = _Server(address, self.desk, self.faults, self._tls)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="httn", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """An outage: nobody listens, every connection is gone."""
        self.faults.released.set()
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.drop_connections()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.store.close()
