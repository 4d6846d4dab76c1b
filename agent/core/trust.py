"""Who may say what: signed bytes to an accepted message, or to the one reason against it.

Owns: the order of checks of `docs/contract/README.md`, roles, ceilings, acceptance windows and
revisions. Does not own storage, key files, replay windows of commands (`commands`) or clocks: the
time, the floor of time, held revisions and the signature check come in as arguments.

Invariants: nothing is accepted that was not signed by enough distinct unexpired keys holding the
role for that authority and audience; the bytes that were verified are the bytes that are parsed;
a revision never goes back. `judge` returns a verdict for any bytes and raises nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

import msgspec

from agent.contract.documents import (
    COMMAND_LIFETIME_MAX_MS,
    FEATURES,
    WARNING_LIFETIME_MAX_MS,
    AuthorityGrant,
    Command,
    Content,
    Cursor,
    Key,
    Role,
    RoleGrant,
    Schedule,
    Signed,
    Trust,
    Warnings,
)
from agent.contract.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    VerifySignature,
    open_envelope,
)
from agent.contract.reasons import AckReason
from agent.contract.strict import Malformed, decode_signed
from agent.contract.topics import MESSAGE_MAX_BYTES, Down
from agent.core.rights import (
    Refusal,
    Where,
    check_bodies,
    check_narrowing,
    check_trust,
    needs_second_signature,
)
from agent.core.schedule import Zones

DocumentKey = tuple[str, str, str]
"""(authority, audience, kind): what a revision grows for."""

FUTURE_TOLERANCE_MS = 5 * 60_000
"""How far a signing computer's clock may run ahead of ours."""

VERIFICATIONS_MAX = 32
"""Signature checks spent on one message: a flood of signatures must not stop the box."""

_KEYID = re.compile(r"[0-9a-f]{16}\Z")
_DAY_MS = 86_400_000
_LIFETIME_MAX_MS: dict[type[Signed], int] = {
    Trust: 2 * 366 * _DAY_MS,
    Schedule: 90 * _DAY_MS,
    Content: 30 * _DAY_MS,
    Warnings: WARNING_LIFETIME_MAX_MS,
    Command: COMMAND_LIFETIME_MAX_MS,
    Cursor: 3 * _DAY_MS,
}
_KIND: dict[type[Signed], str] = {
    Trust: "trust",
    Schedule: "schedule",
    Content: "content",
    Warnings: "warning",
    Command: "command",
    Cursor: "cursor",
}
_ROLE: dict[type[Signed], Role] = {
    Schedule: "schedule",
    Content: "content",
    Warnings: "emergency",
    Command: "command",
    Cursor: "freshness",
}


@dataclass(frozen=True, slots=True)
class RootKeys:
    """Who may replace every other key, and how many of them must sign."""

    keys: Mapping[str, Key]
    threshold: int


@dataclass(frozen=True, slots=True)
class TrustView:
    """What this station knows when it judges.

    root: from enrolment, used until a trust document is held. zone_names: the zones that exist
    here. tz: the station's time zone, for keys that are narrowed to hours.
    """

    station: str
    root: RootKeys
    trust: Trust | None
    zone_names: frozenset[str] = frozenset()
    tz: str = "UTC"

    @property
    def audience(self) -> str:
        return f"s/{self.station}"

    def current_root(self) -> RootKeys:
        return self.root if self.trust is None else root_of(self.trust)

    def known_keys(self) -> dict[str, Key]:
        roles = {} if self.trust is None else self.trust.keys
        return {**roles, **self.current_root().keys}


@dataclass(frozen=True, slots=True)
class Held:
    """A document the station holds. envelope: its wire form, for showing and restoring."""

    revision: int
    digest: str
    envelope: bytes = b""


@dataclass(frozen=True, slots=True)
class Accepted:
    """May be applied. signers: the keys that counted. rank, class_ceiling: of the authority.

    Lower class numbers are higher: the message may use classes >= class_ceiling.
    """

    message: Signed
    digest: str
    signers: tuple[str, ...]
    rank: int
    class_ceiling: int

    @property
    def kind(self) -> str:
        return _KIND[type(self.message)]

    @property
    def key(self) -> DocumentKey:
        return (self.message.authority, self.message.audience, self.kind)


