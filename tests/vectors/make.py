"""Writes `docs/contract/vectors.json`: envelopes, the situation, and the verdict expected.

`python -m tests.vectors.make` writes, `--check` compares. The expected verdicts stand here by
hand; nothing is copied from what the code answers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from agent.contract.documents import (
    About,
    AirWindow,
    ApproveEntry,
    HoldEntry,
    KeepQuiet,
    OrderEntry,
    Regulation,
    ReplayEntry,
    Settings,
    SetVolume,
    StreamSource,
    VolumeCeiling,
    When,
    ZoneSelector,
)
from agent.contract.envelope import seal
from agent.contract.reasons import AckReason as Why
from tests.vectors import district as d

PATH = Path(__file__).parents[2] / "docs" / "contract" / "vectors.json"


ABOUT = About(
    summary="Lịch tiêm chủng tháng mười một ở trạm y tế xã.",
    produced="2026-11-19T16:20:00",
    pen_name="An Nhiên",
    email="an@tan-lien.example",
)


@dataclass
class Case:
    """expect: "accepted", "already_held" or the reason.

    held: revision and digest per kind. templates: the held trust document carries its templates.
    padding: spaces to append to the message.
    """

    name: str
    topic: tuple[str, str]
    raw: bytes
    expect: str
    retained: bool = True
    clock_trusted: bool = True
    enrolled_only: bool = False
    held: list[dict[str, Any]] = field(default_factory=list)
    padding: int = 0
    templates: bool = True

    def as_json(self) -> dict[str, Any]:
        audience, kind = self.topic
        return {
            "name": self.name,
            "topic": f"radio/v1/{audience}/dn/{kind}",
            "retained": self.retained,
            "clock_trusted": self.clock_trusted,
            "enrolled_only": self.enrolled_only,
            "held": self.held,
            "templates_held": self.templates,
            "padding": self.padding,
            "message_base64": base64.b64encode(self.raw).decode(),
            "expect": self.expect,
        }


def _held(kind: str, revision: int, digest: str, authority: str = "huyen") -> dict[str, Any]:
    return {
        "authority": authority,
        "audience": d.OWN,
        "kind": kind,
        "revision": revision,
        "digest": digest,
    }


def _digest(message: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(message)).hexdigest()[:16]


def _plain() -> Iterator[Case]:
    """One valid message of each kind."""
    own = d.OWN
    yield Case(
        "trust at enrolment",
        (own, "trust"),
        d.sealed(d.trust(), d.ROOT_1, d.ROOT_3),
        "accepted",
        enrolled_only=True,
    )
    yield Case(
        "newer trust", (own, "trust"), d.sealed(d.trust(revision=4), d.ROOT_1, d.ROOT_2), "accepted"
    )
    yield Case("schedule", (own, "schedule"), d.sealed(d.schedule(), d.OFFICER), "accepted")
    yield Case("content", (own, "content"), d.sealed(d.content(), d.EDITOR), "accepted")
    told = d.schedule(d.entry(author="Nguyễn Văn An", about=ABOUT))
    yield Case(
        "what a bulletin says, when and by whom it was made",
        (own, "schedule"),
        d.sealed(told, d.OFFICER),
        "accepted",
    )
    bound = d.content(d.binding(author="Nguyễn Văn An", about=ABOUT))
    yield Case("the same of a file", (own, "content"), d.sealed(bound, d.EDITOR), "accepted")
    strange = d.schedule(d.entry(about=About(produced="11/2026")))
    yield Case(
        "made on what is no date",
        (own, "schedule"),
        d.sealed(strange, d.OFFICER),
        Why.MALFORMED,
    )
    yield Case(
        "warning from a template", (own, "warning"), d.sealed(d.warnings(), d.DUTY_1), "accepted"
    )
    free = d.warnings(d.warning(template=None))
    yield Case(
        "warning in free words, two signatures",
        (own, "warning"),
        d.sealed(free, d.DUTY_1, d.DUTY_2),
        "accepted",
    )
    yield Case(
        "command", (own, "cmd"), d.sealed(d.command(), d.SERVICE), "accepted", retained=False
    )
    yield Case("cursor", (own, "cursor"), d.sealed(d.cursor(), d.FRESHNESS), "accepted")
    group = d.schedule(authority="tinh", audience=d.GROUP)
    yield Case(
        "schedule for a group", (d.GROUP, "schedule"), d.sealed(group, d.PROVINCE), "accepted"
    )
    far = d.schedule(
        d.entry(zones=ZoneSelector(names=("thôn Xa",))), authority="tinh", audience=d.GROUP
    )
    yield Case(
        "a group's zone name unknown here is ignored",
        (d.GROUP, "schedule"),
        d.sealed(far, d.PROVINCE),
        "accepted",
    )


def _envelopes() -> Iterator[Case]:
    """Bounds, shape and signatures."""
    topic = (d.OWN, "schedule")
    body = msgspec.json.encode(d.schedule())
    good = d.sealed_bytes(body, d.OFFICER)
    yield Case("larger than 64 KB", topic, good, Why.TOO_LARGE, padding=65_536)
    yield Case("empty message", topic, b"", Why.MALFORMED)
    yield Case("not JSON", topic, b"\x00\xff", Why.MALFORMED)
    yield Case(
        "other payload type", topic, good.replace(b"commune-radio", b"somebody-else"), Why.MALFORMED
    )
    yield Case(
        "payload is not base64", topic, good.replace(b'"payload":"', b'"payload":"*'), Why.MALFORMED
    )
    yield Case("no signatures", topic, seal(body, ()), Why.UNSIGNED)
    yield Case("unknown key", topic, d.sealed_bytes(body, d.STRANGER), Why.UNKNOWN_KEY)
    yield Case(
        "one byte of the body changed",
        topic,
        seal(body.replace(b"05:00:00", b"05:01:00"), (d.OFFICER.sign(body),)),
        Why.BAD_SIGNATURE,
    )
    yield Case(
        "stranger under a known key id",
        topic,
        seal(body, (d.STRANGER.sign(body, keyid=d.OFFICER.keyid),)),
        Why.BAD_SIGNATURE,
    )
    yield Case(
        "right key under a wrong key id",
        topic,
        seal(body, (d.OFFICER.sign(body, keyid="0" * 16),)),
        "accepted",
    )
    yield Case("no trust document yet", topic, good, Why.NO_TRUST, enrolled_only=True)


def _bodies() -> Iterator[Case]:
    """The strict parse of signed bytes."""
    topic = (d.OWN, "schedule")
    body = msgspec.json.encode(d.schedule())

    def signed(name: str, changed: bytes, expect: str = Why.MALFORMED) -> Case:
        return Case(name, topic, d.sealed_bytes(changed, d.OFFICER), expect)

    yield signed("duplicate key", body.replace(b'"revision":7', b'"revision":6,"revision":7'))
    yield signed("float", body.replace(b'"revision":7', b'"revision":7.0'))
    yield signed("exponent", body.replace(b'"revision":7', b'"revision":7e0'))
    yield signed("NaN", body.replace(b'"revision":7', b'"revision":NaN'))
    yield signed("number of 40 digits", body.replace(b'"revision":7', b'"revision":' + b"9" * 40))
    yield signed("byte order mark", b"\xef\xbb\xbf" + body)
    yield signed("not UTF-8", body.replace("Thời".encode(), b"Th\xff"))
    yield signed("half of a surrogate pair", body.replace("Thời".encode(), b"\\ud800"))
    yield signed("NUL in a text", body.replace("Thời".encode(), b"\\u0000"))
    yield signed("nested 25 deep", body[:-1] + b',"x":' + b"[" * 25 + b"]" * 25 + b"}")
    yield signed("unknown field", body[:-1] + b',"x":[1]}', "accepted")
    yield signed("unknown kind", body.replace(b'"kind":"schedule"', b'"kind":"timetable"'))
    yield signed("line feed after an id", body.replace(b'"id":"thoi-su"', b'"id":"thoi-su\\n"'))
    yield signed("version 2", body.replace(b'"v":1', b'"v":2'))
    lacking = msgspec.json.encode(d.schedule(requires=("holograms",)))
    yield signed("requires a feature the station lacks", lacking, Why.UNSUPPORTED)
    unreadable = lacking.replace(b'"kind":"file"', b'"kind":"hologram"')
    yield signed("requires a feature that also changes the shape", unreadable, Why.UNSUPPORTED)


def _places() -> Iterator[Case]:
    """Topic, audience and the group's owner."""
    raw = d.sealed(d.schedule(), d.OFFICER)
    yield Case("schedule on the content topic", (d.OWN, "content"), raw, Why.WRONG_TOPIC)
    yield Case(
        "command on the schedule topic",
        (d.OWN, "schedule"),
        d.sealed(d.command(), d.SERVICE),
        Why.WRONG_TOPIC,
    )
    yield Case("own schedule on a group's topic", (d.GROUP, "schedule"), raw, Why.WRONG_AUDIENCE)
    other = d.sealed(d.schedule(audience="s/cao-lau"), d.OFFICER)
    yield Case("schedule of another station", (d.OWN, "schedule"), other, Why.WRONG_AUDIENCE)
    yield Case("another station's topic", ("s/cao-lau", "schedule"), other, Why.WRONG_AUDIENCE)
    strange = d.sealed(d.schedule(authority="tinh", audience="g/khac"), d.PROVINCE)
    yield Case("a group the station is not in", ("g/khac", "schedule"), strange, Why.WRONG_AUDIENCE)
    taken = d.sealed(d.schedule(audience=d.GROUP), d.OFFICER)
    yield Case(
        "another authority on a group's topic", (d.GROUP, "schedule"), taken, Why.NOT_ALLOWED
    )
    yield Case(
        "retained command", (d.OWN, "cmd"), d.sealed(d.command(), d.SERVICE), Why.RETAINED_COMMAND
    )


