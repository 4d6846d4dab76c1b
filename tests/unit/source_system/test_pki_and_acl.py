"""Certificates name whom the district chose; the ACL lists exactly what a station may."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from simulator.source_system.acl import acl_text
from simulator.source_system.pki import CertificateAuthority, make_csr
from simulator.source_system.problems import PkiError


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path / "pki", "trial CA")


def common_name(path: Path) -> str:
    subject = x509.load_pem_x509_certificate(path.read_bytes()).subject
    return str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def changed(pem: bytes, old: bytes, new: bytes) -> bytes:
    """The PEM file with the first `old` among its decoded bytes made `new`."""
    head, *body, tail = pem.splitlines()
    raw = base64.b64decode(b"".join(body))
    assert old in raw
    told = base64.b64encode(raw.replace(old, new, 1))
    return b"\n".join((head, told, tail, b""))


def test_the_identity_is_the_districts_choice_not_the_requests(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    _, csr = make_csr("_operator")
    credentials = authority.sign_csr(tmp_path / "a", csr, "tan-lien")
    assert common_name(credentials.certificate) == "tan-lien"
    assert credentials.key is None


@pytest.mark.parametrize("case", ["garbage", "curve", "kind", "version", "algorithm", "tampered"])
def test_a_request_that_cannot_be_trusted_is_refused(
    authority: CertificateAuthority, tmp_path: Path, case: str
) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name)
    _, good = make_csr("x")
    large = ec.generate_private_key(ec.SECP384R1())
    csr = {
        "garbage": b"-----",
        "curve": request.sign(large, hashes.SHA256()).public_bytes(Encoding.PEM),
        "kind": request.sign(ed25519.Ed25519PrivateKey.generate(), None).public_bytes(Encoding.PEM),
        "version": changed(good, b"\x02\x01\x00", b"\x02\x01\x09"),
        "algorithm": changed(good, b"\x2a\x86\x48\xce", b"\x2a\x86\x49\xce"),
        "tampered": good[:60] + bytes([good[60] ^ 1]) + good[61:],
    }[case]
    with pytest.raises(PkiError) as caught:
        authority.sign_csr(tmp_path / "a", csr, "tan-lien")
    assert caught.value.code == "csr_bad"


def test_keys_are_private_and_the_authority_is_never_replaced(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    client = authority.issue_client(tmp_path / "c", "tan-lien")
    assert client.key is not None
    for path in (client.key, tmp_path / "pki" / "ca.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(PkiError):
        CertificateAuthority.create(tmp_path / "pki", "another")
    assert CertificateAuthority.load(tmp_path / "pki").certificate_path.exists()


def test_a_certificate_begins_early_and_lives_ninety_days(
    authority: CertificateAuthority, tmp_path: Path
) -> None:
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    client = authority.issue_client(tmp_path / "c", "tan-lien", now)
    certificate = x509.load_pem_x509_certificate(client.certificate.read_bytes())
    assert certificate.not_valid_before_utc == now - dt.timedelta(days=1)
    assert certificate.not_valid_after_utc == now + dt.timedelta(days=90)


def test_a_station_reads_its_own_and_its_groups_and_writes_only_up() -> None:
    text = acl_text({"tan-lien": ("ha-luu",)})
    section = text.partition("user tan-lien\n")[2]
    lines = section.strip().splitlines()
    assert {line.rpartition("/")[0] for line in lines} == {
        "topic read radio/v1/s/tan-lien/dn",
        "topic read radio/v1/g/ha-luu/dn",
        "topic read radio/v1/s/tan-lien/up",
        "topic write radio/v1/s/tan-lien/up",
    }
    assert "topic read radio/v1/s/tan-lien/up/state" in lines
    assert not any("#" in line or "+" in line for line in lines)
