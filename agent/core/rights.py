"""What a signed message may contain: consistency, zones, classes, hours and streams.

Owns the checks of contents that `trust` calls in its order. Knows nothing of signatures,
revisions or the time it is now. Every check returns, or raises the one `Refusal`; work is
bounded by the size of the message.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from agent.contract.addresses import INSECURE_SCHEMES, SECURE_SCHEMES, scheme_of, shown
from agent.contract.addresses import fault_of as fault_of_address
from agent.contract.documents import (
    ApproveEntry,
    AuthorityGrant,
    Command,
    Content,
    Cursor,
    Entry,
    HoldEntry,
    KeepQuiet,
    OrderEntry,
    Regulation,
    RoleGrant,
    Schedule,
    SetVolume,
    Signed,
    StopItem,
    StreamSource,
    TestTone,
    Trust,
    Warning,  # noqa: A004 - the contract's word
    Warnings,
    WarningTemplate,
    ZoneSelector,
)
from agent.contract.reasons import AckReason
from agent.core.hours import fault_of
from agent.core.schedule import Zones, check_entry, times_of_day
from agent.core.versions import all_sources

_FILE_SCHEMES = ("https://", "http://")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])\Z")
_PLACE = re.compile(r"\{[a-z_]{1,20}\}")
PLACE_MAX = 60
"""Letters a place of a template may hold: a name, a level or a time, not another message."""

_DAY_MS = 86_400_000

RoleSigned = Schedule | Content | Warnings | Command | Cursor


class Refusal(Exception):  # noqa: N818 - it is a verdict, not an error of ours
    """The one reason against a message; `detail` names the place, for the receipt."""

    def __init__(self, reason: AckReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Where:
    """Where a message is judged. own: it is addressed to this station alone, not to a group.

    tz: name of the station's time zone.
    """

    own: bool
    zone_names: frozenset[str]
    zones: Zones
    tz: str

    def local(self, at_ms: int) -> time:
        """The time of day here."""
        zone = self.zones(self.tz) or UTC
        return datetime.fromtimestamp(at_ms / 1_000, zone).time()


# --- trust documents -----------------------------------------------------------------------


def check_trust(trust: Trust) -> None:
    """A trust document that contradicts itself would lock the station out. Raises Refusal."""
    for keyid, key in trust.keys.items():
        if hashlib.sha256(bytes.fromhex(key.public)).hexdigest()[:16] != keyid:
            raise _malformed(f"keys: {keyid} is not the id of its public key")
    _check_root(trust)
    _unique("authorities", (one.id for one in trust.authorities))
    _unique("groups", (one.id for one in trust.groups))
    if sum(one.home for one in trust.authorities) > 1:
        raise _malformed("authorities: more than one is home")
    authorities = {one.id for one in trust.authorities}
    for group in trust.groups:
        if group.authority not in authorities:
            raise _malformed(f"groups: {group.id} belongs to unknown {group.authority}")
    _unique("templates", (one.id for one in trust.templates))
    for grant in trust.roles:
        _check_grant(grant, trust, authorities)


def _check_root(trust: Trust) -> None:
    unknown = set(trust.root_keyids) - trust.keys.keys()
    if unknown:
        raise _malformed(f"root_keyids: {min(unknown)} is not among the keys")
    holders = len(set(trust.root_keyids))
    if holders < 2:
        raise _malformed("root_keyids: a second holder is needed, one loss must not lock all out")
    if trust.root_threshold > holders:
        raise _malformed(f"root_threshold: {trust.root_threshold} of {holders} cannot be met")


def _check_grant(grant: RoleGrant, trust: Trust, authorities: set[str]) -> None:
    place = f"roles: {grant.role} of {grant.authority}"
    if grant.role == "root":
        raise _malformed(f"{place}: root is named by root_keyids")
    if grant.authority not in authorities:
        raise _malformed(f"{place}: the authority is not known")
    if unknown := set(grant.keyids) - trust.keys.keys():
        raise _malformed(f"{place}: {min(unknown)} is not among the keys")
    if grant.threshold > len(set(grant.keyids)):
        raise _malformed(f"{place}: threshold {grant.threshold} cannot be met")
    for hours in grant.hours:
        if _HOURS.match(hours) is None:
            raise _malformed(f"{place}: hours {hours[:20]!r} are not HH:MM-HH:MM")


# --- what a grant narrows ------------------------------------------------------------------


def needs_second_signature(document: Warnings, templates: tuple[WarningTemplate, ...]) -> bool:
    """Whether a warning says free words; a filled-in template or a cancellation does not."""
    known = {one.id: one for one in templates}
    return any(not one.cancelled and not _is_from_template(one, known) for one in document.warnings)


def _is_from_template(warning: Warning, known: dict[str, WarningTemplate]) -> bool:
    template = None if warning.template is None else known.get(warning.template)
    return (
        template is not None
        and all(
            language in template.texts and fills(template.texts[language], text)
            for language, text in warning.texts.items()
        )
        and set(warning.files.values()) <= set(template.files)
    )


def fills(template: str, text: str) -> bool:
    """Whether `text` is `template` with each place filled by 1 to 60 letters of one line.

    A place ends where the words after it first appear; one pass, whatever the text.
    """
    words = _PLACE.split(template)
    if not text.startswith(words[0]):
        return False
    at = len(words[0])
    for index, following in enumerate(words[1:], start=1):
        last = index == len(words) - 1
        found = len(text) - len(following) if last else text.find(following, at + 1)
        value = text[at:found]
        if found < 0 or not 1 <= len(value) <= PLACE_MAX or not value.isprintable():
            return False
        at = found + len(following)
    return at == len(text) and text.endswith(words[-1])


def check_narrowing(
    message: RoleSigned,
    grant: RoleGrant,
    authority: AuthorityGrant,
    ceiling: int,
    where: Where,
) -> None:
    """Classes, zones and hours the grant allows. Raises Refusal."""
    match message:
        case Schedule():
            _check_settings_right(message, grant, authority)
            for entry in message.entries:
                _check_class(f"entry {entry.id}", entry.klass, ceiling)
                _check_grant_zones(f"entry {entry.id}", entry.zones, grant)
                _check_entry_hours(entry, grant, where)
        case Warnings():
            for warning in message.warnings:
                _check_class(f"warning {warning.id}", 1, ceiling)
                _check_grant_zones(f"warning {warning.id}", warning.zones, grant)
                if not warning.cancelled:
                    _check_issue_hours(f"warning {warning.id}", warning.issued_at_ms, grant, where)
        case Command():
            _check_commune_right(message, grant, authority)
            _check_grant_zones("the command", _command_zones(message), grant)
            _check_issue_hours("the command", message.issued_at_ms, grant, where)
        case Content() | Cursor():
            return


def _check_settings_right(schedule: Schedule, grant: RoleGrant, authority: AuthorityGrant) -> None:
    if schedule.settings is None:
        return
    if not authority.home:
        raise Refusal(AckReason.NOT_ALLOWED, f"settings: {authority.id} is not the home authority")
    if grant.zones or grant.hours:
        raise Refusal(AckReason.NOT_ALLOWED, "settings: the key is narrowed to zones or hours")


def _check_commune_right(command: Command, grant: RoleGrant, authority: AuthorityGrant) -> None:
    """The commune decides about what others send; they hold back their own.

    Nobody approves or orders for the commune, and a key narrowed to zones decides about no whole
    entry.
    """
    match command.action:
        case ApproveEntry():
            whose, own = "approvals", False
        case OrderEntry():
            whose, own = "the order", False
        case HoldEntry(authority=of):
            whose, own = f"an entry of {of}", of == authority.id
        case _:
            return
    if not (authority.home or own):
        detail = f"{whose}: {authority.id} is not the home authority"
        raise Refusal(AckReason.NOT_ALLOWED, detail)
    if grant.zones:
        raise Refusal(AckReason.NOT_ALLOWED, f"{whose}: the key is narrowed to zones")


def _check_class(place: str, klass: int, ceiling: int) -> None:
    if klass < ceiling:
        detail = f"{place}: class {klass}, the key may say {ceiling} and lower"
        raise Refusal(AckReason.CLASS_ABOVE_CEILING, detail)


def _check_grant_zones(place: str, zones: ZoneSelector | None, grant: RoleGrant) -> None:
    """A narrowed key names its zones: a tag or `all` would reach further than anyone can see."""
    if not grant.zones:
        return
    if zones is None or zones.all or zones.tags or not zones.names:
        detail = f"{place}: the key is narrowed to {_listed(grant.zones)}"
        raise Refusal(AckReason.NOT_ALLOWED, detail)
    for name in zones.names:
        if name not in grant.zones:
            raise Refusal(AckReason.NOT_ALLOWED, f"{place}: the key may not use zone {name}")


def _check_issue_hours(place: str, issued_ms: int, grant: RoleGrant, where: Where) -> None:
    """Hours narrow the issuing: a warning stands, and is cancelled, after them too."""
    issued = where.local(issued_ms)
    if grant.hours and not any(_within(issued, 0, hours) for hours in grant.hours):
        detail = f"{place}: issued at {issued:%H:%M}, outside {_listed(grant.hours)}"
        raise Refusal(AckReason.NOT_ALLOWED, detail)


def _check_entry_hours(entry: Entry, grant: RoleGrant, where: Where) -> None:
    if not grant.hours:
        return
    length_ms = entry.duration_ms or 0
    for start in sorted(times_of_day(entry, where.zones)):
        if not any(_within(start, length_ms, hours) for hours in grant.hours):
            detail = f"entry {entry.id}: {start:%H:%M} is outside {_listed(grant.hours)}"
            raise Refusal(AckReason.NOT_ALLOWED, detail)


def _within(start: time, length_ms: int, hours: str) -> bool:
    """Whether a slot lies in local "HH:MM-HH:MM", which may pass midnight."""
    found = _HOURS.match(hours)
    if found is None:
        return False
    opens_ms = _of_day_ms(int(found[1]), int(found[2]))
    width_ms = (_of_day_ms(int(found[3]), int(found[4])) - opens_ms) % _DAY_MS or _DAY_MS
    after_ms = (_of_day_ms(start.hour, start.minute, start.second) - opens_ms) % _DAY_MS
    return after_ms < width_ms and after_ms + length_ms <= width_ms


def _of_day_ms(hour: int, minute: int, second: int = 0) -> int:
    return ((hour * 60 + minute) * 60 + second) * 1_000


def _command_zones(command: Command) -> ZoneSelector | None:
    action = command.action
    if isinstance(action, SetVolume | StopItem | TestTone | KeepQuiet):
        return action.zones
    return None


# --- contents ------------------------------------------------------------------------------


def check_bodies(message: Signed, where: Where) -> None:
    """Ids, recurrences, streams and zone names. Raises Refusal."""
    match message:
        case Schedule():
            _check_schedule(message, where)
        case Content():
            _unique("bindings", ((one.slot, one.date) for one in message.bindings))
            for binding in message.bindings:
                if not binding.url.startswith(_FILE_SCHEMES):
                    raise _malformed(f"binding {binding.slot}: the URL is not https")
                if binding.date is not None and not _is_day(binding.date):
                    raise _malformed(f"binding {binding.slot}: there is no day {binding.date}")
        case Warnings():
            _unique("warnings", (one.id for one in message.warnings))
            for warning in message.warnings:
                _check_warning_lifetime(warning.id, warning.issued_at_ms, warning.valid_until_ms)
                _check_zone_names(f"warning {warning.id}", warning.zones.names, where)
        case Command():
            zones = _command_zones(message)
            if zones is not None:
                _check_zone_names("the command", zones.names, where)
        case Trust() | Cursor():
            return


def _check_schedule(schedule: Schedule, where: Where) -> None:
    _unique("entries", (one.id for one in schedule.entries))
    for entry in schedule.entries:
        fault = check_entry(entry, where.zones)
        if fault is not None:
            raise Refusal(fault.reason, fault.detail)
        _check_streams(entry)
        _check_zone_names(f"entry {entry.id}", entry.zones.names, where)
    if schedule.settings is not None:
        named = (*schedule.settings.zone_tags, *schedule.settings.zone_volumes)
        _check_zone_names("settings", named, where)
        if schedule.settings.regulation is not None:
            _check_regulation(schedule.settings.regulation, where)


def _check_regulation(regulation: Regulation, where: Where) -> None:
    fault = fault_of(regulation)
    if fault is not None:
        raise Refusal(AckReason.BAD_REGULATION, f"settings: regulation.{fault}")
    named = [(f"windows[{n}]", one.zones) for n, one in enumerate(regulation.windows)]
    named += [(f"ceilings[{n}]", one.zones) for n, one in enumerate(regulation.ceilings)]
    for place, zones in named:
        if zones is not None:
            _check_zone_names(f"settings: regulation.{place}", zones.names, where)


def _check_streams(entry: Entry) -> None:
    for source in all_sources(entry):
        if not isinstance(source, StreamSource):
            continue
        scheme, detail = scheme_of(source.url), f"entry {entry.id}: {shown(source.url)[:80]}"
        insecure = source.insecure_live and scheme in INSECURE_SCHEMES
        if not (insecure or scheme in SECURE_SCHEMES):
            raise Refusal(AckReason.INSECURE_STREAM, detail)
        if fault_of_address(source.url) == "not_multicast":
            raise _malformed(f"{detail} is no multicast group")


def _check_warning_lifetime(identity: str, issued_ms: int, until_ms: int) -> None:
    if until_ms < issued_ms:
        raise _malformed(f"warning {identity}: valid_until_ms lies before issued_at_ms")
    if until_ms - issued_ms > _DAY_MS:
        raise Refusal(AckReason.LIFETIME_TOO_LONG, f"warning {identity}: at most 24 h")


def _check_zone_names(place: str, names: Iterable[str], where: Where) -> None:
    """A name unknown here is a mistake at one station, and normal in a group."""
    if not where.own:
        return
    for name in names:
        if name not in where.zone_names:
            near = _nearest(name, where.zone_names)
            hint = f"; nearest: {near}" if near else ""
            raise Refusal(AckReason.UNKNOWN_ZONE, f"{place}: no zone {name}{hint}")


def _nearest(name: str, known: frozenset[str]) -> str | None:
    return min(sorted(known), key=lambda one: _distance(name, one), default=None)


def _distance(one: str, other: str) -> int:
    """Edits that turn one into the other, letter case aside."""
    one, other = one.casefold(), other.casefold()
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        previous, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            previous, row[j] = row[j], min(previous + (left != right), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def _unique(place: str, ids: Iterator[Hashable]) -> None:
    for identity, times in Counter(ids).items():
        if times > 1:
            raise Refusal(AckReason.DUPLICATE_ID, f"{place}: {identity} stands {times} times")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _malformed(detail: str) -> Refusal:
    return Refusal(AckReason.MALFORMED, detail)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values)[:80]
