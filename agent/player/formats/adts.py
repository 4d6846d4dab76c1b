"""ADTS AAC: whole frames from a little before the position."""

from __future__ import annotations

from agent.player.formats import aac
from agent.player.formats.data import Data
from agent.player.formats.excerpt import NotThisFormat, Plan, after_id3, scaled, slices


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    begin = after_id3(data)
    rate_hz = _rate_hz(data, begin)
    count, at = 0, begin
    wanted = scaled(from_frames, rate_hz)
    first, skip = aac.run_in(wanted, aac.USUAL_PRIMING, rate_hz)
    low = last = begin
    while (length := _length(data, at)) and at + length <= len(data):
        if count == first:
            low = at
        last, at, count = at, at + length, count + 1
    total = max(0, count * aac.FRAME - aac.USUAL_PRIMING)
    low = low if first < count else at
    # Once more the last frame: what replicates the spectrum gives its sound 481 samples later.
    pieces = [*slices(data, low, at), *slices(data, last, at)]
    return Plan(rate_hz, pieces, max(0, skip), total, total, aac.DEMUX)


def _rate_hz(data: Data, at: int) -> int:
    length = _length(data, at)
    if not length or not _length(data, at + length):
        raise NotThisFormat("no ADTS frames")
    index = data[at + 2] >> 2 & 15
    if index >= len(aac.RATES_HZ):
        raise NotThisFormat("no ADTS rate")
    return aac.RATES_HZ[index]


def _length(data: Data, at: int) -> int:
    """The length of the frame at `at`; 0 when there is none."""
    head = data[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0
