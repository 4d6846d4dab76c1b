"""What every test shares: the hypothesis profile. No fixtures.

Fakes live in simulator/; a fixture belongs beside the tests that use it.
"""

from __future__ import annotations

from hypothesis import settings

# Runs on a laptop, a Pi and a crowded CI machine: slow is not wrong. A failure prints the blob
# that reproduces it, whatever machine it was found on.
settings.register_profile("commune-radio", deadline=None, print_blob=True)
settings.load_profile("commune-radio")
