"""A real Mosquitto for a pilot district and for tests, on loopback, mutual TLS only.

Owns: its configuration file, its process and its log. Does not own certificates (`pki`) or the
content of the ACL file (`acl`); it only tells Mosquitto to read that again.

Two listeners: stations (the user name, hence the client id, is the certificate's name: nobody
takes over another's session) and operators (loopback only, several at once).

Invariants: the process dies with the *thread* that called `start` (Linux PR_SET_PDEATHSIG), so
start it from a thread that lives; ports stay the same over `kill` and `restart`.
"""

from __future__ import annotations

import contextlib
import ctypes
import getpass
import random
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.contract.topics import MESSAGE_MAX_BYTES
from simulator.source_system.pki import Credentials
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import BrokerError

START_DEADLINE_S = 10.0
STOP_DEADLINE_S = 5.0
SERVER_PORTS = range(20_000, 32_000)
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

CONFIGURATION = """\
# Written by the source system; edits are overwritten.
per_listener_settings false
user {user}
allow_anonymous false
acl_file {acl}
log_dest file {log}
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S

persistence true
persistence_location {data}/
autosave_interval {autosave_s}
persistent_client_expiration 14d

# The contract: nothing larger than 64 KiB; a cap on what is kept for who is away.
message_size_limit {message_max_bytes}
max_inflight_messages 64
max_queued_messages {queue_max}
max_keepalive 600
set_tcp_nodelay true
allow_zero_length_clientid false
sys_interval 0
"""

LISTENER = """
listener {port} {host}
cafile {ca}
certfile {certificate}
keyfile {key}
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
"""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on, below those the kernel hands to outgoing connections.

    Otherwise somebody's connection may sit on the broker's port when it is started again.
    """
    for port in random.sample(SERVER_PORTS, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise BrokerError("no_free_port", host)


def die_with_parent() -> None:
    """Runs in the child between fork and exec: SIGKILL when the starting thread ends."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Broker:
    """One Mosquitto process. `port` is for stations, `operator_port` for the district itself."""

    def __init__(
        self,
        folder: Path,
        server: Credentials,
        acl_file: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        operator_port: int = 0,
        autosave_s: int = 60,
        queue_max: int = 5_000,
    ) -> None:
        self.host = host
        self.port = port or free_port(host)
        self.operator_port = operator_port or free_port()
        self.folder = folder
        self.log_path = folder / "mosquitto.log"
        self._acl_file = acl_file
        self._server = server
        self._autosave_s = autosave_s
        self._queue_max = queue_max
        self._process: subprocess.Popen[bytes] | None = None

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

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start and wait until both listeners accept. Raises BrokerError."""
        if self.running:
            return
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "mosquitto.conf"
        write_whole(configuration, self._configuration(data).encode())
        try:
            self._process = subprocess.Popen(
                ["mosquitto", "-c", str(configuration)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, no Python state
            )
        except FileNotFoundError:
            raise BrokerError("broker_not_installed") from None
        self._await_listeners()

    def stop(self) -> None:
        """Ask it to end (it saves its database), insist after a while."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a power cut does: nothing is saved."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload_acl(self) -> None:
        """Read the ACL file again; connected clients stay connected."""
        if self._process is not None and self.running:
            self._process.send_signal(signal.SIGHUP)

    def log_tail(self, lines: int = 8) -> str:
        with contextlib.suppress(OSError):
            text = self.log_path.read_text(errors="replace")
            return "\n".join(text.splitlines()[-lines:])
        return "(no log)"

    def _configuration(self, data: Path) -> str:
        text = CONFIGURATION.format(
            user=getpass.getuser(),  # as root Mosquitto would drop to a user that reads no keys
            acl=self._acl_file,
            log=self.log_path,
            data=data,
            autosave_s=self._autosave_s,
            queue_max=self._queue_max,
            message_max_bytes=MESSAGE_MAX_BYTES,
        )
        stations = self._listener(self.host, self.port) + "use_username_as_clientid true\n"
        return text + stations + self._listener("127.0.0.1", self.operator_port)

    def _listener(self, host: str, port: int) -> str:
        return LISTENER.format(
            host=host,
            port=port,
            ca=self._server.ca,
            certificate=self._server.certificate,
            key=self._server.key,
        )

    def _await_listeners(self) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        for host, port in ((self.host, self.port), ("127.0.0.1", self.operator_port)):
            while not _accepts(host, port):
                if not self.running or time.monotonic() > deadline:
                    tail = self.log_tail()
                    self.kill()
                    raise BrokerError("broker_not_started", f"{host}:{port}", tail)
                time.sleep(0.02)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_DEADLINE_S)


def _accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def process_is_gone(pid: int) -> bool:
    """Whether no process of this id runs (a zombie counts as gone)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in {"Z", "X"}
