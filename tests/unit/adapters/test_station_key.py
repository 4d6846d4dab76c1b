"""The station's own key: made once, for its owner only, never replaced unasked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from agent.adapters.signature import verify
from agent.adapters.station_key import FILE, station_key
from agent.core.seal import NoSigner, Signer


def made(folder: Path) -> Signer:
    signer = station_key(folder)
    assert isinstance(signer, Signer), signer
    return signer


def test_the_key_is_made_at_the_first_start_and_is_the_same_ever_after(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    assert first.public == second.public
    assert verify(first.public, second.sign(b"words"), b"words")
    assert not verify(first.public, second.sign(b"words"), b"other words")
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_two_boxes_make_two_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert made(tmp_path / "a").public != made(tmp_path / "b").public


def test_a_signature_is_a_function_of_key_and_words_alone(tmp_path: Path) -> None:
    signer = made(tmp_path)
    assert signer.sign(b"words") == signer.sign(b"words")


def test_only_the_owner_may_read_the_key_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_rights_of_others_are_taken_away_at_the_next_start(tmp_path: Path) -> None:
    public = made(tmp_path).public
    (tmp_path / FILE).chmod(0o644)
    assert made(tmp_path).public == public
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 100, b"-----BEGIN PRIVATE KEY-----\nAAAA\n"]
)
def test_an_unreadable_key_is_told_and_never_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    signer = station_key(tmp_path)
    assert isinstance(signer, NoSigner)
    assert FILE in signer.why
    assert (tmp_path / FILE).read_bytes() == content


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / FILE).write_bytes(pem)
    signer = station_key(tmp_path)
    assert isinstance(signer, NoSigner)
    assert "not an Ed25519 key" in signer.why


def test_a_folder_that_takes_nothing_gives_no_key_and_says_why(tmp_path: Path) -> None:
    signer = station_key(tmp_path / "not-there")
    assert isinstance(signer, NoSigner)
    assert "No such file" in signer.why


def test_what_a_power_cut_left_unfinished_is_not_taken_for_a_key(tmp_path: Path) -> None:
    (tmp_path / f".{FILE}.new").write_bytes(b"half of a k")
    made(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    assert isinstance(station_key(tmp_path), NoSigner)
