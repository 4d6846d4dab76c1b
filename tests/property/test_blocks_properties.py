"""How large a card's blocks are, whatever it does: small at first, never smaller, not hasty."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.player.blocks import (
    BEHIND_A_SERVER,
    DRY_MANY,
    DRY_WITHIN_NS,
    SIZES,
    TEARS_MANY,
    TEARS_WITHIN_NS,
    Blocks,
)
from agent.player.clockmap import NS_PER_S

CARD, SERVER = "USB PnP Sound Device: Audio (hw:1,0)", "default"

# What passes before something happens, in ms, whether the card runs dry then, and is it quiet.
moments = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3_000), st.integers(0, 4_000_000)), st.booleans(), st.booleans()
    ),
    max_size=60,
)


def lived(blocks: Blocks, told: list[tuple[int, bool, bool]]) -> list[tuple[int, int, bool]]:
    """Instant, size from then on, and whether it was quiet, for every growth."""
    now_ns, grown = 0, []
    for after_ms, dry, quiet in told:
        now_ns += after_ms * 1_000_000
        if dry:
            blocks.ran_dry(now_ns)
        larger = blocks.larger(now_ns, quiet=quiet)
        if larger is not None:
            grown.append((now_ns, larger, quiet))
    return grown


def seconds(dry_ns: list[int]) -> list[int]:
    """Those that count: one a second, by the simplest way to say it."""
    counted: list[int] = []
    for at_ns in dry_ns:
        if all(at_ns - one >= NS_PER_S for one in counted):
            counted.append(at_ns)
    return counted


@given(
    told=moments, known=st.none() | st.integers(-5, 10**9), device=st.sampled_from([CARD, SERVER])
)
def test_blocks_only_grow_step_by_step_through_the_sizes_there_are(
    told: list[tuple[int, bool, bool]], known: int | None, device: str
) -> None:
    blocks = Blocks(known)
    first = blocks.begin(device)
    assert first in SIZES
    assert first >= (SIZES[0] if device == CARD else BEHIND_A_SERVER)
    assert first >= min(known or 0, SIZES[-1])
    grown = [first, *(size for _, size, _ in lived(blocks, told))]
    assert all(SIZES.index(after) == SIZES.index(before) + 1 for before, after in pairwise(grown))
    assert blocks.frames == grown[-1]


@given(told=moments)
def test_every_growth_has_its_dry_seconds_and_interrupts_only_what_is_torn(
    told: list[tuple[int, bool, bool]],
) -> None:
    blocks = Blocks()
    blocks.begin(CARD)
    now_ns, dry_ns, since = 0, [], 0
    for after_ms, dry, quiet in told:
        now_ns += after_ms * 1_000_000
        if dry:
            dry_ns.append(now_ns)
            blocks.ran_dry(now_ns)
        counted = seconds(dry_ns[since:])
        often = sum(one >= now_ns - DRY_WITHIN_NS for one in counted) >= DRY_MANY
        torn = sum(one >= now_ns - TEARS_WITHIN_NS for one in counted) >= TEARS_MANY
        top = blocks.frames == SIZES[-1]
        grows = blocks.larger(now_ns, quiet=quiet) is not None
        assert grows == (not top and (torn or (often and quiet)))
        if grows:
            since = len(dry_ns)


@given(told=moments)
def test_nothing_grows_before_the_card_was_opened(told: list[tuple[int, bool, bool]]) -> None:
    assert not lived(Blocks(), told)