@dataclass(frozen=True, slots=True)
class Refused:
    """Must not be applied. Fields beyond `reason`, `detail`, `digest` as far as they are known.

    What stands in `authority`, `audience`, `revision`, `id` was not verified when the reason
    comes before the signatures; then they are empty.
    """

    reason: AckReason
    detail: str
    digest: str
    kind: str
    authority: str = ""
    audience: str = ""
    revision: int | None = None
    keyid: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class AlreadyHeld:
    """The very document that is held: nothing to do, and nothing wrong."""

    key: DocumentKey
    revision: int
    digest: str


Verdict = Accepted | Refused | AlreadyHeld


def root_of(trust: Trust) -> RootKeys:
    """The root keys a trust document establishes."""
    keys = {keyid: trust.keys[keyid] for keyid in trust.root_keyids if keyid in trust.keys}
    return RootKeys(keys, trust.root_threshold)


def digest_of(body: bytes) -> str:
    """What identifies signed bytes in receipts: 16 hex digits of their SHA-256."""
    return hashlib.sha256(body).hexdigest()[:16]


def judge(
    raw: bytes,
    *,
    topic: Down,
    retained: bool,
    view: TrustView,
    held: Mapping[DocumentKey, Held],
    now_ms: int | None,
    floor_ms: int,
    verify: VerifySignature,
    zones: Zones,
) -> Verdict:
    """The verdict on what came in on `topic`.

    now_ms: None while the clock is not trusted; then dates are judged by `floor_ms`, the
    earliest moment it can be. zones: resolver of time zone names.
    """
    case = _Case(topic, view, verify, zones)
    try:
        if len(raw) > MESSAGE_MAX_BYTES:
            raise Refusal(AckReason.TOO_LARGE, f"{len(raw)} bytes, at most {MESSAGE_MAX_BYTES}")
        if retained and topic.kind == "cmd":
            raise Refusal(AckReason.RETAINED_COMMAND, "commands must not be retained")
        earliest_ms = floor_ms if now_ms is None else max(now_ms, floor_ms)
        accepted = case.open(raw, earliest_ms)
        _check_window(accepted.message, now_ms, earliest_ms)
        _check_features(accepted.message)
        already = _check_revision(accepted, held, view.trust)
        if already is not None:
            return already
        check_bodies(accepted.message, case.where)
    except Refusal as refusal:
        return case.refused(raw, refusal)
    return accepted


def reopen(
    raw: bytes, *, topic: Down, view: TrustView, verify: VerifySignature, zones: Zones
) -> Accepted | Refused:
    """The verdict on a document accepted earlier, under the trust of now.

    For restoring after a start, and for dropping what a new trust document no longer allows.
    Time plays no part: an accepted schedule outlives its envelope and its key. A trust document
    must be signed by its own root, which every accepted one is: the enrolment's root may have
    been replaced long ago, and the journal is as safe a place as the enrolment.
    """
    case = _Case(topic, view, verify, zones)
    try:
        return case.reopen_trust(raw) if topic.kind == "trust" else case.open(raw, None)
    except Refusal as refusal:
        return case.refused(raw, refusal)


