"""Who decides at the station, from the keyboard to the loudspeaker, with a real agent.

One visit for all tests. A technician sets a PIN on a terminal of its own; an officer approves a
bulletin of the province, keeps a hamlet quiet, stops a programme, has a notice said, and meets an
emergency. What sounded is looked for in the recording and at the amplifier, what was decided in
the journal of the source system.
"""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.cli.columns import display_width
from agent.contract.documents import ApprovalRule, Entry, Settings, ToneSource, ZoneSelector
from agent.contract.reports import AsRun, Audit
from agent.contract.topics import audience_down
from simulator.demo.equipment import Open
from simulator.demo.script import local
from simulator.demo.stage import now_ms
from simulator.measure import level_dbfs
from simulator.source_system import compose
from simulator.source_system.district import District
from simulator.source_system.keyring import SecondHolder, SigningKey
from tests.integration.station_rig import (
    AUTHORITY,
    GROUP,
    ONE,
    Rig,
    encoded,
    entry,
    sealed,
    sleep_until,
    until,
    whole_second,
)

PROVINCE = "tinh"
OWN = f"s/{ONE.id}"
HOA, PIN, OTHER_PIN = "Nguyễn Văn Hòa", "402817", "730591"
NOTICE = "Mời bà con thôn Đông đi họp lúc bảy giờ tối nay tại nhà văn hóa."
EAST, WEST = ONE.zones
WIDTH = 44
LOUD_DBFS = -40.0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(slots=True)
class Visit:
    """What was typed and what came out of it."""

    rig: Rig
    out: dict[str, subprocess.CompletedProcess[str]] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    """When something was meant to sound, or not: from, to."""
    terminal: str = ""

    def words(self, *words: str) -> list[str]:
        config = self.rig.station().folder / "station.toml"
        return [sys.executable, "-m", "agent.cli", "--config", str(config), *words]

    def type(self, name: str, *words: str, pin: str = "") -> subprocess.CompletedProcess[str]:
        """stationctl without a terminal; the PIN from a file. Remembered under `name`."""
        who = ["--name", HOA, "--pin-file", str(self.pin_file(pin))] if pin else []
        done = subprocess.run(
            self.words(*words, *who),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
        )
        self.out[name] = done
        return done

    def pin_file(self, pin: str) -> Path:
        file = self.rig.folder / f"pin-{pin}"
        file.write_text(pin, "utf-8")
        file.chmod(0o600)
        return file

    def good(self, name: str, *words: str, pin: str = "") -> None:
        done = self.type(name, *words, pin=pin)
        assert done.returncode == 0, done.stdout + done.stderr

    def json(self, name: str) -> Any:
        return json.loads(self.out[name].stdout)

    def audits(self) -> list[Audit]:
        bodies = (one.body for one in self.rig.events())
        return [one for one in bodies if isinstance(one, Audit) and one.what.startswith("local_")]

    def opened(self, zone: int, name: str) -> list[Open]:
        """When the amplifier let a zone sound within a span."""
        low, high = self.spans[name]
        return [one for one in self.rig.opened(zone) if one.from_ms < high and one.to_ms > low]

    def loud_s(self, name: str) -> float:
        """How much of a span was loud on the card."""
        recording = self.rig.recording()
        low, high = (max(0, round(recording.frame(one))) for one in self.spans[name])
        sound = recording.bus(0)[low:high]
        blocks = sound[: len(sound) // 960 * 960].reshape(-1, 960)
        return float(np.sum([level_dbfs(block) > LOUD_DBFS for block in blocks])) * 0.02


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with Rig(tmp_path_factory.mktemp("decisions"), ONE) as rig:
        made = Visit(rig)
        rig.publish("ban-tin", 12.0, 31)
        until(lambda: rig.status().player == "ready", "the sound child")
        obey_the_province(made)
        made.terminal = on_a_terminal(
            made, ["pin", "set", HOA, "--may", "approve,announce"], [PIN, PIN]
        )
        approving(made)
        quiet_and_stop(made)
        announcing(made)
        in_an_emergency(made)
        made.type("journal en", "journal", "--lang", "en")
        made.type("journal vi", "journal", "--lang", "vi")
        until(lambda: len(made.audits()) >= 12, "the audits", 30)
        yield made


def obey_the_province(visit: Visit) -> None:
    """A second authority in the trust document, whose ordinary items the commune wants to see."""
    rig = visit.rig
    province = District.create(
        rig.folder / "province",
        authority=PROVINCE,
        name="Đài tỉnh",
        holder="Phạm Hùng",
        second=SecondHolder("Lê Văn Tám", rig.folder / "province-second"),
        rank=10,
        by="test",
    )
    zones = dict.fromkeys(ONE.zones, ONE.tags)
    rig.district.enrol(ONE.id, name=ONE.name, zones=zones, obey_also=[province.public()])
    until(lambda: applied(rig, AUTHORITY, "trust") >= 2, "the new trust document")
    start_ms = whole_second(20)
    tone = (ToneSource(name="chime"),)
    above = {"sources": tone, "author": "Lê Văn Tám", "approver": "Phạm Hùng"}
    send(
        rig,
        PROVINCE,
        OWN,
        [
            entry("tin-tinh", start_ms, **above, document_number="12/KH-UBND"),
            entry("tin-khac", start_ms + 8_000, **above),
            entry("mai-sau", start_ms + DAY_MS, **above),
        ],
        province.keyring.signing("schedule"),
    )
    home(visit, [entry("mai", start_ms + DAY_MS)])
    until(lambda: applied(rig, PROVINCE, "schedule") >= 1, "the province's timetable")
    until(lambda: rig.status().awaiting >= 2, "what awaits a decision")
    visit.spans["approved"] = (start_ms - 1_000, start_ms + 6_000)
    visit.spans["undecided"] = (start_ms + 8_000, start_ms + 12_000)


def home(visit: Visit, entries: list[Entry]) -> None:
    """The commune's own timetable, with its settings."""
    rig = visit.rig
    revision = applied(rig, AUTHORITY, "schedule") + 1
    settings = Settings(approvals=(ApprovalRule(authority=PROVINCE),))
    send(rig, AUTHORITY, GROUP, entries, rig.key("schedule"), revision, settings)
    until(lambda: applied(rig, AUTHORITY, "schedule") >= revision, "the timetable")


def send(
    rig: Rig,
    authority: str,
    audience: str,
    entries: list[Entry],
    key: SigningKey,
    revision: int = 1,
    settings: Settings | None = None,
) -> None:
    document = compose.schedule(
        authority,
        audience,
        entries,
        revision=revision,
        made_from=revision - 1,
        now_ms=now_ms(),
        settings=settings,
    )
    with rig.courier() as courier:
        body = sealed(encoded(document), key)
        courier.publish(audience_down(audience, "schedule"), body, retain=True)


def applied(rig: Rig, authority: str, kind: str) -> int:
    found = (
        one for one in rig.status().documents if (one.authority, one.kind) == (authority, kind)
    )
    return max((one.revision for one in found), default=0)


def on_a_terminal(visit: Visit, words: list[str], keys: list[str]) -> str:
    """stationctl on a terminal of its own; each of `keys` is typed when a prompt stands there.

    Returns everything the terminal showed.
    """
    master, slave = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *visit.words(*words)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
    )
    os.close(slave)
    shown, typed, limit_s = b"", 0, time.monotonic() + 30
    while time.monotonic() < limit_s:
        if not select.select([master], [], [], 0.1)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            data = os.read(master, 4_096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        shown += data
        if shown.endswith(b": ") and typed < len(keys):
            os.write(master, keys[typed].encode() + b"\n")
            typed += 1
    code = process.wait(10)
    os.close(master)
    text = shown.decode("utf-8", "replace")
    assert code == 0, text
    return text


def approving(visit: Visit) -> None:
    rig = visit.rig
    for lang in ("vi", "en"):
        for screen in ("plan", "status", "approve"):
            visit.type(f"before {screen} {lang}", screen, "--lang", lang)
    visit.type("before approve json", "approve", "--json")
    visit.type("no pin", "approve", "tinh/tin-tinh")
    visit.type("wrong pin", "approve", "tinh/tin-tinh", pin=OTHER_PIN)
    visit.good("approve", "approve", "tin-tinh", "--document", "5/UBND", pin=PIN)
    visit.good("reject", "reject", "tinh/mai-sau", "--every", pin=PIN)
    visit.type("plan json", "plan", "--hours", "48", "--json")
    visit.good("hold", "hold", "mai", pin=PIN)
    visit.type("plan held", "plan", "--hours", "48", "--json")
    visit.good("release", "release", f"{AUTHORITY}/mai")
    assert visit.spans["approved"][0] > now_ms(), "too slow: its start was over"
    rig.settled("tin-tinh", within_s=40)
    sleep_until(visit.spans["undecided"][1] + 500)


def quiet_and_stop(visit: Visit) -> None:
    """The East is quiet while a programme plays; then it is stopped."""
    rig = visit.rig
    until_when = local(now_ms() + 2 * HOUR_MS)[:16]
    visit.good("quiet", "quiet", "dong", "until", until_when, "--reason", "tang lễ", pin=PIN)
    visit.type("quiet announce", "announce", "dong", NOTICE, pin=PIN)
    visit.type("plan quiet vi", "plan", "--lang", "vi")
    start_ms = whole_second(4)
    home(visit, [entry("ban-tin", start_ms), entry("mai", start_ms + DAY_MS)])
    until(lambda: [one for one in rig.status().on_air if one.started_ms], "the programme", 30)
    sleep_until(start_ms + 3_000)
    visit.good("stop", "stop")
    visit.spans["quiet"] = (start_ms, now_ms())
    rig.settled("ban-tin")
    visit.good("quiet end", "quiet", "end", "dong", pin=PIN)


def announcing(visit: Visit) -> None:
    rig = visit.rig
    from_ms = now_ms()
    visit.good("announce", "announce", "dong", NOTICE, pin=PIN)
    visit.type("announce plan vi", "plan", "--lang", "vi")
    until(lambda: [one for one in rig.status().on_air if one.started_ms], "the notice", 30)
    visit.type("announce status vi", "status", "--lang", "vi")
    until(lambda: not rig.status().on_air, "its end", 40)
    visit.spans["announce"] = (from_ms, now_ms())


def in_an_emergency(visit: Visit) -> None:
    rig = visit.rig
    warned = rig.district.warn(
        "Cảnh báo lũ quét. Bà con di chuyển ngay lên chỗ cao.",
        to=GROUP,
        zones=ZoneSelector(all=True),
        cosign=(rig.stage.second_holder / "emergency-2.key",),
        wait_s=0,
    )
    until(lambda: [one for one in rig.status().on_air if one.klass == 1], "the warning", 30)
    visit.type("stop in an emergency", "stop", pin=PIN)
    visit.type("announce in an emergency", "announce", NOTICE, pin=PIN)
    assert [one for one in rig.status().on_air if one.klass == 1], "the warning was stopped"
    rig.district.cancel(warned.id, to=GROUP, wait_s=0)
    until(lambda: not rig.status().on_air, "the end of the warning", 30)


# --- the PIN -------------------------------------------------------------------------------


def test_a_pin_is_typed_on_a_terminal_without_echo(visit: Visit) -> None:
    assert visit.terminal.count(PIN) == 0
    assert "Nhập lại lần nữa" in visit.terminal
    assert f"Đã đặt mã PIN của {HOA}" in " ".join(visit.terminal.split())


def test_the_pin_is_in_no_file_no_log_and_no_record(visit: Visit) -> None:
    files = [one for one in visit.rig.state_dir().rglob("*") if one.is_file()]
    assert any(one.name == "pins.json" for one in files)
    told = visit.rig.log().encode() + b"".join(one.read_bytes() for one in files)
    for pin in (PIN, OTHER_PIN):
        assert pin.encode() not in told
        assert all(pin not in str(one) for one in visit.rig.events())


# --- approving -----------------------------------------------------------------------------


def test_what_awaits_is_told_by_every_screen_with_what_to_type(visit: Visit) -> None:
    assert "→ stationctl approve" in visit.out["before status vi"].stdout
    assert "→ stationctl approve tinh/tin-tinh" in visit.out["before plan vi"].stdout
    shown = visit.out["before approve vi"].stdout
    for word in ("Mục tin-tinh", "Lê Văn Tám", "Phạm Hùng", "12/KH-UBND", "tinh/tin-tinh"):
        assert word in shown
    waiting = {one["entry"] for one in visit.json("before approve json")["items"]}
    assert waiting == {"tin-tinh", "tin-khac", "mai-sau"}


def test_no_line_is_wider_than_a_phone(visit: Visit) -> None:
    for name, done in visit.out.items():
        if not name.endswith("json"):
            for line in (done.stdout + done.stderr).splitlines():
                assert display_width(line) <= WIDTH, f"{name}: {line}"
        assert "Traceback" not in done.stderr, name


def test_without_a_pin_nobody_approves_and_the_way_is_named(visit: Visit) -> None:
    assert visit.out["no pin"].returncode == 2
    assert "--pin-file" in visit.out["no pin"].stdout
    assert visit.out["wrong pin"].returncode == 1
    assert "sai mã PIN" in " ".join(visit.out["wrong pin"].stdout.split())


def test_an_approved_bulletin_is_heard_and_its_record_names_who_approved_it(
    visit: Visit,
) -> None:
    played = visit.rig.as_run(entry="tin-tinh")
    assert {one.zone for one in played} == set(ONE.zones)
    for one in played:
        assert (one.outcome, one.approved_by, one.approval) == ("played", HOA, "pin")
        assert one.document_number == "5/UBND"
    assert visit.loud_s("approved") > 0.3
    assert visit.opened(0, "approved")
    assert visit.opened(1, "approved")


def test_what_nobody_approved_is_not_heard(visit: Visit) -> None:
    assert visit.rig.as_run(entry="tin-khac") == []  # it may still be placed today
    assert visit.loud_s("undecided") == 0


def test_the_plan_names_who_decided(visit: Visit) -> None:
    items = {one["entry"]: one for one in visit.json("plan json")["items"]}
    assert (items["tin-tinh"]["approval"], items["tin-tinh"]["approved_by"]) == ("approved", HOA)
    assert (items["mai-sau"]["approval"], items["mai-sau"]["problem"]) == (
        "refused",
        "not_approved",
    )


def test_a_held_entry_is_shown_as_held(visit: Visit) -> None:
    items = {one["entry"]: one for one in visit.json("plan held")["items"]}
    assert items["mai"]["problem"] == "held"


# --- quiet, stop, announce -----------------------------------------------------------------


def test_a_quiet_zone_stays_closed_while_the_other_plays(visit: Visit) -> None:
    assert visit.opened(0, "quiet") == []
    assert visit.opened(1, "quiet")
    assert visit.loud_s("quiet") > 1
    plan = visit.out["plan quiet vi"].stdout
    assert re.search(f"^YÊN LẶNG đến .*: {EAST}$", plan, re.MULTILINE)
    assert "tang lễ" in plan
    refused = visit.out["quiet announce"]
    assert refused.returncode == 1
    assert "tang lễ" in refused.stdout


def test_a_stop_ends_the_programme_and_says_so_in_the_record(visit: Visit) -> None:
    [west] = [one for one in visit.rig.as_run(entry="ban-tin") if one.zone == WEST]
    assert (west.outcome, west.reason) == ("partial", "stopped")
    assert west.played_ms < 10_000


def test_an_announcement_is_heard_in_its_zone_only_after_a_chime(visit: Visit) -> None:
    assert visit.opened(0, "announce")
    assert visit.opened(1, "announce") == []
    assert visit.loud_s("announce") > 2
    said = [one for one in announced(visit) if one.zone == EAST]
    assert [(one.outcome, one.klass, one.approved_by) for one in said] == [("played", 2, HOA)]
    shown = visit.out["announce plan vi"].stdout + visit.out["announce status vi"].stdout
    assert "Mời bà con thôn Đông" in " ".join(shown.split())


def announced(visit: Visit) -> list[AsRun]:
    return [one for one in visit.rig.as_run() if one.occurrence.entry.startswith("announce-")]


def test_in_an_emergency_neither_stop_nor_announcement_is_done_and_both_say_why(
    visit: Visit,
) -> None:
    for name, words in (
        ("stop in an emergency", "đang phát khẩn cấp"),
        ("announce in an emergency", "đang có cảnh báo khẩn cấp"),
    ):
        done = visit.out[name]
        assert done.returncode == 1, name
        text = " ".join(done.stdout.split())
        assert words in text
        assert "→" in text


# --- and the journal -----------------------------------------------------------------------


def test_the_journal_names_the_person_of_every_decision(visit: Visit) -> None:
    acts = [(one.what, one.by, one.means, one.result) for one in visit.audits()]
    login = next(one.by for one in visit.audits() if one.result == "wrong_pin")
    assert login != HOA
    for what in (
        "local_approve",
        "local_refuse",
        "local_hold",
        "local_quiet",
        "local_quiet_end",
        "local_announce",
    ):
        assert (what, HOA, "pin", "done") in acts
    assert ("local_approve", login, None, "wrong_pin") in acts
    assert ("local_pin_set", login, None, "done") in acts
    assert ("local_release", login, None, "done") in acts
    assert ("local_stop", login, None, "done") in acts
    assert ("local_announce", HOA, "pin", "against_the_rules") in acts
    assert ("local_stop", HOA, "pin", "emergency_on_air") in acts
    assert ("local_announce", HOA, "pin", "emergency_on_air") in acts


def test_the_words_of_an_announcement_stand_in_the_journal(visit: Visit) -> None:
    [said] = [one for one in visit.audits() if (one.what, one.result) == ("local_announce", "done")]
    assert said.detail == f"{EAST}: {NOTICE}"
    for lang, word in (("vi", "mã PIN"), ("en", "PIN")):
        shown = " ".join(visit.out[f"journal {lang}"].stdout.split())
        assert f"{HOA} ({word})" in shown
        assert NOTICE in shown


def test_the_wrong_pin_is_in_the_journal_with_whose_it_should_have_been(visit: Visit) -> None:
    [wrong] = [one for one in visit.audits() if one.result == "wrong_pin"]
    assert wrong.detail.endswith(f" · {HOA}")
