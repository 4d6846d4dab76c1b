"""The thread that has the conversation: one controller, one port, bounded waits.

Owns the I/O thread, the port's life and the published reading. Does not own the protocol
(a `Driver` does) nor any decision about what should be heard.

Invariants: every public method may be called from any thread and returns at once, except
`close`, which waits for the goodbye (0.3 s when nobody answers, never more than 2 s);
`on_change` runs on the I/O thread and must only enqueue; the driver is touched by the I/O
thread alone; a broken port is closed before it is opened again; whatever goes wrong inside
is visible as a reading, and the thread starts over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from firmware_bridge.drivers.contract import (
    ControllerReading,
    ControllerWish,
    Driver,
    LinkState,
    LinkWhy,
    OnChange,
    ZonePolicy,
)
from firmware_bridge.drivers.native import native_driver
from firmware_bridge.leases import HOLDER_PATIENCE_MS
from firmware_bridge.port import BytePort, Doorbell, OpenPort, PortError, open_serial
from firmware_bridge.reporting import ChangeFilter

LONGEST_WAIT_MS = 5_000
CRASH_PAUSE_MS = 5_000
CLOSE_PATIENCE_S = 2.0

log = logging.getLogger(__name__)


class ControllerClient:
    """A `ZoneController` on a serial port. Start it once; close it once.

    `adopted_id` is the controller's unique id as `probe` prints it; any other controller is
    kept muted until `adopt`. `clock` is monotonic seconds. `make_driver` chooses the kind of
    equipment; without it the port is expected to lead to a controller of our own make.
    """

    def __init__(
        self,
        port_path: str,
        *,
        adopted_id: str | None,
        on_change: OnChange,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        policies: Mapping[int, ZonePolicy] | None = None,
        make_driver: Callable[[], Driver] | None = None,
        open_port: OpenPort = open_serial,
    ) -> None:
        self._path = port_path
        self._on_change = on_change
        self._clock = clock
        self._open_port = open_port
        self._adopted_id = adopted_id
        self._make_driver = make_driver or (
            lambda: native_driver(adopted_id=self._adopted_id, policies=policies, jitter=jitter)
        )
        self._doorbell = Doorbell()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._wish: ControllerWish | None = None
        self._progress_ms: int | None = None
        self._reading = ControllerReading()
        self._filter = ChangeFilter()
        self._port: BytePort | None = None
        self._thread = threading.Thread(
            target=self._supervise, name=f"controller {port_path}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the gate leases if the line allows it (at most 0.3 s), then drop the port."""
        self._closing.set()
        self._ring()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_PATIENCE_S)
        if not self._thread.is_alive():
            with self._lock:
                self._doorbell.close()

    def set_wish(self, wish: ControllerWish) -> None:
        with self._lock:
            self._wish = wish
            self._progress_ms = max(self._progress_ms or 0, self._now_ms())
        self._ring()

    def keep_alive(self, progress_mono_ms: int) -> None:
        with self._lock:
            before = self._progress_ms
            self._progress_ms = max(before or 0, progress_mono_ms)
        if before is None or progress_mono_ms - before >= HOLDER_PATIENCE_MS:
            self._ring()

    def adopt(self, controller_id: str | None) -> None:
        """From now on this controller, and only this one, is obeyed by us."""
        with self._lock:
            self._adopted_id = controller_id
        self._ring()

    def reading(self) -> ControllerReading:
        with self._lock:
            return self._reading

    # --- the I/O thread ---------------------------------------------------------

    def _supervise(self) -> None:
        while not self._closing.is_set():
            try:
                self._run(self._make_driver())
            except Exception:  # supervision: a crash is published and the run starts over
                log.exception("controller_link_crashed port=%s", self._path)
                self._drop_port()
                self._tell(replace(self.reading(), state=LinkState.FAILED, why=LinkWhy.CRASHED))
                self._closing.wait(CRASH_PAUSE_MS / 1000)
        self._drop_port()

    def _run(self, driver: Driver) -> None:
        handed: ControllerWish | None = None
        told_to_stop = False
        driver.start(self._now_ms())
        while not driver.stopped:
            if self._closing.is_set() and not told_to_stop:
                told_to_stop = True
                driver.stop(self._now_ms())
            handed = self._hand_over(driver, handed)
            driver.tick(self._now_ms())
            self._exchange(driver)
            if self._port is not None and not driver.wants_port:
                self._drop_port()
                driver.port_closed(self._now_ms())
        self._publish(driver)

    def _hand_over(self, driver: Driver, handed: ControllerWish | None) -> ControllerWish | None:
        with self._lock:
            wish, progress_ms, adopted_id = self._wish, self._progress_ms, self._adopted_id
        now_ms = self._now_ms()
        driver.adopt(adopted_id, now_ms)
        if progress_ms is not None:
            driver.keep_alive(progress_ms)
        if wish is not None and wish is not handed:
            driver.set_wish(wish, now_ms)
        return wish

    def _exchange(self, driver: Driver) -> None:
        """Open the port if it is wanted, send, publish, wait, and read."""
        try:
            if driver.wants_port and self._port is None:
                self._port = self._open_port(self._path, self._doorbell)
                driver.port_opened(self._now_ms())
            output = driver.take_output()
            if output and self._port is not None:
                self._port.write(output)
            self._publish(driver)
            data = self._wait(driver)
        except PortError as error:
            log.debug("controller_port_error port=%s detail=%s", self._path, error)
            driver.port_failed(error.why, self._now_ms())
            return
        if data:
            driver.receive(data, self._now_ms())

    def _wait(self, driver: Driver) -> bytes:
        wakes_at_ms = driver.wakes_at_ms()
        timeout_ms = LONGEST_WAIT_MS
        if wakes_at_ms is not None:
            timeout_ms = max(0, min(wakes_at_ms - self._now_ms(), LONGEST_WAIT_MS))
        if self._port is not None and driver.wants_port:
            return self._port.read(timeout_ms)
        if self._port is None and not driver.stopped:
            self._doorbell.wait(timeout_ms)
        return b""

    def _publish(self, driver: Driver) -> None:
        self._tell(driver.reading(), driver)

    def _tell(self, reading: ControllerReading, driver: Driver | None = None) -> None:
        with self._lock:
            before, self._reading = self._reading, reading
        if (before.state, before.why) != (reading.state, reading.why):
            self._log_change(before, reading, driver)
        if self._filter.worth_telling(reading, self._now_ms()):
            self._on_change(reading)

    def _log_change(
        self, before: ControllerReading, after: ControllerReading, driver: Driver | None
    ) -> None:
        broke = before.state.usable and not after.state.usable and not self._closing.is_set()
        log.log(
            logging.WARNING if broke else logging.INFO,
            "controller_link state=%s why=%s port=%s id=%s",
            after.state,
            after.why,
            self._path,
            after.controller_id,
        )
        if broke and driver is not None:
            log.info("controller_link_history port=%s\n%s", self._path, driver.history())

    def _drop_port(self) -> None:
        port, self._port = self._port, None
        if port is not None:
            port.abort()

    def _ring(self) -> None:
        with self._lock:
            self._doorbell.ring()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
