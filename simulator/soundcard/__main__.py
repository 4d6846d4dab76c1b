"""`python -m simulator.soundcard`: a virtual sound card until it is stopped, recorded if wanted.

For a machine without a card, by hand. The environment that a station needs to find it is printed,
and written where `--env` says; with `--record` everything that the card plays is in that file at
the end (`--minutes` of it at most). `--input NAME` adds an input, which hears what is played into
it, as the line printed for it says. A card of the machine and any other PulseAudio are left alone.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from agent.cli.arguments import language
from simulator.soundcard.card import SoundCard, SoundCardError
from simulator.soundcard.recorder import Recorder
from simulator.source_system.said import Said

NEEDED = ("PULSE_SERVER", "ALSA_CONFIG_PATH", "PULSE_RUNTIME_PATH")
"""Of the environment: what leads PortAudio to this card."""

HEARD_DBFS = -70.0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.soundcard", description=__doc__)
    parser.add_argument("--name", default="virtual", help="the device's name (letters, dashes)")
    parser.add_argument("--buses", type=int, default=1, choices=range(1, 9))
    parser.add_argument("--input", action="append", default=[], metavar="NAME")
    parser.add_argument("--record", type=Path, metavar="FILE.wav")
    parser.add_argument(
        "--minutes", type=int, default=60, choices=range(1, 241), metavar="N", help="of --record"
    )
    parser.add_argument("--env", type=Path, metavar="FILE", help="where to write the environment")
    parser.add_argument("--lang", choices=("vi", "en"))
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    options = parse(given)
    lang = language(given, os.environ)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        with ExitStack() as held:
            sinks = {options.name: options.buses}
            card = held.enter_context(SoundCard(sinks, inputs=tuple(options.input)))
            recorder = held.enter_context(card.record(options.name)) if options.record else None
            lines = exports(card)
            if options.env is not None:
                options.env.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            for line in (*lines, *speaking(card)):
                print(line, flush=True)
            stop.wait(60.0 * options.minutes if recorder is not None else None)
            if recorder is not None:
                recorder.stop()  # it is held in memory until then
                stop.wait()
                recorder.save(options.record)
                print(heard(recorder, options.record).text(lang), flush=True)
    except (SoundCardError, OSError) as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    return 0


def exports(card: SoundCard) -> list[str]:
    """Lines for a shell."""
    env = card.env()
    return [f"export {name}={shlex.quote(env[name])}" for name in NEEDED]


def speaking(card: SoundCard) -> Iterator[str]:
    """How something is said into each input."""
    for name in card.inputs:
        yield f"# input {name}: paplay --device={name}-mouth FILE.wav"


def heard(recorder: Recorder, file: Path) -> Said:
    """How long it was recorded, and how much of it was no silence; by tenths of a second."""
    size = recorder.rate_hz // 10
    sounding = 0
    for bus in range(recorder.channels):
        sound = recorder.samples(bus)
        whole = sound[: len(sound) // size * size].reshape(-1, size)
        loud = np.sqrt(np.mean(np.square(whole), axis=1)) > 10 ** (HEARD_DBFS / 20)
        sounding = max(sounding, int(np.count_nonzero(loud)))
    total_s, sound_s = recorder.frames / recorder.rate_hz, sounding / 10
    vi = f"{file}: {total_s:.1f} s, có tiếng {sound_s:.1f} s".replace(".", ",")
    vi = vi.replace(str(file).replace(".", ","), str(file))
    return Said(vi, f"{file}: {total_s:.1f} s, sound in {sound_s:.1f} s of it")


if __name__ == "__main__":
    sys.exit(main())
