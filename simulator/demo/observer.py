"""An observer on the broker: writes every message of the district to `mqtt.jsonl`.

Subscribes with the operator's certificate. Changes nothing and judges nothing.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.contract.topics import ROOT
from simulator.source_system.courier import client_tls

CONNECT_LIMIT_S = 10.0

Keep = Callable[[str, Any], bool]
"""Whether to write a message down; a sabotage forgets one."""


class Observer:
    """`with Observer(port, credentials, file):` records until it is left.

    latest: topic → last parsed payload. events: how many events were seen per station.
    """

    def __init__(self, port: int, credentials: Path, file: Path) -> None:
        self.latest: dict[str, Any] = {}
        self.seen: list[tuple[int, str, Any]] = []
        self.keep: Keep = lambda _topic, _payload: True
        self._port = port
        self._file = file.open("w", encoding="utf-8")
        self._ready = threading.Event()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"observer-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
        )
        self._client.tls_set_context(client_tls(credentials))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        if not self._ready.wait(CONNECT_LIMIT_S):
            raise TimeoutError("the observer could not subscribe to the broker")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._file.close()

    def _on_connect(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(f"{ROOT}/#", options=SubscribeOptions(qos=1, retainAsPublished=True))

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        at_ms = time.time_ns() // 1_000_000
        try:
            payload = json.loads(message.payload) if message.payload else None
        except ValueError:
            payload = None
        self.latest[message.topic] = payload
        self.seen.append((at_ms, message.topic, payload))
        if not self.keep(message.topic, payload):
            return
        line = {
            "at_ms": at_ms,
            "topic": message.topic,
            "qos": message.qos,
            "retain": message.retain,
            "payload": payload,
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
