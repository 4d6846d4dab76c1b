"""What crossed the broker: documents, receipts, alarms, as-run records. Reads `mqtt.jsonl`.

One JSON object a line: `{"at_ms", "topic", "qos", "retain", "payload"}`; `payload` is the parsed
JSON (null when empty or not JSON). The body of a signed envelope may stand beside it as `body`;
else it is decoded here. Nothing is verified: this is an observer's record.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRAFFIC = "mqtt.jsonl"


@dataclass(frozen=True, slots=True)
class Message:
    """direction `up` or `dn`; party `s/<station>` or `g/<group>`; leaf `event`, `warning` …"""

    at_ms: float
    party: str
    direction: str
    leaf: str
    retain: bool
    content: dict[str, Any]

    @property
    def station(self) -> str:
        return self.party.removeprefix("s/") if self.party.startswith("s/") else ""


@dataclass(frozen=True, slots=True)
class Record:
    """One numbered event of a station. id: (installation, stream, seq)."""

    station: str
    id: tuple[str, str, int]
    at_ms: float
    received_ms: float
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Traffic:
    messages: tuple[Message, ...]

    def up(self, leaf: str, station: str = "") -> list[Message]:
        return [
            one
            for one in self.messages
            if one.direction == "up" and one.leaf == leaf and station in ("", one.station)
        ]

    def records(self) -> list[Record]:
        """Every event once, as first seen; the wire may repeat an unacknowledged one."""
        first: dict[tuple[str, tuple[str, str, int]], Record] = {}
        for record in self.all_records():
            first.setdefault((record.station, record.id), record)
        return list(first.values())

    def all_records(self) -> list[Record]:
        return [_record(one) for one in self.up("event") if "body" in one.content]

    def warnings(self, warning: str) -> list[tuple[float, bool, str]]:
        """(published at, cancelled, party) each time a document with this warning passed."""
        return [
            (one.at_ms, bool(item.get("cancelled")), one.party)
            for one in self.messages
            if one.direction == "dn" and one.leaf == "warning"
            for item in one.content.get("warnings", ())
            if item.get("id") == warning
        ]


def read_traffic(folder: Path) -> Traffic:
    lines = (folder / TRAFFIC).read_text(encoding="utf-8").splitlines()
    messages = [message for line in lines if line and (message := _message(line)) is not None]
    return Traffic(tuple(sorted(messages, key=lambda one: one.at_ms)))


def _message(line: str) -> Message | None:
    try:
        row = json.loads(line)
    except ValueError:  # the last line of a killed observer
        return None
    parts = row["topic"].split("/")
    if len(parts) != 6 or parts[:2] != ["radio", "v1"]:
        return None
    content = row.get("body")
    if not isinstance(content, dict):
        content = _opened(row.get("payload"))
    return Message(
        row["at_ms"], f"{parts[2]}/{parts[3]}", parts[4], parts[5], bool(row["retain"]), content
    )


def _opened(payload: object) -> dict[str, Any]:
    """A plain message, or the body of an envelope."""
    if not isinstance(payload, dict):
        return {}
    if "payloadType" not in payload:
        return payload
    try:
        body = json.loads(base64.b64decode(payload.get("payload", ""), validate=True))
    except (ValueError, binascii.Error):
        return {}
    return body if isinstance(body, dict) else {}


def _record(message: Message) -> Record:
    event = message.content
    return Record(
        station=message.station,
        id=(event.get("installation", ""), event.get("stream", ""), event.get("seq", -1)),
        at_ms=event.get("at_ms", 0),
        received_ms=message.at_ms,
        body=event["body"],
    )
