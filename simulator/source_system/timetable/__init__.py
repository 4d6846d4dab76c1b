"""Timetables as engineers write them: CSV from a spreadsheet or readable TOML, to typed entries.

Owns reading, guessing and refusing. Pure but for reading the file. Signs and sends nothing.
Invariant: every fault of a file is found in one go, each with its place, content and a guess.
"""

from simulator.source_system.timetable.findings import Finding
from simulator.source_system.timetable.reading import Reading, read_timetable

__all__ = ["Finding", "Reading", "read_timetable"]
