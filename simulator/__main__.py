"""`station-sim`: the district on a laptop. Each part is imported only when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

ELSEWHERE = {
    "demo": "the real daemon with a virtual sound card and amplifier, watched and measured",
    "httn": "a reference source system that speaks the source-system API over HTTP",
    "bench": "measure the parts against their bounds",
    "bytes": "what heartbeat, details and connections cost on the wire, and a month of them",
    "records": "a year of a district's records, as the collector keeps them",
}
"""Commands with their own command line."""


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] == "demo":
        from simulator.demo.__main__ import main as demo

        return demo(words[1:])
    if words and words[0] == "bench":
        from simulator.bench.__main__ import main as bench

        return bench(words[1:])
    if words and words[0] == "bytes":
        from simulator.bench.wire_bytes import main as wire_bytes

        return wire_bytes(words[1:])
    if words and words[0] == "records":
        from simulator.records.command import main as records

        return records(words[1:])
    if words and words[0] == "httn":
        from simulator.httn.__main__ import main as httn

        return httn(words[1:])
    return _here(words)


def _here(words: Sequence[str]) -> int:
    from simulator.world import command

    parser = argparse.ArgumentParser(prog="station-sim", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    world = commands.add_parser(
        "world", help="the core under virtual time, every fault from one seed"
    )
    command.add_arguments(world)
    for name, what in ELSEWHERE.items():
        commands.add_parser(name, help=what, add_help=False)
    return command.main(parser.parse_args(words))


if __name__ == "__main__":
    sys.exit(main())
