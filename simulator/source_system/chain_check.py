"""Whether the records of one stream are whole, in order and signed. Pure: rows in, findings out.

A record vouches for all before it (agent.contract.chain), and a checkpoint, signed by the station,
vouches for the record. So a changed, missing, added or moved record shows at its own number or at
the next, and one that was forged together with everything after it shows at the next checkpoint.
What no check can see is said by `Run`: the first record after a gap follows something nobody has,
and the records after the last checkpoint are signed by nobody yet.

Owns no storage and no trust: which keys are the station's is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

import msgspec

from agent.contract.chain import BEGIN, fingerprint, link, parted, signed_words
from agent.contract.envelope import VerifySignature
from agent.contract.reports import Checkpoint, Event
from simulator.source_system.said import Said


class FindingKind(StrEnum):
    """What can be wrong with records."""

    GAP = "gap"
    UNDELIVERED = "undelivered"
    BROKEN_LINK = "broken_link"
    UNREADABLE = "unreadable"
    MISPLACED = "misplaced"
    UNCHAINED = "unchained"
    BEGUN_ANEW = "begun_anew"
    BAD_SIGNATURE = "bad_signature"
    WRONG_CHECKPOINT = "wrong_checkpoint"
    UNKNOWN_KEY = "unknown_key"
    KEY_CHANGED = "key_changed"
    FORK = "fork"


FINDINGS: dict[FindingKind, tuple[Said, Said]] = {
    FindingKind.GAP: (
        Said("thiếu bản ghi", "records are missing"),
        Said(
            "xin đài gửi lại: districtctl command ĐÀI resend SỐ",
            "ask the station again: districtctl command STATION resend NUMBER",
        ),
    ),
    FindingKind.UNDELIVERED: (
        Said(
            "đài nói đã ghi đến số này mà bản ghi không có ở đây",
            "the station said that it wrote up to here, and the records are not here",
        ),
        Said(
            "đài vừa nối mạng thì chờ nó gửi hết; nếu vẫn vậy, so với nhật ký trên đài: "
            "stationctl journal",
            "just back on the net: wait until it has sent all; if it stays so, compare with the "
            "box: stationctl journal",
        ),
    ),
    FindingKind.BROKEN_LINK: (
        Said(
            "không nối tiếp bản ghi trước: đã bị sửa, thêm hoặc đổi chỗ",
            "does not follow the record before it: changed, added or moved",
        ),
        Said(
            "giữ nguyên tệp, so với nhật ký trên đài: stationctl journal",
            "keep the file as it is, compare with the box: stationctl journal",
        ),
    ),
    FindingKind.UNREADABLE: (
        Said("không đọc được bản ghi", "the record cannot be read"),
        Said(
            "giữ nguyên tệp, xin đài gửi lại bản ghi này",
            "keep the file as it is, ask the station for this record again",
        ),
    ),
    FindingKind.MISPLACED: (
        Said(
            "nội dung bản ghi không khớp chỗ lưu",
            "the record says something else than where it is kept",
        ),
        Said(
            "giữ nguyên tệp, báo người quản trị cơ sở dữ liệu",
            "keep the file as it is, tell who administers the database",
        ),
    ),
    FindingKind.UNCHAINED: (
        Said("bản ghi không có mắt xích", "the record carries no chain"),
        Said("đài có bị hạ phiên bản không?", "was older software put on the station?"),
    ),
    FindingKind.BEGUN_ANEW: (
        Said("chuỗi bắt đầu lại từ đầu", "the chain begins anew"),
        Said(
            "đài có bị hạ phiên bản hoặc khôi phục thẻ nhớ không?",
            "was older software or an old copy of its card put on the station?",
        ),
    ),
    FindingKind.BAD_SIGNATURE: (
        Said("chữ ký của đài sai", "the station's signature is wrong"),
        Said(
            "giữ nguyên tệp, báo an toàn thông tin",
            "keep the file as it is, tell information security",
        ),
    ),
    FindingKind.WRONG_CHECKPOINT: (
        Said(
            "đài đã ký một chuỗi khác: bản ghi phía trước đã bị viết lại",
            "the station signed another chain: records before it were written anew",
        ),
        Said(
            "giữ nguyên tệp, so với nhật ký trên đài: stationctl journal",
            "keep the file as it is, compare with the box: stationctl journal",
        ),
    ),
    FindingKind.UNKNOWN_KEY: (
        Said("ký bằng khóa chưa được chấp nhận", "signed with a key that was not accepted"),
        Said("xem: districtctl records keys", "see: districtctl records keys"),
    ),
    FindingKind.KEY_CHANGED: (
        Said("đài xưng một khóa khác", "the station shows another key"),
        Said(
            "đã thay thẻ nhớ? So vân tay tại đài (stationctl doctor) rồi: "
            "districtctl records accept ĐÀI VÂN-TAY",
            "was its card changed? Compare the fingerprint at the box (stationctl doctor), then: "
            "districtctl records accept STATION FINGERPRINT",
        ),
    ),
    FindingKind.FORK: (
        Said(
            "hai bản ghi khác nhau cùng một số: thẻ nhớ bị nhân bản, hoặc giả mạo",
            "two different records under one number: a cloned card, or a forgery",
        ),
        Said(
            "có hai hộp cùng chạy một thẻ không? Cả hai bản đều được giữ",
            "do two boxes run from one card? Both records are kept",
        ),
    ),
}
"""Per kind: what it means, and what to do next."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something is wrong with record `seq`, or with `seq` to `to_seq`."""

    kind: FindingKind
    seq: int
    to_seq: int = 0
    detail: str = ""


