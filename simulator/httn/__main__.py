"""`station-sim httn`: the reference source system alone, to try a station against."""

from __future__ import annotations

import argparse
import signal
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from simulator.httn.faults import Fault
from simulator.httn.server import Httn, Settings

EVERY_FAULT = ("status", "cut_before", "cut_after", "unauthorised", "refuse", "captive", "stall")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="station-sim httn", description=__doc__)
    made.add_argument("--port", type=int, default=8099)
    made.add_argument("--store", type=Path, help="SQLite file; without it in memory")
    made.add_argument("--username", default="cum-loa")
    made.add_argument("--password", default="mat-khau-thu", help="for dialect B")
    made.add_argument("--code", type=int, default=123_456, help="MaXacThuc, for dialect A")
    made.add_argument("--token-s", type=float, default=3_600.0, help="how long a token is good")
    made.add_argument("--calls-in", choices=("answers", "poll"), default="answers")
    made.add_argument("--on-duplicate", choices=("accept", "conflict", "refuse"), default="accept")
    made.add_argument("--fault", choices=EVERY_FAULT, help="every message goes wrong like this")
    made.add_argument("--certificate", type=Path, help="PEM with certificate and key, for https")
    made.add_argument("--tz", default="Asia/Ho_Chi_Minh")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    said = parser().parse_args(argv)
    settings = Settings(
        accounts={said.username: said.password},
        codes=frozenset({said.code}),
        token_s=said.token_s,
        on_duplicate=said.on_duplicate,
        calls_in=said.calls_in,
        tz=ZoneInfo(said.tz),
    )
    tls = None
    if said.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(said.certificate)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Httn(settings, store=said.store, port=said.port, tls=tls) as httn:
        if said.fault:
            httn.faults.plan("*", Fault(said.fault, times=None))
        print(f"{httn.base_url}/  (tổng quan; JSON: /tong-quan.json)", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
