"""What the agent is told of what really left each bus.

Owns the report; the ears and limiters are the mixer's. Runs in the control thread: it reads what
the card's thread last wrote, and waits for nothing.
"""

from __future__ import annotations

import math

from agent.player.clockmap import ms_of_frames
from agent.player.mixer import Mixer
from agent.player.protocol import Heard


def heard(mixer: Mixer, at_ms: int) -> list[Heard]:
    """One report for each bus that a cue has, as its ear heard it last."""
    reports: list[Heard] = []
    for voice in mixer.playing():
        look, limiter = mixer.ears[voice.bus].last, mixer.limiters[voice.bus]
        if look is None:
            continue
        part, position = voice.position()
        deepest, limiter.deepest = limiter.deepest, 1.0
        flat = look.flatness
        reports.append(
            Heard(
                token=voice.token,
                bus=voice.bus,
                part=part,
                source=voice.source,
                position_ms=ms_of_frames(position),
                at_ms=at_ms,
                kind=look.kind,
                for_ms=ms_of_frames(look.for_frames),
                level_cdb=round(100 * look.level_dbfs),
                peak_cdb=round(100 * look.peak_dbfs),
                flatness_permille=None if flat is None else round(1000 * flat),
                limited_cdb=round(2000 * math.log10(max(deepest, 1e-6))),
                levelled_cdb=voice.levelled_cdb,
            )
        )
    return reports
