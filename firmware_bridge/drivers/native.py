"""Controllers of our own make, which speak the protocol of docs/serial-protocol.md.

Owns nothing but the choice: the driver is `firmware_bridge.session.HostSession`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from firmware_bridge.drivers.contract import Driver, ZonePolicy
from firmware_bridge.session import HostSession, LinkConfig


def native_driver(
    *,
    adopted_id: str | None,
    policies: Mapping[int, ZonePolicy] | None,
    jitter: Callable[[], float],
    observer: bool = False,
) -> Driver:
    """A driver for one controller; zones without a policy fall back to mute."""
    config = LinkConfig(policies or {})
    return HostSession(adopted_id=adopted_id, config=config, jitter=jitter, observer=observer)
