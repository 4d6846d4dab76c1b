"""Is it audio, how long, is all of it there: asked before a file is published.

Owns the measuring. The length is the one the station will play, counted from the file's own
frames: ffprobe counts what an encoder put before and behind the programme, 40 ms and more of an
MP3, and what follows would be off by as much. Headers promise what a cut-off copy no longer holds,
so the station's own decoder hears the whole file (25 s for an hour of MP3), and ffprobe too where
it is installed; without either the frames alone must account for the file. Never trusts a file
name.

Invariants: a duration is measured or the file is refused; what is published can be heard to its
end by a station. Not seen: an MP3 without a Xing frame or a bare AAC that ends between two frames.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from agent.measuring.through import Through
from agent.player.formats import NotThisFormat, open_excerpt
from agent.player.protocol import RATE_HZ
from simulator.source_system.problems import AudioFileError
from simulator.source_system.said import Said

PROBE_DEADLINE_S = 300.0
HEARD_SPEED_LEAST = 5.0
"""Times real time: a decoder slower than that is taken to hang, five minutes allowed for."""

LENGTH_MAX_MS = 86_400_000
SIZE_MAX_BYTES = 2_000_000_000

LOST_MAX_MS = 1_000
LOST_LEAST_MS = 150
"""What decoders and encoders may disagree on: a twentieth of the file between these two."""

REST_MAX_BYTES = 65_536
"""Behind the last frame that is read lie at most some more frames and small tags."""

OGG_PAGE_MAX_BYTES = 65_307
APE_TAG, APE_WITHIN_BYTES = b"APETAGEX", 192
"""A tag that may carry a picture ends with this mark, or has an ID3v1 tag behind it."""

ESTIMATED = frozenset({"mp3", "aac"})
"""Containers without a length: what ffprobe tells is a guess from the bit rate."""

MEDIA_TYPES = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "mov": "audio/mp4",
    "mp4": "audio/mp4",
    "m4a": "audio/mp4",
}


class AudioFacts(NamedTuple):
    """measured_by: sample count, or ffprobe for what the station leaves to its decoder."""

    sha256: str
    size: int
    duration_ms: int
    media_type: str
    measured_by: str


class _Counted(NamedTuple):
    """As the sound child reads it. rest: bytes from a little before the last frame to the end."""

    whole_ms: int
    present_ms: int
    rest: int


class _Decoded(NamedTuple):
    """said_ms: what the header promises, None when it promises nothing."""

    container: str
    said_ms: int | None
    decoded_ms: int


def examine(path: Path, ffprobe: str = "ffprobe", *, by_station: bool = True) -> AudioFacts:
    """Hash, measure, hear to the end. Raises AudioFileError.

    by_station: a station plays the file itself, so that its format must be one that it meets.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not 0 < size <= SIZE_MAX_BYTES:
            raise AudioFileError("file_size", path, f"{size} bytes, at most {SIZE_MAX_BYTES}")
        counted = _counted(path)
        unread = _unread(path, counted)
    except OSError as error:
        raise AudioFileError("file_unreadable", path, error.strerror or "") from error
    decoded = _decoded(path, ffprobe)
    if decoded is not None:
        _check_decoded(path, counted, decoded)
        container = decoded.container
    elif counted is not None:
        _check_whole(path, counted.present_ms, counted.whole_ms)
        container = _container(path)
    else:
        raise AudioFileError("length_unknown", path, Said("không có ffprobe", "no ffprobe"))
    if by_station:
        _check_heard(path, counted, container)
    if unread:
        detail = Said(f"{unread} byte cuối không đọc được", f"its last {unread} bytes are unread")
        raise AudioFileError("cut_off", path, detail)
    if counted is not None:
        duration_ms, measured_by = min(counted.whole_ms, counted.present_ms), "sample count"
    else:
        duration_ms, measured_by = decoded.said_ms or 0 if decoded else 0, "ffprobe"
    if not 0 < duration_ms <= LENGTH_MAX_MS:
        raise AudioFileError("length_unknown", path, f"{duration_ms} ms")
    media_type = MEDIA_TYPES.get(container, "application/octet-stream")
    return AudioFacts(digest, size, duration_ms, media_type, measured_by)


def _check_heard(path: Path, counted: _Counted | None, container: str) -> None:
    """Whether the station's decoder gives all of it."""
    if counted is None:
        raise AudioFileError("format_unknown", path, container)
    heard = _heard(path, counted.whole_ms) if counted.whole_ms else None
    if heard is None:
        return
    if not heard.heard_ms:
        raise AudioFileError("not_played", path, heard.why or container)
    there_ms = min(heard.heard_ms - heard.lost_ms, counted.present_ms)
    _check_whole(path, there_ms, counted.whole_ms)


