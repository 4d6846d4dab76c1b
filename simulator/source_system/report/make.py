"""Writes the files of a report. The only place where content meets files and libraries.

openpyxl and python-docx are imported here on use: the rest of districtctl works without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulator.source_system.report.content import heading, tables
from simulator.source_system.report.csv_files import write_csvs
from simulator.source_system.report.gather import Report
from simulator.source_system.report.letterhead import Letterhead
from simulator.source_system.report.page import write_page

XLSX, DOCX, HTML, CSV = "report.xlsx", "report.docx", "report.html", "csv"

Say = Callable[[str], None]


class LibraryMissing(Exception):  # noqa: N818 - a verdict
    """The district's extra is not installed; says which package."""


@dataclass(frozen=True, slots=True)
class Files:
    """What was written."""

    xlsx: Path
    html: Path
    docx: Path
    csv: list[Path]


def write(report: Report, letterhead: Letterhead, folder: Path, say: Say = lambda _: None) -> Files:
    """Into a folder that is made when it is not there. Raises LibraryMissing, OSError."""
    try:
        from simulator.source_system.report.document import write_document
        from simulator.source_system.report.xlsx import write_xlsx
    except ModuleNotFoundError as error:
        raise LibraryMissing(error.name) from error
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CSV).mkdir(exist_ok=True)
    sheets, tz = tables(report), report.window.tz
    say("csv")
    csvs = write_csvs(sheets, folder / CSV, tz)
    say("html")
    html = write_page(report, sheets, folder / HTML)
    say("xlsx")
    xlsx = write_xlsx(sheets, heading(report), folder / XLSX, tz)
    say("docx")
    docx = write_document(report, sheets, letterhead, folder / DOCX)
    return Files(xlsx, html, docx, csvs)
