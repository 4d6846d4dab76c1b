"""An extract as one A4 page: HTML to print or to save as PDF, and the same as plain text. Pure.

Owns the layout. Items that do not fit on the one page follow in an annex, so that nothing is left
out; what fits is reckoned from the length of the texts, with some room to spare. No script, no
picture and no address is loaded from anywhere.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from html import escape

from agent.contract.reasons import Lang
from simulator.source_system.extract.content import Extract, Play
from simulator.source_system.extract.words import Speaker, plain

ACTS_SHOWN = 5
LINES_SHOWN = 7
"""Of a list; the JSON has all of it."""

PAGE_MM = 270.0
HEAD_MM = 38.2
"""Name, title, what it is about, and the heads of the table."""

HEADING_MM, LINE_MM, PARAGRAPH_MM, BOX_MM = 7.7, 4.0, 0.4, 3.6
ROW_LINE_MM, ROW_MM = 3.5, 1.8
LINE_LETTERS = 132
LETTERS_A_PERCENT, SMALL_A_PERCENT = 1.34, 1.44
"""How many letters go on a line of a cell for each percent of the table's width."""

WIDTH = 96
JSON_FILE = "trich-luc.json"
TEXT_FILE = "trich-luc.txt"
RECORDS_FILE = "ban-ghi.jsonl"
SIGNING_FILE = "kiem-chu-ky.txt"

STYLE = """
@page { size: A4; margin: 12mm 13mm; }
* { box-sizing: border-box; }
body { font: 8.6pt/1.32 "Times New Roman", "Liberation Serif", "Noto Serif", serif; color: #000;
  margin: 0 auto; max-width: 184mm; }
@media screen { body { padding: 12mm 13mm; max-width: 210mm; } }
header { display: flex; justify-content: space-between; font-size: 9pt; }
h1 { font-size: 14pt; text-align: center; margin: 3mm 0 1mm; letter-spacing: .02em; }
h2 { font-size: 9.6pt; margin: 2.4mm 0 .8mm; }
p { margin: 0 0 .8mm; }
.about { text-align: center; font-size: 10.5pt; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; }
th, td { border: .3pt solid #555; padding: .7mm 1mm; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; font-size: 8pt; }
td { font-size: 8pt; line-height: 1.24; }
tr { break-inside: avoid; }
.sub { color: #333; font-size: 7.4pt; }
.time { white-space: normal; font-variant-numeric: tabular-nums; }
.box { border: .8pt solid #000; padding: 1mm 1.6mm; margin: 1.6mm 0; }
.bad { font-weight: bold; }
ul { margin: 0; padding-left: 4.5mm; }
.annex { break-before: page; }
"""
COLUMNS = (
    ("c_planned", 9.5),
    ("c_actual", 10),
    ("c_what", 20),
    ("c_who", 18),
    ("c_volume", 7.5),
    ("c_level", 9),
    ("c_outcome", 18),
    ("c_record", 8),
)
"""Heading and width in percent."""


def page(extract: Extract, lang: Lang) -> str:
    """The whole HTML document."""
    speaker = Speaker(extract, lang)
    lists = {
        "h_acts": _first_acts(speaker),
        "h_rules": _shortened(speaker, speaker.rules()),
        "h_unmeasured": speaker.unmeasured(),
        "h_evidence": _shortened(speaker, speaker.evidence()),
        "h_signed": _signed(speaker),
    }
    fit = _how_many_fit(speaker, lists.values())
    first, rest = extract.plays[:fit], extract.plays[fit:]
    parts = [
        _head(speaker),
        _section(speaker, "h_plays", _plays(speaker, first, len(rest))),
        _section(speaker, "h_acts", _list(lists["h_acts"])) if lists["h_acts"] else "",
        _section(speaker, "h_rules", _lines(lists["h_rules"])),
        _box(speaker, "h_unmeasured", _list(lists["h_unmeasured"])),
        _section(speaker, "h_evidence", _list(lists["h_evidence"], bad=not extract.is_complete)),
        _section(speaker, "h_signed", _lines(lists["h_signed"])),
    ]
    if rest:
        parts.append(
            f'<section class="annex"><h2>{escape(speaker.say("annex"))}</h2>'
            f"{_table(speaker, rest)}</section>"
        )
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(speaker.say('title'))} – {escape(plain(extract.station_name))}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n" + "\n".join(filter(None, parts)) + "\n"
        "</body>\n</html>\n"
    )


