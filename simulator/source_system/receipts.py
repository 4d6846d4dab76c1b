"""Did it arrive: receipts of documents and acks of commands, from what stations report.

Owns the waiting (bounded, with progress) and the three answers: applied, refused with its
reason, waiting. Invariant: never more certain than the station's own word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from agent.contract.reasons import ACK, AckReason, Lang
from agent.contract.reports import Ack, Reported
from agent.contract.topics import station_up
from simulator.source_system.courier import Courier

TERMINAL_ACKS = frozenset({"done", "failed", "expired", "duplicate", "rejected"})


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What one station says about one document."""

    station: str
    state: Literal["applied", "refused", "waiting"]
    reason: AckReason | None = None
    detail: str = ""

    def text(self, lang: Lang) -> str:
        """Reason and next step, empty unless refused."""
        if self.reason is None:
            return self.detail
        meaning = ACK[self.reason]
        return f"{meaning.text(lang)} ({self.detail}) → {meaning.next(lang)}"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A signed document on its way. digest: 16 hex digits, as stations report it."""

    authority: str
    audience: str
    kind: str
    revision: int
    digest: str
    stations: tuple[str, ...]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A sent document and what came back so far."""

    sent: Sent
    receipts: tuple[Receipt, ...]

    def of(self, state: str) -> list[Receipt]:
        return [one for one in self.receipts if one.state == state]

    @property
    def revision(self) -> int:
        return self.sent.revision

    @property
    def complete(self) -> bool:
        return not self.of("waiting")


Progress = Callable[[Delivery], None]


def judge_report(sent: Sent, reported: Reported) -> Receipt:
    """What this report says about `sent`."""
    mine = (sent.authority, sent.audience, sent.kind)
    for one in reported.documents:
        if (one.authority, one.audience, one.kind) == mine and (
            one.digest == sent.digest or one.revision > sent.revision
        ):
            return Receipt(station=reported.station, state="applied")
    for refusal in reported.refusals:
        if refusal.digest == sent.digest:
            return Receipt(
                station=reported.station,
                state="refused",
                reason=refusal.reason,
                detail=refusal.detail,
            )
    return Receipt(station=reported.station, state="waiting")


def await_receipts(
    courier: Courier, sent: Sent, wait_s: float, progress: Progress | None = None
) -> Delivery:
    """Until every station has answered or `wait_s` has passed."""
    found = {name: Receipt(station=name, state="waiting") for name in sent.stations}
    topics = {station_up(name, "reported"): name for name in sent.stations}
    courier.subscribe(list(topics))
    for message in courier.messages(wait_s):
        name = topics.get(message.topic)
        reported = decode_report(message.payload)
        if name is None or reported is None:
            continue
        receipt = judge_report(sent, reported)
        if receipt.state == "waiting" or receipt == found[name]:
            continue
        found[name] = receipt
        if progress is not None:
            progress(_delivery(sent, found))
        if _delivery(sent, found).complete:
            break
    return _delivery(sent, found)


def _delivery(sent: Sent, found: Mapping[str, Receipt]) -> Delivery:
    return Delivery(sent=sent, receipts=tuple(found.values()))


def decode_report(payload: bytes) -> Reported | None:
    try:
        return msgspec.json.decode(payload, type=Reported)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def await_acks(
    courier: Courier, command: str, stations: Sequence[str], wait_s: float
) -> dict[str, Ack]:
    """The last ack per station until all are terminal; subscribe to `up/ack` beforehand."""
    found: dict[str, Ack] = {}
    for message in courier.messages(wait_s):
        try:
            ack = msgspec.json.decode(message.payload, type=Ack)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if ack.id == command and message.topic == station_up(ack.station, "ack"):
            found[ack.station] = ack
        if all(name in found and found[name].state in TERMINAL_ACKS for name in stations):
            break
    return found
