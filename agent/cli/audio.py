"""`audio`: the card, its levels, the devices there are; `audio selftest`: plays and measures;
`audio test`, `audio input`: see `trial`.

Owns how fresh a measurement has to be, how long a self-test is waited for, and its verdict. Whether
it may sound is the agent's: it is a test tone, with the same rights and rules.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from agent.cli.arguments import EXIT_FAULT, EXIT_OK, EXIT_UNREACHABLE, EXIT_USAGE
from agent.cli.client import Unreachable
from agent.cli.devices import ListDevices, Listed
from agent.cli.devices_check import named_in
from agent.cli.findings import Finding, any_fault, finding_lines, worst_first
from agent.cli.people import Decider
from agent.cli.screens.audio import audio_findings, input_findings, render_audio
from agent.cli.session import Session, Shown, where, zone_names
from agent.cli.texts import Lang, say
from agent.cli.tone import Pause, await_outcome, taken_up, tone_finding
from agent.cli.trial import Listen, real_listen, try_source
from agent.cli.wording import FAULT, OK, UNKNOWN, WATCH, decibels, decimal
from agent.contract.reasons import AckReason
from agent.core.requests import (
    AudioRequest,
    AudioView,
    Done,
    TestToneRequest,
    ToneReturned,
    ToneView,
)
from agent.core.words import BACK
from agent.devices_named import Absent, absent
from agent.player.devices import cards
from agent.player.listing import Devices

FRESH_MS = 1_500
LOOK_EVERY_S = 0.25
LOOKS_MAX = 8
"""The station measures once a second: so long a newer figure is waited for."""

MEASURED_S = 2
NOISY_CDB = 1_000


class AudioReport(msgspec.Struct, frozen=True, tag="audio", tag_field="answer"):
    """For `--json`. audio None: the agent cannot be asked. devices None: nobody knows, see why."""

    audio: AudioView | None
    devices: Devices | None
    why: str = ""
    configured: str = ""


class SelfTestReport(msgspec.Struct, frozen=True, tag="selftest", tag_field="answer"):
    """For `--json`. heard None: unknown, nothing hears the loudspeaker side."""

    heard: bool | None
    tone: ToneView
    audio: AudioView | None = None


def run_audio(
    typed: argparse.Namespace,
    session: Session,
    list_devices: ListDevices,
    pause: Pause = time.sleep,
    listen: Listen = real_listen,
) -> Shown:
    wrong = _misplaced(typed, session)
    if wrong is not None:
        return wrong
    if typed.act in ("test", "input"):
        return try_source(typed, session, list_devices, listen)
    if typed.act == "selftest":
        return _self_test(typed, session, pause)
    configured = configured_device(typed.config)
    before: tuple[Finding, ...] = ()
    try:
        answer = session.ask(AudioRequest())
        if not isinstance(answer, AudioView):
            return session.not_shown(answer)
        listed = list_devices()
        view: AudioView | None = _fresh(answer, session, pause)
    except Unreachable as failure:
        view, before, listed = None, (failure.finding,), list_devices()
    before += tuple(input_findings(absent_inputs(typed.config, listed), session.lang))
    findings = [*before, *audio_findings(view, listed, session.lang, configured)]
    lines = render_audio(view, listed, session.lang, session.width, configured, before)
    status = EXIT_UNREACHABLE if view is None else EXIT_FAULT if any_fault(findings) else EXIT_OK
    return Shown(lines, AudioReport(view, listed.devices, listed.why, configured), status)


def _misplaced(typed: argparse.Namespace, session: Session) -> Shown | None:
    """What has no meaning with this act is told, not left out."""

    def wrong(key: str, step: str, **values: object) -> Shown:
        return session.wrong(key, step, AckReason.MALFORMED, EXIT_USAGE, **values)

    tries = typed.act in ("test", "input")
    if tries and not (typed.what or "").strip():
        return wrong("trial-what", "trial-what-next")
    found = [
        *(["--zone"] if typed.zone and typed.act != "selftest" else []),
        *(["--seconds"] if typed.seconds is not None and not tries else []),
        *([typed.what] if typed.what and not tries else []),
    ]
    return wrong("audio-option", "audio-zone-next", option=found[0]) if found else None


def configured_device(config: Path) -> str:
    """As it is written, also when other parts of the file are wrong; "" when it is not."""
    try:
        sound = tomllib.loads(config.read_text(encoding="utf-8")).get("sound", {})
    except (OSError, ValueError):
        return ""
    found = sound.get("device", "") if isinstance(sound, dict) else ""
    return found if isinstance(found, str) else ""


def absent_inputs(config: Path, listed: Listed) -> list[Absent]:
    """As far as the file can be read and it is known what is there."""
    if listed.devices is None:
        return []
    inputs = [one for one in named_in(config) if one.label]
    return list(absent(inputs, listed.devices, cards()))


def _fresh(view: AudioView, session: Session, pause: Pause) -> AudioView:
    """Asked again until the card was measured a moment ago, or patience ends."""
    for _ in range(LOOKS_MAX):
        fresh = view.seen_ms is not None and view.at_ms - view.seen_ms <= FRESH_MS
        if fresh or view.player != "ready":
            break
        pause(LOOK_EVERY_S)
        again = session.ask(AudioRequest())
        if not isinstance(again, AudioView):
            break
        view = again
    return view


# --- self-test --------------------------------------------------------------------------------


def _self_test(typed: argparse.Namespace, session: Session, pause: Pause) -> Shown:
    names = zone_names(typed.zone or [], session)
    if isinstance(names, Shown):
        return names
    answer = Decider(typed, session).ask(TestToneRequest(names, pattern=True))
    if isinstance(answer, Shown):
        return answer
    if not isinstance(answer, Done):
        return session.not_shown(answer)
    said = say(session.lang, "selftest-taken-up", zones=where(names, session.lang))
    begun = taken_up(said, session)
    if session.prompts is not None and session.chatty:
        session.prompts.tell(finding_lines(begun, session.width))
    tone = await_outcome(answer.entry, MEASURED_S, session, pause)
    if not isinstance(tone, ToneView):
        return session.not_shown(tone)
    audio = session.ask(AudioRequest())
    view = audio if isinstance(audio, AudioView) else None
    findings = worst_first(list(self_test_findings(tone, view, session.lang)))
    lines = [line for one in findings for line in finding_lines(one, session.width)]
    heard = tone.returned.heard if tone.returned is not None else None
    status = EXIT_FAULT if any_fault(findings) or tone.state != "over" else EXIT_OK
    return Shown(lines, SelfTestReport(heard, tone, view), status)


def self_test_findings(tone: ToneView, view: AudioView | None, lang: Lang) -> Iterator[Finding]:
    """What left the mixer, what the return line had of it, what the zones' controllers say."""
    if tone.state != "over":
        key = "tone-unknown" if tone.state == "unknown" else "tone-not-over"
        yield Finding(WATCH, say(lang, key), say(lang, "tone-unknown-next"))
        return
    levels = [zone.level_cdb for zone in tone.zones if zone.level_cdb is not None]
    played = any(zone.played_ms for zone in tone.zones)
    if levels and played:
        yield Finding(OK, say(lang, "selftest-left", value=decibels(max(levels), lang)), rank=1)
    elif not played:
        yield Finding(FAULT, say(lang, "selftest-not-left"), say(lang, "see-doctor"), 0)
    yield from (tone_finding(zone, lang) for zone in tone.zones)
    if not played:
        return
    if tone.returned is not None:
        yield from _came_back(tone.returned, lang)
    elif tone.measuring:
        yield Finding(UNKNOWN, say(lang, "selftest-no-answer"), say(lang, "see-doctor"))
    elif view is not None and view.back is not None:
        yield Finding(UNKNOWN, say(lang, "selftest-other-bus"))
    else:
        yield Finding(UNKNOWN, say(lang, "selftest-no-line"), say(lang, "selftest-no-line-next"))


def _came_back(found: ToneReturned, lang: Lang) -> Iterator[Finding]:
    if found.heard is None:
        known = BACK.get(found.fault)
        why = known.text(lang) if known is not None else found.fault or say(lang, "unknown")
        step = known.next(lang) if known is not None else ""
        yield Finding(UNKNOWN, say(lang, "selftest-deaf", why=why), step)
        return
    if not found.heard:
        yield Finding(FAULT, say(lang, "selftest-unheard"), say(lang, "selftest-unheard-next"), 0)
        return
    unknown = say(lang, "unknown")
    snr = unknown if found.snr_cdb is None else decimal(found.snr_cdb / 100, lang)
    level = unknown if found.level_cdb is None else decibels(found.level_cdb, lang)
    delay = unknown if found.delay_us is None else decimal(found.delay_us / 1_000, lang, 0)
    said = say(lang, "selftest-heard", level=level, snr=snr, delay=delay)
    yield Finding(OK, said, rank=0)
    if found.snr_cdb is not None and found.snr_cdb < NOISY_CDB:
        yield Finding(WATCH, say(lang, "selftest-noisy", snr=snr), say(lang, "selftest-noisy-next"))
