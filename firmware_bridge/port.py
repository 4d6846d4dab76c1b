"""Serial ports: opening them, reading and writing with a bound, and finding them again.

Owns the one place where OSError, termios.error and SerialException become `PortError`, and
the `Doorbell` that ends a wait early. Does not own retries, framing or threads.

Invariants: no call blocks longer than it was told; unsent bytes are capped; `abort` never
waits for a peer that does not read, and may be called twice. Ports are named by
/dev/serial/by-id, else by-path, because ttyUSB numbers change with every replug.
"""

from __future__ import annotations

import errno
import os
import select
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import serial

from firmware_bridge.drivers.contract import LinkWhy

DEFAULT_BAUD = 115_200
READ_SIZE = 4_096
MAX_UNSENT = 4_096
SERIAL_ROOT = Path("/dev/serial")

_WHY_BY_ERRNO = {
    errno.ENOENT: LinkWhy.PORT_MISSING,
    errno.ENODEV: LinkWhy.PORT_MISSING,
    errno.ENXIO: LinkWhy.PORT_MISSING,
    errno.EACCES: LinkWhy.PORT_FORBIDDEN,
    errno.EPERM: LinkWhy.PORT_FORBIDDEN,
    errno.EBUSY: LinkWhy.PORT_BUSY,
    errno.EAGAIN: LinkWhy.PORT_BUSY,
}


class PortError(Exception):
    """The port cannot be used (any more); `why` says what to do about it."""

    def __init__(self, why: LinkWhy, detail: str) -> None:
        super().__init__(detail)
        self.why = why


class Doorbell:
    """Wakes a thread that waits for a port or for time. Ringing twice wakes once."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._fd

    def ring(self) -> None:
        if self._fd >= 0:
            os.eventfd_write(self._fd, 1)

    def silence(self) -> None:
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            pass

    def wait(self, timeout_ms: int | None) -> None:
        select.select([self._fd], [], [], _seconds(timeout_ms))
        self.silence()

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class BytePort(Protocol):
    """A byte stream that may break. Every method but `abort` raises only PortError."""

    def read(self, timeout_ms: int | None) -> bytes:
        """What has arrived; empty after the timeout or when the doorbell rings."""

    def write(self, data: bytes) -> None:
        """Queue and send as much as the line takes now; the rest goes out during reads."""

    def abort(self) -> None: ...


OpenPort = Callable[[str, Doorbell], BytePort]


class SerialBytePort:
    """A real (or pseudo) terminal, opened and set up by pyserial, read with one select."""

    def __init__(self, path: str, doorbell: Doorbell, *, baud: int = DEFAULT_BAUD) -> None:
        self._doorbell = doorbell
        self._unsent = bytearray()
        self._serial: serial.Serial | None = None
        with _only_port_errors(LinkWhy.PORT_UNUSABLE):
            if not Path(path).exists():
                raise PortError(LinkWhy.PORT_MISSING, f"{path} does not exist")
            self._serial = serial.Serial(path, baud, timeout=0, exclusive=True)
        self._fd = self._serial.fileno()

    def read(self, timeout_ms: int | None) -> bytes:
        with _only_port_errors(LinkWhy.PORT_LOST):
            writing = [self._fd] if self._unsent else []
            bell = self._doorbell.fileno()
            ready, writable, _ = select.select([self._fd, bell], writing, [], _seconds(timeout_ms))
            if bell in ready:
                self._doorbell.silence()
            if writable:
                self._drain()
            if self._fd not in ready:
                return b""
            data = os.read(self._fd, READ_SIZE)
            if not data:
                raise PortError(LinkWhy.PORT_LOST, "end of file: the port was unplugged")
            return data

    def write(self, data: bytes) -> None:
        if len(self._unsent) + len(data) > MAX_UNSENT:
            raise PortError(LinkWhy.PORT_LOST, f"{len(self._unsent)} bytes could not be sent")
        self._unsent += data
        with _only_port_errors(LinkWhy.PORT_LOST):
            self._drain()

    def abort(self) -> None:
        port, self._serial = self._serial, None
        if port is None:
            return
        try:
            termios.tcflush(self._fd, termios.TCIOFLUSH)
        except (OSError, termios.error):
            pass  # already gone: nothing can be waiting to be sent
        try:
            port.close()
        except (OSError, termios.error):
            pass  # the descriptor is closed either way

    def _drain(self) -> None:
        try:
            sent = os.write(self._fd, self._unsent)
        except BlockingIOError:
            return
        del self._unsent[:sent]


def open_serial(path: str, doorbell: Doorbell) -> BytePort:
    """The default way to open a port."""
    return SerialBytePort(path, doorbell)


def list_ports(root: Path = SERIAL_ROOT) -> list[str]:
    """Stable names of the serial ports present: by-id first, then those only in by-path."""
    by_id = _links(root / "by-id")
    known = {link.resolve() for link in by_id}
    by_path = [link for link in _links(root / "by-path") if link.resolve() not in known]
    return [str(link) for link in by_id + by_path]


def stable_name(path: str, root: Path = SERIAL_ROOT) -> str:
    """The by-id or by-path name of a port, or the path itself when it has none."""
    target = Path(path).resolve()
    for name in list_ports(root):
        if Path(name).resolve() == target:
            return name
    return path


def _links(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _seconds(timeout_ms: int | None) -> float | None:
    return None if timeout_ms is None else max(timeout_ms, 0) / 1000


@contextmanager
def _only_port_errors(otherwise: LinkWhy) -> Iterator[None]:
    try:
        yield
    except (OSError, termios.error, ValueError) as error:
        raise PortError(_why(error, otherwise), str(error)) from error


def _why(error: Exception, otherwise: LinkWhy) -> LinkWhy:
    number = error.errno if isinstance(error, OSError) else None
    if otherwise is not LinkWhy.PORT_UNUSABLE or number is None:
        return otherwise
    return _WHY_BY_ERRNO.get(number, otherwise)
