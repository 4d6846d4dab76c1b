"""The sections about the box and its surroundings: who it is, where, its link, power and reports.

Owns their keys and defaults, and how they become what the core takes. Part of `agent.config`, which
reads and checks the file.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from agent.contract.units import Line
from agent.core.site import Identity, LinkTerms, Place

Position = Annotated[
    str, Meta(pattern=r"^(-?[0-9]{1,2}(\.[0-9]{1,9})?, ?-?[0-9]{1,3}(\.[0-9]{1,9})?)?\Z")
]
MaybeDate = Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")]
Name = Annotated[str, Meta(max_length=64)]


class IdentitySection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What authorities ask of every receiver. area: in words; the codes as they are assigned."""

    area: Line = ""
    area_code: Name = ""
    supplier: Line = ""
    supplier_code: Name = ""
    model: Name = ""
    serial: Name = ""


class PlaceSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the box stands: "latitude, longitude" in degrees, as a map gives them.

    gpsd: ask the GPS daemon of the box, which knows better.
    """

    position: Position = ""
    gpsd: bool = False


class LinkSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The way out. modem: ask ModemManager. metered: interfaces that are paid by the byte (empty:
    modems). data_plan_mib 0: no plan. data_plan_day: when its month begins. sim_number: when the
    SIM does not tell. roaming: whether it is allowed. probe_url: a page that answers 204, asked
    only while the source system cannot be reached; empty: never.
    """

    modem: bool = True
    metered: tuple[Name, ...] = ()
    data_plan_mib: Annotated[int, Meta(ge=0, le=100_000_000)] = 0
    data_plan_day: Annotated[int, Meta(ge=1, le=28)] = 1
    sim_number: Annotated[str, Meta(max_length=24)] = ""
    sim_expires: MaybeDate = ""
    roaming: bool = False
    probe_url: Annotated[str, Meta(max_length=200)] = ""


class PowerSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """mains_file: a file that reads `on_value` while the grid is there (a GPIO line); empty: the
    power supplies of the box tell, where they can."""

    mains_file: str = ""
    on_value: Annotated[str, Meta(min_length=1, max_length=64)] = "1"


class ReportsSection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the station speaks unasked. details_pause_s: at least, between two details."""

    heartbeat_s: Annotated[int, Meta(ge=5, le=3_600)] = 300
    details_pause_s: Annotated[int, Meta(ge=1, le=3_600)] = 60


def identity(section: IdentitySection) -> Identity:
    return Identity(
        area=section.area,
        area_code=section.area_code,
        supplier=section.supplier,
        supplier_code=section.supplier_code,
        model=section.model,
        serial=section.serial,
    )


def place(section: PlaceSection) -> Place | None:
    """None: not known. Raises ValueError for a point that is on no globe."""
    if not section.position:
        return None
    latitude, longitude = (round(float(one) * 1_000_000) for one in section.position.split(","))
    if abs(latitude) > 90_000_000 or abs(longitude) > 180_000_000:
        raise ValueError(section.position)
    return Place(latitude, longitude)


def is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def link_terms(section: LinkSection) -> LinkTerms:
    return LinkTerms(
        metered=frozenset(section.metered),
        data_plan_mib=section.data_plan_mib,
        data_plan_day=section.data_plan_day,
        sim_number=section.sim_number,
        sim_expires=section.sim_expires,
        roaming=section.roaming,
        probe_url=section.probe_url,
    )
