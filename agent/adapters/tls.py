"""TLS towards the broker: the context, and how dates are judged while the clock is not trusted.

A box that boots in 1970 could otherwise never reach the place that tells it the time. Issuer and
name are verified always; only the dates are then judged by an instant that has certainly passed.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the ssl module does not name.
_NO_CHECK_TIME = 0x200000


class TlsContext(ssl.SSLContext):
    """Remembers what it wrapped: paho forgets a socket whose handshake failed."""

    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.wrapped = super().wrap_socket(*args, **options)
        return self.wrapped


def client_context(ca: str, certificate: str, key: str, *, judge_dates: bool) -> TlsContext:
    """Mutual TLS 1.2 or newer; empty `ca` means the system's authorities.

    Raises OSError: a file is missing or not what it should be; the text names what is missing.
    """
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not judge_dates:
        context.verify_flags |= _NO_CHECK_TIME
    for name in (ca, certificate, key):
        if name and not Path(name).exists():
            raise FileNotFoundError(f"{name} does not exist")
    if ca:
        context.load_verify_locations(ca)
    else:
        context.load_default_certs()
    if certificate:
        context.load_cert_chain(certificate, key or None)
    return context


def check_dates(sock: ssl.SSLSocket, floor_ms: int) -> None:
    """The peer's certificate must not have ended before `floor_ms`. Raises ssl.SSLError."""
    certificate = sock.getpeercert() or {}
    not_after = str(certificate.get("notAfter", ""))
    if not not_after or ssl.cert_time_to_seconds(not_after) * 1_000 < floor_ms:
        raise ssl.SSLError(f"certificate ended {not_after or 'at an unknown time'}")