class Row(NamedTuple):
    """One stored record: where it is kept, and its bytes."""

    seq: int
    at_ms: int
    kind: str
    raw: bytes


class Place(NamedTuple):
    """The stream the rows are said to be of."""

    station: str
    installation: str
    stream: str


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """How far a walk has come.

    chain: what the next record has to follow, "" when nobody knows it. begun: a record was
    chained already, so every later one has to be.
    """

    seq: int = 0
    chain: str = BEGIN
    begun: bool = False


@dataclass(slots=True)
class Run:
    """Records without a gap whose links hold.

    anchored: the link of the first one was checked, too. signed_through: the newest record of
    this run that a checkpoint vouches for, 0 for none; its key. links: they are chained at all.
    """

    from_seq: int
    to_seq: int
    from_ms: int
    to_ms: int
    chained: bool
    anchored: bool
    signed_through: int = 0
    signed_ms: int = 0
    public: str = ""

    def proves(self, seq: int) -> bool:
        """Whether the station's signature stands for record `seq`."""
        first = self.from_seq if self.anchored else self.from_seq + 1
        return self.chained and first <= seq <= self.signed_through


def _run(row: Row, *, chained: bool, anchored: bool) -> Run:
    return Run(row.seq, row.seq, row.at_ms, row.at_ms, chained, anchored)


IsStationKey = Callable[[str], bool]
"""Whether a public key (hex) is one of this station's."""


