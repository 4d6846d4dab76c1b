"""What the numbers of a message may be: those beyond are brought to the nearest that is allowed.

Pure. A gain of a hundred thousand decibels, a part from before its beginning or a fade of a year
would otherwise end the sound child somewhere inside. Unknown stays unknown (None).
"""

from __future__ import annotations

from typing import Final

import msgspec

from agent.player.protocol import Aim, Compare, Cue, Gain, Part, Quit, Source, Stop, Time, ToChild

GAIN_CDB: Final = (-12_000, 6_000)
_LOUDNESS_CLUFS: Final = (-7_000, 0)
_LENGTH_MS: Final = (0, 31 * 86_400_000)
_INSTANT_MS: Final = (0, 1 << 43)  # as nanoseconds within 64 bits
_EPOCH: Final = (0, 1 << 53)
_FADE_MS: Final = (0, 600_000)
_STEP_MS: Final = (1, 600_000)
_TONE_HZ: Final = (1, 24_000)
_CHANNEL: Final = (0, 63)
_BUS: Final = (-1, 1 << 16)  # the director knows how many there are
_KBPS: Final = (0, 1 << 20)
_WALL_US: Final = (-(1 << 62), 1 << 62)


def bounded(message: ToChild) -> ToChild:
    """The same message with every number within its bounds."""
    match message:
        case Cue():
            return _cue(message)
        case Stop(fade_ms=fade, at_ms=at, epoch=epoch):
            at = None if at is None else _within(at, _INSTANT_MS)
            fade, epoch = _within(fade, _FADE_MS), _within(epoch, _EPOCH)
            return msgspec.structs.replace(message, fade_ms=fade, at_ms=at, epoch=epoch)
        case Gain(gain_cdb=gain, ramp_ms=ramp):
            gain, ramp = _within(gain, GAIN_CDB), _within(ramp, _FADE_MS)
            return msgspec.structs.replace(message, gain_cdb=gain, ramp_ms=ramp)
        case Time(epoch=epoch, wall_minus_mono_us=wall):
            return Time(_within(epoch, _EPOCH), _within(wall, _WALL_US))
        case Quit(fade_ms=fade):
            return Quit(_within(fade, _FADE_MS))
        case Compare(at_ms=at, epoch=epoch, position_ms=position):
            return msgspec.structs.replace(
                message,
                at_ms=_within(at, _INSTANT_MS),
                epoch=_within(epoch, _EPOCH),
                position_ms=_within(position, _LENGTH_MS),
            )


def _cue(cue: Cue) -> Cue:
    return msgspec.structs.replace(
        cue,
        bus=_within(cue.bus, _BUS),
        parts=tuple(_part(part) for part in cue.parts),
        start_at_ms=_within(cue.start_at_ms, _INSTANT_MS),
        epoch=_within(cue.epoch, _EPOCH),
        end_at_ms=None if cue.end_at_ms is None else _within(cue.end_at_ms, _INSTANT_MS),
        gain_cdb=_within(cue.gain_cdb, GAIN_CDB),
        fade_in_ms=_within(cue.fade_in_ms, _FADE_MS),
        fade_out_ms=_within(cue.fade_out_ms, _FADE_MS),
    )


def _part(part: Part) -> Part:
    return msgspec.structs.replace(
        part,
        sources=tuple(_source(source) for source in part.sources),
        from_ms=_within(part.from_ms, _LENGTH_MS),
        length_ms=None if part.length_ms is None else _within(part.length_ms, _LENGTH_MS),
        gain_cdb=_within(part.gain_cdb, GAIN_CDB),
    )


def _source(source: Source) -> Source:
    return msgspec.structs.replace(
        source,
        tone_hz=tuple(_within(hertz, _TONE_HZ) for hertz in source.tone_hz),
        tone_step_ms=_within(source.tone_step_ms, _STEP_MS),
        gain_cdb=_within(source.gain_cdb, GAIN_CDB),
        channel=_within(source.channel, _CHANNEL),
        delay_ms=_within(source.delay_ms, _FADE_MS),
        silent_ms=_within(source.silent_ms, _LENGTH_MS),
        max_kbps=_within(source.max_kbps, _KBPS),
        aim=None if source.aim is None else _aim(source.aim),
    )


def _aim(aim: Aim) -> Aim:
    return Aim(
        loudness_clufs=_within(aim.loudness_clufs, _LOUDNESS_CLUFS),
        cut_cdb=_within(aim.cut_cdb, GAIN_CDB),
        boost_cdb=_within(aim.boost_cdb, GAIN_CDB),
        peak_cdb=_within(aim.peak_cdb, GAIN_CDB),
    )


def _within(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0], min(bounds[1], value))
