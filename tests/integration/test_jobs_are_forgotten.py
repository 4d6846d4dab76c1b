"""What was decoded gives its memory back at once: a box plays for months, and a ring is megabytes.

Real libVLC and HTTP; Python's collector is off, so that what only it would find counts as kept.
"""

from __future__ import annotations

import functools
import gc
import http.server
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.player.decode import Job, VlcDecoders
from agent.player.protocol import Source
from simulator.measure import programme
from simulator.soundcard import encode

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
PATIENCE_S = 15.0


@pytest.fixture
def decoders() -> Iterator[VlcDecoders]:
    found = VlcDecoders()
    found.warm()
    gc.collect()
    gc.disable()
    try:
        yield found
    finally:
        gc.enable()


def within(limit_s: float, what: Callable[[], bool]) -> bool:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def kept(decoders: VlcDecoders, source: Source) -> list[weakref.ref[Job]]:
    """Three jobs that sounded and are wanted no more."""
    jobs: list[weakref.ref[Job]] = []
    for _ in range(3):
        job = decoders.open(source, 0, time.monotonic_ns(), chasing=False)
        sounding = functools.partial(getattr, job, "sounding")
        assert within(PATIENCE_S, sounding), job.fault
        job.cancel()
        jobs.append(weakref.ref(job))
        del job, sounding
    return jobs


@pytest.mark.parametrize("codec", ["mp3", "wav", "opus"])
def test_a_file_that_was_played_is_forgotten_at_once(
    decoders: VlcDecoders, tmp_path: Path, codec: str
) -> None:
    file = encode(programme(3.0), tmp_path / f"x.{codec}")
    jobs = kept(decoders, Source("file", str(file)))
    assert within(PATIENCE_S, lambda: not any(job() for job in jobs))


def test_a_stream_that_was_played_is_forgotten_at_once(
    decoders: VlcDecoders, tmp_path: Path
) -> None:
    file = encode(programme(3.0), tmp_path / "x.mp3")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/{file.name}"
        jobs = kept(decoders, Source("stream", url))
        assert within(PATIENCE_S, lambda: not any(job() for job in jobs))
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """No news."""
