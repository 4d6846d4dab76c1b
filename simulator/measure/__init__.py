"""Judging a recording against what should have been heard: pure numpy, no files, no clocks.

Owns cross-correlation with sub-sample positions, test programmes that correlate sharply, levels,
gaps, onsets and leakage between channels. Knows nothing of players, cards or stations and imports
nothing from `agent`. All signals are mono float arrays with full scale 1.0.
"""

from simulator.measure.correlate import find_start, leakage_db
from simulator.measure.levels import gaps, level_dbfs, onsets, peak_dbfs
from simulator.measure.programmes import chirp, programme

__all__ = [
    "chirp",
    "find_start",
    "gaps",
    "leakage_db",
    "level_dbfs",
    "onsets",
    "peak_dbfs",
    "programme",
]
