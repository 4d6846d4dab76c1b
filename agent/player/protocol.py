"""What the agent and its sound child say to each other: one JSON object a line, tagged by `t`.

Agent → child on the child's stdin, child → agent on its stdout; stderr is log text. The child
fades and exits when stdin reaches end of file (its agent is gone).

Units: `_ms` integer milliseconds, `_us` integer microseconds, `_cdb` hundredths of a decibel.
`*_at_ms` are instants of the wall clock in epoch milliseconds, read through the mapping of the
message's `epoch` (see `Time`). Positions count from the first sample of the programme *before
encoding*: codec priming is already corrected.

A bus is one channel of the card. At its `start_at_ms` a cue takes over its bus; whatever played
there ends at that instant with `taken_over`, unless the cue is meant to lie over it. Cues of one
bus may be sent ahead in any order.
"""

from __future__ import annotations

from typing import Literal

import msgspec

PROTOCOL_VERSION = 1

RATE_HZ = 48_000

RTSP_PROGRAM = "ffmpeg"
"""What fetches streams over RTSP, in a process of its own."""

SourceKind = Literal["file", "stream", "input", "tone", "silence"]

LIVE_KINDS: tuple[SourceKind, ...] = ("stream", "input")

Retake = Literal["never", "at_once", "when_over"]

EndReason = Literal[
    "finished",  # the last sample of the last part left the card
    "stopped",  # `Stop` asked for it
    "taken_over",  # a later cue began on this bus
    "end_reached",  # `end_at_ms` cut or faded it
    "source_failed",  # every source of a part failed
    "late",  # the cue arrived when nothing of it was left to play
]

SourceFault = Literal[
    "not_found",  # file or URL does not exist, or nobody sends to the group
    "refused",  # the server refused or closed before any sound
    "not_audio",  # opened, but no audio came out of the decoder
    "stalled",  # sound came, then nothing for the stall limit
    "ended_early",  # a live source closed before its end
    "silent",  # a live source sent silence for longer than `silent_ms`
    "too_fast",  # a stream carries more than `max_kbps`
    "too_slow",  # a live source comes slower than it is played, for longer than its store lasts
    "decoder_hung",  # libVLC did not answer within its bound
    "no_program",  # what fetches such a stream is not installed
]


class Aim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a live source is led while it plays, because nobody can measure it before.

    To `loudness_clufs`, lowered by `cut_cdb` and raised by `boost_cdb` at most, and never raised
    so far that its peaks would come above `peak_cdb`.
    """

    loudness_clufs: int
    cut_cdb: int
    boost_cdb: int
    peak_cdb: int


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to get the sound of a part.

    `url`: path of a verified local file (`file`), URL (`stream`), name of a capture device
    (`input`, counted from `channel` 0), empty otherwise. `tone` is described by `tone_hz`
    (several frequencies alternate every `tone_step_ms`). `gain_cdb` brings this source to the
    station's level; it adds to the part's.

    Of live sources (`stream`, `input`): `delay_ms` holds the sound back, `silent_ms` of silence
    count as a source that is down (0: silence is fine), `max_kbps` is all that a stream may carry
    (0: any), `aim` is where it is led (None: it plays as it comes).
    """

    kind: SourceKind
    url: str = ""
    tone_hz: tuple[int, ...] = ()
    tone_step_ms: int = 500
    gain_cdb: int = 0
    channel: int = 0
    delay_ms: int = 0
    silent_ms: int = 0
    max_kbps: int = 0
    aim: Aim | None = None


PATTERN_HOP_MS = 50
PATTERN_HZ = tuple(400 + 120 * pow(5, hop, 23) for hop in range(1, 23))
PATTERN_MS = PATTERN_HOP_MS * len(PATTERN_HZ)
PATTERN = Source("tone", tone_hz=PATTERN_HZ, tone_step_ms=PATTERN_HOP_MS)
"""The self-test's sound: hops through the voice band in an order (Welch's, modulo 23) whose shifted
copies hardly agree with it, so that it can be found in a recording."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of sound; parts of a cue follow each other without a gap.

    `sources` are tried in order: a live source that fails or stalls gives way to the next one.
    `from_ms` is the position the part begins at, or how much of its time is gone where a live
    source comes before (see `origin_ms`); `length_ms` None plays to its end. `retake`: whether an
    earlier live source that is well again is gone back to: `at_once`, when the recording that
    stands in for it is over (`when_over`), or `never`.
    """

    sources: tuple[Source, ...]
    from_ms: int = 0
    length_ms: int | None = None
    gain_cdb: int = 0
    retake: Retake = "never"

    def origin_ms(self, number: int) -> int:
        """Where source `number` begins: what is live, and what comes after it, at its beginning."""
        live = any(one.kind in LIVE_KINDS for one in self.sources[: number + 1])
        return 0 if live else self.from_ms


