"""Hiss and programmes told apart behind an encoder, and speech that is really said.

Real espeak-ng and ffmpeg (MP3 at 24 to 64 kbit/s); what is judged is what an ear would report.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.hearing import Ear
from tests.unit.player.test_hearing import blended, narrow, struck

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("espeak-ng", "ffmpeg"))), reason="needs espeak-ng and ffmpeg"
    ),
    pytest.mark.slow,
]

RATE = 48_000
Wave = NDArray[np.float32]
TOLD_S = 3.5
"""Hiss for so long is told."""

WORDS = (
    "Đài truyền thanh xã Mẫu xin thông báo. Sáng mai, lúc bảy giờ ba mươi, trạm y tế tổ chức "
    "tiêm chủng cho trẻ em dưới năm tuổi. Xin trân trọng cảm ơn. "
)


def run(argv: list[str], given: bytes = b"") -> bytes:
    return subprocess.run(argv, input=given, capture_output=True, check=True, timeout=60).stdout


def said(voice: str = "vi") -> Wave:
    wav = run(["espeak-ng", "-v", voice, "--stdout", WORDS])
    raw = run(["ffmpeg", "-v", "error", "-i", "-", *_RAW, "-"], wav)
    return np.frombuffer(raw, np.float32)


def over_the_telephone(wave: Wave) -> Wave:
    hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
    kept = np.fft.rfft(wave) * ((hertz >= 300) & (hertz <= 3_400))
    return np.fft.irfft(kept, len(wave)).astype(np.float32)


def choir() -> Wave:
    """Five voices with vibrato, twenty harmonics each."""
    at, rng = np.arange(6 * RATE) / RATE, np.random.default_rng(6)
    wave = np.zeros(len(at))
    for base in (131, 165, 196, 262, 330):
        for n in range(1, 20):
            late = rng.uniform(0, 6)
            turns = base * n * (at - 0.01 * np.cos(2 * np.pi * 5 * at + late) / (2 * np.pi * 5))
            wave += np.sin(2 * np.pi * turns + late) / n * (base * n < 5_000)
    return (0.02 * wave).astype(np.float32)


def siren() -> Wave:
    at = np.arange(6 * RATE) / RATE
    turns = 700 * at - 400 / (2 * np.pi * 0.3) * np.cos(2 * np.pi * 0.3 * at)
    return np.asarray(0.1 * sum(np.sin(2 * np.pi * n * turns) / n for n in range(1, 6)), np.float32)


_RAW = ("-ar", str(RATE), "-ac", "1", "-f", "f32le")


def encoded(wave: Wave, *options: str) -> Wave:
    mp3 = ["-c:a", "libmp3lame", *options, "-f", "mp3", "-"]
    packed = run(["ffmpeg", "-v", "error", *_RAW[4:], *_RAW[:4], "-i", "-", *mp3], wave.tobytes())
    return np.frombuffer(run(["ffmpeg", "-v", "error", "-i", "-", *_RAW, "-"], packed), np.float32)


def hissed_s(wave: Wave) -> float:
    """The longest that it would be told to hiss."""
    ear, longest = Ear(), 0
    for at in range(0, len(wave), 2_048):
        for look in ear.add(wave[at : at + 2_048].copy()):
            longest = max(longest, look.for_frames if look.kind == "hiss" else 0)
    return longest / RATE


RATES = [("-b:a", "64k"), ("-b:a", "32k"), ("-b:a", "24k", "-ar", "16000")]


@pytest.mark.parametrize("options", RATES, ids=[" ".join(one) for one in RATES])
@pytest.mark.parametrize(
    "hiss",
    [lambda: blended(3_000), lambda: blended(4_500), lambda: narrow(300, 3_400)],
    ids=["blended 3", "blended 4.5", "telephone"],
)
def test_narrow_hiss_is_known_behind_an_encoder(
    hiss: Callable[[], Wave], options: tuple[str, ...]
) -> None:
    assert hissed_s(encoded(hiss(), *options)) >= TOLD_S


@pytest.mark.parametrize("options", RATES, ids=[" ".join(one) for one in RATES])
@pytest.mark.parametrize(
    "sound",
    [
        said,
        lambda: said("vi+whisper"),
        lambda: over_the_telephone(said()),
        lambda: over_the_telephone(said("vi+whisper")),
        choir,
        siren,
        lambda: struck(14.0, 0.05),
    ],
    ids=["said", "whispered", "telephone", "whispered, telephone", "choir", "siren", "drum"],
)
def test_what_is_no_hiss_is_never_taken_for_it(
    sound: Callable[[], Wave], options: tuple[str, ...]
) -> None:
    assert hissed_s(encoded(sound(), *options)) <= 1.0
