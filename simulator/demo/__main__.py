"""`station-sim demo --out out/demo [--sabotage NAME] [--lang vi|en]`: play the story, judge it.

Exit status 0: every step happened. 1: one did not; its line says which and why. 2: the stage
could not be built, or the folder is not to be had.
"""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from simulator.bench.table import Machine
from simulator.demo.folder import FolderRefused, claimed
from simulator.demo.programmes import ProgrammeError, make
from simulator.demo.sabotage import SABOTAGES, spoil
from simulator.demo.screen import Screen
from simulator.demo.script import END, REPORT, REPORTS_LIMIT_S, TZ, specs
from simulator.demo.stage import Stage, StationOnStage, now_ms
from simulator.demo.story import Story
from simulator.soundcard.card import SoundCardError
from simulator.source_system.problems import SourceSystemError

ON_STAGE = frozenset({"double-play", "wrong-zone"})
"""Sabotages put into the running district; the others spoil what was recorded.

A zone muted by hand on stage would be no sabotage: the agent sees it and opens it again.
"""

DRAW_EVERY_S = 0.25
REPORT_LIMIT_S = 60


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    out: Path = options.out.absolute()
    try:
        with claimed(out):
            return _demo(out, options)
    except FolderRefused as refused:
        print(f"✗ {refused.words.text(options.lang)}", file=sys.stderr)
        return 2


def _demo(out: Path, options: argparse.Namespace) -> int:
    screen = Screen(options.lang)
    screen.say('English: make demo ARGS="--lang en"', "Tiếng Việt: --lang vi")
    machine = Machine()
    try:
        _play(out, options.sabotage, screen)
    except KeyboardInterrupt:
        print("\ninterrupted; everything that was started has ended", file=sys.stderr)
        return 130
    except (ProgrammeError, SoundCardError, SourceSystemError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    if options.sabotage in SABOTAGES and options.sabotage not in ON_STAGE:
        spoil(out, options.sabotage)
    verdict = _judge(out, options.lang)
    mood = machine.mood()
    if mood.disturbed:
        print(f"! {mood}")
    return verdict


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="station-sim demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/demo"))
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES))
    parser.add_argument("--lang", choices=("vi", "en"), default="vi")
    return parser.parse_args(arguments)


def _play(out: Path, sabotage: str | None, screen: Screen) -> None:
    encoded = make(out / "programmes")
    screen.say("Chương trình đã thu: MP3, M4A, FLAC", "Programmes made: MP3, M4A, FLAC")
    with Stage(out, specs(sabotage), screen.say) as stage:
        story = Story(stage, encoded, sabotage)
        story.prepare(screen.say)
        end_ms = story.told.at(END)
        for second, vi, en, act in story.chapters():
            _wait_until(story.told.at(second), stage, screen, end_ms)
            screen.say(vi, en)
            act()
        _wait_until(end_ms, stage, screen, end_ms)
        screen.say("Chờ các bản ghi cuối", "Waiting for the last records")
        _wait_for_reports(stage, screen)
        with ThreadPoolExecutor() as pool:
            list(pool.map(_keep_sound, stage.stations.values()))
        story.write(out)
        screen.say("Lập báo cáo của huyện", "The district's report")
        report = _report(out, story.told.started_ms)
    try:
        code: int | str = report.wait(REPORT_LIMIT_S)
    except subprocess.TimeoutExpired:
        report.kill()
        code = f"> {REPORT_LIMIT_S} s"
    if code != 0:
        print(f"! districtctl report: {code}, {out / REPORT / 'districtctl.log'}", file=sys.stderr)


def _keep_sound(station: StationOnStage) -> None:
    station.recorder.stop()
    station.recorder.save(station.folder / "sound.wav")


def _report(out: Path, from_ms: int) -> subprocess.Popen[bytes]:
    """The engineer's own command over the collector's database; the day, or both around midnight.

    It runs while the stage is taken down; all records that count have arrived.
    """
    days = [
        dt.datetime.fromtimestamp(at_ms / 1_000, TZ).date().isoformat()
        for at_ms in (from_ms, now_ms())
    ]
    folder = out / REPORT
    folder.mkdir()
    window = ["--from", days[0], "--to", days[1], "--out", str(folder)]
    with (folder / "districtctl.log").open("wb") as log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "simulator.source_system.districtctl",
                *("--home", str(out / "district")),
                *("report", *window),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait_until(at_ms: int, stage: Stage, screen: Screen, end_ms: int) -> None:
    while (left_ms := at_ms - now_ms()) > 0:
        screen.draw(stage, max(0.0, (end_ms - now_ms()) / 1_000))
        time.sleep(min(DRAW_EVERY_S, left_ms / 1_000))


def _wait_for_reports(stage: Stage, screen: Screen) -> None:
    """Until no as-run record has come for a while, within a bound."""
    limit_ms = now_ms() + REPORTS_LIMIT_S * 1_000
    quiet_s, count = 0.0, -1
    while now_ms() < limit_ms and quiet_s < 3.0:
        screen.draw(stage, 0.0)
        time.sleep(DRAW_EVERY_S)
        events = sum(_is_as_run(payload) for _, _, payload in list(stage.observer.seen))
        quiet_s = quiet_s + DRAW_EVERY_S if events == count else 0.0
        count = events


def _is_as_run(payload: object) -> bool:
    body = payload.get("body") if isinstance(payload, dict) else None
    return isinstance(body, dict) and body.get("kind") == "asrun"


def _judge(out: Path, lang: str) -> int:
    """Summary and page are made by programs of their own that know nothing of the agent."""
    verdict = subprocess.run(
        [sys.executable, "-m", "simulator.demo.summary", str(out), "--lang", lang], check=False
    ).returncode
    subprocess.run([sys.executable, "-m", "simulator.demo.report_page", str(out)], check=False)
    passed = verdict == 0
    if lang == "vi":
        print(f"{'ĐẠT' if passed else 'KHÔNG ĐẠT'}: {out}/report.html, summary.json")
        print(f"Báo cáo của huyện: {out / REPORT}/report.xlsx, report.html, report.docx, csv/")
    else:
        print(f"{'PASSED' if passed else 'FAILED'}: {out}/report.html, summary.json")
        print(f"The district's report: {out / REPORT}/report.xlsx, report.html, report.docx, csv/")
    return verdict


if __name__ == "__main__":
    raise SystemExit(main())
