"""Asking the agent through its control socket, and saying in words why it cannot be asked.

The transport is `agent.adapters.control_client`; here is only the port it fills and the meaning
of each way it fails: not there, nobody listening, not allowed, too slow, not understood.
"""

from __future__ import annotations

import grp
import tomllib
from pathlib import Path
from typing import Any, Protocol

import msgspec

from agent.adapters.pins import Signer
from agent.cli.findings import Finding
from agent.cli.texts import Lang, say
from agent.cli.wording import FAULT
from agent.core.requests import Answer, Request

DEFAULT_SOCKET = Path("/run/commune-radio/control.sock")
DEFAULT_CONFIG = Path("/etc/commune-radio/station.toml")
DEFAULT_GROUP = "station"
TIMEOUT_S = 12.0
"""Longer than the agent takes to say that it is busy."""


class Ask(Protocol):
    """One request → its answer. Raises OSError (TimeoutError included) or ValueError."""

    def __call__(
        self, path: Path, request: Request, timeout_s: float, signer: Signer | None
    ) -> Answer: ...


class Asked(Protocol):
    """`Ask` of one agent. Raises Unreachable."""

    def __call__(self, request: Request, signer: Signer | None = None) -> Answer: ...


class Unreachable(Exception):  # noqa: N818 - it is a state of the agent, not a mistake of ours
    """The agent gave no answer; `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def real_ask(path: Path, request: Request, timeout_s: float, signer: Signer | None) -> Answer:
    """Through the adapter, loaded only when something is asked."""
    from agent.adapters.control_client import ask

    return ask(path, request, timeout_s, signer)


def asker(ask: Ask, path: Path, lang: Lang) -> Asked:
    """`ask` bound to a socket; every failure becomes Unreachable."""

    def asked(request: Request, signer: Signer | None = None) -> Answer:
        try:
            return ask(path, request, TIMEOUT_S, signer)
        except (OSError, ValueError, ImportError, msgspec.MsgspecError) as error:
            raise Unreachable(explain(error, path, lang)) from error

    return asked


def explain(error: Exception, path: Path, lang: Lang) -> Finding:
    """What a failure to ask means to the person at the keyboard."""

    def finding(key: str, step: str, **values: object) -> Finding:
        return Finding(
            FAULT, say(lang, key, path=path, **values), say(lang, step, group=_group(path)), 0
        )

    match error:
        case FileNotFoundError():
            return finding("no-socket", "no-socket-next")
        case PermissionError():
            return finding("socket-denied", "denied-next")
        case TimeoutError():
            return finding("socket-slow", "socket-slow-next", seconds=int(TIMEOUT_S))
        case ConnectionError():
            return finding("socket-dead", "socket-dead-next")
    problem = str(error) or type(error).__name__
    return finding("socket-odd", "socket-odd-next", problem=problem)


def _group(path: Path) -> str:
    """Whose group may ask: that of the socket or of the nearest folder one can see."""
    for place in (path, *path.parents):
        try:
            name = grp.getgrgid(place.stat().st_gid).gr_name
        except (OSError, KeyError):
            continue
        return name if name != "root" else DEFAULT_GROUP
    return DEFAULT_GROUP


def not_toml(config: Path) -> str | None:
    """Why it is no configuration at all; None: it may be one, or we may not look."""
    try:
        tomllib.loads(config.read_text(encoding="utf-8"))
    except PermissionError:
        return None
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def configured_socket(config: Path) -> Path | None:
    return _configured_path(config, "control_socket")


def configured_state_dir(config: Path) -> Path | None:
    return _configured_path(config, "state_dir")


def _configured_path(config: Path, key: str) -> Path | None:
    """What the configuration names, even when other parts of that file are wrong."""
    named = configured(config, key)
    return config.absolute().parent / named if isinstance(named, str) else None


def configured(config: Path, key: str) -> Any:
    """A value of [station] as it is written; None: there is none, or no readable file."""
    try:
        station = tomllib.loads(config.read_text(encoding="utf-8")).get("station", {})
    except (OSError, ValueError):
        return None
    return station.get(key) if isinstance(station, dict) else None
