"""Finding programmes in a recording that is not as clean as the programme was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.demo.listening import Heard, listen, tone_share
from simulator.demo.recording import Recording
from simulator.measure import programme

RATE_HZ = 48_000
NEWS = programme(8.0, 1)
MUSIC = programme(6.0, 2)


def recording(sound: NDArray[np.float64], stretch: float = 1.0) -> Recording:
    """One bus. stretch: the card's second lasts that many of ours."""
    frames = np.asarray(np.clip(sound, -1, 1) * 32767, np.int16)[:, None]
    marks = np.arange(0, len(frames), RATE_HZ, dtype=np.float64)
    return Recording(RATE_HZ, frames, marks, 1_000_000 + marks / 48.0 * stretch)


def heard(sound: NDArray[np.float64], stretch: float = 1.0) -> Heard:
    return listen(recording(sound, stretch), {"news": NEWS, "music": MUSIC})


def placed(part: NDArray[np.float32], at_s: float, length_s: float = 14.0) -> NDArray[np.float64]:
    sound = np.zeros(round(length_s * RATE_HZ))
    first = round(at_s * RATE_HZ)
    sound[first : first + len(part)] = part
    return sound


def delayed(part: NDArray[np.float32], frames: float) -> NDArray[np.float32]:
    """By a fraction of a sample."""
    spectrum = np.fft.rfft(part)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(part)) * frames)
    return np.asarray(np.fft.irfft(spectrum * turn, len(part)), np.float32)


@pytest.mark.parametrize("gain", [0.1, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_programme_is_found_at_any_gain_and_in_noise(gain: float, noise: float) -> None:
    hiss = np.random.default_rng(3).standard_normal(14 * RATE_HZ) * noise * gain
    found = heard(placed(NEWS, 2.3) * gain + hiss).stretches
    assert [one.programme for one in found] == ["news"]
    assert found[0].zero_ms == pytest.approx(1_002_300, abs=0.05)
    assert found[0].from_ms == pytest.approx(1_002_300, abs=45)
    assert found[0].to_ms == pytest.approx(1_010_300, abs=45)


def test_the_start_is_exact_to_a_fraction_of_a_sample() -> None:
    found = heard(placed(delayed(NEWS, 0.4), 2.0)).stretches
    assert found[0].zero_ms == pytest.approx(1_002_000 + 0.4 / 48, abs=0.004)


def test_a_card_whose_clock_is_off_is_followed() -> None:
    found = heard(placed(NEWS, 2.0), stretch=1.0001).stretches
    assert len(found) == 1
    assert found[0].from_ms == pytest.approx(1_000_000 + 2000 * 1.0001, abs=45)


def test_a_gap_splits_the_stretch_and_keeps_the_timeline() -> None:
    sound = placed(NEWS, 2.0)
    sound[5 * RATE_HZ : 6 * RATE_HZ] = 0
    first, second = heard(sound).stretches
    assert first.to_ms == pytest.approx(1_005_000, abs=45)
    assert second.from_ms == pytest.approx(1_006_000, abs=45)
    assert second.position_ms == pytest.approx(4_000, abs=45)
    assert abs(first.zero_ms - second.zero_ms) < 0.05


def test_pauses_of_the_programme_itself_are_no_gaps() -> None:
    speech = NEWS.copy()
    for second in range(1, 8):
        speech[second * RATE_HZ : second * RATE_HZ + RATE_HZ // 3] = 0
    found = listen(recording(placed(speech, 2.0)), {"speech": speech}).stretches
    assert len(found) == 1
    assert found[0].to_ms - found[0].from_ms == pytest.approx(8_000, abs=60)


def test_a_soft_pause_of_a_programme_that_is_played_more_softly_is_no_gap() -> None:
    """Levelled by 12 dB, a breath at -52 dBFS leaves below what counts as silence."""
    breath = NEWS.copy()
    frames = slice(3 * RATE_HZ, 3 * RATE_HZ + 16_000)
    breath[frames] *= 10 ** (-32 / 20)
    loud = placed(breath, 2.0) * 0.25
    found = listen(recording(loud), {"news": breath}).stretches
    assert len(found) == 1
    assert found[0].to_ms - found[0].from_ms == pytest.approx(8_000, abs=60)


def test_the_same_programme_heard_twice_is_two_stretches() -> None:
    sound = placed(NEWS[: 3 * RATE_HZ], 1.0) + placed(NEWS[: 3 * RATE_HZ], 6.25)
    found = heard(sound).stretches
    assert [round(one.zero_ms) for one in found] == [1_001_000, 1_006_250]


def test_one_programme_straight_after_another_is_told_apart() -> None:
    found = heard(placed(NEWS[: 4 * RATE_HZ], 1.1) + placed(MUSIC, 5.1)).stretches
    assert [one.programme for one in found] == ["news", "music"]
    assert found[1].from_ms == pytest.approx(1_005_100, abs=45)


def test_what_is_no_programme_is_other_sound() -> None:
    stranger = programme(3.0, 99)
    result = heard(placed(NEWS[: 4 * RATE_HZ], 1.0) + placed(stranger, 7.0))
    assert [one.programme for one in result.stretches] == ["news"]
    assert len(result.other) == 1
    assert result.other[0].from_ms == pytest.approx(1_007_000, abs=45)
    assert result.other[0].to_ms == pytest.approx(1_010_000, abs=45)


def test_a_word_that_two_programmes_share_is_not_the_other_programme() -> None:
    twin = programme(6.0, 7)
    twin[RATE_HZ : RATE_HZ * 17 // 10] = NEWS[RATE_HZ * 4 : RATE_HZ * 47 // 10]
    found = listen(recording(placed(NEWS, 2.0)), {"news": NEWS, "twin": twin})
    assert [one.programme for one in found.stretches] == ["news"]


def test_silence_is_nothing() -> None:
    result = heard(np.zeros(5 * RATE_HZ))
    assert (result.stretches, result.other) == ((), ())


def test_the_siren_is_told_from_speech_by_its_spectrum() -> None:
    seconds = np.arange(RATE_HZ) / RATE_HZ
    siren = np.asarray(np.sin(2 * np.pi * 700 * seconds), np.float32)
    assert tone_share(siren, RATE_HZ, (700, 1_000)) > 0.95
    assert tone_share(programme(1.0, 4), RATE_HZ, (700, 1_000)) < 0.1
