"""The district as an object: enrol, push, publish, warn, cancel, command, ask what arrived.

Owns the order of doing things (look what the broker holds, compare, sign, write down, publish,
wait for receipts). The parts are elsewhere: files in `home`, keys in `keyring`, documents in
`compose`, history in `ledger`, timetables in `timetable`. No global state: the clock, the
person's name and the passphrase are arguments.

Invariants: nothing is published that was not first recorded in the ledger; a revision made from
an older one than the broker holds is refused (`Conflict`), telling who was faster; nothing is
sent when a timetable has an error.
"""

from __future__ import annotations

import datetime as dt
import getpass
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.contract import documents
from agent.contract.documents import (
    Action,
    Binding,
    Content,
    Document,
    DocumentKind,
    Entry,
    Resend,
    Schedule,
    Settings,
    Signed,
    Trust,
    Warnings,
    ZoneSelector,
)
from agent.contract.envelope import EnvelopeError, open_envelope, seal
from agent.contract.reports import Ack
from agent.contract.strict import Malformed, decode_signed
from agent.contract.topics import MESSAGE_MAX_BYTES, audience_down, station_up
from agent.contract.units import Language
from agent.core.trust import digest_of
from simulator.source_system import compose, warning_templates
from simulator.source_system.acl import COLLECTOR, OPERATOR, acl_text
from simulator.source_system.audio_file import AudioFacts, examine
from simulator.source_system.broker import free_port
from simulator.source_system.compose import PublicAuthority
from simulator.source_system.courier import Courier, CourierError
from simulator.source_system.enrolment import Enrolment, write_bundle
from simulator.source_system.home import (
    EVERYBODY,
    Authority,
    BrokerAddress,
    ContentAddress,
    DistrictFile,
    Group,
    Home,
    Station,
)
from simulator.source_system.journal import JournalReader
from simulator.source_system.keyring import (
    Backup,
    Keyring,
    Passphrase,
    SecondHolder,
    SigningKey,
    create_keyring,
    signers_of,
)
from simulator.source_system.ledger import Ledger, Push
from simulator.source_system.pki import CertificateAuthority
from simulator.source_system.private_files import write_whole
from simulator.source_system.receipts import (
    Delivery,
    Progress,
    Receipt,
    Sent,
    await_acks,
    await_receipts,
)
from simulator.source_system.timetable import Finding, Reading, read_timetable
from simulator.source_system.timetable.diff import Difference, compare

TIME_ZONE = "Asia/Ho_Chi_Minh"
BINDING_KEPT_DAYS = 14
REPEAT_DEFAULT_MS = 300_000
WARNING_DEFAULT_MS = 6 * 3_600_000


class DistrictError(Exception):
    """The request cannot be done as asked; the text says where it failed and what next."""


class Conflict(DistrictError):  # noqa: N818 - a verdict
    """Somebody pushed in between; look at the difference and push again from their revision."""


class TimetableRefused(DistrictError):  # noqa: N818 - a verdict
    """The timetable has errors; nothing was sent."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(one.text("en") for one in findings if one.is_error))
        self.findings = tuple(findings)


class UntilSecondSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A warning in free text that one officer has signed. Kept in `path`, not sent."""

    id: str
    path: Path
    text: str


class _Pending(msgspec.Struct, frozen=True, kw_only=True):
    """The file that travels to the second officer."""

    v: int = 1
    id: str
    audience: str
    revision: int
    text: str
    by: str
    sealed: str


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """A warning that was sent. text: what stations say, the first language."""

    id: str
    text: str
    delivery: Delivery