class _Case:
    """One message under judgement; remembers what is known of it for the refusal."""

    def __init__(self, topic: Down, view: TrustView, verify: VerifySignature, zones: Zones) -> None:
        self._topic = topic
        self._view = view
        self._verify = verify
        self._digest = ""
        self._keyid = ""
        self._said = _Peek()
        own = topic.audience == view.audience
        self.where = Where(own, view.zone_names, zones, view.tz)

    def open(self, raw: bytes, earliest_ms: int | None) -> Accepted:
        """Envelope, signatures, parse, topic, audience, rights. Raises Refusal."""
        envelope = self._envelope(raw)
        signers = self._signers(envelope)
        message = self._parse(envelope.body)
        self._check_topic(message)
        self._check_audience(message)
        if isinstance(message, Trust):
            return self._as_root(message, envelope, signers, earliest_ms)
        return self._as_role(message, signers, earliest_ms)

    def reopen_trust(self, raw: bytes) -> Accepted:
        """A trust document this station accepted earlier. Raises Refusal."""
        envelope = self._envelope(raw)
        message = self._parse(envelope.body)
        self._check_topic(message)
        self._check_audience(message)
        if not isinstance(message, Trust):
            raise Refusal(AckReason.WRONG_TOPIC, "not a trust document")
        check_trust(message)
        root = root_of(message)
        signers = _valid_signers(envelope, root.keys, self._verify)
        counted = _enough(signers, root.keys, root.threshold, None, "root")
        return Accepted(message, self._digest, tuple(sorted(counted)), 0, 1)

    def refused(self, raw: bytes, refusal: Refusal) -> Refused:
        return Refused(
            reason=refusal.reason,
            detail=refusal.detail[:200],
            digest=self._digest or digest_of(raw),
            kind=self._topic.kind,
            authority=self._said.authority,
            audience=self._said.audience,
            revision=self._said.revision,
            keyid=self._keyid,
            id=self._said.id,
        )

    def _envelope(self, raw: bytes) -> Envelope:
        try:
            envelope = open_envelope(raw)
        except EnvelopeError as error:
            raise Refusal(AckReason.MALFORMED, f"envelope: {error}") from None
        self._digest = digest_of(envelope.body)
        if not envelope.signatures:
            raise Refusal(AckReason.UNSIGNED, "no signatures")
        return envelope

    def _signers(self, envelope: Envelope) -> frozenset[str]:
        if self._view.trust is None and self._topic.kind != "trust":
            raise Refusal(AckReason.NO_TRUST, "no trust document is held")
        known = self._view.known_keys()
        signers = _valid_signers(envelope, known, self._verify)
        if not signers:
            hinted = any(one.keyid in known for one in envelope.signatures)
            reason = AckReason.BAD_SIGNATURE if hinted else AckReason.UNKNOWN_KEY
            raise Refusal(reason, f"keys named: {_hints(envelope)}")
        self._keyid = min(signers)
        return signers

    def _parse(self, body: bytes) -> Signed:
        try:
            message = decode_signed(body)
        except Malformed as error:
            self._said = _peek(body)
            lacking = sorted(set(self._said.requires) - FEATURES)
            if lacking:
                raise Refusal(AckReason.UNSUPPORTED, f"lacks {_names(lacking)}") from None
            raise Refusal(AckReason.MALFORMED, str(error)) from None
        revision = None if isinstance(message, Command) else message.revision
        identity = message.id if isinstance(message, Command) else ""
        self._said = _Peek(message.authority, message.audience, revision, identity)
        return message

    def _check_topic(self, message: Signed) -> None:
        expected = "cmd" if isinstance(message, Command) else _KIND[type(message)]
        if self._topic.kind != expected:
            detail = f"a {_KIND[type(message)]} came on …/{self._topic.kind}"
            raise Refusal(AckReason.WRONG_TOPIC, detail)

    def _check_audience(self, message: Signed) -> None:
        if message.audience != self._topic.audience:
            detail = f"meant for {message.audience}, came on {self._topic.audience}"
            raise Refusal(AckReason.WRONG_AUDIENCE, detail)
        if message.audience == self._view.audience:
            return
        if isinstance(message, Trust | Cursor) or not message.audience.startswith("g/"):
            raise Refusal(AckReason.WRONG_AUDIENCE, f"meant for {message.audience}")
        trust = self._view.trust
        groups = {} if trust is None else {f"g/{one.id}": one for one in trust.groups}
        group = groups.get(message.audience)
        if group is None:
            raise Refusal(AckReason.WRONG_AUDIENCE, f"not a member of {message.audience}")
        if group.authority != message.authority:
            raise Refusal(AckReason.NOT_ALLOWED, f"{message.audience} is {group.authority}'s")

    def _as_root(
        self,
        message: Trust,
        envelope: Envelope,
        signers: frozenset[str],
        earliest_ms: int | None,
    ) -> Accepted:
        current, following = self._view.current_root(), root_of(message)
        if signers.isdisjoint(current.keys):
            raise Refusal(AckReason.NOT_ALLOWED, "the key does not hold root")
        counted = _enough(signers, current.keys, current.threshold, earliest_ms, "root")
        check_trust(message)
        if following != current:
            of_new = _valid_signers(envelope, following.keys, self._verify)
            counted |= _enough(
                of_new, following.keys, following.threshold, earliest_ms, "the new root"
            )
        return Accepted(message, self._digest, tuple(sorted(counted)), 0, 1)

    def _as_role(
        self,
        message: Schedule | Content | Warnings | Command | Cursor,
        signers: frozenset[str],
        earliest_ms: int | None,
    ) -> Accepted:
        trust = self._view.trust
        if trust is None:
            raise Refusal(AckReason.NO_TRUST, "no trust document is held")
        authority = next((one for one in trust.authorities if one.id == message.authority), None)
        if authority is None:
            raise Refusal(AckReason.NOT_ALLOWED, f"authority {message.authority} is not known")
        role = _ROLE[type(message)]
        refusal = Refusal(
            AckReason.NOT_ALLOWED, f"the key does not hold {role} for {message.authority}"
        )
        for grant in trust.roles:
            if grant.role != role or grant.authority != message.authority:
                continue
            if signers.isdisjoint(grant.keyids):
                continue
            try:
                return self._under(grant, authority, message, signers, earliest_ms)
            except Refusal as found:
                refusal = found
        raise refusal

    def _under(
        self,
        grant: RoleGrant,
        authority: AuthorityGrant,
        message: Schedule | Content | Warnings | Command | Cursor,
        signers: frozenset[str],
        earliest_ms: int | None,
    ) -> Accepted:
        trust = self._view.trust
        keys = {} if trust is None else trust.keys
        templates = () if trust is None else trust.templates
        holders = {keyid: keys[keyid] for keyid in grant.keyids if keyid in keys}
        needed = grant.threshold
        if isinstance(message, Warnings) and needs_second_signature(message, templates):
            needed = max(needed, grant.free_text_threshold)
        counted = _enough(signers, holders, needed, earliest_ms, grant.role)
        ceiling = max(authority.class_ceiling, grant.class_ceiling)
        check_narrowing(message, grant, authority, ceiling, self.where)
        return Accepted(message, self._digest, tuple(sorted(counted)), authority.rank, ceiling)


