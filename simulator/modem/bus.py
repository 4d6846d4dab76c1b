"""A D-Bus of one's own: a real `dbus-daemon` on a socket in a folder, gone with the `with`."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.source_system.broker import die_with_parent

STARTED_WITHIN_S = 10.0
STOP_LIMIT_S = 5.0

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """`with PrivateBus(folder) as bus:`; `bus.address` is for both sides."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket = folder / "bus.sock"
        self._daemon: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"unix:path={self._socket}"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        config = self._folder / "bus.conf"
        config.write_text(CONFIG.format(socket=self._socket), encoding="utf-8")
        self._daemon = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only sets one flag
        )
        deadline = time.monotonic() + STARTED_WITHIN_S
        while not self._socket.is_socket():
            if self._daemon.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"dbus-daemon did not listen on {self._socket}")
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._daemon is None:
            return
        self._daemon.terminate()
        try:
            self._daemon.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait(STOP_LIMIT_S)
        self._daemon = None