class Commanded(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was sent, and the last ack of each station that answered in time."""

    id: str
    audience: str
    stations: tuple[str, ...]
    acks: dict[str, Ack]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was bound to its slot. replaced: the binding that stood there before."""

    binding: Binding
    facts: AudioFacts
    replaced: Binding | None
    delivery: Delivery


@dataclass(frozen=True)
class Draft:
    """A timetable ready to be signed; showing it changes nothing."""

    audience: str
    entries: tuple[Entry, ...]
    settings: Settings | None
    findings: tuple[Finding, ...]
    difference: Difference
    made_from: int
    revision: int
    effective_from: str | None


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class District:
    """One district home. Cheap to make; connects to the broker only inside a call."""

    def __init__(
        self,
        home: Path,
        *,
        clock_ms: Callable[[], int] = wall_clock_ms,
        ask_passphrase: Passphrase | None = None,
        by: str | None = None,
        on_enrolled: Callable[[], None] | None = None,
    ) -> None:
        """by: who pushes, shown to others. on_enrolled: told after the ACL file has changed."""
        self.home = Home(home)
        self._clock_ms = clock_ms
        self._ask = ask_passphrase
        self._by = by or getpass.getuser()
        self._on_enrolled = on_enrolled

    # --- making a district -------------------------------------------------------------

    @classmethod
    def create(
        cls,
        home: Path,
        *,
        authority: str,
        name: str,
        holder: str,
        second: SecondHolder | Backup,
        rank: int = 20,
        hosts: Sequence[str] = ("127.0.0.1", "localhost"),
        passphrase: bytes | None = None,
        clock_ms: Callable[[], int] = wall_clock_ms,
        by: str | None = None,
        on_enrolled: Callable[[], None] | None = None,
    ) -> District:
        """A new district home: keys first (KeyringError leaves nothing), then certificates.

        hosts: how stations reach this machine; the first stands in their bundles.
        """
        paths = Home(home)
        if paths.exists():
            raise DistrictError(f"{paths.file} exists already: this is a district home")
        create_keyring(
            paths.keys, holder=holder, second=second, now_ms=clock_ms(), passphrase=passphrase
        )
        ca = CertificateAuthority.create(paths.pki, f"{authority} CA")
        ca.issue_server(paths.server, hosts)
        ca.issue_client(paths.operator, OPERATOR)
        ca.issue_client(paths.collector, COLLECTOR)
        content_port = free_port()
        address = ContentAddress(
            base_url=f"https://{hosts[0]}:{content_port}",
            listen_host=hosts[0],
            listen_port=content_port,
        )
        content = DistrictFile(
            authority=Authority(id=authority, name=name, rank=rank),
            broker=BrokerAddress(host=hosts[0], port=free_port(), operator_port=free_port()),
            content=address,
        )
        paths.write(content)
        write_whole(paths.acl, acl_text({}).encode())
        ask = None if passphrase is None else lambda _name: passphrase
        return cls(home, clock_ms=clock_ms, ask_passphrase=ask, by=by, on_enrolled=on_enrolled)

    @property
    def file(self) -> DistrictFile:
        """district.toml as it is now."""
        return self.home.read()

    @property
    def authority(self) -> str:
        return self.file.authority.id

    @property
    def keyring(self) -> Keyring:
        return Keyring.load(self.home.keys, self._ask)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home.ledger)

    @property
    def journal(self) -> JournalReader:
        return JournalReader(self.home.journal)

    def public(self) -> PublicAuthority:
        """What another district needs to let its stations obey this authority too."""
        file = self.file
        groups = tuple(group.id for group in file.group if group.id != EVERYBODY)
        return PublicAuthority(authority=file.authority, keys=self.keyring.keys, groups=groups)

    # --- stations ----------------------------------------------------------------------

    def enrol(
        self,
        station: str,
        *,
        name: str,
        zones: Mapping[str, Sequence[str]],
        groups: Sequence[str] = (),
        csr_pem: bytes | None = None,
        obey_also: Sequence[PublicAuthority] = (),
        wait_s: float = 0.0,
    ) -> Enrolment:
        """Certificate, bundle, ACL and the signed trust document, retained on the broker.

        zones: name → tags. groups: beside the group everybody is in; new ones are made. Again
        for an enrolled station: a new certificate and a new trust revision, history kept.
        When the broker is down the trust document is recorded and `republish` sends it later.
        """
        with self.home.locked():
            file, entry = self._with_station(station, name, zones, groups)
            enrolment, credentials = write_bundle(
                self.home.enrolments / station,
                CertificateAuthority.load(self.home.pki),
                file,
                entry,
                self.keyring.keys,
                csr_pem,
            )
            entry = msgspec.structs.replace(
                entry,
                certificate_serial=f"{credentials.serial:x}",
                certificate_not_after_ms=credentials.not_after_ms,
                enrolled_at_ms=self._clock_ms(),
            )
            file = _replace_station(file, entry)
            self.home.write(file)
            self._write_acl(file)
            push = self._record_trust(entry, obey_also)
        try:
            self._send(push, (station,), wait_s)
        except CourierError:
            if wait_s > 0:
                raise
        return enrolment

    def _with_station(
        self,
        station: str,
        name: str,
        zones: Mapping[str, Sequence[str]],
        groups: Sequence[str],
    ) -> tuple[DistrictFile, Station]:
        file = self.file
        wanted = tuple(dict.fromkeys((EVERYBODY, *groups)))
        known = {group.id for group in file.group}
        new = tuple(Group(id=one) for one in wanted if one not in known)
        try:
            entry = msgspec.convert(
                {
                    "id": station,
                    "name": name,
                    "groups": wanted,
                    "zone": [{"name": zone, "tags": list(tags)} for zone, tags in zones.items()],
                },
                Station,
            )
        except msgspec.ValidationError as error:
            raise DistrictError(f"station {station!r}: {error}") from error
        if not entry.zone:
            raise DistrictError(f"station {station}: it needs at least one zone")
        file = msgspec.structs.replace(file, group=file.group + new)
        return _replace_station(file, entry), entry

    def _write_acl(self, file: DistrictFile) -> None:
        groups = {station.id: station.groups for station in file.station}
        write_whole(self.home.acl, acl_text(groups).encode())
        if self._on_enrolled is not None:
            self._on_enrolled()

    def _record_trust(self, station: Station, others: Sequence[PublicAuthority]) -> Push:
        audience = f"s/{station.id}"
        latest = self.ledger.latest(audience, "trust")
        revision = 1 if latest is None else latest.revision + 1
        document = compose.trust(self.public(), others, station, revision, self._clock_ms())
        return self._record(document, [self.keyring.signing("root")])

    # --- timetables --------------------------------------------------------------------

    def draft(
        self,
        timetable: Path | Sequence[Entry],
        *,
        to: str,
        made_from: int | None = None,
        effective_from: str | None = None,
        allow_long: bool = False,
    ) -> Draft:
        """Read, check and compare; sends nothing. Raises TimetableRefused and Conflict.

        to: `s/<station>` or `g/<group>`. made_from: the revision the timetable was edited
        from; None takes the newest one this home knows.
        """
        reading = self._read(timetable, to, effective_from, allow_long)
        if any(one.is_error for one in reading.findings):
            raise TimetableRefused(reading.findings)
        newest, base = self._base(to, "schedule", made_from)
        before = _entries_of(base)
        return Draft(
            audience=to,
            entries=reading.entries,
            settings=self._settings(to),
            findings=reading.findings,
            difference=compare(before, reading.entries),
            made_from=0 if base is None else base.revision,
            revision=newest + 1,
            effective_from=effective_from,
        )

    def send(
        self,
        draft: Draft,
        *,
        wait_s: float = 10.0,
        progress: Progress | None = None,
        note: str = "",
    ) -> Delivery:
        """Sign, record, publish, wait for receipts."""
        document = compose.schedule(
            self.authority,
            draft.audience,
            draft.entries,
            revision=draft.revision,
            made_from=draft.made_from,
            now_ms=self._clock_ms(),
            pushed_by=self._by,
            effective_from=draft.effective_from,
            settings=draft.settings,
        )
        push = self._record(document, [self.keyring.signing("schedule")], note)
        return self._send(push, self._stations(draft.audience), wait_s, progress)

    def push(
        self,
        timetable: Path | Sequence[Entry],
        *,
        to: str,
        made_from: int | None = None,
        effective_from: str | None = None,
        allow_long: bool = False,
        wait_s: float = 10.0,
        progress: Progress | None = None,
    ) -> Delivery:
        """`draft` and `send` in one."""
        draft = self.draft(
            timetable,
            to=to,
            made_from=made_from,
            effective_from=effective_from,
            allow_long=allow_long,
        )
        return self.send(draft, wait_s=wait_s, progress=progress)

    def draft_rollback(self, revision: int, *, to: str) -> Draft:
        """Old content as a new revision."""
        old = self.ledger.at(to, "schedule", revision)
        document = None if old is None else _open(old)
        if not isinstance(document, Schedule):
            raise DistrictError(f"{to}: no schedule revision {revision} in {self.home.ledger}")
        newest, base = self._base(to, "schedule", None)
        return Draft(
            audience=to,
            entries=document.entries,
            settings=document.settings,
            findings=(),
            difference=compare(_entries_of(base), document.entries),
            made_from=0 if base is None else base.revision,
            revision=newest + 1,
            effective_from=None,
        )

    def _read(
        self,
        timetable: Path | Sequence[Entry],
        to: str,
        effective_from: str | None,
        allow_long: bool,
    ) -> Reading:
        members = self.file.members(to)
        self._stations(to)
        if not isinstance(timetable, Path):
            return Reading(entries=tuple(timetable), findings=())
        day = (
            self._today() if effective_from is None else dt.date.fromisoformat(effective_from[:10])
        )
        zones = {station.name: station.zone_names for station in members}
        bound = {one.slot: one.duration_ms for one in self._bindings(to)}
        return read_timetable(
            timetable, zones=zones, first_day=day, allow_long=allow_long, bound_ms=bound
        )

    def _settings(self, to: str) -> Settings | None:
        station = self.file.find(to.removeprefix("s/")) if to.startswith("s/") else None
        return None if station is None else compose.settings_of(station)

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._clock_ms() / 1000, ZoneInfo(TIME_ZONE)).date()

    # --- content -----------------------------------------------------------------------

    def publish(
        self,
        path: Path,
        *,
        slot: str,
        date: str | None = None,
        title: str = "",
        to: str = f"g/{EVERYBODY}",
        base_url: str | None = None,
        wait_s: float = 0.0,
        progress: Progress | None = None,
    ) -> Published:
        """Measure, copy into the store, bind {slot, date} to the hash, sign, publish.

        Raises AudioFileError. base_url: how these stations reach the store (another network).
        """
        facts = examine(path)
        self._store(path, facts.sha256)
        url = f"{base_url or self.file.content.base_url}/c/{facts.sha256}"
        try:
            binding = msgspec.convert(
                {
                    "slot": slot,
                    "date": date,
                    "sha256": facts.sha256,
                    "size": facts.size,
                    "duration_ms": facts.duration_ms,
                    "url": url,
                    "media_type": facts.media_type,
                    "title": title,
                },
                Binding,
            )
        except msgspec.ValidationError as error:
            raise DistrictError(f"slot {slot!r}, date {date!r}: {error}") from error
        newest, base = self._base(to, "content", None)
        before = self._bindings(to)
        replaced = next((one for one in before if (one.slot, one.date) == (slot, date)), None)
        kept = [one for one in before if one is not replaced and not self._stale(one)]
        document = compose.content(
            self.authority,
            to,
            [*kept, binding],
            revision=newest + 1,
            made_from=0 if base is None else base.revision,
            now_ms=self._clock_ms(),
        )
        push = self._record(document, [self.keyring.signing("content")])
        delivery = self._send(push, self._stations(to), wait_s, progress)
        return Published(binding=binding, facts=facts, replaced=replaced, delivery=delivery)

    def _store(self, path: Path, sha256: str) -> None:
        """Content-addressed: a file that lies there is never touched again."""
        target = self.home.store / sha256
        if target.exists():
            return
        self.home.store.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{sha256}.{secrets.token_hex(4)}")
        shutil.copyfile(path, temporary)
        temporary.rename(target)

    def _bindings(self, to: str) -> tuple[Binding, ...]:
        latest = self.ledger.latest(to, "content")
        document = None if latest is None else _open(latest)
        return document.bindings if isinstance(document, Content) else ()

    def _stale(self, binding: Binding) -> bool:
        if binding.date is None:
            return False
        oldest = self._today() - dt.timedelta(days=BINDING_KEPT_DAYS)
        return dt.date.fromisoformat(binding.date) < oldest

    # --- emergencies -------------------------------------------------------------------

    def warn(
        self,
        text: str | Mapping[Language, str] = "",
        *,
        template: str | None = None,
        slots: Mapping[str, str] | None = None,
        to: str = f"g/{EVERYBODY}",
        zones: ZoneSelector | None = None,
        until_ms: int | None = None,
        repeat_every_ms: int = REPEAT_DEFAULT_MS,
        level: str | None = None,
        siren: bool = True,
        title: str = "",
        author: str = "",
        approver: str = "",
        drill: bool = False,
        files: Mapping[Language, str] | None = None,
        cosign: Sequence[Path] = (),
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned | UntilSecondSignature:
        """Break in. Free text needs a second officer's key file in `cosign`, or waits for it.

        zones: None is every zone of the audience. until_ms: at most 24 hours from now.
        """
        now_ms = self._clock_ms()
        texts, title, level = _said(text, template, slots or {}, title, level)
        fields = {
            "id": f"kc-{secrets.token_hex(4)}",
            "revision": 1,
            "issued_at_ms": now_ms,
            "valid_until_ms": until_ms or now_ms + WARNING_DEFAULT_MS,
            "title": title,
            "zones": zones or ZoneSelector(all=True),
            "texts": texts,
            "files": dict(files or {}),
            "level": level,
            "siren": siren,
            "repeat_every_ms": repeat_every_ms,
            "author": author or self._by,
            "approver": approver,
            "template": template,
            "drill": drill,
        }
        try:
            warning = msgspec.convert(msgspec.to_builtins(fields), documents.Warning)
        except msgspec.ValidationError as error:
            raise DistrictError(f"warning: {error}") from error
        self._check_lifetime(warning)
        others = [one for one in self.active_warnings(to) if one.id != warning.id]
        return self._send_warnings(to, [*others, warning], warning.id, cosign, wait_s, progress)

    def cancel(
        self,
        warning: str,
        *,
        to: str | None = None,
        cosign: Sequence[Path] = (),
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned | UntilSecondSignature:
        """End a warning wherever it stands. to: only when the same id stands in several places."""
        audience = to or self._audience_of_warning(warning)
        active = self.active_warnings(audience)
        changed = [_cancelled(one) if one.id == warning else one for one in active]
        if changed == active:
            raise DistrictError(f"{warning}: not among the warnings of {audience}")
        return self._send_warnings(audience, changed, warning, cosign, wait_s, progress)

    def cosign(
        self,
        pending: Path | str,
        key: Path,
        *,
        wait_s: float = 5.0,
        progress: Progress | None = None,
    ) -> Warned:
        """Add the second officer's signature to what is waiting, and send it."""
        path = pending if isinstance(pending, Path) else self.home.pending / f"{pending}.json"
        try:
            waiting = msgspec.json.decode(path.read_bytes(), type=_Pending)
            envelope = open_envelope(waiting.sealed.encode())
            document = decode_signed(envelope.body)
        except (OSError, msgspec.DecodeError, EnvelopeError, Malformed) as error:
            raise DistrictError(f"{path}: {error}") from error
        second = self.keyring.cosigner("emergency", key)
        officers = self.keyring.of_role("emergency")
        first = {one.keyid for one in signers_of(envelope, officers)}
        if not first or second.keyid in first:
            raise DistrictError(f"{path}: {key} has signed it already; another officer must")
        if (
            not isinstance(document, Warnings)
            or self._next_warning_revision(waiting.audience) != document.revision
        ):
            raise DistrictError(f"{path}: another warning was sent meanwhile; write it again")
        sealed = seal(envelope.body, (*envelope.signatures, second.sign(envelope.body)))
        push = self._record_sealed(document, envelope.body, sealed, f"cosigned {key.stem}")
        path.unlink()
        delivery = self._send(push, self._stations(waiting.audience), wait_s, progress)
        return Warned(id=waiting.id, text=waiting.text, delivery=delivery)

    def active_warnings(self, audience: str) -> list[documents.Warning]:
        """What stands in the newest warning document and has not run out."""
        latest = self.ledger.latest(audience, "warning")
        document = None if latest is None else _open(latest)
        if not isinstance(document, Warnings):
            return []
        now_ms = self._clock_ms()
        return [one for one in document.warnings if one.valid_until_ms > now_ms]

    def _audience_of_warning(self, warning: str) -> str:
        for push in self.ledger.current():
            if push.kind == "warning" and any(
                one.id == warning for one in self.active_warnings(push.audience)
            ):
                return push.audience
        raise DistrictError(f"{warning}: no such active warning; districtctl warn list")

    def _check_lifetime(self, warning: documents.Warning) -> None:
        length_ms = warning.valid_until_ms - warning.issued_at_ms
        if not 0 < length_ms <= documents.WARNING_LIFETIME_MAX_MS:
            raise DistrictError("a warning ends after now and within 24 hours; renew it then")

    def _next_warning_revision(self, audience: str) -> int:
        return self._base(audience, "warning", None)[0] + 1

    def _send_warnings(
        self,
        audience: str,
        active: Sequence[documents.Warning],
        about: str,
        cosign: Sequence[Path],
        wait_s: float,
        progress: Progress | None,
    ) -> Warned | UntilSecondSignature:
        document = compose.warnings(
            self.authority,
            audience,
            active,
            revision=self._next_warning_revision(audience),
            now_ms=self._clock_ms(),
        )
        keyring = self.keyring
        keys = [keyring.signing("emergency")]
        keys += [keyring.cosigner("emergency", path) for path in cosign]
        one = next(one for one in active if one.id == about)
        text = next(iter(one.texts.values()), one.title)
        if len({key.keyid for key in keys}) < compose.signatures_needed(document):
            return self._hold(document, keys, about, text)
        push = self._record(document, keys, note=one.title)
        delivery = self._send(push, self._stations(audience), wait_s, progress)
        return Warned(id=about, text=text, delivery=delivery)

    def _hold(
        self, document: Warnings, keys: Sequence[SigningKey], about: str, text: str
    ) -> UntilSecondSignature:
        body = compose.encode(document)
        sealed = seal(body, tuple(key.sign(body) for key in keys))
        pending = _Pending(
            id=about,
            audience=document.audience,
            revision=document.revision,
            text=text,
            by=self._by,
            sealed=sealed.decode(),
        )
        path = self.home.pending / f"{about}.json"
        write_whole(path, msgspec.json.format(msgspec.json.encode(pending), indent=2))
        return UntilSecondSignature(id=about, path=path, text=text)

    # --- commands ----------------------------------------------------------------------

    def command(self, to: str, action: Action, *, wait_s: float = 10.0) -> Commanded:
        """Send one command and wait for the terminal acks. to: `s/<station>` or `g/<group>`."""
        stations = self._stations(to)
        command_id, sealed = self._command(to, action)
        with self._courier() as courier:
            courier.subscribe([station_up(station, "ack") for station in stations])
            courier.publish(audience_down(to, "cmd"), sealed, retain=False)
            acks = await_acks(courier, command_id, stations, wait_s) if wait_s > 0 else {}
        return Commanded(id=command_id, audience=to, stations=stations, acks=acks)

    def resend_command(self, station: str, from_seq: int) -> bytes:
        """The sealed command by which the collector asks for a gap again."""
        return self._command(f"s/{station}", Resend(from_seq=from_seq))[1]

    def _command(self, to: str, action: Action) -> tuple[str, bytes]:
        key = self.keyring.signing("command")
        now_ms = self._clock_ms()
        command_id = f"c-{secrets.token_hex(6)}"
        document = compose.command(
            self.authority,
            to,
            action,
            command_id=command_id,
            seq=self.ledger.next_command_seq(key.keyid, to, now_ms),
            now_ms=now_ms,
            by=self._by,
        )
        body = compose.encode(document)
        verb = action.__struct_config__.tag
        self.ledger.record_command(command_id, to, now_ms, self._by, str(verb))
        return command_id, seal(body, (key.sign(body),))

    # --- what came back ----------------------------------------------------------------

    def receipts(
        self,
        audience: str,
        kind: DocumentKind,
        *,
        wait_s: float = 2.0,
        progress: Progress | None = None,
    ) -> Delivery:
        """Who has applied the newest revision of a document by now."""
        push = self.ledger.latest(audience, kind)
        if push is None:
            raise DistrictError(f"{audience}: nothing of kind {kind} was pushed from this home")
        sent = self._sent(push, self._stations(audience))
        with self._courier() as courier:
            return await_receipts(courier, sent, wait_s, progress)

    def republish(self) -> int:
        """Tell the broker everything again that it does not hold (it lost its database)."""
        told = 0
        with self._courier() as courier:
            for push in self.ledger.current():
                topic = audience_down(push.audience, push.kind)
                held = _retained_document(courier.retained(topic))
                if held is None or held.revision < push.revision:
                    courier.publish(topic, push.sealed, retain=True)
                    told += 1
        return told

    # --- common ------------------------------------------------------------------------

    def _courier(self) -> Courier:
        return Courier("127.0.0.1", self.file.broker.operator_port, self.home.operator)

    def _stations(self, audience: str) -> tuple[str, ...]:
        """Raises DistrictError for an audience nobody belongs to."""
        file = self.file
        kind, _, name = audience.partition("/")
        known = [one.id for one in (file.station if kind == "s" else file.group)]
        if kind not in ("s", "g") or name not in known:
            raise DistrictError(f"{audience}: unknown; there are {', '.join(known) or 'none yet'}")
        return tuple(station.id for station in file.members(audience))

    def _base(self, audience: str, kind: str, made_from: int | None) -> tuple[int, Document | None]:
        """(newest revision anywhere, the document of that revision). Raises Conflict.

        Compare-and-set: what the broker holds counts, not only what this home remembers.
        """
        own = self.ledger.latest(audience, kind)
        with self._courier() as courier:
            retained = _retained_document(courier.retained(audience_down(audience, kind)))
        own_revision = 0 if own is None else own.revision
        newest = max(own_revision, 0 if retained is None else retained.revision)
        base = own_revision if made_from is None else made_from
        if newest > base:
            raise Conflict(_who_was_faster(audience, kind, newest, base, retained, own))
        if own is not None and own_revision == newest:
            return newest, _as_document(_open(own))
        return newest, retained

    def _record(self, document: Signed, keys: Sequence[SigningKey], note: str = "") -> Push:
        body = compose.encode(document)
        sealed = seal(body, tuple(key.sign(body) for key in keys))
        return self._record_sealed(document, body, sealed, note)

    def _record_sealed(self, document: Signed, body: bytes, sealed: bytes, note: str) -> Push:
        if len(sealed) > MESSAGE_MAX_BYTES:
            raise DistrictError(
                f"{document.audience}: {len(sealed)} bytes signed, {MESSAGE_MAX_BYTES} fit; "
                "split it between the group and the stations, or let old items end"
            )
        if not isinstance(document, Trust | Schedule | Content | Warnings):
            raise DistrictError("only documents have revisions")
        push = Push(
            audience=document.audience,
            kind=str(document.__struct_config__.tag),
            revision=document.revision,
            digest=digest_of(body),
            at_ms=document.issued_at_ms,
            by=self._by,
            note=note,
            sealed=sealed,
        )
        self.ledger.record(push)
        return push

    def _sent(self, push: Push, stations: tuple[str, ...]) -> Sent:
        return Sent(
            authority=self.authority,
            audience=push.audience,
            kind=push.kind,
            revision=push.revision,
            digest=push.digest,
            stations=stations,
        )

    def _send(
        self,
        push: Push,
        stations: tuple[str, ...],
        wait_s: float,
        progress: Progress | None = None,
    ) -> Delivery:
        sent = self._sent(push, stations)
        with self._courier() as courier:
            courier.publish(audience_down(push.audience, push.kind), push.sealed, retain=True)
            if wait_s > 0:
                return await_receipts(courier, sent, wait_s, progress)
        waiting = tuple(Receipt(station=station, state="waiting") for station in stations)
        return Delivery(sent=sent, receipts=waiting)


def _replace_station(file: DistrictFile, station: Station) -> DistrictFile:
    others = tuple(one for one in file.station if one.id != station.id)
    ordered = tuple(sorted((*others, station), key=lambda one: one.id))
    return msgspec.structs.replace(file, station=ordered)


def _open(push: Push) -> Signed:
    return decode_signed(open_envelope(push.sealed).body)


def _entries_of(document: Document | None) -> tuple[Entry, ...]:
    return document.entries if isinstance(document, Schedule) else ()


def _as_document(message: Signed) -> Document | None:
    return message if isinstance(message, Trust | Schedule | Content | Warnings) else None


def _retained_document(raw: bytes | None) -> Document | None:
    if raw is None:
        return None
    try:
        return _as_document(decode_signed(open_envelope(raw).body))
    except (EnvelopeError, Malformed):
        return None


def _who_was_faster(
    audience: str,
    kind: str,
    newest: int,
    base: int,
    retained: Document | None,
    own: Push | None,
) -> str:
    by = retained.pushed_by if isinstance(retained, Schedule) else ""
    at_ms = 0 if retained is None else retained.issued_at_ms
    if own is not None and own.revision == newest:
        by, at_ms = own.by, own.at_ms
    when = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).isoformat(timespec="minutes")
    return (
        f"{audience} {kind}: revision {newest} was pushed by {by or 'another district home'} at "
        f"{when}, yours is made from {base}; compare, then push with --base {newest}"
    )


def _cancelled(warning: documents.Warning) -> documents.Warning:
    if warning.cancelled:
        return warning
    return msgspec.structs.replace(warning, cancelled=True, revision=warning.revision + 1)


def _said(
    text: str | Mapping[Language, str],
    template: str | None,
    slots: Mapping[str, str],
    title: str,
    level: str | None,
) -> tuple[dict[Language, str], str, str]:
    """(texts by language, title, level) of a template or of free text."""
    if template is not None:
        if text:
            raise DistrictError("either a template or free text, not both")
        try:
            spoken = warning_templates.fill(template, slots)
        except warning_templates.TemplateError as error:
            raise DistrictError(str(error)) from error
        found = warning_templates.TEMPLATES[template]
        return {"vi": spoken}, title or found.title, level or found.level
    texts = {"vi": text} if isinstance(text, str) else dict(text)
    if not any(one.strip() for one in texts.values()):
        raise DistrictError("a warning needs a text or a template")
    first = next(iter(texts.values()))
    return texts, title or first[:60], level or "warning"