class Cue(msgspec.Struct, frozen=True, tag="cue", tag_field="t", forbid_unknown_fields=True):
    """Play `parts` on `bus`, first sample at `start_at_ms`.

    When `start_at_ms` is already past, the child joins at the exact position (`join` true: the
    time that passed is skipped over, parts that are over are left out) or starts at once from
    the beginning (`join` false). `end_at_ms` bounds the sound; it fades over `fade_out_ms`
    before that instant. `token` names the cue in every report; the same token again is ignored.
    `over`: the token of a cue that, if it plays on this bus by then, is not ended but goes on
    beneath this one, turned down; it comes up again when this one ends, however it ends.
    """

    token: str
    bus: int
    parts: tuple[Part, ...]
    start_at_ms: int
    epoch: int
    join: bool = True
    end_at_ms: int | None = None
    gain_cdb: int = 0
    fade_in_ms: int = 0
    fade_out_ms: int = 0
    over: str = ""


class Stop(msgspec.Struct, frozen=True, tag="stop", tag_field="t", forbid_unknown_fields=True):
    """End the cue at `at_ms` (None: now), fading over `fade_ms`; unknown tokens are ignored."""

    token: str
    fade_ms: int = 20
    at_ms: int | None = None
    epoch: int = 0


class Gain(msgspec.Struct, frozen=True, tag="gain", tag_field="t", forbid_unknown_fields=True):
    """Move the cue's gain to `gain_cdb` over `ramp_ms`."""

    token: str
    gain_cdb: int
    ramp_ms: int = 50


class Time(msgspec.Struct, frozen=True, tag="time", tag_field="t", forbid_unknown_fields=True):
    """Wall = CLOCK_MONOTONIC + `wall_minus_mono_us` in `epoch`.

    Sent at start, on slew, and with a new epoch after a step. Cues keep the epoch they were
    sent in, so an item on air finishes on the old clock.
    """

    epoch: int
    wall_minus_mono_us: int


class Quit(msgspec.Struct, frozen=True, tag="quit", tag_field="t", forbid_unknown_fields=True):
    """Fade everything over `fade_ms` and exit 0."""

    fade_ms: int = 50


class Compare(msgspec.Struct, frozen=True, tag="compare", tag_field="t"):
    """Look on the return line for the self-test's pattern: from its `position_ms` on it left the
    card at `at_ms`."""

    token: str
    at_ms: int
    epoch: int
    position_ms: int = 0


ToChild = Cue | Stop | Gain | Time | Quit | Compare


class Ready(msgspec.Struct, frozen=True, tag="ready", tag_field="t"):
    """The stream is open and its callback runs. `latency_ms`: mixer to DAC, as PortAudio says.

    `resolved`: the card's name as PortAudio has it now.
    """

    version: int
    pid: int
    device: str
    buses: int
    rate_hz: int
    frames_per_buffer: int
    latency_ms: int
    resolved: str = ""


class Started(msgspec.Struct, frozen=True, tag="started", tag_field="t"):
    """The first sample of the cue left the DAC at `at_ms`, at `position_ms` of part `part`."""

    token: str
    bus: int
    part: int
    position_ms: int
    at_ms: int


class PartStarted(msgspec.Struct, frozen=True, tag="part", tag_field="t"):
    """Part `part` began to leave the DAC, from its source number `source`."""

    token: str
    part: int
    source: int
    position_ms: int
    at_ms: int


class SourceFailed(msgspec.Struct, frozen=True, tag="source_failed", tag_field="t"):
    """A source was given up; the next one of the part is tried, if there is one."""

    token: str
    part: int
    source: int
    fault: SourceFault
    at_ms: int


