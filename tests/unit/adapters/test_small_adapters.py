"""Clock, host, service manager, housekeeping: each with a world of its own, none patched."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import queue
import shutil
import socket
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from agent.adapters.clock import BUILT_MS, Clock, Vouching, always, measured
from agent.adapters.host import Host, not_after_ms
from agent.adapters.housekeeping import Housekeeping
from agent.adapters.signature import verify
from agent.adapters.speaking import Speaking
from agent.adapters.systemd import ServiceManager
from agent.core.effects import Speak
from agent.core.events import ClockSeen, HostSeen, SpeechFailed, SpeechReady

NOBODY = Vouching(ntp=False, battery=False)
NTP = Vouching(ntp=True, battery=False)
BATTERY = Vouching(ntp=False, battery=True)
TODAY_MS = BUILT_MS + 86_400_000


class World:
    """Two clocks and somebody who vouches, all in the test's hand."""

    def __init__(self, vouching: Vouching = NTP, wall_ms: int = TODAY_MS) -> None:
        self.mono_us = 5_000_000
        self.wall_us = wall_ms * 1_000
        self.vouching = vouching
        self.asked = 0
        self.clock = Clock(
            vouching=self._vouch,
            mono_ns=lambda: self.mono_us * 1_000,
            wall_ns=lambda: self.wall_us * 1_000,
        )

    def _vouch(self) -> Vouching:
        self.asked += 1
        return self.vouching

    def pass_(self, ms: int, *, slew_us: int = 0) -> None:
        self.mono_us += ms * 1_000
        self.wall_us += ms * 1_000 + slew_us


def test_the_first_reading_tells_the_clock() -> None:
    world = World()
    reading = world.clock.read()
    assert (reading.now.mono_ms, reading.now.wall_ms) == (5_000, TODAY_MS)
    assert (reading.now.epoch, reading.now.trust) == (0, "trusted")
    assert reading.seen == ClockSeen(0, TODAY_MS * 1_000 - 5_000_000, "trusted", 0)
    assert world.clock.read().seen is None


@pytest.mark.parametrize("step_ms", [51, -51, 3_600_000, -3_600_000])
def test_a_step_opens_a_new_epoch_and_is_told_once(step_ms: int) -> None:
    world = World()
    world.clock.read()
    world.pass_(1_000, slew_us=step_ms * 1_000)
    seen = world.clock.read().seen
    assert seen is not None
    assert (seen.epoch, seen.step_ms) == (1, step_ms)
    assert world.clock.read().seen is None
    assert world.clock.read().now.epoch == 1


def test_slew_stays_in_the_epoch_and_is_told_in_portions() -> None:
    world = World()
    world.clock.read()
    told = []
    for _ in range(60):  # a minute at 500 ppm: 30 ms in all
        world.pass_(1_000, slew_us=500)
        reading = world.clock.read()
        assert reading.now.epoch == 0
        if reading.seen is not None:
            told.append(reading.seen.wall_minus_mono_us)
    assert len(told) == 12
    assert told[-1] - told[0] == 11 * 2_500


def test_a_clock_below_the_floor_is_not_trusted_whoever_vouches() -> None:
    world = World(Vouching(ntp=True, battery=True), wall_ms=0)
    assert world.clock.read().now.trust == "untrusted"


def test_a_battery_clock_is_trusted_until_it_is_stepped() -> None:
    world = World(BATTERY)
    assert world.clock.read().now.trust == "trusted"
    world.pass_(1_000, slew_us=10_000_000)
    assert world.clock.read().now.trust == "untrusted"


def test_trust_once_measured_outlasts_a_week_without_ntp() -> None:
    world = World(NTP)
    world.clock.read()
    world.vouching = NOBODY
    world.pass_(7 * 86_400_000)
    assert world.clock.read().now.trust == "trusted"


def test_gained_trust_is_told_within_a_minute_and_asked_for_no_more_often() -> None:
    world = World(NOBODY)
    assert world.clock.read().now.trust == "untrusted"
    world.vouching = NTP
    for _ in range(59):
        world.pass_(1_000)
        assert world.clock.read().seen is None
    world.pass_(1_000)
    seen = world.clock.read().seen
    assert seen is not None
    assert seen.trust == "trusted"
    assert world.asked == 2


def test_a_reading_held_up_between_the_clocks_is_taken_again() -> None:
    """The first try is 80 ms late between the two clocks; it must not look like a step."""
    late = iter([0, 80_000_000])
    mono = [1_000_000_000]

    def mono_ns() -> int:
        mono[0] += 1_000 + next(late, 0)
        return mono[0]

    clock = Clock(vouching=always, mono_ns=mono_ns, wall_ns=lambda: TODAY_MS * 1_000_000 + mono[0])
    clock.read()
    assert clock.read().now.epoch == 0


def certificate(not_after: dt.datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "xa-mau-01 " + "đ" * 20)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(not_after)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2099])
def test_the_end_of_a_certificate_is_read_as_its_maker_wrote_it(year: int) -> None:
    end = dt.datetime(year, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
    assert not_after_ms(certificate(end)) == int(end.timestamp() * 1_000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n!!!\n",
    ],
)
def test_what_is_no_certificate_has_no_end(text: str) -> None:
    assert not_after_ms(text) is None


