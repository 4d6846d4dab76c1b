"""`audio test ADDRESS`, `audio input NAME`: a live source is listened to, and nothing is played.

Owns what may be tried, what the person sees meanwhile, and the verdict. The listening is a process
of the sound child's own code, beside the station: no zone is opened for it, and the agent need not
run. An address is handed over on the child's stdin, not where every process can be read.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from agent.cli.arguments import EXIT_FAULT, EXIT_OK, EXIT_USAGE
from agent.cli.devices import ListDevices
from agent.cli.findings import Finding, any_fault, finding_lines, worst_first
from agent.cli.names import NotFound, find_name
from agent.cli.screens.audio import bar_lines
from agent.cli.session import Session, Shown
from agent.cli.texts import say
from agent.cli.texts_audio import LIVE_FAULT
from agent.cli.wording import FAULT, OK, WATCH, decibels, decimal, length
from agent.contract.addresses import fault_of
from agent.contract.addresses import shown as address_shown
from agent.contract.reasons import AckReason
from agent.core.words import SOUND_KIND
from agent.player.protocol import Source
from agent.player.trial import OPEN_LIMIT_S, Tried

SECONDS_DEFAULT = 10
SPARE_S = 10.0
"""For starting the process and ending it; then it is ended by us."""

CLIPPED_CDB = -10
PREFIXES = ("luong:", "luồng:", "stream:")

Listen = Callable[[Source, float, str], Iterator[Tried]]


class TrialReport(msgspec.Struct, frozen=True, tag="trial", tag_field="answer"):
    """For `--json`. kind None: nothing was heard, `fault` says why."""

    source: str
    kind: str | None
    heard_ms: int
    waited_ms: int | None
    level_cdb: int | None
    peak_cdb: int | None
    fault: str = ""


def try_source(
    typed: argparse.Namespace, session: Session, list_devices: ListDevices, listen: Listen
) -> Shown:
    """The source that was typed, for so many seconds."""
    data = _config(typed.config)
    source = _stream(typed.what, session) if typed.act == "test" else _input(typed, data, session)
    if isinstance(source, Shown):
        return source
    name = address_shown(source.url) if typed.act == "test" else typed.what
    _tell(session, [Finding(OK, say(session.lang, "trial-begun", name=name))])
    heard: list[Tried] = []
    with contextlib.suppress(KeyboardInterrupt):
        for report in listen(source, typed.seconds or SECONDS_DEFAULT, _ca(typed.config, data)):
            heard.append(report)
            _show(report, session)
    findings = worst_first(list(_verdict(heard, source, session, list_devices)))
    lines = [line for one in findings for line in finding_lines(one, session.width)]
    told = _report(name, heard)
    if not (session.prompts is not None and session.chatty) and told.level_cdb is not None:
        lines += bar_lines(told.level_cdb, told.peak_cdb, session.lang, session.width)
    return Shown(lines, told, EXIT_FAULT if any_fault(findings) else EXIT_OK)


# --- what is meant --------------------------------------------------------------------------


def _stream(typed: str, session: Session) -> Source | Shown:
    folded = typed.casefold()
    begin = next((one for one in PREFIXES if folded.startswith(one)), "")
    url = typed[len(begin) :].strip()
    if (fault := fault_of(url)) is not None:
        key = "trial-group" if fault == "not_multicast" else "trial-address"
        return session.wrong(
            key, "trial-address-next", AckReason.MALFORMED, EXIT_USAGE, given=address_shown(url)
        )
    return Source("stream", url)


def _input(typed: argparse.Namespace, data: dict[str, Any], session: Session) -> Source | Shown:
    blocks = [one for one in _list(data.get("input")) if isinstance(one.get("name"), str)]
    names = tuple(str(one["name"]).strip() for one in blocks)
    name = find_name(typed.what, names)
    if isinstance(name, NotFound):
        there = ", ".join(names)
        step = "trial-input-next" if there else "trial-no-input-next"
        return session.wrong(
            "trial-input",
            step,
            AckReason.UNKNOWN_INPUT,
            EXIT_USAGE,
            given=typed.what,
            names=there,
            file=typed.config,
        )
    typed.what = name
    block = blocks[names.index(name)]
    channel = block.get("channel", 0)
    device = str(block.get("device", ""))
    return Source("input", device, channel=channel if isinstance(channel, int) else 0)


def _config(file: Path) -> dict[str, Any]:
    """As it is written, also when parts of it are wrong."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _list(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _ca(file: Path, data: dict[str, Any]) -> str:
    """Whom https streams are believed beside the system's authorities, as the station does."""
    section = data.get("content")
    named = section.get("ca") if isinstance(section, dict) else None
    return str(file.absolute().parent / named) if isinstance(named, str) and named else ""


