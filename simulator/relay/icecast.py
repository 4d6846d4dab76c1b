"""A real Icecast server on loopback, and ffmpeg as the studio that sends to it.

Owns both processes and their directory. The server dies with the test, and so does the sender.
Icecast refuses to be root: started by root it becomes the user its Debian package made.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.soundcard.tied import TiedProcess
from simulator.source_system.broker import free_port

_START_LIMIT_S = 10.0
_PORTS_TRIED = 3
_PASSWORD = "chi-de-thu"  # noqa: S105 - of a server that lives as long as a test
_CONTENT_TYPES = {"mp3": "audio/mpeg", "ogg": "application/ogg", "aac": "audio/aac"}
_CODECS = {"mp3": "libmp3lame", "ogg": "libopus", "aac": "aac"}
_FORMATS = {"mp3": "mp3", "ogg": "ogg", "aac": "adts"}


class IcecastError(Exception):
    """The server could not be started; the message says what to install or what it said."""


class Icecast:
    """`with Icecast() as server: server.url("dai.mp3")`."""

    def __init__(self, *, burst_bytes: int = 65_535) -> None:
        self._burst = burst_bytes
        self._folder: Path | None = None
        self._process: TiedProcess | None = None
        self.port = 0

    def __enter__(self) -> Self:
        program = shutil.which("icecast2")
        if program is None:
            raise IcecastError("icecast2 is needed: apt install icecast2")
        self._folder = Path(tempfile.mkdtemp(prefix="crs-ice-"))
        self._folder.chmod(0o755)
        (self._folder / "log").mkdir()
        (self._folder / "log").chmod(0o777)
        for _ in range(_PORTS_TRIED):  # a free port may be taken before the server has it
            if self._started(program):
                return self
        raise IcecastError(f"icecast2 did not answer: {self._log()}")

    def _started(self, program: str) -> bool:
        self.port = free_port()
        settings = self._directory / "icecast.xml"
        settings.write_text(self._settings(), "utf-8")
        self._process = TiedProcess([program, "-c", str(settings)], dict(os.environ))
        limit = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < limit and self._process.returncode() is None:
            if self._answers():
                return True
            time.sleep(0.02)
        self._process.close()
        return False

    @property
    def _directory(self) -> Path:
        if self._folder is None:
            raise IcecastError("the server is closed")
        return self._folder

    def _answers(self) -> bool:
        """Whether it is this server that has the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as probe:
                probe.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"Icecast" in probe.recv(1_000)
        except OSError:
            return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """The server is gone; its listeners are hung up on."""
        if self._process is not None:
            self._process.close()

    def url(self, mount: str) -> str:
        """Where listeners find a mount."""
        return f"http://127.0.0.1:{self.port}/{mount}"

    def send(self, mount: str, source: Sequence[str], *, kbps: int = 64) -> Sender:
        """Send to a mount in real time; `source` are ffmpeg's input options."""
        return Sender(f"source:{_PASSWORD}@127.0.0.1:{self.port}/{mount}", source, kbps)

    def await_sound(self, mount: str) -> None:
        """Until listeners get something; a studio on a busy machine takes its time."""
        limit = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < limit:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                link.request("GET", f"/{mount}")
                answer = link.getresponse()
                if answer.status == http.client.OK and answer.read(1):
                    return
            except (OSError, http.client.HTTPException):
                pass  # not yet
            finally:
                link.close()
            time.sleep(0.05)
        raise IcecastError(f"no studio sends to {mount}: {self._log()}")

    def _log(self) -> str:
        if self._folder is None:
            return ""
        return "".join(one.read_text("utf-8")[-2_000:] for one in self._folder.glob("log/*.log"))

    def _settings(self) -> str:
        owner = "<user>icecast2</user><group>icecast</group>"
        change = f"<changeowner>{owner}</changeowner>" if os.geteuid() == 0 else ""
        return f"""<icecast>
<limits><clients>50</clients><sources>10</sources><queue-size>524288</queue-size>
<source-timeout>10</source-timeout><burst-size>{self._burst}</burst-size></limits>
<authentication><source-password>{_PASSWORD}</source-password>
<admin-user>admin</admin-user><admin-password>{_PASSWORD}</admin-password></authentication>
<hostname>localhost</hostname>
<listen-socket><port>{self.port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
<paths><basedir>{self._folder}</basedir><logdir>{self._folder}/log</logdir>
<webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
<logging><errorlog>error.log</errorlog><accesslog>access.log</accesslog>
<loglevel>2</loglevel></logging>
<security><chroot>0</chroot>{change}</security>
</icecast>
"""


class Sender:
    """A studio that sends until it is closed, or until what it plays is over."""

    def __init__(self, target: str, source: Sequence[str], kbps: int) -> None:
        kind = target.rpartition(".")[2]
        self._process = subprocess.Popen(
            [
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-re", *source),
                *("-ac", "1", "-c:a", _CODECS[kind], "-b:a", f"{kbps}k"),
                *("-content_type", _CONTENT_TYPES[kind], "-f", _FORMATS[kind]),
                f"icecast://{target}",
            ],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop sending; the server hangs up on the listeners."""
        self._process.kill()
        self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def freeze(self) -> None:
        """Go on being connected and send nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Send again."""
        self._process.send_signal(signal.SIGCONT)
