"""What is asked of a station through the source-system API, and what it may be told to do.

Plain values: the dialects make them, `source_desk` judges them. Nothing here is signed, so a call
is worth only what `SourceRules` says, and that is nothing unless the configuration says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from agent.contract.documents import UNTOLD, About
from agent.contract.reasons import AckReason
from agent.contract.reports import SourceVerb

Permission = Literal["volume", "stop", "skip", "schedule"]
"""Everything the configuration can allow. There is no "play this" and no restart."""

PERMISSIONS: frozenset[str] = frozenset(get_args(Permission))

NEEDS: dict[SourceVerb, Permission] = {
    "volume": "volume",
    "stop": "stop",
    "skip": "skip",
    "save": "schedule",
    "cancel": "schedule",
}
"""What must be allowed for a verb; a verb that is not here is never carried out."""


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What an unsigned caller may do. volume_min, volume_max: the only volumes it may set.

    items_max: how many bulletins its schedules may hold. keep_days: how long records wait for
    the source-system API when it takes nothing.
    """

    allow: frozenset[Permission] = frozenset()
    volume_min: int = 0
    volume_max: int = 70
    items_max: int = 200
    keep_days: int = 180


@dataclass(frozen=True, slots=True)
class Airing:
    """One planned playing; end_ms None: as long as the file."""

    start_ms: int
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A bulletin that should be played. url: what names its file.

    known: only the airings are new, the rest is as it was sent before. refused, detail: why the
    dialect could not take it; then the rest means nothing.
    """

    bulletin: str
    title: str = ""
    klass: int = 3
    url: str = ""
    airings: tuple[Airing, ...] = ()
    author: str = ""
    field: str = ""
    about: About = UNTOLD
    known: bool = False
    refused: AckReason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing asked. id: the caller's own, "" if it gives none. said: in its own words.

    schedule, title: LichPhatID and TenLichPhat. for_us: False when it names other stations only.
    fault: why it could not be read; then the rest means nothing.
    """

    verb: SourceVerb
    id: str = ""
    said: str = ""
    volume: int | None = None
    schedule: str = ""
    title: str = ""
    items: tuple[Wanted, ...] = ()
    for_us: bool = True
    fault: str = ""
