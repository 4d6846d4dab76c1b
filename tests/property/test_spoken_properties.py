"""Whatever is typed, what is read aloud is plain words."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.spoken import write_out
from agent.core.spoken_tables import ABBREVIATIONS, LOANS, UNITS
from agent.core.spoken_vi import read_number

TYPED = (
    "02:10 17h30 5:00 30/11 2026-11-22 T2 T2-T6 Quý IV VI XI khu 1.500.000 3,5 0912345678 +84 "
    "gọi số ngày tháng thứ - / . , ( ) ' ° ² ½ Ⅳ 1 05 24/7 12/5 NĐ-CP 39/2020/TT-BTTTT KHẨN CẤP "
    "H5N1 iPhone www.a.vn x@y.vn"
).split()
PIECES = st.sampled_from([*ABBREVIATIONS, *UNITS, *LOANS, *TYPED])
NOTICES = st.lists(st.tuples(PIECES, st.sampled_from(["", " ", "\n"])), max_size=12).map(
    lambda pairs: "".join(piece + gap for piece, gap in pairs)
)
ANYTHING = st.one_of(NOTICES, st.text(max_size=60), st.text("0123456789./-:hT ,IVXĐ", max_size=40))
LANGUAGES = st.sampled_from(["vi", "vi-vn-x-central", "vi-vn-x-south"])


@given(text=ANYTHING, lang=LANGUAGES)
@example(text="BĐIII", lang="vi")
@example(text="A.B.C.", lang="vi")
@example(text="0/0/0000", lang="vi")
def test_vietnamese_speech_has_no_digit_and_no_word_in_capitals(text: str, lang: str) -> None:
    spoken = write_out(text, lang)
    assert not any(character.isdigit() for character in spoken), spoken
    # Only letters that have a small form count; a few historic ones have none.
    capitals = [
        word
        for word in re.findall(r"[^\W\d_]{2,}", spoken)
        if word.isupper() and word.lower() != word
    ]
    assert not capitals, spoken


@given(text=ANYTHING, lang=st.one_of(LANGUAGES, st.just("en")))
def test_writing_out_twice_changes_nothing(text: str, lang: str) -> None:
    once = write_out(text, lang)
    assert write_out(once, lang) == once


@given(text=ANYTHING, lang=LANGUAGES)
def test_speech_is_one_line_of_composed_letters(text: str, lang: str) -> None:
    spoken = write_out(text, lang)
    assert spoken == unicodedata.normalize("NFC", " ".join(spoken.split()))


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_different_numbers_are_said_differently(number: int) -> None:
    assert read_number(str(number)) != read_number(str(number + 1))


UNIT_WORDS = {"không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4, "năm": 5}
UNIT_WORDS |= {"lăm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9}
SCALES = {"nghìn": 10**3, "triệu": 10**6, "tỷ": 10**9}


def heard(words: str) -> int:
    """The number that a listener understands: an independent reading of the words."""
    total = group = last = 0
    for word in words.split():
        if word in UNIT_WORDS:
            last = UNIT_WORDS[word]
        elif word == "trăm":
            group, last = group + last * 100, 0
        elif word == "mươi":
            group, last = group + last * 10, 0
        elif word == "mười":
            group += 10
        elif word == "linh":
            continue
        elif word == "tỷ":
            total, group, last = (total + group + last) * SCALES[word], 0, 0
        else:
            total, group, last = total + (group + last) * SCALES[word], 0, 0
    return total + group + last


@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_a_listener_understands_the_number_that_was_written(number: int) -> None:
    assert heard(read_number(str(number))) == number
