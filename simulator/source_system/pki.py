"""Certificates of the district: one authority, server certificates, one client per station.

Owns: EC P-256 keys and X.509 files in one folder. Does not own the Ed25519 keys that sign
documents (`keyring`): whoever steals a certificate can connect, never speak.

Invariants: private keys are written 0600; a certificate names the identity the *district* chose,
never the one a request asks for; a request must prove that it holds its key.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from simulator.source_system.keyring import KEY_ERRORS
from simulator.source_system.private_files import write_secret, write_whole
from simulator.source_system.problems import PkiError

CA_LIFETIME = dt.timedelta(days=3650)
SERVER_LIFETIME = dt.timedelta(days=397)
CLIENT_LIFETIME = dt.timedelta(days=90)
BACKDATED = dt.timedelta(days=1)
"""Certificates begin a day early: the box's clock may be behind."""


@dataclass(frozen=True)
class Credentials:
    """Where one identity's files lie. `key` is None when the key never left the box (CSR)."""

    ca: Path
    certificate: Path
    key: Path | None
    serial: int
    not_after_ms: int


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def make_csr(identity: str) -> tuple[bytes, bytes]:
    """(key PEM, request PEM) as a box makes them; here for pilots and tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(_name(identity))
    signed = request.sign(key, hashes.SHA256())
    return _key_pem(key), signed.public_bytes(serialization.Encoding.PEM)


class CertificateAuthority:
    """The district's own certificate authority, kept in `folder` (ca.pem, ca.key)."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.folder = folder
        self._certificate = certificate
        self._key = key

    @property
    def certificate_path(self) -> Path:
        return self.folder / "ca.pem"

    @classmethod
    def create(
        cls, folder: Path, name: str, now: dt.datetime | None = None
    ) -> CertificateAuthority:
        """A new authority; refuses to replace one, that would cut off every station."""
        if (folder / "ca.key").exists():
            raise PkiError("pki_exists", folder / "ca.key")
        key = ec.generate_private_key(ec.SECP256R1())
        start = now or dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - BACKDATED)
            .not_valid_after(start + CA_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_ca_usage(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        write_secret(folder / "ca.key", _key_pem(key))
        write_whole(folder / "ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, certificate, key)

    @classmethod
    def load(cls, folder: Path) -> CertificateAuthority:
        try:
            certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        except (OSError, *KEY_ERRORS) as error:
            raise PkiError("pki_unreadable", folder, error) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise PkiError("pki_unreadable", folder / "ca.key")
        return cls(folder, certificate, key)

    def issue_server(
        self, folder: Path, hosts: Sequence[str], now: dt.datetime | None = None
    ) -> Credentials:
        """server.pem and server.key for every name or address in `hosts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_host_name(host) for host in hosts])
        certificate = self._sign(
            key.public_key(), hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, SERVER_LIFETIME, now, names
        )
        return self._write(folder, "server", certificate, _key_pem(key))

    def issue_client(
        self, folder: Path, identity: str, now: dt.datetime | None = None
    ) -> Credentials:
        """client.pem and client.key; `identity` becomes the MQTT user name."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._client(key.public_key(), identity, now)
        return self._write(folder, "client", certificate, _key_pem(key))

    def sign_csr(
        self, folder: Path, csr_pem: bytes, identity: str, now: dt.datetime | None = None
    ) -> Credentials:
        """client.pem for a key that stays on the box. Raises PkiError for an unfit request."""
        try:
            request = x509.load_pem_x509_csr(csr_pem)
            signed, public = request.is_signature_valid, request.public_key()
        except (x509.InvalidVersion, *KEY_ERRORS) as error:
            raise PkiError("csr_bad", identity, error) from error
        if not signed:
            raise PkiError("csr_bad", identity, "signature")
        if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != "secp256r1":
            raise PkiError("csr_bad", identity, "key")
        return self._write(folder, "client", self._client(public, identity, now), None)

    def _client(
        self, public: ec.EllipticCurvePublicKey, identity: str, now: dt.datetime | None
    ) -> x509.Certificate:
        return self._sign(public, identity, ExtendedKeyUsageOID.CLIENT_AUTH, CLIENT_LIFETIME, now)

    def _sign(
        self,
        public: ec.EllipticCurvePublicKey,
        common_name: str,
        usage: x509.ObjectIdentifier,
        lifetime: dt.timedelta,
        now: dt.datetime | None,
        names: x509.SubjectAlternativeName | None = None,
    ) -> x509.Certificate:
        start = now or dt.datetime.now(dt.UTC)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(common_name))
            .issuer_name(self._certificate.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start - BACKDATED)
            .not_valid_after(start + lifetime)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(issuer, critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(
        self, folder: Path, stem: str, certificate: x509.Certificate, key_pem: bytes | None
    ) -> Credentials:
        encoding = serialization.Encoding.PEM
        write_whole(folder / f"{stem}.pem", certificate.public_bytes(encoding))
        ca_copy = folder / "ca.pem"
        if ca_copy != self.certificate_path:
            write_whole(ca_copy, self._certificate.public_bytes(encoding))
        key = None
        if key_pem is not None:
            key = folder / f"{stem}.key"
            write_secret(key, key_pem)
        not_after_ms = int(certificate.not_valid_after_utc.timestamp() * 1000)
        return Credentials(
            ca_copy, folder / f"{stem}.pem", key, certificate.serial_number, not_after_ms
        )


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
