"""Who speaks beside the district in the demo: the province above it and the officer at the commune.

Owns the province's keys and its documents, and the officer's keyboard (`stationctl` in a process
of its own, the PIN in a file). Knows nothing of the story.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from agent.contract.documents import Binding, Entry, Signed
from agent.contract.envelope import seal
from agent.contract.topics import audience_down
from simulator.source_system import compose
from simulator.source_system.courier import Courier
from simulator.source_system.district import District, PublicAuthority
from simulator.source_system.keyring import SecondHolder

RANK = 10
"""Before the district's 20."""

KEYBOARD_LIMIT_S = 20


class Province:
    """An authority of its own, with keys that no district holds; it uses the district's broker."""

    id = "tinh"

    def __init__(self, folder: Path) -> None:
        self._own = District.create(
            folder / "province",
            authority=self.id,
            name="Đài phát thanh và truyền hình tỉnh",
            holder="Phạm Hùng",
            second=SecondHolder("Lê Văn Tám", folder / "province-second-holder"),
            rank=RANK,
            by="demo",
        )
        self._revision = 0

    def public(self) -> PublicAuthority:
        return self._own.public()

    def publish(self, through: District, to: str, bindings: Sequence[Binding], now_ms: int) -> None:
        """Which file fills which slot."""
        content = compose.content(
            self.id, to, list(bindings), revision=1, made_from=0, now_ms=now_ms
        )
        self._send(through, to, "content", content)

    def push(self, through: District, to: str, entries: Sequence[Entry], now_ms: int) -> None:
        """The next revision of the timetable."""
        schedule = compose.schedule(
            self.id,
            to,
            entries,
            revision=self._revision + 1,
            made_from=self._revision,
            now_ms=now_ms,
            pushed_by="Lê Văn Tám",
        )
        self._revision += 1
        self._send(through, to, "schedule", schedule)

    def _send(
        self, through: District, to: str, kind: Literal["content", "schedule"], document: Signed
    ) -> None:
        """Signed with the province's key, left on the broker of `through`."""
        key = self._own.keyring.signing(kind)
        body = compose.encode(document)
        address = through.file.broker
        with Courier("127.0.0.1", address.operator_port, through.home.operator) as courier:
            sealed = seal(body, (key.sign(body),))
            courier.publish(audience_down(to, kind), sealed, retain=True)


class Officer:
    """A person of the commune at one station, by name and PIN."""

    def __init__(self, station: Path, name: str, pin: str) -> None:
        self.name = name
        self._station = station
        self._pin_file = station / "pin.txt"
        self._pin_file.touch(mode=0o600)
        self._pin_file.write_text(pin, encoding="utf-8")

    def set_pin(self) -> bool:
        """What the technician does once at the box."""
        return self._type("pin", "set", self.name, "--may", "approve", pin=["--pin-file"])

    def approve(self, entry: str) -> bool:
        return self._type("approve", entry, pin=["--name", self.name, "--pin-file"])

    def _type(self, *words: str, pin: Sequence[str]) -> bool:
        """Whether stationctl did it; what it said stands in `stationctl.log`."""
        config = ["--config", str(self._station / "station.toml")]
        typed = [*config, *words, *pin, str(self._pin_file)]
        with (self._station / "stationctl.log").open("ab") as log:
            log.write(f"$ stationctl {' '.join(words)}\n".encode())
            log.flush()
            done = subprocess.run(
                [sys.executable, "-m", "agent.cli", *typed],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LANG": "C.UTF-8"},
                start_new_session=True,
                timeout=KEYBOARD_LIMIT_S,
                check=False,
            )
        return done.returncode == 0
