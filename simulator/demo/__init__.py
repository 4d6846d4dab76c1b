"""A district on one machine, with sound: the story, what was measured, the page to look at.

Invariant: this file imports nothing. `summary` must not be able to ask the agent anything.
"""