def _rights() -> Iterator[Case]:
    """Roles, ceilings, thresholds and narrowed keys."""
    own = d.OWN
    yield Case(
        "content key signs a schedule",
        (own, "schedule"),
        d.sealed(d.schedule(), d.EDITOR),
        Why.NOT_ALLOWED,
    )
    yield Case(
        "root key signs a schedule",
        (own, "schedule"),
        d.sealed(d.schedule(), d.ROOT_1),
        Why.NOT_ALLOWED,
    )
    yield Case(
        "province's key signs for the district",
        (own, "schedule"),
        d.sealed(d.schedule(), d.PROVINCE),
        Why.NOT_ALLOWED,
    )
    yield Case(
        "unknown authority",
        (own, "schedule"),
        d.sealed(d.schedule(authority="khong-ai"), d.OFFICER),
        Why.NOT_ALLOWED,
    )
    yield Case("expired key", (own, "schedule"), d.sealed(d.schedule(), d.EXPIRED), Why.KEY_EXPIRED)
    emergency = d.schedule(d.entry(klass=1))
    yield Case(
        "class 1 under ceiling 2",
        (own, "schedule"),
        d.sealed(emergency, d.OFFICER),
        Why.CLASS_ABOVE_CEILING,
    )
    free = d.warnings(d.warning(template=None))
    yield Case(
        "free words with one signature", (own, "warning"), d.sealed(free, d.DUTY_1), Why.THRESHOLD
    )
    yield Case(
        "free words signed twice by one person",
        (own, "warning"),
        d.sealed(free, d.DUTY_1, d.DUTY_1),
        Why.THRESHOLD,
    )
    calm = d.warnings(d.warning(template=None, cancelled=True))
    yield Case("one person may cancel", (own, "warning"), d.sealed(calm, d.DUTY_2), "accepted")
    east = d.entry(zones=ZoneSelector(names=("thôn Đông",)))
    yield Case(
        "head of hamlet in the own zone and hours",
        (own, "schedule"),
        d.sealed(d.schedule(east), d.HAMLET_HEAD),
        "accepted",
    )
    west = d.entry(zones=ZoneSelector(names=("thôn Đoài",)))
    yield Case(
        "head of hamlet in another zone",
        (own, "schedule"),
        d.sealed(d.schedule(west), d.HAMLET_HEAD),
        Why.NOT_ALLOWED,
    )
    yield Case(
        "head of hamlet in all zones",
        (own, "schedule"),
        d.sealed(d.schedule(), d.HAMLET_HEAD),
        Why.NOT_ALLOWED,
    )
    late = d.entry(zones=east.zones, when=When(start="2026-11-20T21:00:00"))
    yield Case(
        "head of hamlet outside the hours",
        (own, "schedule"),
        d.sealed(d.schedule(late), d.HAMLET_HEAD),
        Why.NOT_ALLOWED,
    )
    long = d.entry(zones=east.zones, duration_ms=2 * d.HOUR_MS)
    yield Case(
        "head of hamlet beyond the hours",
        (own, "schedule"),
        d.sealed(d.schedule(long), d.HAMLET_HEAD),
        Why.NOT_ALLOWED,
    )
    foreign = d.schedule(authority="tinh", settings=Settings())
    yield Case(
        "settings from an authority that is not home",
        (own, "schedule"),
        d.sealed(foreign, d.PROVINCE),
        Why.NOT_ALLOWED,
    )


