"""Audio that is missing, cut off, of another hash, no audio at all, or empty, at a real station.

One run: each bad file has an entry of its own, two have a fallback, and a good one comes last.
What became of each is read from the as-run records and from the recording.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from agent.contract.documents import Binding
from agent.contract.reasons import OCCURRENCE, OccurrenceReason
from simulator.demo.stage import now_ms
from simulator.source_system import compose
from simulator.source_system.content_server import Fault
from simulator.source_system.problems import AudioFileError
from tests.integration.station_rig import (
    AUTHORITY,
    ONE,
    Made,
    Rig,
    entry,
    files,
    follow,
    heard,
    sealed,
    whole_second,
)

STATION = f"s/{ONE.id}"
LENGTH_S = 2.0
LENGTH_MS = 2_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

R = OccurrenceReason

# Slots whose file never gets onto the box, with the reason in the record.
NEVER_THERE = {
    "thieu": R.CONTENT_UNREACHABLE,
    "rong": R.CONTENT_NOT_FETCHED,
    "ngan": R.CONTENT_WRONG_HASH,
    "sai-bam": R.CONTENT_WRONG_HASH,
    "chua-dang": R.CONTENT_NOT_PUBLISHED,
}
FALLBACKS = {"du-phong-1": ("thieu", "tot"), "du-phong-2": ("trang-web", "tot")}
HEALED = "dut-quang"

AFTER_S = {
    "trang-web": 0,
    "khong-mau": 3,
    "du-phong-1": 6,
    "du-phong-2": 9,
    HEALED: 12,
    "sau-cung": 15,
}
"""Seconds after the first start; what is never there disturbs nobody and stands at 0 too."""


@dataclass(slots=True)
class Run:
    rig: Rig
    good: Made
    begin_ms: int
    pid: int

    def start_ms(self, slot: str) -> int:
        return self.begin_ms + AFTER_S.get(slot, 0) * 1_000

    def heard_ms(self, slot: str, zone: int = 0) -> float:
        """How much of the good programme sounded in the slot's time, at its place."""
        sheet = ((self.good.sound, float(self.start_ms(slot))),)
        moments = follow(self.rig.recording(), sheet)
        return sum(to - since for since, to in heard(moments, self.rig.opened(zone)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with Rig(tmp_path_factory.mktemp("audio"), ONE) as rig:
        good = rig.publish("tot", LENGTH_S, 11)
        publish_bad(rig)
        begin_ms = whole_second(6)
        sources = dict.fromkeys([*NEVER_THERE, *AFTER_S], ()) | FALLBACKS | {"sau-cung": ("tot",)}
        entries = [
            entry(
                slot,
                begin_ms + AFTER_S.get(slot, 0) * 1_000,
                sources=files(*(several or (slot,))),
                duration_ms=LENGTH_MS,
            )
            for slot, several in sources.items()
        ]
        rig.push(entries)
        rig.settled("sau-cung", within_s=60)
        yield Run(rig, good, begin_ms, rig.pid())


def publish_bad(rig: Rig) -> None:
    """Signed as it should be, by somebody who did not look at the files."""
    folder = rig.folder / "bad"
    folder.mkdir()
    page = folder / "bai-hat.mp3"
    page.write_bytes(b"<!DOCTYPE html><title>Trang</title><p>404</p>\n" * 400)
    nothing = folder / "nothing.wav"
    with wave.open(str(nothing), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
    paths = {"trang-web": page, "khong-mau": nothing}
    for number, slot in enumerate((HEALED, "rong", "ngan", "sai-bam")):
        paths[slot] = rig.make(slot, LENGTH_S, number).file
    bindings = {slot: binding(rig, slot, path) for slot, path in paths.items()}
    faults = rig.stage.pilot.content.faults
    faults.set(bindings[HEALED].sha256, Fault("truncate", after_bytes=20_000))
    faults.set(bindings["rong"].sha256, Fault("truncate", after_bytes=0))
    faults.set(bindings["sai-bam"].sha256, Fault("wrong_bytes"))
    os.truncate(rig.district.home.store / bindings["ngan"].sha256, 20_000)
    lost = folder / "lost.mp3"
    lost.write_bytes(os.urandom(1_000))
    bindings["thieu"] = binding(rig, "thieu", lost, stored=False)
    document = compose.content(
        AUTHORITY, STATION, tuple(bindings.values()), revision=1, made_from=0, now_ms=now_ms()
    )
    with rig.courier() as courier:
        payload = sealed(msgspec.json.encode(document), rig.key("content"))
        courier.publish(f"radio/v1/{STATION}/dn/content", payload, retain=True)


def binding(rig: Rig, slot: str, path: Path, *, stored: bool = True) -> Binding:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if stored:
        shutil.copyfile(path, rig.district.home.store / sha256)
    return Binding(
        slot=slot,
        date=None,
        sha256=sha256,
        size=path.stat().st_size,
        duration_ms=LENGTH_MS,
        url=f"{rig.district.file.content.base_url}/c/{sha256}",
        media_type="audio/mpeg",
    )


@pytest.mark.parametrize(
    ("slot", "reason"), [*NEVER_THERE.items(), ("trang-web", R.CONTENT_NOT_AUDIO)]
)
def test_the_record_says_what_was_wrong_with_the_file(
    run: Run, slot: str, reason: OccurrenceReason
) -> None:
    records = run.rig.settled(slot, within_s=40)
    assert {(one.outcome, one.reason) for one in records} == {("skipped", reason)}
    assert {one.played_ms for one in records} == {0}
    assert OCCURRENCE[reason].next("vi")


def test_a_file_without_a_single_sample_is_not_told_as_played(run: Run) -> None:
    records = run.rig.settled("khong-mau")
    assert {(one.outcome, one.played_ms) for one in records} == {("skipped", 0)}


@pytest.mark.parametrize("slot", FALLBACKS)
def test_the_fallback_sounds_where_the_entry_has_one(run: Run, slot: str) -> None:
    records = run.rig.settled(slot)
    assert {one.outcome for one in records} <= {"played", "partial"}
    assert run.heard_ms(slot) >= 0.7 * LENGTH_MS


def test_a_download_that_breaks_off_goes_on_and_the_file_plays(run: Run) -> None:
    assert {one.outcome for one in run.rig.settled(HEALED)} == {"played"}
    asked = [one.asked_range for one in run.rig.stage.pilot.content.requests]
    assert "bytes=20000-" in asked


def test_the_next_item_plays_as_if_nothing_had_been(run: Run) -> None:
    records = run.rig.settled("sau-cung")
    assert {(one.outcome, one.reason) for one in records} == {("played", None)}
    for zone in range(len(ONE.zones)):
        assert run.heard_ms("sau-cung", zone) >= 0.9 * LENGTH_MS


def test_nothing_of_the_bad_files_was_heard(run: Run) -> None:
    """Neither the page as noise nor the bytes of a file whose hash is wrong."""
    recording = run.rig.recording()
    sound = recording.bus(0)
    for slot in ("trang-web", "khong-mau"):
        low = round(recording.frame(run.start_ms(slot) + 100))
        high = round(recording.frame(run.start_ms(slot) + LENGTH_MS + 300))
        assert abs(sound[low:high]).max() < 0.01, slot


def test_the_station_names_the_files_it_still_misses(run: Run) -> None:
    reported = run.rig.reported()
    assert reported is not None
    assert len(reported.missing) == len(NEVER_THERE) - 1
    assert "chua-dang" in reported.awaiting


def test_the_agent_and_its_child_live_on(run: Run) -> None:
    assert run.rig.pid() == run.pid
    assert run.rig.station().starts == 1
    log = run.rig.log()
    assert "Traceback" not in log
    assert "sound_child_lost" not in log


def test_whoever_publishes_such_a_file_is_told_beforehand(run: Run) -> None:
    """The tool of the office looks at what it signs."""
    empty = run.rig.folder / "bad" / "empty.mp3"
    empty.write_bytes(b"")
    for path, code in ((empty, "file_size"), (run.rig.folder / "bad" / "bai-hat.mp3", "not_audio")):
        with pytest.raises(AudioFileError) as refused:
            run.rig.district.publish(path, slot="x")
        assert refused.value.code == code
