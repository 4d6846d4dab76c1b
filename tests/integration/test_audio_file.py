"""How long a file is when it is published, against the sound it was made from."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from simulator.measure import programme
from simulator.soundcard import encode
from simulator.soundcard.material import CODECS
from simulator.source_system.audio_file import examine
from simulator.source_system.problems import AudioFileError

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("ffmpeg", "ffprobe"))), reason="needs ffmpeg"
)

# AAC without a container cannot say how long it is: it is told in whole frames of 21 to 46 ms.
WITHIN_MS = {"aac": 50}


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("codec", CODECS)
def test_a_file_is_as_long_as_the_sound_before_encoding(
    tmp_path: Path, codec: str, rate_hz: int
) -> None:
    sound = programme(1.7, rate_hz=rate_hz)
    path = encode(sound, tmp_path / f"chime.{codec}", rate_hz=rate_hz)
    facts = examine(path)
    assert abs(facts.duration_ms - 1_700) <= WITHIN_MS.get(codec, 1)
    assert facts.measured_by == "sample count"


def test_a_format_the_station_cannot_meet_is_refused_with_those_that_it_can(
    tmp_path: Path,
) -> None:
    path = encode(programme(1.0), tmp_path / "chime.flac")
    wrapped = tmp_path / "chime.mka"
    _wrap(path, wrapped)
    with pytest.raises(AudioFileError) as refused:
        examine(wrapped)
    assert refused.value.code == "format_unknown"
    assert "FLAC, M4A (AAC), Opus hoặc Ogg Vorbis" in refused.value.text("vi")
    assert "FLAC, M4A (AAC), Opus or Ogg Vorbis" in refused.value.text("en")


def test_what_is_sent_live_may_have_any_format_and_is_measured_by_ffprobe(tmp_path: Path) -> None:
    path = encode(programme(1.0), tmp_path / "chime.flac")
    wrapped = tmp_path / "chime.mka"
    _wrap(path, wrapped)
    facts = examine(wrapped, by_station=False)
    assert (facts.duration_ms, facts.measured_by) == (1_000, "ffprobe")


OTHERS = [
    ("oga", ["-c:a", "flac", "-f", "ogg"], 2),
    ("ogg", ["-c:a", "libvorbis"], 2),
    ("ogg", ["-c:a", "libvorbis"], 6),
    ("opus", ["-c:a", "libopus"], 6),
    ("m4a", ["-c:a", "aac", "-ar", "16000"], 6),
    ("flac", [], 6),
]


@pytest.mark.parametrize(("name", "options", "channels"), OTHERS)
def test_the_other_formats_that_stations_play_are_published_with_their_length(
    tmp_path: Path, name: str, options: list[str], channels: int
) -> None:
    plain = encode(programme(1.7), tmp_path / "plain.wav", channels=channels)
    path = tmp_path / f"a.{name}"
    argv = ["ffmpeg", "-v", "error", "-i", str(plain), *options, str(path)]
    subprocess.run(argv, check=True, timeout=60)
    facts = examine(path)
    assert abs(facts.duration_ms - 1_700) <= 1
    assert facts.measured_by == "sample count"


def test_a_hole_is_heard_by_the_stations_decoder_where_there_is_no_ffprobe(tmp_path: Path) -> None:
    path = encode(programme(6.0), tmp_path / "news.flac")
    raw = bytearray(path.read_bytes())
    middle, hole = len(raw) // 2, len(raw) // 5
    raw[middle : middle + hole] = bytes(hole)
    path.write_bytes(raw)
    with pytest.raises(AudioFileError) as refused:
        examine(path, "no-such-program")
    assert refused.value.code == "cut_off"


PROBES = ["ffprobe", "no-such-program"]


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("codec", ["mp3", "wav", "flac", "opus"])
def test_a_file_that_was_cut_off_is_refused_with_what_is_left_of_it(
    tmp_path: Path, codec: str, probe: str
) -> None:
    path = encode(programme(6.0), tmp_path / f"news.{codec}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioFileError) as refused:
        examine(path, probe)
    assert refused.value.code == "cut_off"
    assert refused.value.where == str(path)
    assert "again from the original" in refused.value.text("en")
    if codec != "opus":
        assert "of 00:06.0 can be read" in refused.value.text("en")
        assert "trong 00:06.0" in refused.value.text("vi")


@pytest.mark.parametrize("codec", ["mp3", "m4a", "flac", "opus"])
def test_a_file_with_a_hole_in_it_is_refused(tmp_path: Path, codec: str) -> None:
    path = encode(programme(12.0), tmp_path / f"news.{codec}")
    raw = bytearray(path.read_bytes())
    middle, hole = len(raw) // 2, len(raw) // 5
    raw[middle : middle + hole] = bytes(hole)
    path.write_bytes(raw)
    with pytest.raises(AudioFileError) as refused:
        examine(path)
    assert refused.value.code == "cut_off"


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", ["words.mp3", "words.wav", "program.mp3", "noise.mp3", "zero.mp3"])
def test_what_is_no_sound_is_refused_whatever_it_is_called(
    tmp_path: Path, name: str, probe: str
) -> None:
    """A program passed for an MP3 of fourteen minutes: some of its bytes look like a frame."""
    contents = {
        "words": b"Kinh gui ba con. " * 500,
        "program": Path(sys.executable).resolve().read_bytes(),
        "noise": Random(7).randbytes(100_000),
        "zero": bytes(100_000),
    }
    path = tmp_path / name
    path.write_bytes(contents[path.stem])
    with pytest.raises(AudioFileError) as refused:
        examine(path, probe)
    assert refused.value.code in ("not_audio", "length_unknown", "cut_off")


def test_an_mp3_with_something_else_behind_its_sound_is_refused(tmp_path: Path) -> None:
    path = encode(programme(2.0), tmp_path / "news.mp3")
    path.write_bytes(path.read_bytes() + Random(7).randbytes(200_000))
    for probe in PROBES:
        with pytest.raises(AudioFileError) as refused:
            examine(path, probe)
        assert refused.value.code == "cut_off"


@pytest.mark.parametrize("codec", ["mp3", "wav", "flac", "opus", "m4a"])
def test_without_ffprobe_what_the_station_can_count_is_measured_all_the_same(
    tmp_path: Path, codec: str
) -> None:
    path = encode(programme(1.7), tmp_path / f"chime.{codec}")
    assert examine(path, "no-such-program") == examine(path)


def test_a_file_without_a_sample_is_refused(tmp_path: Path) -> None:
    path = encode(programme(1.0)[:0], tmp_path / "nothing.wav")
    with pytest.raises(AudioFileError) as refused:
        examine(path)
    assert refused.value.code == "length_unknown"


def _wrap(path: Path, into: Path) -> None:
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", str(into)]
    subprocess.run(argv, check=True, timeout=60)
