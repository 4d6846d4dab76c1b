"""The libraries that make sound work under the unit's own system call filter.

A child process reads the filter from the unit, puts it on itself together with the kernel's
write-xor-execute rule (MemoryDenyWriteExecute), then decodes through a ctypes callback, asks
PortAudio for its devices, signs, opens a pseudo-terminal as serial port, runs espeak-ng and asks
for the modem over D-Bus, hears a stream over RTSP through ffmpeg and joins a multicast group.
"""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.modem.bus import PrivateBus
from simulator.modem.service import ModemManagerService, lte_modem
from simulator.relay import RtspServer, free_udp_port

UNIT = Path(__file__).parents[2] / "systemd" / "station-agent.service"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or shutil.which("systemd-analyze") is None
    or ctypes.util.find_library("seccomp") is None
    or shutil.which("espeak-ng") is None
    or shutil.which("dbus-daemon") is None
    or shutil.which("ffmpeg") is None,
    reason="needs Linux with systemd-analyze, libseccomp, espeak-ng, dbus-daemon and ffmpeg",
)

PROBE = r"""
import ctypes, ctypes.util, errno, mmap, os, socket, subprocess, sys, threading, time

allowed = sys.argv[1].split()
sound_file = sys.argv[2]

# What systemd does before it starts the program.
libc = ctypes.CDLL(None, use_errno=True)
seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp"))
seccomp.seccomp_init.restype = ctypes.c_void_p
seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
seccomp.seccomp_rule_add_array.argtypes = [
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p]
seccomp.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
seccomp.seccomp_load.argtypes = [ctypes.c_void_p]
ALLOW, EPERM = 0x7FFF0000, 0x00050000 | errno.EPERM
rules = seccomp.seccomp_init(EPERM)
class Compared(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64),
                ("b", ctypes.c_uint64)]
SCMP_CMP_EQ = 4
for name in allowed:
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    if name == "socket":  # RestrictAddressFamilies
        for family in sys.argv[4].split():
            only = Compared(0, SCMP_CMP_EQ, getattr(socket, family), 0)
            one = ctypes.byref(only)
            assert seccomp.seccomp_rule_add_array(rules, ALLOW, number, 1, one) == 0
    elif number >= 0:
        assert seccomp.seccomp_rule_add(rules, ALLOW, number, 0) == 0, name
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 38, 65
assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
print("mdwe", "on" if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0 else "not in this kernel")
assert seccomp.seccomp_load(rules) == 0

# The filter is really there.
assert libc.mount(b"none", b"/nonexistent", b"tmpfs", 0, None) == -1
assert ctypes.get_errno() == errno.EPERM
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
    raise AssertionError("netlink is open")
except PermissionError:
    pass
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
    print("rwx allowed")
except OSError:
    print("rwx refused")

compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
numbers = (ctypes.c_int * 3)(3, 1, 2)
libc.qsort(numbers, 3, 4, compare(lambda a, b: a[0] - b[0]))
assert list(numbers) == [1, 2, 3]
print("ctypes callback works")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"x"), b"x")
print("signing works")

assert subprocess.run(["espeak-ng", "-v", "vi", "-w", sound_file, "xin chao"]).returncode == 0
assert os.path.getsize(sound_file) > 10_000
print("espeak-ng works")

import vlc
instance = vlc.Instance("--no-video", "--quiet")
player = instance.media_player_new()
heard = threading.Event()
@vlc.CallbackDecorators.AudioPlayCb
def play(_data, _samples, _count, _pts):
    heard.set()
player.audio_set_callbacks(play, None, None, None, None, None)
player.audio_set_format("S16N", 48000, 1)
player.set_media(instance.media_new(sound_file))
player.play()
assert heard.wait(20)
player.stop()
print("libVLC callback works")

measure = [sys.executable, "-m", "agent.measuring", "--share", "1", sound_file]
measured = subprocess.run(measure, capture_output=True, timeout=30)
assert b'"t":"measured"' in measured.stdout, measured
from agent.measuring.__main__ import be_modest
if os.fork() == 0:
    be_modest()
    os._exit(0 if os.sched_getscheduler(0) == os.SCHED_IDLE else 1)
assert os.wait()[1] == 0
print("modest measuring works")

import pyaudio
pyaudio.PyAudio().terminate()
print("PortAudio works")

import pty, serial
_, line = pty.openpty()
serial.Serial(os.ttyname(line), 115200, timeout=0).close()
print("serial works")
import sqlite3
base = sqlite3.connect(sound_file + ".db")
base.execute("pragma journal_mode=wal")
base.execute("create table t(x)")
base.close()
print("sqlite works")

import asyncio
from agent.adapters.modem import ModemManager
seen = asyncio.run(ModemManager(sys.argv[3]).look())
assert seen is not None and seen.state == "connected", seen
print("D-Bus works")

from agent.player.protocol import Source
from agent.player.rtsp import RtspJob
job = RtspJob(Source("stream", sys.argv[5]), time.monotonic_ns())
limit = time.monotonic() + 15
while not (job.sounding or job.done) and time.monotonic() < limit:
    time.sleep(0.02)
assert job.sounding, job.fault
job.cancel()
print("ffmpeg over RTSP works")

from agent.contract.addresses import Group
from agent.player.multicast import joined
joined(Group("239.255.77.77", int(sys.argv[6]))).close()
print("joining a group works")
"""


def allowed_calls() -> list[str]:
    """The calls that the unit's SystemCallFilter lines leave, as systemd expands them."""
    allowed: set[str] = set()
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if not line.startswith("SystemCallFilter="):
            continue
        value = line.partition("=")[2]
        named = {call for name in value.removeprefix("~").split() for call in expand(name)}
        allowed = allowed - named if value.startswith("~") else allowed | named
    # These systemd always adds, so that a program can start and end at all.
    return sorted(allowed | expand("@default"))


def families() -> str:
    """What the unit's RestrictAddressFamilies leaves."""
    line = next(
        line
        for line in UNIT.read_text(encoding="utf-8").splitlines()
        if line.startswith("RestrictAddressFamilies=")
    )
    return line.partition("=")[2]


def expand(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    words = [line.strip() for line in listing.splitlines()[1:]]
    return {call for word in words if word and not word.startswith("#") for call in expand(word)}


def test_sound_speech_signing_and_serial_work_under_the_units_filter(tmp_path: Path) -> None:
    sound_file = str(tmp_path / "probe.wav")
    tone = ["-f", "lavfi", "-i", "sine=frequency=440"]
    with (
        PrivateBus(tmp_path / "bus") as bus,
        ModemManagerService(bus.address, lte_modem()),
        RtspServer() as server,
        server.send("dai", tone),
    ):
        given = (sound_file, bus.address, families(), server.url("dai"), str(free_udp_port()))
        done = subprocess.run(
            [sys.executable, "-c", PROBE, " ".join(allowed_calls()), *given],
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "JACK_NO_START_SERVER": "1",
                "PYTHONPATH": str(UNIT.parents[1]),
            },
        )
    assert done.returncode == 0, done.stdout + done.stderr[-2_000:]
    said = done.stdout.splitlines()
    assert [line for line in said if line.endswith("works")] == [
        "ctypes callback works",
        "signing works",
        "espeak-ng works",
        "libVLC callback works",
        "modest measuring works",
        "PortAudio works",
        "serial works",
        "sqlite works",
        "D-Bus works",
        "ffmpeg over RTSP works",
        "joining a group works",
    ]
    if "mdwe on" in said:
        assert "rwx refused" in said
