"""A sound card for tests and the demo: private PulseAudio, null sinks, a recorder with an anchor.

`SoundCard` owns the daemon and the configuration its clients need, `Recorder` owns what was heard
and when, `ModelledOutput` is a card whose clock runs at a known wrong speed. Nothing here judges
what was heard: that is `simulator.measure`.
"""

from simulator.soundcard.card import SoundCard, SoundCardError
from simulator.soundcard.recorder import Recorder

__all__ = ["Recorder", "SoundCard", "SoundCardError"]
