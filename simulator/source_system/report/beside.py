"""Follows the chains of a large report in other processes while this one counts.

Owns the processes and no rule: each opens the database for itself and does what
`gather.chain_checker` does, a station at a time. Records are only ever added, and a range has fixed
numbers, so what the collector writes meanwhile changes nothing of what is found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from simulator.source_system.accepted_keys import Accepted
from simulator.source_system.keyring import verify_signature
from simulator.source_system.report.gather import CheckAll, chain_checker, here
from simulator.source_system.report.ranges import ChainFound, Range
from simulator.source_system.report.reading import Records, opened

WORTH_IT = 300_000
"""Records: fewer are followed sooner than a process has begun."""

PROCESSES_MAX = 4

Collect = Callable[[], list[ChainFound]]


def processes() -> int:
    """As many as there are cores for; 1: nothing is gained."""
    return min(PROCESSES_MAX, len(os.sched_getaffinity(0)))


@contextmanager
def following(
    path: Path, records: Records, accepted: Accepted, worth_it: int = WORTH_IT
) -> Iterator[CheckAll]:
    """records: of that path, for few of them. The processes end with the block."""
    # Spawned and not forked: a copy of an open database is nobody's.
    with ProcessPoolExecutor(processes(), mp_context=get_context("spawn")) as pool:

        def begin(ranges: Sequence[Range]) -> Collect:
            if sum(one.records for one in ranges) < worth_it or processes() < 2:
                return here(records, chain_checker(records, verify_signature, accepted))(ranges)
            stations: dict[str, list[Range]] = {}
            for one in ranges:
                stations.setdefault(one.stream.station, []).append(one)
            told: list[tuple[list[Range], Future[list[ChainFound]]]] = [
                (mine, pool.submit(_follow, path, dict(accepted), mine))
                for mine in stations.values()
            ]

            def collect() -> list[ChainFound]:
                found = {
                    id(one): chain
                    for mine, future in told
                    for one, chain in zip(mine, future.result(), strict=True)
                }
                return [found[id(one)] for one in ranges]

            return collect

        yield begin


def _follow(path: Path, accepted: Accepted, ranges: list[Range]) -> list[ChainFound]:
    with opened(path) as records:
        check = chain_checker(records, verify_signature, accepted)
        return [check(records, one) for one in ranges]
