"""Where the sound comes from: `tep:`, `luong:`, `line-in`, `loi:"…"`, joined by `|`.

Pure. Slots are named after files without extension and date: `ban-tin-{ngày}.mp3` is slot
`ban-tin`, dated. Live sources take options in parentheses, apart by `;` or a comma: `line-in: fm
(trễ 1,5 giây)`. Inputs go by the names that stations give them: `line-in` alone is `line`, `fm` is
`fm`, `micro` is `micro`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from agent.contract.addresses import HEARD_SCHEMES, SECURE_SCHEMES, fault_of, scheme_of
from agent.contract.documents import (
    FileSource,
    LineInSource,
    Source,
    StreamSource,
    TextSource,
    ToneSource,
)
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import bare, clean, nearest, slug

SOURCES_MAX = 8
TEXT_MAX_CHARS = 4_000

_SPLIT = re.compile(r'\|(?=(?:[^"]*"[^"]*")*[^"]*$)')
_PREFIX = re.compile(r"(tep|file|luong|stream|loi|text|speech|am|tone) ?: ?(.*)", re.DOTALL)
_URL = re.compile(r"[a-z]{2,10}://\S+")
_OPTIONS = re.compile(r"(.*?)\s*\(([^()]*)\)$", re.DOTALL)
_RECORDED = re.compile(r"(tep|file|loi|text|speech|am|tone) ?:")
_BETWEEN = re.compile(r";|,(?!\d)|(?<!\d),")
_INSECURE = frozenset({"khong ma hoa", "insecure"})
_DELAY = re.compile(r"(?:tre|delay) (\d{1,5}(?:[.,]\d{1,3})?) ?(giay|s|sec|seconds?|ms)")
_MOST = re.compile(r"(?:toi da|max|at most) (\d{1,6}) ?(?:kbit/s|kbps|kb/s|kbit/giay)")
_DATE_MARK = re.compile(r"\{(?:ngay|date)\}")
_LINE = ("line-in", "line in", "linein", "line_in", "duong vao", "ngo vao", "input")
_INPUTS = {**dict.fromkeys(_LINE, "line"), "fm": "fm", **dict.fromkeys(("micro", "mic"), "micro")}
_INPUT = re.compile(rf"({'|'.join(_LINE)}) ?: ?(.*)", re.DOTALL)
INPUT_MAX_CHARS = 64
DELAY_MAX_MS = 10_000
KBPS_LEAST, KBPS_MOST = 8, 2_000
OPTIONS = ("trễ 1,5 giây", "tối đa 64 kbit/s", "không mã hóa")


class _Options(NamedTuple):
    """What stands in parentheses behind a live source."""

    delay_ms: int = 0
    max_kbps: int = 0
    insecure: bool = False


def parse_sources(text: str) -> tuple[Source, ...]:
    """In order of preference. Raises Fault."""
    parts = [part.strip() for part in _SPLIT.split(clean(text)) if part.strip()]
    if not parts:
        raise Fault("source")
    if len(parts) > SOURCES_MAX:
        raise Fault("source_many")
    return tuple(parse_source(part) for part in parts)


def parse_source(part: str) -> Source:
    """One element of the chain. Raises Fault."""
    plain = bare(part)
    inner, options = _with_options(part)
    found = bare(inner)
    if found in _INPUTS:
        return _line_in(_INPUTS[found], options)
    if _INPUT.fullmatch(found):
        return _line_in(_after(inner), options)
    prefix = _PREFIX.match(plain)
    if prefix is None:
        if _URL.match(plain):
            return _stream(part)
        raise _unknown(plain)
    rest = part[len(part) - len(prefix[2]) :].strip() if len(plain) == len(part) else _after(part)
    kind = prefix[1]
    if kind in ("tep", "file"):
        return parse_file(rest)
    if kind in ("luong", "stream"):
        return _stream(rest)
    if kind in ("am", "tone"):
        return _tone(rest)
    return _text(rest)


def _after(part: str) -> str:
    return part.partition(":")[2].strip()


def parse_file(name: str) -> FileSource:
    """`ban-tin-{ngày}.mp3` → FileSource(slot="ban-tin", dated=True)."""
    plain = bare(name)
    dated = _DATE_MARK.search(plain) is not None
    stem = _DATE_MARK.sub("-", plain)
    stem = re.sub(r"\.(mp3|m4a|aac|wav|ogg|opus|flac|mp4)$", "", stem)
    if "{" in stem or "}" in stem:
        raise Fault("slot", guess=re.sub(r"\{[^}]*\}", "{ngày}", name))
    slot = slug(stem, 64)
    if not slot:
        raise Fault("slot")
    return FileSource(slot=slot, dated=dated)


def _stream(text: str) -> StreamSource:
    url, options = _with_options(text)
    scheme = scheme_of(url)
    url = scheme + url[len(scheme) :]
    if "://" in url and scheme not in HEARD_SCHEMES:
        raise Fault("source_scheme", what=scheme, guess=_near(scheme, url))
    match fault_of(url):
        case "no_address":
            raise Fault("source")
        case "not_multicast":
            raise Fault("source_group", what=scheme)
    secure = scheme in SECURE_SCHEMES
    if not secure and not options.insecure:
        guess = "https" + url[len(scheme) :] if scheme == "http" else ""
        raise Fault("source_insecure", guess=guess)
    return StreamSource(
        url=url,
        insecure_live=not secure,
        delay_ms=options.delay_ms,
        max_kbps=options.max_kbps,
    )


def _near(scheme: str, url: str) -> str:
    meant = nearest(scheme, HEARD_SCHEMES)
    guess = meant + url[len(scheme) :]
    return guess if meant and fault_of(guess) is None else ""


def _line_in(name: str, options: _Options) -> LineInSource:
    if not name or len(name) > INPUT_MAX_CHARS:
        raise Fault("input_name")
    if options.max_kbps or options.insecure:
        what = "tối đa … kbit/s" if options.max_kbps else "không mã hóa"
        raise Fault("source_option_stream", what=what)
    return LineInSource(input=name, delay_ms=options.delay_ms)


def _with_options(text: str) -> tuple[str, _Options]:
    """The source without what stands in parentheses behind it. Raises Fault.

    Parentheses within an address belong to it.
    """
    options = _Options()
    if _RECORDED.match(bare(text)):
        _without_options(text)
        return text, options
    while (found := _OPTIONS.fullmatch(text)) is not None:
        words = _apart(found[2])
        apart = len(found[1]) < found.start(2) - 1  # a space before it
        if not (apart or all(map(_is_option, words))):
            break
        for one in words:
            options = _option(one, options)
        text = found[1]
    return text, options


def _apart(text: str) -> list[str]:
    """The options in a pair of parentheses; the comma of `1,5` is none between them."""
    return [clean(one) for one in _BETWEEN.split(text)]


def _without_options(text: str) -> None:
    """Raises Fault: of a recording nothing is held back or limited, and no slot is called so."""
    found = _OPTIONS.fullmatch(text)
    if found is not None and any(map(_is_option, _apart(found[2]))):
        raise Fault("source_option_file", what=found[2], guess=found[1])


def _is_option(text: str) -> bool:
    plain = bare(text)
    return plain in _INSECURE or bool(_DELAY.fullmatch(plain) or _MOST.fullmatch(plain))


def _option(text: str, options: _Options) -> _Options:
    plain = bare(text)
    if plain in _INSECURE:
        return options._replace(insecure=True)
    delay, most = _DELAY.fullmatch(plain), _MOST.fullmatch(plain)
    if delay is not None:
        number = float(delay[1].replace(",", "."))
        delay_ms = round(number if delay[2] == "ms" else number * 1000)
        if delay_ms > DELAY_MAX_MS:
            raise Fault("source_delay", what=text)
        return options._replace(delay_ms=delay_ms)
    if most is not None:
        if not KBPS_LEAST <= int(most[1]) <= KBPS_MOST:
            raise Fault("source_kbps", what=text)
        return options._replace(max_kbps=int(most[1]))
    raise Fault("source_option", what=text, guess=nearest(text, OPTIONS))


def _text(rest: str) -> TextSource:
    said = rest.strip().strip('"').strip()
    if not said:
        raise Fault("source")
    if len(said) > TEXT_MAX_CHARS:
        raise Fault("too_long", what=str(TEXT_MAX_CHARS))
    return TextSource(text=said)


def _tone(rest: str) -> ToneSource:
    match bare(rest):
        case "chime" | "nhac hieu":
            return ToneSource(name="chime")
        case "test" | "thu":
            return ToneSource(name="test")
        case _:
            raise Fault("source")


def _unknown(plain: str) -> Fault:
    if re.search(r"\.(mp3|m4a|aac|wav|ogg|opus|flac)$", plain):
        return Fault("source", guess=f"tep:{plain}")
    return Fault("source")
