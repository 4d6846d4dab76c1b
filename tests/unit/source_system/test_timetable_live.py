"""Live sources in a timetable: inputs by name, their options, and how a relay is kept alive."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.documents import (
    Entry,
    FileSource,
    LineInSource,
    RelayRule,
    StreamSource,
    TextSource,
)
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.reading import Reading, read_timetable
from simulator.source_system.timetable.relay import parse_retake, parse_silence
from simulator.source_system.timetable.sources import parse_sources

URL = "https://a.invalid/dai.mp3"
EXAMPLE = Path(__file__).parents[3] / "config" / "examples" / "timetable.toml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("line-in", LineInSource(input="line")),
        ("đường vào", LineInSource(input="line")),
        ("FM", LineInSource(input="fm")),
        ("micro", LineInSource(input="micro")),
        ("Micrô", LineInSource(input="micro")),
        ("line-in: fm", LineInSource(input="fm")),
        ("đường vào: Bàn trộn hội trường", LineInSource(input="Bàn trộn hội trường")),
        ("input: Mixer 2", LineInSource(input="Mixer 2")),
        ("fm (trễ 1,5 giây)", LineInSource(input="fm", delay_ms=1_500)),
        ("line-in: fm (delay 800 ms)", LineInSource(input="fm", delay_ms=800)),
        (f"luong:{URL} (trễ 1,5 giây)", StreamSource(url=URL, delay_ms=1_500)),
        (
            f"luong:{URL} (trễ 1,5 giây, tối đa 64 kbit/s)",
            StreamSource(url=URL, max_kbps=64, delay_ms=1_500),
        ),
        (
            "luong:http://a.invalid/x (không mã hóa, trễ 2 giây,tối đa 64 kbit/s)",
            StreamSource(url="http://a.invalid/x", insecure_live=True, delay_ms=2_000, max_kbps=64),
        ),
        (f"{URL} (delay 0.25 s)", StreamSource(url=URL, delay_ms=250)),
        (f"luong:{URL} (tối đa 64 kbit/s)", StreamSource(url=URL, max_kbps=64)),
        (
            f"stream:{URL} (max 64 kbps; delay 2 s)",
            StreamSource(url=URL, max_kbps=64, delay_ms=2_000),
        ),
        (
            "luong:rtsp://xa:x@10.0.0.7:554/s1 (không mã hóa; tối đa 64 kbit/s)",
            StreamSource(url="rtsp://xa:x@10.0.0.7:554/s1", insecure_live=True, max_kbps=64),
        ),
        (
            "udp://@239.1.2.3:5004 (insecure)",
            StreamSource(url="udp://@239.1.2.3:5004", insecure_live=True),
        ),
        ("HTTPS://a.invalid/X", StreamSource(url="https://a.invalid/X")),
        (
            "luong:http://a.invalid/x (không mã hóa) (trễ 2 giây)",
            StreamSource(url="http://a.invalid/x", insecure_live=True, delay_ms=2_000),
        ),
        (f"{URL} (không mã hóa)", StreamSource(url=URL)),
        ("https://a.invalid/x(1)", StreamSource(url="https://a.invalid/x(1)")),
        ('loi:"Mời họp (trễ 2 giây)"', TextSource(text="Mời họp (trễ 2 giây)")),
        ("tep:tin (sáng).mp3", FileSource(slot="tin-sang")),
        ("tep:tin (sáng)", FileSource(slot="tin-sang")),
    ],
)
def test_live_sources_and_their_options_are_read(text: str, expected: object) -> None:
    assert parse_sources(text) == (expected,)


@pytest.mark.parametrize(
    ("text", "code", "guess"),
    [
        ("line-in:", "input_name", ""),
        ("line-in: " + "x" * 65, "input_name", ""),
        ("fm (trễ 11 giây)", "source_delay", ""),
        ("fm (trễ 1,5)", "source_option", "trễ 1,5 giây"),
        ("fm (tối đa 64 kbit/s)", "source_option_stream", ""),
        ("line-in: fm (không mã hóa)", "source_option_stream", ""),
        ("tep:a.mp3 (trễ 1 giây)", "source_option_file", "tep:a.mp3"),
        ("tep: a.mp3(không mã hóa)", "source_option_file", "tep: a.mp3"),
        ('loi:"Mời họp" (delay 2 s)', "source_option_file", 'loi:"Mời họp"'),
        ("am:chime (trễ 1 giây; max 64 kbps)", "source_option_file", "am:chime"),
        ("srt://a.invalid:9000 (không mã hóa)", "source_scheme", ""),
        ("rtmp://a.invalid/x (không mã hóa)", "source_scheme", ""),
        ("ftp://a.invalid/x", "source_scheme", ""),
        ("xyz://a.invalid/x (không mã hóa)", "source_scheme", ""),
        ("luong:xyz:a", "source", ""),
        (f"{URL} (trễ 1 giây, chậm)", "source_option", ""),
        (f"{URL} (chậm)", "source_option", ""),
        (f"{URL} (tối đa 64 kbit)", "source_option", "tối đa 64 kbit/s"),
        (f"{URL} (tối đa 0 kbit/s)", "source_kbps", ""),
        (f"{URL} (max 2001 kbps)", "source_kbps", ""),
        ("luong:http://a.invalid/x (trễ 1 giây)", "source_insecure", "https://a.invalid/x"),
        ("luong:rtsp://a.invalid/x", "source_insecure", ""),
        ("luong:rtsps://a.invalid/x", "source_insecure", ""),
        ("luong:udp://@239.1.2.3:5004", "source_insecure", ""),
        ("luong:udp://10.0.0.7:5004 (không mã hóa)", "source_group", ""),
        ("rtp://@239.1.2.3 (không mã hóa)", "source_group", ""),
        ("htps://a.invalid/x", "source_scheme", "https://a.invalid/x"),
        ("mms://a.invalid/x", "source_scheme", ""),
        ("luong:file:///etc/passwd", "source_scheme", ""),
        ("luong:https://", "source", ""),
    ],
)
def test_options_that_cannot_be_are_named_with_what_was_meant(
    text: str, code: str, guess: str
) -> None:
    with pytest.raises(Fault) as caught:
        parse_sources(text)
    assert (caught.value.code, caught.value.guess) == (code, guess)


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_stands_there_is_read_or_refused_and_stays_in_bounds(a: str, b: str) -> None:
    for text in (f"line-in: {a} ({b})", f"{URL} ({b})", f"{a} ({b})"):
        try:
            sources = parse_sources(text)
        except Fault:
            continue
        raw = msgspec.json.encode(sources)
        assert (
            msgspec.json.decode(
                raw, type=tuple[LineInSource | StreamSource | FileSource | TextSource, ...]
            )
            == sources
        )


@pytest.mark.parametrize(
    ("text", "retake"),
    [
        ("", "at_once"),
        ("ngay", "at_once"),
        ("Khi hết bài", "when_over"),
        ("không", "never"),
        ("when over", "when_over"),
    ],
)
def test_going_back_to_a_stream_is_read(text: str, retake: str) -> None:
    assert parse_retake(text) == retake


@pytest.mark.parametrize(
    ("text", "ms"),
    [("", 20_000), ("45 giây", 45_000), ("2 phút", 120_000), ("không", 0), ("10 min", 600_000)],
)
def test_how_much_silence_is_a_lost_stream_is_read(text: str, ms: int) -> None:
    assert parse_silence(text) == ms


@pytest.mark.parametrize(
    ("text", "guess"), [("20", "20 giây"), ("11 phút", ""), ("lâu", "20 giây"), ("0 giây", "")]
)
def test_silence_that_cannot_be_is_refused(text: str, guess: str) -> None:
    with pytest.raises(Fault) as caught:
        parse_silence(text)
    assert (caught.value.code, caught.value.guess) == ("silence", guess)


# --- whole files ----------------------------------------------------------------------------

HEADER = "Giờ bắt đầu,Tên chương trình,Nguồn,Khu vực,Ngày phát,Khi luồng có lại,Im lặng tối đa"


def read(path: Path, text: str) -> Reading:
    path.write_text(text, "utf-8")
    return read_timetable(path, zones={"Tân Liên": ("Thôn Đông",)}, first_day=dt.date(2026, 11, 23))


def test_a_row_of_a_spreadsheet_and_a_table_of_toml_say_the_same(tmp_path: Path) -> None:
    source = f"{URL} (tối đa 64 kbit/s)|fm (trễ 2 giây)|tep:xin-loi.mp3"
    rows = f"{HEADER}\n05:00,Tiếp âm,{source},tất cả,hằng ngày,khi hết bài,45 giây\n"
    table = (
        f'[[entry]]\ntitle = "Tiếp âm"\nstart = "05:00"\nsource = "{source}"\n'
        'zones = "tất cả"\ndays = "hằng ngày"\nretake = "khi hết bài"\nsilence = "45 giây"\n'
    )
    [one] = read(
        tmp_path / "a.csv", rows.replace("Giờ,Tên", "Giờ bắt đầu,Tên chương trình")
    ).entries
    [other] = read(tmp_path / "a.toml", table).entries
    assert one == other
    assert one.relay == RelayRule(retake="when_over", silent_ms=45_000)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Entry) == one


def test_a_rule_for_a_relay_where_nothing_is_live_is_warned_about(tmp_path: Path) -> None:
    text = (
        '[[entry]]\ntitle = "Tin"\nstart = "05:00"\nsource = "tep:tin.mp3"\n'
        'zones = "tất cả"\ndays = "hằng ngày"\nretake = "không"\n'
    )
    reading = read(tmp_path / "a.toml", text)
    assert [(one.code, one.place.line) for one in reading.findings] == [("relay_not_live", 7)]


def test_wrong_rules_are_named_with_their_cell(tmp_path: Path) -> None:
    text = (
        '[[entry]]\ntitle = "Tin"\nstart = "05:00"\nsource = "fm"\n'
        'zones = "tất cả"\ndays = "hằng ngày"\nretake = "mai"\nsilence = 20\n'
    )
    found = {one.code: one for one in read(tmp_path / "a.toml", text).findings}
    assert found["retake"].place.line == 7
    assert found["silence"].guess == "20 giây"


def test_the_example_shows_every_option_of_a_relay() -> None:
    text = EXAMPLE.read_text("utf-8")
    for words in ("tối đa", "trễ", "retake =", "silence =", "line-in: fm"):
        assert words in text


ROOT = Path(__file__).parents[3]
SOURCE_ROW = re.compile(r"^\| (`(?:tep|luong|line-in|loi|am)\b.*?) \| ", re.MULTILINE)
OPTION_ROW = re.compile(r"^\| (`\(.*?) \| ", re.MULTILINE)


@pytest.mark.parametrize("guide", ["docs/en/engineer.md", "docs/vi/ky-su.md"])
def test_every_word_for_a_source_in_the_guides_is_read(guide: str) -> None:
    text = (ROOT / guide).read_text(encoding="utf-8")
    sources = [one for row in SOURCE_ROW.findall(text) for one in re.findall(r"`([^`]+)`", row)]
    options = [one for row in OPTION_ROW.findall(text) for one in re.findall(r"`([^`]+)`", row)]
    assert {"am:nhạc hiệu", "line-in: NAME", "line-in: TÊN"} & set(sources)
    assert {"(không mã hóa)", "(insecure)"} <= set(options)
    for source in sources:
        insecure = source.startswith(("http:", "rtsps:")) and "(" not in source
        whole = source.replace("https://…", URL).replace("http://…", "http://a.invalid/x")
        whole = whole.replace("rtsps://…", "rtsps://a.invalid/x")
        if "…" not in whole:
            assert parse_sources(f"{whole} (insecure)" if insecure else whole), source
    for option in options:
        assert parse_sources(f"{URL} {option}")
