"""What is told of a bulletin beyond its title: its summary, when it was made, its author's e-mail.

Pure. The same words in a cell, in TOML and on the command line of `publish`.
"""

from __future__ import annotations

import datetime as dt
import re

from simulator.source_system.timetable.clock import parse_clock
from simulator.source_system.timetable.days import parse_date
from simulator.source_system.timetable.findings import Fault
from simulator.source_system.timetable.words import clean

SUMMARY_MAX_CHARS = 500
EMAIL_MAX_CHARS = 200

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def parse_summary(text: str) -> str:
    if len(text) > SUMMARY_MAX_CHARS:
        raise Fault("too_long", what=str(SUMMARY_MAX_CHARS))
    return text


def parse_produced(text: str) -> str:
    """A date, with a time of day behind it if that is known: `24/11/2026`, `2026-11-24 16h20`."""
    if not text:
        return ""
    day, _, clock = clean(text).replace("T", " ").partition(" ")
    try:
        made, _shape = parse_date(day, year=0)
    except Fault as fault:
        # Of a date without its year nothing can be guessed: it may lie far back.
        guess = "" if fault.guess.startswith("0-") else fault.guess
        raise Fault("produced", guess=guess) from None
    if not clock:
        return made.isoformat()
    seconds = parse_clock(clock)
    return (dt.datetime.combine(made, dt.time()) + dt.timedelta(seconds=seconds)).isoformat()


def parse_email(text: str) -> str:
    if text and (len(text) > EMAIL_MAX_CHARS or not _EMAIL.fullmatch(text)):
        raise Fault("email")
    return text
