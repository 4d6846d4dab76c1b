"""`station-sim bench [--quick] [--only PART …] [--out FOLDER]`: one table of what is promised.

Runs the parts in order, shows progress on stderr, the table on stdout, and leaves the same figures
in `bench.json`. Exit code 1 when a gate is missed on a machine that was quiet, or a part failed;
on a disturbed machine a missed gate is told and excused.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from simulator.bench.table import Figure, Gate, Machine, Mood, as_json, rendered

OUT = Path("out/bench")
SOUND_GATES = {
    "start error, all codecs": (Gate(0.5, "p50"), Gate(5.0, "p99")),
    "warning: message to first sound, from file": (Gate(1_000),),
    "warning: message to first sound, tone": (Gate(1_000),),
    "sound back after the child is killed": (Gate(3_000),),
    "process start to Ready": (Gate(1_000),),
}
"""What else the sound child shows is gated with the whole daemon, or not at all."""

SOUND_CODECS = ("wav", "mp3", "m4a")

Say = Callable[[str], None]
Part = Callable[[Path, bool, Say], Sequence[Figure]]


def _planner(_out: Path, quick: bool, say: Say) -> Sequence[Figure]:
    from simulator.bench.pure import planner

    return planner(quick, say)


def _world(_out: Path, quick: bool, say: Say) -> Sequence[Figure]:
    from simulator.bench.pure import world

    return world(quick, say)


def _sound(_out: Path, quick: bool, say: Say) -> Sequence[Figure]:
    """The sound child alone."""
    from agent.player import protocol as p
    from simulator.bench import sound
    from simulator.soundcard import SoundCard

    rows: list[sound.Row] = []
    with (
        SoundCard(sinks={sound.SINK: 2}) as card,
        card.record(sound.SINK) as recorder,
        tempfile.TemporaryDirectory() as folder,
    ):
        bench = sound.Bench(card, recorder, Path(folder), 2 if quick else 8)
        with bench.child() as child:
            child.wait(p.Ready)
            say("sound child: starts")
            rows += sound.starts(bench, child, SOUND_CODECS)
            say("sound child: late joins")
            rows.append(sound.joins(bench, child))
            say("sound child: warnings")
            rows += sound.warnings(bench, child)
        say("sound child: killed")
        rows += sound.deaths(bench)
        say("sound child: the callback")
        rows.append(sound.callback(bench))
    return [
        Figure("sound child", row.name, row.unit, tuple(row.values), SOUND_GATES.get(row.name, ()))
        for row in rows
    ]


def _daemon(out: Path, quick: bool, say: Say) -> Sequence[Figure]:
    from simulator.bench.daemon import measure

    stage = out / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    return measure(stage, quick, say)


def _report(out: Path, quick: bool, say: Say) -> Sequence[Figure]:
    from simulator.bench.report import measure

    return measure(out, quick, say)


PARTS: dict[str, Part] = {
    "planner": _planner,
    "world": _world,
    "report": _report,
    "sound": _sound,
    "daemon": _daemon,
}


def main(argv: Sequence[str] | None = None, parts: Mapping[str, Part] = PARTS) -> int:
    asked = _arguments(argv)
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began_s:6.1f} s  {what}", file=sys.stderr, flush=True)

    machine = Machine()
    figures: list[Figure] = []
    moods: dict[str, Mood] = {}
    failed: dict[str, str] = {}
    for name in asked.only or parts:
        watch = Machine()
        try:
            figures += parts[name](out, asked.quick, say)
        except Exception as error:  # noqa: BLE001 - one part that fails must not hide the others
            failed[name] = f"{type(error).__name__}: {error}"
            say(f"{name} FAILED: {failed[name]}")
        moods[name] = watch.mood()
    mood = machine.mood()
    print(rendered(figures))
    print()
    for name, reason in failed.items():
        print(f"{name}: NOT MEASURED, {reason}")
    for name, one in moods.items():
        print(f"machine during {name}: {one}")
    print(f"machine: {mood}")
    missed = [one for one in figures if one.verdict == "NOT MET"]
    print(_summary(figures, missed))
    (out / "bench.json").write_bytes(_json(figures, moods, mood, failed))
    return int(bool(failed) or any(not moods[_part(one)].disturbed for one in missed))


def _summary(figures: Sequence[Figure], missed: Sequence[Figure]) -> str:
    gated = sum(one.verdict in ("met", "NOT MET") for one in figures)
    names = "".join(f"\n  NOT MET: {one.part}: {one.name}" for one in missed)
    return f"{gated - len(missed)} of {gated} gates met{names}"


def _part(figure: Figure) -> str:
    return "sound" if figure.part == "sound child" else figure.part


def _json(
    figures: Sequence[Figure], moods: dict[str, Mood], mood: Mood, failed: dict[str, str]
) -> bytes:
    document = {
        "v": 1,
        "at_ms": time.time_ns() // 1_000_000,
        "machine": f"{platform.machine()}, {mood.cores} cores, {platform.platform()}",
        "python": platform.python_version(),
        "quiet": not mood.disturbed,
        "mood": mood,
        "moods": moods,
        "failed": failed,
        "figures": [as_json(one) for one in figures],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="station-sim bench",
        description="Measure what is promised, on this machine; eight to ten minutes.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer trials, under two minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to write (default: {OUT})")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
