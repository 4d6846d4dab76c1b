"""`stationctl` as a technician types it, against a real agent: what is shown, and what it does.

One visit for all tests: a look round while nothing plays, a test tone and a volume that are found
again in the recording and at the amplifier, a broken loudspeaker line, an item on air, and at last
an agent that is down. Every screen is asked for in both languages and as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from agent.cli.columns import display_width
from simulator.amplifier.control import LineOk, LineOpen
from simulator.demo.equipment import Open
from simulator.demo.listening import tone_share
from simulator.demo.stage import now_ms
from simulator.measure import level_dbfs
from tests.integration.station_rig import ONE, Rig, entry, until, whole_second

WIDTH = 44
SCREENS = ("status", "plan", "zones", "alarms", "journal", "doctor")
LANGS = ("vi", "en")
EAST, WEST = ONE.zones
TONE_HZ = 1_000
TONE_S = 2
ITEM_S = 10.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass(slots=True)
class Visit:
    """What was typed and what came out of it."""

    rig: Rig
    out: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)
    tone_ms: int = 0
    tone_over_ms: int = 0
    gains: dict[str, int] = field(default_factory=dict)

    def type(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """stationctl, in a terminal without colours; remembered under `name`."""
        config = self.rig.station().folder / "station.toml"
        environment = {key: os.environ[key] for key in ("PATH",)} | {"LANG": "C.UTF-8"}
        done = subprocess.run(
            [sys.executable, "-m", "agent.cli", "--config", str(config), *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment,
        )
        self.out[name] = done
        return done

    def look(self, when: str, *screens: str, langs: tuple[str, ...] = LANGS) -> None:
        for screen in screens:
            for lang in langs:
                self.type(f"{when} {screen} {lang}", screen, "--lang", lang)
            self.type(f"{when} {screen} json", screen, "--json")

    def json(self, name: str) -> Any:
        return json.loads(self.out[name].stdout)

    def gain_cdb(self, zone: int) -> int:
        gain = self.rig.station().amplifier.look()["zones"][zone]["gain_cdb"]
        assert isinstance(gain, int)
        return gain


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with Rig(tmp_path_factory.mktemp("stationctl"), ONE) as rig:
        made = Visit(rig)
        rig.publish("ban-tin", ITEM_S, 21)
        until(lambda: rig.status().player == "ready", "the sound child")
        tone(made)
        volume(made)
        broken_line(made)
        made.look("idle", *SCREENS)
        on_air(made)
        rig.stage.stop_agent(ONE.id)
        made.look("down", "status", "doctor")
        made.type("down volume en", "volume", "dong", "50", "--lang", "en")
        yield made


def tone(visit: Visit) -> None:
    visit.tone_ms = now_ms()
    visit.type("tone", "test-tone", "dong", "--seconds", str(TONE_S), "--lang", "en")
    until(lambda: opened(visit, 0), "the gate")
    until(lambda: not visit.rig.status().on_air and not gate(visit, 0), "the end of the tone")
    visit.tone_over_ms = now_ms()


def gate(visit: Visit, zone: int) -> bool:
    return bool(visit.rig.station().amplifier.look()["zones"][zone]["gate"])


def opened(visit: Visit, zone: int) -> list[Open]:
    return [one for one in visit.rig.opened(zone) if one.from_ms >= visit.tone_ms]


def volume(visit: Visit) -> None:
    """A name without its accents is found; `auto` gives it back to the timetable."""
    before = visit.gain_cdb(0)
    visit.type("volume", "volume", "thon dong", "20", "--lang", "vi")
    until(lambda: visit.gain_cdb(0) != before, "the new gain")
    visit.gains = {"before": before, "set": visit.gain_cdb(0), "other": visit.gain_cdb(1)}
    visit.type("zones with volume", "zones", "--json")
    visit.type("volume auto", "volume", "dong", "auto", "--lang", "vi")
    until(lambda: visit.gain_cdb(0) == before, "the old gain")


def broken_line(visit: Visit) -> None:
    visit.rig.station().amplifier.inject(LineOpen(zone=2))
    until(lambda: visit.rig.status().alarms, "the alarm", 40)
    visit.look("broken", "alarms", "zones")
    visit.look("broken", "status", "doctor", langs=("vi",))
    visit.rig.station().amplifier.inject(LineOk(zone=2))
    until(lambda: not visit.rig.status().alarms, "the end of the alarm", 40)


def on_air(visit: Visit) -> None:
    start_ms = whole_second(4)
    visit.rig.push([entry("ban-tin", start_ms), entry("mai", start_ms + 3_600_000)])
    until(lambda: visit.rig.status().on_air, "the item on air", 20)
    visit.look("on air", "status", "plan", "zones", langs=("vi",))
    visit.type("tone on air", "test-tone", "dong", "--lang", "en")
    visit.type("hold", "hold", "mai", "--lang", "en")
    visit.type("nobody", "volume", "tay", "50", "--lang", "en")
    visit.rig.settled("ban-tin", within_s=ITEM_S + 20)
    visit.look("after", "journal")


# --- every screen --------------------------------------------------------------------------


def test_no_line_is_wider_than_a_phone(visit: Visit) -> None:
    for name, done in visit.out.items():
        if name.endswith("json"):
            continue
        for line in (done.stdout + done.stderr).splitlines():
            assert display_width(line) <= WIDTH, f"{name}: {line}"


def test_every_screen_says_something_in_both_languages(visit: Visit) -> None:
    for screen in SCREENS:
        vi, en = (visit.out[f"idle {screen} {lang}"].stdout for lang in LANGS)
        assert vi.strip(), screen
        assert en.strip(), screen
        assert vi != en, screen
    for name, done in visit.out.items():
        assert "Traceback" not in done.stderr, name


def test_every_json_parses_and_names_its_answer(visit: Visit) -> None:
    for name in visit.out:
        if name.endswith("json"):
            assert visit.json(name)["answer"], name


def test_a_healthy_station_is_told_as_healthy(visit: Visit) -> None:
    for screen in ("status", "zones", "alarms", "journal"):
        assert visit.out[f"idle {screen} en"].returncode == 0, screen
    status = visit.json("idle status json")
    assert status["connected"] is True
    assert status["player"] == "ready"
    assert [one["kind"] for one in status["documents"]].count("trust") == 1
    checks = {one["name"]: one["verdict"] for one in visit.json("idle doctor json")["checks"]}
    for name in ("config", "broker", "sound", "controller", "zones"):
        assert checks[name] == "ok", name


# --- what it does --------------------------------------------------------------------------


def test_the_test_tone_is_heard_in_its_zone_for_as_long_as_was_asked(visit: Visit) -> None:
    told = visit.out["tone"]
    assert told.returncode == 0, told.stdout
    assert "✓ Taken up" in told.stdout
    assert "confirmed by the zone" in " ".join(told.stdout.split())
    (span, *more) = opened(visit, 0)
    assert not [one for one in more if one.from_ms < visit.tone_over_ms]
    recording = visit.rig.recording()
    low, high = (round(recording.frame(one)) for one in (span.from_ms, visit.tone_over_ms))
    sound = recording.bus(0)[low:high]
    blocks = sound[: len(sound) // 960 * 960].reshape(-1, 960)
    loud = [level_dbfs(block) > -40 for block in blocks]
    assert abs(sum(loud) * 0.02 - TONE_S) < 0.3
    first = int(np.flatnonzero(loud)[0]) * 960
    assert tone_share(sound[first : first + 48_000], recording.rate_hz, (TONE_HZ,)) > 0.9
    other = [one for one in opened(visit, 1) if one.from_ms < visit.tone_over_ms]
    assert not other, "the other zone sounded, too"


def test_a_test_tone_does_not_break_into_a_programme(visit: Visit) -> None:
    done = visit.out["tone on air"]
    assert done.returncode == 1
    assert "✗" in done.stdout


def test_a_volume_reaches_the_amplifier_and_only_that_zone(visit: Visit) -> None:
    assert visit.out["volume"].returncode == 0
    assert visit.gains["set"] < visit.gains["before"] == visit.gains["other"]
    zones = {one["name"]: one for one in visit.json("zones with volume")["zones"]}
    assert (zones[EAST]["volume"], zones[EAST]["volume_source"]) == (20, "local")
    assert zones[WEST]["volume_source"] == "timetable"
    assert visit.out["volume auto"].returncode == 0


def test_a_zone_nobody_knows_is_refused_with_the_names_there_are(visit: Visit) -> None:
    done = visit.out["nobody"]
    assert done.returncode == 1
    assert "tay" in done.stdout
    assert "→" in done.stdout


def test_a_broken_line_is_told_everywhere_and_with_what_to_do(visit: Visit) -> None:
    for screen in ("alarms", "zones", "status", "doctor"):
        done = visit.out[f"broken {screen} vi"]
        assert done.returncode == 1, screen
        assert "✗" in done.stdout, screen
    assert WEST in visit.out["broken alarms vi"].stdout
    assert "→" in visit.out["broken alarms en"].stdout
    (alarm,) = visit.json("broken alarms json")["alarms"]
    assert (alarm["code"], alarm["subject"]) == ("zone_not_confirmed", WEST)
    lines = {one["name"]: one["line"] for one in visit.json("broken zones json")["zones"]}
    assert lines == {EAST: "ok", WEST: "open"}


def test_what_is_on_air_is_shown_with_where_it_sounds(visit: Visit) -> None:
    assert "Mục ban-tin" in visit.out["on air status vi"].stdout
    (item,) = visit.json("on air status json")["on_air"]
    assert item["entry"].endswith("ban-tin")
    assert [zone for zone, _ in item["zones"]] == list(ONE.zones)
    zones = visit.json("on air zones json")["zones"]
    assert [one["gate"] for one in zones] == [True, True]


def test_the_plan_shows_what_comes_next(visit: Visit) -> None:
    entries = [one["entry"] for one in visit.json("on air plan json")["items"]]
    assert entries == ["mai"] or entries[-1] == "mai"
    assert "Mục mai" in visit.out["on air plan vi"].stdout
    assert visit.out["hold"].returncode == 0


def test_the_journal_shows_what_was_played(visit: Visit) -> None:
    for lang in LANGS:
        assert "Mục ban-tin" in visit.out[f"after journal {lang}"].stdout
    bodies = [one["body"] for one in visit.json("after journal json")["records"]]
    played = [one for one in bodies if one["kind"] == "asrun"]
    assert {(one["zone"], one["outcome"]) for one in played} == {
        (zone, "played") for zone in ONE.zones
    }


# --- and when nobody answers -----------------------------------------------------------------


def test_an_agent_that_is_down_is_told_with_the_next_step(visit: Visit) -> None:
    for name in ("down status vi", "down status en", "down volume en"):
        done = visit.out[name]
        assert done.returncode == 3, name
        assert "✗" in done.stderr, name
        assert "→" in done.stderr, name
        assert "Traceback" not in done.stderr, name
    assert visit.json("down status json")["answer"] == "unreachable"


def test_the_doctor_goes_on_without_the_agent(visit: Visit) -> None:
    for lang in LANGS:
        done = visit.out[f"down doctor {lang}"]
        assert done.returncode == 3
        assert len(done.stdout.splitlines()) > 3
    checks = {one["name"] for one in visit.json("down doctor json")["checks"]}
    assert {"config", "storage"} <= checks
