"""The real espeak-ng: files that can be played, and a closed reason where there is none."""

from __future__ import annotations

import shutil
import stat
import subprocess
import threading
import wave
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from agent.adapters import speech as speech_module
from agent.adapters.speech import (
    MAX_TEXT_CHARACTERS,
    PEAK_DBFS,
    Speech,
    SpeechFault,
    SpeechFile,
    SpeechReason,
)
from agent.adapters.speech_memory import SpeechMemory
from agent.core.spoken import issue_phrase, write_out

pytestmark = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"
)

WARNING = "Khẩn cấp: lúc 02:10 ngày 22/11, UBND xã Tân Liên thông báo lũ vượt BĐ III 0,5 m."


@pytest.fixture
def speech(tmp_path: Path) -> Speech:
    return Speech(tmp_path / "speech")


def made(result: SpeechFile | SpeechFault) -> SpeechFile:
    assert isinstance(result, SpeechFile), result
    return result


def samples_of(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    with wave.open(str(path), "rb") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")


def fake_engine(folder: Path, script: str) -> str:
    """A program that stands in for the engine and misbehaves as `script` says."""
    program = folder / "engine"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_a_warning_becomes_a_playable_file(speech: Speech) -> None:
    file = made(speech.speak(WARNING, "vi"))
    assert 5_000 < file.duration_ms < 20_000
    assert file.path.name == f"{file.key}.wav"


def test_the_file_is_loud_and_begins_and_ends_with_speech(speech: Speech) -> None:
    samples = samples_of(made(speech.speak("Xin chào bà con", "vi")).path)
    peak_dbfs = 20 * np.log10(np.abs(samples.astype(int)).max() / 32_767)
    assert peak_dbfs == pytest.approx(PEAK_DBFS, abs=0.1)
    tenth = 22_050 // 10
    assert np.abs(samples[:tenth].astype(int)).max() > 300
    assert np.abs(samples[-tenth:].astype(int)).max() > 300


def test_the_same_text_is_made_once(speech: Speech) -> None:
    first = made(speech.speak("Mời họp lúc 17h30", "vi"))
    inode = first.path.stat().st_ino
    again = made(speech.speak("Mời họp lúc 17:30", "vi"))
    assert again == first
    assert again.path.stat().st_ino == inode


def test_each_region_has_its_own_voice(tmp_path: Path) -> None:
    voices = ("vi", "vi-vn-x-central", "vi-vn-x-south")
    files = [
        made(Speech(tmp_path, vietnamese_voice=voice).speak("Bà con chú ý", "vi"))
        for voice in voices
    ]
    assert len({file.key for file in files}) == 3
    assert len({file.path.read_bytes() for file in files}) == 3


def test_a_language_tag_can_ask_for_a_region(speech: Speech) -> None:
    assert speech.voice_for("vi-VN-x-south") == "vi-vn-x-south"
    assert speech.voice_for("vi-VN") == "vi"


def test_english_is_read_by_the_english_voice(speech: Speech) -> None:
    assert made(speech.speak("Flood warning at 17:30", "en")).duration_ms > 1_000


@pytest.mark.parametrize("lang", ["tyz", "nut", "ium", "hmn", "km", "fr", "vie"])
def test_a_language_without_a_voice_is_never_read_by_the_vietnamese_one(
    speech: Speech, lang: str
) -> None:
    fault = speech.speak("Xin chào", lang)
    assert isinstance(fault, SpeechFault)
    assert fault.reason is SpeechReason.VOICE_MISSING


@pytest.mark.parametrize("text", ["", "  \n ", "...", "🔥"])
def test_a_text_without_words_is_refused(speech: Speech, text: str) -> None:
    assert speech.speak(text, "vi") == SpeechFault(SpeechReason.TEXT_EMPTY)


def test_a_text_longer_than_the_wire_allows_is_refused(speech: Speech) -> None:
    fault = speech.speak("a" * (MAX_TEXT_CHARACTERS + 1), "vi")
    assert isinstance(fault, SpeechFault)
    assert fault.reason is SpeechReason.TEXT_TOO_LONG


def test_the_longest_text_is_read_to_its_end(speech: Speech) -> None:
    sentence = "Bà con chú ý nghe thông báo. "
    whole = sentence * (MAX_TEXT_CHARACTERS // len(sentence))
    long = made(speech.speak(whole, "vi"))
    half = made(speech.speak(whole[: len(whole) // 2], "vi"))
    assert long.duration_ms == pytest.approx(2 * half.duration_ms, rel=0.05)


def test_a_missing_engine_has_its_own_reason(tmp_path: Path) -> None:
    fault = Speech(tmp_path, engine="no-such-engine").speak("Xin chào", "vi")
    assert isinstance(fault, SpeechFault)
    assert fault.reason is SpeechReason.ENGINE_MISSING


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", SpeechReason.FAILED),
        ("exit 0", SpeechReason.FAILED),
        (
            'for last; do :; done; [ "$1" = --version ] || echo RIFFbroken > "$last"',
            SpeechReason.FAILED,
        ),
        (
            "echo 'Error: The specified espeak-ng voice does not exist.' >&2; exit 1",
            SpeechReason.VOICE_MISSING,
        ),
        ('[ "$1" = --version ] || exec sleep 30', SpeechReason.TIMEOUT),
    ],
)
def test_an_engine_that_fails_leaves_a_reason_and_no_file(
    tmp_path: Path, script: str, reason: SpeechReason
) -> None:
    directory = tmp_path / "speech"
    speech = Speech(directory, engine=fake_engine(tmp_path, script), deadline_s=0.5)
    fault = speech.speak("Xin chào", "vi")
    assert isinstance(fault, SpeechFault)
    assert fault.reason is reason
    assert list(directory.glob("*")) == []


def on_a_dead_card(tmp_path: Path, memory: SpeechMemory | None = None) -> Speech:
    (tmp_path / "in-the-way").write_bytes(b"")
    return Speech(tmp_path / "in-the-way" / "speech", memory=memory)


def test_a_card_that_takes_nothing_still_lets_a_warning_be_spoken(tmp_path: Path) -> None:
    dead = on_a_dead_card(tmp_path)
    file = made(dead.speak(WARNING, "vi", urgent=True))
    on_card = made(Speech(tmp_path / "speech").speak(WARNING, "vi"))
    assert file.duration_ms == on_card.duration_ms
    assert file.path.read_bytes() == on_card.path.read_bytes()
    assert dead.speak(WARNING, "vi", urgent=True) == file


def test_speech_in_memory_can_be_read_by_another_program(tmp_path: Path) -> None:
    file = made(on_a_dead_card(tmp_path).speak(WARNING, "vi", urgent=True))
    seen = subprocess.run(["head", "-c", "4", file.path], capture_output=True, check=True)
    assert seen.stdout == b"RIFF"


def test_speech_in_memory_is_bounded_and_ordinary_texts_give_way_first(tmp_path: Path) -> None:
    ordinary, flood, fire = "Mời bà con đi họp.", "Lũ quét, chạy ngay.", "Cháy rừng, chạy ngay."
    speech = on_a_dead_card(tmp_path, SpeechMemory(limit_bytes=150_000))
    gone = made(speech.speak(ordinary, "vi"))
    kept = made(speech.speak(flood, "vi", urgent=True))
    assert speech.taken_back() == []
    assert isinstance(speech.speak("Mời bà con đi tiêm chủng.", "vi"), SpeechFault)
    made(speech.speak(fire, "vi", urgent=True))
    assert speech.taken_back() == [gone.path]
    assert kept.path.read_bytes()[:4] == b"RIFF"
    assert isinstance(speech.speak(WARNING, "vi", urgent=True), SpeechFault)


def test_a_broken_character_does_not_stop_the_rest(speech: Speech) -> None:
    assert made(speech.speak("Flood \ud800 warning", "en")).duration_ms > 500


def test_a_damaged_file_is_made_again(speech: Speech) -> None:
    file = made(speech.speak("Xin chào", "vi"))
    file.path.write_bytes(b"")
    assert made(speech.speak("Xin chào", "vi")) == file


def test_left_over_temporary_files_are_removed_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "half.tmp").write_bytes(b"x")
    Speech(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_threads_that_want_the_same_text_all_get_it(speech: Speech) -> None:
    results: list[SpeechFile | SpeechFault] = []
    threads = [
        threading.Thread(target=lambda: results.append(speech.speak(WARNING, "vi")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len({made(result) for result in results}) == 1


def test_the_directory_stays_bounded(speech: Speech) -> None:
    file = made(speech.speak("Một", "vi"))
    for number in range(speech_module.MAX_FILES + 5):
        shutil.copy(file.path, file.path.with_name(f"{number}.wav"))
    newest = made(speech.speak("Hai", "vi"))
    assert newest.path.exists()
    assert len(list(newest.path.parent.glob("*.wav"))) <= speech_module.MAX_FILES


@pytest.mark.parametrize(
    "text",
    [
        WARNING,
        "Quý IV, khu II; TP. HCM; QL1A; NĐ-CP; KT-XH; THCS, THPT, BHYT, HTX, CCCD",
        "Gọi SĐT 0912 345 678 hoặc Zalo; email, Facebook, wifi, COVID-19, H5N1",
        "Gió cấp 8-9, mưa 150 mm, 35°C, 1.250 m3/s, 60 km/h, 35kV, 5 ha, 12,5%",
        "XYZ, ABC, QR, FM, USB, WHO, ĐVTN",
    ],
)
def test_the_vietnamese_voice_never_switches_to_english(text: str) -> None:
    phonemes = subprocess.run(
        ["espeak-ng", "-q", "-x", "-v", "vi", write_out(text, "vi")],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    ).stdout
    assert "(en)" not in phonemes, phonemes


def test_two_ten_is_not_read_as_twelve() -> None:
    def phonemes(text: str) -> str:
        return subprocess.run(
            ["espeak-ng", "-q", "-x", "-v", "vi", text],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout

    issued = datetime(2026, 11, 22, 2, 10)  # noqa: DTZ001 - local wall time on purpose
    assert phonemes("hai giờ mười phút").strip("_|\n ") in phonemes(issue_phrase(issued, "vi"))