class _Peek(msgspec.Struct, frozen=True):
    """What can be said of a body that could not be parsed as a whole."""

    authority: str = ""
    audience: str = ""
    revision: int | None = None
    id: str = ""
    requires: tuple[str, ...] = ()


def _peek(body: bytes) -> _Peek:
    try:
        return msgspec.json.decode(body, type=_Peek)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Peek()


def _hints(envelope: Envelope) -> str:
    """The key ids an unverified envelope names, as far as they look like key ids."""
    return _names(one.keyid if _KEYID.match(one.keyid) else "?" for one in envelope.signatures)


def _names(names: Iterable[str]) -> str:
    return ", ".join(name[:32] for name in names)


def _valid_signers(
    envelope: Envelope, known: Mapping[str, Key], verify: VerifySignature
) -> frozenset[str]:
    """Distinct known keys whose signature over the message holds. keyid says where to look first.

    At most `VERIFICATIONS_MAX` checks: the hinted ones of all signatures, then the others.
    """
    hinted = [(one, one.keyid) for one in envelope.signatures if one.keyid in known]
    others = ((one, keyid) for one in envelope.signatures for keyid in known if keyid != one.keyid)
    valid: dict[str, str] = {}
    satisfied: set[bytes] = set()
    spent = 0
    for one, keyid in chain(hinted, others):
        public = known[keyid].public
        if public in valid or one.signature in satisfied:
            continue
        if spent == VERIFICATIONS_MAX:
            break
        spent += 1
        if _holds(one, public, envelope.message, verify):
            valid[public] = keyid
            satisfied.add(one.signature)
    return frozenset(valid.values())


