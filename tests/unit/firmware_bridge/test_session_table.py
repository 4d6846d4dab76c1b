"""The table of states, row by row: what is not listed here is impossible."""

from __future__ import annotations

import pytest

from firmware_bridge.drivers.contract import LinkState
from firmware_bridge.session import (
    TABLE,
    ImpossibleTransitionError,
    Trigger,
    backoff_ms,
    next_state,
)

ROWS = """
closed        start        opening
closed        stop         closed
opening       opened       hello
opening       open_failed  closed
opening       stop         closed
hello         greeted      configuring
hello         wrong_major  incompatible
hello         given_up     failed
hello         port_lost    failed
hello         stop         failed
configuring   configured   ready
configuring   rebooted     hello
configuring   given_up     failed
configuring   port_lost    failed
configuring   stop         failed
ready         troubled     degraded
ready         rebooted     hello
ready         given_up     failed
ready         port_lost    failed
ready         stop         failed
degraded      recovered    ready
degraded      rebooted     hello
degraded      given_up     failed
degraded      port_lost    failed
degraded      stop         failed
incompatible  rebooted     hello
incompatible  given_up     failed
incompatible  port_lost    failed
incompatible  stop         failed
failed        port_closed  closed
failed        port_lost    failed
failed        stop         failed
"""
EXPECTED = {
    (LinkState(before), Trigger(trigger)): LinkState(after)
    for before, trigger, after in (row.split() for row in ROWS.split("\n") if row)
}


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("state", LinkState)
def test_every_pair_of_state_and_trigger_is_as_listed(state: LinkState, trigger: Trigger) -> None:
    if (state, trigger) in EXPECTED:
        assert next_state(state, trigger) is EXPECTED[state, trigger]
    else:
        with pytest.raises(ImpossibleTransitionError, match=trigger):
            next_state(state, trigger)


def test_from_every_state_the_way_back_to_closed_exists() -> None:
    for start in LinkState:
        reached, fresh = {start}, {start}
        while fresh:
            fresh = {after for state in fresh for after in TABLE[state].values()} - reached
            reached |= fresh
        assert LinkState.CLOSED in reached
        assert LinkState.READY in reached


@pytest.mark.parametrize(
    ("failures", "middle_ms"), [(1, 1_000), (2, 2_000), (3, 4_000), (7, 60_000), (500, 60_000)]
)
def test_backoff_doubles_to_a_minute_and_spreads_by_a_third(failures: int, middle_ms: int) -> None:
    assert backoff_ms(failures, 0.0) == int(middle_ms * 0.7)
    assert backoff_ms(failures, 0.5) == middle_ms
    assert backoff_ms(failures, 0.999) < middle_ms * 1.3
