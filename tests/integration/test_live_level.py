"""Live sound at the card: a loud and a quiet relay leave alike, as a second meter hears them.

Real libVLC, PortAudio, PulseAudio, Icecast and espeak-ng; ffmpeg's `ebur128` judges.
"""

# ruff: noqa: T201  (figures, shown by `pytest -s`)
from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.core.loudness import Levels, levelled
from agent.measuring.ebu import LoudnessMeter
from agent.player import protocol as p
from agent.player.hearing import Ear
from agent.player.levelling import Fader, Gauge
from simulator.measure import programme
from simulator.relay import Icecast
from simulator.soundcard import PlayerChild, SoundCard, encode

NEEDED = ("pulseaudio", "parec", "ffmpeg", "icecast2", "espeak-ng")
pytestmark = [
    pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.slow,
]

RATE = 48_000
Wave = NDArray[np.float32]
LOUD, QUIET, NOW, MICRO = range(4)
"""A loud and a quiet relay known ten seconds ahead, a quiet one and a loud microphone that are
wanted now; the microphone speaks where the loud relay follows it. Two stations: PulseAudio mixes
more than two channels of one."""
BUS = {LOUD: (0, 0), QUIET: (0, 1), NOW: (1, 0), MICRO: (0, 0)}
"""The station, and its bus."""
LEAD_MS = 9_500
LASTS_S = 17.0
ENCODER_LU = 0.5
"""What MP3 takes of such noise, by the same meter: a quieter relay would be beyond +12 dB."""


def lufs(wave: Wave) -> float:
    with LoudnessMeter(RATE) as meter:
        meter.add(np.rint(np.clip(wave, -1, 1) * 32_767).astype(np.int16))
        assert meter.loudness_lufs is not None
        return meter.loudness_lufs


def at_level(wave: Wave, level_lufs: float) -> Wave:
    return np.asarray(np.clip(wave * 10 ** ((level_lufs - lufs(wave)) / 20), -1, 1), np.float32)


def by_ffmpeg(wave: Wave, folder: Path) -> tuple[float, list[float]]:
    """Integrated loudness, and the short-term loudness (3 s) every tenth of a second."""
    path = encode(wave, folder / f"heard-{time.monotonic_ns()}.wav")
    argv = ["ffmpeg", "-nostats", "-v", "verbose", "-i", str(path), "-filter_complex"]
    argv += ["ebur128=dualmono=true:framelog=verbose", "-f", "null", "-"]
    said = subprocess.run(argv, capture_output=True, timeout=60, check=True, text=True).stderr
    frames, _, summary = said.rpartition("Summary:")
    whole = re.search(r"I:\s+(-?[0-9.]+) LUFS", summary)
    assert whole is not None
    return float(whole[1]), [float(one) for one in re.findall(r" S:\s*(-?[0-9.]+)", frames)]


def led_part(kind: p.SourceKind, url: str) -> p.Part:
    """As the core gives it to the sound child."""
    [part] = levelled([p.Part((p.Source(kind, url),))], lambda _: None, Levels(), klass=3)
    return part


