"""Typed documents made from what the district knows. Pure: no files, no clock, no keys in hand.

Owns: validity periods per kind, which roles a trust document grants, which features a document
requires. Times come in as arguments; signing is `keyring`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent.contract import documents
from agent.contract.documents import (
    COMMAND_LIFETIME_MAX_MS,
    WARNING_LIFETIME_MAX_MS,
    Action,
    AuthorityGrant,
    Binding,
    Command,
    Content,
    Entry,
    GroupMembership,
    Key,
    LineInSource,
    Role,
    RoleGrant,
    Schedule,
    Settings,
    Signed,
    Source,
    StreamSource,
    TextSource,
    Trust,
    Warnings,
    WarningTemplate,
)
from agent.core.rights import needs_second_signature
from agent.core.versions import all_sources
from simulator.source_system import warning_templates
from simulator.source_system.home import Authority, Station
from simulator.source_system.keyring import DAY_MS, ROOT_THRESHOLD, KeyInfo
from simulator.source_system.regulation_file import Commune

ACCEPT_TRUST_MS = 365 * DAY_MS
ACCEPT_SCHEDULE_MS = 90 * DAY_MS
ACCEPT_CONTENT_MS = 30 * DAY_MS
SCHEDULE_CLASS_CEILING = 2
"""Timetables never say emergency: that is the warning document's."""

TEMPLATES = tuple(
    WarningTemplate(id=name, texts={"vi": one.vi, "en": one.en})
    for name, one in warning_templates.TEMPLATES.items()
)
"""What every station is told at enrolment: the words that need one signature only."""

GRANTED_ROLES: tuple[Role, ...] = ("schedule", "content", "emergency", "command", "freshness")


class PublicAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """Another authority that a station also obeys: its rank, its keys, its groups."""

    authority: Authority
    keys: tuple[KeyInfo, ...]
    groups: tuple[str, ...] = ()


def encode(document: Signed) -> bytes:
    """The bytes that are signed."""
    return msgspec.json.encode(document)


def trust(
    own: PublicAuthority,
    others: Sequence[PublicAuthority],
    station: Station,
    revision: int,
    now_ms: int,
) -> Trust:
    """Keys, roles, authorities and groups of one station; the own authority is its home."""
    everyone = (own, *others)
    keys = {key.keyid: key for one in everyone for key in one.keys if _granted(key, one is own)}
    memberships = [GroupMembership(id=id_, authority=own.authority.id) for id_ in station.groups]
    memberships += [
        GroupMembership(id=id_, authority=one.authority.id) for one in others for id_ in one.groups
    ]
    return Trust(
        v=1,
        authority=own.authority.id,
        audience=f"s/{station.id}",
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + ACCEPT_TRUST_MS,
        revision=revision,
        keys={keyid: _key(info) for keyid, info in keys.items()},
        root_keyids=tuple(key.keyid for key in own.keys if key.role == "root"),
        root_threshold=ROOT_THRESHOLD,
        authorities=tuple(_authority(one.authority, one is own) for one in everyone),
        roles=tuple(grant for one in everyone for grant in _roles(one)),
        groups=tuple(memberships),
        templates=TEMPLATES,
    )


def _granted(key: KeyInfo, own: bool) -> bool:
    return own or key.role != "root"


def _key(info: KeyInfo) -> Key:
    return Key(public=info.public, holder=info.holder, not_after_ms=info.not_after_ms)


def _authority(authority: Authority, home: bool) -> AuthorityGrant:
    return AuthorityGrant(
        id=authority.id,
        name=authority.name,
        rank=authority.rank,
        class_ceiling=authority.class_ceiling,
        home=home,
    )


def _roles(one: PublicAuthority) -> Iterable[RoleGrant]:
    for role in GRANTED_ROLES:
        keyids = tuple(key.keyid for key in one.keys if key.role == role)
        ceiling = 1 if role in ("emergency", "command") else SCHEDULE_CLASS_CEILING
        if keyids:
            yield RoleGrant(
                role=role,
                authority=one.authority.id,
                keyids=keyids,
                class_ceiling=max(ceiling, one.authority.class_ceiling),
            )


