"""What processes cost: CPU time, memory of their own, and when they began. Reads /proc only."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

_TICKS_S = float(os.sysconf("SC_CLK_TCK"))


def tree(pid: int) -> Iterator[int]:
    """`pid` and everything below it; what ends meanwhile is left out."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            below = children.read_text(encoding="ascii").split()
        except OSError:
            continue
        for child in below:
            yield from tree(int(child))


def runs_module(pid: int, module: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return module.encode() in words


def running(module: str) -> Iterator[int]:
    """Every process on this machine that runs `python -m module`."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and runs_module(int(folder.name), module):
            yield int(folder.name)


def cpu_s(pid: int) -> float:
    """CPU time a process has used so far, all threads."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def cpu_share(pid: int, seconds: float) -> float:
    """CPU time of a process and everything below it, in percent of one core."""
    before, began_s = _cpu_of(pid), time.monotonic()
    time.sleep(seconds)
    after, took_s = _cpu_of(pid), time.monotonic() - began_s
    spent_s = sum(used_s - before.get(one, 0.0) for one, used_s in after.items())
    return 100.0 * spent_s / took_s


def _cpu_of(pid: int) -> Mapping[int, float]:
    found = {}
    for one in tree(pid):
        try:
            found[one] = cpu_s(one)
        except OSError:
            continue
    return found


def uss_mb(pid: int) -> float:
    """Unique set size in MB: what would be free if the process were gone."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) * 1024 / 1e6


def began_wall_ms(pid: int) -> float:
    """When a process was started, in epoch ms; the kernel keeps it to a hundredth of a second."""
    since_boot_s = int(_stat(pid)[19]) / _TICKS_S
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot_s
    return time.time() * 1_000 - age_s * 1_000


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat from the third on (the second may contain anything)."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
