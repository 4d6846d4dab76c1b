"""However a relay comes and goes: its sources together carried what was heard, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reports import OccurrenceRef
from agent.core.asrun import SEGMENTS_MAX, add_sound, cut_off, outcome_of, tear
from agent.core.facts import OpenItem

ZONE = "dong"
SOURCES = ("stream:0", "stream:1", "file:abc")

steps = st.lists(
    st.tuples(
        st.sampled_from(("sound", "sound", "sound", "tear", "cut")),
        st.integers(1, 20_000),
        st.sampled_from(SOURCES),
    ),
    min_size=1,
    max_size=SEGMENTS_MAX // 2,
)


def begun() -> OpenItem:
    ref = OccurrenceRef(authority="xa", audience="g/xa", entry="xa", nominal="2026-03-02T05:00:00")
    return OpenItem(
        key="k",
        ref=ref,
        title="Xã",
        klass=3,
        start_ms=0,
        play_ms=600_000,
        slot_ms=None,
        zones=(ZONE,),
        origin_ms=0,
        from_ms=0,
        epoch=0,
        source=SOURCES[-1],
        sounded=True,
    )


@given(steps)
def test_the_sources_of_a_record_add_up_to_what_was_heard(
    happened: list[tuple[str, int, str]],
) -> None:
    held, now_ms = begun(), 0
    for what, ms, source in happened:
        if what == "sound":
            held = add_sound(held, ZONE, now_ms, now_ms + ms, 0, -1_800, "yes", source)
            now_ms += ms
        elif what == "tear" and not held.torn:  # what is torn twice was heard less than nothing
            held = tear(held, 0, max(0, now_ms - ms), now_ms, ms // 2, source)
        elif what == "cut" and not held.torn:
            now_ms = max(0, now_ms - ms)
            held = cut_off(held, now_ms, source)
    record = outcome_of(held, ZONE, None)
    carried = {one.source: one.played_ms for one in record.sources}
    assert all(ms > 0 for ms in carried.values())
    if carried:
        assert sum(carried.values()) == record.played_ms
    else:
        alone = {source: ms for source, ms in held.carried.get(ZONE, {}).items() if ms}
        assert alone in ({}, {record.source: record.played_ms})