def _heard(path: Path, whole_ms: int) -> Through | None:
    """None where there is no libVLC."""
    deadline_s = PROBE_DEADLINE_S + whole_ms / 1000 / HEARD_SPEED_LEAST
    command = [sys.executable, "-m", "agent.measuring.through", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=deadline_s, check=False)
        return msgspec.json.decode(done.stdout, type=Through)
    except subprocess.TimeoutExpired as error:
        raise AudioFileError("not_played", path, f"{error.timeout:.0f} s") from error
    except msgspec.MsgspecError:
        if done.returncode < 0:  # it died of the file
            raise AudioFileError("not_played", path, f"signal {-done.returncode}") from None
        return None


def _check_decoded(path: Path, counted: _Counted | None, decoded: _Decoded) -> None:
    estimated = decoded.container in ESTIMATED
    whole_ms = max(counted.whole_ms, decoded.decoded_ms) if counted is not None else 0
    if counted is None or not estimated:
        whole_ms = max(whole_ms, decoded.said_ms or 0)
    if counted is None and estimated and decoded.decoded_ms < whole_ms // 2:
        raise AudioFileError("not_audio", path)
    present_ms = decoded.decoded_ms
    if counted is not None:
        present_ms = min(present_ms, counted.present_ms, counted.whole_ms)
    _check_whole(path, present_ms, whole_ms)


def _check_whole(path: Path, present_ms: int, whole_ms: int) -> None:
    if whole_ms - present_ms > max(LOST_LEAST_MS, min(LOST_MAX_MS, whole_ms // 20)):
        there, wanted = _clock(present_ms), _clock(whole_ms)
        raise AudioFileError(
            "cut_off",
            path,
            Said(f"đọc được {there} trong {wanted}", f"{there} of {wanted} can be read"),
        )


def _clock(length_ms: int) -> str:
    """`12:03.4`."""
    minutes, rest_ms = divmod(length_ms, 60_000)
    return f"{minutes:02}:{rest_ms // 1000:02}.{rest_ms // 100 % 10}"


# --- the file's own frames -----------------------------------------------------------------


def _counted(path: Path) -> _Counted | None:
    """None for a format the station leaves to its decoder. Raises OSError."""
    try:
        with open_excerpt(path, 0) as excerpt:
            total, present = excerpt.total_frames, excerpt.present_frames
        with open_excerpt(path, max(0, min(total, present) - 1)) as excerpt:
            rest = excerpt.size
    except NotThisFormat:
        return None
    return _Counted(round(total * 1000 / RATE_HZ), round(present * 1000 / RATE_HZ), rest)


def _unread(path: Path, counted: _Counted | None) -> int:
    """Bytes at the end that belong to no frame or page; 0 when all is in order."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - OGG_PAGE_MAX_BYTES))
        tail = file.read()
        file.seek(0)
        ogg = file.read(4) == b"OggS"
    if ogg:
        at = tail.rfind(b"OggS")
        head = tail[at : at + 27]
        if at < 0 or len(head) < 27:
            return len(tail) - max(at, 0)
        lacing = tail[at + 27 : at + 27 + head[26]]
        left = len(tail) - at
        return left if left != 27 + head[26] + sum(lacing) else 0
    if counted is None or counted.rest <= REST_MAX_BYTES or APE_TAG in tail[-APE_WITHIN_BYTES:]:
        return 0
    return counted.rest


def _container(path: Path) -> str:
    """By its first bytes, for the formats that are counted here."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "m4a"
    for mark, container in ((b"RIFF", "wav"), (b"fLaC", "flac"), (b"OggS", "ogg")):
        if head.startswith(mark):
            return container
    return "aac" if head[0] == 0xFF and head[1] & 0xF6 == 0xF0 else "mp3"


# --- ffprobe -------------------------------------------------------------------------------


def _decoded(path: Path, ffprobe: str) -> _Decoded | None:
    """What comes out of it; None when ffprobe is not installed."""
    fields = "format=format_name,duration:stream=sample_rate:frame=nb_samples"
    command = [ffprobe, "-v", "error", "-select_streams", "a:0"]
    command += ["-show_entries", fields, "-of", "csv", f"file:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_DEADLINE_S, check=False)
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise AudioFileError("length_unknown", path, f"ffprobe: {error.timeout} s") from error
    samples, rate_hz, container, said = 0, 0, "", ""
    for line in done.stdout.decode(errors="replace").splitlines():
        kind, _, rest = line.partition(",")
        if kind == "frame":
            samples += _number(rest.partition(",")[0])
        elif kind == "stream":
            rate_hz = _number(rest)
        elif kind == "format":
            names, _, said = rest.rpartition(",")
            container = names.strip('"').partition(",")[0]
    if done.returncode != 0 or not rate_hz:
        text = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise AudioFileError("not_audio", path, text.removeprefix(f"file:{path}: ")[-120:])
    try:
        said_ms = round(float(said) * 1000)
    except ValueError:
        said_ms = None
    return _Decoded(container, said_ms, samples * 1000 // rate_hz)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
