"""The folder of an extract: written whole, signed once, verified by anybody.

    trich-luc.html, .txt, .json   the page, the same as text, and for machines
    ban-ghi.jsonl                 the station's own records, as they came, one a line
    kiem-chu-ky.txt               how to check it without this program
    trich-luc.sha256              the hash of each of these (sha256sum -c)
    trich-luc.sig                 Ed25519 over the bytes of trich-luc.sha256, 64 bytes
    nguoi-ky.pem                  the public key it was signed with; who holds it, say others

Invariants: nothing is signed that was not read again from the records it stands on; verifying
takes the table apart again: hashes, the signer's signature, the chain and the station's signatures
in `ban-ghi.jsonl`, and whether these records really say what the table says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.contract.chain import fingerprint, grouped
from agent.contract.reasons import Lang
from simulator.source_system.chain_check import Finding, FindingKind, Head, Place, Row, Walk
from simulator.source_system.extract.content import (
    Extract,
    StreamEvidence,
    acts_of,
    clock_in_doubt,
    plays_of,
)
from simulator.source_system.extract.gather import decoded
from simulator.source_system.extract.page import (
    JSON_FILE,
    RECORDS_FILE,
    SIGNING_FILE,
    TEXT_FILE,
    page,
    text,
)
from simulator.source_system.keyring import KEY_ERRORS, SigningKey, verify_signature
from simulator.source_system.private_files import write_whole
from simulator.source_system.problems import DistrictError
from simulator.source_system.records import StreamCheck, read_event

HTML_FILE = "trich-luc.html"
PDF_FILE = "trich-luc.pdf"
MANIFEST_FILE = "trich-luc.sha256"
SIGNATURE_FILE = "trich-luc.sig"
KEY_FILE = "nguoi-ky.pem"
UNSIGNED = frozenset({MANIFEST_FILE, SIGNATURE_FILE, KEY_FILE})

FaultCode = Literal[
    "file_missing",
    "file_changed",
    "file_added",
    "not_an_extract",
    "bad_signature",
    "key_differs",
    "records_wrong",
    "table_differs",
    "evidence_differs",
]


class Fault(msgspec.Struct, frozen=True):
    """Something that does not hold, and where."""

    code: FaultCode
    where: str = ""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a verification. extract: None when it cannot even be read."""

    faults: tuple[Fault, ...]
    extract: Extract | None = None
    station_keys: tuple[str, ...] = ()
    """Fingerprints of the stations' keys whose signatures hold."""


# --- writing -------------------------------------------------------------------------------


def write_extract(
    folder: Path,
    extract: Extract,
    rows: Iterable[tuple[Place, Sequence[Row]]],
    key: SigningKey,
    lang: Lang,
) -> tuple[Path, ...]:
    """Write and sign; raises DistrictError when the folder holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise DistrictError("folder_not_empty", folder)
    records = b"".join(row.raw + b"\n" for _, held in rows for row in held)
    files = {
        HTML_FILE: page(extract, lang).encode(),
        TEXT_FILE: text(extract, lang).encode(),
        JSON_FILE: msgspec.json.format(msgspec.json.encode(extract), indent=1) + b"\n",
        RECORDS_FILE: records,
        SIGNING_FILE: _how_to_check(extract).encode(),
    }
    for name, content in files.items():
        write_whole(folder / name, content)
    return sign_folder(folder, key)


def sign_folder(folder: Path, key: SigningKey) -> tuple[Path, ...]:
    """Hash and sign what lies in the folder, also when a PDF was added."""
    names = sorted(one.name for one in folder.iterdir() if one.name not in UNSIGNED)
    manifest = "".join(f"{_sha256(folder / name)}  {name}\n" for name in names).encode()
    write_whole(folder / MANIFEST_FILE, manifest)
    write_whole(folder / SIGNATURE_FILE, key.private.sign(manifest))
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_whole(folder / KEY_FILE, pem)
    return tuple(folder / name for name in (*names, *sorted(UNSIGNED)))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _how_to_check(extract: Extract) -> str:
    shown = grouped(extract.signer.keyid)
    return f"""Kiểm trích lục này (check this extract):

  districtctl extract verify THƯ_MỤC --key {shown.replace(" ", "")}

Không có districtctl (without districtctl):

  sha256sum -c {MANIFEST_FILE}
  openssl pkeyutl -verify -rawin -pubin -inkey {KEY_FILE} \\
      -in {MANIFEST_FILE} -sigfile {SIGNATURE_FILE}

Tệp {KEY_FILE} ai cũng tạo được. Hãy hỏi đơn vị ký ({extract.signer.authority_name})
vân tay khóa của họ và so với: {shown}
({KEY_FILE} proves nothing by itself: ask who signed for the fingerprint of their key.)

Vân tay là 16 chữ số hex đầu của SHA-256 của khóa công khai thô 32 byte:

  openssl pkey -pubin -in {KEY_FILE} -outform DER | tail -c 32 | sha256sum | cut -c 1-16

{RECORDS_FILE} là bản ghi gốc của đài, mỗi dòng một bản ghi, nối chuỗi SHA-256 và có chữ ký của đài;
cách kiểm: docs/contract/README.md, mục Records.
"""


# --- verifying -----------------------------------------------------------------------------


def verify_folder(folder: Path) -> Verified:
    """Take everything apart again. Whose key it is, is the caller's question."""
    faults = _files(folder)
    try:
        extract = msgspec.json.decode((folder / JSON_FILE).read_bytes(), type=Extract)
        manifest = (folder / MANIFEST_FILE).read_bytes()
        signature = (folder / SIGNATURE_FILE).read_bytes()
        lines = (folder / RECORDS_FILE).read_bytes().splitlines()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return Verified(faults=(*faults, Fault("not_an_extract", str(error)[:200])))
    faults += _signature(folder, extract, manifest, signature)
    more, keys = _records(extract, lines)
    return Verified(faults=(*faults, *more), extract=extract, station_keys=keys)


