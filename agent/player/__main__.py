"""The child process: `python -m agent.player --device NAME --buses N`.

Owns the process: descriptors, the control loop, the watch over card and decoder, and the exit.
Everything audible is decided in `director`, `mixer` and `voice`.

Invariants: the control loop never calls PortAudio or libVLC; whatever hangs, the process reports
`Trouble` and leaves by `os._exit`; when the agent is gone the sound fades within 100 ms.
"""

from __future__ import annotations

import argparse
import logging
import os
import selectors
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from agent.player import protocol as p
from agent.player.blocks import Blocks
from agent.player.clockmap import NS_PER_MS, NS_PER_S, WallMap
from agent.player.decode import VlcDecoders
from agent.player.director import Director
from agent.player.limiter import CEILING_CDB
from agent.player.listening import heard
from agent.player.listing import list_devices
from agent.player.mixer import LOOKAHEAD_NS, Mixer
from agent.player.output import DeviceFailed, NoDevice, Output, PortAudioOutput
from agent.player.remembered import recall, remember
from agent.player.reports import Lines, Reporter
from agent.player.returning import ReturnLine
from agent.player.trial import SECONDS_LEAST, SECONDS_MOST, source_from, tried

log = logging.getLogger("agent.player")

OPEN_LIMIT_NS = 10 * NS_PER_S
CALLBACK_LIMIT_NS = 2 * NS_PER_S
LATENCY_LIMIT_NS = NS_PER_S
GONE_FADE_MS = 60
LEAVING_S = 0.2
# A clock that wanders after the opening is opened again so often, when nothing sounds for so long.
REOPENINGS_MAX = 6
REOPEN_QUIET_NS = 2 * NS_PER_S
_LONGEST_SLEEP_NS = NS_PER_S


