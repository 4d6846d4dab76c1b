"""The modelled content server and the live streams: what can be fetched, and what comes of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from agent.core.events import FetchFault


@dataclass(slots=True)
class Offered:
    """A file on the server. fault: what fetching it leads to; None: all is well."""

    size: int
    duration_ms: int
    fault: FetchFault | None = None
    audio: bool = True


@dataclass(slots=True)
class Server:
    """Files by hash, and the URLs that stream at this moment."""

    files: dict[str, Offered] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)

    def offer(
        self,
        name: str,
        duration_ms: int,
        fault: FetchFault | None = None,
        *,
        audio: bool = True,
    ) -> str:
        """Put a file on the server; returns its hash."""
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        self.files[sha256] = Offered(duration_ms * 8, duration_ms, fault, audio)
        return sha256

    def fault_of(self, sha256: str, url: str) -> FetchFault | None:
        offered = self.files.get(sha256)
        if offered is None or not url.startswith("https://content.example/"):
            return "not_found"
        return offered.fault

    def length_of(self, sha256: str) -> int | None:
        offered = self.files.get(sha256)
        return offered.duration_ms if offered is not None and offered.audio else None

    def streams(self, url: str) -> bool:
        return url in self.live
