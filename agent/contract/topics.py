"""The topics of the contract and what may arrive on each."""

from __future__ import annotations

import msgspec

ROOT = "radio/v1"
RETAINED_KINDS = ("trust", "schedule", "content", "warning", "cursor")
STATION_KINDS = (*RETAINED_KINDS, "cmd")
GROUP_KINDS = ("schedule", "content", "warning", "cmd")
UP_KINDS = ("state", "reported", "health", "details", "ack", "event")

MESSAGE_MAX_BYTES = 64 * 1024
"""Everything on MQTT is at most this long."""


class Down(msgspec.Struct, frozen=True):
    """A parsed downward topic: to whom, and which kind (`cmd` for a command)."""

    audience: str
    kind: str


def station_down(station: str, kind: str) -> str:
    return f"{ROOT}/s/{station}/dn/{kind}"


def group_down(group: str, kind: str) -> str:
    return f"{ROOT}/g/{group}/dn/{kind}"


def audience_down(audience: str, kind: str) -> str:
    """`s/<sid>` or `g/<gid>` → its downward topic."""
    return f"{ROOT}/{audience}/dn/{kind}"


def station_up(station: str, kind: str) -> str:
    return f"{ROOT}/s/{station}/up/{kind}"


def parse_down(topic: str) -> Down | None:
    """A downward topic of the contract, or None."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:2]) != ROOT or parts[4] != "dn":
        return None
    kinds = {"s": STATION_KINDS, "g": GROUP_KINDS}.get(parts[2])
    if kinds is None or parts[5] not in kinds or not parts[3]:
        return None
    return Down(f"{parts[2]}/{parts[3]}", parts[5])


def subscriptions(station: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The exact filters of a station: its own, its groups' and its own `up/state`.

    At most 32 filters (the contract): six groups with four kinds each fit beside the own seven;
    further groups are left out, which the caller alarms.
    """
    own = [station_down(station, kind) for kind in STATION_KINDS]
    own.append(station_up(station, "state"))
    of_groups = [group_down(group, kind) for group in groups[:6] for kind in GROUP_KINDS]
    return tuple(own + of_groups)