def _templates() -> Iterator[Case]:
    """The words and recordings of the templates, and what is none of them."""

    def case(name: str, expect: str, *people: d.Person, **changes: Any) -> Case:
        message = d.warnings(d.warning(**changes))
        return Case(name, (d.OWN, "warning"), d.sealed(message, *people), expect)

    spoken = "Hồ Núi Cốc xả lũ lúc 08:00, mức 3. Tránh xa bờ sông."
    yield case("template filled in", "accepted", d.DUTY_1, texts={"vi": spoken})
    longer = spoken.replace(
        "mức 3", "mức 3" + " và tất cả hãy ra hết ngoài đường lớn ngay bây giờ, mang theo tiền bạc"
    )
    yield case("place filled with a message", Why.THRESHOLD, d.DUTY_1, texts={"vi": longer})
    added = spoken + " Ra hết đường lớn."
    yield case("words after the template", Why.THRESHOLD, d.DUTY_1, texts={"vi": added})
    yield case(
        "words after the template, two signatures",
        "accepted",
        d.DUTY_1,
        d.DUTY_2,
        texts={"vi": added},
    )
    yield case("template that is not known", Why.THRESHOLD, d.DUTY_1, template="khac")
    yield Case(
        "template named to a station that holds none",
        (d.OWN, "warning"),
        d.sealed(d.warnings(), d.DUTY_1),
        Why.THRESHOLD,
        templates=False,
    )
    held = d.RECORDING
    yield case("recording of the template", "accepted", d.DUTY_1, texts={}, files={"vi": held})
    other = msgspec.structs.replace(held, slot="thoi-su")
    yield case("another recording", Why.THRESHOLD, d.DUTY_1, texts={}, files={"vi": other})
    forged = msgspec.structs.replace(held, sha256="ef" * 32)
    yield case(
        "other bytes in the slot of the template",
        Why.THRESHOLD,
        d.DUTY_1,
        texts={},
        files={"vi": forged},
    )
    cut = msgspec.structs.replace(held, duration_ms=1)
    yield case(
        "recording of the template cut short", Why.THRESHOLD, d.DUTY_1, texts={}, files={"vi": cut}
    )


