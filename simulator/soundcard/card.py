"""A headless sound card: PulseAudio on a private socket with one null sink per station.

Owns the daemon, its directory and the ALSA configuration through which PortAudio finds every sink
under its own name. Does not play, record or measure.

Invariants: works as root; touches no other PulseAudio; leaves no process behind, also when this
process is killed; unix socket paths stay under the kernel's 107 bytes.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from simulator.soundcard.recorder import Recorder
from simulator.soundcard.tied import TiedProcess

RATE_HZ = 48_000
_SOCKET_PATH_MAX = 100
CARD_NICENESS = -12
"""A real card does not wait for the CPU; card and recorder come before what is measured."""
_START_LIMIT_S = 10.0


class SoundCardError(Exception):
    """The virtual sound card could not be started; the message says what to install or fix."""


class SoundCard:
    """`with SoundCard(sinks={"tan-lien": 2}) as card:` gives sink tan-lien with two buses.

    inputs: names of inputs, each hearing what `speak_into` plays.
    """

    def __init__(
        self, sinks: Mapping[str, int], rate_hz: int = RATE_HZ, *, inputs: Sequence[str] = ()
    ) -> None:
        for name, buses in sinks.items():
            if not name.replace("-", "").replace("_", "").isalnum() or not 1 <= buses <= 8:
                raise SoundCardError(f"sink {name!r} with {buses} buses: bad name or number")
        self.sinks = dict(sinks)
        self.inputs = tuple(inputs)
        self._plugged = list(inputs)
        self.rate_hz = rate_hz
        self._dir: Path | None = None
        self._daemon: TiedProcess | None = None

    def __enter__(self) -> SoundCard:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self) -> None:
        """Start the daemon and wait until every sink exists."""
        if shutil.which("pulseaudio") is None or shutil.which("parec") is None:
            raise SoundCardError("pulseaudio and pulseaudio-utils are needed: apt install both")
        self._dir = _short_directory()
        (self._dir / "rt").mkdir(mode=0o700)
        self._write_alsa_config()
        self._daemon = TiedProcess(self._daemon_argv(), self._daemon_env(), niceness=CARD_NICENESS)
        try:
            self._wait_for_sinks()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the daemon and remove its directory. Harmless when called twice."""
        if self._daemon is not None:
            self._daemon.close()
            self._daemon = None
        if self._dir is not None:
            shutil.rmtree(self._dir, ignore_errors=True)
            self._dir = None

    def env(self) -> dict[str, str]:
        """A child's environment in which PortAudio sees each sink as a device of that name."""
        directory = self._directory()
        return dict(
            os.environ,
            PULSE_SERVER=self.server,
            ALSA_CONFIG_PATH=str(directory / "asound.conf"),
            # Clients look for cookies and runtime files here instead of in the user's home.
            PULSE_RUNTIME_PATH=str(directory / "rt"),
        )

    @property
    def server(self) -> str:
        """The address PulseAudio clients use."""
        return f"unix:{self._directory() / 'native'}"

    def record(self, sink: str, *, latency_ms: int = 5) -> Recorder:
        """A recorder of everything the sink plays; use it as a context manager."""
        return Recorder(
            f"{sink}.monitor",
            channels=self.sinks[sink],
            rate_hz=self.rate_hz,
            env=self.env(),
            latency_ms=latency_ms,
        )

    def hold_still(self) -> None:
        """Freeze the daemon: the card asks for nothing any more."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let a card that was held still go on."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def _pids(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-f", f"socket={self._directory() / 'native'}"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
        names = {pid: Path(f"/proc/{pid}/comm") for pid in map(int, found.stdout.split())}
        return [pid for pid, name in names.items() if name.read_text().startswith("pulseaudio")]

    def speak_into(self, name: str, file: Path) -> TiedProcess:
        """Play a WAV file into an input; it ends with the file, or when it is closed."""
        argv = ["paplay", f"--device={name}-mouth", str(file)]
        return TiedProcess(argv, self.env())

    def pull_out(self, name: str) -> None:
        """Take an input away: who looks now finds no such name, who listens gets nothing more.

        Unloaded it is only when it is plugged in again: PulseAudio would move a listener elsewhere.
        """
        self._plugged.remove(name)
        self._write_alsa_config()
        self.pactl("suspend-sink", f"{name}-mouth", "1")

    def plug_in(self, name: str) -> None:
        """An input that was pulled out is there again, another device behind the others."""
        sink = f"sink_name={name}-mouth "
        modules = self.pactl("list", "short", "modules").splitlines()
        for number in [line.split()[0] for line in modules if sink in f"{line} "]:
            self.pactl("unload-module", number)
        self.pactl("load-module", "module-null-sink", *self._mouth(name).split())
        self._plugged.append(name)
        self._write_alsa_config()

    def pactl(self, *arguments: str) -> str:
        """Ask the daemon something; raises CalledProcessError when it refuses."""
        done = subprocess.run(
            ["pactl", *arguments],
            env=self.env(),
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
        return done.stdout

    def _directory(self) -> Path:
        if self._dir is None:
            raise SoundCardError("the sound card is closed")
        return self._dir

    def _write_alsa_config(self) -> None:
        (self._directory() / "asound.conf").write_text(self._alsa_config(), encoding="ascii")

    def _alsa_config(self) -> str:
        # Only what PortAudio should see: the stock configuration adds some twenty virtual devices
        # which it opens one by one at start (and complains about on stderr).
        lines = [f'pcm.{name} {{ type pulse device "{name}" }}' for name in self.sinks]
        lines += [
            f'pcm.{name} {{ type pulse device "{name}-mouth.monitor" }}' for name in self._plugged
        ]
        first = next(iter(self.sinks))
        lines.append(f'pcm.!default {{ type pulse device "{first}" }}')
        lines.append("ctl.!default { type pulse }")
        return "\n".join([*lines, ""])

    def _daemon_env(self) -> dict[str, str]:
        directory = str(self._directory())
        env = dict(os.environ, HOME=directory, XDG_RUNTIME_DIR=directory)
        env["PULSE_RUNTIME_PATH"] = f"{directory}/rt"
        env.pop("PULSE_SERVER", None)
        return env

    def _daemon_argv(self) -> list[str]:
        argv = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        argv += ["--disallow-exit=yes", "--realtime=no", "--high-priority=no", "--disable-shm=yes"]
        argv += ["--log-target=stderr", "--log-level=error"]
        address = f"socket={self._directory() / 'native'} auth-anonymous=1"
        argv += ["-L", f"module-native-protocol-unix {address}"]
        for name, buses in self.sinks.items():
            sink = f"sink_name={name} rate={self.rate_hz} channels={buses} format=s16le"
            argv += ["-L", f"module-null-sink {sink}"]
        for name in self.inputs:
            argv += ["-L", f"module-null-sink {self._mouth(name)}"]
        return argv

    def _mouth(self, name: str) -> str:
        return f"sink_name={name}-mouth rate={self.rate_hz} channels=1 format=s16le"

    def _wait_for_sinks(self) -> None:
        if self._daemon is None:
            raise SoundCardError("the sound card is closed")
        limit = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < limit:
            if self._daemon.returncode() is not None:
                raise SoundCardError(f"pulseaudio exited with {self._daemon.returncode()}")
            if self._answers():
                return
            time.sleep(0.02)
        raise SoundCardError(f"pulseaudio did not answer within {_START_LIMIT_S:.0f} s")

    def _answers(self) -> bool:
        # The socket is the last but the sinks: modules load in the order they are given.
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._directory() / "native"))
            except OSError:
                return False
        try:
            listed = self.pactl("list", "short", "sinks")
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        wanted = [*self.sinks, *(f"{name}-mouth" for name in self.inputs)]
        return all(f"\t{name}\t" in listed for name in wanted)


def _short_directory() -> Path:
    """A private directory whose socket paths fit into `sun_path`."""
    made = Path(tempfile.mkdtemp(prefix="crs-"))
    if len(str(made / "rt" / "native")) > _SOCKET_PATH_MAX:
        made.rmdir()
        made = Path(tempfile.mkdtemp(prefix="crs-", dir="/tmp"))
    return made
