"""What the log tells of a morning: each programme's begin and end, and no chatter."""

from __future__ import annotations

from agent.core.effects import Log
from tests.scenario.village import Village, entry, only


def lines(village: Village, event: str = "") -> list[Log]:
    """What was logged, oldest first."""
    return [
        do.act
        for *_, batch in village.trace.kept
        if batch is not None
        for do in batch.acts
        if isinstance(do.act, Log) and do.act.event.startswith(event)
    ]


def said(log: Log) -> tuple[str, str, dict[str, str]]:
    return log.event, log.level, dict(log.fields)


def test_a_programme_that_plays_is_logged_when_it_starts_and_when_it_ends() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00", zones=only("dong", "trung")))
    village.publish("tin", 120)
    village.until("05:03")
    started, ended = [said(one) for one in lines(village, "programme_")]
    assert started[:2] == ("programme_started", "info")
    assert "|tin|" in started[2]["item"]
    assert started[2]["zones"] == "dong,trung"
    assert ended[:2] == ("programme_ended", "info")
    assert ended[2]["item"] == started[2]["item"]
    assert (ended[2]["outcome"], ended[2]["reason"]) == ("played", "")


def test_a_programme_that_cannot_play_is_logged_once_with_its_reason() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00", seconds=60))
    village.until("05:05")
    [skipped] = [said(one) for one in lines(village, "programme_")]
    assert skipped[:2] == ("programme_skipped", "warning")
    assert skipped[2]["reason"] == "content_not_published"


def test_a_programme_that_gave_way_is_logged_as_resumed() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 300)
    village.until("05:01")
    warning = village.warn(texts={"vi": "Xả lũ. " * 60})
    village.wait(10)
    village.cancel(warning)
    village.until("05:06")
    events = [one.event for one in lines(village, "programme_") if "|tin|" in str(one.fields)]
    assert events == ["programme_started", "programme_resumed", "programme_ended"]


def test_what_was_missed_while_the_station_was_off_is_counted_in_one_line() -> None:
    village = Village()
    village.timetable(*(entry(f"tin-{n}", f"05:0{n}", seconds=10) for n in range(5)))
    village.until("04:59")
    village.power_cut(600)
    village.until("05:15")
    missed = [said(one) for one in lines(village, "programme")]
    assert missed == [
        ("programmes_missed", "warning", {"count": "5", "reason": "station_off"}),
    ]


def test_the_cursor_is_no_news_to_a_person() -> None:
    village = Village()
    village.timetable(entry("tin", "05:00"))
    village.publish("tin", 10)
    village.until("05:10")
    assert {one.level for one in lines(village, "cursor")} == {"debug"}
