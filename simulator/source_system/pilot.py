"""A pilot district in one process: broker, content server and collector from one district home.

Owns starting them in order and stopping them in reverse, following the ACL file when another
program enrols a station, and telling a broker that lost its database everything again.
"""

from __future__ import annotations

import errno
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.source_system.broker import Broker
from simulator.source_system.collector import Collector, collector_of
from simulator.source_system.content_server import ContentServer
from simulator.source_system.district import District
from simulator.source_system.home import Home
from simulator.source_system.keyring import Passphrase, SecondHolder
from simulator.source_system.pki import Credentials
from simulator.source_system.problems import BrokerError

ACL_CHECK_S = 0.5


_WHY_DEAF = {errno.EADDRINUSE: "port_taken", errno.EADDRNOTAVAIL: "host_not_here"}


def why_deaf(error: OSError) -> str:
    """Which problem kept a server from listening; a name may not be a port's fault."""
    if isinstance(error, socket.gaierror):
        return "host_unknown"
    return _WHY_DEAF.get(error.errno or 0, "cannot_listen")


def server_credentials(home: Home) -> Credentials:
    """The files that `District.create` wrote."""
    folder = home.server
    return Credentials(folder / "ca.pem", folder / "server.pem", folder / "server.key", 0, 0)


def broker_of(home: Home, *, autosave_s: int = 60) -> Broker:
    """Not started."""
    address = home.read().broker
    return Broker(
        home.broker,
        server_credentials(home),
        home.acl,
        host=address.host,
        port=address.port,
        operator_port=address.operator_port,
        autosave_s=autosave_s,
    )


def content_server_of(home: Home) -> ContentServer:
    """Listening, not yet serving."""
    address = home.read().content
    return ContentServer(
        home.store,
        server_credentials(home),
        live=home.live,
        host=address.listen_host,
        port=address.listen_port,
    )


def trial_pilot(folder: Path, *, cursor_interval_s: float = 0.1) -> PilotDistrict:
    """A fresh district below `folder` for trials: second holder's keys in `folder/second`."""
    District.create(
        folder / "district",
        authority="huyen",
        name="Huyện Mẫu",
        holder="Nguyễn Văn A",
        second=SecondHolder("Trần Thị B", folder / "second"),
    )
    return PilotDistrict(folder / "district", by="A", cursor_interval_s=cursor_interval_s)


class PilotDistrict:
    """`with PilotDistrict(home) as pilot:`; `pilot.district` is the object to work with.

    Start it from a thread that lives as long as the district: the broker dies with that thread.
    """

    def __init__(
        self,
        home: Path,
        *,
        ask_passphrase: Passphrase | None = None,
        by: str | None = None,
        cursor_interval_s: float = 1.0,
        broker_autosave_s: int = 60,
    ) -> None:
        self.district = District(
            home, ask_passphrase=ask_passphrase, by=by, on_enrolled=self._reload_acl
        )
        paths = self.district.home
        self.broker = broker_of(paths, autosave_s=broker_autosave_s)
        try:
            self.content: ContentServer = content_server_of(paths)
        except OSError as error:
            address = paths.read().content
            where = f"{address.listen_host}:{address.listen_port}"
            raise BrokerError(why_deaf(error), where, error.strerror or error) from error
        self.collector: Collector = collector_of(self.district, cursor_interval_s=cursor_interval_s)
        self._acl_seen = paths.acl.stat().st_mtime_ns
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Raises BrokerError; nothing is left running then."""
        self.broker.start()
        self.content.start()
        self.collector.start()
        self.district.republish()
        self._watcher = threading.Thread(target=self._watch_acl, name="acl", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        self.collector.stop()
        self.content.stop()
        self.broker.stop()

    def restart_broker(self, *, kill: bool = False) -> None:
        """kill: as a power cut; what it had not saved is told again."""
        if kill:
            self.broker.kill()
        else:
            self.broker.stop()
        self.broker.start()
        self.district.republish()

    def _reload_acl(self) -> None:
        self._acl_seen = self.district.home.acl.stat().st_mtime_ns
        self.broker.reload_acl()

    def _watch_acl(self) -> None:
        """Another program enrols: it writes the file, this process owns the broker."""
        while not self._stopping.wait(ACL_CHECK_S):
            try:
                changed = self.district.home.acl.stat().st_mtime_ns != self._acl_seen
            except FileNotFoundError:
                continue
            if changed:
                self._reload_acl()
