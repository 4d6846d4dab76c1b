"""How long a relay holds: a real Icecast server, our decoder and mixer, a card that is off.

`python -m simulator.bench.relay --minutes 120 --ppm 100 --out out/relay` runs in real time, writes
a line a second, then `relay.csv` and a picture of the ring's level, and says what was lost. The
card is modelled, because no virtual one is off; everything before it is the real thing.
"""

from __future__ import annotations

import argparse
import csv
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.player import protocol as p
from agent.player.clockmap import WallMap
from agent.player.decode import Job, VlcDecoders
from agent.player.director import Director
from agent.player.mixer import Mixer
from simulator.relay import Icecast
from simulator.soundcard.modelled import ModelledOutput

TONE_HZ = 440
_HOLE_FRAMES = 48
"""A millisecond below `_HOLE_LEVEL` is a hole in a tone."""
_HOLE_LEVEL = 0.003
SETTLE_S = 15.0


class EndlessCard(ModelledOutput):
    """A modelled card that listens instead of keeping: hours of sound do not fit into memory."""

    def __init__(self, ppm: float) -> None:
        super().__init__(1, 1024, ppm=ppm)
        self.listening = False
        self.holes_ms = 0
        self._asked = 0

    @property
    def frames(self) -> int:
        """How many frames were asked for so far."""
        return self._asked * self.frames_per_buffer

    def _ask(self, now_ns: int) -> None:
        super()._ask(now_ns)
        self._asked += 1
        self._listen(np.frombuffer(self._blocks.pop(), np.int16))

    def _listen(self, block: NDArray[np.int16]) -> None:
        if self.listening:
            whole = np.abs(block[: len(block) // _HOLE_FRAMES * _HOLE_FRAMES].astype(np.float32))
            loudest = whole.reshape(-1, _HOLE_FRAMES).max(axis=1)
            self.holes_ms += int(np.sum(loudest < _HOLE_LEVEL * 32_768))


class Watched(VlcDecoders):
    """Keeps the job it opened last, to look at its ring."""

    job: Job | None = None

    def open(self, source: p.Source, from_frames: int, now_ns: int, *, chasing: bool) -> Job:
        """As `VlcDecoders`."""
        self.job = super().open(source, from_frames, now_ns, chasing=chasing)
        return self.job

    def store_ms(self) -> float | None:
        """How much sound is waiting to be played."""
        if self.job is None or not self.job.sounding:
            return None
        reader = self.job.reader
        kept = p.RATE_HZ  # a second of what was played stays in the ring
        return max(0, reader.lead(reader.first()) - kept) / 48.0


@dataclass
class Soak:
    """What was seen, once a second: (seconds, store in ms, holes so far, underruns so far)."""

    rows: list[tuple[float, float, int, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def told(self) -> str:
        """One paragraph for people."""
        store = np.array([row[1] for row in self.rows])
        late = store[len(store) // 4 :]
        _, _, holes, underruns = self.rows[-1]
        return (
            f"{self.rows[-1][0] / 60:.1f} min: {holes} ms of holes, {underruns} droughts, "
            f"faults: {', '.join(self.faults) or 'none'}; store {late.mean():.0f} ms "
            f"(p1 {np.percentile(late, 1):.0f}, p99 {np.percentile(late, 99):.0f}, "
            f"trend {trend(late):+.1f} ms an hour)"
        )


def trend(store_ms: NDArray[np.float64]) -> float:
    """Milliseconds an hour, by least squares over one value a second."""
    if len(store_ms) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(store_ms)) / 3_600.0, store_ms, 1)[0])


def soak(minutes: float, ppm: float, *, mount: str = "dai.mp3", kbps: int = 64) -> Soak:
    """Run for so long; progress on stderr."""
    studio = ["-f", "lavfi", "-i", f"sine=frequency={TONE_HZ}:sample_rate=44100"]
    with Icecast() as server, server.send(mount, studio, kbps=kbps):
        time.sleep(2.0)
        return _relay(server.url(mount), minutes * 60.0, ppm)


def _relay(url: str, seconds: float, ppm: float) -> Soak:
    wall_minus_mono_us = (time.time_ns() - time.monotonic_ns()) // 1_000
    card, mixer, decoders = EndlessCard(ppm), Mixer(1), Watched()
    director = Director(mixer, decoders, WallMap(wall_minus_mono_us))
    decoders.warm()

    def render(frames: int, dac_ns: int, underrun: bool) -> bytes:
        drift = card.drift if card.steady else 0.0
        return mixer.render(frames, dac_ns, underrun=underrun, drift=drift).tobytes()

    card.open(render)
    try:
        return _watch(card, mixer, decoders, director, url, seconds)
    finally:
        director.stop_all(20)
        time.sleep(0.3)
        card.close()


def _watch(
    card: EndlessCard,
    mixer: Mixer,
    decoders: Watched,
    director: Director,
    url: str,
    seconds: float,
) -> Soak:
    seen = Soak()
    mixer.latency_ns = card.latency_ms * 1_000_000
    start_ms = time.time_ns() // 1_000_000 + 500
    part = p.Part((p.Source("stream", url),))
    director.take(p.Cue("relay", 0, (part,), start_ms, 0), time.monotonic_ns())
    began, due = time.monotonic(), time.monotonic() + 1.0
    underruns = 0
    while time.monotonic() - began < seconds + SETTLE_S:
        threading.Event().wait(0.05)
        for report in director.tick(time.monotonic_ns()):
            if isinstance(report, p.SourceFailed):
                seen.faults.append(report.fault)
            elif isinstance(report, p.Progress):
                underruns = report.underruns
        store = decoders.store_ms()
        passed = time.monotonic() - began - SETTLE_S
        if time.monotonic() < due or store is None:
            continue
        due += 1.0
        card.listening = passed > 0
        if passed > 0:
            seen.rows.append((passed, store, card.holes_ms, underruns))
            if len(seen.rows) % 60 == 0:
                print(f"  {seen.told()}", file=sys.stderr, flush=True)
    return seen


def drawing(soaked: Soak, title: str) -> str:
    """The store over time, as SVG; each column of the picture from its least to its most."""
    wide, high, left, top = 900, 260, 60, 40
    rows = soaked.rows
    most = 1.15 * max(row[1] for row in rows)
    last = rows[-1][0]
    columns: dict[int, list[float]] = {}
    for at, store, _, _ in rows:
        columns.setdefault(int(at / last * (wide - 1)), []).append(store)

    def y(store: float) -> float:
        return top + high * (1.0 - store / most)

    bars = "".join(
        f'<line x1="{left + x}" x2="{left + x}" y1="{y(max(found)) - 0.5:.1f}" '
        f'y2="{y(min(found)) + 0.5:.1f}"/>'
        for x, found in sorted(columns.items())
    )
    step = 500
    grid = "".join(
        f'<line x1="{left}" x2="{left + wide}" y1="{y(level):.1f}" y2="{y(level):.1f}"/>'
        f'<text x="{left - 6}" y="{y(level) + 4:.1f}" text-anchor="end">{level}</text>'
        for level in range(0, int(most), step)
    )
    minutes = "".join(
        f'<text x="{left + wide * part / 4:.0f}" y="{top + high + 18}" text-anchor="middle">'
        f"{last * part / 4 / 60:.0f} min</text>"
        for part in range(5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + wide + 20} '
        f'{top + high + 30}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{left}" y="20" '
        f'font-size="14">{title}</text><g stroke="#ddd" fill="#666">{grid}</g>'
        f'<g stroke="#1565c0">{bars}</g><g fill="#666">{minutes}</g></svg>\n'
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run and write; status 1 when sound was lost."""
    parser = argparse.ArgumentParser(prog="python -m simulator.bench.relay")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--ppm", type=float, default=100.0, help="how fast the card's clock is")
    parser.add_argument("--mount", default="dai.mp3", help="its ending says the format")
    parser.add_argument("--kbps", type=int, default=64)
    parser.add_argument("--out", type=Path, default=Path("out/relay"))
    arguments = parser.parse_args(argv)
    soaked = soak(arguments.minutes, arguments.ppm, mount=arguments.mount, kbps=arguments.kbps)
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "relay.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("seconds", "store_ms", "holes_ms", "droughts"))
        writer.writerows((f"{at:.1f}", f"{store:.1f}", h, u) for at, store, h, u in soaked.rows)
    title = f"Sound in store, ms: relay of {arguments.mount}, card {arguments.ppm:+g} ppm"
    (arguments.out / "relay.svg").write_text(drawing(soaked, title), "utf-8")
    print(soaked.told())
    return 1 if soaked.rows[-1][2] or soaked.faults else 0


if __name__ == "__main__":
    sys.exit(main())