def _regulations() -> Iterator[Case]:
    """The commune's operating regulation, and the hours written wrong."""

    def case(name: str, expect: str, **fields: Any) -> Case:
        settings = Settings(regulation=Regulation(**fields))
        message = d.schedule(settings=settings)
        return Case(name, (d.OWN, "schedule"), d.sealed(message, d.OFFICER), expect)

    def window(hours: str = "05:00-06:00", **more: Any) -> Any:
        return AirWindow(hours=hours, **more)

    def ceiling(hours: str, **more: Any) -> Any:
        return VolumeCeiling(hours=hours, volume=40, **more)

    west = ZoneSelector(names=("thôn Tây",))
    yield case(
        "regulation with sessions, silent dates and a ceiling past midnight",
        "accepted",
        title="Quy chế hoạt động",
        document_number="12/2026/QĐ-UBND",
        windows=(window(days=(1, 2, 3, 4, 5), session_ms=15 * d.MINUTE_MS), window("17:00-24:00")),
        sessions_per_day=2,
        silent_dates=("2027-01-01",),
        ceilings=(ceiling("21:00-06:00"),),
        languages=("vi", "tay"),
    )
    bad = Why.BAD_REGULATION
    yield case("window that is none", bad, windows=(window("5h-6h"),))
    yield case("window past midnight", bad, windows=(window("21:00-05:00"),))
    yield case("window without width", bad, windows=(window("05:00-05:00"),))
    yield case("window beyond the day", bad, windows=(window("17:00-24:30"),))
    yield case("window with a day twice", bad, windows=(window(days=(1, 1)),))
    yield case("window without minutes", bad, windows=(window(session_ms=0),))
    yield case("window for no zone", bad, windows=(window(zones=ZoneSelector()),))
    yield case("window for an unknown zone", Why.UNKNOWN_ZONE, windows=(window(zones=west),))
    yield case("ceiling without width", bad, ceilings=(ceiling("05:00-05:00"),))
    yield case(
        "ceiling for an unknown zone",
        Why.UNKNOWN_ZONE,
        ceilings=(ceiling("05:00-06:00", zones=west),),
    )
    yield case("silent date that does not exist", bad, silent_dates=("2026-02-30",))
    yield case("sessions without windows", bad, sessions_per_day=2)
    eighth = window(days=(8,))
    yield case("eighth day of the week", Why.MALFORMED, windows=(eighth,))


