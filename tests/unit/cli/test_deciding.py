"""Decisions at the station: what is typed, who is asked, what is sent, what is said about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli.__main__ import run_in
from agent.cli.columns import display_width
from agent.contract.reasons import OccurrenceReason
from agent.core.requests import (
    AnnounceRequest,
    Answer,
    ApproveRequest,
    Done,
    Follows,
    HoldRequest,
    Kept,
    PlanView,
    QuietRequest,
    Refused,
    Request,
    SkipRequest,
    StopRequest,
)
from tests.unit.cli import views
from tests.unit.cli.people import HOA, OTHER_PIN, PIN, Agent, Keyboard, around

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n", "utf-8")
    file.chmod(0o600)
    return file


def typed(agent: Agent, keyboard: Keyboard | None, *argv: str, chatty: bool = True) -> int:
    return run_in(around(agent, keyboard, chatty=chatty), list(argv))


def by_hand(agent: Agent, *argv: str) -> int:
    """With the PIN typed, the name given."""
    return typed(agent, Keyboard(PIN), *argv, "--name", HOA)


def out(capsys: Printed) -> str:
    """What was printed, in one line of small letters."""
    return " ".join(capsys.readouterr().out.split()).casefold()


def approval(item: Any = views.AWAITING, **changes: Any) -> ApproveRequest:
    said = {
        "authority": item.authority,
        "entry": item.entry,
        "digest": item.digest,
        "by": "",
        "means": "pin",
        "nominal": item.nominal,
    }
    return ApproveRequest(**{**said, **changes})


# --- who decides ----------------------------------------------------------------------------


def test_the_name_and_the_pin_are_asked_for_and_only_the_pin_in_secret(capsys: Printed) -> None:
    agent, keyboard = Agent(), Keyboard(HOA, PIN)
    assert typed(agent, keyboard, "approve", "huyen/khu-vuc", "--lang", "en") == 0
    assert keyboard.prompts == ["Name of who decides: ", f"(secret) PIN of {HOA}: "]
    assert agent.done == [(approval(), HOA)]
    printed = capsys.readouterr()
    assert PIN not in printed.out + printed.err + "".join(keyboard.told)


def test_what_is_decided_about_is_shown_before_the_pin_is_typed() -> None:
    keyboard = Keyboard(HOA, PIN)
    typed(Agent(), keyboard, "approve", "huyen/khu-vuc")
    text = "\n".join(keyboard.told)
    for shown in ("Lê Văn Tám", "Phạm Hùng", "12/KH-UBND", "T2 23/11 05:30", "01234567", "Đông"):
        assert shown in text
    assert "và 1 lượt nữa" in text, "those decided already are none of it"


def test_a_mistyped_pin_is_typed_again(capsys: Printed) -> None:
    agent, keyboard = Agent(), Keyboard(OTHER_PIN, PIN)
    assert typed(agent, keyboard, "approve", "huyen/khu-vuc", "--name", HOA) == 0
    assert "còn 4 lần" in " ".join(" ".join(keyboard.told).split())
    assert len(agent.done) == 1


def test_after_three_wrong_pins_the_command_ends_and_says_what_is_left(capsys: Printed) -> None:
    agent, keyboard = Agent(), Keyboard(*[OTHER_PIN] * 9)
    assert typed(agent, keyboard, "approve", "huyen/khu-vuc", "--name", HOA) == 1
    assert len(agent.signers) == 3
    text = out(capsys)
    assert "sai mã pin" in text
    assert "còn 2 lần" in text


def test_a_name_that_has_to_wait_is_told_how_long(capsys: Printed) -> None:
    locked = Refused("pin_locked", HOA, wait_ms=61_000)
    assert by_hand(Agent(answer=lambda _: locked), "approve", "huyen/khu-vuc") == 1
    assert "chờ 1:01" in out(capsys)


def test_scripts_give_a_file_that_nobody_else_can_read(pin_file: Path, capsys: Printed) -> None:
    agent = Agent()
    argv = ["approve", "huyen/khu-vuc", "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(agent, None, *argv) == 0
    assert agent.done == [(approval(), HOA)]


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o601])
def test_a_file_that_others_can_read_is_refused_with_its_remedy(
    pin_file: Path, mode: int, capsys: Printed
) -> None:
    pin_file.chmod(mode)
    agent = Agent()
    argv = ["approve", "huyen/khu-vuc", "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(agent, None, *argv) == 2
    assert f"chmod600{pin_file}" in "".join(capsys.readouterr().out.split())
    assert agent.signers == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: Printed) -> None:
    argv = ["approve", "huyen/khu-vuc", "--name", HOA, "--pin-file", str(tmp_path / "x")]
    assert typed(Agent(), None, *argv) == 2
    assert "no such file" in out(capsys)


@pytest.mark.parametrize("argv", [["approve", "huyen/khu-vuc"], ["announce", "Mời bà con đi họp"]])
def test_where_nobody_can_be_asked_the_command_says_how_to_go_on(
    argv: list[str], capsys: Printed
) -> None:
    agent = Agent()
    assert typed(agent, None, *argv) == 2
    assert "--pin-file" in capsys.readouterr().out
    assert agent.signers == []


def test_enter_alone_gives_up_and_nothing_is_done(capsys: Printed) -> None:
    agent = Agent()
    assert typed(agent, Keyboard(), "approve", "huyen/khu-vuc") == 1
    assert agent.done == []
    assert "chưa làm gì" in capsys.readouterr().err


def test_what_needs_no_name_asks_for_none() -> None:
    agent, keyboard = Agent(), Keyboard()
    assert typed(agent, keyboard, "stop") == 0
    assert agent.done == [(StopRequest(()), "")]
    assert keyboard.prompts == []


def test_a_name_that_is_given_is_sent_with_its_pin() -> None:
    agent = Agent()
    assert by_hand(agent, "stop", "dong") == 0
    assert agent.done == [(StopRequest(("Đông",)), HOA)]


def test_where_the_station_asks_for_a_name_it_is_asked_for() -> None:
    agent, keyboard = Agent(pin_for=(StopRequest, HoldRequest)), Keyboard(HOA, PIN)
    assert typed(agent, keyboard, "stop") == 0
    assert agent.done == [(StopRequest(()), HOA)]
    assert typed(Agent(pin_for=(HoldRequest,)), None, "hold", "huyen/khu-vuc") == 2


# --- approving ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "request_sent"),
    [
        (["approve", "khu-vuc"], approval()),
        (["approve", "huyen/khu-vuc", "--every"], approval(nominal=None)),
        (["approve", "khu-vuc", "24/11", "05:30"], approval(nominal="2026-11-24T05:30:00")),
        (["approve", "khu-vuc", "--at", "6:15"], approval(place="06:15")),
        (["approve", "khu-vuc", "--document", "5/UBND"], approval(document_number="5/UBND")),
        (["reject", "khu-vuc"], approval(approved=False)),
        (["reject", "khu-vuc", "--every"], approval(approved=False, nominal=None)),
        (["approve", "tiem-chung", "--at", "11:00"], approval(views.OVER, place="11:00")),
        (["reject", "tiem-chung"], approval(views.OVER, approved=False)),
    ],
)
def test_what_is_typed_becomes_one_approval(
    argv: list[str], request_sent: ApproveRequest, capsys: Printed
) -> None:
    agent = Agent(views.replace(views.DECIDING, items=(views.OVER, views.AWAITING, views.TOMORROW)))
    assert by_hand(agent, *argv) == 0
    assert agent.done == [(request_sent, HOA)]
    assert capsys.readouterr().out.startswith("✓ ")


def test_of_a_chosen_item_the_extent_is_asked_and_enter_is_this_start_only() -> None:
    for answer, nominal in (("", views.AWAITING.nominal), ("2", None)):
        agent, keyboard = Agent(), Keyboard("1", answer, PIN)
        assert typed(agent, keyboard, "approve", "--name", HOA) == 0
        assert agent.done == [(approval(nominal=nominal), HOA)]


def test_without_an_id_what_waits_is_listed_with_numbers_and_one_is_asked_for() -> None:
    keyboard = Keyboard("2")
    typed(Agent(), keyboard, "approve")
    heads = [line for line in keyboard.told if line[:2] in ("1 ", "2 ")]
    assert heads[0] == "1 Bản tin khu vực"
    assert heads[1].startswith("2 Thông báo lịch tiêm chủng")
    assert keyboard.prompts[0] == "Số thứ tự (Enter: thôi): "


@pytest.mark.parametrize("number", ["0", "3", "x", "-1", "²"])
def test_a_number_that_is_not_in_the_list_is_refused(number: str, capsys: Printed) -> None:
    agent = Agent()
    assert typed(agent, Keyboard(number, HOA, PIN), "approve") == 2
    assert agent.done == []


def test_where_nobody_reads_along_the_list_is_printed_and_nothing_asked(capsys: Printed) -> None:
    for keyboard in (None, Keyboard(HOA, PIN)):
        assert typed(Agent(), keyboard, "approve", chatty=False) == 0
        out = capsys.readouterr().out
        assert out.startswith("CHỜ XÃ DUYỆT 2")
        assert "→ stationctl approve huyen/khu-vuc" in out
    keyboard = Keyboard()
    assert typed(Agent(), keyboard, "reject", "--json") == 0
    assert keyboard.prompts == []
    said = json.loads(capsys.readouterr().out)
    assert {one["approval"] for one in said["items"]} == {"awaiting"}


def test_when_nothing_waits_it_says_so(capsys: Printed) -> None:
    keyboard = Keyboard("1")
    assert typed(Agent(PlanView(views.NOW_MS, views.TZ, ())), keyboard, "approve") == 0
    assert "không có bản tin nào chờ" in out(capsys)
    assert keyboard.left == 1


def two_of_one_sender() -> Agent:
    second = views.replace(views.AWAITING, entry="lich-cat-dien", digest="00000000000000bb")
    items = (views.OVER, views.AWAITING, views.TOMORROW, second)
    return Agent(PlanView(views.NOW_MS, views.TZ, items))


def test_all_of_a_sender_are_approved_with_one_pin(capsys: Printed) -> None:
    agent, keyboard = two_of_one_sender(), Keyboard(PIN)
    assert typed(agent, keyboard, "approve", "--all-from", "huyen", "--name", HOA) == 0
    assert [(one.entry, one.nominal) for one, _ in agent.done] == [  # type: ignore[union-attr]
        ("khu-vuc", "2026-11-23T05:30:00"),
        ("lich-cat-dien", "2026-11-23T05:30:00"),
    ]
    assert capsys.readouterr().out.count("✓") == 2


def test_of_several_each_is_told_as_json(pin_file: Path, capsys: Printed) -> None:
    argv = ["--all-from", "huyen", "--name", HOA, "--pin-file", str(pin_file), "--json"]
    typed(two_of_one_sender(), None, "approve", *argv)
    said = json.loads(capsys.readouterr().out)
    assert said["answer"] == "decisions"
    assert [one["result"]["answer"] for one in said["decisions"]] == ["done", "done"]


class Placing(Agent):
    """Shows another plan once something was approved."""

    def __init__(self, before: PlanView, after: PlanView) -> None:
        super().__init__(before)
        self._after = after

    def __call__(self, *args: Any, **named: Any) -> Answer:
        answer = super().__call__(*args, **named)
        if self.done:
            self.view = self._after
        return answer


def of(*items: Any) -> PlanView:
    return views.replace(views.DECIDING, items=items)


def test_an_hour_at_which_a_rule_keeps_it_silent_is_told_at_once(capsys: Printed) -> None:
    rule = "05:00-06:30 (12/QĐ)"
    placed = views.replace(
        views.AWAITING,
        start_ms=views.at(21, 30),
        approval="approved",
        problem=OccurrenceReason.OUTSIDE_HOURS,
        rule=rule,
        kept=(Kept(views.AWAITING.zones, OccurrenceReason.OUTSIDE_HOURS, rule),),
        sounds=(),
    )
    assert (
        by_hand(Placing(of(views.AWAITING), of(placed)), "approve", "khu-vuc", "--at", "21:30") == 0
    )
    text = out(capsys)
    assert "✓ đã duyệt" in text
    assert "! t2 23/11 21:30: ngoài khung giờ" in text
    assert rule.casefold() in text


def test_an_hour_that_is_free_says_no_more(capsys: Printed) -> None:
    placed = views.replace(
        views.AWAITING, start_ms=views.at(6, 15), approval="approved", problem=""
    )
    by_hand(Placing(of(views.AWAITING), of(placed)), "approve", "khu-vuc", "--at", "6:15")
    assert "!" not in out(capsys)


def test_a_start_decided_on_its_own_is_told_when_every_start_is_approved(capsys: Printed) -> None:
    first = views.replace(
        views.AWAITING, start_ms=views.at(21, 30), approval="approved", problem=""
    )
    other = views.replace(views.TOMORROW, start_ms=views.at(19, 37, day=24), problem="")
    gone = views.replace(views.TOMORROW, nominal="2026-11-25T05:30:00", approval="refused")
    agent = Placing(of(views.AWAITING, views.TOMORROW), of(first, other, gone))
    assert by_hand(agent, "approve", "khu-vuc", "--every", "--at", "19:37") == 0
    text = out(capsys)
    assert "lượt 2026-11-23 05:30 vẫn phát lúc 21:30" in text
    assert "lượt 2026-11-25 05:30 vẫn không phát" in text
    assert "2026-11-24" not in text


def test_a_stop_says_what_follows_and_an_announcement_where_it_is_not_said(
    capsys: Printed,
) -> None:
    follows = Follows("huyen", "khu-vuc", "Bản tin khu vực", ("Đông",), views.at(5, 13))
    done = Done(follows=(follows,), tz=views.TZ)
    assert by_hand(Agent(answer=lambda _: done), "stop") == 0
    assert "sau đó 05:13:00 phát tiếp “bản tin khu vực”: đông" in out(capsys)
    kept = (Kept(("Đông",), OccurrenceReason.QUIET, "tang lễ"),)
    by_hand(Agent(answer=lambda _: Done(kept=kept)), "announce", "Mời họp")
    text = out(capsys)
    assert "tất cả" not in text
    assert "! không đọc ở đông: khu vực đang giữ yên lặng: tang lễ" in text


def test_a_volume_above_the_ceiling_says_what_it_sounds_at(capsys: Printed) -> None:
    done = Done("90: Đông", ceilings=(("Đông", 30),))
    assert by_hand(Agent(answer=lambda _: done), "volume", "all", "90") == 0
    assert "! quy chế đang giới hạn, chỉ phát ở mức: đông 30" in out(capsys)


def test_a_wrong_pin_is_not_tried_on_every_item(tmp_path: Path, capsys: Printed) -> None:
    file = tmp_path / "pin"
    file.write_text(OTHER_PIN, "utf-8")
    file.chmod(0o600)
    agent = two_of_one_sender()
    argv = ["approve", "--all-from", "huyen", "--name", HOA, "--pin-file", str(file)]
    assert typed(agent, None, *argv) == 1
    assert len(agent.signers) == 1


def test_what_is_refused_for_one_item_is_told_beside_what_was_done(
    pin_file: Path, capsys: Printed
) -> None:
    def answer(request: Request) -> Answer | None:
        changed = isinstance(request, ApproveRequest) and request.entry == "khu-vuc"
        return Refused("changed_since", "huyen/khu-vuc") if changed else None

    agent = two_of_one_sender()
    agent = Agent(agent.view, answer)
    argv = ["approve", "--all-from", "huyen", "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(agent, None, *argv) == 1
    text = out(capsys)
    assert "thay đổi sau khi xem" in text
    assert "✓ đã duyệt" in text
    assert len(agent.done) == 1


def test_an_agent_that_dies_in_the_middle_does_not_hide_what_was_decided(
    pin_file: Path, capsys: Printed
) -> None:
    def answer(request: Request) -> Answer | None:
        if isinstance(request, ApproveRequest) and request.entry == "lich-cat-dien":
            raise ConnectionResetError
        return None

    agent = Agent(two_of_one_sender().view, answer)
    argv = ["approve", "--all-from", "huyen", "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(agent, None, *argv) == 1
    out = capsys.readouterr().out
    assert out.startswith("✓ Đã duyệt")
    assert "✗" in out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["approve", "khu-vuk"], "chọn: huyen/khu-vuc"),
        (["approve", "khu-vuc", "07:00"], "không phát lúc 07:00"),
        (["approve", "khu-vuc", "sáng"], "không hiểu giờ"),
        (["approve", "--all-from", "xa"], "chọn: huyen, tinh"),
        (["approve", "khu-vuc", "--all-from", "huyen"], "chọn một"),
        (["approve", "tiem-chung"], "đã qua"),
        (["approve", "khu-vuc", "--at", "05:00"], "05:00 đã qua"),
        (["approve", "cho-khac"], "không có gì để duyệt"),
    ],
)
def test_what_cannot_be_approved_is_not_asked_for(
    argv: list[str], words: str, capsys: Printed
) -> None:
    nameless = views.replace(views.AREA, entry="cho-khac", digest="")
    agent = Agent(views.replace(views.DECIDING, items=(*views.DECIDING.items, nameless)))
    keyboard = Keyboard(HOA, PIN)
    assert typed(agent, keyboard, *argv) in (1, 2)
    text = out(capsys)
    assert words.casefold() in text
    assert "→ " in text
    assert agent.signers == []
    assert keyboard.left == 2


def test_an_hour_that_is_none_is_wrong_usage(capsys: Printed) -> None:
    for hour in ("25:00", "6h", "06:60", "0600"):
        assert typed(Agent(), None, "approve", "khu-vuc", "--at", hour) == 2
        assert "06:15" in " ".join(capsys.readouterr().err.split())


# --- stop, skip, quiet ----------------------------------------------------------------------


def test_one_start_can_be_skipped_by_its_hour() -> None:
    agent = Agent()
    assert typed(agent, None, "skip", "khu-vuc", "24/11", "05:30") == 0
    assert agent.done == [(SkipRequest("huyen", "khu-vuc", "2026-11-24T05:30:00"), "")]


def test_a_stop_in_an_emergency_says_why_not_and_what_to_do(capsys: Printed) -> None:
    agent = Agent(answer=lambda _: Refused("emergency_on_air", "Đông"))
    assert typed(agent, None, "stop") == 1
    text = out(capsys)
    assert "đang phát khẩn cấp" in text
    assert "→ hủy cảnh báo" in text


@pytest.mark.parametrize(
    ("argv", "request_sent"),
    [
        (
            ["dong", "until", "11:00", "--reason", "tang lễ"],
            QuietRequest(("Đông",), views.at(11, 0), "tang lễ"),
        ),
        (
            ["dong", "đoài", "đến", "24/11", "7:00", "--reason", "thi"],
            QuietRequest(("Đông", "Đoài"), views.at(7, 0, day=24), "thi"),
        ),
        (
            ["all", "--reason", "quốc tang", "until", "2026-11-25", "00:00"],
            QuietRequest((), views.at(0, 0, day=25), "quốc tang"),
        ),
        (
            ["dong", "until", "05:00", "--reason", "tang lễ"],
            QuietRequest(("Đông",), views.at(5, 0, day=24), "tang lễ"),
        ),
        (["end", "dong"], QuietRequest(("Đông",), 0)),
        (["hết", "all"], QuietRequest((), 0)),
    ],
)
def test_a_quiet_is_said_as_people_say_it(
    argv: list[str], request_sent: QuietRequest, capsys: Printed
) -> None:
    agent = Agent()
    assert typed(agent, None, "quiet", *argv) == 0
    assert agent.done == [(request_sent, "")]
    assert capsys.readouterr().out.startswith("✓ ")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["dong", "11:00", "--reason", "x"], "chưa ghi đến mấy giờ"),
        (["dong", "until", "--reason", "x"], "chưa ghi đến mấy giờ"),
        (["until", "--reason", "x"], "chưa ghi đến mấy giờ"),
        (["dong", "until", "11:00"], "chưa ghi lý do"),
        (["dong", "until", "trưa", "--reason", "x"], "không hiểu giờ “trưa”"),
        (["dong", "until", "22/11/2026", "11:00", "--reason", "x"], "đã qua"),
        (["dong", "until", "30/02", "11:00", "--reason", "x"], "đã qua"),
        (["dong", "until", "25/12", "11:00", "--reason", "x"], "lâu nhất 31 ngày"),
        (["ngoai", "until", "11:00", "--reason", "x"], "không có cụm loa"),
    ],
)
def test_a_quiet_that_cannot_be_is_not_sent(argv: list[str], words: str, capsys: Printed) -> None:
    agent = Agent()
    assert typed(agent, None, "quiet", *argv) in (1, 2)
    assert agent.done == []
    text = out(capsys)
    assert words.casefold() in text
    assert "→ " in text


@pytest.mark.parametrize(
    "argv",
    [
        ["quiet", "tru", "until", "20:00", "--reason", "thi"],
        ["quiet", "end", "tru"],
        ["stop", "tru"],
        ["announce", "tru", "Mời họp"],
        ["test-tone", "tru"],
        ["volume", "tru", "30"],
    ],
)
def test_a_zone_found_by_a_part_of_its_name_is_said_to_be_understood_so(
    argv: list[str], pin_file: Path, capsys: Printed
) -> None:
    pin = ["--name", HOA, "--pin-file", str(pin_file)] if argv[0] == "announce" else []
    assert typed(Agent(), None, *argv, *pin, "--lang", "en", chatty=False) == 0
    assert capsys.readouterr().out.splitlines()[0] == "“tru” understood as Trung"
    whole = ["trung" if one == "tru" else one for one in argv]
    assert typed(Agent(), None, *whole, *pin, "--lang", "en", chatty=False) == 0
    assert "understood" not in capsys.readouterr().out


def test_what_was_understood_is_said_before_the_pin_is_typed() -> None:
    keyboard = Keyboard(HOA, PIN)
    typed(Agent(), keyboard, "announce", "tru", "Mời họp")
    assert keyboard.told == ["“tru” hiểu là Trung"]


def test_quiet_alone_shows_what_is_quiet_and_how_each_ends(capsys: Printed) -> None:
    assert typed(Agent(), None, "quiet") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  tang lễ cụ Lê Văn Ba · Nguyễn Văn Hòa" in lines
    assert "  → stationctl quiet end 'Thôn Đông' 'Chợ'" in lines
    assert typed(Agent(PlanView(views.NOW_MS, views.TZ, ())), None, "quiet") == 0
    assert "không khu vực nào" in out(capsys)


# --- announcements --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "request_sent"),
    [
        (["Mời bà con đi họp"], AnnounceRequest((), "Mời bà con đi họp", "vi")),
        (["dong", "chợ", " Mời  họp "], AnnounceRequest(("Đông", "Chợ"), "Mời họp", "vi")),
        (["all", "Please come", "--lang", "en"], AnnounceRequest((), "Please come", "en")),
        (["dong", "--speak", "en", "Come"], AnnounceRequest(("Đông",), "Come", "en")),
        (["--over", "Mời họp"], AnnounceRequest((), "Mời họp", "vi", over=True)),
    ],
)
def test_words_are_sent_to_be_said(
    argv: list[str], request_sent: AnnounceRequest, capsys: Printed
) -> None:
    agent = Agent()
    assert by_hand(agent, "announce", *argv) == 0
    assert agent.done == [(request_sent, HOA)]
    assert capsys.readouterr().out.startswith("✓ ")


def test_the_language_of_the_screen_by_locale_does_not_change_the_voice() -> None:
    agent = Agent()
    surroundings = around(agent, Keyboard(PIN))
    english = {"environment": {"LANG": "en_US.UTF-8"}}
    from dataclasses import replace

    run_in(replace(surroundings, **english), ["announce", "Mời họp", "--name", HOA])  # type: ignore[arg-type]
    assert agent.done == [(AnnounceRequest((), "Mời họp", "vi"), HOA)]


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["Đông"], "là tên cụm loa"),
        (["dong", "  "], "chưa có lời"),
        (["..."], "chưa có lời"),
        (["x" * 1_001], "dài 1001 chữ, nhiều nhất 1000"),
        (["ngoai", "Mời họp"], "không có cụm loa"),
    ],
)
def test_an_announcement_without_words_or_with_too_many_asks_for_no_pin(
    argv: list[str], words: str, capsys: Printed
) -> None:
    agent, keyboard = Agent(), Keyboard(PIN)
    assert typed(agent, keyboard, "announce", *argv, "--name", HOA) in (1, 2)
    assert agent.done == []
    assert keyboard.left == 1
    assert words.casefold() in out(capsys)


def test_in_an_emergency_nothing_else_is_said_and_the_way_out_is_named(capsys: Printed) -> None:
    agent = Agent(answer=lambda _: Refused("emergency_on_air", "Xả lũ"))
    assert by_hand(agent, "announce", "Mời họp") == 1
    text = out(capsys)
    assert "đang có cảnh báo khẩn cấp, không đọc chen vào (xả lũ)" in text
    assert "→ hết cảnh báo rồi đọc: stationctl status" in text


def test_a_person_without_the_right_is_told_which_one(capsys: Printed) -> None:
    agent = Agent(answer=lambda _: Refused("no_right", "announce"))
    assert by_hand(agent, "announce", "Mời họp") == 1
    assert "(đọc thông báo)" in out(capsys)


def test_help_says_that_the_microphone_is_not_here_yet(capsys: Printed) -> None:
    for lang, word in (("vi", "micro"), ("en", "microphone")):
        assert typed(Agent(), None, "announce", "--help", "--lang", lang) == 0
        assert word in capsys.readouterr().out


# --- agents that cannot ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Refused("unsupported", "ApproveRequest"),
        Refused("malformed", "ask: Invalid value 'approve'"),
    ],
)
def test_an_agent_that_knows_no_such_command_is_told_to_be_old(
    answer: Refused, capsys: Printed
) -> None:
    assert by_hand(Agent(answer=lambda _: answer), "approve", "huyen/khu-vuc") == 1
    text = out(capsys)
    assert "đài đang chạy bản cũ" in text
    assert "systemctl restart station-agent" in text


@pytest.mark.parametrize(
    "argv",
    [["approve"], ["reject"], ["approve", "khu-vuc"], ["quiet"], ["stop"], ["announce", "Mời họp"]],
)
def test_without_an_agent_every_decision_exits_3(argv: list[str], capsys: Printed) -> None:
    def gone(request: Request) -> Answer | None:
        raise FileNotFoundError

    class Gone(Agent):
        def __call__(self, *args: Any, **named: Any) -> Answer:
            raise FileNotFoundError

    assert typed(Gone(), Keyboard("1", HOA, PIN), *argv) == 3
    assert "đài chưa chạy" in " ".join(capsys.readouterr().err.split()).casefold()


REFUSALS = ("no_right", "wrong_pin", "pin_locked", "pin_file", "unknown_person", "changed_since")


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_of_a_decision_fits_a_phone_and_has_a_next_step(
    code: str, lang: str, pin_file: Path, capsys: Printed
) -> None:
    refused = Refused(code, "x" * 60, tries_left=3, wait_ms=3_600_000)
    argv = ["approve", "huyen/khu-vuc", "--lang", lang, "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(Agent(answer=lambda _: refused), None, *argv) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("  → ") for line in lines)
    assert [line for line in lines if display_width(line) > 44] == []


@pytest.mark.parametrize(
    "argv",
    [
        ("approve", "huyen/khu-vuc"),
        ("hold", "huyen/khu-vuc"),
        ("quiet", "Đông", "until", "11:00", "--reason", "tang lễ"),
        ("stop",),
        ("volume", "all", "40"),
    ],
)
def test_what_is_not_on_the_disk_is_not_told_as_if_it_were(
    capsys: Printed, argv: tuple[str, ...]
) -> None:
    blind = Agent(answer=lambda _: Done(stored=False))
    by_hand(blind, *argv)
    assert "chưa ghi được vào bộ nhớ, mất điện là mất" in out(capsys)
    by_hand(blind, *argv, "--lang", "en")
    assert "not yet on the disk, a power cut loses it" in out(capsys)
    by_hand(Agent(), *argv)
    assert "chưa ghi" not in out(capsys)


@pytest.mark.parametrize(
    "zones", [(), ("all",), ("tất cả",), ("tất", "cả"), ("tat ca",), ("Tất cả",)]
)
@pytest.mark.parametrize("until", ["until", "đến"])
def test_quiet_without_a_zone_or_for_all_is_for_all(zones: tuple[str, ...], until: str) -> None:
    agent = Agent()
    assert by_hand(agent, "quiet", *zones, until, "11:00", "--reason", "quốc tang") == 0
    [(request, _)] = agent.done
    assert isinstance(request, QuietRequest)
    assert (request.zones, request.reason) == ((), "quốc tang")


def test_quiet_without_an_hour_is_not_for_ever(capsys: Printed) -> None:
    for words in (("Đông",), ("until",), ("tất cả", "đến")):
        assert by_hand(Agent(), "quiet", *words, "--reason", "thi") == 2
        assert "chưa ghi đến mấy giờ" in out(capsys)


def test_what_is_neither_one_start_nor_every_one_is_asked_again() -> None:
    agent, keyboard = Agent(), Keyboard("1", "tất cả", "2", HOA, PIN)
    typed(agent, keyboard, "approve")
    [(request, _)] = agent.done
    assert isinstance(request, ApproveRequest)
    assert request.nominal is None
    assert any("Không hiểu “tất cả”" in line for line in keyboard.told)


def test_who_never_answers_the_question_has_decided_nothing(capsys: Printed) -> None:
    agent, keyboard = Agent(), Keyboard("1", "x", "y", "z", HOA, PIN)
    typed(agent, keyboard, "approve")
    assert agent.done == []


def test_enter_alone_is_this_start_only() -> None:
    agent, keyboard = Agent(), Keyboard("1", "", HOA, PIN)
    typed(agent, keyboard, "approve")
    [(request, _)] = agent.done
    assert isinstance(request, ApproveRequest)
    assert request.nominal == views.AWAITING.nominal


def test_a_start_is_told_as_people_write_it(capsys: Printed) -> None:
    by_hand(Agent(), "skip", "huyen/khu-vuc")
    said = out(capsys)
    assert "23/11/2026 05:30" in said
    assert "2026-11-23" not in said


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("quiet", "dong", "until", "11:00", "--reason"), "sau --reason còn thiếu nội dung"),
        (("approve", "--once", "--every"), "không ghi --every cùng với --once"),
    ],
)
def test_what_argparse_complains_of_is_said_in_vietnamese(
    argv: tuple[str, ...], words: str, capsys: Printed
) -> None:
    assert by_hand(Agent(), *argv) == 2
    err = " ".join(capsys.readouterr().err.split())
    assert words in err
    assert "argument" not in err


@pytest.mark.parametrize("held", [b"", b"\n402817\n", b"\xff\xfe\x00\x80", b"abcdef\n", b"123\n"])
def test_a_file_that_holds_no_pin_costs_no_try(
    held: bytes, pin_file: Path, capsys: Printed
) -> None:
    pin_file.write_bytes(held)
    agent = Agent()
    argv = ["approve", "huyen/khu-vuc", "--name", HOA, "--pin-file", str(pin_file)]
    assert typed(agent, None, *argv) == 2
    assert agent.signers == []
    assert "không phải mã pin" in " ".join(out(capsys).split()).lower()


@pytest.mark.parametrize("name", ["nofile", "pin644"])
def test_a_files_name_is_told_as_it_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.chdir(tmp_path)
    if name == "pin644":
        (tmp_path / name).write_text("402817")
        (tmp_path / name).chmod(0o644)
    argv = ["approve", "huyen/khu-vuc", "--name", HOA, "--pin-file", name]
    assert typed(Agent(), None, *argv) == 2
    assert name in capsys.readouterr().out
