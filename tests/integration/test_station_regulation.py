"""A commune's regulation on its way from a file to a real station, and what it changes there.

One visit for all tests: `districtctl regulation` signs and sends over a real broker, the station
answers with its receipt, and `stationctl` shows what it does with it, plays, refuses or approves.
Forged regulations come over the same broker, by the operator's own connection.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agent.contract.documents import Entry, Regulation, Settings, ToneSource, When
from agent.contract.reports import Reported
from agent.contract.topics import audience_down
from simulator.demo.script import local
from simulator.demo.stage import StationSpec, now_ms
from simulator.source_system import compose
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.keyring import SigningKey
from tests.integration.station_rig import (
    AUTHORITY,
    Rig,
    encoded,
    entry,
    sealed,
    until,
    whole_second,
)

STATION = StationSpec("tan-lien", "Đài xã Tân Liên", ("Thôn Đông", "Thôn Đoài"), above=True)
OWN = f"s/{STATION.id}"
PROVINCE = "tinh"
DAY_MS = 24 * 3_600_000
TONE = (ToneSource(name="chime"),)
LAN, HOA = "Trần Thị Lan", "Nguyễn Văn Hòa"
PINS = {LAN: "730591", HOA: "402817"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(slots=True)
class Visit:
    """What was typed, and what came of it. shown: exit status and output by name."""

    rig: Rig
    shown: dict[str, tuple[int, str]] = field(default_factory=dict)
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[str, Reported] = field(default_factory=dict)
    silent: str = ""
    """The date on which nothing may sound."""

    @property
    def folder(self) -> Path:
        return self.rig.station().folder

    def type(self, name: str, *words: str, who: str = "") -> str:
        """stationctl, at the station."""
        signed = ["--name", who, "--pin-file", str(self.pin_file(who))] if who else []
        done = subprocess.run(
            [
                *(sys.executable, "-m", "agent.cli"),
                *("--config", str(self.folder / "station.toml"), *words, *signed),
            ],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
        self.shown[name] = done.returncode, done.stdout + done.stderr
        return done.stdout

    def pin_file(self, who: str) -> Path:
        file = self.rig.folder / f"pin-{PINS[who]}"
        file.touch(mode=0o600)
        file.write_text(PINS[who], "utf-8")
        return file

    def plan(self, name: str) -> None:
        items = json.loads(self.type(f"plan {name}", "plan", "--hours", "96", "--json"))["items"]
        self.plans[name] = {one["entry"]: one for one in items}

    def regulate(self, name: str, text: str, *words: str) -> None:
        """districtctl, at the district."""
        file = self.rig.folder / "quy-che.toml"
        file.write_text(text, "utf-8")
        home = ["--home", str(self.rig.district.home.folder), "--lang", "vi"]
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = main([*home, "regulation", str(file), "--to", STATION.id, *words])
        self.shown[name] = code, said.getvalue()

    def revision(self) -> int:
        """Of the commune's own timetable, as the station says it has applied it."""
        found = (one for one in self.rig.status().documents if one.audience == OWN)
        return max(
            (one.revision for one in found if (one.authority, one.kind) == (AUTHORITY, "schedule")),
            default=0,
        )

    def refused(self) -> int:
        """How many documents the receipt names as refused."""
        receipt = self.rig.reported()
        return 0 if receipt is None else len(receipt.refusals)


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visit]:
    with Rig(tmp_path_factory.mktemp("regulation"), STATION) as rig:
        made = Visit(rig)
        until(lambda: rig.status().player == "ready", "the sound child")
        for name in PINS:
            made.type(f"pin {name}", "pin", "set", name, "--pin-file", str(made.pin_file(name)))
        without_a_regulation(made)
        with_a_standing_approval(made)
        forged(made)
        with_approvals(made)
        yield made


