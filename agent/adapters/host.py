"""How the box is: heat, power, storage and its wear, memory, uptime, and when its certificate ends.

Owns the readings, once a minute, outside the loop (a worn SD card can take a minute to answer).
Mains and undervoltage are looked at every few seconds and told at once when they change. Does not
own what is too hot or too full. What cannot be read here is None, never a constant.
"""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.ports import Emit
from agent.core.events import HostSeen
from agent.player.protocol import RTSP_PROGRAM

EVERY_S = 60.0
QUICK_S = 5.0
MIB = 1024 * 1024
LIFE_STEP_PERCENT = 10
"""eMMC tells its life in tenths; 11 is beyond what was promised."""

COLDEST_CDEG, HOTTEST_CDEG = -5_000, 15_000
"""Beyond these a sensor is broken, not a box."""


@dataclass(frozen=True, slots=True)
class MainsSense:
    """Where it says whether the grid is there. file None: what the power supplies tell."""

    file: Path | None = None
    on_value: str = "1"


class Host:
    """`run` is its supervised task."""

    def __init__(
        self,
        state_dir: Path,
        certificate: Path | None,
        emit: Emit,
        *,
        mains: MainsSense | None = None,
        root: Path = Path("/"),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """root: where `sys` and `proc` are."""
        self._state_dir = state_dir
        self._certificate = certificate
        self._emit = emit
        self._mains_sense = mains or MainsSense()
        self._root = root
        self._sleep = sleep

    async def run(self) -> None:
        while True:
            seen = await asyncio.to_thread(self.look)
            self._emit(seen)
            await self._watch_power((seen.mains, seen.undervoltage))

    async def _watch_power(self, told: tuple[bool | None, bool | None]) -> None:
        """Until a minute is over, or the power is not as it was told."""
        for _ in range(round(EVERY_S / QUICK_S)):
            await self._sleep(QUICK_S)
            if await asyncio.to_thread(self._power) != told:
                return

    def look(self) -> HostSeen:
        """Read everything once. Blocks."""
        mains, undervoltage = self._power()
        free_mib, total_mib = self._storage_mib()
        return HostSeen(
            temperature_cdeg=self._temperature_cdeg(),
            storage_free_mib=free_mib,
            memory_free_mib=self._memory_mib("MemAvailable:"),
            uptime_s=self._uptime_s(),
            certificate_not_after_ms=self._certificate_not_after_ms(),
            mains=mains,
            undervoltage=undervoltage,
            battery_percent=self._battery_percent(),
            storage_total_mib=total_mib,
            storage_worn_percent=self._storage_worn_percent(),
            memory_total_mib=self._memory_mib("MemTotal:"),
            boot_id=_text(self._root / "proc/sys/kernel/random/boot_id") or "",
            fetches_rtsp=self._has(RTSP_PROGRAM),
        )

    def _has(self, program: str) -> bool:
        folders = (str(self._root / one.lstrip("/")) for one in os.get_exec_path())
        return shutil.which(program, path=os.pathsep.join(folders)) is not None

    # --- power ----------------------------------------------------------------------------

    def _power(self) -> tuple[bool | None, bool | None]:
        """(on mains, supply too low now)."""
        return self._mains(), self._undervoltage()

    def _mains(self) -> bool | None:
        sense = self._mains_sense
        if sense.file is not None:
            text = _text(sense.file)
            return None if text is None else text == sense.on_value
        online = [_text(one / "online") for one in self._supplies("Mains")]
        known = [text == "1" for text in online if text in ("0", "1")]
        if known:
            return any(known)
        states = {_text(one / "status") for one in self._supplies("Battery")}
        if "Charging" in states:
            return True
        return False if "Discharging" in states else None

    def _battery_percent(self) -> int | None:
        """The emptiest of the box's own batteries."""
        found = (_whole(one / "capacity") for one in self._supplies("Battery"))
        return min((one for one in found if one is not None and 0 <= one <= 100), default=None)

    def _supplies(self, kind: str) -> list[Path]:
        """Those of the box itself; a mouse has a battery, too."""
        supplies = sorted((self._root / "sys/class/power_supply").glob("*"))
        return [
            one
            for one in supplies
            if _text(one / "type") == kind and _text(one / "scope") != "Device"
        ]

    def _undervoltage(self) -> bool | None:
        """The alarm of the supply's sensor (`rpi_volt` on a Raspberry Pi)."""
        alarms = (self._root / "sys/class/hwmon").glob("hwmon*/in0_lcrit_alarm")
        known = [text == "1" for one in alarms if (text := _text(one)) in ("0", "1")]
        return any(known) if known else None

    # --- the box --------------------------------------------------------------------------

    def _temperature_cdeg(self) -> int | None:
        """The hottest of the board's sensors."""
        found = []
        for sensor in (self._root / "sys/class/thermal").glob("thermal_zone*/temp"):
            text = _text(sensor)
            if text is not None and text.removeprefix("-").isdecimal():
                found.append(int(text) // 10)
        sane = [one for one in found if COLDEST_CDEG <= one <= HOTTEST_CDEG]
        return max(sane, default=None)

    def _storage_mib(self) -> tuple[int | None, int | None]:
        """(free for us, in all)."""
        try:
            room = os.statvfs(self._state_dir)
        except OSError:
            return None, None
        return room.f_bavail * room.f_frsize // MIB, room.f_blocks * room.f_frsize // MIB

    def _storage_worn_percent(self) -> int | None:
        """What an eMMC says it has used of its life, rounded up; an SD card does not say."""
        found: list[int] = []
        for file in (self._root / "sys/block").glob("mmcblk*/device/life_time"):
            for word in (_text(file) or "").split():
                try:
                    found.append(int(word, 16))
                except ValueError:
                    continue
        used = max(found, default=0)
        return used * LIFE_STEP_PERCENT if 1 <= used <= 11 else None

    def _memory_mib(self, name: str) -> int | None:
        for line in (_text(self._root / "proc/meminfo") or "").splitlines():
            if line.startswith(name):
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


def _whole(file: Path) -> int | None:
    text = _text(file)
    return int(text) if text is not None and text.isdecimal() else None


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
