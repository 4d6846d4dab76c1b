"""Sound, silence and hiss told apart, by the ear at the end of a bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.clockmap import ns_of_frames
from agent.player.hearing import Ear, Kind, Look
from agent.player.listening import heard
from agent.player.mixer import Mixer
from agent.player.ring import Silence, Tone
from agent.player.slots import Slot
from agent.player.voice import Voice
from simulator.measure import programme

RATE = 48_000
Wave = NDArray[np.float32]


def noise(level: float, seconds: float = 5.0) -> Wave:
    wave = np.random.default_rng(1).standard_normal(round(seconds * RATE))
    return (level * wave).astype(np.float32)


def receiver(seconds: float = 5.0) -> Wave:
    """What a tuner without a station gives: noise behind 50 µs of de-emphasis."""
    spectrum = np.fft.rfft(noise(0.1, seconds))
    hertz = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    return np.fft.irfft(spectrum / np.sqrt(1 + (hertz / 3_180) ** 2)).astype(np.float32)


def shaped(wave: NDArray[Any], gain_at: Callable[[NDArray[Any]], NDArray[Any]]) -> Wave:
    """`wave` with its spectrum multiplied by what `gain_at` says of each frequency."""
    hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
    shape = np.fft.irfft(np.fft.rfft(wave) * gain_at(hertz), len(wave))
    return np.asarray(0.1 * shape / np.sqrt(np.mean(shape**2)), np.float32)


def blended(top_hz: float) -> Wave:
    """A tuner that takes the highs away from a weak station: 24 dB an octave from `top_hz` on."""
    return shaped(receiver(), lambda hertz: 1 / np.sqrt(1 + (hertz / top_hz) ** 8))


def narrow(low_hz: float, high_hz: float) -> Wave:
    """Of a telephone line, or a short-wave receiver."""
    return shaped(noise(0.1), lambda hertz: ((hertz >= low_hz) & (hertz <= high_hz)) * 1.0)


def struck(strokes_per_s: float, fall_s: float) -> Wave:
    """A dull drum: strokes of noise below 3 kHz."""
    rng, wave = np.random.default_rng(4), np.zeros(5 * RATE)
    one = np.exp(-np.arange(RATE // 4) / (fall_s * RATE))
    for at in np.arange(0, 4.7, 1 / strokes_per_s):
        first = round(at * RATE)
        wave[first : first + len(one)] += one * rng.standard_normal(len(one))
    return shaped(wave, lambda hertz: 1 / np.sqrt(1 + (hertz / 3_000) ** 8))


def vowels() -> Wave:
    """A voice that does not stop: harmonics of 120 Hz under four formants."""
    at = np.arange(5 * RATE) / RATE
    formants = (500, 1_500, 2_500, 3_500)
    tones = (
        np.sin(2 * np.pi * 120 * n * at + n * n)
        * max(1 / (1 + ((120 * n - one) / 120) ** 2) for one in formants)
        for n in range(1, 40)
    )
    return np.asarray(0.02 * sum(tones), np.float32)


def rain(seconds: float = 5.0) -> Wave:
    """As even a spectrum, in gusts."""
    gusts = np.repeat((1.0, 0.4, 0.8, 0.3, 1.0), round(seconds * RATE) // 5)
    return noise(0.1, seconds) * gusts.astype(np.float32)


def looks(wave: Wave, block: int = 2_048) -> list[Look]:
    ear = Ear()
    return [
        look for at in range(0, len(wave), block) for look in ear.add(wave[at : at + block].copy())
    ]


@pytest.mark.parametrize(
    ("wave", "kind"),
    [
        (programme(5.0, seed=1), "sound"),
        (Tone((1_000,), 500).read(0, 5 * RATE)[0], "sound"),
        (np.zeros(5 * RATE, np.float32), "silent"),
        (noise(0.0004), "silent"),  # -68 dBFS
        (noise(0.1), "hiss"),
        (receiver(), "hiss"),
        (blended(2_500), "hiss"),
        (blended(3_400), "hiss"),
        (blended(4_500), "hiss"),
        (narrow(300, 3_400), "hiss"),
        (narrow(20, 5_000), "hiss"),
        (narrow(300, 1_800), "sound"),
        (vowels(), "sound"),
        (0.001 * narrow(300, 3_400), "silent"),
    ],
    ids=[
        *("programme", "tone", "nothing", "next to nothing", "noise", "receiver"),
        *("blended 2.5", "blended 3.4", "blended 4.5", "telephone", "narrow 5", "too narrow"),
        *("vowels", "faint"),
    ],
)
def test_what_leaves_a_bus_is_known_for_what_it_is(wave: Wave, kind: Kind) -> None:
    found = looks(wave)
    assert {look.kind for look in found} == {kind}
    assert [look.for_frames for look in found] == [RATE // 4 * n for n in range(1, 21)]


def test_noise_that_swells_is_never_hiss_for_long() -> None:
    assert max(look.for_frames for look in looks(rain())) <= RATE


@pytest.mark.parametrize("strokes_per_s", [3.0, 6.0, 14.0])
def test_a_roll_on_a_dull_drum_is_no_hiss(strokes_per_s: float) -> None:
    assert max(look.for_frames for look in looks(struck(strokes_per_s, 0.05))) > 4 * RATE
    hissing = [look for look in looks(struck(strokes_per_s, 0.05)) if look.kind == "hiss"]
    assert max((look.for_frames for look in hissing), default=0) <= RATE


@pytest.mark.parametrize("block", [64, 480, 2_048, 48_000])
def test_how_the_sound_is_cut_does_not_matter(block: int) -> None:
    wave = np.concatenate((programme(1.0, seed=2), np.zeros(RATE, np.float32), noise(0.1, 1.0)))
    kinds = [look.kind for look in looks(wave, block)]
    assert kinds == ["sound"] * 4 + ["silent"] * 4 + ["hiss"] * 4


def test_level_and_peak_are_those_of_the_sound() -> None:
    tone = Tone((1_000,), 500).read(0, RATE)[0]
    look = looks(tone)[-1]
    assert look.peak_dbfs == pytest.approx(-6.02, abs=0.05)
    assert look.level_dbfs == pytest.approx(-9.03, abs=0.05)


def mixer_with(*slots: Slot, gain_cdb: int = 0) -> Mixer:
    mixer = Mixer(1)
    voice = Voice("v", 0, 0, gain_cdb=gain_cdb)
    voice.slots.extend(slots)
    mixer.add(voice)
    return mixer


def play(mixer: Mixer, seconds: float) -> None:
    for _ in range(round(seconds * RATE / 2_048)):
        mixer.render(2_048, ns_of_frames(mixer.frames))


def test_the_agent_is_told_what_left_the_mixer_and_for_how_long() -> None:
    mixer = mixer_with(Slot(0, 2, Silence(), 0, at=0))
    play(mixer, 4.0)
    [report] = heard(mixer, 1_000)
    assert (report.token, report.kind, report.source) == ("v", "silent", 2)
    assert 3_500 <= report.for_ms <= 4_000
    assert report.position_ms == pytest.approx(4_000, abs=60)


def test_the_agent_is_told_how_much_the_limiter_took() -> None:
    mixer = mixer_with(Slot(0, 0, Tone((1_000,), 500), 0, at=0), gain_cdb=1_200)
    play(mixer, 1.0)
    [report] = heard(mixer, 1_000)
    assert report.limited_cdb == pytest.approx(-725, abs=30)
    assert report.peak_cdb <= -100
    play(mixer, 0.3)
    assert heard(mixer, 2_000)[0].limited_cdb < -600


def test_a_bus_on_which_nothing_plays_is_not_told_of() -> None:
    mixer = Mixer(2)
    play(mixer, 1.0)
    assert heard(mixer, 1_000) == []
