"""A test tone on the screen: taken up is not played, and the waiting has an end."""

from __future__ import annotations

from typing import Literal

import pytest

from agent.adapters.pins import Signer
from agent.cli.arguments import EXIT_FAULT, build_parser, completed
from agent.cli.columns import display_width
from agent.cli.session import Session, Shown
from agent.cli.texts import Lang
from agent.cli.tone import LOOK_EVERY_S, PATIENCE_S, play_tone
from agent.contract.reasons import OccurrenceReason
from agent.contract.reports import Confirmation, Outcome
from agent.core.requests import (
    Answer,
    AudioRequest,
    AudioView,
    Done,
    Refused,
    Request,
    TestToneRequest,
    ToneRequest,
    ToneView,
    ToneZone,
)

NAME = "test-tone-1"
WAITING = ToneView(1_000, NAME, "waiting", 2_500)
SOUNDING = ToneView(2_800, NAME, "sounding", 2_500)


def had(
    zone: str,
    outcome: Outcome = "played",
    reason: OccurrenceReason | None = None,
    confirmed: Confirmation = "yes",
    played_ms: int = 3_000,
) -> ToneZone:
    return ToneZone(zone, outcome, reason, confirmed, played_ms, -1_200)


def over(*zones: ToneZone) -> ToneView:
    return ToneView(9_000, NAME, "over", 2_500, zones)


class Agent:
    """Takes a tone up, then answers with these in turn; the last one again and again."""

    def __init__(self, *views: Answer, taken_up: Answer | None = None) -> None:
        self._views = list(views)
        self._taken_up = taken_up or Done("3000 ms", NAME)
        self.asked: list[Request] = []
        self.waited_s = 0.0
        self.player: Literal["ready", "lost", "starting"] = "ready"
        self.why = ""

    def __call__(self, request: Request, signer: Signer | None = None) -> Answer:
        self.asked.append(request)
        if isinstance(request, TestToneRequest):
            return self._taken_up
        if isinstance(request, AudioRequest):
            return AudioView(1_000, "UTC", self.player, self.why)
        return self._views.pop(0) if len(self._views) > 1 else self._views[0]

    def pause(self, seconds: float) -> None:
        self.waited_s += seconds

    def run(self, lang: Lang = "en", seconds: int = 3) -> Shown:
        words = ["test-tone", "--seconds", str(seconds)]
        typed = completed(build_parser(lang, "1").parse_args(words), {})
        return play_tone(typed, Session(self, lang, 44), self.pause)


def test_what_was_taken_up_is_followed_to_its_end() -> None:
    agent = Agent(WAITING, SOUNDING, over(had("Đông"), had("Đoài")))
    shown = agent.run()
    assert agent.asked == [TestToneRequest((), 3_000), AudioRequest(), *[ToneRequest(NAME)] * 3]
    assert shown.exit_status == 0
    assert shown.lines[0].startswith("✓ Taken up")
    assert [line for line in shown.lines if line.startswith("✓ Đông: sounded 3.0 s")]
    assert shown.answer == over(had("Đông"), had("Đoài"))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_zone_that_did_not_sound_stands_first_with_the_reason_and_the_next_step(
    lang: Lang,
) -> None:
    silent = had("Đoài", "skipped", OccurrenceReason.NO_MAINS, "no", 0)
    torn = had("Trung", "partial", OccurrenceReason.SOUND_LOST, "yes", 1_200)
    deaf = had("Nam", "played", OccurrenceReason.ZONE_NOT_CONFIRMED, "no")
    shown = Agent(over(had("Đông"), silent, torn, deaf)).run(lang)
    assert shown.exit_status == 1
    text = "\n".join(shown.lines[1:])
    assert text.startswith("✗ Đoài")
    assert text.index("✗ Trung") < text.index("✗ Nam") < text.index("✓ Đông")
    assert "  → " in text
    assert ("1,2" if lang == "vi" else "1.2") in text
    assert all(display_width(line) <= 44 for line in shown.lines)


def test_what_was_not_measured_is_not_called_heard() -> None:
    shown = Agent(over(had("Đông", confirmed="unknown"))).run()
    assert shown.exit_status == 0
    assert shown.lines[-2].startswith("? Đông")


def test_the_waiting_is_as_long_as_tone_and_warm_up_need_and_no_longer() -> None:
    agent = Agent(WAITING)
    shown = agent.run(seconds=60)
    assert agent.waited_s == pytest.approx(1.5 + 60 + PATIENCE_S, abs=2 * LOOK_EVERY_S)
    assert shown.exit_status == 0
    assert any(line.startswith("! ") for line in shown.lines)
    absurd = Agent(ToneView(0, NAME, "waiting", 10**15))
    absurd.run()
    assert absurd.waited_s < 200


def test_a_station_that_was_restarted_meanwhile_says_that_it_knows_nothing() -> None:
    shown = Agent(ToneView(1, NAME, "unknown")).run()
    assert any("no longer knows" in line for line in shown.lines)


@pytest.mark.parametrize("answer", [Refused("busy", "Đông"), Done("3000 ms")])
def test_nothing_is_waited_for_after_a_refusal_or_an_older_agent(answer: Answer) -> None:
    agent = Agent(WAITING, taken_up=answer)
    shown = agent.run()
    assert agent.asked == [TestToneRequest((), 3_000)]
    assert shown.exit_status == int(isinstance(answer, Refused))


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_without_a_card_what_was_taken_up_is_not_told_as_well(lang: Lang) -> None:
    agent = Agent(over(had("Đông", "skipped", OccurrenceReason.SOUND_LOST)))
    agent.player, agent.why = "lost", "device_lost"
    shown = agent.run(lang)
    assert shown.lines[0].startswith("✗ ")
    assert not any("✓" in line for line in shown.lines)
    assert shown.exit_status == EXIT_FAULT
    assert max(map(display_width, shown.lines)) <= 44
