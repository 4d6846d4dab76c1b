"""`announce --mic` on the screen: when to speak, and that the microphone is closed again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from agent.cli.arguments import build_parser, completed
from agent.cli.microphone import speak
from agent.cli.session import Session, Shown, refusal
from agent.contract.reasons import AckReason
from agent.core.requests import (
    Answer,
    Done,
    EndSpeechRequest,
    Refused,
    Request,
    SpeakRequest,
    SpokenRequest,
    SpokenView,
    ZonesRequest,
)
from tests.unit.cli import views
from tests.unit.cli.people import HOA, PIN, Agent, Keyboard
from tests.unit.cli.test_deciding import Printed, by_hand, out, typed

ENTRY = "announce-1-1"
NOW = views.NOW_MS


def view(state: str, speaks_ms: int | None = None, ends_ms: int | None = None) -> SpokenView:
    return SpokenView(NOW, ENTRY, state, "micro", speaks_ms, ends_ms, ("Đông",))  # type: ignore[arg-type]


class Microphone:
    """Takes a request up, then answers with these in turn; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request, signer: object = None) -> Answer:
        if isinstance(request, ZonesRequest):
            return views.ZONES
        self.asked.append(request)
        if isinstance(request, SpeakRequest | EndSpeechRequest):
            return Done("", ENTRY)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def run(
        self, keyboard: Keyboard, pause: Callable[[float], None] = lambda _: None, *words: str
    ) -> Shown:
        argv = ["announce", "--mic", *words, "--name", HOA]
        typed_words = completed(build_parser("vi", "1").parse_args(argv), {})
        session = Session(self, "vi", 44, keyboard, chatty=True)
        return speak(typed_words, session, pause)


def test_who_speaks_is_told_when_the_chime_is_over_and_not_before() -> None:
    keyboard = Keyboard(PIN)
    agent = Microphone(
        view("waiting"),
        view("sounding", NOW + 1_000, NOW + 300_000),
        view("sounding", NOW - 1, NOW + 299_000),
        view("over"),
    )
    told: list[int] = []
    shown = agent.run(keyboard, lambda _: told.append("NÓI ĐI" in " ".join(keyboard.told)))
    assert told == [False, False, True]
    assert "micro đã tắt" in " ".join(shown.lines).casefold()


@pytest.mark.parametrize("ends_it", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_ctrl_c_and_a_closed_terminal_close_the_microphone(ends_it: signal.Signals) -> None:
    agent = Microphone(view("sounding", NOW - 1, NOW + 60_000))
    shown = agent.run(Keyboard(PIN), lambda _: os.kill(os.getpid(), ends_it))
    assert agent.asked[-1] == EndSpeechRequest(ENTRY)
    assert "đã tắt micro" in " ".join(shown.lines).casefold()
    assert signal.getsignal(signal.SIGHUP) in (signal.SIG_DFL, signal.SIG_IGN)


def test_when_no_zone_becomes_free_it_is_given_up_and_closed() -> None:
    agent = Microphone(view("waiting"))
    shown = agent.run(Keyboard(PIN))
    assert agent.asked[-1] == EndSpeechRequest(ENTRY)
    assert agent.asked.count(SpokenRequest(ENTRY)) > 100
    assert "đã thôi chờ" in " ".join(" ".join(shown.lines).split())


def test_what_is_typed_becomes_one_request_in_the_name_of_who_speaks(capsys: Printed) -> None:
    agent = Agent()
    words = ("--mic", "dong", "--input", "micro", "--minutes", "7", "--title", "Họp thôn")
    assert typed(agent, Keyboard(PIN), "announce", *words, "--name", HOA, chatty=False) == 0
    assert agent.done == [(SpeakRequest(("Đông",), 420_000, "micro", "Họp thôn"), HOA)]
    assert "stationctl stop" in out(capsys)


def test_over_the_programme_is_asked_for_with_a_word(capsys: Printed) -> None:
    agent = Agent()
    words = ("announce", "--mic", "--over", "dong", "--name", HOA)
    assert typed(agent, Keyboard(PIN), *words, chatty=False) == 0
    assert agent.done == [(SpeakRequest(("Đông",), 300_000, over=True), HOA)]


def test_without_a_pin_no_microphone_is_opened(capsys: Printed) -> None:
    agent = Agent()
    assert typed(agent, None, "announce", "--mic", "dong") == 2
    assert agent.done == []


def test_an_unknown_input_is_told_with_those_there_are(capsys: Printed) -> None:
    refused = Refused(AckReason.UNKNOWN_INPUT.value, "x; inputs: fm, micro")
    agent = Agent(answer=lambda one: refused if isinstance(one, SpeakRequest) else None)
    assert by_hand(agent, "announce", "--mic", "--input", "x") == 1
    assert "x; có: fm, micro" in " ".join(out(capsys).split())


@pytest.mark.parametrize(
    ("code", "detail", "said"),
    [
        (AckReason.UNKNOWN_INPUT, "x; inputs: fm, micro", "x; có: fm, micro"),
        (AckReason.INPUT_IS_RETURN, "hoi; inputs: -", "hoi; đài không có ngõ vào nào"),
        (AckReason.BUSY, "on air: Thôn Đông", "đang phát: Thôn Đông"),
        (AckReason.UNKNOWN_ZONE, "x; zones: dong", "x; có: dong"),
        (
            AckReason.MALFORMED,
            "title: at most 200 characters or items",
            "title: tối đa 200 ký tự hoặc mục",
        ),
    ],
)
def test_what_the_agent_adds_is_said_in_vietnamese(code: AckReason, detail: str, said: str) -> None:
    assert said in refusal(Refused(code.value, detail), "vi").text


def test_options_of_the_microphone_without_it_are_named(capsys: Printed) -> None:
    assert by_hand(Agent(), "announce", "Mời họp", "--minutes", "9") == 2
    assert "--mic" in out(capsys)


def test_an_hour_is_the_most_and_nothing_is_sent_beyond_it() -> None:
    agent = Agent()
    assert typed(agent, Keyboard(PIN), "announce", "--mic", "--minutes", "61") == 2
    assert agent.done == []


def test_that_somebody_else_speaks_is_said_with_what_to_do() -> None:
    def busy(request: Request, signer: object = None) -> Answer:
        if isinstance(request, ZonesRequest):
            return views.ZONES
        return Refused(AckReason.BUSY.value, "Họp thôn")

    typed_words = completed(
        build_parser("vi", "1").parse_args(["announce", "--mic", "--name", HOA]), {}
    )
    shown = speak(typed_words, Session(busy, "vi", 44, Keyboard(PIN), chatty=True))
    text = " ".join(" ".join(shown.lines).split())
    assert "Micro đang mở: Họp thôn" in text
    assert "stationctl stop" in text
    assert shown.exit_status != 0
