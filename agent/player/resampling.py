"""From any sample rate to 48 kHz, by libsoxr through ctypes.

Owns the binding. Blocks of mono samples in, blocks at 48 kHz out; the library keeps back what its
filter needs and gives it at the end. Invariants: output sample n lies exactly at n / 48,000 s of
the input, whatever the filter's delay; as many samples come out as the input lasts.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
from typing import Any

import numpy as np

from agent.player.protocol import RATE_HZ
from agent.player.ring import Block

LIBRARY = "libsoxr.so.0"

_SLACK = 64


class Resampler:
    """One programme. Its memory is given back when nobody has it any more."""

    def __init__(self, rate_hz: int) -> None:
        self._library = _library()
        error = ctypes.c_char_p()
        state = self._library.soxr_create(
            float(rate_hz), float(RATE_HZ), 1, ctypes.byref(error), None, None, None
        )
        if not state:
            raise ValueError(f"{rate_hz} Hz cannot be resampled: {error.value!r}")
        self._state = ctypes.c_void_p(state)
        self._ratio = RATE_HZ / rate_hz
        weakref.finalize(self, self._library.soxr_delete, self._state)

    def add(self, block: Block) -> Block:
        """What can be told of the sound up to the end of `block`."""
        block = np.ascontiguousarray(block, np.float32)
        found, at = [], 0
        while at < len(block):
            used, out = self._process(block[at:], int((len(block) - at) * self._ratio) + _SLACK)
            at += used
            found.append(out)
            if not used and not len(out):
                break
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def rest(self) -> Block:
        """What the filter still holds, once all was added."""
        found = []
        while len(out := self._process(None, RATE_HZ)[1]):
            found.append(out)
        return np.concatenate(found) if found else np.zeros(0, np.float32)

    def _process(self, block: Block | None, room: int) -> tuple[int, Block]:
        out = np.empty(room, np.float32)
        used, made = ctypes.c_size_t(), ctypes.c_size_t()
        self._library.soxr_process(
            self._state,
            None if block is None else block.ctypes.data,
            0 if block is None else len(block),
            ctypes.byref(used),
            out.ctypes.data,
            room,
            ctypes.byref(made),
        )
        return used.value, out[: made.value]


@functools.cache
def _library() -> Any:
    library = ctypes.CDLL(LIBRARY)
    size_p = ctypes.POINTER(ctypes.c_size_t)
    library.soxr_create.restype = ctypes.c_void_p
    library.soxr_create.argtypes = [
        ctypes.c_double,
        ctypes.c_double,
        ctypes.c_uint,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    library.soxr_process.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, size_p]
    library.soxr_process.argtypes += [ctypes.c_void_p, ctypes.c_size_t, size_p]
    library.soxr_delete.argtypes = [ctypes.c_void_p]
    library.soxr_delete.restype = None
    return library
