"""A box's /sys and /proc in a folder, for tests: links, sensors, power, storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

BOOT = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
ROUTES_HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT"
WIRELESS_HEAD = (
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22"
)


@dataclass
class FakeBox:
    """Everything under `root`; what is not made is not there, as on a box without it."""

    root: Path
    routes: list[str] = field(default_factory=list)
    _interfaces: int = 0

    def write(self, path: str, text: object) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n", encoding="utf-8")
        return file

    def boot(self, boot_id: str = BOOT) -> None:
        self.write("proc/sys/kernel/random/boot_id", boot_id)

    def link(
        self,
        name: str,
        *,
        devtype: str = "",
        kind: str = "1",
        device: bool = True,
        carrier: str | None = "1",
        operstate: str = "up",
        rx: int = 0,
        tx: int = 0,
        speed: int | None = None,
    ) -> None:
        self._interfaces += 1
        folder = f"sys/class/net/{name}"
        self.write(f"{folder}/type", kind)
        self.write(f"{folder}/ifindex", self._interfaces)
        self.write(f"{folder}/uevent", (f"DEVTYPE={devtype}\n" if devtype else "") + "INTERFACE=x")
        self.write(f"{folder}/operstate", operstate)
        if carrier is not None:
            self.write(f"{folder}/carrier", carrier)
        if device:
            (self.root / folder / "device").mkdir(exist_ok=True)
        if speed is not None:
            self.write(f"{folder}/speed", speed)
        self.count(name, rx, tx)

    def count(self, name: str, rx: int, tx: int) -> None:
        self.write(f"sys/class/net/{name}/statistics/rx_bytes", rx)
        self.write(f"sys/class/net/{name}/statistics/tx_bytes", tx)

    def default_route(self, name: str, metric: int = 0, flags: str = "0003") -> None:
        self.routes.append(
            f"{name}\t00000000\t010200C0\t{flags}\t0\t0\t{metric}\t00000000\t0\t0\t0"
        )
        self.write("proc/net/route", "\n".join([ROUTES_HEAD, *self.routes]))

    def wifi_level(self, name: str, level: str) -> None:
        line = f" {name}: 0000   54.  {level}  -256        0      0      0      0      0        0"
        self.write("proc/net/wireless", f"{WIRELESS_HEAD}\n{line}")
