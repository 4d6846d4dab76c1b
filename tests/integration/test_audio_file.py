"""How long a file is when it is published, against the sound it was made from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

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


def test_a_format_the_station_leaves_to_its_decoder_is_measured_by_ffprobe(
    tmp_path: Path,
) -> None:
    path = encode(programme(1.0), tmp_path / "chime.flac")
    wrapped = tmp_path / "chime.mka"
    _wrap(path, wrapped)
    facts = examine(wrapped)
    assert (facts.duration_ms, facts.measured_by) == (1_000, "ffprobe")


def test_a_file_without_a_sample_is_refused(tmp_path: Path) -> None:
    path = encode(programme(1.0)[:0], tmp_path / "nothing.wav")
    with pytest.raises(AudioFileError) as refused:
        examine(path)
    assert refused.value.code == "length_unknown"


def _wrap(path: Path, into: Path) -> None:
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-c", "copy", str(into)]
    subprocess.run(argv, check=True, timeout=60)