def without_a_regulation(visit: Visit) -> None:
    """Timetables of both; the first bulletin of the province plays on its word alone."""
    rig, later_ms = visit.rig, now_ms() + 2 * DAY_MS
    visit.silent = local(later_ms)[:10]
    rig.push([entry("ngay-kia", later_ms), entry("mai", now_ms() + DAY_MS)], to=OWN)
    soon_ms = whole_second(8)
    from_above(visit, bulletin("khai-bao", soon_ms, approver="Phạm Hùng", document_number="9/KH"))
    visit.plan("before")
    visit.type("declared vi", "plan", "--lang", "vi")
    rig.settled("khai-bao", within_s=30)


def bulletin(name: str, start_ms: int, **more: Any) -> Entry:
    when = When(start=local(start_ms))
    return entry(name, start_ms, when=when, sources=TONE, author="Lê Văn Tám", **more)


def from_above(visit: Visit, *entries: Entry) -> None:
    """Left on the broker by the province, and taken up."""
    rig = visit.rig
    province = rig.stage.province
    assert province is not None
    province.push(rig.district, OWN, entries, now_ms())
    wanted = {one.id for one in entries}
    until(lambda: wanted <= {one.entry for one in rig.status().upcoming}, "the bulletins")


def with_a_standing_approval(visit: Visit) -> None:
    rules = f'''document_number = "12/2026/QĐ-UBND"
silent_dates = ["{visit.silent}"]

[[approval]]
authority = "tinh"
mode = "standing"
document_number = "03/2026/QĐ-UBND"
'''
    visit.regulate("dry run", rules, "--dry-run")
    visit.plan("after the dry run")
    visit.regulate("fault", rules.replace("standing", "standig"))
    before = visit.revision()
    visit.regulate("sent", rules)
    assert visit.revision() == before + 1
    visit.receipts["sent"] = until(lambda: receipt_of(visit, before + 1), "the receipt")
    visit.plan("after")
    visit.type("after vi", "plan", "--hours", "96", "--lang", "vi")
    start_ms = whole_second(8)
    from_above(visit, bulletin("uy-quyen", start_ms))
    visit.type("standing vi", "plan", "--lang", "vi")
    visit.rig.settled("uy-quyen", within_s=30)


def receipt_of(visit: Visit, revision: int) -> Reported | None:
    """The receipt, once it names this revision of the commune's timetable."""
    receipt = visit.rig.reported()
    named = [] if receipt is None else receipt.documents
    mine = (AUTHORITY, OWN, "schedule", revision)
    told = any((one.authority, one.audience, one.kind, one.revision) == mine for one in named)
    return receipt if told else None


def forged(visit: Visit) -> None:
    """Two who are not the commune say that there is no regulation any more."""
    rig = visit.rig
    province = rig.stage.province
    assert province is not None
    stranger: SigningKey = province._own.keyring.signing("schedule")  # noqa: SLF001 - its own key
    lifted = compose.schedule(
        AUTHORITY,
        OWN,
        [entry("gia", now_ms() + DAY_MS)],
        revision=visit.revision() + 1,
        made_from=visit.revision(),
        now_ms=now_ms(),
        settings=Settings(regulation=Regulation()),
    )
    with rig.courier() as courier:
        for name, keys in (("unsigned", ()), ("wrongly signed", (stranger,))):
            before = visit.refused()
            body = sealed(encoded(lifted, pushed_by=name), *keys)
            courier.publish(audience_down(OWN, "schedule"), body, retain=False)
            until(lambda before=before: visit.refused() > before, f"the refusal: {name}")  # type: ignore[misc]
            visit.receipts[name] = until(rig.reported, "a receipt")
    visit.plan("after the forgeries")


def with_approvals(visit: Visit) -> None:
    """Asked for everything, and who made it may not approve it; then they may."""
    made_by = {"sources": TONE, "author": LAN}
    at_ms = now_ms() + DAY_MS
    from_above(visit, entry("cua-lan", at_ms, **made_by), entry("cua-lan-2", at_ms, **made_by))
    visit.regulate("differs", "ask_approval = true\napprover_differs = true\n")
    visit.type("creator", "approve", "tinh/cua-lan", who=LAN)
    visit.type("another", "approve", "tinh/cua-lan", who=HOA)
    visit.plan("differs")
    visit.regulate("same", "ask_approval = true\n")
    visit.type("creator may", "approve", "tinh/cua-lan-2", who=LAN)
    visit.plan("same")