def schedule(
    authority: str,
    audience: str,
    entries: Sequence[Entry],
    *,
    revision: int,
    made_from: int,
    now_ms: int,
    pushed_by: str = "",
    effective_from: str | None = None,
    settings: Settings | None = None,
) -> Schedule:
    return Schedule(
        v=1,
        authority=authority,
        audience=audience,
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + ACCEPT_SCHEDULE_MS,
        requires=tuple(
            sorted({need for entry in entries for need in _needs(entry)} | _rules_need(settings))
        ),
        revision=revision,
        entries=tuple(entries),
        settings=settings,
        made_from=made_from,
        effective_from=effective_from,
        pushed_by=pushed_by,
    )


def _needs(entry: Entry) -> Iterable[str]:
    if entry.when.rrule is not None:
        yield "recurrence"
    if entry.chime is not None:
        yield "chime"
    if entry.late.policy != "join":
        yield "late-policy"
    if entry.versions:
        yield "versions"
    for source in all_sources(entry):
        yield from _source_needs(source)


def _source_needs(source: Source) -> Iterable[str]:
    if isinstance(source, TextSource):
        yield "speech"
    if isinstance(source, StreamSource):
        yield "live-source"
        if source.delay_ms or source.max_kbps:
            yield "relay"
    if isinstance(source, LineInSource):
        yield "line-in"


def _rules_need(settings: Settings | None) -> set[str]:
    """A station that does not know these rules refuses them instead of playing against them."""
    if settings is None:
        return set()
    asks = {"approval"} if settings.approvals is not None else set()
    return asks | ({"regulation"} if settings.regulation is not None else set())


def settings_of(station: Station, commune: Commune | None = None) -> Settings:
    """The home authority's settings for one station, with its operating regulation."""
    settings = _own_settings(station)
    if commune is None:
        return settings
    return msgspec.structs.replace(
        settings,
        regulation=commune.regulation,
        approvals=commune.approvals,
        approver_differs=commune.approver_differs,
    )


def _own_settings(station: Station) -> Settings:
    return Settings(
        volume=station.volume,
        warning_volume=station.warning_volume,
        zone_tags={zone.name: zone.tags for zone in station.zone if zone.tags},
        zone_volumes={zone.name: zone.volume for zone in station.zone if zone.volume is not None},
    )


def content(
    authority: str,
    audience: str,
    bindings: Sequence[Binding],
    *,
    revision: int,
    made_from: int,
    now_ms: int,
) -> Content:
    return Content(
        v=1,
        authority=authority,
        audience=audience,
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + ACCEPT_CONTENT_MS,
        revision=revision,
        bindings=tuple(bindings),
        made_from=made_from,
    )


def warnings(
    authority: str,
    audience: str,
    active: Sequence[documents.Warning],
    *,
    revision: int,
    now_ms: int,
) -> Warnings:
    repeats = any(one.repeat_every_ms for one in active)
    return Warnings(
        v=1,
        authority=authority,
        audience=audience,
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + WARNING_LIFETIME_MAX_MS,
        requires=("warning-repeat",) if repeats else (),
        revision=revision,
        warnings=tuple(active),
    )


def signatures_needed(document: Warnings) -> int:
    """What stations ask for: words outside a template need two, cancellations one."""
    return 2 if needs_second_signature(document, TEMPLATES) else 1


def command(
    authority: str,
    audience: str,
    action: Action,
    *,
    command_id: str,
    seq: int,
    now_ms: int,
    by: str = "",
) -> Command:
    return Command(
        v=1,
        authority=authority,
        audience=audience,
        issued_at_ms=now_ms,
        accept_until_ms=now_ms + COMMAND_LIFETIME_MAX_MS,
        id=command_id,
        seq=seq,
        action=action,
        by=by,
    )
