"""`make bench-sound`: our sound beside that of other players, measured in one run.

Three parts: starts (all players in turns), steps (three pairs at the same time), costs (one player
after the other). A player that is not there, or does not start, is named and left out. Nothing is
judged here: on a busy machine all of them are late, and the output says that it was busy.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from simulator.bench.peers import costs, starts, station, steps, told
from simulator.bench.peers.costs import Cost
from simulator.bench.peers.players import (
    NICENESS,
    CvlcProcess,
    MpvProcess,
    Ours,
    Place,
    PlainVlc,
    Player,
)
from simulator.bench.peers.servers import (
    Liquidsoap,
    Mopidy,
    MpdByClient,
    MpdPaused,
    SnapClient,
    SnapServer,
)
from simulator.bench.table import Machine, Mood
from simulator.measure import programme
from simulator.soundcard import Recorder, SoundCard, encode
from simulator.soundcard.tied import preferred

OUT = Path("out/bench-sound")
README, PAGE, PICTURE = Path("README.md"), Path("docs/bench-sound.md"), Path("docs/bench-sound.svg")
STARTERS: tuple[type[Player], ...] = (
    Ours,
    MpdPaused,
    MpdByClient,
    PlainVlc,
    Mopidy,
    Liquidsoap,
    CvlcProcess,
    MpvProcess,
)
COSTLY: tuple[type[Player], ...] = (MpdPaused, Mopidy, Liquidsoap)
STEP_REST_S = 25.0
"""A station's card has been open for months. PulseAudio's figure of a stream that was just opened
wanders for some twenty seconds, by more than what is measured here."""

STEP_LEAD_MS = 1_500
STEP_FROM_MS = 3_000
"""The first seconds of a pair are not counted: Snapcast buffers one, and all of them settle."""

FLOOR = "floor"
SIDES = ("a", "b")
AFTER_LAST_S = 3.0

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass
class Run:
    """What was found so far; every part adds to it and none is needed by another."""

    folder: Path
    say: Say
    starts: dict[str, tuple[float, ...]] = field(default_factory=dict)
    steps: dict[str, tuple[float, ...]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    moods: dict[str, Mood] = field(default_factory=dict)
    dry: dict[str, int] = field(default_factory=dict)
    """How often cards of our sound children ran dry, by part; such cards only do so when robbed."""

    troubles: list[str] = field(default_factory=list)

    def note_dry(self, part: str, players: Iterable[Player]) -> None:
        self.dry[part] = sum(one.underruns() for one in players if isinstance(one, Ours))

    def trouble(self, what: str) -> None:
        self.troubles.append(what)
        self.say(what)

    def present(self, kind: type[Player]) -> bool:
        """Whether it can be measured; if not, that is told once."""
        missing = kind.missing()
        said = f"{kind.name}: left out, {missing} is not here"
        if missing and said not in self.troubles:
            self.trouble(said)
        if not missing and kind.name not in self.versions:
            self.versions[kind.name] = kind.version()
        return not missing

    def opened(self, player: Player, exits: contextlib.ExitStack) -> bool:
        exits.callback(player.close)
        try:
            player.open()
        except Exception as error:  # noqa: BLE001 - a peer that fails must not hide the others
            self.trouble(f"{player.name}: not measured, {type(error).__name__}: {error}")
            return False
        return True

    def place(self, card: SoundCard, sink: str) -> Place:
        folder = Path(tempfile.mkdtemp(prefix=f"{sink}-", dir=self.folder))
        return Place(card, sink, folder)


# --- the parts ---------------------------------------------------------------------------------


def measure_starts(run: Run, rounds: int, ours: station.Station | None) -> None:
    """All players that are here, in turns; our station has its own timetable meanwhile."""
    kinds = [one for one in STARTERS if run.present(one)]
    sinks = {kind.name: f"card-{place}" for place, kind in enumerate(kinds)}
    with contextlib.ExitStack() as exits:
        card = exits.enter_context(SoundCard(dict.fromkeys(sinks.values(), 1)))
        recorders = {name: card.record(sink) for name, sink in sinks.items()}
        _record(recorders.values(), exits)
        players = []
        for kind in kinds:
            run.say(f"starting {kind.name} {run.versions[kind.name]}".rstrip())
            player = kind(run.place(card, sinks[kind.name]))
            if run.opened(player, exits):
                players.append(player)
        own: list[starts.Trial] = []
        if ours is not None:
            push = partial(ours.push_starts, rounds, rounds * len(players))
            own = _tried(run, station.NAME, push) or []
        trials, troubles = starts.run(players, rounds, run.folder, run.say)
        for one in sorted(set(troubles)):
            run.trouble(one)
        if own:
            time.sleep(max(0.0, own[-1].at_ms / 1_000 + AFTER_LAST_S - time.time()))
        run.note_dry("starts", players)
        exits.close()
    for player in players:
        found = [one for one in trials if one.player == player.name]
        run.starts[player.name] = _lateness(found, recorders[player.name])
    if ours is not None and own:
        run.starts[station.NAME] = _lateness(own, ours.recorder)


def _lateness(trials: Sequence[starts.Trial], recorder: Recorder) -> tuple[float, ...]:
    return tuple(starts.lateness_ms(one, recorder) for one in trials)


def measure_steps(run: Run, seconds: float) -> None:
    """Three pairs at the same time; the first card of ours is recorded twice, for the floor."""
    short = {Ours.name: "ours", SnapClient.name: "snap", PlainVlc.name: "vlc"}
    path = encode(programme(seconds + 12, seed=31), run.folder / "step.mp3")
    with contextlib.ExitStack() as exits:
        card = exits.enter_context(
            SoundCard({f"{name}-{side}": 1 for name in short.values() for side in SIDES})
        )
        recorders = {sink: card.record(sink) for sink in card.sinks}
        recorders[FLOOR] = card.record("ours-a")
        _record(recorders.values(), exits)
        pairs = {
            name: pair
            for name, pair in _pairs(run, card).items()
            if all(run.opened(one, exits) for one in pair)
        }
        players = [one for pair in pairs.values() for one in pair]
        run.say(f"steps: the cards have been open for {STEP_REST_S:.0f} s when it begins")
        time.sleep(STEP_REST_S)
        run.say(f"steps: {len(pairs)} pairs for {seconds:.0f} s")
        at_ms = time.time_ns() // 1_000_000 + STEP_LEAD_MS
        for one in players:
            one.arm(path, at_ms)
        from_ms = at_ms + STEP_FROM_MS
        time.sleep(max(0.0, from_ms / 1_000 + seconds + 1 - time.time()))
        run.note_dry("steps", players)
        exits.close()
    run.say("steps: comparing the recordings")
    recorded = {name: (f"{short[name]}-a", f"{short[name]}-b") for name in pairs}
    recorded[FLOOR] = ("ours-a", FLOOR)
    for name, (first, second) in recorded.items():
        found = steps.steps(recorders[first], recorders[second], from_ms, from_ms + 1_000 * seconds)
        run.steps[name] = tuple(one.late_ms for one in found)


def _pairs(run: Run, card: SoundCard) -> dict[str, list[Player]]:
    """Not opened yet; a server stands before its clients."""
    pairs: dict[str, list[Player]] = {}
    if run.present(Ours):
        pairs[Ours.name] = [Ours(run.place(card, f"ours-{side}")) for side in SIDES]
    if run.present(SnapClient):
        server = SnapServer(run.place(card, "snap-a"))
        clients = [SnapClient(run.place(card, f"snap-{side}"), server) for side in SIDES]
        pairs[SnapClient.name] = [server, *clients]
    if run.present(PlainVlc):
        pairs[PlainVlc.name] = [PlainVlc(run.place(card, f"vlc-{side}")) for side in SIDES]
    return pairs


def measure_costs(run: Run, seconds: float, ours: station.Station | None) -> None:
    """Our station at rest, one peer while it fetches, our station at work, the other peers."""
    path = encode(programme(seconds + 60, seed=32), run.folder / "cost.mp3", channels=2)
    idle: costs.Usage | None = None
    begins_ms = 0.0
    if ours is not None:
        run.say("cost: a station at rest")
        idle = ours.usage(seconds)
        begins_ms = ours.push_long(3 * seconds + 40)
    with SoundCard({"cost": 1}) as card:
        kinds = [one for one in COSTLY if run.present(one)]
        for kind in kinds[:1]:
            _tried(run, kind.name, partial(_cost_of, run, card, kind, path, seconds))
        if ours is not None and idle is not None:
            station.wait_for(begins_ms)
            run.say("cost: a station that plays")
            run.costs[station.NAME] = Cost(idle, ours.usage(seconds))
        for kind in kinds[1:]:
            _tried(run, kind.name, partial(_cost_of, run, card, kind, path, seconds))
        if run.present(SnapClient):
            _tried(run, SnapClient.name, partial(_cost_of_snapcast, run, card, path, seconds))


def _cost_of(run: Run, card: SoundCard, kind: type[Player], path: Path, seconds: float) -> None:
    run.say(f"cost: {kind.name}")
    with contextlib.ExitStack() as exits:
        player = kind(run.place(card, "cost"))
        if run.opened(player, exits):
            recorder = exits.enter_context(card.record("cost"))
            (run.costs[kind.name],) = costs.of([player], path, seconds, recorder)


def _cost_of_snapcast(run: Run, card: SoundCard, path: Path, seconds: float) -> None:
    run.say("cost: Snapcast")
    with contextlib.ExitStack() as exits:
        server = SnapServer(run.place(card, "cost"))
        client = SnapClient(run.place(card, "cost"), server)
        if run.opened(server, exits) and run.opened(client, exits):
            recorder = exits.enter_context(card.record("cost"))
            found = costs.of([server, client], path, seconds, recorder)
            run.versions[SnapServer.name] = SnapServer.version()
            run.costs[SnapServer.name], run.costs[SnapClient.name] = found


def _tried(run: Run, name: str, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - one player that fails must not hide the others
        run.trouble(f"{name}: {type(error).__name__}: {error}")
        return None


def _record(recorders: Iterable[Recorder], exits: contextlib.ExitStack) -> None:
    """All at once: a virtual card takes two seconds to give its first block."""
    these = list(recorders)
    for one in these:
        exits.callback(one.stop)
    with ThreadPoolExecutor(len(these)) as pool:
        list(pool.map(Recorder.start, these))


# --- the command -------------------------------------------------------------------------------


def rows(run: Run) -> tuple[told.Row, ...]:
    """Ours first, then as listed; what was not measured at all has no row."""
    kinds: tuple[type[Player], ...] = (*STARTERS, SnapClient, SnapServer)
    hows = {Ours.name: Ours.how, station.NAME: station.HOW}
    hows |= {kind.name: kind.how for kind in kinds}
    return tuple(
        told.Row(
            name,
            run.versions.get(name, ""),
            how,
            run.starts.get(name, ()),
            run.steps.get(name, ()),
            run.costs.get(name),
        )
        for name, how in hows.items()
        if name in run.starts or name in run.steps or name in run.costs
    )


def main(argv: Sequence[str] | None = None) -> int:
    asked = _arguments(argv)
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    began_s = time.monotonic()
    machine = Machine()

    def say(what: str) -> None:
        print(f"{time.monotonic() - began_s:6.1f} s  {what}", file=sys.stderr, flush=True)

    with contextlib.ExitStack() as exits:
        exits.enter_context(preferred(NICENESS))
        folder = Path(tempfile.mkdtemp(prefix="bench-sound-"))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        # A player that refuses root reads its programme as somebody else.
        folder.chmod(0o711)
        run = Run(folder, say)
        say("a station of ours: district, broker, amplifier, agent")
        whole = station.Station(folder / "station", lambda _: None)
        ours = _tried(run, station.NAME, partial(exits.enter_context, whole))
        parts: dict[str, Callable[[], None]] = {
            "starts": partial(measure_starts, run, asked.rounds, ours),
            "steps": partial(measure_steps, run, asked.step_s),
            "costs": partial(measure_costs, run, asked.window_s, ours),
        }
        for name in asked.only or parts:
            watch = Machine()
            _tried(run, name, parts[name])
            run.moods[name] = watch.mood()
    mood = machine.mood()
    found = _told(run, asked, mood)
    _write(out, run, found)
    print(told.page_part(found))
    print(f"\nwritten: {out}/bench-sound.md, .svg, .json; {time.monotonic() - began_s:.0f} s")
    if asked.write_docs:
        _write_docs(found)
    # Figures of peers are no gate; only that there was nothing to tell is a failure.
    return int(not found.rows)


def _told(run: Run, asked: argparse.Namespace, mood: Mood) -> told.Told:
    today = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = " / ".join(f"{one:.1f}" for one in os.getloadavg())
    return told.Told(
        rows=rows(run),
        machine=(
            *(f"machine during {name}: {one}" for name, one in run.moods.items()),
            *(
                f"cards of our sound children ran dry during {part}: {n}"
                for part, n in run.dry.items()
            ),
            f"machine, whole run: {mood}; load at its end {load} (1 / 5 / 15 minutes)",
        ),
        quiet=not any(one.disturbed for one in run.moods.values()),
        settings=(
            f"`make bench-sound`, {today}: {platform.machine()}, {mood.cores} cores, "
            f"{_system()}; {asked.rounds} starts each, {asked.step_s:.0f} s of step."
        ),
        floor=run.steps.get(FLOOR, ()),
        troubles=tuple(run.troubles),
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _write(out: Path, run: Run, found: told.Told) -> None:
    (out / "bench-sound.md").write_text(told.page_part(found) + "\n", "utf-8")
    (out / "bench-sound.svg").write_text(told.picture(found), "utf-8")
    document = {"v": 1, "told": found, "moods": run.moods}
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=1)
    (out / "bench-sound.json").write_bytes(encoded + b"\n")


def _write_docs(found: told.Told) -> None:
    for path, part in ((README, told.readme_part(found)), (PAGE, told.page_part(found))):
        path.write_text(told.renewed(path.read_text("utf-8"), part), "utf-8")
    PICTURE.write_text(told.picture(found), "utf-8")
    print(f"renewed: {README}, {PAGE}, {PICTURE}")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-sound",
        description="Our sound beside other players on virtual cards; about six minutes.",
    )
    parser.add_argument("--rounds", type=int, default=12, help="starts of each player (12)")
    parser.add_argument("--step-s", type=float, default=60, help="how long the pairs play (60)")
    parser.add_argument("--window-s", type=float, default=10, help="length of a cost window (10)")
    parser.add_argument("--quick", action="store_true", help="two starts, 10 s of steps")
    parser.add_argument("--only", nargs="+", choices=("starts", "steps", "costs"))
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to write (default: {OUT})")
    parser.add_argument(
        "--write-docs", action="store_true", help=f"renew the figures in {README} and {PAGE}"
    )
    asked = parser.parse_args(argv)
    if asked.quick:
        asked.rounds, asked.step_s, asked.window_s = 2, 10.0, 2.0
    asked.rounds = max(1, min(200, asked.rounds))
    asked.step_s = max(5.0, min(3_600.0, asked.step_s))
    asked.window_s = max(1.0, min(60.0, asked.window_s))
    return asked


if __name__ == "__main__":
    sys.exit(main())
