"""Writes the tables of `docs/source-api.md` from the code that sends and reads.

`python -m agent.adapters.source_api.document` renews what stands between the marks; `--check`
compares. The text around them is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.adapters.source_api import mapping, tables
from agent.adapters.source_api.forms import FORMS
from agent.adapters.source_api.inbound import READ, UNREAD

FILE = Path(__file__).parents[3] / "docs" / "source-api.md"
MARK = "<!-- {name}: written by python -m agent.adapters.source_api.document -->"
END = "<!-- end of {name} -->"


def rendered() -> dict[str, str]:
    """What belongs between the marks, by name."""
    return {
        "messages": _messages(),
        "mapping": _mapping(),
        "inbound": _inbound(),
        "codes": _codes(),
        "left-out": _left_out(),
    }


def renewed(text: str) -> str:
    """The document with its tables as they are now. Raises ValueError: a mark is missing."""
    for name, table in rendered().items():
        begin, end = MARK.format(name=name), END.format(name=name)
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{FILE.name} has no place for {name}")
        text = f"{head}{begin}\n\n{table}\n\n{end}{tail}"
    return text


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [_row(names), _row("---" for _ in names), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _messages() -> str:
    rows = ([f"`{name}`", which.upper(), vi, en] for name, (which, vi, en) in _all_messages())
    return _table(["message", "dialect", "nghĩa", "meaning"], rows)


def _all_messages() -> Iterator[tuple[str, tuple[str, str, str]]]:
    yield from mapping.MESSAGES.items()


def _mapping() -> str:
    rows = (
        [f"`{row.ours}`", row.vi, row.en, _places(row.a), _places(row.b)] for row in mapping.ROWS
    )
    return _table(["ours", "nghĩa", "meaning", "dialect A", "dialect B"], rows)


def _places(places: tuple[mapping.Place, ...]) -> str:
    return "<br>".join(_place(one) for one in places)


GROUPS: dict[tuple[str, ...], str] = {
    mapping.CALLS: "every call",
    mapping.LOGS: "api9",
    mapping.TOLD: "all but login",
    mapping.JOURNALS: "both journals",
    mapping.RECEIPTS: "receipts",
}


def _place(place: mapping.Place) -> str:
    """A plain text needs no word about its form."""
    where = GROUPS.get(place.messages) or ", ".join(place.messages)
    form = "" if place.form == "text" else f", {FORMS[place.form].shown}"
    mark = "" if place.evidence == "practice" else " *"
    return f"{where}: `{place.field}`{form}{mark}"


def _inbound() -> str:
    read = ([where, f"`{field}`", use] for where, field, use in READ)
    unread = ([where, f"`{field}`", f"not used: {why}"] for where, field, why in UNREAD)
    return _table(["where", "field", "use"], [*read, *unread])


def _codes() -> str:
    rows = (
        [f"`{table.__name__}`", str(code), name]
        for table, names in tables.NAMES.items()
        for code, name in names.items()
    )
    seen = _table(["table", "code", "tên"], rows)
    unseen = "\n".join(f"- `{name}`: {why}" for name, why in tables.UNSEEN.items())
    return f"{seen}\n\nNot seen, so from the configuration:\n\n{unseen}"


def _left_out() -> str:
    rows = ([f"`{name}`", why] for name, why in mapping.LEFT_OUT.items())
    return _table(["ours", "why it has no place there"], rows)


def main(arguments: list[str]) -> int:
    text = FILE.read_text("utf-8")
    now = renewed(text)
    if "--check" in arguments:
        if now != text:
            sys.stderr.write(f"out of date: {FILE}\n")
        return int(now != text)
    FILE.write_text(now, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
