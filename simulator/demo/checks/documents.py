"""Documents: applied everywhere, content fetched. By the stations' receipts alone."""

from __future__ import annotations

from typing import Any

from simulator.demo.checks.verdict import Failure
from simulator.demo.intent import AppliedCheck, FetchedCheck, Step
from simulator.demo.occurrences import Evidence
from simulator.demo.traffic import Message


def applied(evidence: Evidence, step: Step, check: AppliedCheck) -> list[Failure]:
    failures = []
    for station in check.stations:
        reports = _reports(evidence, step, station)
        for wanted in check.documents:
            best = max(
                (_revision(one, wanted.authority, wanted.audience, wanted.kind) for one in reports),
                default=0,
            )
            if best < wanted.revision:
                what = f"{wanted.kind} {wanted.authority} {wanted.revision}"
                failures.append(
                    Failure(
                        f"{station}: chưa báo đã áp dụng {what} (mới có {best})",
                        f"{station}: no receipt for {what} (only {best})",
                    )
                )
    return failures


def fetched(evidence: Evidence, step: Step, check: FetchedCheck) -> list[Failure]:
    failures = []
    for station in check.stations:
        reports = _reports(evidence, step, station)
        if not reports:
            failures.append(
                Failure(f"{station}: không có biên nhận", f"{station}: no receipt at all")
            )
            continue
        last = reports[-1].content
        revisions = [
            one.get("revision", 0)
            for one in last.get("documents", ())
            if one.get("kind") == "content"
        ]
        if max(revisions, default=0) < check.revision or last.get("missing"):
            count = len(last.get("missing", ()))
            failures.append(
                Failure(
                    f"{station}: còn thiếu {count} tệp, danh mục bản {revisions}",
                    f"{station}: {count} files missing, content revisions {revisions}",
                )
            )
    return failures


def _reports(evidence: Evidence, step: Step, station: str) -> list[Message]:
    found = evidence.traffic.up("reported", station)
    return [one for one in found if step.from_ms <= one.at_ms <= step.to_ms]


def _revision(report: Message, authority: str, audience: str, kind: str) -> int:
    found: list[Any] = [
        one.get("revision", 0)
        for one in report.content.get("documents", ())
        if (one.get("authority"), one.get("audience"), one.get("kind"))
        == (authority, audience, kind)
    ]
    return max(found, default=0)
