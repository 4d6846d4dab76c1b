"""Peers that run as servers and are told to play: MPD, Liquidsoap, Mopidy, Snapcast.

Owns their configuration, which names one card and nothing else, and their protocols as far as a
start, a stop and a question for life need them.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from simulator.bench.peers.players import PeerError, Place, Player, await_, below
from simulator.source_system.broker import free_port

# --- servers that are told ---------------------------------------------------------------------


class Mpd(Player):
    """The daemon, with its unix socket; how it is told to play is below."""

    needs: ClassVar[tuple[str, ...]] = ("mpd",)
    ask_version = ("mpd", "--version")

    def open(self) -> None:
        folder = self.place.folder
        self.socket = folder / "mpd.sock"
        config = folder / "mpd.conf"
        config.write_text(
            f"""bind_to_address "{self.socket}"
state_file "{folder / "state"}"
sticker_file "{folder / "sticker.sql"}"
audio_output {{
  type "pulse"
  name "bench"
  sink "{self.place.sink}"
}}
""",
            "utf-8",
        )
        self._daemon = self._start("mpd", "--no-daemon", str(config))
        await_("MPD", self._connect)

    def _connect(self) -> bool:
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(5)
        line.connect(str(self.socket))
        self._line = line
        self._running.callback(line.close)
        return self._answer().startswith("OK MPD")

    def _answer(self) -> str:
        said = b""
        while not (said.endswith(b"\n") and (b"OK" in said or b"ACK" in said)):
            piece = self._line.recv(4096)
            if not piece:
                raise PeerError("MPD hung up")
            said += piece
        return said.decode()

    def tell(self, *commands: str) -> None:
        for command in commands:
            self._line.sendall(command.encode() + b"\n")
            said = self._answer()
            if "ACK" in said:
                raise PeerError(f"MPD, {command}: {said.strip()}")

    def arm(self, programme: Path, _at_ms: int, /) -> None:
        self.tell("stop", "clear", f'add "file://{programme}"')

    def fire(self) -> None:
        self.tell("play 0")

    def settle(self) -> None:
        self.tell("stop", "clear")

    def pids(self) -> tuple[int, ...]:
        return tuple(below(self._daemon))


class MpdPaused(Mpd):
    name = "MPD, loaded and paused"
    how = "decoder and output open, `pause 0` over an open connection at the instant"

    def arm(self, programme: Path, _at_ms: int, /) -> None:
        super().arm(programme, _at_ms)
        self.tell("play 0", "pause 1", "seek 0 0", "pause 1")


class MpdByClient(Mpd):
    name = "MPD, `mpc play`"
    how = "queued before, `mpc play` started at the instant"
    needs = ("mpd", "mpc")

    def fire(self) -> None:
        subprocess.run(["mpc", "-q", "-h", str(self.socket), "play"], check=True, timeout=10)


class Liquidsoap(Player):
    name = "Liquidsoap"
    how = "its own schedule: a switch whose predicate holds from the instant on"
    needs = ("liquidsoap",)
    ask_version = ("liquidsoap", "--version")

    def open(self) -> None:
        folder = self.place.folder
        self._socket = folder / "soap.sock"
        script = folder / "station.liq"
        script.write_text(
            f"""settings.init.allow_root.set(true)
settings.log.stdout.set(false)
settings.server.socket.set(true)
settings.server.socket.path.set("{self._socket}")
at = ref(0.)
queue = request.queue(id="queue")
def set_at(said) =
  at := float_of_string(said)
  "armed"
end
server.register(namespace="bench", "at", set_at)
due = fun () -> !at > 0. and time() >= !at
air = switch(track_sensitive=false, [(due, queue), ({{true}}, blank())])
output.pulseaudio(device="{self.place.sink}", air)
""",
            "utf-8",
        )
        self._daemon = self._start("liquidsoap", str(script))
        await_("Liquidsoap", lambda: self._tell("bench.at 0."))

    def _tell(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(5)
            line.connect(str(self._socket))
            line.sendall(command.encode() + b"\n")
            said = b""
            while not said.endswith(b"END\r\n"):
                piece = line.recv(4096)
                if not piece:
                    break
                said += piece
            line.sendall(b"quit\n")
        return said.decode()

    def arm(self, programme: Path, at_ms: int, /) -> None:
        self._tell(f"bench.at {at_ms / 1_000:.3f}")
        self._tell(f"queue.push {programme}")

    def settle(self) -> None:
        self._tell("bench.at 0.")
        self._tell("queue.flush_and_skip")

    def pids(self) -> tuple[int, ...]:
        return tuple(below(self._daemon))


class Mopidy(Player):
    name = "Mopidy"
    how = "in the tracklist before, `core.playback.play` over an open connection at the instant"
    needs = ("mopidy",)
    ask_version = ("mopidy", "--version")

    def open(self) -> None:
        folder, port = self.place.folder, free_port()
        config = folder / "mopidy.conf"
        config.write_text(
            f"""[core]
