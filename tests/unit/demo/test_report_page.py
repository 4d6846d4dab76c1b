"""The page shows the verdict, needs nothing beside it and cannot be broken by a title."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from simulator.demo.drawing import LEFT, WIDTH, Axis, envelope
from simulator.demo.recording import Recording
from simulator.demo.report_page import main
from simulator.demo.sabotage import spoil
from simulator.demo.summary import main as summarise
from tests.unit.demo.synthetic import good_run, good_story


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = good_run().write(tmp_path_factory.mktemp("page") / "good", good_story())
    assert summarise([str(folder)]) == 0
    return folder


def page_of(folder: Path) -> str:
    assert main([str(folder)]) == 0
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_of_a_good_run_says_so_in_both_languages(good: Path) -> None:
    page = page_of(good)
    assert "✓ ĐẠT: 20 bước đều tốt" in page
    assert "passed: all 20 steps" in page


def test_the_page_needs_no_other_file_no_network_and_no_script(good: Path) -> None:
    page = page_of(good)
    assert not re.search(r"<script|<link|<img|src=|href=|https?:|@import|url\((?!#)", page)


def test_what_was_kept_back_is_told_with_its_reason_and_not_as_a_failure(good: Path) -> None:
    text = page_of(good)
    assert text.count('class="kept"') == 3
    assert "– giữ lại: giờ yên lặng" in text
    assert "– giữ lại: chờ xã duyệt" in text
    assert "tang lễ → 20:00" in text
    assert "duyệt: Nguyễn Văn Hòa" in text


def test_the_numbers_of_the_report_stand_beside_those_counted(good: Path) -> None:
    text = page_of(good)
    assert "Báo cáo của huyện và số đếm từ bản ghi âm" in text
    assert "✓ 5,500" in text
    assert "5,2 đến 5,8" in text or "5,3 đến 5,8" in text


def test_every_station_has_its_picture(good: Path) -> None:
    pictures = re.findall(r"<svg.*?</svg>", page_of(good), re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        root = ET.fromstring(picture)  # noqa: S314 - our own drawing
        assert len(root.findall("path[@class='wave']")) == 2
        assert root.findall("rect[@class='play']")
        for rect in root.findall("rect"):
            right = float(rect.get("x", "0")) + float(rect.get("width", "0"))
            assert right <= WIDTH + 2


def test_a_zone_that_was_silent_says_so_in_words(good: Path) -> None:
    assert "✗ không nghe" in page_of(good)


def test_a_failed_run_names_the_steps_and_what_was_spoilt(good: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(good, tmp_path / "run"))
    text = (run / "story.json").read_text(encoding="utf-8")
    (run / "story.json").write_text(
        text.replace('"sabotage": null', '"sabotage": "wrong-zone"'), encoding="utf-8"
    )
    spoil(run, "wrong-zone")
    assert summarise([str(run)]) == 1
    page = page_of(run)
    assert "✗ KHÔNG ĐẠT" in page
    assert "không dành cho cụm này" in page
    assert "<b>wrong-zone</b>" in page


def test_a_title_cannot_become_part_of_the_page(good: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(good, tmp_path / "run"))
    text = (run / "story.json").read_text(encoding="utf-8")
    (run / "story.json").write_text(
        text.replace('"title": "thoi-su"', '"title": "<script>&"'), encoding="utf-8"
    )
    assert summarise([str(run)]) == 0
    page = page_of(run)
    assert "<script" not in page
    assert "&lt;script&gt;&amp;" in page


def test_a_run_that_was_not_summarised_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert "summary.json" in capsys.readouterr().err


def test_the_envelope_reaches_as_high_as_the_sound_and_is_flat_outside_it() -> None:
    frames = np.zeros((48_000, 1), np.int16)
    frames[24_000:] = 16_384
    one = Recording(48_000, frames, np.array([0.0, 48_000]), np.array([1_000.0, 2_000.0]))
    low, high = envelope(one, 0, Axis(0, 4_000), 8)
    assert high.tolist() == pytest.approx([0, 0, 0, 0.5**0.5, 0, 0, 0, 0])
    assert not low.any()


def test_the_axis_ends_at_the_edges() -> None:
    axis = Axis(1_000, 2_000)
    assert axis.x(0) == axis.x(1_000) == LEFT
    assert axis.x(2_000) == axis.x(9_000) < WIDTH
