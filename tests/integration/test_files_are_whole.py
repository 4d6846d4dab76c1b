"""Every format that plays: first and last sample, its length, and a join in its middle.

ffmpeg encodes, libVLC decodes as it does in the sound child, without a card. What comes out is
held against the programme before it was encoded.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.clockmap import WallMap
from agent.player.decode import DecodeJob, VlcDecoders
from agent.player.director import Director
from agent.player.mixer import Mixer
from agent.player.protocol import RATE_HZ, Cue, Part, Source

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")

Sound = NDArray[np.float64]
SECONDS = 1.234
JOIN_FRAMES = 30_011
"""On no grid of any format."""
PATIENCE_S = 20.0


class Format(NamedTuple):
    """padded_ms: what it cannot say was put behind the programme."""

    name: str
    options: tuple[str, ...] = ()
    rates: tuple[int, ...] = (8_000, 16_000, 22_050, 44_100, 48_000, 96_000)
    channels: tuple[int, ...] = (1, 2, 6)
    padded_ms: float = 0.0


FORMATS = (
    Format("wav"),
    Format("flac"),
    Format("oga", ("-c:a", "flac", "-f", "ogg")),
    Format("ogg", ("-c:a", "libvorbis", "-q:a", "7")),
    Format("opus", ("-c:a", "libopus", "-b:a", "256k"), (8_000, 16_000, 48_000)),
    Format("mp3", ("-b:a", "64k"), (8_000, 16_000, 22_050, 44_100, 48_000), (1, 2)),
    Format("m4a", ("-c:a", "aac", "-q:a", "2")),
    Format("aac", ("-c:a", "aac", "-q:a", "2"), padded_ms=256.0),
)
CASES = [
    pytest.param(one, rate_hz, channels, id=f"{one.name}-{rate_hz}-{channels}")
    for one in FORMATS
    for rate_hz in one.rates
    for channels in one.channels
    # Two of the rates are enough for surround.
    if channels < 6 or rate_hz in (16_000, 48_000)
]


@functools.cache
def decoders() -> VlcDecoders:
    found = VlcDecoders()
    found.warm()
    return found


@functools.cache
def programme(rate_hz: int, seconds: float = SECONDS) -> Sound:
    """Noise in the speech band, the same sound at every rate."""
    seconds = round(seconds * RATE_HZ) / RATE_HZ
    frames = round(seconds * rate_hz)
    hertz = np.arange(round(200 * seconds), round(2_800 * seconds))
    chance = np.random.default_rng(5)
    spectrum = np.zeros(frames // 2 + 1, np.complex128)
    spectrum[hertz] = np.exp(2j * np.pi * chance.random(len(hertz)))
    sound = np.fft.irfft(spectrum, frames)
    return np.asarray(0.1 * sound / np.sqrt(np.mean(sound**2)), np.float64)


def encoded(channels: list[Sound], rate_hz: int, folder: Path, formats: list[Format]) -> None:
    """As `a.FORMAT`, each of them, by one ffmpeg."""
    plain = folder / "plain.wav"
    with wave.open(str(plain), "wb") as out:
        out.setnchannels(len(channels))
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        pcm = np.rint(np.stack(channels, axis=1) * 32_767).astype("<i2")
        out.writeframes(pcm.tobytes())
    argv = ["ffmpeg", "-v", "error", "-y", "-i", str(plain)]
    for one in formats:
        argv += [*one.options, str(folder / f"a.{one.name}")]
    subprocess.run(argv, check=True, timeout=60)


Files = Callable[[int, int], Path]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The folder with the programme in every format that has this rate and so many channels."""

    @functools.cache
    def made(rate_hz: int, channels: int) -> Path:
        folder = tmp_path_factory.mktemp("files")
        fit = [one for one in FORMATS if rate_hz in one.rates and channels in one.channels]
        encoded([programme(rate_hz)] * channels, rate_hz, folder, fit)
        return folder

    return made


