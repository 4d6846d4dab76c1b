"""One message that is denied or wrongly called a duplicate, over real HTTP: it holds nothing up.

What is denied for the login's sake and what for its own is told apart by a status under a new
login. Time is by hand, see `source_lab`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from agent.contract.reports import Audit, Event
from agent.core.events import SourceAsked
from simulator.httn.faults import Fault
from simulator.httn.server import Settings
from tests.integration.source_lab import IDS, Box, Lab, Name, Open, expected, start

both = pytest.mark.parametrize("dialect", get_args(Name))
HOUR_MS = 3_600_000
DENIALS: dict[str, dict[str, object]] = {
    "403": {"refused_with": 403, "why": "không có quyền gửi bản tin này"},
    "401": {"refused_with": 401, "why": "không có quyền gửi bản tin này"},
    "đăng nhập": {"why": "Người đăng nhập không có quyền với bản tin này"},
    "token": {"refused_with": 400, "why": "token không dùng cho bản tin này"},
}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Open]:
    made: list[Lab] = []

    def make(dialect: Name, **settings: object) -> Lab:
        made.append(Lab(tmp_path, dialect, Settings(**settings)))  # type: ignore[arg-type]
        made[-1].httn.start()
        return made[-1]

    yield make
    for one in made:
        if one.box is not None:
            one.box.crash()
        one.httn.stop()
        one.httn.store.close()


def journal(dialect: Name) -> str:
    return "api9" if dialect == "a" else "journal"


def deny(house: Lab, entry: str, how: str = "403", times: int | None = None) -> None:
    fault = Fault("refuse", only=entry, times=times, **DENIALS[how])  # type: ignore[arg-type]
    house.httn.faults.plan(journal(house.dialect), fault)


def write(box: Box, count: int = 5) -> list[str]:
    started = [start(number, box.wall_ms) for number in range(count)]
    box.write(*started)
    return expected(started)


@both
@pytest.mark.parametrize("how", DENIALS)
def test_a_record_that_is_denied_under_a_new_login_is_set_aside_and_the_others_go_on(
    lab: Open, dialect: Name, how: str
) -> None:
    house = lab(dialect)
    box = house.life()
    box.drain()
    names = write(box)
    begin_ms, seen = house.hand.mono_ms, len(house.httn.desk.seen)
    deny(house, names[1], how)
    box.drain()
    assert house.begun() == [name for name in names if name != names[1]]
    assert [why for _, why in box.set_aside()] == [DENIALS[how]["why"]]
    assert house.hand.mono_ms - begin_ms < 10_000
    assert house.httn.desk.logins == 2
    after = house.httn.desk.seen[seen:]
    assert house.status in after[after.index("api1" if dialect == "a" else "login") :]
    [audit] = [
        one.body
        for one in events(box)
        if isinstance(one.body, Audit) and one.body.what == "source_set_aside"
    ]
    assert str(DENIALS[how]["why"]) in audit.detail


@both
def test_while_every_record_is_denied_logins_grow_rare_the_status_goes_on_and_it_is_told(
    lab: Open, dialect: Name
) -> None:
    """An account is locked after a few logins; a status every minute proves nothing of records."""
    house = lab(dialect, token_s=1e6)
    box = house.life()
    box.drain()
    names = write(box, 60)
    deny(house, "huyen/")
    begin_ms, logins, status = house.hand.mono_ms, house.httn.desk.logins, house.seen(house.status)
    box.until(lambda: house.hand.mono_ms > begin_ms + 330_000)
    assert house.httn.desk.logins - logins <= 4
    box.until(lambda: house.hand.mono_ms > begin_ms + HOUR_MS)
    assert house.httn.desk.logins - logins <= 7
    before = len(box.set_aside())
    assert 60 <= house.seen(house.status) - status <= 61 + before
    assert before <= 20
    assert box.states() == ["refusing"]
    house.httn.faults.clear()
    box.drain()
    assert house.begun() == names[before:]
    assert box.states() == ["refusing", "ok"]


def test_begins_that_are_denied_while_ends_are_taken_are_told_and_cost_few_logins(
    lab: Open,
) -> None:
    house = lab("b")
    box = house.life()
    box.live(days=1, a_day=40)
    deny(house, "huyen/")
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + HOUR_MS)
    assert 10 < len(box.set_aside()) <= 20
    assert len(house.ended()) >= len(box.set_aside()) - 1
    assert house.httn.desk.logins <= 9
    assert box.states() == ["refusing"]


@both
def test_a_login_that_really_ended_sets_nothing_aside(lab: Open, dialect: Name) -> None:
    house = lab(dialect)
    box = house.life()
    box.drain()
    names = write(box)
    house.httn.desk.expire_tokens()
    box.drain()
    assert (house.begun(), box.set_aside(), box.states()) == (names, [], [])


@both
def test_what_was_set_aside_as_denied_costs_no_login_at_the_next_start(
    lab: Open, dialect: Name
) -> None:
    house = lab(dialect)
    box = house.life()
    names = write(box)
    deny(house, names[0])
    deny(house, names[3])
    box.drain()
    assert len(box.set_aside()) == 2
    before = house.httn.desk.logins
    house.life().drain()
    assert house.httn.desk.logins == before + 1
    house.httn.faults.clear()
    house.life().drain()
    assert sorted(house.begun()) == names


def test_a_greeting_or_a_poll_that_is_denied_holds_nothing_up(lab: Open) -> None:
    house = lab("a", calls_in="poll", token_s=1e6)
    for message in ("api2", "poll"):
        house.httn.faults.plan(message, Fault("refuse", refused_with=403, times=None))
    box = house.life(inbound="poll")
    names = write(box)
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + HOUR_MS)
    assert house.begun() == names
    assert house.httn.desk.logins <= 2
    assert 60 <= house.seen("api8") <= 63
    assert box.states() == ["refusing"]
    house.httn.faults.clear()
    asked = {"NguonId": "H24", "CumLoaId": IDS.cluster_id, "AmLuong": 40}
    house.httn.desk.send(IDS.cluster_id, "api4", asked)
    box.until(lambda: any(isinstance(one, SourceAsked) for one in box.told), 200)


@both
@pytest.mark.parametrize("code", [404, 500])
def test_a_poll_that_leads_nowhere_holds_no_record_up_and_is_told(
    lab: Open, dialect: Name, code: int
) -> None:
    house = lab(dialect, calls_in="poll", token_s=1e6)
    house.httn.faults.plan("poll", Fault("status", code=code, times=None))
    box = house.life(inbound="poll")
    names = write(box)
    begin_ms = house.hand.mono_ms
    box.until(lambda: house.hand.mono_ms > begin_ms + 600_000)
    assert house.begun() == names
    assert {"strange" if code == 404 else "unreachable", "ok"} == set(box.states())


# --- "held already" ------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "fault",
    [
        Fault("refuse", why="CumLoaID không trùng khớp với tài khoản"),
        Fault("refuse", why="không trùng khớp", refused_with=409),
        Fault("refuse", why="Bản ghi đã tồn tại"),
        Fault("status", code=409),
    ],
    ids=["no match", "no match 409", "held, but never sent before", "409 of a proxy"],
)
def test_what_only_looks_like_a_duplicate_is_set_aside_and_told(
    lab: Open, dialect: Name, fault: Fault
) -> None:
    house = lab(dialect)
    box = house.life()
    box.drain()
    names = write(box)
    house.httn.faults.plan(journal(dialect), fault)
    box.drain()
    assert house.begun() == names[1:]
    [(_, why)] = box.set_aside()
    assert (fault.why if fault.kind == "refuse" else "HTTP 409") in why


def events(box: Box) -> list[Event]:
    stored = box.journal.records_after(0, 1_000).result(5)
    return [msgspec.json.decode(one.body, type=Event) for one in stored]