cache_dir = {folder}
config_dir = {folder}
data_dir = {folder}
[audio]
output = pulsesink device={self.place.sink}
[file]
media_dirs = /
[http]
hostname = 127.0.0.1
port = {port}
zeroconf =
[m3u]
enabled = false
""",
            "utf-8",
        )
        self._server = self._start("mopidy", "--config", str(config))
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._running.callback(self._line.close)
        await_("Mopidy", lambda: self.tell("core.get_version"))

    def tell(self, method: str, **params: object) -> Any:
        """One call of its JSON-RPC."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        try:
            header = {"Content-Type": "application/json"}
            self._line.request("POST", "/mopidy/rpc", body.encode(), header)
            answer = json.loads(self._line.getresponse().read())
        except (OSError, http.client.HTTPException):
            self._line.close()
            raise
        if "error" in answer:
            raise PeerError(f"Mopidy, {method}: {answer['error']}")
        return answer.get("result")

    def arm(self, programme: Path, _at_ms: int, /) -> None:
        self.tell("core.playback.stop")
        self.tell("core.tracklist.clear")
        if not self.tell("core.tracklist.add", uris=[programme.as_uri()]):
            raise PeerError(f"Mopidy does not take {programme}")

    def fire(self) -> None:
        self.tell("core.playback.play")

    def settle(self) -> None:
        self.tell("core.playback.stop")

    def pids(self) -> tuple[int, ...]:
        return tuple(below(self._server))


class SnapServer(Player):
    """The server of a pair; what is armed is written into its pipe from then on."""

    name = "Snapcast server"
    how = "fed through its pipe"
    needs = ("snapserver", "snapclient", "ffmpeg")
    ask_version = ("snapserver", "--version")

    def open(self) -> None:
        folder = self.place.folder
        self.port, control = free_port(), free_port()
        self._pipe = folder / "pipe"
        config = folder / "snapserver.conf"
        config.write_text(
            f"""[server]
datadir = {folder}
[http]
enabled = false
[tcp]
bind_to_address = 127.0.0.1
port = {control}
[stream]
bind_to_address = 127.0.0.1
port = {self.port}
source = pipe://{self._pipe}?name=default&sampleformat=48000:16:2
""",
            "utf-8",
        )
        self._server = self._start("snapserver", "--config", str(config))
        await_("Snapserver", lambda: self._pipe.exists() and _answers(self.port))

    def arm(self, programme: Path, _at_ms: int, /) -> None:
        """The server takes from the pipe at its own pace."""
        argv = ["ffmpeg", "-v", "quiet", "-y", "-i", str(programme)]
        argv += ["-f", "s16le", "-ar", "48000", "-ac", "2", str(self._pipe)]
        self._feeder = self._start(*argv)

    def settle(self) -> None:
        self._feeder.close()

    def pids(self) -> tuple[int, ...]:
        return tuple(below(self._server))


class SnapClient(Player):
    name = "Snapcast client"
    how = "two clients of one server on 127.0.0.1, the server fed through its pipe"
    needs = SnapServer.needs
    ask_version = ("snapclient", "--version")

    def __init__(self, place: Place, server: SnapServer) -> None:
        super().__init__(place)
        self._to = server

    def open(self) -> None:
        argv = ["snapclient", "--host", "127.0.0.1", "--port", str(self._to.port)]
        argv += ["--hostID", self.place.sink, "--player", "pulse"]
        self._client = self._start(*argv)
        await_("snapclient", self.pids)

    def pids(self) -> tuple[int, ...]:
        return tuple(below(self._client))


def _answers(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
