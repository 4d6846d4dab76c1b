"""What leaves at which frame: starts, joins, take-overs, fades and drift, without a card."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.player.clockmap import NS_PER_MS, NS_PER_S, ns_of_frames
from agent.player.levels import gain_of_cdb
from agent.player.limiter import LOOKAHEAD_FRAMES
from agent.player.mixer import Mixer
from agent.player.ring import Silence, Tone, Track
from agent.player.slots import Slot
from agent.player.voice import PartBegan, Voice, VoiceEnded

BLOCK = 2048
SECOND = 48_000


def counted(frames: int, first: int = 0) -> Track:
    """A programme whose sample at position n has the value n (mod 20000) + 1."""
    track = Track(first, capacity=max(1, frames))
    track.append(((np.arange(first, first + frames) % 20_000) + 1).astype(np.int16))
    return track


def finished(frames: int) -> Track:
    track = counted(frames)
    track.finish()
    return track


@dataclass
class Desk:
    """A mixer whose card starts at instant 0 and may run off by some ppm."""

    buses: int = 1
    ppm: float = 0.0
    mixer: Mixer = field(init=False)
    out: list[NDArray[np.int16]] = field(default_factory=list)
    frames: int = 0
    offset_ns: int = 0
    rests: bool = False  # blocks of which nothing is heard are left out, as the process does
    rested: int = 0

    def __post_init__(self) -> None:
        self.mixer = Mixer(self.buses, ceiling_cdb=600)  # what is given is what is heard

    def play(self, seconds: float) -> NDArray[np.int16]:
        """Run for at least so long; everything heard on bus 0 so far."""
        until = self.frames + round(seconds * SECOND)
        while self.frames < until:
            dac_ns = round(ns_of_frames(self.frames) * (1.0 - self.ppm * 1e-6)) + self.offset_ns
            if self.rests and self.mixer.rest(BLOCK):
                self.out.append(np.zeros((BLOCK, self.buses), np.int16))
                self.rested += 1
            else:
                self.out.append(self.mixer.render(BLOCK, dac_ns))
            self.frames += BLOCK
        return np.concatenate(self.out)[:, 0]

    def cue(self, start_s: float, *slots: Slot, bus: int = 0, **rest: object) -> Voice:
        voice = Voice(f"v{start_s}", bus, round(start_s * NS_PER_S), **rest)  # type: ignore[arg-type]
        voice.slots.extend(slots)
        voice.complete = True
        self.mixer.add(voice)
        return voice

    def ends(self) -> list[tuple[str, str, float]]:
        return [
            (voice.token, event.reason, event.dac_ns / NS_PER_S)
            for voice, event in self.mixer.events
            if isinstance(event, VoiceEnded)
        ]


def slot(track: Track | Tone | Silence, part: int = 0, **rest: object) -> Slot:
    return Slot(part, 0, track, 0, **rest)  # type: ignore[arg-type]


def test_the_first_sample_leaves_at_the_planned_frame() -> None:
    desk = Desk()
    desk.cue(0.1, slot(finished(SECOND), at=0))
    heard = desk.play(0.5)
    assert np.flatnonzero(heard)[0] == 4800
    assert list(heard[4800:4803]) == pytest.approx([1, 2, 3], abs=1)


def test_a_late_cue_joins_at_the_position_the_clock_asks_for() -> None:
    desk = Desk()
    desk.cue(-1.0, slot(finished(3 * SECOND), at=0))
    heard = desk.play(0.2)
    assert heard[100] == pytest.approx((SECOND + 100) % 20_000 + 1, abs=1)


def test_without_join_a_late_cue_starts_from_its_beginning() -> None:
    desk = Desk()
    desk.cue(-1.0, slot(finished(SECOND), floating=True), join=False)
    assert desk.play(0.2)[100] == pytest.approx(101, abs=1)


def test_a_take_over_happens_at_its_frame_and_the_old_cue_ends_there() -> None:
    desk = Desk()
    desk.cue(0.0, slot(finished(3 * SECOND), at=0))
    desk.cue(0.5, slot(finished(SECOND), at=0))
    heard = desk.play(0.6)
    assert heard[24_000] == pytest.approx(1, abs=1)
    assert abs(int(heard[23_999])) < 5  # the edge of the old one
    assert desk.ends() == [("v0.0", "taken_over", 0.5)]


def test_cues_of_a_bus_may_come_in_any_order() -> None:
    desk = Desk()
    for start in (0.4, 0.2, 0.6):
        desk.cue(start, slot(finished(3 * SECOND), at=0))
    desk.play(0.8)
    assert [end[0] for end in desk.ends()] == ["v0.2", "v0.4"]


def test_buses_do_not_hear_each_other() -> None:
    desk = Desk(buses=2)
    desk.cue(0.0, slot(finished(SECOND), at=0), bus=1)
    desk.play(0.5)
    both = np.concatenate(desk.out)
    assert not both[:, 0].any()
    assert both[:, 1].any()


def test_parts_follow_each_other_without_a_gap() -> None:
    desk = Desk()
    desk.cue(0.0, slot(finished(5000), at=0), slot(finished(5000), 1))
    heard = desk.play(0.4)
    assert list(heard[4998:5003]) == pytest.approx([4999, 5000, 1, 2, 3], abs=1)
    assert not heard[10_000:].any()
    [(_, reason, at_s)] = desk.ends()
    assert reason == "finished"
    assert at_s == pytest.approx(10_000 / SECOND, abs=1e-6)


def test_the_end_of_a_cue_cuts_with_a_fade_before_it() -> None:
    desk = Desk()
    desk.cue(0.0, slot(Tone((1000,), 500), at=0), end_ns=NS_PER_S, fade_out_ms=500)
    heard = desk.play(1.2).astype(float)
    early, late = (np.max(np.abs(heard[a : a + 480])) for a in (12_000, 36_000))
    assert late == pytest.approx(early / 2, rel=0.05)
    assert not heard[SECOND:].any()
    assert desk.ends() == [("v0.0", "end_reached", 1.0)]


def test_a_stop_fades_from_the_next_block_on() -> None:
    desk = Desk()
    voice = desk.cue(0.0, slot(Tone((1000,), 500), at=0))
    desk.play(0.5)
    at = desk.frames + LOOKAHEAD_FRAMES  # so much is on its way already
    voice.do(lambda: voice.stop(None, 20))
    heard = desk.play(0.3)
    assert heard[at : at + 900].any()
    assert not heard[at + 961 :].any()
    assert desk.ends()[0][1] == "stopped"


def test_a_cue_stopped_before_its_start_never_sounds_and_ends_once() -> None:
    desk = Desk()
    voice = desk.cue(0.5, slot(finished(SECOND), at=0))
    voice.do(lambda: voice.stop(None, 20))
    assert not desk.play(1.0).any()
    assert [end[1] for end in desk.ends()] == ["stopped"]


def test_a_cue_whose_end_has_passed_is_late() -> None:
    desk = Desk()
    desk.cue(-2.0, slot(finished(SECOND), at=0), end_ns=-NS_PER_S)
    assert not desk.play(0.2).any()
    assert [end[1] for end in desk.ends()] == ["late"]


def test_gain_and_fade_in_scale_the_sound() -> None:
    desk = Desk()
    tone = slot(Tone((1000,), 500), at=0)
    voice = desk.cue(0.0, tone, gain_cdb=-600, fade_in_ms=100)
    heard = desk.play(0.5).astype(float) / 32767
    assert np.max(np.abs(heard[12_000:])) == pytest.approx(0.5 * gain_of_cdb(-600), rel=0.01)
    assert np.max(np.abs(heard[:480])) < 0.03
    assert voice.total_meter.peak_cdb() == pytest.approx(-1204, abs=10)


def test_gain_holds_to_the_last_sample() -> None:
    desk = Desk()
    tone = slot(Tone((1000,), 500), at=0, length=5_000)
    voice = desk.cue(0.0, tone, gain_cdb=-2000)
    heard = desk.play(0.3).astype(float) / 32767
    assert voice.ended
    assert np.max(np.abs(heard)) == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize("ppm", [-300.0, -100.0, 100.0, 300.0])
def test_a_card_that_drifts_is_held_to_the_wall_clock(ppm: float) -> None:
    desk = Desk(ppm=ppm)
    voice = desk.cue(0.0, slot(Silence(), at=0))
    desk.play(120.0)
    dac_s = desk.frames / SECOND * (1.0 - ppm * 1e-6)
    assert abs((voice.cursor - LOOKAHEAD_FRAMES) / SECOND - dac_s) < 0.0008


def test_after_an_underrun_the_programme_goes_on_where_the_clock_is() -> None:
    desk = Desk()
    voice = desk.cue(0.0, slot(finished(6 * SECOND), at=0))
    desk.play(1.0)
    desk.offset_ns = 200 * NS_PER_MS
    desk.mixer.render(BLOCK, ns_of_frames(desk.frames) + desk.offset_ns, underrun=True)
    desk.frames += BLOCK
    desk.play(0.2)
    assert abs(voice.cursor - LOOKAHEAD_FRAMES - (desk.frames + 9600)) < 100
    assert voice.underruns == 1


def test_sound_that_is_missing_is_silence_counted_once_and_the_clock_goes_on() -> None:
    desk = Desk()
    track = counted(SECOND)
    voice = desk.cue(0.0, slot(track, at=0))
    desk.play(2.0)
    assert voice.underruns == 1
    assert not voice.ended
    assert voice.cursor >= 2 * SECOND
    assert voice.played_frames == SECOND


def live_ramp(first: int, frames: int) -> NDArray[np.int16]:
    return np.arange(first, first + frames).astype(np.int16)


def test_a_live_source_loses_nothing_when_it_is_late() -> None:
    desk = Desk()
    live = Track(0)
    live.append(live_ramp(1, 15_000))
    desk.cue(0.0, slot(live, floating=True, live=True))
    desk.play(1.0)
    live.append(live_ramp(15_001, 15_000))
    live.finish()
    heard = desk.play(1.0)
    sounding = heard[np.flatnonzero(heard)]
    # It has too little in store and is played slower; where it is cut, the interpolation rings.
    assert sounding[-60] == pytest.approx(live_ramp(29_941, 1)[0], abs=40)
    assert len(sounding) == pytest.approx(30_000, abs=60)


def test_after_a_drought_a_live_source_fills_up_before_it_goes_on() -> None:
    desk = Desk()
    live = Track(0)
    live.append(live_ramp(1, 15_000))
    desk.cue(0.0, slot(live, floating=True, live=True))
    desk.play(0.5)
    live.append(live_ramp(1, 4_000))
    quiet = desk.frames
    assert not desk.play(0.3)[quiet:].any()
    live.append(live_ramp(1, 12_000))
    assert desk.play(0.1)[desk.frames - 1000 :].any()


def test_a_live_source_begins_near_its_newest_sample() -> None:
    desk = Desk()
    live = Track(0)
    live.append(np.full(8 * SECOND, 1000, np.int16))
    relay = slot(live, floating=True, live=True)
    desk.cue(0.0, relay)
    desk.play(0.1)
    assert relay.offset == 8 * SECOND - 72_000


@pytest.mark.parametrize("ppm", [-400, 400])
def test_a_sender_whose_clock_is_off_never_runs_the_ring_dry_or_over(ppm: int) -> None:
    desk = Desk()
    live = Track(0)
    live.append(np.full(2 * SECOND, 1000, np.int16))
    relay = slot(live, floating=True, live=True)
    voice = desk.cue(0.0, relay)
    sent = 0.0
    for _ in range(5000):  # three and a half minutes of the worst sender
        desk.out.clear()
        desk.play(0.04)
        sent += 2048 * (1 + ppm * 1e-6)
        live.append(np.full(int(sent), 1000, np.int16))
        sent -= int(sent)
    lead = live.lead(relay.position(voice.cursor))
    assert 0.4 * SECOND < lead < 3.2 * SECOND
    assert voice.underruns == 0


def test_a_spare_source_goes_on_at_the_position_of_the_failed_one() -> None:
    desk = Desk()
    broken = finished(10_000)
    first = slot(broken, at=0)
    voice = desk.cue(0.0, first)
    spare = Slot(0, 1, finished(20_000), 0)
    voice.do(lambda: voice.insert_after(first, spare))
    heard = desk.play(0.5)
    assert list(heard[9_998:10_002]) == pytest.approx([9999, 10_000, 10_001, 10_002], abs=1)
    began = [e for _, e in desk.mixer.events if isinstance(e, PartBegan)]
    assert [(event.source, event.position) for event in began] == [(0, 0), (1, 10_000)]


def test_a_part_ends_at_its_length() -> None:
    desk = Desk()
    desk.cue(0.0, slot(Tone((1000,), 500), at=0, length=5000))
    heard = desk.play(0.3)
    assert not heard[5000:].any()
    assert desk.ends()[0][1] == "finished"


def test_a_clock_that_jumps_before_the_first_sound_costs_nothing() -> None:
    desk = Desk()
    track = Track(0, capacity=2 * SECOND)
    voice = desk.cue(0.0, slot(track, at=0))
    desk.play(0.1)
    desk.offset_ns = 85 * NS_PER_MS
    desk.play(0.1)
    track.append(counted(2 * SECOND).read(0, 1)[0].astype(np.int16))
    assert abs(voice.cursor - LOOKAHEAD_FRAMES - desk.frames - 4080) <= 1


def test_a_mixer_is_quiet_until_its_next_cue_is_due_and_not_while_one_plays() -> None:
    desk = Desk()
    assert desk.mixer.quiet_until(1000 * NS_PER_S)
    desk.cue(3.0, slot(finished(SECOND), at=0))
    assert desk.mixer.quiet_until(3 * NS_PER_S)
    assert not desk.mixer.quiet_until(3 * NS_PER_S + 1)
    desk.play(3.5)
    assert not desk.mixer.quiet_until(0)
    desk.play(1.0)
    assert desk.mixer.quiet_until(1000 * NS_PER_S)


@pytest.mark.parametrize("gap_ms", [30, 100, 500])
def test_what_fell_into_a_gap_of_the_card_was_not_played(gap_ms: int) -> None:
    """The card ran dry: its next sample leaves later, the programme has gone on."""
    desk = Desk()
    voice = desk.cue(0.0, slot(finished(4 * SECOND), at=0))
    desk.play(1.0)
    desk.offset_ns = gap_ms * NS_PER_MS
    desk.mixer.render(BLOCK, ns_of_frames(desk.frames) + desk.offset_ns, underrun=True)
    desk.frames += BLOCK
    desk.play(4.0)
    [(_, reason, at_s)] = desk.ends()
    assert (reason, voice.underruns) == ("finished", 1)
    assert at_s == pytest.approx(4.0)
    assert voice.played_frames == 4 * SECOND - gap_ms * 48


def test_an_underrun_whose_length_nobody_knows_is_counted_and_no_more() -> None:
    desk = Desk()
    voice = desk.cue(0.0, slot(finished(SECOND), at=0))
    desk.play(0.5)
    desk.mixer.render(BLOCK, ns_of_frames(desk.frames), underrun=True)
    desk.frames += BLOCK
    desk.play(1.0)
    assert (voice.played_frames, voice.underruns) == (SECOND, 1)


def test_what_a_starved_voice_had_no_samples_for_was_not_played() -> None:
    desk = Desk()
    track = counted(SECOND)
    voice = desk.cue(0.0, slot(track, at=0))
    desk.play(1.5)
    track.finish(2 * SECOND)
    desk.play(1.0)
    assert desk.ends()[0][2] == pytest.approx(2.0)
    assert (voice.played_frames, voice.underruns) == (SECOND, 1)


def test_how_long_it_has_been_silent_is_said_of_the_source_that_plays() -> None:
    """What takes over from a silent source is not silent for as long as that one was."""
    desk = Desk()
    silent, spare = Track(0), Track(0)
    silent.append(np.zeros(SECOND, np.int16))
    silent.finish()
    voice = desk.cue(0.0, slot(silent), Slot(0, 1, spare, 0, floating=True))
    desk.play(0.9)
    ear = desk.mixer.ears[0]

    def silent_frames() -> int:
        return 0 if ear.last is None else ear.last.for_frames

    assert silent_frames() >= 36_000
    desk.play(0.5)  # the spare one has nothing yet: as long as that is waited for
    assert silent_frames() <= 24_000
    spare.append(np.zeros(24_000, np.int16))
    desk.play(0.4)
    assert voice.source == 1
    assert silent_frames() <= 18_000


def test_a_mixer_that_rests_while_nothing_sounds_plays_the_same() -> None:
    desks = [Desk(buses=2), Desk(buses=2, rests=True)]
    for desk in desks:
        desk.play(0.5)
        desk.cue(0.7, slot(finished(9_000)))
        desk.play(1.0)
        desk.cue(desk.frames / SECOND, slot(finished(9_000)), bus=1, join=False)
        desk.play(1.5)
    plain, resting = desks
    assert np.array_equal(np.concatenate(plain.out), np.concatenate(resting.out))
    assert plain.ends() == resting.ends()
    assert (plain.mixer.frames, plain.rested) == (resting.mixer.frames, 0)
    sounding = np.concatenate(resting.out).any(axis=1)
    assert BLOCK * resting.rested == pytest.approx(np.count_nonzero(~sounding), abs=20 * BLOCK)
    assert resting.rested > 20


def test_a_card_that_runs_dry_while_the_mixer_rests_is_counted() -> None:
    desk = Desk(rests=True)
    desk.play(0.5)
    assert desk.mixer.rest(BLOCK, underrun=True)
    assert desk.mixer.underruns == 1
    desk.cue(5.0, slot(finished(9_000)))
    assert not desk.mixer.rest(BLOCK)
