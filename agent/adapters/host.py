"""How the box is: temperature, storage, memory, uptime, and when its certificate ends.

Owns the readings, once a minute, outside the loop (a worn SD card can take a minute to answer).
Does not own what is too hot or too full. What cannot be read here is None, never a constant.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent.adapters.ports import Emit
from agent.core.events import HostSeen

EVERY_S = 60.0
MIB = 1024 * 1024


class Host:
    """`run` is its supervised task."""

    def __init__(
        self,
        state_dir: Path,
        certificate: Path | None,
        emit: Emit,
        *,
        root: Path = Path("/"),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """root: where `sys` and `proc` are."""
        self._state_dir = state_dir
        self._certificate = certificate
        self._emit = emit
        self._root = root
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            self._emit(await asyncio.to_thread(self.look))
            await self._sleep(EVERY_S)

    def look(self) -> HostSeen:
        """Read everything once. Blocks."""
        return HostSeen(
            temperature_cdeg=self._temperature_cdeg(),
            storage_free_mib=self._storage_free_mib(),
            memory_free_mib=self._memory_free_mib(),
            uptime_s=self._uptime_s(),
            certificate_not_after_ms=self._certificate_not_after_ms(),
        )

    def _temperature_cdeg(self) -> int | None:
        """The hottest of the board's sensors."""
        found = []
        for sensor in (self._root / "sys/class/thermal").glob("thermal_zone*/temp"):
            text = _text(sensor)
            if text is not None and text.lstrip("-").isdigit():
                found.append(int(text) // 10)
        return max(found, default=None)

    def _storage_free_mib(self) -> int | None:
        try:
            room = os.statvfs(self._state_dir)
        except OSError:
            return None
        return room.f_bavail * room.f_frsize // MIB

    def _memory_free_mib(self) -> int | None:
        for line in (_text(self._root / "proc/meminfo") or "").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
        return None

    def _uptime_s(self) -> int | None:
        text = _text(self._root / "proc/uptime")
        return int(float(text.split()[0])) if text else None

    def _certificate_not_after_ms(self) -> int | None:
        text = _text(self._certificate) if self._certificate else None
        return not_after_ms(text) if text else None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


# --- the end of a certificate --------------------------------------------------------------
# `cryptography.x509` would cost the agent 4 MB of memory for one date; the DER around it is small.

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x17, 0x18
_VERSION = 0xA0


def not_after_ms(pem: str) -> int | None:
    """notAfter of the first certificate in a PEM text; None when it is not one."""
    try:
        _, _, rest = pem.partition("-----BEGIN CERTIFICATE-----")
        body, _, _ = rest.partition("-----END CERTIFICATE-----")
        certificate = _children(base64.b64decode(body))[0][1]
        fields = _children(_children(certificate)[0][1])
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        tag, when = _children(fields[3][1])[1]  # serial, algorithm, issuer, validity
        return _epoch_ms(tag, when.decode("ascii"))
    except (IndexError, ValueError):
        return None


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of each DER element in `data`."""
    found = []
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("element runs past its end")
        found.append((tag, data[at : at + length]))
        at += length
    return found


def _epoch_ms(tag: int, when: str) -> int:
    if tag == _UTC_TIME:
        when = ("19" if int(when[:2]) >= 50 else "20") + when
    elif tag != _GENERALIZED_TIME:
        raise ValueError("neither of the two kinds of time")
    instant = dt.datetime.strptime(when, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
    return int(instant.timestamp() * 1_000)
