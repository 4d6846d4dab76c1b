"""`python -m simulator.amplifier --link PATH`: one virtual controller until it is stopped."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from firmware_bridge.drivers.contract import MAX_ZONES
from firmware_bridge.messages import Capability
from simulator.amplifier.model import ALL_CAPABILITIES, DEFAULT_ID, AmplifierSpec, steady_level
from simulator.amplifier.pty_unit import FileLevels, PtyAmplifier


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator.amplifier", description=__doc__)
    parser.add_argument("--link", type=Path, required=True, help="stable name of the port")
    parser.add_argument("--zones", type=int, default=4, choices=range(1, MAX_ZONES + 1))
    parser.add_argument("--warm-up-ms", type=int, default=1_500)
    parser.add_argument("--id", default=DEFAULT_ID.hex(), help="unique id, 24 hex digits")
    parser.add_argument("--no-leases", action="store_true", help="equipment without leases")
    parser.add_argument("--log", type=Path, help="JSON lines of every state change")
    parser.add_argument("--control", type=Path, help="unix socket for one-line JSON faults")
    parser.add_argument("--levels", type=Path, help='measured levels, {"1": -2300, "2": null}')
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    leases = Capability(0) if options.no_leases else Capability.LEASES
    spec = AmplifierSpec(
        unique_id=bytes.fromhex(options.id),
        zones=options.zones,
        warm_up_ms=options.warm_up_ms,
        capabilities=ALL_CAPABILITIES & ~Capability.LEASES | leases,
    )
    with PtyAmplifier(
        options.link,
        spec,
        log_path=options.log,
        control_path=options.control,
        level_of=FileLevels(options.levels) if options.levels else steady_level,
        seed=options.seed,
    ) as unit:
        print(f"virtual amplifier {spec.unique_id.hex()} on {unit.port_path}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
