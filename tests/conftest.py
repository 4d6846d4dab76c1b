"""What every test shares: the hypothesis profile, and a bus on which nobody is. No fixtures.

Fakes live in simulator/; a fixture belongs beside the tests that use it.
"""

from __future__ import annotations

import os

from hypothesis import settings

# Runs on a laptop, a Pi and a crowded CI machine: slow is not wrong. A failure prints the blob
# that reproduces it, whatever machine it was found on.
settings.register_profile("commune-radio", deadline=None, print_blob=True)
settings.load_profile("commune-radio")

# An agent that a test starts must not ask the modem of the machine it runs on.
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=/nonexistent/commune-radio-tests"