def test_a_relay_of_9_and_one_of_30_lufs_leave_within_one_lu_of_the_target(tmp_path: Path) -> None:
    wave = programme(12.0, seed=17)
    files = [
        encode(at_level(wave, level + ENCODER_LU), tmp_path / f"{-level:.0f}.wav")
        for level in (-9.0, -30.0)
    ]
    with (
        SoundCard(sinks={"tan-lien": 2, "ha-luu": 1}, inputs=("micro",)) as card,
        Icecast() as icecast,
        icecast.send("to.mp3", ["-stream_loop", "-1", "-i", str(files[0])], kbps=96),
        icecast.send("nho.mp3", ["-stream_loop", "-1", "-i", str(files[1])], kbps=96),
        card.record("tan-lien") as first,
        card.record("ha-luu") as second,
        PlayerChild(card.env(), "tan-lien", 2) as child,
        PlayerChild(card.env(), "ha-luu", 1) as other,
    ):
        recorders, children = (first, second), (child, other)
        for one in children:
            one.wait(p.Ready)
        icecast.await_sound("to.mp3")
        icecast.await_sound("nho.mp3")
        now_ms = time.time_ns() // 1_000_000
        relays = [led_part("stream", icecast.url(mount)) for mount in ("to.mp3", "nho.mp3")]
        for what, part, in_ms in (
            (LOUD, relays[0], LEAD_MS),
            (QUIET, relays[1], LEAD_MS),
            (NOW, relays[1], 300),
            (MICRO, led_part("input", "micro"), 300),
        ):
            station, bus = BUS[what]
            children[station].send(p.Cue(f"c{what}", bus, (part,), now_ms + in_ms, 0))
        began = {
            what: children[BUS[what][0]].wait(p.Started, f"c{what}").at_ms for what in (NOW, MICRO)
        }
        mouth = card.speak_into("micro", files[0])
        spoken_ms = time.time_ns() // 1_000_000
        began |= {what: child.wait(p.Started, f"c{what}").at_ms for what in (LOUD, QUIET)}
        until_ms = max(began[LOUD] + 6_000, began[NOW] + 1_000 * LASTS_S)
        for recorder in recorders:
            recorder.wait_until_wall_ms(until_ms + 200, 60.0)
        told = {
            what: child.wait(p.Heard, f"c{what}", where=lambda one: one.at_ms > until_ms - 1_500)
            for what in (LOUD, QUIET)
        }
        mouth.close()
        heard: dict[int, Wave] = {}
        spans = {what: (at_ms, until_ms) for what, at_ms in began.items()}
        spans[MICRO] = spoken_ms + 4_000, began[LOUD] - 500
        for what, span in spans.items():
            station, bus = BUS[what]
            low, high = (round(recorders[station].frame_of_wall_ms(ms)) for ms in span)
            heard[what] = recorders[station].samples(bus)[low:high]
    found = {what: by_ffmpeg(wave, tmp_path) for what, wave in heard.items()}
    # A window of three seconds: its middle says when it was.
    # Nothing is late where all that the server sends ahead came before the first sound.
    off = [abs(one + 18.0) > 1.0 for one in found[NOW][1][30:]]
    settled_s = max((1.5 + n / 10 for n, late in enumerate(off) if late), default=0.0)
    print({what: whole for what, (whole, _) in found.items()}, "settled after", settled_s)
    for what in (LOUD, QUIET):
        whole, short = found[what]
        assert whole == pytest.approx(-18.0, abs=1.0)
        assert short[30:] == pytest.approx([-18.0] * len(short[30:]), abs=1.0)
        first_s, _ = by_ffmpeg(heard[what][: RATE + RATE // 10], tmp_path)
        assert first_s == pytest.approx(-18.0, abs=1.0)
    assert found[MICRO][0] == pytest.approx(-18.0, abs=1.0)
    assert settled_s < 16.0
    assert told[LOUD].levelled_cdb == pytest.approx(-900, abs=100)
    assert told[QUIET].levelled_cdb == pytest.approx(1_200, abs=100)


@pytest.mark.parametrize("level", [-9.0, -30.0])
def test_vietnamese_speech_leaves_within_one_lu_of_the_target(level: float, tmp_path: Path) -> None:
    """With its pauses; faster than it is said, from the first word on."""
    words = (
        "Đài truyền thanh xã Mẫu xin thông báo. Sáng mai, lúc bảy giờ ba mươi, trạm y tế tổ chức "
        "tiêm chủng cho trẻ em dưới năm tuổi. Đề nghị bà con đưa các cháu đến đúng giờ. "
    )
    argv = ["espeak-ng", "-v", "vi", "-w", str(tmp_path / "noi.wav"), words * 3]
    subprocess.run(argv, check=True, timeout=60)
    argv = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "noi.wav"), "-ar", str(RATE), "-ac", "1"]
    spoken = subprocess.run([*argv, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    wave = at_level(np.frombuffer(spoken, np.float32), level)
    aim = led_part("stream", "http://dai.example/live").sources[0].aim
    assert aim is not None
    gauge, ear = Gauge(aim, 30 * RATE), Ear()
    fader, store, block, arrived = Fader(gauge), 3 * RATE // 2, 2_048, 0
    out, led, first = [], [], 8 * RATE
    for at in range(first, len(wave) - block, block):
        new = wave[arrived : at + block + store]
        arrived += len(new)
        gauge.add(np.rint(new * 32_767).astype(np.int16), ear.add(new.copy()))
        gain = fader.gains(at, block)
        led.append(gain[0])
        out.append(wave[at : at + block] * gain)
    left = np.concatenate(out)
    whole, _ = by_ffmpeg(left, tmp_path)
    gains = 20 * np.log10(np.array(led))
    print(
        f"{level} LUFS: {whole} LUFS in {len(left) / RATE:.0f} s, gain {gains.min():.1f} dB to "
        f"{gains.max():.1f} dB"
    )
    assert whole == pytest.approx(-18.0, abs=1.0)
