"""The district as an object: enrol, push, publish, warn, cancel, command, ask what arrived.

Owns making a district and enrolling stations; the rest of its work stands in the desks it is
made of. No global state: the clock, the person's name and the passphrase are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from agent.contract.documents import DocumentKind
from agent.contract.topics import audience_down
from simulator.source_system import authorities, compose
from simulator.source_system.acl import COLLECTOR, OPERATOR, acl_text
from simulator.source_system.bounds import in_words
from simulator.source_system.broker import free_port
from simulator.source_system.command_desk import CommandDesk, Commanded
from simulator.source_system.compose import PublicAuthority
from simulator.source_system.content_desk import Published
from simulator.source_system.desk import retained_document, wall_clock_ms
from simulator.source_system.emergency_desk import EmergencyDesk, UntilSecondSignature, Warned
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
from simulator.source_system.keyring import Backup, SecondHolder, create_keyring
from simulator.source_system.ledger import Push
from simulator.source_system.live_desk import LiveDesk
from simulator.source_system.pki import CertificateAuthority
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import Conflict, CourierError, DistrictError
from simulator.source_system.receipts import Delivery, Progress, await_receipts
from simulator.source_system.regulation_desk import RegulationDesk
from simulator.source_system.timetable_desk import Draft, TimetableRefused

__all__ = [
    "Backup",
    "Commanded",
    "Conflict",
    "District",
    "DistrictError",
    "Draft",
    "Enrolment",
    "PublicAuthority",
    "Published",
    "SecondHolder",
    "TimetableRefused",
    "UntilSecondSignature",
    "Warned",
]


class District(LiveDesk, RegulationDesk, EmergencyDesk, CommandDesk):
    """One district home with all its desks."""

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
        through: Path | None = None,
    ) -> District:
        """A new district home: keys first (KeyringError leaves nothing), then certificates.

        hosts: how stations reach this machine; the first stands in their bundles. through: the
        home whose broker and stations are used, for an authority that has no broker of its own.
        """
        paths = Home(home)
        if paths.exists():
            raise DistrictError("home_exists", paths.file)
        if through is not None:
            Home(through).read()
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
        if through is not None:
            authorities.speak_through(paths, Home(through))
        ask = None if passphrase is None else lambda _name: passphrase
        return cls(home, clock_ms=clock_ms, ask_passphrase=ask, by=by, on_enrolled=on_enrolled)

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
        obey_also: Sequence[PublicAuthority] | None = None,
        wait_s: float = 0.0,
    ) -> Enrolment:
        """Certificate, bundle, ACL and the signed trust document, retained on the broker.

        zones: name → tags. groups: beside the group everybody is in; new ones are made. Again
        for an enrolled station: a new certificate and a new trust revision, history kept.
        obey_also: other authorities that the station obeys from now on; None: as before.
        When the broker is down the trust document is recorded and `republish` sends it later.
        """
        with self.home.locked():
            file, entry = self._with_station(station, name, zones, groups)
            if obey_also is not None:
                authorities.keep(self.home, obey_also)
                obeys = tuple(one.authority.id for one in obey_also)
                entry = msgspec.structs.replace(entry, obeys=obeys)
                file = _replace_station(file, entry)
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
            push = self._record_trust(entry)
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
        """Its entry; one that is enrolled again keeps its groups, unless others are named, and its
        volumes: a renewed certificate must not take a station out of reach of a warning."""
        file = self.file
        held = file.find(station)
        kept = held.groups if held is not None and not groups else ()
        wanted = tuple(dict.fromkeys((EVERYBODY, *kept, *groups)))
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
            raise DistrictError("station_wrong", station, in_words(error)) from error
        if not entry.zone:
            raise DistrictError("station_no_zone", station)
        if held is not None:
            entry = msgspec.structs.replace(
                entry,
                volume=held.volume,
                warning_volume=held.warning_volume,
                obeys=held.obeys,
            )
        file = msgspec.structs.replace(file, group=file.group + new)
        return _replace_station(file, entry), entry

    def _write_acl(self, file: DistrictFile) -> None:
        groups = {station.id: self._groups(station) for station in file.station}
        write_whole(self.home.acl, acl_text(groups).encode())
        if self._on_enrolled is not None:
            self._on_enrolled()

    def _groups(self, station: Station) -> tuple[str, ...]:
        """Those of this district, and those of other authorities that it obeys."""
        others = authorities.kept(self.home, station)
        return (*station.groups, *(group for one in others for group in one.groups))

    def _record_trust(self, station: Station) -> Push:
        audience = f"s/{station.id}"
        latest = self.ledger.latest(audience, "trust")
        revision = 1 if latest is None else latest.revision + 1
        others = authorities.kept(self.home, station)
        document = compose.trust(self.public(), others, station, revision, self._clock_ms())
        return self._record(document, [self.keyring.signing("root")])

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
            raise DistrictError("revision_unknown", audience, kind)
        sent = self._sent(push, self._stations(audience))
        with self._courier() as courier:
            return await_receipts(courier, sent, wait_s, progress)

    def republish(self) -> int:
        """Tell the broker everything again that it does not hold (it lost its database)."""
        told = 0
        pushes = self.ledger.current()
        keys = self.keyring.keys
        topics = [audience_down(push.audience, push.kind) for push in pushes]
        with self._courier() as courier:
            for push, topic, raw in zip(pushes, topics, courier.retained(topics), strict=True):
                held = retained_document(raw, keys)
                if held is None or held.revision < push.revision:
                    courier.publish(topic, push.sealed, retain=True)
                    told += 1
        return told


def _replace_station(file: DistrictFile, station: Station) -> DistrictFile:
    others = tuple(one for one in file.station if one.id != station.id)
    ordered = tuple(sorted((*others, station), key=lambda one: one.id))
    return msgspec.structs.replace(file, station=ordered)
