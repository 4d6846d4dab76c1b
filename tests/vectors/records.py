"""Writes `docs/contract/records.json`: chained records, and what must be found when they change.

`python -m tests.vectors.records` writes, `--check` compares. Chains and signatures are made here
from the text of the contract alone, not by the code that makes them on a station.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.district import Person

PATH = Path(__file__).parents[2] / "docs" / "contract" / "records.json"

STATION, INSTALLATION, STREAM = "tan-lien", "i-7c1f", "main"
BOX = Person("box of tan-lien")
CLONE = Person("another box")
AT_MS = 1_795_000_000_000

Raw = str
Expect = list[tuple[str, int]]


def content(seq: int, body: dict[str, Any]) -> str:
    """A record without its chain; msgspec writes JSON without spaces, in the order of fields."""
    record = {
        "v": 1,
        "station": STATION,
        "installation": INSTALLATION,
        "stream": STREAM,
        "seq": seq,
        "at_ms": AT_MS + seq * 1_000,
        "body": body,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def linked(before: str, text: str) -> tuple[Raw, str]:
    """The record with its chain, and the chain."""
    chain = hashlib.sha256(bytes.fromhex(before) + text.encode()).hexdigest()
    return f'{text[:-1]},"chain":"{chain}"}}', chain


def audit(what: str) -> dict[str, Any]:
    return {"kind": "audit", "what": what, "by": "trạm Tân Liên", "detail": "“thử”", "result": ""}


def checkpoint(through: int, chain: str, by: Person = BOX) -> dict[str, Any]:
    lines = ("commune-radio checkpoint 1", STATION, INSTALLATION, STREAM, str(through), chain)
    private = Ed25519PrivateKey.from_private_bytes(by.seed)
    signature = private.sign("\n".join(lines).encode())
    return {
        "kind": "checkpoint",
        "through": through,
        "chain": chain,
        "public": by.public.hex(),
        "signature": signature.hex(),
    }


def stream(changed: dict[int, str] | None = None, signer: Person = BOX) -> list[Raw]:
    """Records 1 to 7; 4 and 7 are checkpoints. changed: other words in an audit."""
    words = {number: f"act_{number}" for number in (1, 2, 3, 5, 6)} | (changed or {})
    chain, records = "0" * 64, []
    for seq in range(1, 8):
        body = checkpoint(seq - 1, chain, signer) if seq in (4, 7) else audit(words[seq])
        raw, chain = linked(chain, content(seq, body))
        records.append(raw)
    return records


def without(records: list[Raw], *seqs: int) -> list[Raw]:
    return [raw for seq, raw in enumerate(records, 1) if seq not in seqs]


def replaced(records: list[Raw], seq: int, raw: Raw) -> list[Raw]:
    return [raw if number == seq else one for number, one in enumerate(records, 1)]


def old(seq: int) -> Raw:
    """Of software that chained nothing."""
    return content(seq, audit(f"act_{seq}"))


def cases() -> list[tuple[str, list[Raw], Expect]]:
    """Name, records in the order of their numbers, findings (kind, number)."""
    good = stream()
    forged = [*good[:1], *stream({2: "act_x"})[1:3], *good[3:]]
    anew = stream({2: "act_x"}, signer=CLONE)
    unsigned = good[3].replace('"signature":"', '"signature":"00', 1)
    return [
        ("all is well", good, []),
        (
            "one letter changed",
            replaced(good, 2, good[1].replace("act_2", "act_9")),
            [("broken_link", 2)],
        ),
        ("one record missing", without(good, 3), [("gap", 3)]),
        ("the first records missing", without(good, 1, 2), [("gap", 1)]),
        (
            "written anew with new chains up to the checkpoint",
            forged,
            [("wrong_checkpoint", 4), ("broken_link", 4)],
        ),
        (
            "written anew and signed with another key",
            anew,
            [("unknown_key", 4), ("unknown_key", 7)],
        ),
        (
            "a signature that is none",
            replaced(good, 4, unsigned),
            [("bad_signature", 4), ("broken_link", 4)],
        ),
        (
            "a record without a chain among chained ones",
            replaced(good, 5, old(5)),
            [("unchained", 5)],
        ),
        ("begun by older software", [old(1), old(2), *_after_old()], []),
    ]


def _after_old() -> list[Raw]:
    """Record 3 is the first that is chained."""
    raw, chain = linked("0" * 64, content(3, audit("act_3")))
    sealed, _ = linked(chain, content(4, checkpoint(3, chain)))
    return [raw, sealed]


def build() -> str:
    document = {
        "about": "Records of one stream, their chain and what must be found in them; see README.md"
        " beside this file. The key is a test key: its seed is public.",
        "station": STATION,
        "installation": INSTALLATION,
        "stream": STREAM,
        "public": BOX.public.hex(),
        "seed": BOX.seed.hex(),
        "chains": [raw[-66:-2] for raw in stream()],
        "cases": [
            {
                "name": name,
                "records": records,
                "expect": [{"kind": kind, "seq": seq} for kind, seq in expect],
            }
            for name, records, expect in cases()
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        return int(PATH.read_text(encoding="utf-8") != build())
    PATH.write_text(build(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
