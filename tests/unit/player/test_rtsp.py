"""What is told to the program that fetches RTSP, and what its words mean."""

from __future__ import annotations

import threading

import pytest

from agent.player.protocol import Source
from agent.player.rtsp import RtspJob, fault_of, recipe

CONCAT = "[concat @ 0x55] Impossible to open 'rtsp://h/1'\n"


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("[rtsp @ 0x55] method DESCRIBE failed: 404 Not Found\n" + CONCAT, "not_found"),
        ("[rtsp @ 0x55] method SETUP failed: 410 Gone\n" + CONCAT, "not_found"),
        ("[rtsp @ 0x55] method DESCRIBE failed: 401 Unauthorized\n" + CONCAT, "refused"),
        ("[rtsp @ 0x55] method SETUP failed: 461 Unsupported transport\n" + CONCAT, "refused"),
        (CONCAT + "pipe:0: Connection refused\n", "refused"),
        (CONCAT + "pipe:0: Invalid data found when processing input\n", "refused"),
        ("Stream map '0:a:0' matches no streams.\n", "not_audio"),
        ("", "not_audio"),
    ],
)
def test_what_gave_no_sound_is_named_by_the_words_of_ffmpeg(said: str, fault: str) -> None:
    assert fault_of(said, sounding=False) == fault


def test_a_live_source_that_ends_has_ended_early_whatever_is_said() -> None:
    assert fault_of(CONCAT, sounding=True) == "ended_early"


def test_no_letter_of_an_address_ends_its_line_of_the_recipe() -> None:
    lines = recipe("rtsp://xa:a'b\\c@h/1").splitlines()
    assert lines[1] == "file 'rtsp://xa:a%27b%5Cc@h/1'"
    assert lines[2:4] == ["option rtsp_transport tcp", "option allowed_media_types audio"]


def fault_soon(job: RtspJob) -> str | None:
    for one in threading.enumerate():
        if one.name == "rtsp":
            one.join(5)
    return job.fault


def test_a_box_without_the_program_says_so() -> None:
    job = RtspJob(Source("stream", "rtsp://127.0.0.1:1/x"), 0, program="khong-co-chuong-trinh")
    assert fault_soon(job) == "no_program"


def test_an_address_with_a_line_feed_never_reaches_the_program() -> None:
    job = RtspJob(Source("stream", "rtsp://h/1'\nfile '/etc/passwd"), 0, program="true")
    assert fault_soon(job) == "refused"