@dataclass
class Walk:
    """Goes along one stream in order of numbers; `findings` and `runs` grow.

    head: where an earlier walk ended; by default the beginning of the stream. To begin in the
    middle give a head with the number before the first row and no chain.
    """

    place: Place
    verify: VerifySignature
    is_key: IsStationKey
    head: Head = field(default_factory=Head)
    findings: list[Finding] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    records: int = 0
    checkpoints: int = 0
    signers: set[str] = field(default_factory=set)
    """Keys of the station whose signatures were right."""

    def take_all(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.take(row)

    def take(self, row: Row, event: Event | None = None) -> None:
        """The next row; numbers rise. event: what its bytes say, if somebody has read them."""
        self.records += 1
        if row.seq != self.head.seq + 1:
            self._find(FindingKind.GAP, self.head.seq + 1, row.seq - 1)
            self.head = Head(seq=row.seq - 1, chain="", begun=self.head.begun)
        event = event or self._read(row)
        if event is None:
            self.head = Head(seq=row.seq, chain="", begun=self.head.begun)
            return
        self._in_place(row, event)
        content, stated = parted(row.raw)
        if stated:
            self._chained(row, content, stated, self._vouched(event))
        else:
            self._unchained(row)

    def ended(self, last_seq: int) -> None:
        """The stream is known to have gone on to `last_seq`."""
        if last_seq > self.head.seq:
            self._find(FindingKind.GAP, self.head.seq + 1, last_seq)

    # --- one record ---------------------------------------------------------------------

    def _find(self, kind: FindingKind, seq: int, to_seq: int = 0, detail: str = "") -> None:
        self.findings.append(Finding(kind=kind, seq=seq, to_seq=to_seq or seq, detail=detail))

    def _read(self, row: Row) -> Event | None:
        try:
            return msgspec.json.decode(row.raw, type=Event)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._find(FindingKind.UNREADABLE, row.seq, detail=str(error))
            return None

    def _in_place(self, row: Row, event: Event) -> None:
        tag = event.body.__struct_config__.tag
        said = (event.station, event.installation, event.stream, event.seq, event.at_ms, tag)
        kept = (*self.place, row.seq, row.at_ms, row.kind)
        if said != kept:
            names = ("station", "installation", "stream", "seq", "at_ms", "kind")
            wrong = [
                f"{name} {one}, kept as {other}"
                for name, one, other in zip(names, said, kept, strict=True)
                if one != other
            ]
            self._find(FindingKind.MISPLACED, row.seq, detail="; ".join(wrong))

    def _unchained(self, row: Row) -> None:
        """Of older software; after a chained record it is one too few."""
        if self.head.begun:
            self._find(FindingKind.UNCHAINED, row.seq)
        run = self.runs[-1] if self.runs else None
        if run is not None and not run.chained and run.to_seq == row.seq - 1:
            run.to_seq, run.to_ms = row.seq, row.at_ms
        else:
            self.runs.append(_run(row, chained=False, anchored=False))
        after = "" if self.head.begun else self.head.chain
        self.head = Head(seq=row.seq, chain=after, begun=self.head.begun)

    def _chained(self, row: Row, content: bytes, stated: str, vouched: Checkpoint | None) -> None:
        """vouched: the checkpoint that stands in this record, if the station signed it."""
        before = self.head.chain
        if vouched is not None and before not in ("", vouched.chain):
            self._find(FindingKind.WRONG_CHECKPOINT, row.seq)
            vouched = None
        if vouched is not None:
            before = vouched.chain
        follows = before != "" and link(before, content) == stated
        if not follows and before != "":
            follows = link(BEGIN, content) == stated
            anew = FindingKind.BEGUN_ANEW if follows else FindingKind.BROKEN_LINK
            self._find(anew, row.seq)
            self.runs.append(_run(row, chained=True, anchored=follows))
        elif follows and self._goes_on(row):
            run = self.runs[-1]
            run.to_seq, run.to_ms = row.seq, row.at_ms
            if vouched is not None:
                run.signed_through, run.signed_ms = vouched.through, row.at_ms
                run.public = vouched.public
        else:
            self.runs.append(_run(row, chained=True, anchored=follows))
        self.head = Head(seq=row.seq, chain=stated, begun=True)

    def _goes_on(self, row: Row) -> bool:
        return bool(self.runs) and self.runs[-1].chained and self.runs[-1].to_seq == row.seq - 1

    def _vouched(self, event: Event) -> Checkpoint | None:
        """The checkpoint in this record, if the station signed it for the record before."""
        body = event.body
        if not isinstance(body, Checkpoint):
            return None
        self.checkpoints += 1
        try:
            public, signature = bytes.fromhex(body.public), bytes.fromhex(body.signature)
        except ValueError:
            public = signature = b""
        if not self.verify(public, signature, signed_words(event, body)):
            self._find(FindingKind.BAD_SIGNATURE, event.seq)
        elif not self.is_key(body.public):
            self._find(FindingKind.UNKNOWN_KEY, event.seq, detail=fingerprint(public))
        elif body.through != event.seq - 1:
            self._find(FindingKind.WRONG_CHECKPOINT, event.seq, detail=f"through {body.through}")
        else:
            self.signers.add(body.public)
            return body
        return None

    # --- what came of it ----------------------------------------------------------------

    def proves(self, seq: int) -> bool:
        """Whether the station's signature stands for record `seq`."""
        return any(run.proves(seq) for run in self.runs)

    @property
    def last_signed(self) -> Run | None:
        """The run with the newest record that is signed."""
        signed = [run for run in self.runs if run.signed_through]
        return replace(signed[-1]) if signed else None
