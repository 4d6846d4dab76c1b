"""A live playlist (HLS) over HTTP on loopback, whose segments can be taken away.

Owns the server and the segments, which ffmpeg makes beforehand; the window of the playlist moves
with the clock, as an encoder's does. Ends with the test.
"""

from __future__ import annotations

import http.server
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_SHOWN = 5


class Playlist:
    """`with Playlist(folder, 440) as one: one.url`. `take_away` lets every later segment be 404."""

    def __init__(self, folder: Path, hertz: int, *, segment_s: int = 2, seconds: int = 120) -> None:
        self._folder = folder
        self._segment_s = segment_s
        self._began_s = 0.0
        self._gone = threading.Event()
        self._make(hertz, seconds)
        self._count = len(list(folder.glob("part*.ts")))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._began_s = time.monotonic() - _SHOWN * self._segment_s
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where listeners find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/live.m3u8"

    def take_away(self) -> None:
        """The list goes on, its segments are not there any more."""
        self._gone.set()

    def _make(self, hertz: int, seconds: int) -> None:
        source = f"sine=frequency={hertz}:duration={seconds}:sample_rate=44100"
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", source]
        command += ["-c:a", "aac", "-b:a", "64k", "-f", "hls", "-hls_list_size", "0"]
        command += ["-hls_time", str(self._segment_s)]
        subprocess.run(
            [*command, "-hls_segment_filename", "part%d.ts", "whole.m3u8"],
            cwd=self._folder,
            check=True,
            timeout=60,
        )

    def _list(self) -> bytes:
        """The newest segments that an encoder would have finished by now."""
        made = int((time.monotonic() - self._began_s) / self._segment_s)
        last = min(self._count, made)
        first = max(0, last - _SHOWN)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{self._segment_s + 1}"]
        lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
        for number in range(first, last):
            lines += [f"#EXTINF:{self._segment_s:.3f},", f"part{number}.ts"]
        return ("\n".join(lines) + "\n").encode()

    def _answer(self, path: str) -> tuple[str, bytes] | None:
        if path == "/live.m3u8":
            return "application/vnd.apple.mpegurl", self._list()
        file = self._folder / Path(path).name
        if self._gone.is_set() or not file.is_file():
            return None
        return "video/mp2t", file.read_bytes()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                found = answer(self.path)
                if found is None:
                    self.send_error(404)
                    return
                kind, data = found
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        return Handler
