"""Who may read and write which topic on the broker, written out for every enrolled station.

Owns the text of Mosquitto's ACL file. Invariants: what is not listed is denied; a station reads
its own `dn`, the `dn` of its groups and its own `up/state`, and writes its own `up`; the names of
the district's own clients contain an underscore, which no station id may contain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.contract.topics import (
    GROUP_KINDS,
    ROOT,
    STATION_KINDS,
    UP_KINDS,
    group_down,
    station_down,
    station_up,
)

OPERATOR = "_operator"
COLLECTOR = "_collector"


def _user(name: str, read: Sequence[str], write: Sequence[str]) -> list[str]:
    lines = [f"user {name}"]
    lines += [f"topic read {topic}" for topic in read]
    lines += [f"topic write {topic}" for topic in write]
    return [*lines, ""]


def _station(station: str, groups: Sequence[str]) -> list[str]:
    read = [station_down(station, kind) for kind in STATION_KINDS]
    read += [group_down(group, kind) for group in groups for kind in GROUP_KINDS]
    read.append(station_up(station, "state"))
    return _user(station, read, [station_up(station, kind) for kind in UP_KINDS])


def acl_text(groups_of_station: Mapping[str, Sequence[str]]) -> str:
    """The whole ACL file for these stations (id → groups)."""
    lines = ["# Generated from district.toml; edits are overwritten.", ""]
    lines += _user(OPERATOR, [f"{ROOT}/#"], [f"{ROOT}/s/+/dn/#", f"{ROOT}/g/+/dn/#"])
    lines += _user(
        COLLECTOR,
        [f"{ROOT}/s/+/up/#"],
        [f"{ROOT}/s/+/dn/cursor", f"{ROOT}/s/+/dn/cmd"],
    )
    for station in sorted(groups_of_station):
        lines += _station(station, groups_of_station[station])
    return "\n".join(lines)
