"""What a value outside its bounds should look like, in words and with an example.

Owns the wording of the decoder's refusals: a pattern is named by what it stands for, never shown.
Pure. What it does not know is passed on with its pattern taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from agent.contract.texts import Words
from agent.contract.units import ID_PATTERN

_PATTERNS: dict[str, Words] = {
    ID_PATTERN: Words(
        "chỉ chữ thường không dấu a-z, số 0-9 và gạch nối, tối đa 32 ký tự, ví dụ tan-lien",
        "only small letters a-z, digits 0-9 and dashes, at most 32, for example tan-lien",
    ),
    r"^[a-z0-9-]{1,64}\Z": Words(
        "chỉ chữ thường không dấu a-z, số 0-9 và gạch nối, tối đa 64 ký tự, ví dụ ban-tin-sang",
        "only small letters a-z, digits 0-9 and dashes, at most 64, for example ban-tin-sang",
    ),
    r"^[sg]/[a-z0-9-]{1,32}\Z": Words(
        "một đài hoặc một nhóm, ví dụ s/tan-lien, g/mien-nui",
        "a station or a group, for example s/tan-lien, g/mien-nui",
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z": Words(
        "năm-tháng-ngày, ví dụ 2026-11-25", "year-month-day, for example 2026-11-25"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z": Words(
        "ngày và giờ địa phương, ví dụ 2026-11-25T05:00:00",
        "a local date and time, for example 2026-11-25T05:00:00",
    ),
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?)?\Z": Words(
        "ngày, có giờ nếu biết, hoặc để trống, ví dụ 2026-11-25T08:30:00",
        "a date, with its time if known, or nothing, for example 2026-11-25T08:30:00",
    ),
    r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z": Words(
        "mã ngôn ngữ, ví dụ vi, en, tay", "a language code, for example vi, en, tay"
    ),
    r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}\Z": Words(
        "múi giờ, ví dụ Asia/Ho_Chi_Minh", "a time zone, for example Asia/Ho_Chi_Minh"
    ),
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?\Z": Words(
        "năm-tháng-ngày hoặc để trống, ví dụ 2026-11-25",
        "year-month-day or nothing, for example 2026-11-25",
    ),
    r"^(-?[0-9]{1,2}(\.[0-9]{1,9})?, ?-?[0-9]{1,3}(\.[0-9]{1,9})?)?\Z": Words(
        "vĩ độ, kinh độ tính bằng độ, ví dụ 21.8534, 106.7610",
        "latitude, longitude in degrees, for example 21.8534, 106.7610",
    ),
    r"^[0-9a-f]{64}\Z": Words(
        f"64 chữ số thập lục phân, ví dụ {'01ab' * 16}",
        f"64 hexadecimal digits, for example {'01ab' * 16}",
    ),
    r"^[0-9a-f]{16}\Z": Words(
        "16 chữ số thập lục phân, ví dụ 0123456789abcdef",
        "16 hexadecimal digits, for example 0123456789abcdef",
    ),
    r"^(/[A-Za-z0-9/._~?=&-]*)?\Z": Words(
        "để trống hoặc đường dẫn bắt đầu bằng dấu /, ví dụ /api/nhat-ky",
        "nothing, or a path that begins with a slash, for example /api/nhat-ky",
    ),
    r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z": Words(
        "giờ và phút từ 00:00 đến 23:59, ví dụ 03:10",
        "hours and minutes from 00:00 to 23:59, for example 03:10",
    ),
}
"""Every pattern of the contract and of the configuration. A test holds them together."""

_KINDS = {
    "str": Words("chữ", "a text"),
    "int": Words("số nguyên", "a whole number"),
    "bool": Words("true hoặc false", "true or false"),
    "array": Words("danh sách", "a list"),
    "object": Words("bảng", "a table"),
    "null": Words("để trống", "nothing"),
}


def in_words(message: str) -> tuple[str, Words]:
    """(path of the field, what is wrong with it) of the decoder's message; "" is the whole."""
    text, _, path = message.partition(" - at `")
    return path.rstrip("`").removeprefix("$").removeprefix("."), _words(text)


def plainly(message: str) -> str:
    """`slot: only small letters …, for example ban-tin-sang`: for whom there is one language."""
    path, words = in_words(message)
    return f"{path}: {words.en}" if path else words.en