def _commune_commands() -> Iterator[Case]:
    """What only the commune decides."""

    def case(name: str, expect: str, signer: d.Person, action: Any, **changes: Any) -> Case:
        message = d.command(action=action, **changes)
        raw = d.sealed(message, signer)
        return Case(name, (d.OWN, "cmd"), raw, expect, retained=False)

    yes = ApproveEntry(authority="tinh", entry="thoi-su", digest="0123456789abcdef")
    yield case("the commune approves", "accepted", d.SERVICE, yes)
    yield case(
        "nobody approves for the commune", Why.NOT_ALLOWED, d.PROVINCE, yes, authority="tinh"
    )
    place = ApproveEntry(
        authority="tinh", entry="thoi-su", digest="0123456789abcdef", place="24:00"
    )
    yield case("placed at an hour that does not exist", Why.MALFORMED, d.SERVICE, place)
    hold = HoldEntry(authority="huyen", entry="thoi-su")
    yield case("hold of what another sends", Why.NOT_ALLOWED, d.PROVINCE, hold, authority="tinh")
    own = HoldEntry(authority="tinh", entry="thoi-su")
    yield case("hold of what it sends itself", "accepted", d.PROVINCE, own, authority="tinh")
    order = OrderEntry(authority="tinh", entry="thoi-su", order=-5)
    yield case("the commune orders what another sends", "accepted", d.SERVICE, order)
    mine = OrderEntry(authority="tinh", entry="thoi-su", order=-5)
    yield case("nobody orders for the commune", Why.NOT_ALLOWED, d.PROVINCE, mine, authority="tinh")
    funeral = KeepQuiet(
        zones=ZoneSelector(names=("thôn Đông",)), until_ms=d.NOW_MS + d.HOUR_MS, reason="tang lễ"
    )
    yield case("a zone is kept quiet", "accepted", d.SERVICE, funeral)
    elsewhere = KeepQuiet(zones=ZoneSelector(names=("thôn Tây",)), until_ms=d.NOW_MS)
    yield case("quiet for an unknown zone", Why.UNKNOWN_ZONE, d.SERVICE, elsewhere)


def _trust_documents() -> Iterator[Case]:
    topic = (d.OWN, "trust")
    newer = d.trust(revision=4)
    yield Case(
        "trust with one of two root signatures", topic, d.sealed(newer, d.ROOT_1), Why.THRESHOLD
    )
    yield Case("trust signed by a schedule key", topic, d.sealed(newer, d.OFFICER), Why.NOT_ALLOWED)
    fresh = d.Person("new root")
    keys = {**newer.keys, fresh.keyid: fresh.key}
    moved = d.trust(revision=4, keys=keys, root_keyids=(d.ROOT_1.keyid, fresh.keyid))
    yield Case(
        "new root keys, signed by old and new",
        topic,
        d.sealed(moved, d.ROOT_1, d.ROOT_2, fresh),
        "accepted",
    )
    yield Case(
        "new root keys, not signed by enough of the new",
        topic,
        d.sealed(moved, d.ROOT_1, d.ROOT_2),
        Why.THRESHOLD,
    )
    yield Case(
        "new root keys, not signed by enough of the old",
        topic,
        d.sealed(moved, d.ROOT_1, fresh),
        Why.THRESHOLD,
    )
    alone = d.trust(revision=4, root_keyids=(d.ROOT_1.keyid,), root_threshold=1)
    yield Case("root held by one person", topic, d.sealed(alone, d.ROOT_1, d.ROOT_2), Why.MALFORMED)
    yield Case("older trust", topic, d.sealed(d.trust(revision=2), d.ROOT_1, d.ROOT_2), Why.OLDER)
    wrong = d.trust(revision=4, keys={**newer.keys, "0" * 16: fresh.key})
    yield Case(
        "key id that is not of its key", topic, d.sealed(wrong, d.ROOT_1, d.ROOT_2), Why.MALFORMED
    )


