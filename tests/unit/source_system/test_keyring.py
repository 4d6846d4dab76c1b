"""Keys: never one of one, proven before they count, readable by their owner only."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from agent.contract.envelope import open_envelope
from simulator.source_system.keyring import (
    Backup,
    Keyring,
    SecondHolder,
    create_keyring,
    new_key,
    read_key,
    sealed,
    signers_of,
    write_key,
)
from simulator.source_system.problems import KeyringError

NOW_MS = 1_795_000_000_000


def made(folder: Path, second: SecondHolder | Backup, passphrase: bytes | None = None) -> Keyring:
    return create_keyring(
        folder / "home" / "keys",
        holder="A",
        second=second,
        now_ms=NOW_MS,
        passphrase=passphrase,
    )


def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path


def test_there_are_two_root_keys_and_only_one_of_them_stays_at_home(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), SecondHolder("B", tmp_path / "usb"))
    assert [(key.name, key.holder, key.kept) for key in keyring.of_role("root")] == [
        ("root-1", "A", "home"),
        ("root-2", "B", "holder"),
    ]
    assert not (keyring.folder / "root-2.key").exists()
    assert sorted(path.name for path in (tmp_path / "usb").iterdir()) == [
        "emergency-2.key",
        "keyring.json",
        "root-2.key",
    ]


def test_a_backup_holds_every_key_and_each_signs(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), Backup(tmp_path / "safe"))
    for info in keyring.keys:
        assert read_key(tmp_path / "safe" / f"{info.name}.key").public_hex == info.public


@pytest.mark.parametrize("kind", [SecondHolder, Backup])
def test_no_keys_are_left_when_the_second_place_cannot_be_written(
    tmp_path: Path, kind: type
) -> None:
    (tmp_path / "file").write_text("not a folder")
    other = tmp_path / "file" / "usb"
    second = SecondHolder("B", other) if kind is SecondHolder else Backup(other)
    with pytest.raises(KeyringError):
        made(home(tmp_path), second)
    assert list((tmp_path / "home").iterdir()) == []


def test_the_second_place_may_not_be_the_district_home(tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as caught:
        made(home(tmp_path), Backup(tmp_path / "home" / "backup"))
    assert caught.value.code == "keys_same_place"


def test_keys_are_never_replaced_in_place(tmp_path: Path) -> None:
    made(home(tmp_path), Backup(tmp_path / "safe"))
    with pytest.raises(KeyringError) as caught:
        made(tmp_path, Backup(tmp_path / "safe-2"))
    assert caught.value.code == "keys_exist"


def test_key_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), SecondHolder("B", tmp_path / "usb"))
    files = [*keyring.folder.glob("*.key"), *(tmp_path / "usb").glob("*.key")]
    assert len(files) == 8
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, new_key())
    path.chmod(0o640)
    with pytest.raises(KeyringError) as caught:
        read_key(path)
    assert caught.value.code == "key_open_rights"


def test_an_encrypted_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), Backup(tmp_path / "safe"), b"mat khau")
    path = keyring.folder / "schedule.key"
    assert b"ENCRYPTED" in path.read_bytes()
    assert read_key(path, lambda _name: b"mat khau").keyid == keyring.of_role("schedule")[0].keyid
    for ask, code in ((None, "key_locked"), (lambda _name: b"sai", "key_broken")):
        with pytest.raises(KeyringError) as caught:
            read_key(path, ask)
        assert caught.value.code == code


def told_of(path: Path) -> str:
    """Whose key it is, or the reason why that cannot be said."""
    try:
        return read_key(path).keyid
    except KeyringError as error:
        return error.code


def test_a_key_with_any_byte_changed_is_read_as_broken_or_as_another_key(tmp_path: Path) -> None:
    key = new_key()
    path = tmp_path / "a.key"
    write_key(path, key)
    head, *body, tail = path.read_bytes().splitlines()
    raw = base64.b64decode(b"".join(body))
    for at in range(len(raw)):
        for flip in (0x01, 0x80, 0xFF):
            told = base64.b64encode(raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :])
            path.write_bytes(b"\n".join((head, told, tail, b"")))
            assert told_of(path) != key.keyid


def test_a_cosigner_must_be_one_of_this_districts_officers(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), SecondHolder("B", tmp_path / "usb"))
    officer = keyring.cosigner("emergency", tmp_path / "usb" / "emergency-2.key")
    assert officer.keyid == keyring.of_role("emergency")[1].keyid
    write_key(tmp_path / "stranger.key", new_key())
    for path in (tmp_path / "stranger.key", tmp_path / "usb" / "root-2.key"):
        with pytest.raises(KeyringError) as caught:
            keyring.cosigner("emergency", path)
        assert caught.value.code == "key_foreign"


def test_a_hint_without_its_signature_is_no_signer(tmp_path: Path) -> None:
    keyring = made(home(tmp_path), SecondHolder("B", tmp_path / "usb"))
    key = keyring.signing("schedule")
    honest = open_envelope(sealed(b"{}", [key]))
    assert [one.name for one in signers_of(honest, keyring.keys)] == ["schedule"]
    other = open_envelope(sealed(b"{ }", [key]))
    forged = type(honest)(honest.body, honest.message, other.signatures)
    assert signers_of(forged, keyring.keys) == []


def test_a_missing_key_says_which_role_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyringError) as caught:
        Keyring.load(tmp_path / "nowhere")
    assert caught.value.code == "keys_missing"
    keyring = made(home(tmp_path), Backup(tmp_path / "safe"))
    (keyring.folder / "command.key").unlink()
    with pytest.raises(KeyringError) as caught:
        keyring.signing("command")
    assert caught.value.code == "key_unreadable"
