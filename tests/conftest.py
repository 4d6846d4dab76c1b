"""What every test shares: the hypothesis profiles, which tests keep real time, and a bus on which
nobody is. No fixtures.

Fakes live in simulator/; a fixture belongs beside the tests that use it.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# Runs on a laptop, a Pi and a crowded CI machine: slow is not wrong. The same examples every time:
# a red test is caused by the change at hand. `make fuzz` looks further, with seeds of chance; a
# failure prints the blob that reproduces it, whatever machine it was found on.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, print_blob=True, max_examples=500)
settings.load_profile("fuzz" if os.environ.get("COMMUNE_RADIO_FUZZ") == "1" else "same")

# An agent that a test starts must not ask the modem of the machine it runs on.
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent/commune-radio-tests"

KEEP_REAL_TIME = {"Rig", "SoundCard", "PtyAmplifier"}
"""A module that names one of these hears real sound or switches real leases: `.ci/test` runs it
apart from what computes. Others say so with `pytestmark = pytest.mark.realtime`."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Marked before `-m` chooses. After the shuffle those in real time that ask for most of it go
    first, so that no worker is left with a long file when the other has nothing to do."""
    for item in items:
        if isinstance(item, pytest.Function) and vars(item.module).keys() & KEEP_REAL_TIME:
            item.add_marker("realtime")
    yield
    items.sort(key=_asked_s, reverse=True)


def _asked_s(item: pytest.Item) -> float:
    asked = item.get_closest_marker("timeout")
    return asked.args[0] if asked is not None and item.get_closest_marker("realtime") else 0
