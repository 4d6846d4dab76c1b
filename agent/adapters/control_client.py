"""Asking the agent, from another process: one question, one answer, one deadline.

Blocking, without asyncio: for `stationctl` and tests. What can be asked: `agent.core.requests`.
"""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec

from agent.adapters.clock import mono_ms
from agent.adapters.pins import Signer
from agent.core.requests import Answer, Request

ANSWER_MAX_BYTES = 16 * 1024 * 1024

_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def ask(path: Path, request: Request, timeout_s: float, signer: Signer | None = None) -> Answer:
    """The agent's answer. signer: the person who asks, with their PIN.

    Raises OSError (FileNotFoundError: no agent; PermissionError: not in the group; TimeoutError:
    no answer in time) or ValueError: it was not an answer.
    """
    deadline_ms = mono_ms() + int(timeout_s * 1_000)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(str(path))
        sock.sendall(_line(request, signer))
        line = _read_line(sock, deadline_ms)
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError as error:
        raise ValueError(f"not an answer: {error}") from None


def _line(request: Request, signer: Signer | None) -> bytes:
    if signer is None:
        return msgspec.json.encode(request) + b"\n"
    said = {**msgspec.to_builtins(request), "signer": msgspec.to_builtins(signer)}
    return msgspec.json.encode(said) + b"\n"


def _read_line(sock: socket.socket, deadline_ms: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        left_ms = deadline_ms - mono_ms()
        if left_ms <= 0:
            raise TimeoutError("no answer in time")
        sock.settimeout(left_ms / 1_000)
        data = sock.recv(65_536)
        if not data:
            raise ConnectionResetError("the agent closed the connection without an answer")
        parts.append(data)
        size += len(data)
        if data.endswith(b"\n"):
            return b"".join(parts)
        if size > ANSWER_MAX_BYTES:
            raise ValueError(f"the answer is longer than {ANSWER_MAX_BYTES} bytes")
