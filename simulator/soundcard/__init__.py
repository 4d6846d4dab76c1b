"""A sound card for tests and the demo: private PulseAudio, null sinks, a recorder with an anchor.

`SoundCard` owns the daemon and the configuration its clients need, `Recorder` owns what was heard
and when, `ModelledOutput` is a card whose clock runs at a known wrong speed, `PacedCard` an ALSA
device with no server before it, `PlayerChild` is the
real sound child on such a card. Nothing here judges what was heard: that is `simulator.measure`.
"""

from simulator.soundcard.card import SoundCard, SoundCardError
from simulator.soundcard.child import PlayerChild
from simulator.soundcard.material import encode
from simulator.soundcard.modelled import ModelledOutput
from simulator.soundcard.paced import PacedCard
from simulator.soundcard.recorder import Recorder

__all__ = [
    "ModelledOutput",
    "PacedCard",
    "PlayerChild",
    "Recorder",
    "SoundCard",
    "SoundCardError",
    "encode",
]
