"""The network links as the kernel shows them in /sys/class/net and /proc/net.

Owns the reading. Does not own what a link costs or whether it is good enough. Only links with a
device behind them are told (and PPP, which modems make); what cannot be read is None.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.core.events import InterfaceSeen, LinkKind

INTERFACES_MAX = 16
_PPP = "512"
_ROUTE_UP = 0x1
_NO_METRIC = 1 << 32


@dataclass(frozen=True, slots=True)
class Interfaces:
    """root: where `sys` and `proc` are."""

    root: Path = Path("/")

    def look(self) -> tuple[InterfaceSeen, ...]:
        """Every link, by name. Blocks for a few file reads."""
        try:
            names = sorted(one.name for one in (self.root / "sys/class/net").iterdir())
        except OSError:
            return ()
        carrier, boot = self._default(), self.boot_id()
        signals = self._signals()
        seen = (self._one(name, name == carrier, boot, signals) for name in names)
        return tuple(one for one in seen if one is not None)[:INTERFACES_MAX]

    def boot_id(self) -> str:
        """Of this run of the box; "" where the kernel does not say."""
        return _text(self.root / "proc/sys/kernel/random/boot_id") or ""

    def _one(
        self, name: str, default: bool, boot: str, signals: dict[str, int]
    ) -> InterfaceSeen | None:
        folder = self.root / "sys/class/net" / name
        kind = _kind(folder)
        if kind is None:
            return None
        speed = _number(folder / "speed")
        return InterfaceSeen(
            name=name,
            kind=kind,
            up=_up(folder),
            default=default,
            received=_number(folder / "statistics/rx_bytes"),
            sent=_number(folder / "statistics/tx_bytes"),
            incarnation=f"{boot}/{_text(folder / 'ifindex') or ''}",
            signal_dbm=signals.get(name) if kind == "wifi" else None,
            speed_mbit_s=speed if kind == "ethernet" and speed is not None and speed > 0 else None,
        )

    # --- the default route --------------------------------------------------------------

    def _default(self) -> str | None:
        """The interface of the best default route; IPv4's, else IPv6's."""
        return self._default_v4() or self._default_v6()

    def _default_v4(self) -> str | None:
        found: list[tuple[int, str]] = []
        for line in _lines(self.root / "proc/net/route")[1:]:
            fields = line.split()
            if len(fields) < 8 or fields[1] != "00000000" or fields[7] != "00000000":
                continue
            flags, metric = _parsed(fields[3], 16), _parsed(fields[6], 10)
            if flags is not None and flags & _ROUTE_UP:
                found.append((_NO_METRIC if metric is None else metric, fields[0]))
        return min(found)[1] if found else None

    def _default_v6(self) -> str | None:
        found: list[tuple[int, str]] = []
        for line in _lines(self.root / "proc/net/ipv6_route"):
            fields = line.split()
            if len(fields) < 10 or fields[0].strip("0") or fields[1] != "00":
                continue
            metric, flags = _parsed(fields[5], 16), _parsed(fields[8], 16)
            if fields[9] != "lo" and flags is not None and flags & _ROUTE_UP:
                found.append((_NO_METRIC if metric is None else metric, fields[9]))
        return min(found)[1] if found else None

    def _signals(self) -> dict[str, int]:
        """Wi-Fi interface → dBm. Levels that are no dBm (0 and above) are left out."""
        found: dict[str, int] = {}
        for line in _lines(self.root / "proc/net/wireless")[2:]:
            name, _, rest = line.partition(":")
            fields = rest.split()
            level = _parsed(fields[2].rstrip("."), 10) if len(fields) > 2 else None
            if level is not None and -120 <= level < 0:
                found[name.strip()] = level
        return found


def _kind(folder: Path) -> LinkKind | None:
    """None: no link of the box (loopback, bridges, tunnels)."""
    if _text(folder / "type") == _PPP:
        return "modem"
    if not (folder / "device").exists():
        return None
    devtype = next(
        (line[8:] for line in _lines(folder / "uevent") if line.startswith("DEVTYPE=")), ""
    )
    if devtype == "wwan" or folder.name.startswith("wwan"):
        return "modem"
    if devtype == "wlan" or (folder / "wireless").exists() or (folder / "phy80211").exists():
        return "wifi"
    return "ethernet" if _text(folder / "type") == "1" else "other"


def _up(folder: Path) -> bool | None:
    """Is there somebody at the other end? A link that is switched off refuses to be read."""
    state = _text(folder / "operstate")
    if state in ("down", "lowerlayerdown", "notpresent"):
        return False
    carrier = _text(folder / "carrier")
    return None if carrier not in ("0", "1") else carrier == "1"


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _lines(file: Path) -> list[str]:
    return (_text(file) or "").splitlines()


def _number(file: Path) -> int | None:
    return _parsed(_text(file) or "", 10)


def _parsed(text: str, base: int) -> int | None:
    try:
        return int(text, base)
    except ValueError:
        return None
