"""Bought ASCII amplifiers: read back, never trusted, muted when the holder stalls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from firmware_bridge.drivers.ascii_amplifier import AsciiAmplifier
from firmware_bridge.drivers.contract import (
    Confirmation,
    ControllerWish,
    LeaseSupport,
    LinkState,
    LinkWhy,
    ZoneWish,
)
from firmware_bridge.drivers.profiles import MONOPRICE_SIX_ZONE, ProfileError

PROFILE = MONOPRICE_SIX_ZONE
ON = ControllerWish((ZoneWish(2, gate=True, gain_cdb=-2_000, source=3),))


class Amplifier:
    """Six zones that echo every line, as the real one does, and may stop listening."""

    def __init__(self) -> None:
        self.zones = {zone: {"PR": 0, "VO": 20, "CH": 1} for zone in range(1, 7)}
        self.deaf = False
        self.ignores: set[str] = set()

    def hear(self, data: bytes) -> bytes:
        if self.deaf:
            return b""
        return b"".join(self._line(line) for line in data.decode().split("\r") if line)

    def _line(self, line: str) -> bytes:
        echo = line + "\r\n#"
        if line.startswith("?"):
            zone = self.zones[int(line[2])]
            echo += (
                f">1{line[2]}00{zone['PR']:02d}0000{zone['VO']:02d}070710{zone['CH']:02d}00\r\n#"
            )
        elif line[3:5] not in self.ignores:
            self.zones[int(line[2])][line[3:5]] = int(line[5:7])
        return echo.encode()


class Stand:
    """Driver and amplifier under a virtual clock of ten milliseconds a step."""

    def __init__(self, adopted_id: str | None = PROFILE.name) -> None:
        self.now_ms = 10_000
        self.amplifier = Amplifier()
        self.driver = AsciiAmplifier(PROFILE, adopted_id=adopted_id, jitter=lambda: 0.5)
        self.holder_alive = True
        self.sent: list[int] = []
        self._open = False
        self.driver.start(self.now_ms)

    def until(self, reached: Callable[[], bool], limit_ms: int = 30_000) -> bool:
        end_ms = self.now_ms + limit_ms
        while not reached():
            if self.now_ms >= end_ms:
                return False
            self.now_ms += 10
            self._step()
        return True

    def _step(self) -> None:
        driver, now_ms = self.driver, self.now_ms
        if self.holder_alive:
            driver.keep_alive(now_ms)
        driver.tick(now_ms)
        if driver.wants_port and not self._open:
            self._open = True
            driver.port_opened(now_ms)
        elif self._open and not driver.wants_port:
            self._open = False
            driver.port_closed(now_ms)
        said = driver.take_output()
        if said:
            self.sent.append(now_ms)
            driver.receive(self.amplifier.hear(said), now_ms)

    def confirmed(self) -> bool:
        return self.driver.reading().zone(2).confirmed is Confirmation.YES

    def play(self) -> None:
        assert self.until(lambda: self.driver.reading().state is LinkState.READY)
        self.driver.set_wish(ON, self.now_ms)
        assert self.until(self.confirmed)


def test_a_wish_is_sent_with_the_gap_and_read_back() -> None:
    stand = Stand()
    stand.play()
    assert stand.amplifier.zones[2] == {"PR": 1, "VO": 28, "CH": 4}
    assert stand.driver.reading().lease is LeaseSupport.UNSUPPORTED
    gaps = [b - a for a, b in zip(stand.sent, stand.sent[1:], strict=False)]
    assert min(gaps) >= PROFILE.gap_ms


def test_an_echo_is_not_an_answer_and_a_lie_is_not_confirmed() -> None:
    stand = Stand()
    stand.amplifier.ignores = {"PR"}
    assert stand.until(lambda: stand.driver.reading().state is LinkState.READY)
    stand.driver.set_wish(ON, stand.now_ms)
    assert stand.until(lambda: stand.driver.reading().zone(2).confirmed is Confirmation.NO)
    stand.amplifier.ignores = set()
    assert stand.until(stand.confirmed)


def test_a_stalled_holder_is_muted_by_the_driver_and_restored_afterwards() -> None:
    stand = Stand()
    stand.play()
    stand.holder_alive = False
    assert stand.until(lambda: stand.amplifier.zones[2]["PR"] == 0, 3_000 + 1_000)
    assert stand.driver.reading().why is LinkWhy.HOLDER_STALLED
    stand.holder_alive = True
    assert stand.until(lambda: stand.amplifier.zones[2]["PR"] == 1)


def test_an_amplifier_that_falls_silent_is_given_up_and_found_again() -> None:
    stand = Stand()
    stand.play()
    stand.amplifier.deaf = True
    assert stand.until(lambda: stand.driver.reading().state is LinkState.CLOSED)
    assert stand.driver.reading().why is LinkWhy.NO_ANSWER
    stand.amplifier.deaf = False
    assert stand.until(stand.confirmed)


def test_stopping_mutes_every_zone() -> None:
    stand = Stand()
    stand.play()
    stand.driver.stop(stand.now_ms)
    assert stand.until(lambda: stand.driver.stopped, 2_000)
    assert not any(zone["PR"] for zone in stand.amplifier.zones.values())


def test_without_adoption_nothing_is_commanded() -> None:
    stand = Stand(adopted_id=None)
    stand.amplifier.zones[4]["PR"] = 1
    assert stand.until(lambda: stand.driver.reading().state is LinkState.READY)
    stand.driver.set_wish(ON, stand.now_ms)
    stand.until(lambda: False, 10_000)
    assert stand.amplifier.zones[2]["PR"] == 0
    assert stand.driver.reading().why is LinkWhy.NOT_ADOPTED


def test_a_wish_out_of_the_profile_is_refused_and_the_zone_muted() -> None:
    stand = Stand()
    stand.play()
    stand.driver.set_wish(ControllerWish((ZoneWish(2, gate=True, gain_cdb=100),)), stand.now_ms)
    assert stand.until(lambda: stand.amplifier.zones[2]["PR"] == 0, 3_000)
    assert stand.driver.reading().why is LinkWhy.WISH_REFUSED
    with pytest.raises(ProfileError, match="gain"):
        PROFILE.volume_of(100)
    with pytest.raises(ProfileError, match="source"):
        PROFILE.check(ZoneWish(1, gate=True, source=6))


def test_the_volume_scale_never_ends_up_louder_than_wished() -> None:
    for gain_cdb in range(PROFILE.floor_cdb, 1, 7):
        assert PROFILE.gain_of(PROFILE.volume_of(gain_cdb)) <= gain_cdb