def _times() -> Iterator[Case]:
    own, officer = d.OWN, d.OFFICER
    past = d.schedule(issued_at_ms=d.NOW_MS - d.DAY_MS, accept_until_ms=d.NOW_MS - 1)
    yield Case("acceptance over", (own, "schedule"), d.sealed(past, officer), Why.EXPIRED)
    ahead = d.NOW_MS + 6 * d.MINUTE_MS
    future = d.schedule(issued_at_ms=ahead, accept_until_ms=ahead + d.DAY_MS)
    yield Case(
        "issued six minutes from now",
        (own, "schedule"),
        d.sealed(future, officer),
        Why.FROM_THE_FUTURE,
    )
    yield Case(
        "issued six minutes from now, clock not trusted",
        (own, "schedule"),
        d.sealed(future, officer),
        "accepted",
        clock_trusted=False,
    )
    yield Case(
        "acceptance over, clock not trusted",
        (own, "schedule"),
        d.sealed(past, officer),
        Why.EXPIRED,
        clock_trusted=False,
    )
    soon = d.NOW_MS + 4 * d.MINUTE_MS
    early = d.schedule(issued_at_ms=soon, accept_until_ms=soon + d.DAY_MS)
    yield Case(
        "issued four minutes from now", (own, "schedule"), d.sealed(early, officer), "accepted"
    )
    long = d.schedule(accept_until_ms=d.NOW_MS + 91 * d.DAY_MS)
    yield Case(
        "schedule acceptable for 91 days",
        (own, "schedule"),
        d.sealed(long, officer),
        Why.LIFETIME_TOO_LONG,
    )
    slow = d.command(accept_until_ms=d.NOW_MS + 11 * d.MINUTE_MS)
    yield Case(
        "command acceptable for 12 minutes",
        (own, "cmd"),
        d.sealed(slow, d.SERVICE),
        Why.LIFETIME_TOO_LONG,
        retained=False,
    )
    days = d.warnings(d.warning(valid_until_ms=d.NOW_MS + 25 * d.HOUR_MS))
    yield Case(
        "warning valid for 25 hours",
        (own, "warning"),
        d.sealed(days, d.DUTY_1),
        Why.LIFETIME_TOO_LONG,
    )


def _revisions() -> Iterator[Case]:
    topic, now = (d.OWN, "schedule"), d.schedule()
    raw = d.sealed(now, d.OFFICER)
    yield Case("older revision", topic, raw, Why.OLDER, held=[_held("schedule", 8, "0" * 16)])
    yield Case(
        "same revision, other content",
        topic,
        raw,
        Why.SAME_REVISION_DIFFERS,
        held=[_held("schedule", 7, "0" * 16)],
    )
    yield Case(
        "the document that is held",
        topic,
        raw,
        "already_held",
        held=[_held("schedule", 7, _digest(now))],
    )
    yield Case(
        "another authority's revision does not matter",
        topic,
        raw,
        "accepted",
        held=[_held("schedule", 80, "0" * 16, "tinh")],
    )


