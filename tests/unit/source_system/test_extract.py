"""A noise complaint is answered by one signed page that claims nothing nobody measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contract.reasons import OCCURRENCE, AlarmCode, Lang, OccurrenceReason
from agent.contract.reports import AirStart, AlarmEvent, Audit, Event
from simulator.source_system.chain_check import Finding, FindingKind, Place
from simulator.source_system.extract.content import (
    Asked,
    Extract,
    Play,
    Record,
    RuleCeiling,
    RulesInForce,
    RuleWindow,
    SignedBy,
    StreamEvidence,
    acts_of,
    clock_in_doubt,
    plays_of,
)
from simulator.source_system.extract.page import page, text
from simulator.source_system.extract.words import WORDS, plain
from tests.unit.source_system.noisy_morning import FIVE_MS, OTHER, ZONE, as_run, morning, ref
from tests.unit.source_system.talking_box import MINUTE, STATION, Box

both_languages = pytest.mark.parametrize("lang", ["vi", "en"])


def asked(from_minute: int = -30, to_minute: int = 120) -> Asked:
    return Asked(
        station=STATION,
        zone=ZONE,
        from_ms=FIVE_MS + from_minute * MINUTE,
        to_ms=FIVE_MS + to_minute * MINUTE,
        reference="Đơn số 12",
    )


def records(box: Box) -> list[Record]:
    place = Place(STATION, box.installation, "main")
    return [Record(place, msgspec.json.decode(raw, type=Event), "signed") for raw in box.said]


def plays(from_minute: int, to_minute: int, box: Box | None = None) -> list[str]:
    found = plays_of(records(box or morning(Box())), asked(from_minute, to_minute))
    return [one.entry for one in found]


EVIDENCE = StreamEvidence(
    installation="i-1",
    stream="main",
    from_seq=2,
    to_seq=11,
    from_ms=FIVE_MS - 59 * MINUTE,
    to_ms=FIVE_MS + 121 * MINUTE,
    records=10,
    signed_through=9,
    signed_ms=FIVE_MS + 120 * MINUTE,
    public="ab" * 32,
    fingerprint="0123456789abcdef",
    signers=("ab" * 32,),
    unsigned=1,
    gaps=(),
    findings=(),
)
RULES = RulesInForce(
    title="Quy chế hoạt động",
    document_number="05/QĐ-UBND",
    audience="g/tat-ca",
    revision=15,
    since_ms=FIVE_MS - 60 * MINUTE,
    windows=(RuleWindow(hours="05:00-06:30", days=(1, 7), session_ms=45 * MINUTE),),
    ceilings=(RuleCeiling(hours="21:00-06:00", volume=60),),
    sessions_per_day=2,
    silent_dates=("2026-11-24", "2027-01-01"),
)


def extract(found: Sequence[Play] | None = None, **more: object) -> Extract:
    about = asked()
    every = records(morning(Box()))
    values: dict[str, object] = {
        "asked": about,
        "station_name": "Đài xã Tân Liên",
        "made_ms": FIVE_MS + 300 * MINUTE,
        "tz": "Asia/Ho_Chi_Minh",
        "plays": tuple(plays_of(every, about) if found is None else found),
        "acts": acts_of(every, about),
        "evidence": (EVIDENCE,),
        "known_until_ms": FIVE_MS + 121 * MINUTE,
        "clock_doubt": False,
        "rules": (RULES,),
        "signer": SignedBy(
            holder="Nguyễn Văn A",
            authority="huyen",
            authority_name="Huyện Mẫu",
            keyid="fedcba9876543210",
            public="cd" * 32,
        ),
        **more,
    }
    return Extract(**values)  # type: ignore[arg-type]


def both(made: Extract, lang: Lang = "vi") -> str:
    return page(made, lang) + text(made, lang)


# --- which records -------------------------------------------------------------------------


def test_everything_of_the_zone_and_the_time_is_picked_and_nothing_else() -> None:
    assert plays(-30, 120) == ["thoi-su", "w-lu-1-1", "nhac", "tiep-am"]
    found = plays_of(records(morning(Box())), asked())
    assert all(one.seq != 5 for one in found), "record 5 is the other zone's"


@pytest.mark.parametrize(
    ("from_minute", "to_minute", "expected"),
    [
        (14, 15, ["thoi-su"]),
        (15, 20, []),
        (-10, 0, []),
        (-10, 1, ["thoi-su"]),
        (29, 31, ["nhac"]),
        (31, 60, []),
        (71, 74, []),
        (74, 76, ["tiep-am"]),
    ],
)
def test_an_item_belongs_to_the_time_in_which_it_sounded_or_should_have_begun(
    from_minute: int, to_minute: int, expected: list[str]
) -> None:
    assert plays(from_minute, to_minute) == expected


@given(st.integers(-60, 180), st.integers(1, 120))
def test_an_item_that_sounded_at_any_moment_of_the_time_is_never_left_out(
    from_minute: int, length: int
) -> None:
    about = asked(from_minute, from_minute + length)
    found = {one.seq for one in plays_of(records(morning(Box())), about)}
    for one in plays_of(records(morning(Box())), asked(-600, 600)):
        sounds = any(h.from_ms < about.to_ms and h.to_ms > about.from_ms for h in one.heard)
        assert not sounds or one.seq in found


def test_the_times_are_those_of_the_sound_not_of_the_plan() -> None:
    first, *_, relay = plays_of(records(morning(Box())), asked())
    assert first.start_ms == FIVE_MS + 40
    assert first.planned_start_ms == FIVE_MS
    assert [(one.from_ms - FIVE_MS) // MINUTE for one in relay.heard] == [60, 75]
    assert relay.level_cdb == -1_995


def test_an_item_that_began_and_has_no_end_yet_is_shown_as_such() -> None:
    box = Box()
    began = AirStart(
        occurrence=ref("dai"),
        title="Còn đang phát",
        klass=2,
        zones=(ZONE,),
        planned_start_ms=FIVE_MS,
        planned_duration_ms=None,
    )
    box.say_at(FIVE_MS, began)
    (one,) = plays_of(records(box), asked())
    assert (one.status, one.outcome, one.start_ms, one.end_ms) == ("open", None, FIVE_MS, None)
    said = both(extract([one]))
    assert "chưa có bản ghi kết thúc" in said
    box.say_at(FIVE_MS + MINUTE, as_run("dai", "Còn đang phát", FIVE_MS, 1))
    assert [one.status for one in plays_of(records(box), asked())] == ["ended"]


def test_what_people_did_in_that_time_is_told_and_what_the_agent_did_is_not() -> None:
    box = morning(Box())
    box.say_at(FIVE_MS + MINUTE, Audit(what="command_Diagnose", by="A"))
    found = acts_of(records(box), asked())
    assert [(one.what, one.by) for one in found] == [("local_volume", "hoa")]
    assert "05:16:00 hoa: đặt âm lượng thôn Đông: 85" in both(extract())


@pytest.mark.parametrize(
    ("raised", "cleared", "doubt"),
    [(-60, -40, False), (-60, 0, True), (0, 10, True), (0, None, True), (130, None, False)],
)
def test_a_clock_that_was_not_trusted_is_told(
    raised: int, cleared: int | None, doubt: bool
) -> None:
    box = Box()
    for minute, state in ((raised, "raised"), (cleared, "cleared")):
        if minute is not None:
            alarm = AlarmEvent(
                code=AlarmCode.CLOCK_UNTRUSTED,
                subject="",
                state=state,  # type: ignore[arg-type]
                episode=1,
                since_ms=FIVE_MS + raised * MINUTE,
            )
            box.say_at(FIVE_MS + minute * MINUTE, alarm)
    assert clock_in_doubt(records(box), asked()) is doubt


def test_a_clock_that_was_set_in_that_time_is_told() -> None:
    box = Box()
    box.say_at(FIVE_MS, Audit(what="clock_step", by="clock", detail="90000 ms"))
    assert clock_in_doubt(records(box), asked())
    assert "các mốc giờ có thể lệch" in both(extract(clock_doubt=True))


# --- what it says --------------------------------------------------------------------------


@both_languages
def test_every_level_is_in_dbfs_and_dba_stands_only_where_it_is_denied(lang: Lang) -> None:
    made = extract()
    for said in (page(made, lang), text(made, lang)):
        flat = " ".join(unescape(re.sub(r"<[^>]+>", " ", said)).split())
        denial = " ".join(WORDS["noise"].text(lang).split())
        assert denial in flat
        rest = flat.replace(denial, "")
        assert not re.search(r"dB\s?\(?A|dBA|decibel|đê-xi-ben", rest, re.IGNORECASE)
        levels = re.findall(r"−\d+[.,]\d (\S+)", rest)
        assert levels
        assert set(levels) <= {"dBFS", "dBFS</td>"}


@both_languages
def test_what_was_not_measured_is_said_and_never_a_number(lang: Lang) -> None:
    (warning,) = [one for one in extract().plays if one.klass == 1]
    assert warning.level_cdb is None
    said = both(extract([warning]), lang)
    assert "dBFS</td>" not in said
    assert WORDS["unmeasured"].text(lang) in said
    assert WORDS["level_missing"].text(lang).format(count=1) in said
    assert WORDS["confirm_missing"].text(lang).format(count=1) in said


def test_class_rule_and_ceiling_of_an_emergency_are_told() -> None:
    said = " ".join(text(extract(), "vi").split())
    assert "Cảnh báo lũ quét trên sông Kỳ Cùng (khẩn cấp, máy đọc văn bản, tiếng Việt)" in said
    assert "duyệt: khẩn cấp, không cần duyệt" in said
    assert "phát dù: ngoài khung giờ phát theo quy chế, khu vực đang giữ yên lặng" in said
    assert "vượt trần âm lượng 60" in said


def test_who_made_and_who_approved_stand_beside_each_item() -> None:
    said = " ".join(text(extract(), "vi").split())
    assert "soạn: Lê Thị Hoa; duyệt: Trần Văn Bình, duyệt sẵn theo văn bản" in said
    assert "văn bản 12/QĐ-UBND" in said
    nameless = [msgspec.structs.replace(extract().plays[0], author="", approver="", approved_by="")]
    bare = msgspec.structs.replace(nameless[0], approval=None, document_number="")
    assert "soạn: không ghi; duyệt: không ghi" in " ".join(text(extract([bare]), "vi").split())


def test_the_regulation_is_told_or_that_nobody_knows_it() -> None:
    said = " ".join(text(extract(), "vi").split())
    assert "Quy chế hoạt động (05/QĐ-UBND), theo lịch g/tat-ca bản 15" in said
    assert "Khung giờ phát: 05:00-06:30, T2 CN, mỗi buổi tối đa 45 phút." in said
    assert "Trần âm lượng: 21:00-06:00: 60/100." in said
    assert "Ngày không phát: 2026-11-24." in said
    assert "2027-01-01" not in said
    assert "Không rõ: không có biên nhận nào" in both(extract(rules=()))


def test_gaps_findings_and_what_has_not_come_yet_are_told() -> None:
    gap = Finding(kind=FindingKind.GAP, seq=5, to_seq=6)
    link = Finding(kind=FindingKind.BROKEN_LINK, seq=8, to_seq=8)
    evidence = msgspec.structs.replace(EVIDENCE, gaps=((5, 6),), findings=(gap, link))
    made = extract(evidence=(evidence,), known_until_ms=FIVE_MS)
    assert not made.is_complete
    said = " ".join(text(made, "vi").split())
    assert "THIẾU bản ghi 5–6: có thể có lượt phát không nằm trong trích lục này." in said
    assert "Bản ghi 8: không nối tiếp bản ghi trước" in said
    assert "Đài mới gửi bản ghi đến 05:00 24/11/2026" in said
    assert 'class="bad"' in page(made, "vi")


def test_nothing_played_is_only_said_when_all_records_are_here() -> None:
    assert "Không có lượt phát nào được ghi" in both(extract([]))
    said = both(extract([], known_until_ms=None, evidence=()))
    assert "Không có lượt phát nào được ghi" not in said
    assert "bản ghi của thời gian này chưa đủ" in said
    assert "Không có bản ghi nào của đài" in said


def test_lines_that_the_station_has_not_signed_are_counted() -> None:
    loose = [msgspec.structs.replace(one, proof="chained") for one in extract().plays]
    said = " ".join(text(extract(loose), "vi").split())
    assert "4 dòng của trích lục chưa có chữ ký của đài" in said
    assert "nối chuỗi, chưa ký" in said


def test_more_items_than_a_page_holds_follow_in_an_annex_and_none_is_left_out() -> None:
    first = extract().plays[0]
    many = [msgspec.structs.replace(first, title=f"Bản tin {n}") for n in range(40)]
    said = page(extract(many), "vi")
    shown, _, annex = said.partition('class="annex"')
    fit = shown.count("Bản tin ")
    assert 5 <= fit < 40
    assert f"Còn {40 - fit} lượt phát ở phụ lục trang sau." in shown
    assert [f"Bản tin {n}<" in annex for n in range(40)] == [n >= fit for n in range(40)]
    assert "Phụ lục" not in page(extract(many[:4]), "vi")


def test_what_somebody_typed_cannot_become_markup_or_turn_the_page_around() -> None:
    nasty = '<script>alert(1)</script>\n\u202e"&'
    play = msgspec.structs.replace(extract().plays[0], title=nasty, author=nasty)
    made = extract([play], station_name=nasty)
    said = both(made)
    assert "<script" not in page(made, "vi")
    assert "\u202e" not in said
    assert "&lt;script&gt;" in page(made, "vi")


@both_languages
def test_the_page_loads_nothing_from_anywhere(lang: Lang) -> None:
    said = page(extract(), lang)
    assert not re.search(r"src=|href=|url\(|@import|http", said)


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_word_stands_in_both_languages_with_the_same_places(key: str) -> None:
    said = WORDS[key]
    assert said.vi
    assert set(re.findall(r"{(\w+)}", said.vi)) == set(re.findall(r"{(\w+)}", said.en))


@given(st.text(max_size=300))
def test_typed_text_stays_on_one_line(typed: str) -> None:
    said = plain(typed, 90)
    assert len(said) <= 90
    assert "\n" not in said
    assert said == said.strip()


def test_reasons_are_in_words_in_both_languages() -> None:
    for reason in OccurrenceReason:
        play = msgspec.structs.replace(extract().plays[0], outcome="partial", reason=reason)
        assert OCCURRENCE[reason].vi in " ".join(text(extract([play]), "vi").split())
        assert OCCURRENCE[reason].en in " ".join(text(extract([play]), "en").split())


def test_the_other_zone_has_its_own_extract() -> None:
    about = msgspec.structs.replace(asked(), zone=OTHER)
    (one,) = plays_of(records(morning(Box())), about)
    assert one.seq == 5
