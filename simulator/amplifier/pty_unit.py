"""A virtual controller on a pseudo terminal, in a thread of its own.

Owns the pty, the stable symlink to it, the control socket, the state log and the thread.
Does not own the equipment's behaviour (`unit`, `model`).

Invariants: the symlink always names the present pty and is absent while unplugged; every
state change is one line in the log, written before anybody is told; the thread waits in
select and does nothing while nothing happens.
"""

from __future__ import annotations

import json
import logging
import os
import pty
import random
import select
import socket
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from firmware_bridge.drivers.contract import Line
from firmware_bridge.messages import ResetCause
from simulator.amplifier import control
from simulator.amplifier.control import Fault, FaultError, parse_fault
from simulator.amplifier.model import AmplifierModel, AmplifierSpec, Change, LevelOf, steady_level
from simulator.amplifier.unit import Unit

READ_SIZE = 4_096
CLOSE_PATIENCE_S = 2.0
_LINES: dict[type, Line] = {
    control.LineOpen: Line.OPEN,
    control.LineShort: Line.SHORT,
    control.LineOk: Line.OK,
}

log = logging.getLogger(__name__)


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class PtyAmplifier:
    """`with PtyAmplifier(Path("/tmp/ampli")) as unit:` and connect to `unit.port_path`.

    `level_of(zone)` couples the output meter to a real measurement. `inject` may be called
    from any thread and returns when the fault is in effect.
    """

    def __init__(
        self,
        link: Path,
        spec: AmplifierSpec | None = None,
        *,
        log_path: Path | None = None,
        control_path: Path | None = None,
        level_of: LevelOf = steady_level,
        on_change: Callable[[Change, int], None] | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self._link = link
        self._spec = spec or AmplifierSpec()
        self._clock = clock
        self._wall_clock_ms = wall_clock_ms
        self._on_change = on_change
        self._chance = random.Random(seed)
        self._levels: dict[int, int | None] = {}
        self._level_of = level_of
        self._unit = Unit(
            self._spec, observe=self._record, chance=self._chance, level_of=self._level
        )
        self._log = log_path.open("a", encoding="utf-8") if log_path is not None else None
        self._control_path = control_path
        self._listener: socket.socket | None = None
        self._talkers: dict[socket.socket, bytearray] = {}
        self._orders: SimpleQueue[tuple[Fault, threading.Event]] = SimpleQueue()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._closing = False
        self._master: int | None = None
        self._slave: int | None = None
        self._thread = threading.Thread(target=self._run, name="virtual amplifier", daemon=True)

    @property
    def port_path(self) -> str:
        return str(self._link)

    @property
    def model(self) -> AmplifierModel:
        """The equipment's own truth; read it, but change it only through `inject`."""
        return self._unit.model

    def start(self) -> None:
        """The port exists when this returns."""
        self._plug_in()
        if self._control_path is not None:
            self._listen(self._control_path)
        self._unit.boot(ResetCause.POWER_ON, self._now_ms())
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        os.eventfd_write(self._bell, 1)
        self._thread.join(CLOSE_PATIENCE_S)
        self._pull_out()
        for talker in [*self._talkers, *([self._listener] if self._listener else [])]:
            talker.close()
        if self._control_path is not None:
            self._control_path.unlink(missing_ok=True)
        if self._log is not None:
            self._log.close()
        os.close(self._bell)

    def __enter__(self) -> PtyAmplifier:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def inject(self, fault: Fault) -> None:
        """Put a fault into effect; see `control` for the vocabulary."""
        done = threading.Event()
        self._orders.put((fault, done))
        os.eventfd_write(self._bell, 1)
        done.wait(CLOSE_PATIENCE_S)

    def look(self) -> dict[str, Any]:
        """A snapshot of what an observer at the rack would see."""
        model = self._unit.model
        return {
            "power": str(model.power),
            "boot_count": model.boot_count,
            "plugged": self._master is not None,
            "zones": [
                {
                    "zone": zone.number,
                    "gate": zone.gate,
                    "gain_cdb": zone.gain_cdb,
                    "source": zone.source,
                    "line": str(zone.line),
                    "on_policy": zone.on_policy,
                    "level_cdb": model.level(zone.number),
                }
                for zone in model.zones
            ],
        }

    # --- the thread -----------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing:
            ready = self._wait()
            now_ms = self._now_ms()
            self._take_orders(now_ms)
            if self._master is not None and self._master in ready:
                self._hear(self._master, now_ms)
            self._unit.tick(now_ms)
            self._speak(now_ms)
            self._serve_control(ready, now_ms)

    def _wait(self) -> list[Any]:
        wakes_at_ms = self._unit.wakes_at_ms()
        timeout = None if wakes_at_ms is None else max(0, wakes_at_ms - self._now_ms()) / 1000
        sources: list[Any] = [self._bell, *self._talkers]
        if self._master is not None:
            sources.append(self._master)
        if self._listener is not None:
            sources.append(self._listener)
        ready, _, _ = select.select(sources, [], [], timeout)
        if self._bell in ready:
            os.eventfd_read(self._bell)
        return ready

    def _hear(self, master: int, now_ms: int) -> None:
        try:
            self._unit.receive(os.read(master, READ_SIZE), now_ms)
        except OSError as error:
            log.warning("virtual_amplifier_read_failed error=%s", error)

    def _speak(self, now_ms: int) -> None:
        for piece in self._unit.take_output(now_ms):
            if self._master is None:
                continue
            try:
                os.write(self._master, piece)
            except BlockingIOError:
                continue  # nobody reads: a real line would lose it as well

    def _take_orders(self, now_ms: int) -> None:
        while True:
            try:
                fault, done = self._orders.get_nowait()
            except Empty:
                return
            self._obey(fault, now_ms)
            done.set()

    def _obey(self, fault: Fault, now_ms: int) -> None:
        """Faults of the link here; those of the equipment below."""
        unit = self._unit
        match fault:
            case control.Freeze():
                unit.freeze(now_ms + fault.for_ms)
            case control.Reboot():
                unit.boot(ResetCause[fault.cause.upper()], now_ms)
            case control.Noise():
                unit.inject_noise(self._chance.randbytes(fault.count), now_ms)
            case control.Unplug():
                self._pull_out()
            case control.Replug():
                self._plug_in()
            case control.BadBytes():
                for name in fault.__struct_fields__:
                    setattr(unit.faults, name, getattr(fault, name))
            case _:
                self._harm_equipment(fault, now_ms)

    def _harm_equipment(self, fault: Fault, now_ms: int) -> None:
        model = self._unit.model
        match fault:
            case control.LineOpen() | control.LineShort() | control.LineOk():
                model.set_line(fault.zone, _LINES[type(fault)], now_ms)
            case control.LocalMute():
                model.press_mute(fault.zone, now_ms)
            case control.SetLevel():
                self._levels[fault.zone] = fault.cdb
            case control.Temperature():
                model.temperature_cdeg = fault.cdeg
            case control.Supply():
                model.supply_mv = fault.mv
            case control.Mains():
                model.set_mains(fault.on, now_ms)

    # --- pty ------------------------------------------------------------------------

    def _plug_in(self) -> None:
        """A new terminal every time, as after a real replug, behind the same name."""
        if self._master is not None:
            return
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        fresh = self._link.with_name(f"{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self._link)

    def _pull_out(self) -> None:
        if self._master is None or self._slave is None:
            return
        self._link.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = None
        self._unit.cut_line()

    # --- control socket ---------------------------------------------------------------

    def _listen(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def _serve_control(self, ready: list[Any], now_ms: int) -> None:
        if self._listener is not None and self._listener in ready:
            self._talkers[self._listener.accept()[0]] = bytearray()
        for talker in [talker for talker in self._talkers if talker in ready]:
            self._converse(talker, now_ms)

    def _converse(self, talker: socket.socket, now_ms: int) -> None:
        heard = self._talkers[talker]
        try:
            data = talker.recv(READ_SIZE)
            heard += data
            while b"\n" in heard:
                line, _, rest = bytes(heard).partition(b"\n")
                heard[:] = rest
                talker.sendall(json.dumps(self._answer(line, now_ms)).encode() + b"\n")
        except OSError:
            data = b""
        if not data or len(heard) > READ_SIZE:
            del self._talkers[talker]
            talker.close()

    def _answer(self, line: bytes, now_ms: int) -> dict[str, Any]:
        try:
            self._obey(parse_fault(line, self._spec.zones), now_ms)
        except FaultError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True, **self.look()}

    # --- bits -------------------------------------------------------------------------

    def _level(self, zone: int) -> int | None:
        return self._levels[zone] if zone in self._levels else self._level_of(zone)

    def _record(self, change: Change, now_ms: int) -> None:
        if self._log is not None:
            self._log.write(json.dumps(log_entry(change, self._wall_clock_ms())) + "\n")
            self._log.flush()
        if self._on_change is not None:
            self._on_change(change, now_ms)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def log_entry(change: Change, at_ms: int) -> dict[str, Any]:
    """One line of the state log; `at_ms` is epoch milliseconds, `zone` null means power."""
    return {
        "at_ms": at_ms,
        "zone": change.zone,
        "gate": change.gate,
        "gain_cdb": change.gain_cdb,
        "source": change.source,
        "power": str(change.power),
        "line": None if change.line is None else str(change.line),
        "why": str(change.why),
    }


class FileLevels:
    """Levels measured by somebody else: a JSON object {"1": -2300, "2": null} in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, zone: int) -> int | None:
        try:
            level = json.loads(self._path.read_text(encoding="utf-8")).get(str(zone))
        except (OSError, ValueError, AttributeError):
            return None
        return level if isinstance(level, int) else None
