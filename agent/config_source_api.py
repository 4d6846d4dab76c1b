"""The section about the source-system API: what of it must fit together, and what it becomes.

Owns the checks and their texts. The keys themselves are `agent.adapters.source_api.settings`. Part
of `agent.config`, which reads the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent.adapters.source_api.client import read_secret
from agent.adapters.source_api.dialect_a import code_of
from agent.adapters.source_api.settings import NOT_SEEN, SourceApiSection
from agent.config_box import IdentitySection, PlaceSection
from agent.config_texts import words
from agent.core.source_calls import SourceRules
from agent.errors import Problem

PATH = "source_api"

OTHERS = 0o027
"""What nobody may: the group writing, others anything."""


def _problem(path: str, key: str, **values: object) -> Problem:
    """path: below `[source_api]`, or with a dot in front: of the whole file."""
    where = path[1:] if path.startswith(".") else f"{PATH}.{path}"
    return Problem(where, words(key, **values), hint=words(f"{key}-next", **values))


def completed(section: SourceApiSection, identity: IdentitySection) -> SourceApiSection:
    """With what the file says of the box elsewhere."""
    ids = msgspec.structs.replace(
        section.ids,
        vendor_id=section.ids.vendor_id or identity.supplier_code,
        vendor_name=section.ids.vendor_name or identity.supplier,
        area=section.ids.area or identity.area_code,
    )
    return msgspec.structs.replace(section, ids=ids)


def contradictions(section: SourceApiSection, place: PlaceSection) -> Iterator[Problem]:
    """section: as `completed`. Nothing while it is off."""
    if not section.dialect:
        return
    scheme = urlsplit(section.base_url).scheme
    if scheme not in ("https", "http") or (scheme == "http" and not section.allow_http):
        yield _problem("base_url", "api-url", given=section.base_url)
    needed = ["source_id", "cluster_id"]
    if section.dialect == "b":
        needed += ["target_id", "vendor_id"]
    for name in needed:
        if not getattr(section.ids, name):
            yield _problem(f"ids.{name}", "api-needs", dialect=section.dialect)
    if not section.password_file:
        yield _problem("password_file", "api-needs", dialect=section.dialect)
    if section.dialect == "b" and not section.username:
        yield _problem("username", "api-needs", dialect=section.dialect)
    if section.dialect == "b" and not place.position:
        yield _problem(".place.position", "api-needs", dialect=section.dialect)
    if section.volume_min > section.volume_max:
        yield _problem("volume_min", "api-volumes", most=section.volume_max)
    if section.allow and section.inbound == "none":
        yield _problem("allow", "api-deaf")


def missing_things(section: SourceApiSection) -> Iterator[Problem]:
    """What the station can live without, but should not."""
    if not section.dialect:
        return
    for path, name in (("password_file", section.password_file), ("ca", section.ca)):
        if name and not Path(name).exists():
            yield _problem(path, "api-file", name=name)
    yield from _secret_faults(section)
    if urlsplit(section.base_url).scheme == "http":
        yield _problem("allow_http", "api-plain")
    if section.dialect == "a" and section.codes.log_start == NOT_SEEN:
        yield _problem("codes.log_start", "api-journal")


def _secret_faults(section: SourceApiSection) -> Iterator[Problem]:
    """Of the password file that is there: who may read it, and whether one can log in with it."""
    file = Path(section.password_file)
    if not section.password_file or not file.exists():
        return
    if file.stat().st_mode & OTHERS:
        yield _problem("password_file", "api-open", name=file)
    secret = read_secret(file)
    if secret is None:
        yield _problem("password_file", "api-unread", name=file)
    elif not secret:
        yield _problem("password_file", "api-empty", name=file)
    elif section.dialect == "a" and code_of(secret) is None:
        yield _problem("password_file", "api-number", name=file)


def rules(section: SourceApiSection) -> SourceRules | None:
    """What the core lets such a caller do; None: there is none."""
    if not section.dialect:
        return None
    return SourceRules(
        allow=frozenset(section.allow),
        volume_min=section.volume_min,
        volume_max=section.volume_max,
        items_max=section.items_max,
        keep_days=section.keep_days,
    )