def _head(speaker: Speaker) -> str:
    extract = speaker.extract
    reference = plain(extract.asked.reference)
    answers = f"<p>{escape(speaker.say('answers', reference=reference))}</p>" if reference else ""
    return (
        f"<header><b>{escape(plain(extract.signer.authority_name).upper())}</b>"
        f"<span>{escape(speaker.made())}</span></header>\n"
        f"<h1>{escape(speaker.say('title'))}</h1>\n"
        f'<div class="about"><p><b>{escape(speaker.about())}</b></p>{answers}</div>'
    )


def _section(speaker: Speaker, heading: str, inside: str) -> str:
    return f"<section><h2>{escape(speaker.say(heading))}</h2>\n{inside}</section>"


def _box(speaker: Speaker, heading: str, inside: str) -> str:
    return f'<section class="box"><h2>{escape(speaker.say(heading))}</h2>\n{inside}</section>'


def _plays(speaker: Speaker, plays: Sequence[Play], more: int) -> str:
    if not plays:
        return f'<p class="bad">{escape(speaker.no_plays())}</p>'
    after = f"<p>{escape(speaker.say('more_plays', count=more))}</p>" if more else ""
    return _table(speaker, plays) + after


def _table(speaker: Speaker, plays: Iterable[Play]) -> str:
    widths = "".join(f'<col style="width:{width}%">' for _, width in COLUMNS)
    heads = "".join(f"<th>{escape(speaker.say(key))}</th>" for key, _ in COLUMNS)
    rows = "\n".join(f"<tr>{_row(speaker, one)}</tr>" for one in plays)
    return (
        f"<table><colgroup>{widths}</colgroup><thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _row(speaker: Speaker, play: Play) -> str:
    return "".join(_cell(*cell) for cell in _cells(speaker, play))


def _cells(speaker: Speaker, play: Play) -> list[tuple[str, str, str]]:
    """Text, what stands small below it, and how it is set; one for each column."""
    return [
        (speaker.planned(play), "", "time"),
        (speaker.actual(play), "", "time"),
        (*speaker.what(play), ""),
        (*speaker.who(play), ""),
        (speaker.volume(play), "", ""),
        (speaker.level(play), "", ""),
        (speaker.outcome(play), "", ""),
        (*speaker.record(play), ""),
    ]


def _cell(text: str, sub: str, css: str) -> str:
    below = f'<br><span class="sub">{escape(sub)}</span>' if sub else ""
    return f"<td{f' class={css}' if css else ''}>{escape(text)}{below}</td>"


def _first_acts(speaker: Speaker) -> list[str]:
    acts = speaker.extract.acts
    lines = [speaker.act(one) for one in acts[:ACTS_SHOWN]]
    if len(acts) > ACTS_SHOWN:
        lines.append(speaker.say("more_acts", count=len(acts) - ACTS_SHOWN, file=JSON_FILE))
    return lines


def _shortened(speaker: Speaker, lines: list[str]) -> list[str]:
    if len(lines) <= LINES_SHOWN:
        return lines
    more = speaker.say("more_lines", count=len(lines) - LINES_SHOWN, file=TEXT_FILE)
    return [*lines[:LINES_SHOWN], more]


def _signed(speaker: Speaker) -> list[str]:
    check = speaker.say("check", file=SIGNING_FILE, records=RECORDS_FILE)
    return [speaker.signer(), check, speaker.say("page")]


# --- what fits -----------------------------------------------------------------------------


def _how_many_fit(speaker: Speaker, lists: Iterable[Sequence[str]]) -> int:
    """Items that go on the first page beside everything else that has to stand there."""
    left_mm = PAGE_MM - HEAD_MM - HEADING_MM - LINE_MM - BOX_MM
    left_mm -= sum(_list_mm(lines) for lines in lists if lines)
    for fit, play in enumerate(speaker.extract.plays):
        left_mm -= _row_mm(speaker, play)
        if left_mm < 0:
            return fit
    return len(speaker.extract.plays)


def _list_mm(lines: Sequence[str]) -> float:
    return HEADING_MM + sum(_wrapped(line, LINE_LETTERS) * LINE_MM + PARAGRAPH_MM for line in lines)


def _row_mm(speaker: Speaker, play: Play) -> float:
    lines = 1
    for (text, sub, _), (_, percent) in zip(_cells(speaker, play), COLUMNS, strict=True):
        below = _wrapped(sub, int(percent * SMALL_A_PERCENT)) if sub else 0
        lines = max(lines, _wrapped(text, int(percent * LETTERS_A_PERCENT)) + below)
    return lines * ROW_LINE_MM + ROW_MM


def _wrapped(text: str, letters: int) -> int:
    return len(textwrap.wrap(text, letters)) or 1


# --- pieces --------------------------------------------------------------------------------


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _list(lines: Iterable[str], *, bad: bool = False) -> str:
    css = ' class="bad"' if bad else ""
    return f"<ul{css}>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


# --- plain text ----------------------------------------------------------------------------


def text(extract: Extract, lang: Lang) -> str:
    """The same, to be read anywhere; every item, nothing in an annex."""
    speaker = Speaker(extract, lang)
    reference = plain(extract.asked.reference)
    lines = [speaker.say("title"), speaker.about(), speaker.made()]
    lines += [speaker.say("answers", reference=reference)] if reference else []
    lines += ["", speaker.say("h_plays").upper()]
    for number, play in enumerate(extract.plays, 1):
        lines += _play_text(speaker, number, play)
    if not extract.plays:
        lines.append(speaker.no_plays())
    if extract.acts:
        lines += ["", speaker.say("h_acts").upper()]
        lines += _bullets(speaker.act(one) for one in extract.acts)
    for heading, said in (
        ("h_rules", speaker.rules()),
        ("h_unmeasured", speaker.unmeasured()),
        ("h_evidence", speaker.evidence()),
    ):
        lines += ["", speaker.say(heading).upper(), *_bullets(said)]
    check = speaker.say("check", file=SIGNING_FILE, records=RECORDS_FILE)
    lines += ["", speaker.say("h_signed").upper(), *_bullets([speaker.signer(), check])]
    return "\n".join([*lines, speaker.say("page")]) + "\n"


def _play_text(speaker: Speaker, number: int, play: Play) -> list[str]:
    title, kind = speaker.what(play)
    seq, proof = speaker.record(play)
    labelled = (
        ("c_planned", speaker.planned(play)),
        ("c_actual", speaker.actual(play)),
        ("c_who", "; ".join(speaker.who(play))),
        ("c_volume", speaker.volume(play)),
        ("c_level", speaker.level(play)),
        ("c_outcome", speaker.outcome(play)),
        ("c_record", f"{seq}, {proof}"),
    )
    lines = [f"{number}. {title} ({kind})"]
    for key, value in labelled:
        lines += textwrap.wrap(
            f"{speaker.say(key)}: {value}",
            WIDTH,
            initial_indent="   ",
            subsequent_indent="     ",
            break_on_hyphens=False,
        )
    return lines


def _bullets(lines: Iterable[str]) -> list[str]:
    return [
        part
        for line in lines
        for part in textwrap.wrap(
            line, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
        )
    ]
