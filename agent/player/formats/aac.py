"""What ADTS and M4A share: libVLC's AAC decoder and its habits (measured with 3.0.24).

The decoder gives nothing for the first frame it sees. Encoders put at least one frame (1024
samples) before the programme; ADTS cannot say how many, so that is what is assumed there. At
24 kHz and below the decoder always applies spectral band replication, which delays by another
481 samples.
"""

from __future__ import annotations

FRAME = 1024
DEMUX = "aac"
"""libVLC's module: left to guess, it does not know six channels at 16 and 22 kHz."""
USUAL_PRIMING = 1024
RATES_HZ = (
    96_000,
    88_200,
    64_000,
    48_000,
    44_100,
    32_000,
    24_000,
    22_050,
    16_000,
    12_000,
    11_025,
    8_000,
    7_350,
)
_RUN_IN_FRAMES = 3
_SWALLOWED = FRAME
_REPLICATION_DELAY = 481
_REPLICATION_BELOW_HZ = 24_000


def run_in(wanted: int, priming: int, rate_hz: int) -> tuple[int, int]:
    """For a programme position: the frame to begin with and the samples to throw away."""
    raw = wanted + priming
    first = max(0, raw // FRAME - 1 - _RUN_IN_FRAMES)
    extra = _REPLICATION_DELAY if rate_hz <= _REPLICATION_BELOW_HZ else 0
    return first, raw - first * FRAME - _SWALLOWED + extra