def _contents() -> Iterator[Case]:
    def case(name: str, expect: str, *entries: Any) -> Case:
        return Case(name, (d.OWN, "schedule"), d.sealed(d.schedule(*entries), d.OFFICER), expect)

    def rule(text: str, start: str = "2026-11-20T05:00:00", **more: Any) -> Any:
        return d.entry(when=When(start=start, rrule=text, **more))

    yield case("two entries with one id", Why.DUPLICATE_ID, d.entry(), d.entry())
    yield case("rule that is none", Why.BAD_RECURRENCE, rule("FREQ=SOMETIMES"))
    yield case("DTSTART in the rule", Why.BAD_RECURRENCE, rule("DTSTART=20261120;FREQ=DAILY"))
    yield case(
        "30 February for ever", Why.RECURRENCE_NEVER, rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    )
    yield case("every second", Why.RECURRENCE_FLOODS, rule("FREQ=SECONDLY"))
    yield case(
        "twenty times an hour",
        Why.RECURRENCE_FLOODS,
        rule("FREQ=HOURLY;BYMINUTE=" + ",".join(map(str, range(0, 60, 3)))),
    )
    yield case(
        "a day that does not exist",
        Why.BAD_RECURRENCE,
        d.entry(when=When(start="2026-02-30T05:00:00")),
    )
    yield case("unknown time zone", Why.BAD_TIME_ZONE, rule("FREQ=DAILY", tz="Asia/Ha_Noi"))
    plain = StreamSource(url="http://dai.example/live")
    yield case("stream without TLS", Why.INSECURE_STREAM, d.entry(sources=(plain,)))
    said = StreamSource(url="http://dai.example/live", insecure_live=True)
    yield case("stream without TLS, and said so", "accepted", d.entry(sources=(said,)))
    for url in ("rtsp://10.0.0.7/1", "rtsps://10.0.0.7/1", "udp://@239.1.2.3:5004"):
        scheme = url.partition("://")[0]
        yield case(
            f"{scheme} stream", Why.INSECURE_STREAM, d.entry(sources=(StreamSource(url=url),))
        )
        open_ = StreamSource(url=url, insecure_live=True)
        yield case(f"{scheme} stream, and said so", "accepted", d.entry(sources=(open_,)))
    port = StreamSource(url="udp://0.0.0.0:5004", insecure_live=True)
    yield case("a port of the box is no stream", Why.MALFORMED, d.entry(sources=(port,)))
    local = StreamSource(url="file:///etc/passwd", insecure_live=True)
    yield case("a file is not a stream", Why.INSECURE_STREAM, d.entry(sources=(local,)))
    yield case(
        "unknown zone name", Why.UNKNOWN_ZONE, d.entry(zones=ZoneSelector(names=("thôn Đoai",)))
    )
    turn = d.command(action=SetVolume(zones=ZoneSelector(names=("thôn Tây",)), volume=5))
    yield Case(
        "command for an unknown zone",
        (d.OWN, "cmd"),
        d.sealed(turn, d.SERVICE),
        Why.UNKNOWN_ZONE,
        retained=False,
    )
    again = d.command(action=ReplayEntry(entry="thoi-su"))
    yield Case(
        "command to replay an entry",
        (d.OWN, "cmd"),
        d.sealed(again, d.SERVICE),
        "accepted",
        retained=False,
    )
    twice = d.content(d.binding(), d.binding(sha256="cd" * 32))
    yield Case(
        "one slot and date bound twice",
        (d.OWN, "content"),
        d.sealed(twice, d.EDITOR),
        Why.DUPLICATE_ID,
    )


def cases() -> list[Case]:
    groups = (
        _plain,
        _envelopes,
        _bodies,
        _places,
        _rights,
        _templates,
        _regulations,
        _commune_commands,
        _trust_documents,
        _times,
        _revisions,
        _contents,
    )
    return [case for group in groups for case in group()]


def build() -> str:
    """The text of the vectors file."""
    document = {
        "about": "Conformance vectors of the contract, version 1; see README.md beside this file. "
        "The keys are test keys: their seeds are public.",
        "station": d.STATION,
        "zone_names": d.ZONES,
        "now_ms": d.NOW_MS,
        "floor_ms": d.NOW_MS,
        "enrolled_root": {
            "keyids": [one.keyid for one in (d.ROOT_1, d.ROOT_2, d.ROOT_3)],
            "threshold": 2,
        },
        "persons": [
            {
                "name": one.name,
                "keyid": one.keyid,
                "public": one.public.hex(),
                "seed": one.seed.hex(),
            }
            for one in (*d.EVERYBODY, d.STRANGER)
        ],
        "held_trust": json.loads(msgspec.json.encode(d.trust())),
        "cases": [case.as_json() for case in cases()],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        return int(PATH.read_text(encoding="utf-8") != build())
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(build(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
