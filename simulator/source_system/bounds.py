"""What a value outside the contract's bounds should look like, for the district's engineer.

The words are `agent.contract.bounds`; here only their form in front of a field's name.
"""

from __future__ import annotations

import msgspec

from agent.contract import bounds
from simulator.source_system.said import Said


def in_words(error: msgspec.ValidationError) -> Said:
    """`slot: only small letters …, for example ban-tin-sang`."""
    field, words = bounds.in_words(str(error))
    return Said(f"{field}: {words.vi}", f"{field}: {words.en}") if field else Said(*words)
