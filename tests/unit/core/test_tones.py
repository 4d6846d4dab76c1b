"""A tone has no end of its own: whoever plays one says how long."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from agent.contract.documents import Entry, FileSource, ToneSource, When, ZoneSelector
from agent.core.items import play_ms
from agent.core.programme import OnBox, Programme, tone_ms
from agent.core.site import Site
from tests.scenario.village import HOME

SITE = Site("tan-lien", "Tân Liên", "Asia/Ho_Chi_Minh", (), (), 1)


@pytest.mark.parametrize("name", ["chime", "siren", "test"])
@pytest.mark.parametrize("first", [(), (FileSource(slot="not-published"),)])
def test_a_tone_of_the_timetable_ends_by_itself_when_the_plan_says(
    name: str, first: tuple[FileSource, ...]
) -> None:
    """It used to sound until the item was taken off the air, two seconds after its end."""
    entry = Entry(
        id="t",
        title="Hiệu",
        when=When(start="2026-03-02T05:00:00"),
        sources=(*first, ToneSource(name=name)),  # type: ignore[arg-type]
        zones=ZoneSelector(all=True),
    )
    sound, problem = Programme(SITE, ZoneInfo).sound_of(entry, HOME, "2026-03-02", OnBox())
    assert sound is not None
    assert problem is None
    [part] = sound.main
    assert part.length_ms == sound.total_ms == tone_ms(name)
    assert play_ms(None, sound.total_ms, "cut", 0) == part.length_ms
