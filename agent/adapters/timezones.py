"""Time zone rules by IANA name, for the core, which reads no files itself."""

from __future__ import annotations

from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=64)
def time_zone(name: str) -> tzinfo | None:
    """The rules of `name`, None when this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