class Child:
    """One life of the process."""

    def __init__(
        self,
        output: Output,
        buses: int,
        reporter: Reporter,
        stdin_fd: int,
        ceiling_cdb: int = CEILING_CDB,
        *,
        ca: str = "",
        returning: Callable[[Callable[[], None]], ReturnLine] | None = None,
        blocks: Blocks | None = None,
        remember: Callable[[int], None] = lambda _: None,
    ) -> None:
        """returning: makes the return line, given how it wakes us; None: there is none. blocks: how
        large they are, where that is ours to find; remember: told when that was."""
        self._output = output
        self._blocks = blocks
        self._remember = remember
        self._reporter = reporter
        self._stdin = stdin_fd
        self._lines = Lines()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        os.set_blocking(self._wake_read, False)
        self._mixer = Mixer(buses, self._wake, ceiling_cdb=ceiling_cdb)
        self._decoders = VlcDecoders(ca)
        # Until the agent says better: what the machine believes now.
        self._wall = WallMap((time.time_ns() - time.monotonic_ns()) // 1000)
        self._director = Director(self._mixer, self._decoders, self._wall)
        self._returning = returning(self._wake) if returning is not None else None
        self._silence = b""
        self._open_error: p.Trouble | None = None
        self._opening_since_ns = 0
        self._ready = False
        self._reopenings_left = REOPENINGS_MAX
        self._reopening = False
        self._reopened = 0
        self._looked_ns = 0
        self._underruns_seen = 0
        self._pulse_due_ns = 0
        self._leave_at_ns: int | None = None

    def run(self, *, standby: bool) -> int:
        """Obey until told to leave; the exit status."""
        selector = selectors.DefaultSelector()
        selector.register(self._stdin, selectors.EVENT_READ)
        selector.register(self._wake_read, selectors.EVENT_READ)
        if not standby:
            self._open()
        while True:
            now_ns = time.monotonic_ns()
            status = self._step(now_ns)
            if status is not None:
                return status
            for key, _ in selector.select(self._sleep_ns(now_ns) / NS_PER_S):
                if key.fd == self._wake_read:
                    os.read(self._wake_read, 4096)
                elif not self._read():
                    selector.unregister(self._stdin)

    # --- the loop ----------------------------------------------------------------------

    def _step(self, now_ns: int) -> int | None:
        """Everything that is due; the exit status when it is time to leave."""
        self._mixer.latency_ns = self._output.latency_ms * NS_PER_MS + LOOKAHEAD_NS
        trouble = self._trouble(now_ns)
        if trouble is not None:
            self._reporter.send(trouble)
            return 3
        if not self._ready and self._output.settled and self._shows_latency(now_ns):
            self._say_ready(now_ns)
        if self._mixer.underruns != self._underruns_seen:
            self._underruns_seen = self._mixer.underruns
            self._reopenings_left = REOPENINGS_MAX  # its clock may have begun anew, badly
            if self._blocks is not None:
                self._blocks.ran_dry(now_ns)
        if self._blocks is not None and self._ready:
            self._enlarge(self._blocks, now_ns)
        if self._reopenings_left and self._ready:
            self._prove_clock(now_ns)
        for report in self._director.tick(now_ns):
            self._reporter.send(report)
        if self._ready and now_ns >= self._pulse_due_ns:
            self._pulse(now_ns)
        while self._returning is not None and self._returning.found:
            self._reporter.send(self._returning.found.popleft())
        self._reporter.flush()
        leaving = self._leave_at_ns is not None
        if leaving and (not self._director.busy or now_ns >= (self._leave_at_ns or 0)):
            return 0
        return None

    def _shows_latency(self, now_ns: int) -> bool:
        """A card that is being filled with its first large block says that it has none."""
        waited_ns = now_ns - self._opening_since_ns
        return self._output.latency_ms > 0 or waited_ns > LATENCY_LIMIT_NS

    def _sleep_ns(self, now_ns: int) -> int:
        looks = [now_ns + _LONGEST_SLEEP_NS]
        look_ns = self._director.next_look_ns(now_ns)
        if look_ns is not None:
            looks.append(look_ns)
        if self._ready:
            looks.append(self._pulse_due_ns)
        elif self._opening_since_ns:
            looks.append(now_ns + 10 * NS_PER_MS)
        if self._leave_at_ns is not None:
            looks.append(self._leave_at_ns)
        return max(0, min(looks) - now_ns)

    def _read(self) -> bool:
        """Take what the agent sent; false when it is gone."""
        data = os.read(self._stdin, 65536)
        if not data:
            log.info("agent_gone")
            self._leave(GONE_FADE_MS)
            return False
        for message in self._lines.feed(data):
            if isinstance(message, str):
                log.warning("bad_message %s", message)
                continue
            self._obey(message)
        return True

    def _obey(self, message: p.ToChild) -> None:
        if not self._opening_since_ns:
            self._open()
        if isinstance(message, p.Quit):
            self._leave(message.fade_ms)
            return
        if isinstance(message, p.Compare):
            self._compare(message)
            return
        for report in self._director.take(message, time.monotonic_ns()):
            self._reporter.send(report)

    def _compare(self, message: p.Compare) -> None:
        if self._returning is not None:
            left_ns = self._wall.mono_ns(message.at_ms, message.epoch)
            self._returning.compare(message.token, left_ns, max(0, message.position_ms))

    def _leave(self, fade_ms: int) -> None:
        self._director.stop_all(fade_ms)
        slack_ms = fade_ms + self._output.latency_ms + 200
        self._leave_at_ns = time.monotonic_ns() + slack_ms * NS_PER_MS

    def _wake(self) -> None:
        """From the card's thread: there is something to report."""
        try:
            os.write(self._wake_write, b"!")
        except BlockingIOError:
            pass  # already awake

    # --- the card ----------------------------------------------------------------------

    def _open(self) -> None:
        """Open the card where it can hang without holding us up; libVLC warms up beside it."""
        self._opening_since_ns = time.monotonic_ns()
        threading.Thread(target=self._open_card, name="open-card", daemon=True).start()

    def _prove_clock(self, now_ns: int) -> None:
        """Starts are as exact as the driver's clock: one that wanders is begun anew, unheard."""
        steady = self._output.steady
        if steady is None or self._reopening:
            return
        if steady:
            self._reopenings_left = 0
        elif self._mixer.quiet_until(now_ns + REOPEN_QUIET_NS):
            self._reopenings_left -= 1
            if not self._reopenings_left:
                log.warning("clock_unsteady device=%s", self._output.device)
                return
            log.info("clock_wanders device=%s opened_again", self._output.device)
            self._reopen(now_ns)

    def _enlarge(self, blocks: Blocks, now_ns: int) -> None:
        """Open the card with larger blocks when it keeps running dry, unheard if that can wait."""
        if self._reopening:
            return
        before = blocks.frames
        larger = blocks.larger(now_ns, quiet=self._mixer.quiet_until(now_ns + REOPEN_QUIET_NS))
        if larger is None:
            return
        device = self._output.device
        log.warning("card_ran_dry device=%s frames=%d opened_again_with=%d", device, before, larger)
        self._output.frames_per_buffer = larger
        self._reopenings_left = REOPENINGS_MAX
        self._reopen(now_ns, lambda: self._remember(larger))

    def _reopen(self, now_ns: int, then: Callable[[], None] = lambda: None) -> None:
        self._opening_since_ns, self._reopening = now_ns, True
        self._reopened += 1
        work = partial(self._reopen_card, then)
        threading.Thread(target=work, name="open-card", daemon=True).start()

    def _open_card(self) -> None:
        if self._opened(lambda: self._output.open(self._render)):
            self._decoders.warm()

    def _reopen_card(self, then: Callable[[], None]) -> None:
        if self._opened(self._output.reopen):
            then()
        self._reopening = False

    def _opened(self, opening: Callable[[], None]) -> bool:
        """Open, where it may hang; what goes wrong is left for the control loop."""
        try:
            opening()
        except NoDevice as error:
            self._open_error = p.Trouble("no_device", str(error))
        except DeviceFailed as error:
            self._open_error = p.Trouble("device_lost", str(error))
        except Exception as error:
            log.exception("open_failed")
            self._open_error = p.Trouble("internal", str(error))
        self._wake()
        return self._open_error is None

    def _render(self, frames: int, dac_ns: int, underrun: bool) -> bytes:
        if self._mixer.rest(frames, underrun=underrun):
            if len(self._silence) != 2 * frames * self._mixer.buses:
                self._silence = bytes(2 * frames * self._mixer.buses)
            return self._silence
        drift = self._output.drift
        return self._mixer.render(frames, dac_ns, underrun=underrun, drift=drift).tobytes()

    def _trouble(self, now_ns: int) -> p.Trouble | None:
        if self._open_error is not None:
            return self._open_error
        if not self._opening_since_ns:
            return None
        last_ns = self._output.last_callback_ns
        if last_ns == 0:
            if now_ns - self._opening_since_ns > OPEN_LIMIT_NS:
                return p.Trouble("device_lost", f"{self._output.device} did not open in 10 s")
            return None
        age_ns = now_ns - last_ns
        if age_ns > CALLBACK_LIMIT_NS:
            return p.Trouble("callback_frozen", f"no callback for {age_ns // NS_PER_MS} ms")
        return None

    def _say_ready(self, now_ns: int) -> None:
        self._ready = True
        self._pulse_due_ns = now_ns + NS_PER_S
        self._reporter.send(
            p.Ready(
                version=p.PROTOCOL_VERSION,
                pid=os.getpid(),
                device=self._output.device,
                buses=self._mixer.buses,
                rate_hz=p.RATE_HZ,
                frames_per_buffer=self._output.frames_per_buffer,
                latency_ms=self._output.latency_ms,
                resolved=self._output.resolved,
            )
        )
        if self._returning is not None:
            self._returning.start()

    def _pulse(self, now_ns: int) -> None:
        self._pulse_due_ns = max(now_ns, self._pulse_due_ns) + NS_PER_S
        spread = self._output.callbacks
        for report in heard(self._mixer, self._wall.wall_ms(now_ns)):
            self._reporter.send(report)
        self._report_return(now_ns)
        self._reporter.send(
            p.Pulse(
                at_ms=self._wall.wall_ms(now_ns),
                frames=self._mixer.frames,
                callback_age_ms=(now_ns - self._output.last_callback_ns) // NS_PER_MS,
                underruns=self._mixer.underruns,
                latency_ms=self._output.latency_ms,
                callback_p50_us=None if spread is None else spread.p50_us,
                callback_p99_us=None if spread is None else spread.p99_us,
                callback_max_us=None if spread is None else spread.max_us,
                drift_ppm=None if not self._output.steady else round(1e6 * self._output.drift),
                reopened=self._reopened,
                frames_per_buffer=self._output.frames_per_buffer,
            )
        )

    def _report_return(self, now_ns: int) -> None:
        line = self._returning
        if line is None:
            return
        plays = any(voice.bus == line.bus for voice in self._mixer.playing())
        sent = self._mixer.ears[line.bus].last if plays else None
        every_ms = (now_ns - self._looked_ns) // NS_PER_MS if self._looked_ns else 1_000
        self._looked_ns = now_ns
        self._reporter.send(line.report(sent, every_ms, self._wall.wall_ms(now_ns), now_ns))


def _quiet_descriptors() -> int:
    """Keep the real stdout and stderr for us; the libraries' fd 1 and 2 lead nowhere."""
    report_fd, log_fd = os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(log_fd, "w", buffering=1, errors="replace")
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(message)s", level=logging.INFO)
    return report_fd


def _frames(text: str) -> int | None:
    """None for auto: the card says with time how many it needs."""
    return None if text == "auto" else int(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent.player", description="The sound child process.")
    parser.add_argument("--device", default="default", help="output device, by its name")
    parser.add_argument("--buses", type=int, default=1, help="channels of the card")
    parser.add_argument("--frames", type=_frames, default=2048, help="frames per buffer, or auto")
    parser.add_argument("--remember", default="", help="with auto: the file of what was found")
    parser.add_argument("--ca", default="", help="further authorities of https streams, a file")
    parser.add_argument(
        "--ceiling-cdb", type=int, default=CEILING_CDB, help="no true peak leaves above it"
    )
    parser.add_argument(
        "--standby", action="store_true", help="open the device only with the first message"
    )
    parser.add_argument("--return-device", default="", help="input that hears the amplifier")
    parser.add_argument("--return-channel", type=int, default=0, help="its channel, from 0")
    parser.add_argument("--return-bus", type=int, default=0, help="the bus it should hear")
    parser.add_argument(
        "--list-devices", action="store_true", help="print the devices there are as JSON, and end"
    )
    parser.add_argument(
        "--try",
        dest="trial_s",
        type=float,
        metavar="SECONDS",
        help="listen to the live source on stdin (JSON), report it as JSON lines, play nothing",
    )
    return parser.parse_args()


def _returning(arguments: argparse.Namespace) -> Callable[[Callable[[], None]], ReturnLine] | None:
    device, channel = arguments.return_device, max(0, min(7, arguments.return_channel))
    bus = max(0, min(arguments.buses - 1, arguments.return_bus))
    if not device:
        return None
    return lambda wake: ReturnLine(device, channel, bus, wake)


def _card(
    arguments: argparse.Namespace,
) -> tuple[Output, Blocks | None, Callable[[int], None]]:
    """The card, who decides how large its blocks are, and what keeps that over a restart."""
    device, buses, frames = arguments.device, arguments.buses, arguments.frames
    if frames is not None:
        return PortAudioOutput(device, buses, frames), None, lambda _: None
    file = Path(arguments.remember) if arguments.remember else None
    blocks = Blocks(recall(file, device) if file is not None else None)
    keep = partial(remember, file, device) if file is not None else lambda _: None
    return PortAudioOutput(device, buses, begin=blocks.begin), blocks, keep


def _tell_devices(report_fd: int) -> None:
    os.write(report_fd, msgspec.json.encode(list_devices()) + b"\n")
    os._exit(0)  # a library that hangs at its end keeps nobody waiting


def _try(report_fd: int, seconds: float, ca: str) -> None:
    """Tell of the source that stands on the first line of stdin."""
    source = source_from(sys.stdin.buffer.readline())
    job = VlcDecoders(ca).open(source, 0, time.monotonic_ns(), chasing=False)
    for report in tried(job, max(SECONDS_LEAST, min(SECONDS_MOST, seconds))):
        os.write(report_fd, msgspec.json.encode(report) + b"\n")
    time.sleep(LEAVING_S)  # what was started for the source ends before us
    os._exit(0)


def main() -> None:
    """Run the child and leave without waiting for threads that may hang."""
    arguments = _arguments()
    report_fd = _quiet_descriptors()
    if arguments.list_devices:
        _tell_devices(report_fd)
    if arguments.trial_s is not None:
        _try(report_fd, arguments.trial_s, arguments.ca)
    reporter = Reporter(report_fd)
    output, blocks, found = _card(arguments)
    ceiling_cdb = min(0, arguments.ceiling_cdb)
    child = Child(
        output,
        arguments.buses,
        reporter,
        sys.stdin.fileno(),
        ceiling_cdb,
        ca=arguments.ca,
        returning=_returning(arguments),
        blocks=blocks,
        remember=found,
    )
    try:
        status = child.run(standby=arguments.standby)
    except BrokenPipeError:
        status = 0
    except Exception as error:
        log.exception("child_failed")
        reporter.send(p.Trouble("internal", repr(error)))
        status = 4
    os._exit(status)


if __name__ == "__main__":
    main()
