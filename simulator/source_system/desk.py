"""What every action of a district goes through: look, compare, sign, write down, publish, wait.

Owns the order of these steps and the connection they use. What a document says is the business
of the desks built on this one (`timetable_desk`, `content_desk`, `emergency_desk`,
`command_desk`), which together are the `District`.

Invariants: nothing is published that was not first recorded in the ledger; a revision made from
an older one than the broker holds is refused (`Conflict`), telling who was faster.
"""

from __future__ import annotations

import datetime as dt
import getpass
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.contract.documents import Content, Document, Schedule, Signed, Trust, Warnings
from agent.contract.envelope import EnvelopeError, Signature, open_envelope, seal
from agent.contract.strict import Malformed, decode_signed
from agent.contract.topics import MESSAGE_MAX_BYTES, audience_down
from agent.core.trust import digest_of
from simulator.source_system import compose
from simulator.source_system.accepted_keys import read_accepted
from simulator.source_system.courier import Courier
from simulator.source_system.home import DistrictFile, Home
from simulator.source_system.journal import JournalReader
from simulator.source_system.keyring import KeyInfo, Keyring, Passphrase, SigningKey, signers_of
from simulator.source_system.ledger import Ledger, Push
from simulator.source_system.problems import Conflict, DistrictError
from simulator.source_system.receipts import Delivery, Progress, Receipt, Sent, await_receipts
from simulator.source_system.records import Records

