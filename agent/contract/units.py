r"""The bounded kinds of value that cross the wire, each with its unit and its limits.

A value outside its bounds makes the message `malformed`, with the path to the field. Patterns
end in `\Z`, because `$` would let a trailing line feed through.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

ID_PATTERN = r"^[a-z0-9-]{1,32}\Z"

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
"""Opaque identifier: station, group, authority, entry, command, warning."""

KeyId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
"""First 16 hex digits of the SHA-256 of the raw public key; a hint, never a proof."""

PublicKey = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""Raw Ed25519 public key, hex."""

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]

Slot = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,64}\Z")]
"""Name of a place for content that a timetable refers to and a content document fills."""

AudienceRef = Annotated[str, Meta(pattern=r"^[sg]/[a-z0-9-]{1,32}\Z")]
"""`s/<station>` or `g/<group>`."""

ZoneName = Annotated[str, Meta(min_length=1, max_length=64)]
Tag = Annotated[str, Meta(pattern=ID_PATTERN)]
Text = Annotated[str, Meta(max_length=4_000)]
Line = Annotated[str, Meta(max_length=200)]
Summary = Annotated[str, Meta(max_length=500)]
Url = Annotated[str, Meta(min_length=1, max_length=1_000)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z")]

EpochMs = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""An observed instant, milliseconds since 1970 UTC; up to the year 2100."""

LocalTime = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z",
        min_length=19,
        max_length=19,
    ),
]
"""A planned instant on the wall of `tz`, seconds resolution, without offset."""

LocalDate = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
Produced = Annotated[
    str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?)?\Z")
]
"""When something was made: a local date, with its time where that is known, or "" for unknown."""

ZoneInfoName = Annotated[str, Meta(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}\Z", max_length=64)]
"""IANA time zone."""

DurationMs = Annotated[int, Meta(ge=0, le=86_400_000)]
"""A length of at most a day, milliseconds."""

Delay = Annotated[int, Meta(ge=0, le=10_000)]
"""How far live sound is held back, milliseconds."""

Volume = Annotated[int, Meta(ge=0, le=100)]
"""Loudness as people set it; each zone maps it to gain by its curve."""

Revision = Annotated[int, Meta(ge=1, le=2_000_000_000)]
Sequence = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]
Count = Annotated[int, Meta(ge=0, le=2_000_000_000)]
ClassNumber = Annotated[int, Meta(ge=1, le=3)]
"""1 emergency, 2 priority, 3 normal: the lower number wins."""

Rank = Annotated[int, Meta(ge=0, le=99)]
"""Authority rank: the lower number wins."""

Weekday = Annotated[int, Meta(ge=1, le=7)]
"""1 Monday to 7 Sunday, as ISO 8601 counts."""

ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z")]
"""A local time of day, "HH:MM"."""

EntryDigest = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
"""First 16 hex digits of the SHA-256 of an entry as canonical JSON: what was looked at."""
