"""A live source listened to and not played: `python -m agent.player --try SECONDS`.

Owns what is told of such a source and when it is enough. No card is opened and no gate moves: the
sound is opened, decoded and judged by the code that would play it, and thrown away.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import msgspec

from agent.player.decode import Job
from agent.player.hearing import Ear, Kind, Look
from agent.player.protocol import RATE_HZ, Source, SourceFault

EVERY_S = 0.5
SECONDS_LEAST, SECONDS_MOST = 1, 60
OPEN_LIMIT_S = 20.0
"""The source gives up before, by its own limits."""


class Tried(msgspec.Struct, frozen=True):
    """Of the last half second; what is not known yet is None.

    `waited_ms`: from opening to its first sample. `heard_ms`: of sound, silence and hiss since.
    `fault`: why there will be no more; `over`: this is the last report.
    """

    heard_ms: int
    kind: Kind | None = None
    level_cdb: int | None = None
    peak_cdb: int | None = None
    waited_ms: int | None = None
    fault: SourceFault | None = None
    over: bool = False


def tried(
    job: Job,
    seconds: float,
    clock_ns: Callable[[], int] = time.monotonic_ns,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Tried]:
    """Reports of `job` until it ends or `seconds` of it were heard. Cancels it."""
    ear, at, begun_ns = Ear(), 0, clock_ns()
    waited_ms: int | None = None
    try:
        while True:
            pause(EVERY_S)
            now_ns = clock_ns()
            done = job.done
            job.poll(now_ns)
            frames = job.reader.lead(at)
            looks = ear.add(job.reader.read(at, frames)[0]) if frames else []
            at += frames
            if at and waited_ms is None:
                waited_ms = (now_ns - begun_ns) // 1_000_000
            late = not at and now_ns - begun_ns > OPEN_LIMIT_S * 1e9
            over = done or job.fault is not None or at >= seconds * RATE_HZ or late
            fault: SourceFault | None = "not_audio" if late and not job.fault else job.fault
            yield _report(looks, at, waited_ms, fault, over=over)
            if over:
                return
    finally:
        job.cancel()


def _report(
    looks: list[Look], frames: int, waited_ms: int | None, fault: SourceFault | None, *, over: bool
) -> Tried:
    heard_ms = frames * 1_000 // RATE_HZ
    if not looks:
        return Tried(heard_ms, waited_ms=waited_ms, fault=fault, over=over)
    kinds = {look.kind for look in looks}
    kind: Kind = "sound" if "sound" in kinds else looks[-1].kind
    return Tried(
        heard_ms,
        kind,
        _mean_cdb([look.level_dbfs for look in looks]),
        round(100 * max(look.peak_dbfs for look in looks)),
        waited_ms,
        fault,
        over,
    )


def _mean_cdb(levels_db: list[float]) -> int:
    """Of the power."""
    power = sum(10.0 ** (one / 10.0) for one in levels_db) / len(levels_db)
    return round(1_000 * math.log10(max(power, 1e-12)))


def source_from(line: bytes) -> Source:
    """As it is sent to us; what it would do while it plays is left out. Raises ValueError."""
    try:
        source = msgspec.json.decode(line, type=Source)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    if source.kind not in ("stream", "input"):
        raise ValueError(f"{source.kind} is not live")
    return msgspec.structs.replace(source, silent_ms=0, delay_ms=0, aim=None)
