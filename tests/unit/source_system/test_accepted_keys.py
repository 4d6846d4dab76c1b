"""Which station keys count: those that a person accepted, else those that were only seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.source_system.accepted_keys import (
    accepting,
    read_accepted,
    trusted,
    write_accepted,
)
from simulator.source_system.district import Backup, District
from simulator.source_system.home import Home
from simulator.source_system.keyring import new_key
from simulator.source_system.problems import KeyringError
from simulator.source_system.witness import FIRST_CONTACT, StationKey

STATION = "tan-lien"


def _key(name: str, accepted_ms: int | None = None, by: str = "") -> StationKey:
    public = name.encode().hex().ljust(64, "0")
    return StationKey(STATION, public, 1, accepted_ms, by, None)


FIRST = _key("first", 1, FIRST_CONTACT)
SECOND = _key("second")


def test_without_a_person_a_key_is_only_first_seen_whatever_the_database_says() -> None:
    (one,) = trusted([_key("first", 1, "Nguyễn Văn A")], {})
    assert (one.accepted_ms, one.accepted_by) == (1, FIRST_CONTACT)


def test_a_new_card_retires_the_first_key_whose_records_stay_good() -> None:
    accepted = accepting([FIRST, SECOND], SECOND.fingerprint, "A", 50)
    assert accepted is not None
    first, second = accepted
    assert (first.accepted_by, first.retired_ms) == (FIRST_CONTACT, 50)
    assert (second.accepted_ms, second.accepted_by, second.retired_ms) == (50, "A", None)
    again = trusted([FIRST, SECOND], {STATION: accepted})
    assert [one.accepted_ms for one in again] == [1, 50]


def test_a_key_that_nobody_believed_is_not_taken_along() -> None:
    accepted = accepting([FIRST, SECOND], FIRST.fingerprint, "A", 50)
    assert accepted is not None
    assert [one.public for one in accepted] == [FIRST.public]
    held = trusted([FIRST, SECOND._replace(accepted_ms=9, accepted_by="A")], {STATION: accepted})
    assert {one.public: one.accepted_ms for one in held} == {FIRST.public: 50, SECOND.public: None}


def test_a_fingerprint_that_no_key_has_accepts_nothing() -> None:
    assert accepting([FIRST], "0" * 16, "A", 50) is None


def test_a_key_that_was_taken_out_of_the_database_is_still_the_stations() -> None:
    accepted = accepting([FIRST], FIRST.fingerprint, "A", 50) or ()
    (one,) = trusted([], {STATION: accepted})
    assert (one.public, one.accepted_by) == (FIRST.public, "A")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    District.create(
        tmp_path / "home", authority="huyen", name="H", holder="A", second=Backup(tmp_path / "usb")
    )
    return Home(tmp_path / "home")


def test_what_was_accepted_is_read_again_and_only_with_the_districts_signature(home: Home) -> None:
    assert read_accepted(home) == {}
    accepted = accepting([FIRST, SECOND], SECOND.fingerprint, "A", 50) or ()
    write_accepted(home, accepted, District(home.folder).keyring.signing("schedule"))
    assert read_accepted(home) == {STATION: accepted}
    write_accepted(home, accepted, new_key())
    with pytest.raises(KeyringError):
        read_accepted(home)
    write_accepted(home, accepted, District(home.folder).keyring.signing("command"))
    with pytest.raises(KeyringError):
        read_accepted(home)