def played(path: Path, from_frames: int = 0) -> tuple[Sound, DecodeJob]:
    """All that the sound child would hear of it."""
    source, begin = Source("file", str(path)), time.monotonic()
    job = decoders().open(source, from_frames, time.monotonic_ns(), chasing=False)
    assert isinstance(job, DecodeJob)
    while not job.done:
        job.poll(time.monotonic_ns())
        assert time.monotonic() - begin < PATIENCE_S
        time.sleep(0.003)
    assert job.fault is None
    assert job.reader.total is not None
    frames = job.reader.total - from_frames
    block, there = job.reader.read(from_frames, frames)
    assert there == frames  # nothing of it is missing
    return block.astype(np.float64), job


def late_ms(heard: Sound, wanted: Sound) -> float:
    """By how much the sound lies behind where it should, by cross-correlation."""
    size = len(heard) + len(wanted)
    both = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size))
    likeness = np.fft.irfft(both, size)
    at = int(np.argmax(likeness))
    before, here, after = likeness[at - 1], likeness[at], likeness[(at + 1) % size]
    between = 0.5 * (before - after) / (before - 2 * here + after)
    return float((at if at < size // 2 else at - size) + between) * 1000 / RATE_HZ


def unlike(heard: Sound, wanted: Sound) -> float:
    """Error against the sound itself: 0 is the same, 1 nothing of it, 1.4 another sound."""
    return float(np.sqrt(np.mean((heard - wanted) ** 2) / np.mean(programme(RATE_HZ) ** 2)))


@pytest.mark.parametrize(("one", "rate_hz", "channels"), CASES)
def test_a_file_is_heard_from_its_first_sample_to_its_last_and_joined_in_its_middle(
    one: Format, rate_hz: int, channels: int, files: Files
) -> None:
    wanted, path = programme(RATE_HZ), files(rate_hz, channels) / f"a.{one.name}"
    heard, _ = played(path)
    beyond_ms = (len(heard) - len(wanted)) * 1000 / RATE_HZ
    assert -0.06 <= beyond_ms <= max(0.2, one.padded_ms)
    heard_all, heard = heard, heard[: len(wanted)]
    wanted = wanted[: len(heard)]
    tenth, end = RATE_HZ // 10, RATE_HZ // 1000
    assert abs(late_ms(heard[: 3 * tenth], wanted[: 3 * tenth])) < 0.1
    assert abs(late_ms(heard[-3 * tenth :], wanted[-3 * tenth :])) < 0.1
    # At its very edges too: the first half millisecond, the last one.
    assert unlike(heard[: end // 2], wanted[: end // 2]) < 0.7
    assert unlike(heard[-end:], wanted[-end:]) < 0.7
    joined, _ = played(path, JOIN_FRAMES)
    assert len(joined) == len(heard_all) - JOIN_FRAMES
    assert unlike(joined[:tenth], heard[JOIN_FRAMES:][:tenth]) < 0.02


SURROUND = [
    Format("wav"),
    Format("flac"),
    Format("ogg", ("-c:a", "libvorbis", "-q:a", "7")),
    Format("opus", ("-c:a", "libopus", "-b:a", "1000k")),
    Format("m4a", ("-c:a", "aac", "-b:a", "768k")),
]


@pytest.mark.parametrize("one", SURROUND, ids=lambda one: str(one.name))
def test_of_surround_every_channel_is_heard_as_loud_as_it_should_be(
    one: Format, tmp_path: Path
) -> None:
    """ffmpeg's order: left, right, centre, low frequencies, surround left and right."""
    hertz = (400, 600, 1_000, 60, 1_400, 1_800)
    at = np.arange(RATE_HZ) / RATE_HZ
    tones = [np.asarray(0.5 * np.sin(2 * np.pi * one_hz * at)) for one_hz in hertz]
    encoded(tones, RATE_HZ, tmp_path, [one])
    heard, _ = played(tmp_path / f"a.{one.name}")
    spectrum = np.abs(np.fft.rfft(heard[:RATE_HZ])) / (RATE_HZ / 2)
    levels = np.asarray([spectrum[one_hz] for one_hz in hertz]) / 0.5
    root = np.sqrt(2)
    weights = np.asarray([1, 1, root, 0, 1 / root, 1 / root]) / (2 + 2 * root)
    assert levels == pytest.approx(weights, abs=0.02)


@pytest.mark.parametrize("name", ["wav", "flac"])
def test_six_loud_channels_are_mixed_without_clipping(name: str, tmp_path: Path) -> None:
    at = np.arange(RATE_HZ) / RATE_HZ
    tone = np.asarray(0.5 * np.sin(2 * np.pi * 997 * at))  # -6 dBFS in each
    encoded([tone] * 6, RATE_HZ, tmp_path, [Format(name)])
    heard, _ = played(tmp_path / f"a.{name}")
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    rest = spectrum.sum() - spectrum[997]
    assert np.max(np.abs(heard)) == pytest.approx(0.5, abs=0.001)
    assert 10 * np.log10(rest / spectrum[997]) < -85


PARTS = 4
PART_FRAMES = 19_200
SEAM_FORMATS = [
    (Format("wav"), 22_050),
    (Format("flac"), 44_100),
    (Format("oga", ("-c:a", "flac", "-f", "ogg")), 48_000),
    (Format("ogg", ("-c:a", "libvorbis", "-q:a", "9")), 44_100),
    (Format("opus", ("-c:a", "libopus", "-b:a", "256k")), 48_000),
    (Format("mp3", ("-b:a", "128k")), 44_100),
    (Format("m4a", ("-c:a", "aac", "-b:a", "96k")), 22_050),
]


def test_programmes_cut_into_parts_are_heard_without_a_hole_at_any_seam(tmp_path: Path) -> None:
    """Through director and mixer, paced by the clock, one format a bus; only the card is not there.

    At the end of a part lossy encoders know nothing of the next one: the sound bends there for a
    millisecond, it does not stop.
    """
    seconds = PARTS * PART_FRAMES / RATE_HZ
    for rate_hz in {rate_hz for _, rate_hz in SEAM_FORMATS}:
        formats = [one for one, rate in SEAM_FORMATS if rate == rate_hz]
        for number, sound in enumerate(np.split(programme(rate_hz, seconds), PARTS)):
            (tmp_path / str(number)).mkdir(exist_ok=True)
            encoded([sound], rate_hz, tmp_path / str(number), formats)
    mixer = Mixer(len(SEAM_FORMATS))
    director = Director(mixer, decoders(), WallMap(0))
    start_ms = time.monotonic_ns() // 1_000_000 + 2_000
    for bus, (one, _) in enumerate(SEAM_FORMATS):
        paths = [tmp_path / str(number) / f"a.{one.name}" for number in range(PARTS)]
        parts = tuple(Part((Source("file", str(path)),)) for path in paths)
        director.take(Cue(one.name, bus, parts, start_ms, 0), time.monotonic_ns())
    now_ns, blocks = time.monotonic_ns(), []
    begin_ns = now_ns
    while now_ns < (start_ms + round(seconds * 1_000) + 100) * 1_000_000:
        director.tick(now_ns)
        blocks.append(mixer.render(960, now_ns).astype(np.float64))
        now_ns += 20_000_000
        time.sleep(max(0.0, (now_ns - time.monotonic_ns()) / 1e9))
    heard = np.concatenate(blocks) / 32_768
    at = round((start_ms * 1_000_000 - begin_ns) * RATE_HZ / 1e9)
    wanted = programme(RATE_HZ, seconds)
    for bus, (one, _) in enumerate(SEAM_FORMATS):
        near = heard[at : at + len(wanted) + 480, bus]
        late = round(late_ms(near, wanted) * RATE_HZ / 1_000)
        assert 0 <= late < 240, one.name
        found = near[late : late + len(wanted)]
        for seam in range(PART_FRAMES, len(wanted), PART_FRAMES):
            here = slice(seam - 48, seam + 48)
            assert unlike(found[here], wanted[here]) < 0.6, (one.name, seam)
            away = slice(seam + 480, seam + 960)
            assert unlike(found[away], wanted[away]) < 0.25, (one.name, seam)
