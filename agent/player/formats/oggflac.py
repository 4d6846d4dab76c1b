"""FLAC in Ogg: the FLAC file that it holds.

What the pages carry, one after the other without the first nine bytes of the mapping's own header,
is a FLAC file, metadata and all.
"""

from __future__ import annotations

from agent.player.formats import flac, ogg
from agent.player.formats.data import Data, Joined
from agent.player.formats.excerpt import NotThisFormat, Plan

_MARK = b"\x7fFLAC"
_OWN_BYTES = 9


def plan(data: Data, from_frames: int) -> Plan:
    """The file from `from_frames` on."""
    if data[:4] != b"OggS" or data[28:33] != _MARK:
        raise NotThisFormat("no FLAC in Ogg")
    stretches = [(body, sum(lacing)) for body, lacing, _ in ogg.pages(data)]
    if not stretches or stretches[0][1] < _OWN_BYTES:
        raise NotThisFormat("no FLAC in Ogg")
    body, size = stretches[0]
    stretches[0] = (body + _OWN_BYTES, size - _OWN_BYTES)
    return flac.plan(Joined(data, stretches), from_frames)
