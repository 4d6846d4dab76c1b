"""What a service's niceness and its CPUWeight are worth on a core that three others keep busy.

`python -m simulator.bench.priority` (root, and a kernel with a cpu control group) wakes every
20 ms, as a sound card asks, works for 4 ms, and prints how late it was done; half a minute in all.
The neighbours run in sessions of their own, as services do. Behind systemd's `CPUWeight=` stands
`cpu.weight` (`cpu.shares` in the older kind of group): its default is 100 (1,024).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NEIGHBOURS = 3
SECONDS = 6
PLAIN, WEIGHT = 1, 10
_ROOT = Path("/sys/fs/cgroup")
_BUSY = "while True: pass"
_WAKES = f"""
import time

done_late = []
end = time.monotonic() + {SECONDS}
while time.monotonic() < end:
    due = time.monotonic() + 0.024
    time.sleep(0.02)
    worked = time.thread_time() + 0.004
    while time.thread_time() < worked:
        pass
    done_late.append(1000 * max(0.0, time.monotonic() - due))
done_late.sort()
count = len(done_late)
print("p50 %5.1f  p99 %5.1f  worst %5.1f ms late, %d times" % (
    done_late[count // 2], done_late[count * 99 // 100], done_late[-1], count))
"""


def _group() -> tuple[Path, str]:
    """A control group of our own, and the name of its weight with the default's value."""
    if (_ROOT / "cgroup.controllers").exists():
        (_ROOT / "cgroup.subtree_control").write_text("+cpu", encoding="ascii")
        parent, weight = _ROOT, "cpu.weight"
    else:
        parent, weight = _ROOT / "cpu", "cpu.shares"
    group = parent / f"commune-radio-bench-{os.getpid()}"
    group.mkdir()
    return group, weight


def _measure(core: str, group: Path | None, niceness: int) -> str:
    def prepare() -> None:
        os.nice(niceness)
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    done = subprocess.run(
        ["taskset", "-c", core, sys.executable, "-c", _WAKES],
        preexec_fn=prepare,
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def main() -> None:
    """Print a line for each of the four."""
    if os.geteuid() != 0:
        sys.exit("needs root: it asks for niceness -10 and a control group")
    core = str(max(os.sched_getaffinity(0)))
    group, weight = _group()
    kind = (group / weight).read_text(encoding="ascii").strip()
    (group / weight).write_text(str(WEIGHT * int(kind)), encoding="ascii")
    busy = [
        subprocess.Popen(
            ["taskset", "-c", core, sys.executable, "-c", _BUSY], start_new_session=True
        )
        for _ in range(NEIGHBOURS)
    ]
    try:
        for niceness in (0, -10):
            for times, inside in ((PLAIN, None), (WEIGHT, group)):
                told = _measure(core, inside, niceness)
                print(f"niceness {niceness:3}, weight x{times:<2}: {told}", flush=True)
    finally:
        for process in busy:
            process.kill()
            process.wait(timeout=5)
        group.rmdir()


if __name__ == "__main__":
    main()
