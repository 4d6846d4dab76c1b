"""What awaits the commune's word: each item once, numbered, with what is needed to decide."""

from __future__ import annotations

from dataclasses import dataclass

from agent.cli.arguments import PROGRAM
from agent.cli.columns import display_width, flow, spread, wrap
from agent.cli.names import full_id
from agent.cli.texts import Lang, say
from agent.cli.wording import OK, WATCH, class_name, clock, day, length
from agent.core.requests import PlanView, Upcoming

DIGEST_SHOWN = 8
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Waiting:
    """An entry that is decided about, with its starts, soonest first; there is one at least.

    One of today that is over, and plays only at another hour, stands last.
    """

    starts: tuple[Upcoming, ...]

    @property
    def next(self) -> Upcoming:
        return self.starts[0]


def waiting(view: PlanView) -> list[Waiting]:
    """What awaits approval, soonest first; a changed entry is another one."""
    found: dict[tuple[str, str], list[Upcoming]] = {}
    for item in sorted(view.items, key=lambda one: (is_over(one, view), one.start_ms)):
        if item.approval == "awaiting":
            found.setdefault((full_id(item), item.digest), []).append(item)
    return [Waiting(tuple(items)) for items in found.values()]


def is_over(item: Upcoming, view: PlanView) -> bool:
    return item.start_ms <= view.at_ms


def render_awaiting(
    all_waiting: list[Waiting], view: PlanView, lang: Lang, width: int, command: str = "approve"
) -> list[str]:
    """command: what is to be typed next, `approve` or `reject`."""
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(say(lang, "awaiting-title", count=len(all_waiting)), when, width)]
    if not all_waiting:
        return [*lines, *wrap(say(lang, "awaiting-none"), width, first=f"{OK} ", then=_INDENT)]
    for number, one in enumerate(all_waiting, start=1):
        lines += render_waiting(one, view, lang, width, f"{number} ")
        lines += wrap(_step(one.next, view, command, width), width, first="  → ", then="    ")
    return lines


def _step(item: Upcoming, view: PlanView, command: str, width: int) -> str:
    """What is to be typed; by the short name where the full one would break the line."""
    more = f" --at {_soon(view)}" if command == "approve" and is_over(item, view) else ""
    step = f"{PROGRAM} {command} {full_id(item)}{more}"
    senders = {one.authority for one in view.items if one.entry == item.entry}
    fits = display_width(step) <= width - len("  → ")
    return step if fits or len(senders) > 1 else f"{PROGRAM} {command} {item.entry}{more}"


def render_waiting(
    one: Waiting, view: PlanView, lang: Lang, width: int, lead: str = ""
) -> list[str]:
    """One item, its title behind `lead`."""
    item, indent = one.next, _INDENT
    start = f"{day(item.start_ms, view.tz, lang)} {clock(item.start_ms, view.tz)}"
    facts = [start, class_name(item.klass, lang)]
    if item.duration_ms is not None:
        facts.insert(1, length(item.duration_ms))
    lines = wrap(item.title or full_id(item), width, first=lead, then=indent)
    lines += flow([*facts, ", ".join(item.zones)], width, between=" · ", indent=indent)
    if is_over(item, view):
        lines += wrap(say(lang, "awaiting-over"), width, first=f"{indent}{WATCH} ", then=indent)
    if len(one.starts) > 1:
        last = day(max(start.start_ms for start in one.starts), view.tz, lang)
        more = say(lang, "awaiting-more", count=len(one.starts) - 1, date=last)
        lines += wrap(more, width, first=indent, then=indent)
    return lines + flow(_papers(item, lang), width, between=" · ", indent=indent)


def _soon(view: PlanView) -> str:
    """An hour that can be typed as it stands: a quarter of an hour from now, of today."""
    later, today = view.at_ms + 15 * 60_000, day(view.at_ms, view.tz, "en")
    return clock(later, view.tz) if day(later, view.tz, "en") == today else "23:59"


def _papers(item: Upcoming, lang: Lang) -> list[str]:
    """Who made it, who let it go out above, by which document, and what an approval is bound to."""
    unknown = say(lang, "not-named")
    return [
        say(lang, "made-by", who=item.author or unknown),
        say(lang, "approved-above", who=item.approver or unknown),
        say(lang, "document-number", number=item.document_number or unknown),
        say(lang, "item-id", id=full_id(item)),
        say(lang, "item-digest", digest=item.digest[:DIGEST_SHOWN] or unknown),
    ]
