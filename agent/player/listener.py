"""One input, listened to: `python -m agent.player.listener DEVICE --channels N --frames N`.

A process of its own, because PortAudio's list of devices is frozen when it is initialised, and the
sound child keeps it initialised for as long as it plays: a microphone that was plugged in later, or
again at another index, is seen only by somebody who comes new. And a capture that hangs, as it may
when a device is pulled out, can be killed without the sound.

Says first, in a line, `open`, or why not (`not_found`, `refused`) with what there is; then gives
interleaved S16 at 48 kHz until its stdin is closed, which is also how its parent's death is seen.
"""

from __future__ import annotations

import argparse
import os
import threading
from typing import Any

from agent.player.devices import find, prepare_portaudio
from agent.player.protocol import RATE_HZ


def main() -> None:
    """Never returns: whatever hangs must not keep the process."""
    parser = argparse.ArgumentParser(prog="agent.player.listener", description=__doc__)
    parser.add_argument("device")
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--frames", type=int, required=True)
    arguments = parser.parse_args()
    out = _quiet_descriptors()
    threading.Thread(target=_until_nobody_wants_it, daemon=True).start()
    os._exit(_listen(out, arguments.device, arguments.channels, arguments.frames))


def _listen(out: int, device: str, channels: int, frames: int) -> int:
    prepare_portaudio()
    import pyaudio

    library: Any = pyaudio.PyAudio()
    index, _, there_are = find(library, device, "maxInputChannels", channels)
    if index is None:
        return _say(out, f"not_found there are: {there_are}")
    try:
        stream: Any = library.open(
            format=pyaudio.paInt16,
            channels=channels,
            rate=RATE_HZ,
            input=True,
            input_device_index=index,
            frames_per_buffer=frames,
        )
    except (OSError, ValueError) as error:
        return _say(out, f"refused {error}")
    _say(out, "open")
    try:
        while True:
            data = stream.read(frames, exception_on_overflow=False)
            while data:
                data = data[os.write(out, data) :]
    except OSError:  # the device is gone, or nobody listens
        return 1


def _say(out: int, line: str) -> int:
    os.write(out, line.replace("\n", " ").encode("utf-8", "replace") + b"\n")
    return 0


def _until_nobody_wants_it() -> None:
    while os.read(0, 64):
        pass
    os._exit(0)


def _quiet_descriptors() -> int:
    """Keep the real stdout for us; what the libraries print leads nowhere."""
    out, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return out


if __name__ == "__main__":
    main()
