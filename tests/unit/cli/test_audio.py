"""The sound card on the screen, and the self-test: what is known is told, the rest is unknown."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from agent.adapters.pins import Signer
from agent.cli.__main__ import Surroundings, run_in
from agent.cli.arguments import build_parser, completed
from agent.cli.audio import absent_inputs, run_audio
from agent.cli.columns import display_width
from agent.cli.devices import Listed, real_devices
from agent.cli.screens.audio import bar, input_findings, render_audio
from agent.cli.session import Session, Shown
from agent.cli.texts import Lang
from agent.core.events import PlayerLost
from agent.core.requests import (
    Answer,
    AudioRequest,
    AudioView,
    BusView,
    Done,
    Request,
    ReturnView,
    TestToneRequest,
    ToneRequest,
    ToneReturned,
    ToneView,
    ToneZone,
)
from agent.core.words import CARD_LOST
from agent.player.listing import Card, Device, Devices
from tests.unit.cli import views
from tests.unit.cli.golden_files import golden

replace = msgspec.structs.replace
both_languages = pytest.mark.parametrize("lang", ["vi", "en"])

USB = "USB PnP Sound Device: Audio (hw:1,0)"
THERE = Listed(
    Devices(
        (
            Device(USB, "USB PnP Sound Device: Audio", 1, 2, 44_100),
            Device("default", "default", 32, 32, 48_000),
        ),
        (
            Card("Device", "USB PnP Sound Device", "hw:CARD=Device,DEV=0", listed=True),
            Card("b1", "bcm2835 Headphones", "hw:CARD=b1,DEV=0", listed=False),
        ),
    )
)
WELL = AudioView(
    at_ms=views.NOW_MS,
    tz=views.TZ,
    player="ready",
    device="USB PnP Sound Device",
    resolved=USB,
    seen_ms=views.NOW_MS - 400,
    frames_per_buffer=1_024,
    latency_ms=43,
    underruns=0,
    reopened=1,
    drift_ppm=-38,
    callback_p50_us=310,
    callback_p99_us=640,
    callback_max_us=1_900,
    buses=(
        BusView(
            0, "Bản tin khu vực", ("Thôn Đông", "Thôn Đoài"), "sound", 12_000, -1_830, -610, -120
        ),
        BusView(1),
        BusView(
            2,
            "Tiếp âm đài tỉnh",
            ("Thôn Thượng",),
            "sound",
            9_000,
            -1_920,
            -700,
            0,
            -640,
            "stream:1",
            views.NOW_MS - 61_000,
        ),
    ),
    back=ReturnView(0, "sound", "", -2_100, -900, 0),
)
BAD = replace(
    WELL,
    underruns=41,
    drift_ppm=None,
    callback_p99_us=26_000,
    callback_max_us=31_000,
    buses=(BusView(0, "Bản tin khu vực", ("Thôn Đông",), "silent", 9_000, -12_000, -12_000),),
    back=ReturnView(0, "silent", "", -8_800, -8_700, 8_000),
)
GONE = AudioView(views.NOW_MS, views.TZ, "lost", why="no_device", detail="no output 'x'", lost=2)


@both_languages
def test_the_card_looks_as_agreed(lang: Lang) -> None:
    golden(f"audio-well.{lang}", render_audio(WELL, THERE, lang, 44))
    golden(f"audio-bad.{lang}", render_audio(BAD, THERE, lang, 44, "USB Audio (hw:1,0)"))
    golden(f"audio-gone.{lang}", render_audio(GONE, THERE, lang, 44, "USB C-Media"))
    nothing = Listed(Devices())
    golden(f"audio-none.{lang}", render_audio(None, nothing, lang, 44))


@both_languages
@pytest.mark.parametrize("width", [24, 30, 44, 80])
@pytest.mark.parametrize("view", [WELL, BAD, GONE, None])
def test_no_line_of_the_card_is_too_wide(view: AudioView | None, width: int, lang: Lang) -> None:
    lines = render_audio(view, THERE, lang, width, "hw:1,0")
    assert [line for line in lines if display_width(line) > width] == []


def test_the_worst_stands_first_with_its_next_step() -> None:
    lines = render_audio(BAD, THERE, "en", 44)
    assert lines[1].startswith("✗ Bus 0 sounds, but nothing has come")
    assert next(line for line in lines[2:] if "→" in line)


def test_a_wrong_name_is_answered_with_those_that_exist() -> None:
    text = " ".join(" ".join(render_audio(GONE, THERE, "en", 80, "USB C-Media")).split())
    assert "No output is called “USB C-Media”" in text
    assert '"USB PnP Sound Device: Audio", "default"' in text


@pytest.mark.parametrize("configured", ["bcm2835 Headphones", "plughw:CARD=b1,DEV=0"])
def test_a_card_that_is_there_and_cannot_be_opened_is_held_by_somebody(configured: str) -> None:
    text = " ".join(render_audio(GONE, THERE, "en", 80, configured))
    assert "fuser" in text
    assert "No output is called" not in text


@both_languages
@pytest.mark.parametrize("why", [*CARD_LOST, "of_a_later_version"])
def test_why_there_is_no_sound_is_said_in_words(why: str, lang: Lang) -> None:
    view = replace(GONE, why=PlayerLost(why).why, detail="")
    text = "\n".join(render_audio(view, Listed(Devices()), lang, 200))
    if "_" in why:
        assert (why in text.split()) == (why == "of_a_later_version")
    assert text.splitlines()[1].startswith("✗ ")
    assert text.splitlines()[2].startswith("  → ")


def test_a_bar_reaches_to_the_level_and_is_shaded_to_the_peak() -> None:
    assert bar(-3_000, -1_500, 12) == "██████▒▒▒···"
    assert bar(-12_000, -12_000, 4) == "····"
    assert bar(600, 600, 4) == "████"
    assert bar(-1_000, -2_000, 6) == "█████·"  # a peak below the level adds nothing


class Agent:
    """Answers the audio request with these in turn, and a self-test with its outcome."""

    def __init__(self, *views: Answer, tone: ToneView | None = None) -> None:
        self._views = list(views)
        self._tone = tone
        self.asked: list[Request] = []
        self.waited = 0

    def __call__(self, request: Request, signer: Signer | None = None) -> Answer:
        self.asked.append(request)
        if isinstance(request, TestToneRequest):
            return Done("", "test-tone-1")
        if isinstance(request, ToneRequest) and self._tone is not None:
            return self._tone
        return self._views.pop(0) if len(self._views) > 1 else self._views[0]

    def pause(self, _seconds: float) -> None:
        self.waited += 1

    def run(self, *words: str, lang: Lang = "en") -> Shown:
        line = ["audio", *words, "--config", "/no/such/file"]
        typed = completed(build_parser(lang, "1").parse_args(line), {})
        return run_audio(typed, Session(self, lang, 44), lambda: THERE, self.pause)


def test_an_input_that_is_configured_and_not_there_is_told_with_those_that_are(
    tmp_path: Path,
) -> None:
    usb = Device("USB PnP: Audio (hw:1,0)", "USB PnP", 1, 0, 48_000)
    held = Card("Tuner", "FM Tuner", "hw:CARD=Tuner,DEV=0", listed=False)
    listed = Listed(Devices((usb,), (held,)))
    config = tmp_path / "station.toml"
    rows = {"micro": "USB PnP", "fm": "hw:CARD=Tuner,DEV=0", "cd": "C-Media"}
    config.write_text(
        "".join(f'[[input]]\nname = "{name}"\ndevice = "{dev}"\n' for name, dev in rows.items())
    )
    [found] = input_findings(absent_inputs(config, listed), "en")
    assert "cd" in found.text
    assert "C-Media" in found.text
    assert '"USB PnP"' in found.next
    assert not absent_inputs(config, Listed(None, "slow")), "nobody knows"
    assert not absent_inputs(tmp_path / "none.toml", listed)


def test_a_figure_that_is_old_is_asked_for_again_until_it_is_new() -> None:
    old = replace(WELL, seen_ms=views.NOW_MS - 9_000)
    agent = Agent(old, old, WELL)
    assert agent.run().exit_status == 0
    assert agent.asked == [AudioRequest()] * 3
    never = Agent(old)
    never.run()
    assert never.waited == 8


def test_a_fault_is_an_exit_status() -> None:
    assert Agent(BAD).run().exit_status == 1
    assert Agent(GONE).run().exit_status == 1


def test_without_the_agent_the_devices_are_shown_all_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "station.toml"
    config.write_text('[sound]\ndevice = "USB PnP Sound Device"\n')

    def nobody(path: Path, request: Request, timeout_s: float, signer: Signer | None) -> Answer:
        raise FileNotFoundError

    around = Surroundings(
        nobody, lambda _: None, {"NO_COLOR": "1"}, 0, None, on_terminal=False,
        list_devices=lambda: THERE,
    )  # fmt: skip
    assert run_in(around, ["audio", "--lang", "en", "--config", str(config)]) == 3
    shown = capsys.readouterr().out
    assert '"USB PnP Sound Device: Audio"' in shown
    assert "✗" in shown.splitlines()[1]
    assert run_in(around, ["audio", "--json", "--config", str(config)]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["audio"] is None
    assert told["configured"] == "USB PnP Sound Device"
    assert told["devices"]["devices"][0]["outputs"] == 2


def test_a_listing_that_hangs_has_a_bound() -> None:
    assert real_devices(("sleep", "60"), 0.2) == Listed(None, "slow")
    assert real_devices(("false",), 5).devices is None
    assert real_devices(("/no/such/program",), 5).devices is None


# --- self-test --------------------------------------------------------------------------------

ZONE = ToneZone("Đông", "played", None, "unknown", 1_100, -1_800)
OVER = ToneView(9_000, "test-tone-1", "over", 2_500, (ZONE,))


def outcome(returned: ToneReturned | None, audio: AudioView = WELL, lang: Lang = "en") -> Shown:
    return Agent(audio, tone=replace(OVER, returned=returned)).run("selftest", lang=lang)


@both_languages
def test_what_the_return_line_heard_is_told_with_level_distance_and_delay(lang: Lang) -> None:
    shown = outcome(ToneReturned(True, "", 61_000, -2_120, 3_400), lang=lang)
    text = " ".join(shown.lines)
    assert shown.exit_status == 0
    assert all(figure.replace(".", "," if lang == "vi" else ".") in text
               for figure in ("-21.2", "34.0", "61 ms", "-18.0"))  # fmt: skip


def test_played_but_not_heard_is_a_fault_and_stands_first() -> None:
    shown = outcome(ToneReturned(heard=False))
    assert shown.exit_status == 1
    assert shown.lines[0].startswith("✗ It was played, but the return line")
    assert msgspec.to_builtins(shown.answer)["heard"] is False


def test_without_a_return_line_the_loudspeaker_side_is_unknown_and_no_fault() -> None:
    shown = outcome(None, replace(WELL, back=None))
    text = " ".join(shown.lines)
    assert shown.exit_status == 0
    assert "left the mixer at -18.0 dBFS" in text
    assert "? The loudspeaker side: unknown" in text
    assert msgspec.to_builtins(shown.answer)["heard"] is None


def test_a_line_that_cannot_be_listened_to_is_unknown_with_its_reason() -> None:
    shown = outcome(ToneReturned(None, "not_found"))
    assert shown.exit_status == 0
    assert any(line.startswith("? The return line could not be") for line in shown.lines)


def test_what_did_not_leave_the_mixer_is_a_fault() -> None:
    zone = replace(ZONE, outcome="skipped", played_ms=0, level_cdb=None)
    shown = Agent(WELL, tone=replace(OVER, zones=(zone,))).run("selftest")
    assert shown.exit_status == 1
    assert "✗ No sound left the mixer" in shown.lines


def test_a_self_test_asks_for_the_pattern_in_its_zone() -> None:
    agent = Agent(views.ZONES, tone=OVER)
    agent.run("selftest", "--zone", "đông")
    [asked] = [one for one in agent.asked if isinstance(one, TestToneRequest)]
    assert asked.pattern
    assert len(asked.zones) == 1
