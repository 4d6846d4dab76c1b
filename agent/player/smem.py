"""libVLC's stream output into memory, `smem`: the shape of its callbacks, and how they are named.

Callbacks live as long as libVLC may call them; who makes them keeps them.
"""

from __future__ import annotations

import ctypes
from typing import Any

Before = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t)
"""Where the next samples shall go: data, place (to be set), bytes."""

After = ctypes.CFUNCTYPE(
    None,
    ctypes.c_void_p,  # data
    ctypes.c_void_p,  # samples
    ctypes.c_uint,  # channels
    ctypes.c_uint,  # rate
    ctypes.c_uint,  # samples of a channel
    ctypes.c_uint,  # bits
    ctypes.c_size_t,  # bytes
    ctypes.c_int64,  # time stamp
)
"""They are there."""


def output(before: Any, after: Any) -> str:
    """The part of a `:sout=` chain that hands the samples over, as fast as they are taken."""
    return (
        f"smem{{no-time-sync,audio-prerender-callback={address_of(before)},"
        f"audio-postrender-callback={address_of(after)}}}"
    )


def address_of(callback: Any) -> int:
    """As libVLC's options want it: a number.

    Not by `ctypes.cast`: it writes the function into the function's own book of what it holds, a
    cycle in which all that the callback reaches waits for the collector (74 MB after 30 files).
    """
    return ctypes.c_void_p.from_address(ctypes.addressof(callback)).value or 0