def said_of(text: str) -> Words:
    """`plainly`, read back: `title: at most 200 …` in both languages; else the text as it is."""
    path, colon, said = text.partition(": ")
    for before, rest in ((f"{path}{colon}", said), ("", text)):
        for pattern, words in _READ_BACK:
            if found := pattern.fullmatch(rest):
                return Words(before + words(found).vi, text)
    return Words(text, text)


def _words(text: str) -> Words:
    for shape, words in _SHAPES:
        if found := shape.fullmatch(text):
            return words(found)
    plain = re.sub(r" matching regex '.*'", "", text)
    return Words(plain, plain)


def _pattern(found: re.Match[str]) -> Words:
    pattern = re.sub(r"\$$", r"\\Z", found[1].replace("\\\\", "\\"))
    unknown = Words("không đúng dạng", "not of the expected form")
    return _PATTERNS.get(pattern, unknown)


def _length(found: re.Match[str]) -> Words:
    sign, count = found[1], found[2]
    if (sign, count) == (">=", "1"):
        return Words("không được để trống", "must not be empty")
    most = sign.startswith("<")
    return Words(
        f"{'tối đa' if most else 'ít nhất'} {count} ký tự hoặc mục",
        f"{'at most' if most else 'at least'} {count} characters or items",
    )


def _range(found: re.Match[str]) -> Words:
    most = found[1].startswith("<")
    return Words(
        f"{'không quá' if most else 'ít nhất'} {found[2]}",
        f"{'at most' if most else 'at least'} {found[2]}",
    )


def _kind(found: re.Match[str]) -> Words:
    wanted = [_KINDS[one] for one in found[1].split(" | ") if one in _KINDS]
    return Words(
        "phải là " + " hoặc ".join(one.vi for one in wanted),
        "must be " + " or ".join(one.en for one in wanted),
    )


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Words]], ...] = (
    (re.compile(r"Expected `[^`]*` matching regex '(.*)'"), _pattern),
    (re.compile(r"Expected `[^`]*` of length (<=|>=|<|>) (\d+)"), _length),
    (re.compile(r"Expected `[^`]*` (<=|>=) (-?\d+)"), _range),
    (
        re.compile(r"Object missing required field `(.*)`"),
        lambda found: Words(f"thiếu {found[1]}", f"{found[1]} is missing"),
    ),
    (
        re.compile(r"Object contains unknown field `(.*)`"),
        lambda found: Words(f"không có khóa {found[1]}", f"there is no key {found[1]}"),
    ),
    (
        re.compile(r"Invalid enum value (.*)"),
        lambda found: Words(f"không có giá trị {found[1]}", f"there is no value {found[1]}"),
    ),
    (re.compile(r"Expected `((?:str|int|bool|array|object|null)[^`]*)`, got `.*`"), _kind),
)


def _same(words: Words) -> tuple[re.Pattern[str], Callable[[re.Match[str]], Words]]:
    return re.compile(re.escape(words.en)), lambda _: words


_KINDS_EN = "|".join(re.escape(one.en) for one in _KINDS.values())
_BY_ENGLISH = {one.en: one.vi for one in _KINDS.values()}
_READ_BACK: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Words]], ...] = (
    *(_same(words) for words in _PATTERNS.values()),
    _same(Words("không được để trống", "must not be empty")),
    _same(Words("không đúng dạng", "not of the expected form")),
    (
        re.compile(r"(at most|at least) (\d+) characters or items"),
        lambda found: Words(
            f"{'tối đa' if found[1] == 'at most' else 'ít nhất'} {found[2]} ký tự hoặc mục",
            found[0],
        ),
    ),
    (
        re.compile(r"(at most|at least) (-?\d+)"),
        lambda found: Words(
            f"{'không quá' if found[1] == 'at most' else 'ít nhất'} {found[2]}", found[0]
        ),
    ),
    (
        re.compile(rf"must be ((?:{_KINDS_EN})(?: or (?:{_KINDS_EN}))*)"),
        lambda found: Words(
            "phải là "
            + re.sub(_KINDS_EN, lambda one: _BY_ENGLISH[one[0]], found[1]).replace(
                " or ", " hoặc "
            ),
            found[0],
        ),
    ),
    (re.compile(r"(.*) is missing"), lambda found: Words(f"thiếu {found[1]}", found[0])),
    (
        re.compile(r"there is no key (.*)"),
        lambda found: Words(f"không có khóa {found[1]}", found[0]),
    ),
    (
        re.compile(r"there is no value (.*)"),
        lambda found: Words(f"không có giá trị {found[1]}", found[0]),
    ),
)
"""What `_words` makes, to be read back."""
