"""What a value outside the contract's bounds should look like, in words and with an example.

Owns the wording of msgspec's refusals: a pattern is named by what it stands for, never shown.
Pure. What it does not know is passed on with its pattern taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from agent.contract.units import ID_PATTERN
from simulator.source_system.said import Said

_PATTERNS: dict[str, Said] = {
    ID_PATTERN: Said(
        "chỉ chữ thường không dấu a-z, số 0-9 và gạch nối, tối đa 32 ký tự, ví dụ tan-lien",
        "only small letters a-z, digits 0-9 and dashes, at most 32, for example tan-lien",
    ),
    r"^[a-z0-9-]{1,64}\Z": Said(
        "chỉ chữ thường không dấu a-z, số 0-9 và gạch nối, tối đa 64 ký tự, ví dụ ban-tin-sang",
        "only small letters a-z, digits 0-9 and dashes, at most 64, for example ban-tin-sang",
    ),
    r"^[sg]/[a-z0-9-]{1,32}\Z": Said(
        "một đài hoặc một nhóm, ví dụ s/tan-lien, g/mien-nui",
        "a station or a group, for example s/tan-lien, g/mien-nui",
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z": Said(
        "năm-tháng-ngày, ví dụ 2026-11-25", "year-month-day, for example 2026-11-25"
    ),
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\Z": Said(
        "ngày và giờ địa phương, ví dụ 2026-11-25T05:00:00",
        "a local date and time, for example 2026-11-25T05:00:00",
    ),
    r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z": Said(
        "mã ngôn ngữ, ví dụ vi, en, tay", "a language code, for example vi, en, tay"
    ),
    r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}\Z": Said(
        "múi giờ, ví dụ Asia/Ho_Chi_Minh", "a time zone, for example Asia/Ho_Chi_Minh"
    ),
    r"^[0-9a-f]{64}\Z": Said("64 chữ số thập lục phân", "64 hexadecimal digits"),
    r"^[0-9a-f]{16}\Z": Said("16 chữ số thập lục phân", "16 hexadecimal digits"),
}
"""The patterns of `agent.contract.units`. A test holds them together."""

_KINDS = {
    "str": Said("chữ", "a text"),
    "int": Said("số nguyên", "a whole number"),
    "bool": Said("true hoặc false", "true or false"),
    "array": Said("danh sách", "a list"),
    "object": Said("bảng", "a table"),
    "null": Said("để trống", "nothing"),
}


def in_words(error: msgspec.ValidationError) -> Said:
    """`slot: only small letters …, for example ban-tin-sang`."""
    text, _, path = str(error).partition(" - at `")
    said = _said(text)
    field = path.rstrip("`").removeprefix("$").removeprefix(".")
    return Said(f"{field}: {said.vi}", f"{field}: {said.en}") if field else said


def _said(text: str) -> Said:
    for shape, words in _SHAPES:
        if found := shape.fullmatch(text):
            return words(found)
    plain = re.sub(r" matching regex '.*'", "", text)
    return Said(plain, plain)


def _pattern(found: re.Match[str]) -> Said:
    pattern = found[1].replace("\\\\", "\\")
    unknown = Said("không đúng dạng", "not of the expected form")
    return _PATTERNS.get(pattern, unknown)


def _length(found: re.Match[str]) -> Said:
    sign, count = found[1], found[2]
    if (sign, count) == (">=", "1"):
        return Said("không được để trống", "must not be empty")
    most = sign.startswith("<")
    return Said(
        f"{'tối đa' if most else 'ít nhất'} {count} ký tự hoặc mục",
        f"{'at most' if most else 'at least'} {count} characters or items",
    )


def _range(found: re.Match[str]) -> Said:
    most = found[1].startswith("<")
    return Said(
        f"{'không quá' if most else 'ít nhất'} {found[2]}",
        f"{'at most' if most else 'at least'} {found[2]}",
    )


def _kind(found: re.Match[str]) -> Said:
    wanted = [_KINDS[one] for one in found[1].split(" | ") if one in _KINDS]
    return Said(
        "phải là " + " hoặc ".join(one.vi for one in wanted),
        "must be " + " or ".join(one.en for one in wanted),
    )


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Said]], ...] = (
    (re.compile(r"Expected `[^`]*` matching regex '(.*)'"), _pattern),
    (re.compile(r"Expected `[^`]*` of length (<=|>=|<|>) (\d+)"), _length),
    (re.compile(r"Expected `[^`]*` (<=|>=) (-?\d+)"), _range),
    (
        re.compile(r"Object missing required field `(.*)`"),
        lambda found: Said(f"thiếu {found[1]}", f"{found[1]} is missing"),
    ),
    (
        re.compile(r"Object contains unknown field `(.*)`"),
        lambda found: Said(f"không có khóa {found[1]}", f"there is no key {found[1]}"),
    ),
    (
        re.compile(r"Invalid enum value (.*)"),
        lambda found: Said(f"không có giá trị {found[1]}", f"there is no value {found[1]}"),
    ),
    (re.compile(r"Expected `((?:str|int|bool|array|object|null)[^`]*)`, got `.*`"), _kind),
)
