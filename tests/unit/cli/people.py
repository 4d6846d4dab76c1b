"""Somebody at the keyboard, and an agent that knows one person; for the tests of decisions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.adapters.pins import Signer
from agent.cli.__main__ import Surroundings
from agent.cli.prompts import GaveUp
from agent.core.pins import RIGHT_FOR
from agent.core.requests import (
    Answer,
    Done,
    PlanRequest,
    PlanView,
    Refused,
    Request,
    ZonesRequest,
)
from tests.unit.cli import views

HOA, PIN, OTHER_PIN = "Nguyễn Văn Hòa", "402817", "730591"


class Keyboard:
    """Types what it was told, one after the other; then nothing any more."""

    def __init__(self, *typed: str) -> None:
        self._typed = list(typed)
        self.prompts: list[str] = []
        self.told: list[str] = []

    def tell(self, lines: list[str]) -> None:
        self.told += lines

    def line(self, prompt: str, default: str = "") -> str:
        self.prompts.append(prompt)
        found = (self._typed.pop(0) if self._typed else "") or default
        if not found:
            raise GaveUp
        return found

    def secret(self, prompt: str) -> str:
        return self.line(f"(secret) {prompt}")

    @property
    def left(self) -> int:
        return len(self._typed)


class Agent:
    """Knows HOA with PIN; answers what is asked, does what is to be done."""

    def __init__(
        self,
        view: PlanView = views.DECIDING,
        answer: Callable[[Request], Answer | None] = lambda _: None,
        pin_for: tuple[type, ...] = (),
    ) -> None:
        self.view = view
        self.done: list[tuple[Request, str]] = []
        """What was done, and in whose name."""
        self.signers: list[Signer | None] = []
        self._answer = answer
        self._pin_for = (*RIGHT_FOR, *pin_for)
        self._wrong = 0

    def __call__(
        self, path: Path, request: Request, timeout_s: float, signer: Signer | None
    ) -> Answer:
        if isinstance(request, PlanRequest):
            return self.view
        if isinstance(request, ZonesRequest):
            return views.ZONES
        self.signers.append(signer)
        refused = self._sent_away(request, signer)
        if refused is not None:
            return refused
        answer = self._answer(request) or Done()
        if isinstance(answer, Done):
            self.done.append((request, signer.name if signer is not None else ""))
        return answer

    def _sent_away(self, request: Request, signer: Signer | None) -> Refused | None:
        if signer is None:
            return Refused("pin_needed") if isinstance(request, self._pin_for) else None
        if signer.pin == PIN:
            return None
        self._wrong += 1
        left = max(0, 5 - self._wrong)
        return Refused("wrong_pin", signer.name, left, None if left else 60_000)


def around(agent: Agent, keyboard: Keyboard | None = None, *, chatty: bool = True) -> Surroundings:
    return Surroundings(
        agent,
        lambda file: None,
        {"NO_COLOR": "1"},
        views.NOW_MS,
        4_000,
        on_terminal=chatty and keyboard is not None,
        prompts=keyboard,
    )
