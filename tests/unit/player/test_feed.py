"""How fast a stream may be: measured over seconds, after the first ones."""

from __future__ import annotations

from agent.player.clockmap import NS_PER_S
from agent.player.feed import RateLimit


def exceeded_after_s(
    limit: RateLimit, kbps: float, seconds: int = 60, burst_s: int = 0
) -> int | None:
    """When a stream of so many kbit/s is too fast; its first seconds come twice as fast."""
    for second in range(seconds):
        factor = 2 if second < burst_s else 1
        if limit.exceeded(round(factor * kbps * 125), second * NS_PER_S):
            return second
    return None


def test_a_stream_within_its_limit_flows_on() -> None:
    assert exceeded_after_s(RateLimit(64), 64) is None


def test_an_encoder_that_wanders_a_little_is_not_too_fast() -> None:
    assert exceeded_after_s(RateLimit(64), 70) is None


def test_a_stream_over_its_limit_is_told_within_half_a_minute() -> None:
    found = exceeded_after_s(RateLimit(64), 128)
    assert found is not None
    assert found <= 30


def test_what_a_server_gives_at_once_at_the_beginning_does_not_count() -> None:
    assert exceeded_after_s(RateLimit(64), 64, burst_s=9) is None


def test_without_a_limit_any_rate_will_do() -> None:
    assert exceeded_after_s(RateLimit(0), 1_000_000) is None