def test_the_host_reads_what_is_there(tmp_path: Path) -> None:
    for number, text in enumerate(["41500\n", "48312\n", "broken\n"]):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(text)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 900000 kB\nMemAvailable:  512000 kB\n")
    (tmp_path / "proc/uptime").write_text("3601.7 7000.1\n")
    end = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    (tmp_path / "station.pem").write_text(certificate(end))
    seen = Host(tmp_path, tmp_path / "station.pem", print, root=tmp_path).look()
    assert (seen.temperature_cdeg, seen.memory_free_mib, seen.uptime_s) == (4_831, 500, 3_601)
    assert seen.certificate_not_after_ms == int(end.timestamp() * 1_000)
    assert seen.storage_free_mib is not None


def test_what_the_host_cannot_read_is_unknown(tmp_path: Path) -> None:
    seen = Host(tmp_path / "gone", tmp_path / "gone.pem", print, root=tmp_path).look()
    assert seen == HostSeen(fetches_rtsp=False)


def test_a_program_for_rtsp_is_seen_where_programs_are(tmp_path: Path) -> None:
    there = tmp_path / os.get_exec_path()[-1].lstrip("/") / "ffmpeg"
    there.parent.mkdir(parents=True)
    there.touch(0o755)
    seen = Host(tmp_path / "gone", tmp_path / "gone.pem", print, root=tmp_path).look()
    assert seen.fetches_rtsp


def test_the_service_manager_hears_each_status_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(2)
        one = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        one.ready()
        one.status("STATUS=on air")
        one.status("on air")
        one.feed_watchdog()
        one.stopping()
        heard = [manager.recv(100) for _ in range(4)]
    assert heard == [b"READY=1", b"STATUS=on air", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_address_and_no_address_and_a_dead_one_do_no_harm(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0commune-radio-test-{tmp_path.name}")
        manager.settimeout(2)
        ServiceManager({"NOTIFY_SOCKET": f"@commune-radio-test-{tmp_path.name}"}).ready()
        assert manager.recv(100) == b"READY=1"
    ServiceManager({}).ready()
    dead = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    dead.ready()
    assert dead.counted.of("notify_failed") == 1


class Enough(Exception):  # noqa: N818 - ends a test's endless loop
    pass


def test_housekeeping_looks_at_the_calendar_no_more_than_every_five_minutes() -> None:
    heard: list[object] = []
    pauses: list[float] = []
    at = (dt.datetime.now().astimezone() + dt.timedelta(hours=2)).strftime("%H:%M")

    async def sleep(pause_s: float) -> None:
        pauses.append(pause_s)
        if len(pauses) > 30:
            raise Enough

    with pytest.raises(Enough):
        asyncio.run(Housekeeping(at, heard.append, sleep=sleep).run())
    assert heard == []
    assert set(pauses) == {300.0}


def test_housekeeping_rings_when_the_calendar_says_so() -> None:
    class Calendar:
        def __init__(self) -> None:
            self.left = [400.0, 100.0, 90.0, -1.0]
            self.rang = 0

        @property
        def idle_seconds(self) -> float:
            return self.left[0] if len(self.left) == 1 else self.left.pop(0)

        def run_pending(self) -> None:
            self.rang += 1

    async def sleep(_: float) -> None:
        pass

    calendar = Calendar()
    asyncio.run(Housekeeping("03:10", print, sleep=sleep).one_day(calendar))
    assert calendar.rang == 1


def test_a_signature_is_that_of_its_key_or_it_is_not() -> None:
    key = Ed25519PrivateKey.generate()
    public, signature = key.public_key().public_bytes_raw(), key.sign(b"message")
    assert verify(public, signature, b"message")
    assert not verify(public, signature, b"another message")
    assert not verify(public, signature[:-1], b"message")
    assert not verify(public[:-1], signature, b"message")
    assert not verify(b"\0" * 32, signature, b"message")


def test_a_language_without_a_voice_is_a_failure_under_its_key(tmp_path: Path) -> None:
    ear: queue.SimpleQueue[object] = queue.SimpleQueue()
    speaking = Speaking(tmp_path, ear.put)
    speaking.speak(Speak("k1", "Nyob zoo", "hmn"))
    heard = ear.get(timeout=10)
    assert isinstance(heard, SpeechFailed)
    assert (heard.key, heard.detail.split(":")[0]) == ("k1", "voice_missing")
    assert not speaking.path("k1").exists()
    speaking.close()


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="needs espeak-ng")
def test_a_text_becomes_a_file_under_its_key(tmp_path: Path) -> None:
    ear: queue.SimpleQueue[object] = queue.SimpleQueue()
    speaking = Speaking(tmp_path, ear.put)
    speaking.speak(Speak("k1", "Thông báo", "vi"))
    heard = ear.get(timeout=20)
    assert isinstance(heard, SpeechReady)
    assert heard.duration_ms > 200
    assert heard.loudness is not None
    assert heard.loudness.loudness_clufs is not None
    assert -3_000 < heard.loudness.loudness_clufs < -500
    assert heard.loudness.peak_cdbtp == pytest.approx(-100, abs=60)
    assert speaking.path("k1").exists()
    speaking.close()


def test_the_clock_of_this_machine_is_read_and_judged() -> None:
    clock = Clock(vouching=measured)
    first, second = clock.read(), clock.read()
    assert first.seen is not None
    assert second.now.mono_ms >= first.now.mono_ms
    assert second.now.epoch == 0
