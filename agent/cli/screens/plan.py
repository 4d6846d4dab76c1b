"""The plan screen: what plays when and where, and what keeps it from playing."""

from __future__ import annotations

from agent.cli.columns import cut, flow, spread, wrap
from agent.cli.screens.status import coming
from agent.cli.texts import Lang, say
from agent.cli.wording import class_name, clock, day, length
from agent.core.requests import PlanView, Upcoming

ZONES_NAMED = 6
_INDENT = " " * 6


def render_plan(view: PlanView, lang: Lang, width: int, hours: int = 24) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(say(lang, "plan-title", hours=hours), when, width)]
    if not view.items:
        return [*lines, cut(say(lang, "next-nothing"), width)]
    shown = ""
    for item in sorted(view.items, key=lambda one: (one.start_ms, one.klass)):
        date = day(item.start_ms, view.tz, lang)
        if date != shown:
            lines.append(date)
            shown = date
        lines += _item(item, view.tz, lang, width)
    return lines


def _item(item: Upcoming, tz: str, lang: Lang, width: int) -> list[str]:
    lines = coming(item, lang, width, f"{clock(item.start_ms, tz)} ")
    facts = [class_name(item.klass, lang)]
    if item.duration_ms is not None:
        facts.insert(0, length(item.duration_ms))
    lines += flow([*facts, *_zones(item, lang)], width, between=" · ", indent=_INDENT)
    return lines + wrap(
        say(lang, "plan-id", id=f"{item.authority}/{item.entry}"),
        width,
        first=_INDENT,
        then=_INDENT,
    )


def _zones(item: Upcoming, lang: Lang) -> list[str]:
    if not item.zones:
        return [f"? {say(lang, 'no-zone')}"]
    shown = list(item.zones[:ZONES_NAMED])
    if len(item.zones) > len(shown):
        shown.append(say(lang, "more", count=len(item.zones) - len(shown)))
    return [", ".join(shown)]