# --- what is seen ---------------------------------------------------------------------------


def _tell(session: Session, findings: list[Finding]) -> None:
    if session.prompts is not None and session.chatty:
        for one in findings:
            session.prompts.tell(finding_lines(one, session.width))


def _show(report: Tried, session: Session) -> None:
    if session.prompts is None or not session.chatty or report.level_cdb is None:
        return
    what = SOUND_KIND[report.kind or "silent"].text(session.lang)
    lines = bar_lines(report.level_cdb, report.peak_cdb, session.lang, session.width)
    session.prompts.tell([*lines, f"  {what}"] if report.kind != "sound" else lines)


def _report(name: str, heard: list[Tried]) -> TrialReport:
    """The sound that was in it, else what was there instead."""
    last = heard[-1] if heard else Tried(0)
    known = [one for one in heard if one.kind is not None and one.level_cdb is not None]
    sound = [one for one in known if one.kind == "sound"]
    of = sound or known
    kinds = [one.kind for one in known]
    kind = "sound" if sound else max(set(kinds), key=kinds.count) if kinds else None
    return TrialReport(
        name,
        kind,
        last.heard_ms,
        next((one.waited_ms for one in heard if one.waited_ms is not None), None),
        _middle([one.level_cdb for one in of if one.level_cdb is not None]),
        max((one.peak_cdb for one in of if one.peak_cdb is not None), default=None),
        last.fault or "",
    )


def _middle(levels: list[int]) -> int | None:
    return sorted(levels)[len(levels) // 2] if levels else None


def _verdict(
    heard: list[Tried], source: Source, session: Session, list_devices: ListDevices
) -> Iterator[Finding]:
    lang, report = session.lang, _report("", heard)
    if not heard or not (heard[-1].over or heard[-1].heard_ms):
        yield Finding(FAULT, say(lang, "trial-no-answer"), say(lang, "audio-list-next"))
        return
    if report.fault:
        yield _fault(report.fault, source, session, list_devices)
    if report.kind is None:
        return
    secs = length(report.heard_ms)
    if report.kind != "sound":
        what = SOUND_KIND[report.kind].text(lang)
        step = f"trial-{source.kind}-quiet-next"
        yield Finding(WATCH, say(lang, "trial-quiet", what=what, time=secs), say(lang, step), 1)
        return
    waited = decimal((report.waited_ms or 0) / 1_000, lang)
    level = decibels(report.level_cdb or 0, lang)
    text = say(lang, "trial-sound", time=secs, value=level, waited=waited)
    yield Finding(OK, text, rank=2)
    clipped = report.peak_cdb is not None and report.peak_cdb >= CLIPPED_CDB
    if source.kind == "input" and clipped:
        yield Finding(WATCH, say(lang, "trial-clipped"), say(lang, "trial-clipped-next"), 1)


def _fault(code: str, source: Source, session: Session, list_devices: ListDevices) -> Finding:
    lang = session.lang
    known = LIVE_FAULT[source.kind].get(code) or LIVE_FAULT["stream"].get(code)
    text = known.text(lang) if known is not None else code
    step = known.next(lang) if known is not None else ""
    if source.kind == "input" and code == "not_found":
        devices = list_devices().devices
        there = sorted({one.stable for one in devices.devices if one.inputs}) if devices else []
        if there:
            step = say(lang, "trial-device-next", names=", ".join(f'"{one}"' for one in there))
        text = f"{text}: {source.url}"
    return Finding(FAULT, text, step, 0)


# --- the process ----------------------------------------------------------------------------


def real_listen(source: Source, seconds: float, ca: str) -> Iterator[Tried]:
    """Ends with the source, after so many seconds, and with a bound when it hangs."""
    argv = [sys.executable, "-m", "agent.player", "--try", str(seconds)]
    argv += ["--ca", ca] if ca else []
    with (
        tempfile.TemporaryFile() as given,
        subprocess.Popen(
            argv, stdin=_holding(given, source), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process,
    ):
        bound = threading.Timer(seconds + OPEN_LIMIT_S + SPARE_S, process.kill)
        bound.daemon = True
        bound.start()
        try:
            for line in process.stdout or ():
                try:
                    report = msgspec.json.decode(line, type=Tried)
                except msgspec.MsgspecError:
                    continue
                yield report
                if report.over:
                    return
        finally:
            bound.cancel()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1.0)
            process.kill()


def _holding(file: IO[bytes], source: Source) -> IO[bytes]:
    """The source on its first line, to be read from there."""
    file.write(msgspec.json.encode(source) + b"\n")
    file.seek(0)
    return file
