"""How exactly, how cheaply and how reliably the sound child plays, measured from a recording.

`python -m simulator.bench.sound [--trials N] [--codecs wav mp3 ...] [--quick]`

Owns the trials and the table. Error is taken by cross-correlation against the programme before
encoding, so codec delay counts. The recorder itself is true to about 0.3 ms on a quiet machine.
Stolen and foreign CPU time is watched and told beside the figures instead of failing.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from agent.player import protocol as p
from simulator.measure import find_start, programme
from simulator.soundcard import PlayerChild, Recorder, SoundCard, encode
from simulator.soundcard.material import CODECS

SINK = "tan-lien"
_TICKS_S = float(os.sysconf("SC_CLK_TCK"))
# Above these the worst cases say more about the machine than about the player.
_STOLEN_LIMIT = 0.01
_FOREIGN_LIMIT = 0.5


@dataclass
class Row:
    """One line of the table; `values` share a unit."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    gate: str = ""

    def text(self) -> str:
        if not self.values:
            return f"{self.name:<44} not measured"
        q = np.percentile(self.values, (50, 95, 99))
        spread = f"{q[0]:8.2f} {q[1]:8.2f} {q[2]:8.2f} {max(self.values):8.2f}"
        return f"{self.name:<44} {len(self.values):4d} {spread} {self.unit:<6} {self.gate}"


class Weather:
    """What else happened on the machine: stolen time, and other processes' work."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._before = self._read()

    def text(self) -> str:
        """Share of stolen and busy CPU time, by core, since construction."""
        lines, disturbed = [], False
        for (name, old), (_, new) in zip(self._before.items(), self._read().items(), strict=True):
            spent = [b - a for a, b in zip(old, new, strict=True)]
            total = max(1, sum(spent))
            stolen, idle = spent[7] / total, (spent[3] + spent[4]) / total
            disturbed |= stolen > _STOLEN_LIMIT or 1 - idle > _FOREIGN_LIMIT
            lines.append(f"{name}: {100 * stolen:.1f} % stolen, {100 * (1 - idle):.0f} % busy")
        verdict = "DISTURBED, worst cases are the machine's" if disturbed else "quiet"
        load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
        return f"machine: {'; '.join(lines)}; load {load}: {verdict}"

    @staticmethod
    def _read() -> dict[str, list[int]]:
        rows = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        cores = [row.split() for row in rows if row.startswith("cpu") and row[3] != " "]
        return {row[0]: [int(value) for value in row[1:9]] for row in cores}


@dataclass
class Bench:
    """A card, its recording and a folder of programmes."""

    card: SoundCard
    recorder: Recorder
    folder: Path
    trials: int
    count: int = 0

    def token(self) -> str:
        self.count += 1
        return f"bench-{self.count}"

    def child(self, *options: str) -> PlayerChild:
        return PlayerChild(self.card.env(), SINK, self.card.sinks[SINK], *options)

    def error_ms(self, sound: np.ndarray[tuple[int], np.dtype[np.float32]], at_ms: int) -> float:
        """How late the programme was heard; NaN when it was not."""
        self.recorder.wait_until_wall_ms(at_ms + len(sound) / 48.0 + 200)
        near = self.recorder.frame_of_wall_ms(at_ms)
        low = max(0, round(near) - 24_000)
        heard = self.recorder.samples(0)[low : low + 48_000 + len(sound)]
        start, score = find_start(heard, sound, near - low, 20_000)
        return self.recorder.wall_ms_of(low + start) - at_ms if score > 0.6 else float("nan")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def cue(bench: Bench, start_ms: int, source: p.Source, *, join: bool = True) -> p.Cue:
    return p.Cue(bench.token(), 0, (p.Part((source,)),), start_ms, 0, join)


def starts(bench: Bench, child: PlayerChild, codecs: Sequence[str]) -> list[Row]:
    """Start error of each codec, planned 1.5 s ahead, half a second of programme each."""
    rows = []
    for number, codec in enumerate(codecs):
        sound = programme(0.5, seed=100 + number)
        path = encode(sound, bench.folder / f"start.{codec}")
        row = Row(f"start error, {codec}", "ms", gate="gate p50 0.5, p99 5")
        for _ in range(bench.trials):
            at_ms = now_ms() + 900
            child.send(cue(bench, at_ms, p.Source("file", str(path))))
            row.values.append(abs(bench.error_ms(sound, at_ms)))
        rows.append(row)
    everything = [value for row in rows for value in row.values]
    return [*rows, Row("start error, all codecs", "ms", everything, "gate p50 0.5, p99 5")]


def joins(bench: Bench, child: PlayerChild) -> Row:
    """Position error of a cue that comes two seconds late."""
    row = Row("late join, position error, mp3", "ms")
    sound = programme(6.0, seed=200)
    path = encode(sound, bench.folder / "join.mp3")
    for _ in range(max(1, bench.trials // 2)):
        at_ms = now_ms() - 2000
        message = cue(bench, at_ms, p.Source("file", str(path)))
        child.send(message)
        row.values.append(abs(bench.error_ms(sound[120_000:144_000], at_ms + 2500)))
        child.send(p.Stop(message.token))
        child.wait(p.Ended, message.token)
    return row


def warnings(bench: Bench, child: PlayerChild) -> list[Row]:
    """Message written to first sound, idle and over a programme: what the recording heard."""
    row = Row("warning: message to first sound, from file", "ms", gate="gate 1000, target 300")
    tone = Row("warning: message to first sound, tone", "ms", gate="gate 1000, target 300")
    sound = programme(0.4, seed=300)
    source = p.Source("file", str(encode(sound, bench.folder / "warning.mp3")))
    for _ in range(bench.trials):
        at_ms = now_ms()
        child.send(cue(bench, at_ms, source, join=False))
        row.values.append(bench.error_ms(sound, at_ms))
        message = cue(bench, now_ms(), p.Source("tone", tone_hz=(700,)), join=False)
        child.send(message)
        tone.values.append(child.wait(p.Started, message.token).at_ms - message.start_at_ms)
        child.send(p.Stop(message.token))
        child.wait(p.Ended, message.token)
    return [row, tone]


def uss_mb(pid: int) -> float:
    """Unique set size: what would be free if the process were gone."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    private = [int(row.split()[1]) for row in rows if row.startswith("Private_")]
    return sum(private) / 1024.0