class Progress(msgspec.Struct, frozen=True, tag="progress", tag_field="t"):
    """Once a second per playing cue, measured on what left the mixer since the last report.

    `level_cdb` is RMS and `peak_cdb` the peak, both relative to full scale (0 cdb = 0 dBFS);
    None when nothing was measured. `underruns` and `played_ms` count since the cue began; the
    latter only what really sounded and has left the card.
    """

    token: str
    bus: int
    part: int
    position_ms: int
    at_ms: int
    level_cdb: int | None
    peak_cdb: int | None
    underruns: int
    played_ms: int


class Ended(msgspec.Struct, frozen=True, tag="ended", tag_field="t"):
    """The last sample of the cue left the DAC at `at_ms`; `played_ms` really sounded.

    Not played: what a decoder did not have in time, and gaps of the card whose length its clock
    tells. An underrun of unknown length is counted in `underruns` only.
    """

    token: str
    bus: int
    reason: EndReason
    at_ms: int
    position_ms: int
    part: int
    played_ms: int
    level_cdb: int | None
    underruns: int


class Pulse(msgspec.Struct, frozen=True, tag="pulse", tag_field="t"):
    """Once a second: proof that sound is moving. `frames` left the mixer since start.

    `callback_*_us`: how long the card's thread was kept for a block, in the last minute or two.
    `drift_ppm`: how much slower than ours the card's clock runs. None while it is not known, or
    from an older child. `reopened`: how often the card was opened again, for its clock's sake or
    because it ran dry. `frames_per_buffer`: since then.
    """

    at_ms: int
    frames: int
    callback_age_ms: int
    underruns: int
    latency_ms: int
    callback_p50_us: int | None = None
    callback_p99_us: int | None = None
    callback_max_us: int | None = None
    drift_ppm: int | None = None
    reopened: int = 0
    frames_per_buffer: int | None = None


class Heard(msgspec.Struct, frozen=True, tag="heard", tag_field="t"):
    """Once a second per bus on which a cue plays: what really left the mixer, after the limiter.

    Of the last quarter of a second; `for_ms`: how long it has been of this `kind` since this
    source was waited for or began. `source`, `position_ms`: what should sound.
    `flatness_permille`: of the spectrum between 300 Hz and 7 kHz, None of silence. `limited_cdb`:
    the lowest gain of the limiter since the last report. `levelled_cdb`: the gain to which a live
    source was led by now; None where none is led.
    """

    token: str
    bus: int
    part: int
    source: int
    position_ms: int
    at_ms: int
    kind: Literal["sound", "silent", "hiss"]
    for_ms: int
    level_cdb: int
    peak_cdb: int
    flatness_permille: int | None = None
    limited_cdb: int = 0
    levelled_cdb: int | None = None


class Returned(msgspec.Struct, frozen=True, tag="returned", tag_field="t"):
    """Once a second where a return line is configured: what came back of bus `bus`.

    `kind` None: nothing is known, and `fault` may say why. `lacks_ms`: for how long nothing has
    come back although sound was sent; None where nobody can say.
    """

    bus: int
    at_ms: int
    kind: Literal["sound", "silent", "hiss"] | None
    fault: str = ""
    for_ms: int = 0
    level_cdb: int | None = None
    peak_cdb: int | None = None
    lacks_ms: int | None = None


class Compared(msgspec.Struct, frozen=True, tag="compared", tag_field="t"):
    """What became of a `Compare`. `heard` None: the line could not be listened to, see `fault`.

    `delay_us`: from the card's converter to its input, buffers included. `level_cdb`: of the
    pattern alone; `snr_cdb`: above everything else that came while it sounded.
    """

    token: str
    bus: int
    heard: bool | None
    fault: str = ""
    delay_us: int | None = None
    level_cdb: int | None = None
    snr_cdb: int | None = None


class Trouble(msgspec.Struct, frozen=True, tag="trouble", tag_field="t"):
    """The child cannot make sound: no device, device lost, callback frozen. It exits after it."""

    why: Literal["no_device", "device_lost", "callback_frozen", "bad_message", "internal"]
    detail: str


FromChild = (
    Ready
    | Started
    | PartStarted
    | SourceFailed
    | Progress
    | Ended
    | Pulse
    | Heard
    | Returned
    | Compared
    | Trouble
)
