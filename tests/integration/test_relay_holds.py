"""A relay goes on without a hole though sender and card keep different time.

The short version of `python -m simulator.bench.relay`; two hours of it are in docs/sound.md.
"""

from __future__ import annotations

import shutil

import pytest

from simulator.bench.relay import drawing, soak

pytestmark = [
    pytest.mark.skipif(
        not all(map(shutil.which, ("icecast2", "ffmpeg"))), reason="needs icecast2 and ffmpeg"
    ),
    pytest.mark.realtime,
    pytest.mark.slow,
]


def test_a_relay_holds_on_a_card_that_is_off() -> None:
    seen = soak(0.25, 400.0)
    seconds, store_ms, holes_ms, droughts = seen.rows[-1]
    assert seconds > 10
    assert (holes_ms, droughts, seen.faults) == (0, 0, [])
    assert 800 < store_ms < 3_500, "1.5 s in store, and what the server gave on top"
    assert drawing(seen, "").startswith("<svg")
