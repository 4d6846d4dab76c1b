"""Live from the studio: a signed entry that begins in a moment, and is taken out when it is over.

Owns what is signed for a live session. A timetable is what stations trust for sound of class 2
and 3, so a session is one entry more in it: bound in time, to zones, to one address that only this
entry names. The sound itself is `studio`, `live_shelf` and `live_server`.

Invariants: nobody is told of a session whose sound nobody hands out; what others pushed meanwhile
stays as it is; the entry ends by itself even when it can no longer be taken out.
"""

from __future__ import annotations

import datetime as dt
import http.client
import ssl
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from agent.contract.documents import (
    Entry,
    FileSource,
    RelayRule,
    Schedule,
    Settings,
    Source,
    StreamSource,
    ToneSource,
    When,
    ZoneSelector,
)
from simulator.source_system import compose
from simulator.source_system.desk import TIME_ZONE
from simulator.source_system.live_shelf import LiveSession, LiveShelf
from simulator.source_system.problems import DistrictError
from simulator.source_system.receipts import Delivery, Progress
from simulator.source_system.timetable_desk import TimetableDesk

REACHED_WITHIN_S = 5.0
TRIES = 3
"""A station that loses the stream comes back so often before it gives up, or takes the spare."""

SILENT_MS = 20_000


def live_entry(
    session: LiveSession,
    zones: ZoneSelector,
    url: str,
    *,
    fallback: str = "",
    chime: bool = False,
    pauses: bool = False,
) -> Entry:
    """fallback: the slot that stands in. pauses: who speaks may be silent for long."""
    start = dt.datetime.fromtimestamp(session.starts_ms / 1000, ZoneInfo(TIME_ZONE))
    sources: tuple[Source, ...] = (StreamSource(url=url),) * TRIES
    if fallback:
        sources = (StreamSource(url=url), FileSource(slot=fallback))
    return Entry(
        id=session.entry,
        title=session.title,
        when=When(start=start.strftime("%Y-%m-%dT%H:%M:%S"), tz=TIME_ZONE),
        sources=sources,
        zones=zones,
        klass=session.klass,
        duration_ms=session.ends_ms - session.starts_ms,
        chime=ToneSource(name="chime") if chime else None,
        author=session.by,
        relay=RelayRule(
            retake="at_once" if fallback else "never", silent_ms=0 if pauses else SILENT_MS
        ),
    )


class LiveDesk(TimetableDesk):
    """Tell stations of a session, and that it is over."""

    @property
    def live(self) -> LiveShelf:
        return LiveShelf(self.home.live)

    def live_url(self, session: LiveSession) -> str:
        return f"{self.file.content.base_url}/live/{session.token}"

    def reach_live(self, session: LiveSession) -> None:
        """Fetch it as a station would. Raises DistrictError."""
        address = urlsplit(self.live_url(session))
        try:
            tls = ssl.create_default_context(cafile=str(self.home.server / "ca.pem"))
            link = http.client.HTTPSConnection(
                address.hostname or "", address.port, timeout=REACHED_WITHIN_S, context=tls
            )
            try:
                link.request("HEAD", address.path)
                status = link.getresponse().status
            finally:
                link.close()
        except (OSError, http.client.HTTPException) as error:
            raise DistrictError("live_unserved", address.netloc, error) from error
        if status != http.client.OK:
            raise DistrictError("live_unserved", address.netloc, status)

    def go_on_air(
        self,
        session: LiveSession,
        entry: Entry,
        *,
        wait_s: float = 0.0,
        progress: Progress | None = None,
    ) -> Delivery:
        """One entry more in the newest timetable there is. Raises DistrictError."""
        newest, base = self._base(session.audience, "schedule", adopt=True)
        held = base if isinstance(base, Schedule) else None
        if held is not None and (held.effective_from or "") > entry.when.start:
            raise DistrictError("live_not_in_force", session.audience, held.effective_from)
        entries = () if held is None else held.entries
        settings = self._settings(session.audience) if held is None else held.settings
        return self._revise(session, newest, held, (*entries, entry), settings, wait_s, progress)

    def take_off(
        self, session: LiveSession, *, wait_s: float = 0.0, progress: Progress | None = None
    ) -> Delivery | None:
        """The newest timetable without it; None: it stands in none any more."""
        newest, base = self._base(session.audience, "schedule", adopt=True)
        if not isinstance(base, Schedule):
            return None
        entries = tuple(one for one in base.entries if one.id != session.entry)
        if len(entries) == len(base.entries):
            return None
        return self._revise(session, newest, base, entries, base.settings, wait_s, progress)

    def _revise(
        self,
        session: LiveSession,
        newest: int,
        base: Schedule | None,
        entries: tuple[Entry, ...],
        settings: Settings | None,
        wait_s: float,
        progress: Progress | None,
    ) -> Delivery:
        document = compose.schedule(
            self.authority,
            session.audience,
            entries,
            revision=newest + 1,
            made_from=0 if base is None else base.revision,
            now_ms=self._clock_ms(),
            pushed_by=self._by,
            effective_from=None if base is None else base.effective_from,
            settings=settings,
        )
        push = self._record(document, [self.keyring.signing("schedule")], session.entry)
        return self._send(push, self._stations(session.audience), wait_s, progress)
