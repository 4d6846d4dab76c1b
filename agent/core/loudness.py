"""How loud sounds should leave: what was measured, what is wanted, and the gain between the two.

Owns the measured values as they are kept, and the rule of levelling. Pure. Does not own the volume
of a zone: that is its amplifier's, with its ceilings by time of day; nor how a live source, which
nobody has measured, is led to what is aimed at (`agent.player.levelling`).

Invariants: what was not measured is not changed; nothing is raised by more than `boost_cdb`, nor
so far that the limiter would have to take back more than `limiting_cdb`; an emergency is raised to
its own level and never lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from agent.player.protocol import LIVE_KINDS, Aim, Part, Source

VERSION: Final = 3
"""2: quiet includes hiss that was cut off low. 3: surround is mixed without clipping."""

QUIET_MAX: Final = 256
"""So many quiet stretches of a file are remembered; what is behind the last may be anything."""

LOWERED_MOST_CDB: Final = -4_000
FAINT_CDBTP: Final = -5_000

LIVE_LOWERED_MOST_CDB: Final = -1_500
"""Of a live source: the loudest there is lies 15 dB above the usual target."""


class Quiet(msgspec.Struct, frozen=True):
    """A stretch of a file in which there is no sound, or nothing but even hiss."""

    from_ms: int
    to_ms: int


class Loudness(msgspec.Struct, frozen=True):
    """EBU R128 of a file as the station plays it (one channel, heard from two sides).

    loudness_clufs, range_clu, peak_cdbtp: hundredths of LUFS, LU and dBTP; None: nothing in it was
    loud enough to be measured.
    """

    loudness_clufs: int | None = None
    range_clu: int | None = None
    peak_cdbtp: int | None = None
    length_ms: int = 0
    quiet: tuple[Quiet, ...] = ()
    version: int = VERSION

    @property
    def is_silent(self) -> bool:
        """The file holds no programme at all; one of a blink is too short for a loudness."""
        faint = self.peak_cdbtp is None or self.peak_cdbtp < FAINT_CDBTP
        return self.length_ms > 0 and self.loudness_clufs is None and faint

    def is_quiet(self, from_ms: int, to_ms: int, slack_ms: int = 1_000) -> bool:
        """Whether silence or hiss between these positions is what the file holds there."""
        full = len(self.quiet) >= QUIET_MAX
        if self.is_silent or (full and from_ms >= self.quiet[-1].from_ms):
            return True
        return any(
            one.from_ms - slack_ms <= from_ms and to_ms <= one.to_ms + slack_ms
            for one in self.quiet
        )


TONE: Final = Loudness(loudness_clufs=-600, range_clu=0, peak_cdbtp=-600)
"""Of every tone made on the box: a sine at -6 dBFS; within 0.7 LU for those in use."""


@dataclass(frozen=True, slots=True)
class Levels:
    """What the station aims at. on: false plays everything as it was recorded.

    emergency_clufs: of warnings and everything of class 1. ceiling_cdb: of the limiter.
    """

    on: bool = True
    target_clufs: int = -1_800
    emergency_clufs: int = -1_400
    boost_cdb: int = 1_200
    limiting_cdb: int = 600
    ceiling_cdb: int = -100


Known = Callable[[str], Loudness | None]
"""What is known of `content:<sha256>` or `speech:<key>`."""


def gain_cdb(measured: Loudness | None, levels: Levels, klass: int) -> int:
    """What brings a sound to the station's level."""
    if not levels.on or measured is None or measured.loudness_clufs is None:
        return 0
    emergency = klass == 1
    target = levels.emergency_clufs if emergency else levels.target_clufs
    wanted = target - measured.loudness_clufs
    if wanted > 0:
        room = levels.boost_cdb
        if measured.peak_cdbtp is not None:
            room = min(room, levels.ceiling_cdb + levels.limiting_cdb - measured.peak_cdbtp)
        return max(0, min(wanted, room))
    return 0 if emergency else max(wanted, LOWERED_MOST_CDB)


def aim_of(source: Source, levels: Levels, klass: int) -> Aim | None:
    """Where a live source is led while it plays; None: it is not live, or nothing is levelled."""
    if not levels.on or source.kind not in LIVE_KINDS:
        return None
    emergency = klass == 1
    return Aim(
        loudness_clufs=levels.emergency_clufs if emergency else levels.target_clufs,
        cut_cdb=0 if emergency else -LIVE_LOWERED_MOST_CDB,
        boost_cdb=levels.boost_cdb,
        peak_cdb=levels.ceiling_cdb + levels.limiting_cdb,
    )


def known_of(source: Source, known: Known) -> Loudness | None:
    """What is known of a source; a live one cannot be known."""
    match source.kind:
        case "file":
            return known(source.url)
        case "tone":
            return TONE
    return None


def levelled(parts: Iterable[Part], known: Known, levels: Levels, klass: int) -> tuple[Part, ...]:
    """The parts with the gain that each of their sources needs, or what it is led to."""

    def led(source: Source) -> Source:
        aim = aim_of(source, levels, klass)
        if aim is not None:
            return msgspec.structs.replace(source, aim=aim)
        gain = gain_cdb(known_of(source, known), levels, klass)
        return msgspec.structs.replace(source, gain_cdb=gain) if gain else source

    return tuple(
        msgspec.structs.replace(part, sources=tuple(led(one) for one in part.sources))
        for part in parts
    )
