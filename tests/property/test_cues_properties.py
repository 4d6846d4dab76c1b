"""Whatever a cue begins in: nothing of its parts is lost on the way but the time that is gone."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from agent.core.cues import parts_from
from agent.core.programme import Sound
from agent.player.protocol import LIVE_KINDS, Part, Source

CHIME = Source("file", "content:chime")

sources = st.builds(
    Source,
    st.sampled_from(("file", "stream", "input", "tone")),
    st.sampled_from(("a", "b")),
    delay_ms=st.integers(0, 5_000),
    silent_ms=st.integers(0, 60_000),
)
parts = st.builds(
    Part,
    st.lists(sources, min_size=1, max_size=4).map(tuple),
    from_ms=st.integers(0, 10_000),
    length_ms=st.integers(1, 60_000),
    gain_cdb=st.integers(-2_000, 2_000),
    retake=st.sampled_from(("never", "at_once", "when_over")),
)


@given(st.lists(parts, min_size=1, max_size=4), st.integers(0, 5_000), st.integers(0, 300_000))
def test_the_parts_from_any_position_last_as_long_as_is_left_and_keep_all_else(
    main: list[Part], chime_ms: int, position_ms: int
) -> None:
    lengths = [part.length_ms or 0 for part in main]
    whole_ms = chime_ms + sum(lengths)
    sound = Sound(CHIME if chime_ms else None, chime_ms, tuple(main), sum(lengths))
    left = parts_from(sound, position_ms)
    assert sum(part.length_ms or 0 for part in left) == max(0, whole_ms - position_ms)
    asked = [*([Part((CHIME,), 0, chime_ms)] if chime_ms else []), *main]
    for found, meant in zip(reversed(left), reversed(asked), strict=False):
        gone_ms = found.from_ms - meant.from_ms
        assert gone_ms >= 0
        timed = msgspec.structs.replace(
            meant, from_ms=found.from_ms, length_ms=(meant.length_ms or 0) - gone_ms
        )
        assert found == timed


@given(parts)
def test_only_what_no_live_source_comes_before_begins_where_the_time_is(part: Part) -> None:
    live = False
    for number, source in enumerate(part.sources):
        live = live or source.kind in LIVE_KINDS
        assert part.origin_ms(number) == (0 if live else part.from_ms)
