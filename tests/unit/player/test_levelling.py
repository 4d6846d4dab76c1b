"""Live sound at the station's level: what leaves, by another look at it than the rule's own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.core.loudness import Levels, aim_of
from agent.measuring.ebu import LoudnessMeter
from agent.player.clockmap import ns_of_frames
from agent.player.hearing import Ear
from agent.player.levelling import Fader, Gauge
from agent.player.listening import heard
from agent.player.live import LiveJob
from agent.player.mixer import Mixer
from agent.player.protocol import RATE_HZ, Aim, Source
from agent.player.ring import Tone
from agent.player.slots import Slot
from agent.player.voice import Voice
from simulator.measure import programme

Wave = NDArray[np.float32]
BLOCK = 2_048
STREAM = Source("stream", "http://dai.example/live")


def aim(klass: int = 3) -> Aim:
    found = aim_of(STREAM, Levels(), klass)
    assert found is not None
    return found


def lufs(wave: Wave) -> float:
    """Integrated, of all of it."""
    with LoudnessMeter(RATE_HZ) as meter:
        meter.add(np.rint(np.clip(wave, -1, 1) * 32_767).astype(np.int16))
        assert meter.loudness_lufs is not None
        return meter.loudness_lufs


def sound(level_lufs: float, seconds: float, seed: int = 3) -> Wave:
    """Programme of this loudness, measured."""
    wave = programme(seconds, seed=seed)
    return np.asarray(np.clip(wave * 10 ** ((level_lufs - lufs(wave)) / 20), -1, 1), np.float32)


def led(wave: Wave, *, klass: int = 3, store_s: float = 1.5, before_s: float = 0.0) -> Wave:
    """What leaves of `wave` from `before_s` on, of which so much is in store all the time."""
    gauge, ear = Gauge(aim(klass), 30 * RATE_HZ), Ear()
    fader, out = Fader(gauge), []
    arrived, store = 0, round(store_s * RATE_HZ)
    for at in range(round(before_s * RATE_HZ), len(wave) - BLOCK, BLOCK):
        new = wave[arrived : at + BLOCK + store]
        arrived += len(new)
        gauge.add(np.rint(new * 32_767).astype(np.int16), ear.add(new.copy()))
        out.append(wave[at : at + BLOCK] * fader.gains(at, BLOCK))
    return np.concatenate(out)


@pytest.mark.parametrize("level", [-9.0, -18.0, -30.0])
def test_a_source_that_was_heard_before_it_is_due_begins_at_the_level(level: float) -> None:
    """It is opened eight seconds before its start."""
    left = led(sound(level, 16.0), before_s=8.0)
    assert lufs(left[: 2 * RATE_HZ]) == pytest.approx(-18.0, abs=1.0)
    assert lufs(left) == pytest.approx(-18.0, abs=0.5)


def test_a_loud_source_opened_now_is_at_the_level_from_its_first_second() -> None:
    assert lufs(led(sound(-9.0, 4.0))[:RATE_HZ]) == pytest.approx(-18.0, abs=1.0)


def test_a_quiet_source_opened_now_is_raised_slowly() -> None:
    left = led(sound(-30.0, 20.0))
    assert lufs(left[:RATE_HZ]) == pytest.approx(-30.0, abs=1.0)
    assert lufs(left[6 * RATE_HZ : 7 * RATE_HZ]) == pytest.approx(-25.0, abs=1.5)
    assert lufs(left[15 * RATE_HZ :]) == pytest.approx(-18.0, abs=1.0)


def test_what_turns_loud_is_nearly_there_within_two_seconds_and_there_within_fifteen() -> None:
    left = led(np.concatenate((sound(-24.0, 30.0), sound(-12.0, 20.0))))
    at = 30 * RATE_HZ
    assert lufs(left[at + 2 * RATE_HZ : at + 4 * RATE_HZ]) < -18.0 + 4.0
    assert lufs(left[at + 15 * RATE_HZ :]) == pytest.approx(-18.0, abs=1.0)
    assert lufs(left[at - 5 * RATE_HZ : at - 2 * RATE_HZ]) == pytest.approx(-18.0, abs=1.0)


def test_what_turns_quiet_is_raised_in_half_a_minute() -> None:
    left = led(np.concatenate((sound(-12.0, 25.0), sound(-24.0, 45.0))))
    at = 25 * RATE_HZ
    assert lufs(left[at : at + 3 * RATE_HZ]) == pytest.approx(-30.0, abs=1.0)
    assert lufs(left[at + 35 * RATE_HZ :]) == pytest.approx(-18.0, abs=1.0)


def test_a_minute_of_pause_leaves_the_gain_where_it_was() -> None:
    """An open microphone in a quiet room: its murmur is not brought to the level of speech."""
    murmur = sound(-47.0, 60.0, seed=8)
    left = led(np.concatenate((sound(-24.0, 20.0), murmur)))
    assert lufs(left[15 * RATE_HZ : 20 * RATE_HZ]) == pytest.approx(-18.0, abs=1.0)
    assert lufs(left[-5 * RATE_HZ :]) == pytest.approx(-41.0, abs=1.0)


def test_a_gain_on_its_way_up_waits_while_there_is_a_pause() -> None:
    quiet = sound(-30.0, 5.0)
    wave = np.concatenate((quiet, np.zeros(10 * RATE_HZ, np.float32), quiet))
    gauge, ear = Gauge(aim(), 30 * RATE_HZ), Ear()
    fader, store = Fader(gauge), 3 * RATE_HZ // 2
    db, arrived = [], 0
    for at in range(0, len(wave) - BLOCK, BLOCK):
        new = wave[arrived : at + BLOCK + store]
        arrived += len(new)
        gauge.add(np.rint(new * 32_767).astype(np.int16), ear.add(new.copy()))
        db.append(20 * np.log10(fader.gains(at, BLOCK)[0]))

    def at_s(seconds: float) -> float:
        return float(db[round(seconds * RATE_HZ / BLOCK)])

    assert at_s(4.9) == pytest.approx(3.0, abs=0.6)  # on its way to 12
    assert at_s(14.9) - at_s(5.3) == pytest.approx(0.0, abs=0.01)
    assert at_s(18.0) - at_s(15.5) == pytest.approx(2.5, abs=0.3)


@pytest.mark.parametrize(("level", "leaves"), [(-9.0, -9.0), (-20.0, -14.0)])
def test_a_live_warning_is_raised_to_its_own_level_and_never_lowered(
    level: float, leaves: float
) -> None:
    assert lufs(led(sound(level, 16.0), klass=1, before_s=8.0)) == pytest.approx(leaves, abs=0.5)


class Arriving(LiveJob):
    """What a test hands to it."""

    def give(self, wave: Wave) -> None:
        for at in range(0, len(wave), 1_152):
            self.take(np.rint(wave[at : at + 1_152] * 32_767).astype(np.int16), 1)


def played(job: Arriving, wave: Wave, seconds: float) -> tuple[Mixer, Wave]:
    """Of a source that had eight seconds to be heard before its start, and goes on."""
    mixer, voice = Mixer(1), Voice("v", 0, 0)
    voice.slots.append(Slot(0, 0, job.reader, 0, live=True, floating=True, fader=job.fader))
    mixer.add(voice)
    job.give(wave[: 8 * RATE_HZ])
    out = []
    for at in range(8 * RATE_HZ, round((8 + seconds) * RATE_HZ), BLOCK):
        job.give(wave[at : at + BLOCK])
        out.append(mixer.render(BLOCK, ns_of_frames(mixer.frames))[:, 0])
    return mixer, np.concatenate(out).astype(np.float32) / np.float32(32_768)


@pytest.mark.parametrize(("level", "gain_cdb"), [(-9.0, -900), (-27.0, 900)])
def test_a_live_source_leaves_the_mixer_at_the_level_and_what_was_done_is_told(
    level: float, gain_cdb: int
) -> None:
    job = Arriving(Source("stream", "http://dai.example/live", aim=aim()), 0)
    wave = sound(level, 13.0)
    mixer, left = played(job, wave, 5.0)
    assert lufs(left) == pytest.approx(-18.0, abs=1.0)
    [report] = heard(mixer, 1_000)
    assert report.levelled_cdb == pytest.approx(gain_cdb, abs=100)


def test_a_live_source_without_an_aim_plays_bit_for_bit_and_nothing_is_told() -> None:
    job = Arriving(STREAM, 0)
    wave = sound(-27.0, 10.0)
    mixer, left = played(job, wave, 2.0)
    begin = 8 * RATE_HZ + BLOCK - 3 * RATE_HZ // 2
    sent = np.rint(wave * 32_767)[begin : begin + RATE_HZ]
    at = int(np.flatnonzero(left)[0]) - int(np.flatnonzero(sent)[0])
    assert np.array_equal(np.rint(left[at : at + RATE_HZ] * 32_768), sent)
    assert heard(mixer, 1_000)[0].levelled_cdb is None


def test_what_is_not_live_is_not_levelled() -> None:
    assert aim_of(Source("file", "content:a"), Levels(), 3) is None
    assert aim_of(Source("tone", tone_hz=(800,)), Levels(), 3) is None
    mixer, voice = Mixer(1), Voice("v", 0, 0)
    voice.slots.append(Slot(0, 0, Tone((800,), 500), 0, at=0))
    mixer.add(voice)
    for _ in range(40):
        mixer.render(BLOCK, ns_of_frames(mixer.frames))
    assert heard(mixer, 1_000)[0].levelled_cdb is None