# --- the regulation ------------------------------------------------------------------------


def test_a_dry_run_and_a_fault_send_nothing(visit: Visit) -> None:
    code, said = visit.shown["dry run"]
    assert (code, "chưa gửi gì" in said) == (0, True)
    assert "ngày không phát theo quy chế" in said
    assert visit.plans["after the dry run"]["ngay-kia"]["kept"] == []
    code, said = visit.shown["fault"]
    assert code == 2
    assert 'dòng 6:1 "mode" “standig”' in said


def test_a_regulation_that_is_sent_is_applied_and_its_receipt_comes_back(visit: Visit) -> None:
    code, said = visit.shown["sent"]
    assert (code, "áp dụng 1/1" in said) == (0, True), said
    assert visit.receipts["sent"].refusals == ()


def test_the_plan_of_the_station_changes_with_its_regulation(visit: Visit) -> None:
    assert visit.plans["before"]["ngay-kia"]["kept"] == []
    [kept] = visit.plans["after"]["ngay-kia"]["kept"]
    assert (kept["reason"], kept["zones"]) == ("silent_date", list(STATION.zones))
    assert kept["rule"] == f"{visit.silent} (12/2026/QĐ-UBND)"
    assert visit.plans["after"]["mai"]["kept"] == []
    assert f"{visit.silent} (12/2026/QĐ-UBND)" in " ".join(visit.shown["after vi"][1].split())


@pytest.mark.parametrize(
    ("name", "reason"), [("unsigned", "unsigned"), ("wrongly signed", "not_allowed")]
)
def test_a_regulation_that_the_commune_did_not_sign_is_refused_and_changes_nothing(
    visit: Visit, name: str, reason: str
) -> None:
    refusal = visit.receipts[name].refusals[-1]
    assert (refusal.kind, refusal.reason) == ("schedule", reason)
    now = visit.plans["after the forgeries"]
    assert "gia" not in now
    assert now["ngay-kia"]["kept"] == visit.plans["after"]["ngay-kia"]["kept"]


# --- who let it play -----------------------------------------------------------------------


def test_what_the_province_declares_plays_where_nobody_asks_and_is_shown_as_declared(
    visit: Visit,
) -> None:
    item = visit.plans["before"]["khai-bao"]
    assert (item["approval"], item["approval_means"]) == ("not_needed", "declared")
    shown = " ".join(visit.shown["declared vi"][1].split())
    assert "theo khai báo: Phạm Hùng" in shown
    assert "9/KH" in shown
    for one in visit.rig.as_run(entry="khai-bao"):
        assert (one.outcome, one.approval, one.approved_by) == ("played", "declared", "Phạm Hùng")
        assert one.document_number == "9/KH"


def test_a_standing_approval_names_its_document_in_plan_and_record(visit: Visit) -> None:
    shown = " ".join(visit.shown["standing vi"][1].split())
    assert "xã duyệt sẵn" in shown
    assert "03/2026/QĐ-UBND" in shown
    for one in visit.rig.as_run(entry="uy-quyen"):
        assert (one.outcome, one.approval, one.approved_by) == ("played", "standing", "")
        assert one.document_number == "03/2026/QĐ-UBND"


def test_who_made_a_bulletin_may_approve_it_only_where_the_regulation_lets_them(
    visit: Visit,
) -> None:
    code, said = visit.shown["creator"]
    assert code == 1
    assert "người soạn không được tự duyệt" in " ".join(said.split())
    assert visit.shown["another"][0] == 0
    item = visit.plans["differs"]["cua-lan"]
    assert (item["approval"], item["approved_by"]) == ("approved", HOA)
    assert visit.shown["creator may"][0] == 0
    item = visit.plans["same"]["cua-lan-2"]
    assert (item["approval"], item["approved_by"]) == ("approved", LAN)
