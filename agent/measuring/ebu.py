"""Loudness as EBU R128 defines it, by libebur128 through ctypes.

Owns the binding. Blocks of 16 bit samples in; integrated loudness (LUFS), loudness range (LU) and
true peak (dBTP) out, or what the last 400 ms were. Knows nothing of files.

Invariants: what cannot be measured (too short, gated away) is None, never a number; a mono signal
counts as one heard from two sides (`dual mono`), as a stereo programme of the same sound would.
"""

from __future__ import annotations

import ctypes
import functools
import math
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIBRARY = "libebur128.so.1"

_MODE_MOMENTARY = 0b1
_MODE_ALL = 0b111111  # momentary, short-term, integrated, range, sample peak, true peak
_LEFT, _RIGHT, _CENTRE, _LEFT_SURROUND, _RIGHT_SURROUND, _DUAL_MONO = 1, 2, 3, 4, 5, 6
_PLACES = {
    1: (_DUAL_MONO,),
    2: (_LEFT, _RIGHT),
    5: (_LEFT, _RIGHT, _CENTRE, _LEFT_SURROUND, _RIGHT_SURROUND),
}
_LOWEST_LUFS = -70.0
"""The absolute gate of BS.1770: below it there is no programme."""


class NoLibraryError(Exception):
    """libebur128 is not installed."""


class LoudnessMeter:
    """One programme. Its memory is given back when it is closed, or nobody has it any more.

    momentary: of what never ends. It holds 400 ms and can be asked for nothing else.
    """

    def __init__(self, rate_hz: int, channels: int = 1, *, momentary: bool = False) -> None:
        self._library = _library()
        self._channels = channels
        mode = _MODE_MOMENTARY if momentary else _MODE_ALL
        self._state = ctypes.c_void_p(self._library.ebur128_init(channels, rate_hz, mode))
        if self._state.value is None:
            raise ValueError(f"{channels} channels at {rate_hz} Hz cannot be measured")
        self._free = weakref.finalize(self, _destroyed, self._library, self._state)
        for number, place in enumerate(_PLACES[channels]):
            self._library.ebur128_set_channel(self._state, number, place)

    def __enter__(self) -> LoudnessMeter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the memory back; harmless twice."""
        self._free()

    def add(self, samples: NDArray[np.int16]) -> None:
        """The next samples, interleaved when there are several channels."""
        held = np.ascontiguousarray(samples, np.int16)
        frames = held.size // self._channels
        if self._library.ebur128_add_frames_short(self._state, held.ctypes.data, frames):
            raise MemoryError("libebur128 has no memory left")

    @property
    def loudness_lufs(self) -> float | None:
        """Integrated, gated; None when nothing passed the gates."""
        found = self._ask(self._library.ebur128_loudness_global)
        return found if found is not None and found > _LOWEST_LUFS else None

    @property
    def momentary_lufs(self) -> float | None:
        """Of the last 400 ms, not gated; None of digital silence."""
        return self._ask(self._library.ebur128_loudness_momentary)

    @property
    def range_lu(self) -> float | None:
        """Loudness range (EBU Tech 3342); None while there is no integrated loudness."""
        return (
            None if self.loudness_lufs is None else self._ask(self._library.ebur128_loudness_range)
        )

    @property
    def true_peak_dbtp(self) -> float | None:
        """The highest of all channels, four times oversampled; None of digital silence."""
        peaks = [
            self._ask(self._library.ebur128_true_peak, number) for number in range(self._channels)
        ]
        highest = max((peak for peak in peaks if peak is not None), default=0.0)
        return 20.0 * math.log10(highest) if highest > 0.0 else None

    def _ask(self, question: Any, *arguments: int) -> float | None:
        answer = ctypes.c_double()
        failed = question(self._state, *arguments, ctypes.byref(answer))
        return None if failed or not math.isfinite(answer.value) else answer.value


def _destroyed(library: Any, state: ctypes.c_void_p) -> None:
    library.ebur128_destroy(ctypes.byref(state))  # leaves NULL behind


@functools.cache
def _library() -> Any:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NoLibraryError(str(error)) from error
    state, number, answer = ctypes.c_void_p, ctypes.c_uint, ctypes.POINTER(ctypes.c_double)
    library.ebur128_init.restype = ctypes.c_void_p
    library.ebur128_init.argtypes = (number, ctypes.c_ulong, ctypes.c_int)
    library.ebur128_destroy.restype = None
    library.ebur128_destroy.argtypes = (ctypes.POINTER(state),)
    library.ebur128_set_channel.argtypes = (state, number, ctypes.c_int)
    library.ebur128_add_frames_short.argtypes = (state, ctypes.c_void_p, ctypes.c_size_t)
    library.ebur128_loudness_global.argtypes = (state, answer)
    library.ebur128_loudness_momentary.argtypes = (state, answer)
    library.ebur128_loudness_range.argtypes = (state, answer)
    library.ebur128_true_peak.argtypes = (state, number, answer)
    return library
