"""The alarms screen: what is wrong now, since when, and what to do."""

from __future__ import annotations

from agent.cli.columns import cut, spread, wrap
from agent.cli.findings import alarm_finding, finding_lines, worst_first
from agent.cli.texts import Lang, say
from agent.cli.wording import OK, clock, day
from agent.core.requests import AlarmsView


def render_alarms(view: AlarmsView, lang: Lang, width: int) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(f"{say(lang, 'alarms-title')} {len(view.alarms)}", when, width)]
    if not view.alarms:
        return [*lines, cut(f"{OK} {say(lang, 'alarms-none')}", width)]
    for finding in worst_first(
        [alarm_finding(alarm, view.at_ms, view.tz, lang) for alarm in view.alarms]
    ):
        lines += finding_lines(finding, width)
    if any(not alarm.acked_by for alarm in view.alarms):
        lines += wrap(say(lang, "alarms-ack"), width)
    return lines
