"""Vietnamese text written out in words, for a reading machine that knows only plain words.

Owns: how numbers, clock times, dates, units, ranges, Roman numerals, abbreviations, telephone
numbers and addresses are said. Owns no tables (`spoken_tables`) and makes no sound.

How: one pass from left to right. At each place the first rule that matches turns its stretch of
text into finished words; what was emitted is never looked at again, so every input ends, and
writing out a finished text changes nothing. The result has no digit and no word in capitals.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from agent.core.spoken_tables import (
    ABBREVIATIONS,
    ADDRESS_WORDS,
    BEFORE_NUMBER,
    CALL_FILLERS,
    CALL_PHRASES,
    CALL_WORDS,
    DATE_WORDS,
    DOCUMENT_KINDS,
    DOTTED,
    FRACTION_AFTER,
    FRACTION_BEFORE,
    HOST_PARTS,
    LETTERS,
    LOANS,
    ROMAN_HEADINGS,
    SYMBOLS,
    UNITS,
)

DIGITS: Final = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
WEEKDAYS: Final = {str(day): f"thứ {DIGITS[day]}" for day in range(2, 8)} | {"4": "thứ tư"}
LONGEST_READ_AS_NUMBER: Final = 15


@dataclass(frozen=True, slots=True)
class Region:
    """What differs between the regions when numbers are read."""

    odd: str = "linh"
    thousand: str = "nghìn"
    four_after_ten: str = "tư"


NORTH: Final = Region()
SOUTH: Final = Region(odd="lẻ", thousand="ngàn", four_after_ten="bốn")


# --- numbers ------------------------------------------------------------------------------------


def read_number(digits: str, region: Region = NORTH) -> str:
    """Whole number in words; leading zeros are dropped, very long ones read digit by digit."""
    digits = digits.lstrip("0") or "0"
    if digits == "0":
        return DIGITS[0]
    if len(digits) > LONGEST_READ_AS_NUMBER:
        return read_digits(digits)
    words: list[str] = []
    billions, below = digits[:-9], digits[-9:]
    if billions:
        words += [read_number(billions, region), "tỷ"]
    padded = below.zfill(9)
    for group, scale in (
        (padded[:3], "triệu"),
        (padded[3:6], region.thousand),
        (padded[6:], ""),
    ):
        if group == "000":
            continue
        words.append(_read_group(group, full=bool(words), region=region))
        if scale:
            words.append(scale)
    return " ".join(words)


def _read_group(group: str, *, full: bool, region: Region) -> str:
    """Three digits; `full` says that something was read before, so hundreds are spoken."""
    hundred, ten, one = (int(digit) for digit in group)
    words: list[str] = []
    if hundred or full:
        words += [DIGITS[hundred], "trăm"]
    if ten == 0:
        if one and words:
            words.append(region.odd)
        if one:
            words.append(DIGITS[one])
    else:
        words += ["mười"] if ten == 1 else [DIGITS[ten], "mươi"]
        if one == 1 and ten > 1:
            words.append("mốt")
        elif one == 4 and ten > 1:
            words.append(region.four_after_ten)
        elif one == 5:
            words.append("lăm")
        elif one:
            words.append(DIGITS[one])
    return " ".join(words)


def read_digits(text: str) -> str:
    """Digit by digit; anything between digits that is not one becomes a short pause."""
    groups = re.findall(r"[0-9]+", text)
    if len(groups) == 1 and len(groups[0]) == 10:
        whole = groups[0]
        groups = [whole[:4], whole[4:7], whole[7:]]
    return ", ".join(" ".join(DIGITS[int(digit)] for digit in group) for group in groups)


def read_clock(hour: int, minute: int, second: int = 0) -> str:
    """A clock time: 2, 10 → hai giờ mười phút; the full hour has no minutes."""
    words = f"{read_number(str(hour))} giờ"
    if minute or second:
        words += f" {read_number(str(minute))} phút"
    if second:
        words += f" {read_number(str(second))} giây"
    return words


def read_month(month: int) -> str:
    return "tháng tư" if month == 4 else f"tháng {read_number(str(month))}"


def read_day(day: int, month: int) -> str:
    """A calendar day: 22, 11 → ngày hai mươi hai tháng mười một."""
    return f"ngày {read_number(str(day))} {read_month(month)}"


def read_amount(number: str, region: Region = NORTH) -> str:
    """A number as written in Vietnam: dots between thousands, a comma before decimals."""
    if re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?", number):
        number = number.replace(".", "")
    elif re.fullmatch(r"[0-9]{1,3}(?:(?:,[0-9]{3}){2,}|,000)", number):
        number = number.replace(",", "")
    whole, _, decimals = number.replace(".", ",").partition(",")
    if len(whole) > 2 and whole.startswith("0") and not decimals:
        return read_digits(whole)
    words = read_number(whole, region)
    if not decimals:
        return words
    as_number = len(decimals) == 2 and not decimals.startswith("0")
    return f"{words} phẩy {read_number(decimals, region) if as_number else read_digits(decimals)}"


def roman_value(numeral: str) -> int | None:
    """Value of a Roman numeral in its one proper spelling, else None."""
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    if not _ROMAN.fullmatch(numeral):
        return None
    total = 0
    for letter, following in zip(numeral, [*numeral[1:], None], strict=True):
        value = values[letter]
        total += -value if following and values[following] > value else value
    return total


_ROMAN: Final = re.compile(r"(?=.)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")


# --- words --------------------------------------------------------------------------------------

_TONES: Final = {ord(mark) for mark in "\u0300\u0301\u0303\u0309\u0323"}
_SYLLABLE: Final = re.compile(
    r"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnprstvx])?"
    r"[aăâeêioôơuưy]{1,3}(?:ch|ng|nh|[cmnpt])?"
)


def is_syllable(word: str) -> bool:
    """Whether the word could be a Vietnamese syllable, whatever its capitals and tone."""
    plain = unicodedata.normalize("NFD", word.lower())
    plain = "".join(mark for mark in plain if ord(mark) not in _TONES)
    return _SYLLABLE.fullmatch(unicodedata.normalize("NFC", plain)) is not None


def spell(word: str) -> str:
    """Letter by letter, by the Vietnamese names of the letters."""
    words: list[str] = []
    for letter in unicodedata.normalize("NFC", word).lower():
        name = LETTERS.get(letter)
        if name is None:
            # A letter with a tone is named without it; a foreign one is left to the machine.
            bare = unicodedata.normalize("NFD", letter)
            bare = "".join(mark for mark in bare if ord(mark) not in _TONES)
            name = LETTERS.get(unicodedata.normalize("NFC", bare), letter)
        words.append(name)
    return " ".join(words)


# --- the pass -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """State of one pass: what is read, how far, and what was said so far."""

    text: str
    region: Region
    pos: int = 0
    said: list[str] = field(default_factory=list)
    after_quantity: bool = False
    """The last thing said was a number, time, date or weekday: a dash now means `đến`."""

    @property
    def last_word(self) -> str:
        """The word said last, or the punctuation mark: context ends there."""
        return self.said[-1].rsplit(" ", 1)[-1].lower() if self.said else ""

    @property
    def asks_to_call(self) -> bool:
        """Whether what was just said announces a telephone number (`hãy gọi ngay số`)."""
        words = " ".join(self.said[-12:]).lower().replace(",", "").replace(":", "").split()
        while words and (words[-1] in CALL_FILLERS or words[-1] in DIGITS):
            words.pop()  # digits: another number was just given (`gọi 113 hoặc 114`)
        return " ".join(words[-2:]) in CALL_PHRASES or (bool(words) and words[-1] in CALL_WORDS)

    def upcoming_word(self, end: int) -> str:
        found = _LETTERS_NEXT.match(self.text, end)
        return found[1] if found else ""

    def number(self, digits: str) -> str:
        return read_number(digits, self.region)


_LETTERS_NEXT: Final = re.compile(r"[ ]*([^\W\d_]+)")

_Handler = Callable[[_Reading, re.Match[str]], str | None]
"""Words for the match, or None when the rule does not want it after all."""

_RULES: list[tuple[re.Pattern[str], _Handler, bool]] = []


def _rule(pattern: str, *, quantity: bool = False) -> Callable[[_Handler], _Handler]:
    """Register a rule; earlier ones go first. Every pattern matches at least one character."""

    def register(handler: _Handler) -> _Handler:
        _RULES.append((re.compile(pattern), handler, quantity))
        return handler

    return register


_END: Final = r"(?![^\W_])"
"""No letter or digit may follow."""

_HYPHEN: Final = "[-–—]"  # minus, en and em dash; NFKC has folded the rest
_NUMBER: Final = r"(?:[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?|[0-9]+(?:[.,][0-9]+)?)"


@_rule(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
def _email(reading: _Reading, found: re.Match[str]) -> str:
    name, _, host = found[0].partition("@")
    return f"{_read_host(reading, name)} a còng {_read_host(reading, host)}"


@_rule(r"(?i:https?://|www\.)([\w-]+(?:\.[\w-]+)*)(?:[/?#:][^\s]*[^\s.,;:!?)\"']|/)?")
def _web_address(reading: _Reading, found: re.Match[str]) -> str:
    # The path of a link cannot be typed from hearing; the site can.
    return _read_host(reading, found[1])


@_rule(
    rf"(?<![\w.-])(?i:[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:gov|com|org|net|edu)(?:\.vn)?|[a-z0-9-]+\.vn){_END}"
)
def _bare_host(reading: _Reading, found: re.Match[str]) -> str:
    return _read_host(reading, found[0])


def _read_host(reading: _Reading, host: str) -> str:
    said: list[str] = []
    for part in re.findall(r"[^\W\d_]+|[0-9]+|\.", host.lower()):
        if part == ".":
            said.append("chấm")
        elif part.isdecimal():
            said.append(reading.number(part))
        else:
            said.append(HOST_PARTS.get(part) or LOANS.get(part) or _word_or_letters(part))
    return " ".join(said)


def _word_or_letters(part: str) -> str:
    """Part of an address: spelled when it has no vowel to say it with."""
    return part if re.search(r"[aeiouy]", part) else spell(part)


@_rule(
    rf"([0-9]+)(?:/([0-9]{{4}}))?(?:/|-(?=[A-ZĐ]+/))"
    rf"([A-ZĐ][A-Za-zĐ0-9]*(?:[/-][A-ZĐ&]+[a-z]*)*){_END}"
)
def _document_number(reading: _Reading, found: re.Match[str]) -> str:
    number, year, kinds = found.groups()
    said = reading.number(number)
    if year:
        said += f" trên {reading.number(year)}"
    parts = [
        DOCUMENT_KINDS.get(letters) or ABBREVIATIONS.get(letters) or spell(letters)
        if letters
        else reading.number(digits)
        for letters, digits in re.findall(r"([^\W\d_]+)|([0-9]+)", kinds)
    ]
    if len(parts) > 1 and parts[0] in " ".join(reading.said[-3:]).lower():
        parts[0] = "của"  # `Nghị định số …/NĐ-CP` names its kind twice
    return f"{said}, {' '.join(parts)}"


@_rule(
    rf"(?:\+84|0)[0-9]{{9}}{_END}"
    rf"|(?:\+84[ .-]?|0)[0-9]{{1,4}}(?:[ .-]?[0-9]{{1,4}}){{1,4}}{_END}"
    rf"|1[89]00(?:[ .-]?[0-9]{{2,6}}){{1,3}}{_END}",
    quantity=True,
)
def _telephone(_reading: _Reading, found: re.Match[str]) -> str | None:
    bare = re.sub(r"[^0-9]", "", found[0])
    if not 8 <= len(bare) <= 12 or (bare.startswith("0") and len(bare) not in (10, 11)):
        return None
    if found[0].startswith("+"):
        return f"cộng {read_digits(found[0])}"
    return read_digits(found[0])


@_rule(r"[0-9]{3,}(?:[ .-]?[0-9]{2,})*(?![0-9.,]*[0-9])", quantity=True)
def _called_number(reading: _Reading, found: re.Match[str]) -> str | None:
    return read_digits(found[0]) if reading.asks_to_call else None


@_rule(
    r"([0-9]{1,2})(?::([0-5][0-9])(?::([0-5][0-9]))?"
    r"|[hgHG]([0-5]?[0-9])?(?:['’]|(?:ph|p)(?![^\W_]))?|h)(?![0-9:])(?![^\W_])"
    r"(?:[ ]?(SA|CH|AM|PM|am|pm)(?![^\W_]))?(?:[ ]phút(?![^\W_]))?",
    quantity=True,
)
def _clock_time(_reading: _Reading, found: re.Match[str]) -> str | None:
    hour, minute = int(found[1]), int(found[2] or found[4] or 0)
    if hour > 24:
        return None
    if found[2] is None and found[4] is None and found[0][len(found[1])] in "GH":
        return None  # 4G, 5H
    said = read_clock(hour, minute, int(found[3] or 0))
    match found[5]:
        case "SA" | "AM" | "am":
            said += " sáng"
        case "CH" | "PM" | "pm":
            said += " chiều" if hour in (12, 1, 2, 3, 4, 5, 6) else " tối"
    return said


@_rule(rf"([0-9]{{4}}){_HYPHEN}([0-9]{{2}}){_HYPHEN}([0-9]{{2}})(?![0-9])", quantity=True)
def _iso_date(reading: _Reading, found: re.Match[str]) -> str | None:
    return _say_date(reading, found[3], found[2], found[1])


@_rule(
    r"([0-9]{1,2})(?:/([0-9]{1,2})/|-([0-9]{1,2})-|\.([0-9]{1,2})\.)([0-9]{4})(?![0-9])",
    quantity=True,
)
def _full_date(reading: _Reading, found: re.Match[str]) -> str | None:
    return _say_date(reading, found[1], found[2] or found[3] or found[4], found[5])


@_rule(r"(?:T\.?)?([0-9]{1,2})[/-]([0-9]{4})(?![0-9/-])", quantity=True)
def _month_of_year(reading: _Reading, found: re.Match[str]) -> str | None:
    if not 1 <= int(found[1]) <= 12:
        return None
    said = f"{read_month(int(found[1]))} năm {reading.number(found[2])}"
    return said.removeprefix("tháng ") if reading.last_word == "tháng" else said


@_rule(r"([0-9]{1,2})/([0-9]{1,2})(?![0-9/])", quantity=True)
def _day_and_month(reading: _Reading, found: re.Match[str]) -> str | None:
    before, after = reading.last_word, reading.upcoming_word(found.end()).lower()
    if before in ADDRESS_WORDS or before in FRACTION_BEFORE or after in FRACTION_AFTER:
        return None
    if found[0] == "24/7" and before not in DATE_WORDS:
        return None
    return _say_date(reading, found[1], found[2])


@_rule(rf"([0-9]{{1,2}})({_HYPHEN})([0-9]{{1,2}})(?![0-9])(?!{_HYPHEN}[0-9])", quantity=True)
def _day_and_month_with_dash(reading: _Reading, found: re.Match[str]) -> str | None:
    # `ngày 5-10` and `25-11` are dates, `5-10 m` is a range.
    day, month = int(found[1]), int(found[3])
    if reading.last_word in DATE_WORDS or day > 12 >= month:
        return _say_date(reading, found[1], found[3])
    return None


def _say_date(reading: _Reading, day: str, month: str, year: str | None = None) -> str | None:
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    said = read_day(int(day), int(month))
    if reading.last_word in DATE_WORDS:
        said = said.removeprefix("ngày ")
    return f"{said} năm {reading.number(year)}" if year else said


@_rule(r"([0-9]+)(?:/([0-9]+))+(?![^\W_])", quantity=True)
def _fraction(reading: _Reading, found: re.Match[str]) -> str:
    return " trên ".join(reading.number(part) for part in found[0].split("/"))


@_rule(rf"T\.?([2-9]|1[0-2]){_END}", quantity=True)
def _weekday(_reading: _Reading, found: re.Match[str]) -> str:
    day = found[1]
    return WEEKDAYS[day] if day in WEEKDAYS else read_month(int(day))


@_rule(rf"[ ]*{_HYPHEN}[ ]*(?=[0-9]|T\.?[2-7]{_END}|CN{_END})")
def _dash_between_quantities(reading: _Reading, _found: re.Match[str]) -> str | None:
    return "đến" if reading.after_quantity else None


@_rule(r"-(?=[0-9])")
def _minus(reading: _Reading, found: re.Match[str]) -> str | None:
    at_start = found.start() == 0 or reading.text[found.start() - 1] in " (:"
    return "âm" if at_start else None


_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))


@_rule(
    rf"({_NUMBER})[ ]?({_UNIT}){_END}(?:[ ]?/[ ]?({_UNIT}){_END})?",
    quantity=True,
)
def _amount_with_unit(reading: _Reading, found: re.Match[str]) -> str:
    said = f"{read_amount(found[1], reading.region)} {UNITS[found[2]]}"
    return f"{said} trên {UNITS[found[3]]}" if found[3] else said


@_rule(rf"(?<![^\W_])({_UNIT})[ ]?/[ ]?({_UNIT}){_END}", quantity=True)
def _rate(_reading: _Reading, found: re.Match[str]) -> str:
    return f"{UNITS[found[1]]} trên {UNITS[found[2]]}"


@_rule(r"[0-9]+(?:[,;][0-9]+){2,}(?![0-9])", quantity=True)
def _list_of_numbers(reading: _Reading, found: re.Match[str]) -> str:
    if re.fullmatch(r"[0-9]{1,3}(?:,[0-9]{3}){2,}", found[0]):
        return read_amount(found[0], reading.region)
    return ", ".join(reading.number(part) for part in re.split("[,;]", found[0]))


@_rule(r"([0-9]+)[ ]?[xX][ ]?(?=[0-9])", quantity=True)
def _times(reading: _Reading, found: re.Match[str]) -> str:
    return f"{reading.number(found[1])} nhân"


@_rule(_NUMBER, quantity=True)
def _number(reading: _Reading, found: re.Match[str]) -> str:
    if reading.last_word == "thứ" and found[0] in ("1", "4"):
        return "nhất" if found[0] == "1" else "tư"
    if reading.last_word == "tháng" and found[0] in ("4", "04"):
        return "tư"
    return read_amount(found[0], reading.region)


@_rule(r"(ĐT|P|Q)\.?[ ]?(?=[0-9])")
def _place_with_number(reading: _Reading, found: re.Match[str]) -> str | None:
    follows_word = found.start() > 0 and reading.text[found.start() - 1].isalnum()
    # `ĐT 0912 345 678` is a telephone, `ĐT.293` a road.
    if follows_word or (found[1] == "ĐT" and reading.text[found.end()] == "0"):
        return None
    return BEFORE_NUMBER[found[1]]


_ABBREVIATION: Final = "|".join(
    re.escape(short) for short in sorted(ABBREVIATIONS, key=len, reverse=True)
)


@_rule(rf"(?<![^\W\d_])({_ABBREVIATION})(?![^\W\d_])(\.(?=[ ]?[^\W_]))?")
def _abbreviation(reading: _Reading, found: re.Match[str]) -> str | None:
    short = found[1]
    if is_syllable(short) and _among_capitals(reading, found.start(1), found.end(1)):
        return None  # CA NHẠC is singing, not the police
    if short == "BCH" and reading.upcoming_word(found.end()).lower() in _PARTY_WORDS:
        return "ban chấp hành"
    return ABBREVIATIONS[short]


_PARTY_WORDS: Final = frozenset("đảng đoàn hội trung tw công chi".split())


@_rule(rf"(?<![^\W_])({'|'.join(DOTTED)})\.(?=[ ]?[^\W_])")
def _dotted_abbreviation(_reading: _Reading, found: re.Match[str]) -> str:
    return DOTTED[found[1]]


@_rule(r"(?:[^\W\d_]\.){2,}(?:[^\W\d_](?![^\W_]))?")
def _initials(_reading: _Reading, found: re.Match[str]) -> str | None:
    letters = found[0].replace(".", "")
    if not letters.isupper():
        return None
    return ABBREVIATIONS.get(letters) or spell(letters)


@_rule(r"[^\W\d_]+")
def _word(reading: _Reading, found: re.Match[str]) -> str:
    word = found[0]
    loan = LOANS.get(word.lower())
    if loan is not None and not (word[0].isupper() and not word.isupper() and len(word) < 3):
        return loan
    if word.isupper():
        return _word_in_capitals(reading, found, word)
    return _tame(word)


def _word_in_capitals(reading: _Reading, found: re.Match[str], word: str) -> str:
    value = roman_value(word)
    if value is not None and _reads_as_roman(reading, found, word):
        if value == 4 and reading.last_word in ("quý", "thứ"):
            return "tư"
        return "nhất" if value == 1 and reading.last_word == "thứ" else reading.number(str(value))
    if len(word) == 1:
        return spell(word)
    if is_syllable(word):
        return word.lower()
    numbered = _ENDS_IN_ROMAN.fullmatch(word)  # BĐII
    if numbered and (name := ABBREVIATIONS.get(numbered[1])):
        return f"{name} {reading.number(str(roman_value(numbered[2]) or 0))}"
    return DOCUMENT_KINDS.get(word) or spell(word)


_ENDS_IN_ROMAN: Final = re.compile(r"(\w+?)(I{1,3}|IV|V|VI{1,3}|IX|X)")


def _reads_as_roman(reading: _Reading, found: re.Match[str], word: str) -> bool:
    plain = not set(word) - set("IVX")
    if reading.last_word in ROMAN_HEADINGS:
        return plain or len(word) > 1
    if len(word) == 1 or not plain:
        return False
    # VI PHẠM and XI MĂNG are words in a line of capitals.
    return not (is_syllable(word) and _among_capitals(reading, found.start(), found.end()))


def _among_capitals(reading: _Reading, start: int, end: int) -> bool:
    before = _WORD_BEFORE.search(reading.text, max(0, start - 24), start)
    neighbours = (before[1] if before else "", reading.upcoming_word(end))
    return any(len(word) > 1 and word.isupper() and is_syllable(word) for word in neighbours)


_WORD_BEFORE: Final = re.compile(r"([^\W\d_]+)[ ]*\Z")


def _tame(word: str) -> str:
    """A word with a run of capitals inside (`iPhone`, `McDONALD`) keeps at most the first."""
    return word if word[1:].islower() or len(word) == 1 else word[0] + word[1:].lower()


@_rule(rf"[/|()\[\]{{}}]+|(?<=[ ]){_HYPHEN}+(?=[ ])|{_HYPHEN}{{2,}}")
def _pause(_reading: _Reading, _found: re.Match[str]) -> str:
    return ","


@_rule(r"[.…]+|[,;:!?]")
def _punctuation(_reading: _Reading, found: re.Match[str]) -> str:
    return found[0][0]


@_rule(r"[^\s\w.,;:!?]")
def _symbol(_reading: _Reading, found: re.Match[str]) -> str:
    return SYMBOLS.get(found[0], "")


# --- the door -----------------------------------------------------------------------------------


def write_out_vi(text: str, region: Region = NORTH) -> str:
    """Vietnamese text in plain words; see `agent.core.spoken.write_out`."""
    reading = _Reading(_prepare(text), region)
    end = len(reading.text)
    while reading.pos < end:
        if not _apply_first_rule(reading):
            reading.pos += 1  # white space and whatever no rule names
    return _join(reading.said)


def _apply_first_rule(reading: _Reading) -> bool:
    for pattern, handler, quantity in _RULES:
        found = pattern.match(reading.text, reading.pos)
        if found is None:
            continue
        words = handler(reading, found)
        if words is None:
            continue
        if words:
            reading.said.append(words)
        reading.after_quantity = quantity
        reading.pos = found.end()
        return True
    return False


def _prepare(text: str) -> str:
    """One spelling for equal things: composed letters, plain digits, one kind of space."""
    lines = [line.strip() for line in text.splitlines()]
    text = (
        " ".join(line if line[-1] in ".,;:!?" else f"{line}." for line in lines if line)
        if len(lines) > 1
        else text
    )
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_plain(character) for character in text)
    return unicodedata.normalize("NFC", re.sub(r"\s+", " ", text).strip())


def _plain(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() else " "
    if character.isdigit():
        return str(unicodedata.digit(character))
    kind = unicodedata.category(character)
    if character == "\u2044":  # the slash inside ½
        return "/"
    if kind.startswith("C"):
        return ""
    return character


_STRENGTH: Final = ".!?:;,"


def _join(said: list[str]) -> str:
    """Words with single spaces, punctuation against its word; of several marks the strongest."""
    out: list[str] = []
    for piece in said:
        if piece in _STRENGTH:
            if not out:
                continue
            last = out[-1][-1]
            if last in _STRENGTH:
                if _STRENGTH.index(piece) < _STRENGTH.index(last):
                    out[-1] = out[-1][:-1] + piece
                continue
            out[-1] += piece
        else:
            out.append(piece)
    return unicodedata.normalize("NFC", " ".join(out)).rstrip(",;:")