def cpu_share(pid: int, seconds: float) -> float:
    """CPU time of a process in percent of one core."""

    def spent() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_S

    before, start = spent(), time.monotonic()
    time.sleep(seconds)
    return 100.0 * (spent() - before) / (time.monotonic() - start)


def costs(bench: Bench, child: PlayerChild, seconds: float) -> list[Row]:
    """CPU and memory, idle and playing an MP3."""
    cpu_idle = Row("CPU idle", "% core", gate="gate 1")
    cpu_play = Row("CPU playing MP3", "% core", gate="gate 8, target 6")
    uss_idle, uss_play = Row("USS idle", "MB"), Row("USS playing", "MB", gate="gate 65, target 55")
    path = encode(programme(8 * seconds, seed=400), bench.folder / "long.mp3")
    for _ in range(3):
        cpu_idle.values.append(cpu_share(child.pid, seconds))
        uss_idle.values.append(uss_mb(child.pid))
    message = cue(bench, now_ms() + 300, p.Source("file", str(path)))
    child.send(message)
    child.wait(p.Started, message.token)
    for _ in range(3):
        cpu_play.values.append(cpu_share(child.pid, seconds))
        uss_play.values.append(uss_mb(child.pid))
    child.send(p.Stop(message.token))
    child.wait(p.Ended, message.token)
    return [cpu_idle, cpu_play, uss_idle, uss_play]


def deaths(bench: Bench) -> list[Row]:
    """Start of the process to `Ready`; kill to the sound being back at its position."""
    ready = Row("process start to Ready", "ms", gate="gate 1000")
    back = Row("sound back after the child is killed", "ms", gate="gate 3000, target 1000")
    sound = programme(10.0, seed=500)
    path = encode(sound, bench.folder / "killed.mp3")
    for _ in range(max(1, bench.trials // 4)):
        at_ms = now_ms() + 800
        with bench.child() as first:
            first.wait(p.Ready)
            ready.values.append(1000 * (first.reports[0][0] - first.started_s))
            first.send(cue(bench, at_ms, p.Source("file", str(path))))
            first.wait(p.Progress)
            killed_ms = now_ms()
            first.kill()
        with bench.child() as second:
            second.send(cue(bench, at_ms, p.Source("file", str(path))))
            back.values.append(second.wait(p.Started).at_ms - killed_ms)
    return [ready, back]


def callback(bench: Bench) -> Row:
    """Duration of the real callback while two voices play, measured inside one process."""
    from agent.player.mixer import Mixer
    from agent.player.output import PortAudioOutput
    from agent.player.ring import Tone
    from agent.player.slots import Slot
    from agent.player.voice import Voice

    os.environ.update(bench.card.env())
    mixer = Mixer(2)
    for bus in range(2):
        voice = Voice(f"tone-{bus}", bus, time.monotonic_ns())
        voice.slots.append(Slot(0, 0, Tone((500, 700), 300), 0, at=0))
        mixer.add(voice)
    output = PortAudioOutput(SINK, 2)
    output.callback_ns = []
    output.open(lambda n, at_ns, dry: mixer.render(n, at_ns, underrun=dry).tobytes())
    time.sleep(5)
    durations_ms = [ns / 1e6 for ns in output.callback_ns[5:]]
    output.close()
    return Row("callback, two tones", "ms", durations_ms, "target p99 2")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator.bench.sound", description=__doc__)
    parser.add_argument("--trials", type=int, default=12, help="trials of each figure")
    parser.add_argument("--codecs", nargs="+", default=list(CODECS), choices=CODECS)
    parser.add_argument("--quick", action="store_true", help="three trials, short windows")
    return parser.parse_args()


def main() -> int:
    """Measure everything and print the table."""
    arguments = _arguments()
    trials = 3 if arguments.quick else arguments.trials
    weather = Weather()
    print(f"{'figure':<44} {'n':>4} {'p50':>8} {'p95':>8} {'p99':>8} {'max':>8}")
    with (
        SoundCard(sinks={SINK: 2}) as card,
        card.record(SINK) as recorder,
        tempfile.TemporaryDirectory() as folder,
    ):
        bench = Bench(card, recorder, Path(folder), trials)

        def show(rows: Sequence[Row]) -> None:
            for row in rows:
                print(row.text(), flush=True)

        with bench.child() as child:
            child.wait(p.Ready)
            steps: list[Callable[[], Sequence[Row]]] = [
                lambda: costs(bench, child, 2.0 if arguments.quick else 6.0),
                lambda: starts(bench, child, arguments.codecs),
                lambda: [joins(bench, child)],
                lambda: warnings(bench, child),
            ]
            for step in steps:
                show(step())
            last = child.all(p.Pulse)[-1]
            print(f"underruns reported by the card: {last.underruns}")
            spread = (last.callback_p50_us, last.callback_p99_us, last.callback_max_us)
            print(f"callback of this child lately, us: p50 {spread[0]}, p99 {spread[1]}", end="")
            print(f", max {spread[2]}; its card is {last.drift_ppm} ppm slow")
        show(deaths(bench))
        show([callback(bench)])
    print(weather.text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
