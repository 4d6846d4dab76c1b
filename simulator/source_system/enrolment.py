"""The enrolment bundle: what a station's configuration points to after it was enrolled.

Owns the folder `enrolments/<station>`: ca.pem, client.pem, client.key (pilot only; with a CSR
the key stays on the box), root.json (which keys found the trust), enrolment.json (addresses).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from simulator.source_system.home import DistrictFile, Station
from simulator.source_system.keyring import ROOT_THRESHOLD, KeyInfo
from simulator.source_system.pki import CertificateAuthority, Credentials
from simulator.source_system.private_files import make_private_folder, write_whole


@dataclass(frozen=True)
class Enrolment:
    """Paths of one bundle. key is None when the box made its own and sent a CSR."""

    station: str
    folder: Path
    ca: Path
    certificate: Path
    key: Path | None
    root_keys: Path
    broker_host: str
    broker_port: int


class _Root(msgspec.Struct, kw_only=True):
    public: str
    holder: str
    not_after_ms: int


class _Roots(msgspec.Struct, kw_only=True):
    threshold: int
    keys: dict[str, _Root]


def write_bundle(
    folder: Path,
    authority: CertificateAuthority,
    district: DistrictFile,
    station: Station,
    keys: tuple[KeyInfo, ...],
    csr_pem: bytes | None,
) -> tuple[Enrolment, Credentials]:
    """Issue the certificate and write the bundle. Raises PkiError for an unfit request."""
    make_private_folder(folder)
    if csr_pem is None:
        credentials = authority.issue_client(folder, station.id)
    else:
        credentials = authority.sign_csr(folder, csr_pem, station.id)
    root_keys = folder / "root.json"
    write_whole(root_keys, _pretty(_roots(keys)))
    write_whole(folder / "enrolment.json", _pretty(_addresses(district, station)))
    broker = district.broker
    enrolment = Enrolment(
        station.id,
        folder,
        credentials.ca,
        credentials.certificate,
        credentials.key,
        root_keys,
        broker.host,
        broker.port,
    )
    return enrolment, credentials


def _roots(keys: tuple[KeyInfo, ...]) -> _Roots:
    roots = {
        key.keyid: _Root(public=key.public, holder=key.holder, not_after_ms=key.not_after_ms)
        for key in keys
        if key.role == "root"
    }
    return _Roots(threshold=ROOT_THRESHOLD, keys=roots)


def _addresses(district: DistrictFile, station: Station) -> dict[str, object]:
    return {
        "station": station.id,
        "name": station.name,
        "authority": district.authority.id,
        "broker": {"host": district.broker.host, "port": district.broker.port},
        "content": district.content.base_url,
        "zones": {zone.name: list(zone.tags) for zone in station.zone},
    }


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
