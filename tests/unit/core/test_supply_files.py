"""A file that cannot be fetched changes an item only when the reason is a new one."""

from __future__ import annotations

from agent.core.effects import Evict, Log
from agent.core.events import FetchFailed, FetchFault, FileReady, Now
from agent.core.programme import Programme
from agent.core.site import Site
from agent.core.supply import Supply
from agent.core.turn import Turn
from tests.vectors import district as d

SHA = "ab" * 32


def turn_at(mono_ms: int) -> Turn:
    return Turn(Now(wall_ms=d.NOW_MS + mono_ms, mono_ms=mono_ms))


def test_the_same_reason_again_is_no_news_and_another_one_is() -> None:
    supply = Supply(Programme(Site("tan-lien", "Tân Liên", d.TZ, (), ()), d.zones))
    news: list[bool] = []
    logged: list[int] = []

    def fail(fault: FetchFault) -> None:
        turn = turn_at(1_000 + len(news))
        news.append(supply.fetch_failed(FetchFailed(SHA, fault), turn))
        logged.append(sum(isinstance(one.act, Log) for one in turn.acts))

    fail("network")
    fail("network")
    fail("wrong_hash")
    fail("wrong_hash")
    fail("network")
    assert news == [True, False, True, False, True]
    assert logged == [1, 0, 1, 0, 1]
    supply.file_ready(FileReady(SHA, 10), turn_at(2_000))
    fail("network")
    assert news[-1], "after the file had been there it is missing anew"


def test_a_failure_that_is_no_news_is_tried_again_all_the_same() -> None:
    supply = Supply(Programme(Site("tan-lien", "Tân Liên", d.TZ, (), ()), d.zones))
    for _ in range(2):
        supply.changed = False
        supply.fetch_failed(FetchFailed(SHA, "network"), turn_at(1_000))
        assert supply.changed


MIB = 1024 * 1024


def filled() -> Supply:
    supply = Supply(Programme(Site("tan-lien", "Tân Liên", d.TZ, (), ()), d.zones))
    supply.files_found([(name * 32, 3 * MIB) for name in ("aa", "bb", "cc", "dd")])
    return supply


def evicted(supply: Supply, free_mib: int | None, playing: frozenset[str]) -> list[str]:
    turn = turn_at(1_000)
    gone = supply.make_room(free_mib, playing, turn)
    names = [one.act.sha256[:2] for one in turn.acts if isinstance(one.act, Evict)]
    assert len(names) == gone
    return names


def test_a_card_that_is_nearly_full_loses_ordinary_files_until_there_is_room() -> None:
    supply = filled()
    assert evicted(supply, 8, frozenset()) == []
    assert evicted(supply, None, frozenset()) == []
    assert evicted(supply, 7, frozenset()) == ["aa", "bb", "cc"]  # 9 MiB for 16
    assert set(supply.box.files) == {"dd" * 32}


def test_what_is_on_air_is_not_dropped() -> None:
    supply = filled()
    assert evicted(supply, 0, frozenset({"bb" * 32})) == ["aa", "cc", "dd"]
    assert evicted(supply, 0, frozenset({"bb" * 32})) == []
