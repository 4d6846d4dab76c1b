"""A real station on a real stream: lost, stood in for, and gone back to, as its timetable says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from agent.contract.documents import FileSource, StreamSource
from simulator.relay import Icecast
from tests.integration.live_lab import SPARE_HZ, STUDIO_HZ, studio, tone_file, tone_hz
from tests.integration.station_rig import GROUP, Rig, entry, sleep_until, until, whole_second

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

STALLED_S, LASTS_MS = 2.5, 14_000


def test_a_station_goes_back_to_its_stream_and_its_short_spare_file_is_said_again(
    tmp_path: Path,
) -> None:
    with Icecast() as icecast, Rig(tmp_path) as rig, icecast.send("xa.mp3", studio()) as sender:
        icecast.await_sound("xa.mp3")
        spare = tone_file(rig.folder, SPARE_HZ, 2.0)
        rig.district.publish(spare, slot="thay", to=GROUP)
        stream = StreamSource(url=icecast.url("xa.mp3"), insecure_live=True)
        far_ms = whole_second(600)
        thay = FileSource(slot="thay")
        rig.push([entry("thay", far_ms)])
        held = rig.state_dir() / "content"
        sha256 = hashlib.sha256(spare.read_bytes()).hexdigest()
        until(lambda: any(held.rglob(f"{sha256}*")), "the spare file", 20)
        start_ms = whole_second(4)
        relay = entry("xa", start_ms, sources=(stream, thay), duration_ms=LASTS_MS)
        rig.push([relay])
        sleep_until(start_ms + STALLED_S * 1_000)
        sender.freeze()
        until(lambda: "source_failed" in rig.log(), "the spare file on air")
        sender.go_on()
        records = rig.settled("xa", within_s=40)
        sleep_until(start_ms + LASTS_MS + 1_500)  # the recorder is a moment behind
        recording, log = rig.recording(), rig.log()

    def hz(from_s: float) -> int:
        low = round(recording.frame(start_ms + 1_000 * from_s))
        return round(tone_hz(recording.bus(0)[low : low + 36_000]))

    heard = [hz(second) for second in range(1, LASTS_MS // 1_000 - 1)]
    changes = [line for line in log.splitlines() if "source_changed" in line]
    print(heard, records[0], changes)  # noqa: T201 - `pytest -s`
    assert heard[0] == pytest.approx(STUDIO_HZ, abs=5)
    spares = [abs(one - SPARE_HZ) <= 5 for one in heard]
    assert sum(spares) >= 3, "the file of two seconds was said again and again"
    assert heard[-1] == pytest.approx(STUDIO_HZ, abs=5), "and the stream was gone back to"
    told = {one.source.partition(":")[0]: one.played_ms for one in records[0].sources}
    assert set(told) == {"stream", "file"}
    assert sum(told.values()) == records[0].played_ms
    assert told["file"] == pytest.approx(1_000 * sum(spares), abs=1_500)
    reasons = [line.partition("reason=")[2].split()[0] for line in changes]
    assert reasons == ["stalled", "well_again"]
