"""Asking the person at the keyboard, without echo where it is a PIN."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Protocol, TextIO

TTY = "/dev/tty"


class GaveUp(Exception):  # noqa: N818 - the person's choice, no mistake
    """Nothing was typed where something was asked for."""


class Prompts(Protocol):
    """Somebody at the keyboard. default: what Enter alone means; else it raises GaveUp."""

    def tell(self, lines: list[str]) -> None: ...

    def line(self, prompt: str, default: str = "") -> str: ...

    def secret(self, prompt: str) -> str: ...


class Terminal:
    """The terminal of this process, also while its output goes elsewhere."""

    def __init__(self, reader: TextIO, writer: TextIO) -> None:
        self._reader = reader
        self._writer = writer

    def tell(self, lines: list[str]) -> None:
        self._say("".join(f"{line}\n" for line in lines))

    def line(self, prompt: str, default: str = "") -> str:
        self._say(prompt)
        return _typed(self._reader.readline, default)

    def secret(self, prompt: str) -> str:
        """getpass asks the terminal itself."""
        return _typed(lambda: getpass.getpass(prompt))

    def _say(self, text: str) -> None:
        self._writer.write(text)
        self._writer.flush()


def _typed(read: Callable[[], str], default: str = "") -> str:
    try:
        line = read()
    except (EOFError, KeyboardInterrupt):
        raise GaveUp from None
    found = line.strip() or (default if line else "")
    if not found:
        raise GaveUp
    return found


def open_terminal() -> Terminal | None:
    """None: this process has none, nobody can be asked. Open until the process ends."""
    try:
        return Terminal(
            open(TTY, encoding="utf-8", errors="replace"),  # noqa: PTH123 - a device
            open(TTY, "w", encoding="utf-8", errors="replace"),  # noqa: PTH123
        )
    except OSError:
        return None
