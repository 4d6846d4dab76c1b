"""`stationctl` from what is typed to what is printed and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.adapters.pins import Signer
from agent.cli import offline
from agent.cli.__main__ import Surroundings, main, paint, run_in
from agent.core.requests import (
    CHECKS,
    AckAlarmRequest,
    AlarmsRequest,
    AlarmsView,
    Answer,
    DoctorRequest,
    Done,
    HoldRequest,
    JournalRequest,
    LinkRequest,
    OrderRequest,
    PlanRequest,
    PlanView,
    Refused,
    Request,
    SkipRequest,
    StatusRequest,
    TestToneRequest,
    VolumeRequest,
    ZonesRequest,
)
from tests.unit.cli import views
from tests.unit.cli.golden_files import golden

READ: dict[type, Answer] = {
    StatusRequest: views.WELL,
    PlanRequest: PlanView(views.NOW_MS, views.TZ, (views.AREA, views.COMMUNE)),
    ZonesRequest: views.ZONES,
    AlarmsRequest: AlarmsView(views.NOW_MS, views.TZ, views.ON_BATTERY.alarms),
    LinkRequest: views.LINK,
    DoctorRequest: views.DOCTOR,
    JournalRequest: views.JOURNAL,
}


class FakeAgent:
    """Answers what is asked for; everything that is to be done is done, or fails as told."""

    def __init__(self, answer: Answer | None = None, error: Exception | None = None) -> None:
        self.asked: list[Request] = []
        self.signers: list[Signer | None] = []
        self.sockets: list[Path] = []
        self._answer = answer
        self._error = error

    def __call__(
        self, path: Path, request: Request, timeout_s: float, signer: Signer | None = None
    ) -> Answer:
        self.sockets.append(path)
        self.asked.append(request)
        self.signers.append(signer)
        if self._error is not None:
            raise self._error
        return READ.get(type(request)) or self._answer or Done()


def around(
    agent: FakeAgent,
    *,
    load: offline.ConfigLoader = lambda file: None,
    environment: dict[str, str] | None = None,
    at_ms: int = views.NOW_MS,
    free_mib: int | None = 4_000,
    on_terminal: bool = False,
) -> Surroundings:
    return Surroundings(agent, load, environment or {}, at_ms, free_mib, on_terminal)


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["status"], 0),
        (["plan"], 1),
        (["zones"], 1),
        (["alarms"], 1),
        (["link"], 0),
        (["journal"], 0),
        (["doctor"], 1),
        (["doctor", "doai"], 1),
    ],
)
def test_every_screen_is_printed_and_faults_show_in_the_exit_status(
    argv: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(around(FakeAgent()), argv) == status
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("argv", "request_sent"),
    [
        (["test-tone"], TestToneRequest((), 3_000)),
        (["test-tone", "dong", "doai", "--seconds", "5"], TestToneRequest(("Đông", "Đoài"), 5_000)),
        (["volume", "dong", "80"], VolumeRequest(("Đông",), 80)),
        (["volume", "all", "auto"], VolumeRequest((), None)),
        (["hold", "khu-vuc"], HoldRequest("huyen", "khu-vuc", held=True)),
        (["release", "huyen/cu"], HoldRequest("huyen", "cu", held=False)),
        (["skip", "khu-vuc"], SkipRequest("huyen", "khu-vuc", "2026-11-23T05:30:00")),
        (["order", "ban-tin-xa", "-2"], OrderRequest("xa-tan-lien", "ban-tin-xa", -2)),
        (["alarms", "ack", "data_plan_used_up"], AckAlarmRequest("data_plan_used_up", "", 1)),
        (["alarms", "ack", "mains_lost", "ampli-1"], AckAlarmRequest("mains_lost", "ampli-1", 2)),
        (["alarms", "ack", "ampli-1"], AckAlarmRequest("mains_lost", "ampli-1", 2)),
        (["alarms", "ack", "goi", "du", "lieu"], AckAlarmRequest("data_plan_used_up", "", 1)),
    ],
)
def test_what_is_typed_becomes_one_request_to_do_it(
    argv: list[str], request_sent: Request, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = FakeAgent()
    assert run_in(around(agent), argv) == 0
    assert agent.asked[-1] == request_sent
    assert capsys.readouterr().out.startswith("✓ ")


@pytest.mark.parametrize(
    "argv",
    [
        ["volume", "xyz", "80"],
        ["test-tone", "ng"],
        ["skip", "khong-co"],
        ["alarms", "ack", "mains_lost"],
        ["alarms", "ack", "điện lưới"],
        ["alarms", "ack", "no_sound"],
    ],
)
def test_a_name_nobody_knows_is_not_sent(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    agent = FakeAgent()
    assert run_in(around(agent), argv) == 1
    sent = VolumeRequest | TestToneRequest | SkipRequest | AckAlarmRequest
    assert not isinstance(agent.asked[-1], sent)
    assert "  → " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lang", "words"),
    [("vi", "có nhiều báo động, phải ghi rõ một"), ("en", "several alarms, name one")],
)
def test_of_several_alarms_of_one_code_each_is_named_as_it_can_be_typed(
    lang: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(around(FakeAgent()), ["alarms", "ack", "mains_lost", "--lang", lang]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert f"mains_lost: {words}" in out
    assert "mains_lost ampli-1" in out


@pytest.mark.parametrize(
    ("lang", "text"), [("vi", "✗ Không làm: đài đang bận"), ("en", "✗ Not done: the station is")]
)
def test_a_refusal_says_why_and_what_next(
    lang: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = FakeAgent(Refused("busy", "Đông"))
    assert run_in(around(agent), ["test-tone", "--lang", lang]) == 1
    out = capsys.readouterr().out
    assert out.startswith(text)
    assert "  → " in out


def test_an_answer_to_something_else_is_said_to_be_strange(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_in(around(FakeAgent(views.WELL)), ["test-tone"]) == 1
    assert "StatusView" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(), "systemctl start station-agent"),
        (ConnectionRefusedError(), "systemctl restart"),
        (PermissionError(), "usermod -aG"),
        (TimeoutError(), "12 giây"),
        (ValueError("not JSON"), "not JSON"),
    ],
)
def test_an_agent_that_cannot_be_asked_exits_3_and_says_what_to_do(
    error: Exception, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["status", "--socket", "/nowhere/control.sock"]
    assert run_in(around(FakeAgent(error=error)), argv) == 3
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "/nowhere/control.sock" in printed.err.replace("\n  ", "")
    assert words in " ".join(printed.err.split())


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_doctor_works_without_the_agent(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("station.toml").write_text("[station]\n", encoding="utf-8")

    def load(file: Path) -> None:
        raise ValueError(f"line 7, zone[1].gian: no such key. Did you mean {'gain'!r}?")

    surroundings = around(FakeAgent(error=FileNotFoundError()), load=load, free_mib=120)
    argv = ["doctor", "--config", "station.toml", "--socket", "c.sock", "--lang", lang]
    assert run_in(surroundings, argv) == 3
    golden(f"doctor-offline.{lang}", capsys.readouterr().out.splitlines())


def config_problem(file: Path, load: offline.ConfigLoader = lambda file: None) -> str:
    check = offline.check_config(file, load)
    return f"{check.verdict}: {check.detail[1]} → {check.next[1]}"


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    assert config_problem(tmp_path / "x.toml").startswith("fault: there is no file")


def test_a_readable_configuration_is_good(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("", encoding="utf-8")
    assert config_problem(file).startswith("ok:")


def test_the_real_reader_names_the_first_fault_and_counts_the_others(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text('[station]\nid = "tan-lien"\nnmae = "x"\n', encoding="utf-8")
    text = config_problem(file, offline.real_config_loader)
    assert text.startswith("fault:")
    assert "line 1, station.root_keys: is missing" in text
    assert "(+" in text


def test_a_missing_reader_is_unknown_and_not_the_configurations_fault(tmp_path: Path) -> None:
    def load(file: Path) -> None:
        raise ImportError("No module named 'agent.config'")

    file = tmp_path / "x.toml"
    file.write_text("", encoding="utf-8")
    assert config_problem(file, load).startswith("unknown:")


def test_a_clock_of_1970_is_a_fault_without_the_agent() -> None:
    readings = offline.LocalReadings(at_ms=86_400_000, free_mib=None)
    view = offline.offline_checks(Path("/nowhere"), lambda file: None, readings)
    assert [check.name for check in view.checks] == list(CHECKS)
    found = {check.name: check.verdict for check in view.checks}
    assert (found["clock"], found["storage"], found["broker"]) == ("fault", "unknown", "unknown")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "còn thiếu"),
        (["statsu"], "không có lệnh"),
        (["volume", "all", "101"], "0–100"),
        (["plan", "--hours", "0"], "từ 1 đến 336"),
        (["status", "--colour"], "thừa"),
    ],
)
def test_wrong_usage_exits_2_in_the_readers_language(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_in(around(FakeAgent()), argv) == 2
    text = " ".join(capsys.readouterr().err.split())
    assert words in text
    assert "--help" in text


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({}, "BÁO"),
        ({"LANG": "en_US.UTF-8"}, "OPEN"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "vi_VN"}, "BÁO"),
        ({"LANG": "C.UTF-8"}, "BÁO"),
    ],
)
def test_the_language_follows_the_locale_and_is_vietnamese_otherwise(
    environment: dict[str, str], first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run_in(around(FakeAgent(), environment=environment), ["alarms"])
    assert capsys.readouterr().out.split()[0] == first


def test_options_may_stand_before_or_after_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_in(around(FakeAgent()), ["--lang", "en", "alarms"])
    run_in(around(FakeAgent()), ["alarms", "--lang", "en"])
    before, after = capsys.readouterr().out.split("OPEN")[1:]
    assert before == after


def test_json_is_the_answer_itself(capsys: pytest.CaptureFixture[str]) -> None:
    run_in(around(FakeAgent()), ["status", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["answer"], said["station"]) == ("status", "tan-lien")
    run_in(around(FakeAgent(error=FileNotFoundError())), ["--json", "status"])
    assert json.loads(capsys.readouterr().out)["answer"] == "unreachable"


def test_a_terminal_gets_colour_unless_it_asked_for_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_in(around(FakeAgent(), on_terminal=True), ["zones"])
    assert "\x1b[31;1m✗\x1b[0m" in capsys.readouterr().out
    run_in(around(FakeAgent(), on_terminal=True, environment={"NO_COLOR": "1"}), ["zones"])
    assert "\x1b" not in capsys.readouterr().out
    run_in(around(FakeAgent(), on_terminal=True), ["zones", "--no-color"])
    assert "\x1b" not in capsys.readouterr().out


def test_only_marks_that_stand_alone_are_painted() -> None:
    assert paint("Nghe rõ chưa? Rõ!") == "Nghe rõ chưa? Rõ!"


def test_the_width_is_a_phones_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    run_in(around(FakeAgent(), environment={"COLUMNS": "120"}), ["status"])
    assert len(capsys.readouterr().out.splitlines()[0]) == 44
    run_in(around(FakeAgent(), environment={"COLUMNS": "30"}), ["status"])
    assert len(capsys.readouterr().out.splitlines()[0]) == 30
    run_in(around(FakeAgent()), ["status", "--width", "60"])
    assert len(capsys.readouterr().out.splitlines()[0]) == 60


def test_the_socket_named_in_a_broken_configuration_is_still_used(tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text('[station]\ncontrol_socket = "run/c.sock"\nwrong = 1\n', encoding="utf-8")
    agent = FakeAgent()
    run_in(around(agent), ["status", "--config", str(file)])
    assert agent.sockets == [tmp_path / "run/c.sock"]


def test_the_entry_point_returns_a_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--socket", str(tmp_path / "none.sock")]) == 3
    assert capsys.readouterr().err.startswith("✗ ")


def test_a_configuration_that_is_named_and_not_there_is_told_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nope.toml"
    assert main(["status", "--config", str(missing), "--width", "200"]) == 2
    assert f"Không có tệp {missing}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["audio", "status", "zones"])
def test_a_file_that_is_no_configuration_is_named_and_nobody_is_asked(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "passwd"
    file.write_text("root:x:0:0:root:/root:/bin/bash\n")

    def nobody(path: Path, request: Request, timeout_s: float, signer: object) -> Answer:
        raise AssertionError("nobody is asked")

    around = Surroundings(nobody, lambda _: None, {}, 0, None, on_terminal=False)
    assert run_in(around, [command, "--config", str(file), "--lang", "en"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "This is no configuration" in said
    assert "station-agent --check" in said
