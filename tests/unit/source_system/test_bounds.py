"""What is outside the contract's bounds is told in words, never as a pattern."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from agent.contract import units
from agent.contract.documents import Binding
from simulator.source_system.bounds import in_words
from simulator.source_system.district import District
from simulator.source_system.districtctl.__main__ import main
from simulator.source_system.home import Station
from simulator.source_system.said import Said

GOOD = {"slot": "a", "sha256": "0" * 64, "size": 1, "duration_ms": 1, "url": "https://x/"}


def refused(value: object, kind: Any) -> Said:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, kind)
    return in_words(caught.value)


PATTERNED = {
    name: kind
    for name, kind in vars(units).items()
    if any(isinstance(one, msgspec.Meta) and one.pattern for one in get_args(kind))
}


@pytest.mark.parametrize("name", sorted(PATTERNED))
def test_every_pattern_of_the_contract_has_words_and_an_example(name: str) -> None:
    said = refused("?" * 19 if name == "LocalTime" else "?", PATTERNED[name])
    for text in said:
        assert not set("[]{}^$\\") & set(text), text
        assert text not in ("không đúng dạng", "not of the expected form")


@pytest.mark.parametrize(
    ("change", "vi", "en"),
    [
        ({"title": "x" * 300}, "title: tối đa 200", "title: at most 200"),
        ({"url": ""}, "url: không được để trống", "url: must not be empty"),
        ({"size": -1}, "size: ít nhất 1", "size: at least 1"),
        ({"size": "1"}, "size: phải là số nguyên", "size: must be a whole number"),
        ({"title": 1}, "title: phải là chữ", "title: must be a text"),
    ],
)
def test_lengths_ranges_and_kinds_are_told_in_words(
    change: dict[str, object], vi: str, en: str
) -> None:
    said = refused({**GOOD, **change}, Binding)
    assert said.vi.startswith(vi)
    assert said.en.startswith(en)


def test_keys_that_are_missing_or_unknown_are_named() -> None:
    assert refused({"name": "x"}, Station).en == "id is missing"
    assert refused({"id": "x", "name": "x", "nam": 1}, Station).vi == "không có khóa nam"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_wrong_station_id_is_refused_with_an_example(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "d"), "--lang", lang]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    assert main([*home, "enrol", "Tân Liên", "--zones", "thôn Đông"]) == 2
    said = capsys.readouterr().err
    assert "tan-lien" in said
    assert "[a-z" not in said


def test_a_wrong_slot_is_refused_with_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "d"), "--lang", "en"]
    main([*home, "keys", "init", "--holder", "A", "--backup", str(tmp_path / "safe")])
    District(tmp_path / "d").enrol("tan-lien", name="Tân Liên", zones={"thôn Đông": ()})
    sound = tmp_path / "a.wav"
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(bytes(96_000))
    assert main([*home, "publish", str(sound), "--slot", "Bản tin"]) == 2
    said = capsys.readouterr().err
    assert "ban-tin-sang" in said
    assert "[a-z" not in said