def _files(folder: Path) -> list[Fault]:
    try:
        manifest = (folder / MANIFEST_FILE).read_text(encoding="utf-8")
        present = {one.name for one in folder.iterdir()} - UNSIGNED
    except (OSError, UnicodeDecodeError) as error:
        return [Fault("not_an_extract", str(error)[:200])]
    faults, listed = [], set()
    for line in manifest.splitlines():
        digest, _, name = line.partition("  ")
        listed.add(name)
        if name not in present:  # a name with a way out of the folder is none of its files
            faults.append(Fault("file_missing", name))
        elif _sha256(folder / name) != digest:
            faults.append(Fault("file_changed", name))
    return faults + [Fault("file_added", name) for name in sorted(present - listed)]


def _signature(folder: Path, extract: Extract, manifest: bytes, signature: bytes) -> list[Fault]:
    try:
        public = bytes.fromhex(extract.signer.public)
        loaded = serialization.load_pem_public_key((folder / KEY_FILE).read_bytes())
    except (OSError, *KEY_ERRORS) as error:
        return [Fault("key_differs", str(error)[:200])]
    same = isinstance(loaded, Ed25519PublicKey) and loaded.public_bytes_raw() == public
    faults = [] if same and fingerprint(public) == extract.signer.keyid else [Fault("key_differs")]
    if not verify_signature(public, signature, manifest):
        faults.append(Fault("bad_signature"))
    return faults


def _records(extract: Extract, lines: Sequence[bytes]) -> tuple[list[Fault], tuple[str, ...]]:
    """Do the station's own records hold, and do they say what the table says?"""
    publics = {public for one in extract.evidence for public in one.signers}
    rows = _streams(lines)
    checks = [_walked(extract, place, held, publics) for place, held in rows]
    said = {(one.installation, one.stream): one for one in extract.evidence if one.records}
    faults = []
    for one in checks:
        evidence = said.pop((one.place.installation, one.place.stream), None)
        faults += _against(one, evidence)
    faults += [Fault("evidence_differs", f"{one.from_seq}–{one.to_seq}") for one in said.values()]
    records = decoded(rows, checks)
    if plays_of(records, extract.asked) != extract.plays:
        faults.append(Fault("table_differs", "plays"))
    if acts_of(records, extract.asked) != extract.acts:
        faults.append(Fault("table_differs", "acts"))
    if clock_in_doubt(records, extract.asked) != extract.clock_doubt:
        faults.append(Fault("table_differs", "clock"))
    keys = {public for one in checks for public in one.signers}
    return faults, tuple(sorted(fingerprint(bytes.fromhex(key)) for key in keys))


def _against(check: StreamCheck, said: StreamEvidence | None) -> list[Fault]:
    """What the records show and the extract does not say."""
    if said is None:
        return [Fault("evidence_differs", check.place.installation)]
    faults = [
        Fault("records_wrong", f"{found.kind.value} {found.seq}")
        for found in check.findings
        if not _is_told(found, said.findings)
    ]
    signed = check.signed.signed_through if check.signed is not None else 0
    if (check.from_seq, check.to_seq, signed) != (said.from_seq, said.to_seq, said.signed_through):
        faults.append(Fault("evidence_differs", f"{said.from_seq}–{said.to_seq}"))
    return faults


def _is_told(found: Finding, said: Sequence[Finding]) -> bool:
    """An unreadable record has no line to stand in: here it is missing."""
    if found.kind is not FindingKind.GAP:
        return any((one.kind, one.seq) == (found.kind, found.seq) for one in said)
    missing = (FindingKind.GAP, FindingKind.UNREADABLE)
    reached = found.seq
    for low, high in sorted((one.seq, one.to_seq) for one in said if one.kind in missing):
        if low <= reached:
            reached = max(reached, high + 1)
    return reached > found.to_seq


def _streams(lines: Sequence[bytes]) -> list[tuple[Place, list[Row]]]:
    """Records by stream, in order of their numbers; what is no record has no place."""
    rows: dict[Place, list[Row]] = {}
    for raw in lines:
        event = read_event(raw)
        if event is not None:
            place = Place(event.station, event.installation, event.stream)
            kind = str(event.body.__struct_config__.tag)
            rows.setdefault(place, []).append(Row(event.seq, event.at_ms, kind, raw))
    return [(place, sorted(held)) for place, held in rows.items()]


def _walked(extract: Extract, place: Place, rows: Sequence[Row], publics: set[str]) -> StreamCheck:
    asked = Place(extract.asked.station, place.installation, place.stream)
    first = rows[0].seq
    head = Head() if first <= 1 else Head(seq=first - 1, chain="")
    walk = Walk(asked, verify_signature, publics.__contains__, head)
    walk.take_all(rows)
    return StreamCheck(
        place=place,
        from_seq=walk.runs[0].from_seq if walk.runs else 0,
        to_seq=walk.runs[-1].to_seq if walk.runs else 0,
        from_ms=rows[0].at_ms,
        to_ms=rows[-1].at_ms,
        records=walk.records,
        checkpoints=walk.checkpoints,
        runs=tuple(walk.runs),
        findings=tuple(walk.findings),
        signers=tuple(sorted(walk.signers)),
    )
