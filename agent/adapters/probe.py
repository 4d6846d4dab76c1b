"""Is the Internet open? One page, asked for when the core wants to know.

Owns the asking. Whoever answers in the page's stead (a log-in page, the operator's reminder to pay)
sends a redirect or a page of their own: both are followed nowhere and told as captive.
"""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

from agent.adapters.ports import Emit
from agent.core.effects import Probe
from agent.core.events import Probed

WITHIN_S = 10.0
DETAIL_MAX = 80


class Prober:
    """Obeys Probe; one at a time, each in a thread that keeps nobody from leaving."""

    def __init__(self, emit: Emit, *, within_s: float = WITHIN_S) -> None:
        self._emit = emit
        self._within_s = within_s
        self._busy = threading.Lock()

    def ask(self, act: Probe) -> None:
        if self._busy.acquire(blocking=False):
            threading.Thread(target=self._ask, args=(act.url,), name="probe", daemon=True).start()

    def _ask(self, url: str) -> None:
        try:
            self._emit(probe(url, self._within_s))
        finally:
            self._busy.release()


def probe(url: str, within_s: float) -> Probed:
    """Ask once. Blocks."""
    try:
        page = urlsplit(url)
        kind = http.client.HTTPSConnection if page.scheme == "https" else http.client.HTTPConnection
        connection = kind(page.hostname or "", page.port, timeout=within_s)
    except (ValueError, http.client.InvalidURL) as error:
        return Probed("unreachable", str(error)[:DETAIL_MAX])
    try:
        target = (page.path or "/") + (f"?{page.query}" if page.query else "")
        connection.request("GET", target, headers={"Connection": "close"})
        answer = connection.getresponse()
        if answer.status == http.client.NO_CONTENT:
            return Probed("open")
        where = answer.getheader("Location", "")
        return Probed("captive", f"{answer.status} {where}".strip()[:DETAIL_MAX])
    except (OSError, http.client.HTTPException) as error:
        return Probed("unreachable", (str(error) or type(error).__name__)[:DETAIL_MAX])
    finally:
        connection.close()
