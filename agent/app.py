"""The composition root: the only file that names concrete adapters.

Starts in order (lock, journal, core, clock, runtime, sound, amplifiers, link, socket) and stops
in reverse. Owns no behaviour beyond that order and the time it may take.

Leaving, in at most `LEAVE_WITHIN_S`: the core signs its records and hears nothing more, the sound
fades, zones are muted, `leaving` is published, what was saved reaches the disk. To the core it is a
crash that lost nothing: what was on air goes on after the next start.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import random
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from agent.adapters.clock import BUILT_MS, Clock, always, measured, mono_ms, wall_ms
from agent.adapters.content import ContentStore
from agent.adapters.control import ControlSocket
from agent.adapters.download import ContentSettings
from agent.adapters.gps import Gps
from agent.adapters.host import Host, MainsSense
from agent.adapters.housekeeping import Housekeeping
from agent.adapters.journal import Opened, SqliteJournal, open_journal
from agent.adapters.measured import Measuring
from agent.adapters.memory_journal import MemoryJournal
from agent.adapters.modem import ModemManager
from agent.adapters.mqtt import LinkSettings, MqttLink
from agent.adapters.network import NetworkLook
from agent.adapters.pins import PinCheck
from agent.adapters.player import Files, Input, Player
from agent.adapters.probe import Prober
from agent.adapters.signature import verify
from agent.adapters.source_api.client import Client, Server, read_secret
from agent.adapters.source_api.dialect_a import DialectA
from agent.adapters.source_api.dialect_b import DialectB
from agent.adapters.source_api.forms import entry_of
from agent.adapters.source_api.settings import SourceApiSection
from agent.adapters.source_api.uplink import Around, SourceUplink
from agent.adapters.speaking import Speaking
from agent.adapters.station_key import station_key
from agent.adapters.systemd import ServiceManager
from agent.adapters.timezones import time_zone
from agent.adapters.zones import Wiring, Zones
from agent.config import Config, Loaded
from agent.config_texts import words
from agent.contract.reports import OccurrenceRef
from agent.core.effects import (
    AckMessage,
    CancelFetch,
    CompareReturn,
    Connect,
    Evict,
    Fetch,
    HoldZones,
    Measure,
    PlayCue,
    Probe,
    Publish,
    Reply,
    RestartSound,
    SetGain,
    SetTime,
    Speak,
    StopCue,
    Subscribe,
    WatchSound,
)
from agent.core.events import Booted, CommitFailed, Event, Leaving
from agent.core.facts import Facts
from agent.core.source_desk import bulletin_of
from agent.core.source_view import address_of, snapshot
from agent.core.station import Station
from agent.core.trust import RootKeys
from agent.errors import EX_GIVEN_UP, EX_OK, AlreadyRunningError
from agent.runtime import Runtime, Surroundings, supervise
from agent.state_dir import state_problem
from firmware_bridge.client import ControllerClient

log = logging.getLogger(__name__)

LEAVE_WITHIN_S = 5.0
FADE_MS = 300
FADE_WITHIN_S = 1.0
GOODBYE_WITHIN_S = 1.5
SETTLE_WITHIN_S = 1.0


def lock_state(state_dir: Path) -> int | None:
    """One agent per state directory. Returns the descriptor to keep; None without a usable disk.

    Raises AlreadyRunningError.
    """
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        lock = os.open(state_dir / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        found = state_problem(state_dir, error)
        log.error("state_unusable dir=%s detail=%s", state_dir, found or error)
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise AlreadyRunningError(words("another-agent", dir=state_dir)) from None
    return lock


class App:
    """One station, from configuration to exit code."""

    def __init__(self, loaded: Loaded) -> None:
        config = self._config = loaded.config
        state_dir = Path(config.station.state_dir)
        self._lock = lock_state(state_dir)
        self._manager = ServiceManager()
        self._journal, self._storage_fault = _journal(state_dir)
        facts = Facts(self._journal.load())
        root = RootKeys(loaded.roots.keys, loaded.roots.threshold)
        signer = station_key(state_dir)
        self._station = Station(loaded.site, facts, root, verify, time_zone, signer)
        self._clock = _clock(config, self._journal, facts)
        self._tasks: list[asyncio.Task[None]] = []
        self._build(loaded, state_dir)

    def _build(self, loaded: Loaded, state_dir: Path) -> None:
        config, emit = self._config, self._emit
        self._content = ContentStore(state_dir / "content", _content_settings(config), emit)
        self._measuring = Measuring(state_dir / "content" / "loudness", self._content.path, emit)
        self._speaking = Speaking(state_dir / "speech", emit)
        self._player = Player(
            _player_command(config),
            emit,
            Files(self._sound_path, self._pin, self._unpin),
            inputs={one.name: Input(one.device, one.channel) for one in config.input},
            warm_standby=config.sound.warm_standby,
        )
        self._zones = Zones(loaded.site, _wirings(config), emit, ControllerClient)
        self._link = MqttLink(_link_settings(config), emit, dates_from_ms=self._dates_from_ms)
        self._control = ControlSocket(
            Path(config.station.control_socket),
            emit,
            pins=PinCheck(state_dir),
            pin_for=frozenset(config.approvers.ask_pin_for),
        )
        certificate = Path(config.broker.certificate) if config.broker.certificate else None
        self._host = Host(state_dir, certificate, emit, mains=_mains(config))
        self._network = NetworkLook(ModemManager() if config.link.modem else None, emit)
        self._prober = Prober(emit)
        self._gps = Gps(emit) if config.place.gpsd else None
        self._housekeeping = Housekeeping(config.station.housekeeping_at, emit)
        self._source_api = self._source_uplink() if config.source_api.dialect else None
        self._runtime = Runtime(self._station, self._journal, self._clock, self._surroundings())

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            obey={
                Connect: self._link.connect,
                Subscribe: self._link.subscribe,
                Publish: self._link.publish,
                AckMessage: self._link.ack,
                Fetch: self._content.fetch,
                CancelFetch: self._content.cancel,
                Evict: self._content.evict,
                Measure: self._measuring.measure,
                Speak: self._speaking.speak,
                PlayCue: self._player.play,
                StopCue: self._player.stop,
                SetGain: self._player.gain,
                RestartSound: self._player.restart,
                WatchSound: self._player.watch,
                CompareReturn: self._player.compare,
                SetTime: self._player.time,
                HoldZones: self._zones.hold,
                Reply: self._control.reply,
                Probe: self._prober.ask,
            },
            notify=self._manager.status,
            feed_watchdog=self._manager.feed_watchdog,
            each_tick=(self._zones.keep_alive,),
            stuck=(self._player.stuck,),
            received_through=lambda: self._station.facts.marks.cursor_through,
            tz=self._config.station.tz,
            in_memory=isinstance(self._journal, MemoryJournal),
        )

    def _emit(self, event: Event) -> None:
        self._runtime.emit(event)

    # --- life -----------------------------------------------------------------------------

    async def run(self) -> int:
        """Until asked to leave; returns the exit code."""
        self._catch_signals()
        self._emit(Booted(self._journal.installation, secrets.token_hex(8), random.random()))
        self._emit(self._content.open())
        self._emit(self._measuring.open())
        if self._storage_fault:
            self._emit(CommitFailed(self._storage_fault))
        self._supervise("sound", self._player.run)
        running = asyncio.create_task(self._runtime.run())
        self._zones.start()
        await self._open_control()
        self._supervise("host", self._host.run)
        self._supervise("network", self._network.run)
        self._supervise("measuring", self._measuring.run)
        if self._gps is not None:
            self._supervise("gps", self._gps.run)
        self._supervise("housekeeping", self._housekeeping.run)
        if self._source_api is not None:
            self._supervise("source-api", self._source_api.run)
        self._content.start()
        self._manager.ready()
        code = await running
        self._manager.stopping()
        await self._leave()
        return code

    async def _open_control(self) -> None:
        try:
            await self._control.start()
        except OSError as error:  # the station broadcasts without its technician, too
            log.error("control_socket_failed detail=%s", error)

    def _supervise(self, name: str, task: Callable[[], Awaitable[None]]) -> None:
        supervised = supervise(name, task, self._runtime.leave)
        self._tasks.append(asyncio.create_task(supervised, name=name))

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_leave, number)
        loop.add_signal_handler(signal.SIGHUP, _asked_to_reload)

    def _asked_to_leave(self, number: int) -> None:
        """The second time nothing is waited for any more."""
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
            signal.signal(one, _leave_at_once)
        self._runtime.leave(EX_OK, signal.Signals(number).name)

    async def _leave(self) -> None:
        """In reverse order of starting, within the bound."""
        deadline = asyncio.get_running_loop().call_later(LEAVE_WITHIN_S, _leave_at_once)
        self._runtime.handle(Leaving())
        goodbye = asyncio.to_thread(self._link.close, self._farewell(), GOODBYE_WITHIN_S)
        await asyncio.gather(goodbye, self._player.quit(FADE_MS, FADE_WITHIN_S))
        await self._control.close()
        self._zones.mute()
        await asyncio.to_thread(self._zones.close)
        for task in self._tasks:
            task.cancel()
        self._content.close()
        self._speaking.close()
        await self._runtime.settle(SETTLE_WITHIN_S)
        await asyncio.to_thread(self._journal.close)
        deadline.cancel()

    def _farewell(self) -> Publish | None:
        """Our last will in other words: we leave on purpose."""
        wish = self._link.wish
        if wish is None:
            return None
        words = msgspec.json.decode(wish.will, type=dict[str, object])
        words |= {
            "state": "leaving",
            "installation": self._journal.installation,
            "at_ms": self._clock.read().now.wall_ms,
        }
        return Publish(wish.will_topic, msgspec.json.encode(words), retain=True)

    # --- the second uplink ----------------------------------------------------------------

    def _source_uplink(self) -> SourceUplink:
        settings, station = self._config.source_api, self._station
        facts, tz = station.facts, ZoneInfo(self._config.station.tz)
        kind = DialectA if settings.dialect == "a" else DialectB
        dialect = kind(settings, tz, self._address_of, self._bulletin_of)
        around = Around(
            emit=self._emit,
            records=self._journal,
            mono_ms=mono_ms,
            chance=random.random,
            now=lambda: snapshot(station),
            secret=lambda: read_secret(Path(settings.password_file)),
            newest=lambda: facts.marks.next_seq - 1,
            through=facts.marks.source_through,
            set_aside=tuple(int(seq) for seq in facts.set_aside),
        )
        return SourceUplink(settings, dialect, Client(_source_server(settings)), around)

    def _address_of(self, occurrence: OccurrenceRef, source: str) -> str:
        return address_of(self._station, occurrence, source)

    def _bulletin_of(self, occurrence: OccurrenceRef) -> str:
        """Their own id where the item came from them."""
        found = bulletin_of(self._station.facts, occurrence.authority, occurrence.entry)
        return found[1] if found is not None else entry_of(occurrence)

    # --- small connections between parts --------------------------------------------------

    def _sound_path(self, url: str) -> str:
        kind, _, name = url.partition(":")
        owner = self._content if kind == "content" else self._speaking
        return str(owner.path(name))

    def _pin(self, url: str) -> None:
        if url.startswith("content:"):
            self._content.pin(url.removeprefix("content:"))

    def _unpin(self, url: str) -> None:
        if url.startswith("content:"):
            self._content.unpin(url.removeprefix("content:"))

    def _dates_from_ms(self) -> int | None:
        if self._clock.read().now.trust == "trusted":
            return None
        return max(self._clock.floor_ms, self._station.facts.marks.floor_ms)


def run(loaded: Loaded) -> int:
    """The whole life of the daemon in this process; returns the exit code."""
    # Libraries that know only "local time" (the calendar of housekeeping) then mean the station's.
    os.environ["TZ"] = loaded.config.station.tz
    time.tzset()
    for warning in loaded.warnings:
        log.warning("config_warning %s", warning)
    app = App(loaded)
    log.info("starting station=%s version=%s", loaded.site.station, loaded.site.version)
    code = asyncio.run(app.run())
    log.info("left code=%s", code)
    return code


def _asked_to_reload() -> None:
    """SIGHUP ends nothing and reads nothing: a configuration half taken over is neither old nor
    new. With a restart the station is back within seconds and goes on with what was on air.
    """
    log.warning(
        "sighup_ignored next=%s",
        "the configuration is read at start: station-agent --check, then "
        "systemctl restart station-agent",
    )


def _leave_at_once(*_: object) -> None:
    log.error("left_at_once")
    os._exit(EX_GIVEN_UP)


# --- from configuration to what the parts take ---------------------------------------------


def _journal(state_dir: Path) -> tuple[SqliteJournal | MemoryJournal, str]:
    """The journal, and what is wrong with it ("": nothing, or it will tell by itself)."""
    opened = open_journal(state_dir / "journal.db", wall_ms())
    if isinstance(opened, Opened):
        bad = opened.note in ("quarantined", "read_only")
        if opened.note == "read_only":
            error = OSError(f"{state_dir / 'journal.db'} takes nothing: {opened.detail}")
            log.error("journal_read_only detail=%s", state_problem(state_dir, error))
        else:
            log.info("journal_%s detail=%s", opened.note, opened.detail)
        return opened.journal, f"{opened.note}: {opened.detail}" if bad else ""
    log.error("journal_in_memory detail=%s", opened.detail)
    # A new installation id each time: numbers given now can never be given twice.
    journal = MemoryJournal()
    journal.fail(f"in memory only: {opened.detail}")
    return journal, ""


def _clock(config: Config, journal: SqliteJournal | MemoryJournal, facts: Facts) -> Clock:
    newest_ms = journal.newest_ms() if isinstance(journal, SqliteJournal) else 0
    return Clock(
        floor_ms=max(BUILT_MS, newest_ms, facts.marks.floor_ms),
        vouching=always if config.clock.trust == "system" else measured,
    )


def _mains(config: Config) -> MainsSense:
    file = config.power.mains_file
    return MainsSense(Path(file) if file else None, config.power.on_value)


def _content_settings(config: Config) -> ContentSettings:
    content = config.content
    return ContentSettings(
        content.ca,
        content.allow_http,
        content.parallel,
        content.rate_limit_kbit_s,
        content.stall_ms,
    )


def _source_server(settings: SourceApiSection) -> Server:
    return Server(
        settings.base_url,
        settings.ca,
        settings.allow_http,
        settings.connect_within_s,
        settings.read_within_s,
    )


def _link_settings(config: Config) -> LinkSettings:
    broker = config.broker
    return LinkSettings(
        host=broker.host,
        port=broker.port,
        client_id=config.station.id,
        tls=broker.tls,
        ca=broker.ca,
        certificate=broker.certificate,
        key=broker.key,
        mqtt=broker.mqtt,
    )


def _player_command(config: Config) -> tuple[str, ...]:
    sound = config.sound
    return (
        sys.executable,
        "-m",
        "agent.player",
        "--device",
        sound.device or "default",
        "--buses",
        str(sound.buses),
        "--frames",
        str(sound.frames),
        *(
            ("--remember", str(Path(config.station.state_dir) / "sound.json"))
            if sound.frames == "auto"
            else ()
        ),
        "--ceiling-cdb",
        str(100 * config.loudness.ceiling_dbtp),
        *(("--ca", config.content.ca) if config.content.ca else ()),
        *_return_line(config),
    )


def _return_line(config: Config) -> tuple[str, ...]:
    sound = config.sound
    heard = next((one for one in config.input if one.name == sound.return_input), None)
    if heard is None or not sound.return_input:
        return ()
    where = ("--return-channel", str(heard.channel), "--return-bus", str(sound.return_bus))
    return ("--return-device", heard.device, *where)


def _wirings(config: Config) -> tuple[Wiring, ...]:
    return tuple(Wiring(one.id, one.port, one.adopted_id or None) for one in config.controller)
