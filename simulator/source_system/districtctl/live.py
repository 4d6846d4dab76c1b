"""`districtctl live`: from the studio to the stations, until it is over or Ctrl-C.

Owns the order (sound first, then the stations are told; told that it is over, then the sound ends)
and what the screen shows meanwhile. What is signed is `live_desk`, the encoder is `studio`.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import threading
from collections.abc import Iterator, Sequence
from types import FrameType

from agent.contract.documents import ZoneSelector
from simulator.source_system.district import District
from simulator.source_system.districtctl.console import Console, Exit
from simulator.source_system.districtctl.moments import length, shown
from simulator.source_system.districtctl.phrases import mark
from simulator.source_system.districtctl.sending import audience, zones_of
from simulator.source_system.live_desk import live_entry
from simulator.source_system.live_shelf import Ending, LiveSession, Receivers, new_entry, new_token
from simulator.source_system.problems import CourierError, DistrictError
from simulator.source_system.receipts import Delivery
from simulator.source_system.said import Said
from simulator.source_system.studio import Studio, StudioSource, source_of

MINUTES_MOST = 240
LEAD_S = (3, 600)
FILE_AFTER_MS = 1_000
"""A file begins so long after the stations do: one that connects late misses nothing."""
TAIL_MS = 5_000
"""Stations play some 3 s behind the studio: 1.5 s in store, the encoder, the network."""
DRAIN_S = 4.0
SOON_MS = 30_000
STUDIO_AFTER_MS = 8_000
"""The studio goes on for longer than any station listens."""
LOOK_EVERY_S = 0.25


def live(district: District, console: Console, options: argparse.Namespace) -> Exit:
    words: Sequence[str] = options.source
    if words == ["list"]:
        return _list(district, console)
    if words[0] == "stop" and len(words) <= 2:
        return _stop(district, console, words[1] if len(words) == 2 else "", options.wait)
    if len(words) > 1:
        rest = " ".join(words[1:])
        raise _wrong("live", f"chỉ một nguồn, thừa “{rest}”", f"one source only, not “{rest}” too")
    if not (options.to or options.group or options.all):
        raise _wrong(
            "live",
            "chưa ghi phát tới đâu: --to ĐÀI, --group NHÓM hoặc --all",
            "where to is not said: --to STATION, --group GROUP or --all",
        )
    _within("--minutes", options.minutes, 1, MINUTES_MOST)
    _within("--lead", options.lead, *LEAD_S)
    to = audience(options)
    district.stations_of(to)  # nobody there: no microphone is opened
    zones = zones_of(district, to, options.zones, options.tags)
    source = source_of(words[0])
    if (source.length_ms or 0) > MINUTES_MOST * 60_000:
        most = MINUTES_MOST
        raise _wrong(words[0], f"dài hơn {most} phút", f"longer than {most} minutes")
    return _Broadcast(district, console, options, source, to, zones).run()


def _within(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _wrong(f"{option} {value}", f"từ {least} đến {most}", f"{least} to {most}")


def _wrong(where: str, vi: str, en: str) -> DistrictError:
    return DistrictError("live_argument", where, Said(vi, en))


class _Broadcast:
    """One session, from the first sound to the last word on the screen."""

    def __init__(
        self,
        district: District,
        console: Console,
        options: argparse.Namespace,
        source: StudioSource,
        to: str,
        zones: ZoneSelector,
    ) -> None:
        self._district = district
        self._console = console
        self._options = options
        self._source = source
        self._zones = zones
        self._stopped = threading.Event()
        self._hurried = threading.Event()
        self._shelf = district.live
        self._opened_ms = district.now_ms
        self._announced = False
        self._speaks = source.length_ms is None
        starts_ms = math.ceil((self._opened_ms + options.lead * 1_000) / 1_000) * 1_000
        plays_ms = options.minutes * 60_000
        if source.length_ms is not None:
            plays_ms = FILE_AFTER_MS + source.length_ms + TAIL_MS
        self._session = LiveSession(
            entry=new_entry(),
            token=new_token(),
            audience=to,
            title=options.title or console.phrase("live_title"),
            klass=options.klass,
            zones=_in_words(zones),
            source=source.shown,
            by=options.author or district.by,
            kbps=options.kbps,
            starts_ms=starts_ms,
            ends_ms=starts_ms + plays_ms,
        )

    def run(self) -> Exit:
        session = self._session
        lead_ms = session.starts_ms - self._opened_ms
        studio = Studio(
            self._source,
            self._shelf.sound(session.entry),
            kbps=session.kbps,
            lead_ms=lead_ms if self._speaks else lead_ms + FILE_AFTER_MS,
            ms=session.ends_ms - self._opened_ms + STUDIO_AFTER_MS,
        )
        try:
            return self._run(studio)
        finally:
            if not self._announced:
                self._shelf.forget(session)

    def _run(self, studio: Studio) -> Exit:
        session = self._session
        with _told_to_stop(self._stopped, self._hurried), studio:
            self._shelf.begin(session)
            ending: Ending = "stopped"
            try:
                self._district.reach_live(session)
                delivery = self._tell()
                refused = len(delivery.of("refused")) == len(delivery.receipts)
                ending = "refused" if refused else self._attend(studio)
                if ending == "stopped" and self._speaks and not refused:
                    self._drain(studio)
                told = self._take_off()
            except BaseException:
                with contextlib.suppress(CourierError, DistrictError):
                    self._district.take_off(session)  # nobody knows how far it went
                raise
            finally:
                ended = self._end(ending, studio)
        return self._show_end(ended, delivery, told, studio)

    # --- on the air ---------------------------------------------------------------------

    def _tell(self) -> Delivery:
        """Sign it, send it, and hear from the stations as long as there is time before it."""
        session, options = self._session, self._options
        entry = live_entry(
            session,
            self._zones,
            self._district.live_url(session),
            fallback=options.fallback,
            chime=options.chime,
            pauses=self._speaks,
        )
        self._console.say(
            "live_sent",
            sign="wait",
            title=session.title,
            start=shown(session.starts_ms),
            end=shown(session.ends_ms),
            kbps=session.kbps,
            entry=session.entry,
        )
        left_s = max(0.5, (session.starts_ms - self._district.now_ms) / 1_000 - 1.0)
        self._announced = True
        try:
            delivery = self._district.go_on_air(session, entry, wait_s=min(options.wait, left_s))
        except DistrictError:
            self._announced = False  # it was not even signed
            raise
        self._console.delivery(delivery)
        return delivery

    def _attend(self, studio: Studio) -> Ending:
        session = self._session
        before: Receivers | None = None
        begun = soon = False
        while not self._stopped.wait(LOOK_EVERY_S):
            now_ms = self._district.now_ms
            if now_ms >= session.ends_ms + TAIL_MS // 2:
                return "finished"
            held = self._shelf.read(session.entry)
            if held is not None and held.ending != "on_air":
                return "stopped"  # by `live stop`
            if not studio.sends:
                return "studio_lost"
            if not begun and now_ms >= session.starts_ms:
                begun = True
                self._console.say("live_speak" if self._speaks else "live_now", sign="ok")
            if self._speaks and not soon and now_ms > session.ends_ms - SOON_MS > session.starts_ms:
                soon = True
                self._console.say("live_soon", sign="note")
            receivers = self._shelf.receivers(session.entry)
            if receivers != before:
                before = receivers
                self._show_receivers(receivers, session.ends_ms - now_ms)
        return "stopped"

    def _drain(self, studio: Studio) -> None:
        """The last words are still on their way; what is said from now on is not sent."""
        studio.hush(DRAIN_S + 30.0)
        self._console.say("live_draining", sign="wait", seconds=round(DRAIN_S))
        self._hurried.wait(DRAIN_S)

    def _show_receivers(self, receivers: Receivers, left_ms: int) -> None:
        left = length(max(0, left_ms) // 1_000, self._console.lang)
        self._console.say(
            "live_receivers", indent=2, now=receivers.now, most=receivers.most, left=left
        )

    # --- the end ------------------------------------------------------------------------

    def _take_off(self) -> bool:
        """Whether the stations were told."""
        try:
            self._district.take_off(self._session, wait_s=min(5.0, self._options.wait))
        except (CourierError, DistrictError) as error:
            self._console.problem(error)
            return False
        return True

    def _end(self, ending: Ending, studio: Studio) -> LiveSession:
        """The recording is whole once nobody writes to it any more."""
        studio.close()
        held = self._shelf.read(self._session.entry) or self._session
        if held.ending != "on_air":  # by `live stop`
            ending = held.ending
        return self._shelf.end(held, ending, held.stopped_ms or self._district.now_ms)

    def _show_end(self, ended: LiveSession, delivery: Delivery, told: bool, studio: Studio) -> Exit:
        bad = ended.ending in ("studio_lost", "refused")
        why = studio.last_words() or "ffmpeg"
        self._console.say(f"live_{ended.ending}", sign="bad" if bad else "ok", why=why)
        if told:
            self._console.say("live_told_end", sign="ok")
        else:
            self._console.say("live_end_untold", sign="bad", end=shown(ended.ends_ms))
        _show_recording(self._district, self._console, ended)
        self._console.say("live_asrun", sign="note")
        where = str(self._district.live.sound(ended.entry))
        self._console.result(
            {"session": ended, "recording": where, "delivery": delivery, "told_end": told}
        )
        some = bool(delivery.of("refused"))
        return Exit.REFUSED if bad or some or not told else Exit.DONE


def _show_recording(district: District, console: Console, ended: LiveSession) -> None:
    for address, count in sorted(ended.receivers.by_address.items()):
        console.say("live_from", indent=2, address=address, count=count)
    console.say(
        "live_recording",
        indent=2,
        where=district.live.sound(ended.entry),
        kb=-(-ended.size // 1024),
        sha=ended.sha256[:16],
    )


def _list(district: District, console: Console) -> Exit:
    sessions = district.live.sessions()
    for one in sessions:
        stands = console.phrase(_standing(district, one), why="ffmpeg", entry=one.entry)
        console.line(f"{shown(one.starts_ms)} {one.entry} {one.title} · {one.by} · {one.audience}")
        console.line(
            f"  {mark('ok' if one.ending in ('finished', 'stopped') else 'note')} {stands}"
        )
        if one.ending != "on_air":
            _show_recording(district, console, one)
    if not sessions:
        console.say("live_none")
    console.result(sessions)
    return Exit.DONE


def _standing(district: District, one: LiveSession) -> str:
    if one.ending != "on_air":
        return f"live_{one.ending}"
    return "live_now_short" if district.live.is_on(one) else "live_dead"


def _stop(district: District, console: Console, entry: str, wait_s: float) -> Exit:
    """From another terminal, or after the studio's program was lost."""
    on_air = [one for one in district.live.sessions() if one.ending == "on_air"]
    meant = [one for one in on_air if entry in ("", one.entry)]
    if len(meant) != 1:
        known = ", ".join(one.entry for one in on_air)
        raise DistrictError("live_unknown", entry or "live stop", known or "–")
    studio_lives = district.live.is_on(meant[0])
    district.take_off(meant[0], wait_s=min(5.0, wait_s))
    ended = district.live.end(meant[0], "stopped", district.now_ms)
    console.say("live_stopped", sign="ok")
    console.say("live_told_end", sign="ok")
    if not studio_lives:  # else it shows the recording itself, once that is whole
        _show_recording(district, console, ended)
    console.result(ended)
    return Exit.DONE


def _in_words(zones: ZoneSelector) -> str:
    tags = (f"#{tag}" for tag in zones.tags)
    return "*" if zones.all else "; ".join((*zones.names, *tags))


@contextlib.contextmanager
def _told_to_stop(stopped: threading.Event, hurried: threading.Event) -> Iterator[None]:
    """Ctrl-C, a closed terminal and SIGTERM all end it properly; a second time, at once."""

    def told(_number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            hurried.set()
        stopped.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, told) for one in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
