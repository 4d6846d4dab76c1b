"""Commands: numbered, signed for ten minutes, sent once, never retained."""

from __future__ import annotations

import secrets

import msgspec

from agent.contract.documents import Action, Resend
from agent.contract.envelope import seal
from agent.contract.reports import Ack
from agent.contract.topics import audience_down, station_up
from simulator.source_system import compose
from simulator.source_system.desk import Desk
from simulator.source_system.receipts import await_acks


class Commanded(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was sent, and the last ack of each station that answered in time."""

    id: str
    audience: str
    stations: tuple[str, ...]
    acks: dict[str, Ack]


class CommandDesk(Desk):
    """Command one station or a group."""

    def command(self, to: str, action: Action, *, wait_s: float = 10.0) -> Commanded:
        """Send one command and wait for the terminal acks. to: `s/<station>` or `g/<group>`."""
        stations = self._stations(to)
        command_id, sealed = self._command(to, action)
        with self._courier() as courier:
            courier.subscribe([station_up(station, "ack") for station in stations])
            courier.publish(audience_down(to, "cmd"), sealed, retain=False)
            acks = await_acks(courier, command_id, stations, wait_s) if wait_s > 0 else {}
        return Commanded(id=command_id, audience=to, stations=stations, acks=acks)

    def resend_command(self, station: str, from_seq: int) -> bytes:
        """The sealed command by which the collector asks for a gap again."""
        return self._command(f"s/{station}", Resend(from_seq=from_seq))[1]

    def _command(self, to: str, action: Action) -> tuple[str, bytes]:
        key = self.keyring.signing("command")
        now_ms = self._clock_ms()
        command_id = f"c-{secrets.token_hex(6)}"
        document = compose.command(
            self.authority,
            to,
            action,
            command_id=command_id,
            seq=self.ledger.next_command_seq(key.keyid, to, now_ms),
            now_ms=now_ms,
            by=self._by,
        )
        body = compose.encode(document)
        verb = action.__struct_config__.tag
        self.ledger.record_command(command_id, to, now_ms, self._by, str(verb))
        return command_id, seal(body, (key.sign(body),))
