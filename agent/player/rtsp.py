"""Live sound over RTSP: `ffmpeg` asks for it and decodes it, in a process of its own.

Owns that process. Debian's libVLC knows no RTSP. Of ffmpeg come bare samples, so that nothing
else has to guess what they are; the sound alone is asked for, and inside the TCP connection that
asks, so that no port of the box is opened and a camera's picture loads no line.

Invariants: the process ends with its source, with the thread that reads it and with the sound
child, however that ends; it is always waited for; its address goes in through a pipe, since
arguments can be read by everybody on the box; a job ends as finished or with exactly one fault.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import selectors
import shutil
import subprocess
import sys
import threading
import time
from typing import IO

import numpy as np

from agent.contract.addresses import fault_of as address_fault
from agent.contract.addresses import shown
from agent.player.feed import RateLimit
from agent.player.live import LiveJob
from agent.player.protocol import RATE_HZ, RTSP_PROGRAM, Source, SourceFault

log = logging.getLogger(__name__)

# Longer than the stall limit, by which a source is judged: the last resort of the process itself.
ANSWER_LIMIT_US = 4_500_000
_END_LIMIT_S = 3.0
_LOOK_S = 0.5
_PIECE_BYTES = 16_384
_SAID_MAX = 2_000
_WHAT_IT_SAID = 300
_ANSWERED = re.compile(r"method \w+ failed: (\d{3})")
_GONE = ("404", "410")
# PR_SET_PDEATHSIG: killed with the thread that started it. setpriv would say it, but also wants
# to set capabilities, which the unit forbids; a fork with Python in it (preexec_fn) may lock up.
_TIED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
_UNOPENED = "Impossible to open"


class RtspJob(LiveJob):
    """One stream over RTSP, and the thread that reads it."""

    def __init__(self, source: Source, now_ns: int, program: str = RTSP_PROGRAM) -> None:
        super().__init__(source, now_ns)
        self._program = program
        self._rate = RateLimit(source.max_kbps)
        self._process: subprocess.Popen[bytes] | None = None
        self._odd = b""  # half a sample
        self._said = ""
        threading.Thread(target=self._run, name="rtsp", daemon=True).start()

    def cancel(self) -> None:
        """No longer wanted: the process is ended, its thread sees that."""
        super().cancel()
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        try:
            program = shutil.which(self._program)
            if address_fault(self.source.url) is not None:
                self.finish("refused")  # a line feed would be a line of the recipe
            elif program is None:
                log.warning("program_missing next_step='apt install %s'", self._program)
                self.finish("no_program")
            else:
                self._listen(program)
        except Exception:
            log.exception("stream_failed url=%s", shown(self.source.url))
            self.finish("not_audio")

    def _listen(self, program: str) -> None:
        counted, count = os.pipe()
        try:
            process = _start(program, count)
        except BaseException:
            os.close(counted)
            raise
        finally:
            os.close(count)
        with os.fdopen(counted, "rb", buffering=0) as carried:
            self._process = process
            if self.cancelled.is_set():  # before there was a process to end
                process.kill()
            try:
                _tell(process, self.source.url)
                self._read(process, carried.fileno())
            finally:
                _end(process)
        if self._said:
            said = shown(self._said.strip())[-_WHAT_IT_SAID:]
            log.warning("stream_ended url=%s said=%r", shown(self.source.url), said)
        self.finish(fault_of(self._said, sounding=self.sounding))

    def _read(self, process: subprocess.Popen[bytes], carried: int) -> None:
        """Until there is no more sound, or it is no longer wanted."""
        sound, words = (_piped(one).fileno() for one in (process.stdout, process.stderr))
        with selectors.DefaultSelector() as ready:
            for pipe in (sound, words, carried):
                ready.register(pipe, selectors.EVENT_READ)
            while not self.cancelled.is_set():
                for key, _ in ready.select(_LOOK_S):
                    data = os.read(key.fd, _PIECE_BYTES)
                    if not data:
                        ready.unregister(key.fd)
                    if key.fd == sound:
                        self._take_bytes(data)
                    elif key.fd == words:
                        self._said = (self._said + data.decode("utf-8", "replace"))[-_SAID_MAX:]
                    elif data and self._rate.exceeded(len(data), time.monotonic_ns()):
                        self.finish("too_fast")
                        return
                if not ready.get_map():
                    return

    def _take_bytes(self, data: bytes) -> None:
        data = self._odd + data
        whole = len(data) & ~1
        self._odd = data[whole:]
        if whole:
            self.take_in_turn(np.frombuffer(data[:whole], np.int16))


def fault_of(said: str, *, sounding: bool) -> SourceFault:
    """Why it ended, by what ffmpeg said of it."""
    if sounding:
        return "ended_early"
    answered = _ANSWERED.search(said)
    if answered is not None:
        return "not_found" if answered[1] in _GONE else "refused"
    return "refused" if _UNOPENED in said else "not_audio"


def _start(program: str, count: int) -> subprocess.Popen[bytes]:
    """count: where it writes what the stream carried, for its rate."""
    return subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", "-c", _TIED),
            *(program, "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1"),
            *("-protocol_whitelist", "pipe,tcp,tls,rtsp,rtsps"),
            *("-f", "concat", "-safe", "0", "-i", "pipe:0"),
            *("-map", "0:a:0", "-ac", "1", "-ar", str(RATE_HZ)),
            *("-flush_packets", "1", "-f", "s16le", "pipe:1"),
            *("-map", "0:a:0", "-c", "copy", "-flush_packets", "1", "-f", "data", f"pipe:{count}"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(count,),
        bufsize=0,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
    )


def recipe(url: str) -> str:
    """The list of one address that ffmpeg reads, with how it is asked."""
    quoted = url.replace("\\", "%5C").replace("'", "%27")
    return "\n".join(
        (
            "ffconcat version 1.0",
            f"file '{quoted}'",
            "option rtsp_transport tcp",
            "option allowed_media_types audio",
            f"option timeout {ANSWER_LIMIT_US}",
            "option analyzeduration 1000000",
            "option fflags nobuffer",
            "",
        )
    )


def _tell(process: subprocess.Popen[bytes], url: str) -> None:
    with contextlib.suppress(BrokenPipeError), _piped(process.stdin) as pipe:
        pipe.write(recipe(url).encode())


def _piped(end: IO[bytes] | None) -> IO[bytes]:
    if end is None:
        raise ValueError("started without this pipe")
    return end


def _end(process: subprocess.Popen[bytes]) -> None:
    """It is over when this returns, and nothing is left of it."""
    process.kill()
    try:
        process.wait(_END_LIMIT_S)
    except subprocess.TimeoutExpired:
        log.warning("program_hung pid=%d", process.pid)  # in the kernel; reaped when it comes out
    for pipe in (process.stdout, process.stderr):
        _piped(pipe).close()
