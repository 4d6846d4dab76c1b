"""Titles that a server mixes into the sound are taken out of it again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.player.icy import Unmixed


def mixed(sound: bytes, every: int, titles: list[bytes]) -> bytes:
    """As a server sends it."""
    found, left = b"", list(titles)
    for at in range(0, len(sound), every):
        piece = sound[at : at + every]
        found += piece
        if len(piece) == every:
            title = left.pop(0) if left else b""
            blocks = -(-len(title) // 16)
            found += bytes([blocks]) + title.ljust(16 * blocks, b"\0")
    return found


@given(
    sound=st.binary(max_size=200),
    every=st.integers(min_value=1, max_value=40),
    titles=st.lists(st.binary(max_size=60), max_size=4),
    cuts=st.integers(min_value=1, max_value=70),
)
def test_what_is_left_is_the_sound_however_it_is_cut(
    sound: bytes, every: int, titles: list[bytes], cuts: int
) -> None:
    sent, unmixed = mixed(sound, every, titles), Unmixed(every)
    pieces = [sent[at : at + cuts] for at in range(0, len(sent), cuts)]
    assert b"".join(map(unmixed.sound, pieces)) == sound
