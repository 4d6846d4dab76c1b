"""The measuring process asked, answered for and remembered; a small script plays its part."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from agent.adapters.measured import TRIES_MAX, Kept, Measuring
from agent.core.effects import Measure
from agent.core.events import FilesMeasured
from agent.core.loudness import VERSION, Loudness

SHA = "a" * 64
FOUND = Loudness(-2_300, 300, -600, 60_000)
SAYS = """
import sys, time
print('{"t":"progress","heard_s":1.0}', flush=True)
%s
"""
MEASURED = "print('{}')".format(
    '{"t":"measured","loudness":'
    + msgspec.json.encode(FOUND).decode()[:-1]
    + ',"of_a_later_version":1}}'
)
FAILED = 'print(\'{"t":"failed","why":"no sound came out of it"}\')'


class Rig:
    def __init__(self, folder: Path, script: str = MEASURED) -> None:
        self.folder = folder
        self.heard: list[object] = []
        self.told = asyncio.Event()
        self.content = folder / "ready"
        self.content.mkdir(exist_ok=True)
        (self.content / SHA).write_bytes(b"sound")
        self.measuring = Measuring(
            folder / "loudness",
            lambda sha256: self.content / sha256,
            self._tell,
            command=(sys.executable, "-c", SAYS % script),
            silent_within_s=1.0,
        )

    def _tell(self, event: object) -> None:
        self.heard.append(event)
        self.told.set()

    def ask(self) -> Loudness | None:
        """One file, measured."""
        self.measuring.open()

        async def story() -> None:
            task = asyncio.create_task(self.measuring.run())
            self.measuring.measure(Measure(SHA))
            async with asyncio.timeout(30):
                await self.told.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(story())
        [told] = self.heard
        assert isinstance(told, FilesMeasured)
        [(sha256, loudness)] = told.files
        assert sha256 == SHA
        return loudness


def test_what_was_measured_is_told_and_known_after_the_next_start(tmp_path: Path) -> None:
    assert Rig(tmp_path).ask() == FOUND
    again = Rig(tmp_path, "raise SystemExit('asked again')")
    assert again.measuring.open() == FilesMeasured(((SHA, FOUND),))
    assert again.ask() == FOUND


@pytest.mark.parametrize("script", ["raise SystemExit(1)", "time.sleep(60)"])
def test_a_process_that_dies_or_falls_silent_is_an_answer_and_tried_again_a_few_times(
    script: str, tmp_path: Path
) -> None:
    assert Rig(tmp_path, script).ask() is None
    assert Rig(tmp_path).measuring.open() == FilesMeasured(())
    for _ in range(TRIES_MAX - 1):
        Rig(tmp_path, "raise SystemExit(1)").ask()
    assert Rig(tmp_path).measuring.open() == FilesMeasured(((SHA, None),))
    assert Rig(tmp_path).ask() is None  # not begun once more


def test_a_file_without_sound_is_not_tried_again(tmp_path: Path) -> None:
    assert Rig(tmp_path, FAILED).ask() is None
    assert Rig(tmp_path).measuring.open() == FilesMeasured(((SHA, None),))


def test_what_the_box_lacks_is_not_held_against_the_file(tmp_path: Path) -> None:
    lacking = 'print(\'{"t":"failed","why":"libebur128.so.1","lasting":false}\')'
    for _ in range(TRIES_MAX + 1):
        rig = Rig(tmp_path, lacking)
        assert rig.ask() is None
        assert rig.heard == [FilesMeasured(((SHA, None),), "libebur128.so.1")]
    assert Rig(tmp_path).ask() == FOUND


def test_a_box_that_went_down_while_measuring_remembers_that_it_had_begun(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.measuring.open()
    begun = msgspec.json.encode(Kept(tries=TRIES_MAX, why="begun"))
    (tmp_path / "loudness" / f"{SHA}.json").write_bytes(begun)
    assert rig.ask() is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"version":%d,"loudness":{"loudness_clufs":-900}}' % (VERSION + 1), b"[]"],
)
def test_what_cannot_be_read_or_is_of_another_version_is_measured_anew(
    content: bytes, tmp_path: Path
) -> None:
    rig = Rig(tmp_path)
    rig.measuring.open()
    (tmp_path / "loudness" / f"{SHA}.json").write_bytes(content)
    assert rig.measuring.open() == FilesMeasured(())
    assert rig.ask() == FOUND


def test_what_was_known_of_files_that_are_gone_is_forgotten(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.ask()
    (rig.content / SHA).unlink()
    assert rig.measuring.open() == FilesMeasured(())
    assert not list((tmp_path / "loudness").iterdir())


def test_without_a_usable_disk_a_file_is_measured_all_the_same(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    (tmp_path / "loudness").write_bytes(b"not a folder")
    assert rig.ask() == FOUND