TIME_ZONE = "Asia/Ho_Chi_Minh"


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Desk:
    """One district home. Cheap to make; connects to the broker only inside a call."""

    def __init__(
        self,
        home: Path,
        *,
        clock_ms: Callable[[], int] = wall_clock_ms,
        ask_passphrase: Passphrase | None = None,
        by: str | None = None,
        on_enrolled: Callable[[], None] | None = None,
    ) -> None:
        """by: who pushes, shown to others. on_enrolled: told after the ACL file has changed."""
        self.home = Home(home)
        self._clock_ms = clock_ms
        self._ask = ask_passphrase
        self._by = by or getpass.getuser()
        self._on_enrolled = on_enrolled

    @property
    def file(self) -> DistrictFile:
        """district.toml as it is now."""
        return self.home.read()

    @property
    def authority(self) -> str:
        return self.file.authority.id

    @property
    def keyring(self) -> Keyring:
        return Keyring.load(self.home.keys, self._ask)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.home.ledger)

    @property
    def journal(self) -> JournalReader:
        return JournalReader(self.home.journal)

    @property
    def records(self) -> Records:
        return Records(self.home.journal, read_accepted(self.home))

    @property
    def by(self) -> str:
        """Who acts here, as others are told."""
        return self._by

    @property
    def now_ms(self) -> int:
        """The clock of this district."""
        return self._clock_ms()

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._clock_ms() / 1000, ZoneInfo(TIME_ZONE)).date()

    def _courier(self) -> Courier:
        return Courier("127.0.0.1", self.file.broker.operator_port, self.home.operator)

    def stations_of(self, audience: str) -> tuple[str, ...]:
        """Raises DistrictError for an audience nobody belongs to."""
        return self._stations(audience)

    def _stations(self, audience: str) -> tuple[str, ...]:
        """Raises DistrictError for an audience nobody belongs to."""
        file = self.file
        kind, _, name = audience.partition("/")
        known = [one.id for one in (file.station if kind == "s" else file.group)]
        if kind not in ("s", "g") or name not in known:
            raise DistrictError("audience_unknown", audience, ", ".join(known))
        return tuple(station.id for station in file.members(audience))

    def _base(
        self, audience: str, kind: str, made_from: int | None = None, *, adopt: bool = False
    ) -> tuple[int, Document | None]:
        """(newest revision anywhere, its document). Raises Conflict unless `adopt`.

        Compare-and-set: what the broker holds counts, not only what this home remembers; what
        no key of this district has signed does not count, stations ignore it too.
        """
        own = self.ledger.latest(audience, kind)
        with self._courier() as courier:
            raw = courier.retained([audience_down(audience, kind)])[0]
        retained = retained_document(raw, self.keyring.keys)
        own_revision = 0 if own is None else own.revision
        newest = max(own_revision, 0 if retained is None else retained.revision)
        base = own_revision if made_from is None else made_from
        if newest > base and not adopt:
            who = _who_was_faster(newest, base, retained, own)
            raise Conflict("conflict", f"{audience} {kind}", who)
        if own is not None and own_revision == newest:
            return newest, _as_document(open_push(own))
        return newest, retained

    def _own(self, audience: str, kind: str) -> Document | None:
        """The newest revision this home has signed itself."""
        own = self.ledger.latest(audience, kind)
        return None if own is None else _as_document(open_push(own))

    def _record(self, document: Signed, keys: Sequence[SigningKey], note: str = "") -> Push:
        body = compose.encode(document)
        sealed = seal(body, tuple(key.sign(body) for key in keys))
        return self._record_sealed(document, body, sealed, note)

    def _record_sealed(self, document: Signed, body: bytes, sealed: bytes, note: str) -> Push:
        if len(sealed) > MESSAGE_MAX_BYTES:
            raise DistrictError("message_too_large", document.audience, f"{len(sealed)} bytes")
        if not isinstance(document, Trust | Schedule | Content | Warnings):
            raise DistrictError("argument", document.audience)
        push = Push(
            audience=document.audience,
            kind=str(document.__struct_config__.tag),
            revision=document.revision,
            digest=digest_of(body),
            at_ms=document.issued_at_ms,
            by=self._by,
            note=note,
            sealed=sealed,
        )
        self.ledger.record(push)
        return push

    def _sent(self, push: Push, stations: tuple[str, ...]) -> Sent:
        return Sent(
            authority=self.authority,
            audience=push.audience,
            kind=push.kind,
            revision=push.revision,
            digest=push.digest,
            stations=stations,
        )

    def _send(
        self,
        push: Push,
        stations: tuple[str, ...],
        wait_s: float,
        progress: Progress | None = None,
    ) -> Delivery:
        sent = self._sent(push, stations)
        with self._courier() as courier:
            courier.publish(audience_down(push.audience, push.kind), push.sealed, retain=True)
            if wait_s > 0:
                return await_receipts(courier, sent, wait_s, progress)
        waiting = tuple(Receipt(station=station, state="waiting") for station in stations)
        return Delivery(sent=sent, receipts=waiting)


def sealed_size(document: Signed) -> int:
    """How many bytes it takes on the wire once one key has signed it; needs no key."""
    return len(seal(compose.encode(document), (Signature("0" * 16, bytes(64)),)))


def open_push(push: Push) -> Signed:
    return decode_signed(open_envelope(push.sealed).body)


def _as_document(message: Signed) -> Document | None:
    return message if isinstance(message, Trust | Schedule | Content | Warnings) else None


def retained_document(raw: bytes | None, keys: Sequence[KeyInfo]) -> Document | None:
    """What the broker holds, if one of `keys` has signed it."""
    if raw is None:
        return None
    try:
        envelope = open_envelope(raw)
        if not signers_of(envelope, keys):
            return None
        return _as_document(decode_signed(envelope.body))
    except (EnvelopeError, Malformed):
        return None


def _who_was_faster(newest: int, base: int, retained: Document | None, own: Push | None) -> str:
    by = retained.pushed_by if isinstance(retained, Schedule) else ""
    at_ms = 0 if retained is None else retained.issued_at_ms
    if own is not None and own.revision == newest:
        by, at_ms = own.by, own.at_ms
    when = dt.datetime.fromtimestamp(at_ms / 1000, ZoneInfo(TIME_ZONE))
    return f"{newest}: {by or '?'}, {when:%d/%m/%Y %H:%M}; {base}"