def _holds(one: Signature, public: str, message: bytes, verify: VerifySignature) -> bool:
    return len(one.signature) == 64 and verify(bytes.fromhex(public), one.signature, message)


def _enough(
    signers: frozenset[str],
    holders: Mapping[str, Key],
    needed: int,
    earliest_ms: int | None,
    role: str,
) -> frozenset[str]:
    """The signers that count for a role. Raises Refusal when they are too few."""
    signed = signers & holders.keys()
    valid = frozenset(
        keyid
        for keyid in signed
        if earliest_ms is None or holders[keyid].not_after_ms >= earliest_ms
    )
    if len(valid) >= needed:
        return valid
    if len(signed) >= needed:
        expired = _names(sorted(signed - valid))
        raise Refusal(AckReason.KEY_EXPIRED, f"{role}: {expired}")
    raise Refusal(AckReason.THRESHOLD, f"{role}: {len(valid)} of {needed} signatures")


def _check_window(message: Signed, now_ms: int | None, earliest_ms: int) -> None:
    """Acceptance in time. Without a trusted clock only what is surely over is refused."""
    lifetime_ms = message.accept_until_ms - message.issued_at_ms
    most_ms = _LIFETIME_MAX_MS[type(message)]
    if message.accept_until_ms < earliest_ms:
        late_ms = earliest_ms - message.accept_until_ms
        raise Refusal(AckReason.EXPIRED, f"accept_until passed {late_ms // 1000} s ago")
    if now_ms is not None and message.issued_at_ms > earliest_ms + FUTURE_TOLERANCE_MS:
        early_ms = message.issued_at_ms - earliest_ms
        raise Refusal(AckReason.FROM_THE_FUTURE, f"issued {early_ms // 1000} s from now")
    if lifetime_ms < 0:
        raise Refusal(AckReason.MALFORMED, "accept_until_ms lies before issued_at_ms")
    if lifetime_ms > most_ms:
        detail = f"acceptable for {lifetime_ms // 1000} s, at most {most_ms // 1000} s"
        raise Refusal(AckReason.LIFETIME_TOO_LONG, detail)


def _check_features(message: Signed) -> None:
    lacking = sorted(set(message.requires) - FEATURES)
    if lacking:
        raise Refusal(AckReason.UNSUPPORTED, f"lacks {_names(lacking)}")


def _check_revision(
    accepted: Accepted, held: Mapping[DocumentKey, Held], trust: Trust | None
) -> AlreadyHeld | None:
    """Raises Refusal for an older or a contradicting revision."""
    message = accepted.message
    if isinstance(message, Command):
        return None
    if isinstance(message, Trust) and trust is not None and message.revision < trust.revision:
        raise Refusal(AckReason.OLDER, f"revision {message.revision}, {trust.revision} is held")
    newest = _newest(accepted.key, held)
    if newest is None or message.revision > newest.revision:
        return None
    if message.revision < newest.revision:
        detail = f"revision {message.revision}, {newest.revision} is held"
        raise Refusal(AckReason.OLDER, detail)
    if accepted.digest != newest.digest:
        raise Refusal(AckReason.SAME_REVISION_DIFFERS, f"revision {message.revision}")
    return AlreadyHeld(accepted.key, message.revision, accepted.digest)


def _newest(key: DocumentKey, held: Mapping[DocumentKey, Held]) -> Held | None:
    """What is held for the key. Trust has one line of revisions, whoever signs as authority."""
    if key[2] != "trust":
        return held.get(key)
    lines = (one for (_, audience, kind), one in held.items() if (audience, kind) == key[1:])
    return max(lines, key=lambda one: one.revision, default=None)
