"""What the commune decides about the timetable: approve, reject, hold, release, skip, order.

An approval is bound to the digest of the entry as it was shown here; whether it may be given is
decided by the agent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec

from agent.cli.arguments import EXIT_FAULT, EXIT_OK, EXIT_USAGE, PROGRAM
from agent.cli.client import Unreachable
from agent.cli.columns import clean
from agent.cli.findings import Finding, finding_lines
from agent.cli.names import NotFound, find_entry, full_id
from agent.cli.people import Decider
from agent.cli.prompts import GaveUp, Prompts
from agent.cli.screens.awaiting import Waiting, is_over, render_awaiting, render_waiting, waiting
from agent.cli.screens.status import readiness
from agent.cli.session import Session, Shown, not_found, not_stored, refusal, shown_done
from agent.cli.texts import Lang, say
from agent.cli.times import coming, local_words, read_time
from agent.cli.wording import FAULT, OK, WATCH, clock, day
from agent.contract.reasons import AckReason
from agent.core.requests import (
    ApproveRequest,
    Done,
    HoldRequest,
    OrderRequest,
    PlanRequest,
    PlanView,
    Refused,
    Request,
    SkipRequest,
    Upcoming,
)

LOOK_AHEAD_HOURS = 336
"""How far entries are looked for by their id: the horizon the agent plans."""


ASKED_AT_MOST = 3
"""So often a question is put to somebody who answers something else."""


class Decision(msgspec.Struct, frozen=True):
    """What became of one approval, for `--json`."""

    authority: str
    entry: str
    nominal: str | None
    result: Done | Refused


class Decisions(msgspec.Struct, frozen=True, tag="decisions", tag_field="answer"):
    decisions: tuple[Decision, ...]


# --- approving ------------------------------------------------------------------------------


def approve(typed: argparse.Namespace, session: Session) -> Shown:
    """`approve` and `reject`, of one item, of all of a sender, or of the one chosen in the list."""
    if typed.entry and typed.all_from:
        return session.wrong("one-or-all", "see-plan", AckReason.MALFORMED, EXIT_USAGE)
    view = session.ask(PlanRequest(LOOK_AHEAD_HOURS))
    if not isinstance(view, PlanView):
        return session.not_shown(view)
    if typed.entry:
        found = _one(typed, view, session)
        return found if isinstance(found, Shown) else _decide(typed, (found,), view, session)
    all_waiting = waiting(view)
    if typed.all_from:
        return _all_from(typed, all_waiting, view, session)
    lines = render_awaiting(all_waiting, view, session.lang, session.width, typed.command)
    if not all_waiting or session.prompts is None or not session.chatty:
        items = tuple(item for one in all_waiting for item in one.starts)
        return Shown(lines, msgspec.structs.replace(view, items=items))
    session.prompts.tell(lines)
    return _chosen(typed, session.prompts, all_waiting, view, session)


def _one(typed: argparse.Namespace, view: PlanView, session: Session) -> Waiting | Shown:
    when = " ".join(typed.when)
    if when and read_time(when) is None:
        return session.wrong(
            "time-odd", "time-odd-next", AckReason.MALFORMED, EXIT_USAGE, typed=when
        )
    found = find_entry(typed.entry, view.items, when, 0 if typed.at else view.at_ms)
    if isinstance(found, NotFound):
        return not_found(found, "entry", session)
    like = (found.authority, found.entry, found.digest, found.approval)
    later = [
        one
        for one in sorted(view.items, key=_start)
        if (one.authority, one.entry, one.digest, one.approval) == like
        and one.start_ms > found.start_ms
    ]
    return Waiting((found, *later))


def _start(item: Upcoming) -> int:
    return item.start_ms


def _all_from(
    typed: argparse.Namespace, all_waiting: list[Waiting], view: PlanView, session: Session
) -> Shown:
    of = tuple(one for one in all_waiting if one.next.authority == typed.all_from)
    timely = tuple(one for one in of if not is_over(one.next, view))
    if timely or of:
        of = timely or of
        return _decide(typed, of, view, session)
    known = sorted({one.next.authority for one in all_waiting})
    step = say(session.lang, "choose", names=", ".join(known)) if known else ""
    text = say(session.lang, "authority-unknown", wanted=typed.all_from)
    refused = Refused(AckReason.NOTHING_TO_APPROVE.value, typed.all_from)
    return session.found(Finding(FAULT, text, step or say(session.lang, "see-plan")), refused)


def _chosen(
    typed: argparse.Namespace,
    prompts: Prompts,
    all_waiting: list[Waiting],
    view: PlanView,
    session: Session,
) -> Shown:
    number = prompts.line(say(session.lang, "ask-number"))
    if not number.isdecimal() or not 1 <= int(number) <= len(all_waiting):
        return session.wrong(
            "number-odd",
            "number-odd-next",
            AckReason.MALFORMED,
            EXIT_USAGE,
            typed=number,
        )
    return _decide(typed, (all_waiting[int(number) - 1],), view, session)


def _decide(
    typed: argparse.Namespace, chosen: tuple[Waiting, ...], view: PlanView, session: Session
) -> Shown:
    """Show what is decided about, make sure of who decides, ask for each, tell each.

    What cannot be asked for is found before the first is asked: all of them or none.
    """
    if session.prompts is not None and session.chatty and typed.entry:
        for one in chosen:
            session.prompts.tell(render_waiting(one, view, session.lang, session.width))
    requests: list[tuple[Upcoming, ApproveRequest]] = []
    for one in chosen:
        request = _approval(typed, one, view, session)
        if isinstance(request, Shown):
            return request
        requests.append((one.next, request))
    return _asked(typed, requests, view, session)


def _asked(
    typed: argparse.Namespace,
    requests: list[tuple[Upcoming, ApproveRequest]],
    view: PlanView,
    session: Session,
) -> Shown:
    decider = Decider(typed, session)
    findings: list[Finding] = []
    decisions: list[Decision] = []
    for item, request in requests:
        try:
            answer = decider.ask(request)
        except Unreachable as failure:
            if not findings:
                raise
            findings.append(failure.finding)  # what was decided before stays decided
            break
        if isinstance(answer, Shown):
            return answer
        if not isinstance(answer, Done | Refused):
            return session.not_shown(answer)
        if isinstance(answer, Refused):
            finding = refusal(answer, session.lang)
            findings.append(_with_name(finding, item) if len(requests) > 1 else finding)
        else:
            findings.append(_approved(typed, request, item, view, decider.name, session.lang))
        decisions.append(Decision(request.authority, request.entry, request.nominal, answer))
        if isinstance(answer, Refused) and answer.code in _ABOUT_THE_PERSON:
            break  # it would be refused for the others, too, and count as one more wrong PIN
    done = [
        (item, request)
        for (item, request), one in zip(requests, decisions, strict=False)
        if isinstance(one.result, Done)
    ]
    findings += _afterwards(done, session)
    shown = _told(findings, decisions, session)
    lost = next((one.result for one in decisions if not_stored(one.result, session)), None)
    return (
        shown if lost is None else replace(shown, lines=[*shown.lines, *not_stored(lost, session)])
    )


def _afterwards(done: list[tuple[Upcoming, ApproveRequest]], session: Session) -> Iterator[Finding]:
    """What the plan now says against what was approved: a rule that keeps it off the air, and
    starts about which somebody decided on their own."""
    approved = [pair for pair in done if pair[1].approved]
    try:
        view = session.ask(PlanRequest(LOOK_AHEAD_HOURS)) if approved else None
    except Unreachable:
        return  # it is decided all the same
    if not isinstance(view, PlanView):
        return
    for item, request in approved:
        same = [one for one in view.items if full_id(one) == full_id(item)]
        meant = [one for one in same if request.nominal in (None, one.nominal)]
        own = [one for one in meant if request.nominal is None and _is_own(one, request, view.tz)]
        kept = next((one for one in meant if one not in own and _is_kept(one)), None)
        if kept is not None:
            yield _kept_off(kept, view.tz, session.lang)
        for one in own:
            yield _own_word(one, view.tz, session.lang)


def _kept_off(item: Upcoming, tz: str, lang: Lang) -> Finding:
    mark, why = readiness(item, lang).split(" ", 1)
    words = f" ({item.rule})" if item.rule else ""
    text = f"{day(item.start_ms, tz, lang)} {clock(item.start_ms, tz)}: {why}{words}"
    return Finding(WATCH, text, say(lang, "start-over-next") if mark == FAULT else "")


def _is_kept(item: Upcoming) -> bool:
    """A rule keeps some of it off the air; what is still to be fetched is not meant."""
    return any(one.reason == item.problem for one in item.kept)


def _is_own(item: Upcoming, request: ApproveRequest, tz: str) -> bool:
    """A word about this start alone goes before the one about all."""
    wanted = request.place or item.nominal[11:16]
    return item.approval == "refused" or clock(item.start_ms, tz) != wanted


def _own_word(item: Upcoming, tz: str, lang: Lang) -> Finding:
    nominal = item.nominal[:16].replace("T", " ")
    if item.approval == "refused":
        text = say(lang, "own-refused", time=nominal)
    else:
        text = say(lang, "own-placed", time=nominal, place=clock(item.start_ms, tz))
    step = f'{PROGRAM} approve {full_id(item)} "{nominal}" --at {item.nominal[11:16]}'
    return Finding(WATCH, text, step)


_ABOUT_THE_PERSON = frozenset(
    {
        AckReason.WRONG_PIN,
        AckReason.PIN_LOCKED,
        AckReason.PIN_NEEDED,
        AckReason.PIN_FILE,
        AckReason.UNKNOWN_PERSON,
        AckReason.NO_RIGHT,
        AckReason.MALFORMED,
        AckReason.UNSUPPORTED,
    }
)


def _told(findings: list[Finding], decisions: list[Decision], session: Session) -> Shown:
    lines = [line for one in findings for line in finding_lines(one, session.width)]
    status = EXIT_FAULT if any(one.mark == FAULT for one in findings) else EXIT_OK
    if len(decisions) == 1:
        return Shown(lines, decisions[0].result, status)
    return Shown(lines, Decisions(tuple(decisions)), status)


def _approval(
    typed: argparse.Namespace, one: Waiting, view: PlanView, session: Session
) -> ApproveRequest | Shown:
    item = one.next
    if not item.digest:
        return session.wrong(
            "not-awaiting",
            "see-plan",
            AckReason.NOTHING_TO_APPROVE,
            EXIT_FAULT,
            entry=named(item),
        )
    every = typed.every or _every_wanted(typed, one, session)
    late = None if every or typed.command == "reject" else _too_late(typed, item, view, session)
    if late is not None:
        return late
    return ApproveRequest(
        authority=item.authority,
        entry=item.entry,
        digest=item.digest,
        by="",  # the agent writes the name whose PIN was right
        means="pin",
        approved=typed.command == "approve",
        nominal=None if every else item.nominal,
        place=typed.at,
        document_number=typed.document,
    )


def _too_late(
    typed: argparse.Namespace, item: Upcoming, view: PlanView, session: Session
) -> Shown | None:
    """A start that is over needs an hour that is not."""
    if typed.at is None:
        start = f"{day(item.start_ms, view.tz, session.lang)} {clock(item.start_ms, view.tz)}"
        key, values = "start-over", {"entry": named(item), "time": start}
        over = is_over(item, view)
    else:
        place = read_time(f"{item.nominal[:10]} {typed.at}")
        key, values = "time-past", {"typed": typed.at}
        over = place is not None and coming(place, view.at_ms, view.tz) is None
    if not over:
        return None
    return session.wrong(key, "start-over-next", AckReason.EXPIRED, EXIT_FAULT, **values)


def _every_wanted(typed: argparse.Namespace, one: Waiting, session: Session) -> bool:
    """Asked only of somebody at the keyboard who chose from the list."""
    asked = not (typed.once or typed.entry or typed.all_from) and len(one.starts) > 1
    if not asked or session.prompts is None:
        return False
    for _ in range(ASKED_AT_MOST):
        typed_now = session.prompts.line(say(session.lang, "ask-extent"), "1")
        if typed_now in ("1", "2"):
            return typed_now == "2"
        odd = say(session.lang, "extent-odd", typed=clean(typed_now))
        session.prompts.tell(finding_lines(Finding(FAULT, odd), session.width))
    raise GaveUp


def _approved(
    typed: argparse.Namespace,
    request: ApproveRequest,
    item: Upcoming,
    view: PlanView,
    who: str,
    lang: Lang,
) -> Finding:
    if request.nominal is None:
        which = say(lang, "which-every")
    else:
        start = f"{day(item.start_ms, view.tz, lang)} {clock(item.start_ms, view.tz)}"
        which = say(lang, "which-once", time=start)
    if request.place is not None:
        which += f", {say(lang, 'placed-at', time=request.place)}"
    key = "done-approve" if typed.command == "approve" else "done-reject"
    text = say(lang, key, entry=named(item), which=which)
    return Finding(OK, f"{text} · {who}")


def _with_name(finding: Finding, item: Upcoming) -> Finding:
    return Finding(finding.mark, f"{named(item)}: {finding.text}", finding.next)


# --- the local order of things --------------------------------------------------------------


def _with_entry(
    typed: argparse.Namespace, session: Session, act: Callable[[Upcoming], Shown]
) -> Shown:
    """Find the entry that is meant in the plan, then act on it."""
    when = " ".join(getattr(typed, "when", ()))
    if when and read_time(when) is None:
        return session.wrong(
            "time-odd", "time-odd-next", AckReason.MALFORMED, EXIT_USAGE, typed=when
        )
    answer = session.ask(PlanRequest(LOOK_AHEAD_HOURS))
    if not isinstance(answer, PlanView):
        return session.not_shown(answer)
    found = find_entry(typed.entry, answer.items, when, answer.at_ms)
    if isinstance(found, NotFound):
        return _entry_not_found(typed, found, act, session)
    return act(found)


def _entry_not_found(
    typed: argparse.Namespace,
    missing: NotFound,
    act: Callable[[Upcoming], Shown],
    session: Session,
) -> Shown:
    """A held entry is not in the plan, yet it must be possible to release it by its full id."""
    authority, slash, entry = typed.entry.partition("/")
    if typed.command in ("release", "hold") and slash and authority and entry:
        return act(Upcoming(0, None, "", 3, entry, authority, "", (), None))
    return not_found(missing, "entry", session)


def _do(request: Request, said: str, typed: argparse.Namespace, session: Session) -> Shown:
    answer = Decider(typed, session).ask(request)
    if isinstance(answer, Shown):
        return answer
    return shown_done(answer, Finding(OK, said), session)


def hold(typed: argparse.Namespace, session: Session) -> Shown:
    """`hold` and `release`."""
    held = typed.command == "hold"

    def act(item: Upcoming) -> Shown:
        said = say(session.lang, "done-hold" if held else "done-release", entry=named(item))
        step = f"{PROGRAM} release {full_id(item)}" if held else ""
        answer = Decider(typed, session).ask(HoldRequest(item.authority, item.entry, held))
        if isinstance(answer, Shown):
            return answer
        return shown_done(answer, Finding(OK, said, step), session)

    return _with_entry(typed, session, act)


def skip(typed: argparse.Namespace, session: Session) -> Shown:
    def act(item: Upcoming) -> Shown:
        time = local_words(item.nominal)
        said = say(session.lang, "done-skip", entry=named(item), time=time)
        return _do(SkipRequest(item.authority, item.entry, item.nominal), said, typed, session)

    return _with_entry(typed, session, act)


def order(typed: argparse.Namespace, session: Session) -> Shown:
    def act(item: Upcoming) -> Shown:
        said = say(session.lang, "done-order", entry=named(item), order=typed.order)
        return _do(OrderRequest(item.authority, item.entry, typed.order), said, typed, session)

    return _with_entry(typed, session, act)


def named(item: Upcoming) -> str:
    name = full_id(item)
    return f"{item.title} ({name})" if item.title else name
