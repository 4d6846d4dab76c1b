"""Room that is the journal's: taken where there is plenty, given up when the card is full."""

from __future__ import annotations

import os
from pathlib import Path

from agent.adapters.reserve import LOOK_EVERY_MS, Reserve

SIZE = 64 * 1024


def test_a_reserve_really_takes_its_room_and_gives_it_back(tmp_path: Path) -> None:
    file = tmp_path / "reserve"
    reserve = Reserve(file, SIZE)
    reserve.take(0)
    assert file.stat().st_blocks * 512 >= SIZE
    assert reserve.give_up()
    assert not file.exists()
    assert not reserve.give_up()


def test_a_card_with_little_room_has_no_reserve(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    reserve = Reserve(tmp_path / "reserve", room.f_bavail * room.f_frsize // 2)
    reserve.take(0)
    assert not (tmp_path / "reserve").exists()
    assert not reserve.give_up()


def test_it_is_taken_again_later_not_at_once(tmp_path: Path) -> None:
    file = tmp_path / "reserve"
    reserve = Reserve(file, SIZE)
    reserve.take(0)
    reserve.give_up()
    reserve.take(LOOK_EVERY_MS - 1)
    assert not file.exists()
    reserve.take(LOOK_EVERY_MS)
    assert file.exists()


def test_what_an_earlier_process_took_counts(tmp_path: Path) -> None:
    Reserve(tmp_path / "reserve", SIZE).take(0)
    later = Reserve(tmp_path / "reserve", SIZE)
    later.take(0)
    assert later.give_up()
    assert not later.drop()
