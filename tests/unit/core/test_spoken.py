"""What is written on paper, and what the loudspeaker says."""

from __future__ import annotations

from datetime import datetime

import pytest

from agent.core.spoken import issue_phrase, write_out
from agent.core.spoken_tables import ABBREVIATIONS, DOCUMENT_KINDS, UNITS
from agent.core.spoken_vi import is_syllable, read_number, roman_value, spell


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("0", "không"),
        ("4", "bốn"),
        ("10", "mười"),
        ("14", "mười bốn"),
        ("15", "mười lăm"),
        ("20", "hai mươi"),
        ("21", "hai mươi mốt"),
        ("24", "hai mươi tư"),
        ("25", "hai mươi lăm"),
        ("100", "một trăm"),
        ("101", "một trăm linh một"),
        ("110", "một trăm mười"),
        ("111", "một trăm mười một"),
        ("115", "một trăm mười lăm"),
        ("121", "một trăm hai mươi mốt"),
        ("1000", "một nghìn"),
        ("1005", "một nghìn không trăm linh năm"),
        ("2026", "hai nghìn không trăm hai mươi sáu"),
        ("10000", "mười nghìn"),
        ("150000", "một trăm năm mươi nghìn"),
        ("1000005", "một triệu không trăm linh năm"),
        ("2000000000", "hai tỷ"),
        ("5000000000000", "năm nghìn tỷ"),
        ("007", "bảy"),
    ],
)
def test_numbers_are_read_as_people_say_them(number: str, words: str) -> None:
    assert read_number(number) == words


def test_the_south_says_odd_and_thousand_its_own_way() -> None:
    assert write_out("1.024 hộ, 105 hộ", "vi-vn-x-south") == (
        "một ngàn không trăm hai mươi bốn hộ, một trăm lẻ năm hộ"
    )


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        # clock times
        ("02:10", "hai giờ mười phút"),
        ("02:00", "hai giờ"),
        ("lúc 17h30", "lúc mười bảy giờ ba mươi phút"),
        ("lúc 17g30", "lúc mười bảy giờ ba mươi phút"),
        ("5:00 SA", "năm giờ sáng"),
        ("5:15 CH", "năm giờ mười lăm phút chiều"),
        ("8:00 PM", "tám giờ tối"),
        ("7h-8h30", "bảy giờ đến tám giờ ba mươi phút"),
        ("17h30' chiều", "mười bảy giờ ba mươi phút chiều"),
        ("17h30 phút", "mười bảy giờ ba mươi phút"),
        ("17 giờ 30 phút", "mười bảy giờ ba mươi phút"),
        ("04:59:45", "bốn giờ năm mươi chín phút bốn mươi lăm giây"),
        ("trực 24/24 giờ", "trực hai mươi tư trên hai mươi tư giờ"),
        # dates
        ("30/11", "ngày ba mươi tháng mười một"),
        ("ngày 30/11", "ngày ba mươi tháng mười một"),
        ("30/4", "ngày ba mươi tháng tư"),
        ("25-11", "ngày hai mươi lăm tháng mười một"),
        ("ngày 5-10", "ngày năm tháng mười"),
        (
            "30/11/2026",
            "ngày ba mươi tháng mười một năm hai nghìn không trăm hai mươi sáu",
        ),
        ("22.11.2026", "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi sáu"),
        ("2026-11-22", "ngày hai mươi hai tháng mười một năm hai nghìn không trăm hai mươi sáu"),
        ("tháng 11/2026", "tháng mười một năm hai nghìn không trăm hai mươi sáu"),
        (
            "từ 5/10 đến 7/10",
            "từ ngày năm tháng mười đến ngày bảy tháng mười",
        ),
        ("tháng 4", "tháng tư"),
        ("năm 1945", "năm một nghìn chín trăm bốn mươi lăm"),
        ("T2 23/11", "thứ hai ngày hai mươi ba tháng mười một"),
        # ranges
        ("T2-T6", "thứ hai đến thứ sáu"),
        ("T2 - CN", "thứ hai đến chủ nhật"),
        ("cách 5-10 m", "cách năm đến mười mét"),
        ("2024-2025", "hai nghìn không trăm hai mươi tư đến hai nghìn không trăm hai mươi lăm"),
        ("mưa 150 – 200 mm", "mưa một trăm năm mươi đến hai trăm mi li mét"),
        # numbers and units
        ("1.500.000đ", "một triệu năm trăm nghìn đồng"),
        ("5.000 đồng/kg", "năm nghìn đồng trên ki lô gam"),
        ("5,000đ", "năm nghìn đồng"),
        ("3,5 ha", "ba phẩy năm héc ta"),
        ("12,05 m", "mười hai phẩy không năm mét"),
        ("12,75%", "mười hai phẩy bảy mươi lăm phần trăm"),
        ("-2°C", "âm hai độ xê"),
        ("35ºC", "ba mươi lăm độ xê"),
        ("100 m²", "một trăm mét vuông"),
        ("1.250 m3/s", "một nghìn hai trăm năm mươi mét khối trên giây"),
        ("60 km/h", "sáu mươi ki lô mét trên giờ"),
        ("500kV", "năm trăm ki lô vôn"),
        ("50k", "năm mươi nghìn"),
        ("½ diện tích", "một trên hai diện tích"),
        ("hơn 2/3 số hộ", "hơn hai trên ba số hộ"),
        ("số nhà 12/5", "số nhà mười hai trên năm"),
        ("3x4 m", "ba nhân bốn mét"),
        ("thôn 1,2,3", "thôn một, hai, ba"),
        ("có 05 xã", "có năm xã"),
        # ordinals and Roman numerals
        ("lần thứ 1", "lần thứ nhất"),
        ("thứ 4", "thứ tư"),
        ("khu II", "khu hai"),
        ("khu V", "khu năm"),
        ("Quý IV", "Quý tư"),
        ("thế kỷ XXI", "thế kỷ hai mươi mốt"),
        ("Đại hội XIV", "Đại hội mười bốn"),
        ("vượt BĐIII", "vượt báo động ba"),
        # places
        ("TP. HCM", "thành phố Hồ Chí Minh"),
        ("TP.Lạng Sơn", "thành phố Lạng Sơn"),
        ("P.3, Q.1", "phường ba, quận một"),
        ("H. Cao Lộc", "huyện Cao Lộc"),
        ("TT. Đồng Đăng", "thị trấn Đồng Đăng"),
        ("QL1A", "quốc lộ một a"),
        ("ĐT.293", "đường tỉnh hai trăm chín mươi ba"),
        # telephones and addresses
        ("Gọi 113, 114 hoặc 115", "Gọi một một ba, một một bốn hoặc một một năm"),
        ("Có 115 hộ", "Có một trăm mười lăm hộ"),
        ("0912345678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("SĐT: 0912.345.678", "số điện thoại: không chín một hai, ba bốn năm, sáu bảy tám"),
        ("ĐT 0912 345 678", "điện thoại không chín một hai, ba bốn năm, sáu bảy tám"),
        ("+84 912 345 678", "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám"),
        ("1900 1234", "một chín không không, một hai ba bốn"),
        ("Zalo", "da lô"),
        ("www.langson.gov.vn", "langson chấm gờ o vê chấm vê en nờ"),
        ("https://dichvucong.gov.vn/p/home?x=1.", "dichvucong chấm gờ o vê chấm vê en nờ."),
        ("xa@gmail.com", "xa a còng gờ meo chấm com"),
        # papers
        (
            "Nghị định số 49/2024/NĐ-CP",
            "Nghị định số bốn mươi chín trên hai nghìn không trăm hai mươi tư, của chính phủ",
        ),
        ("125/KH-UBND", "một trăm hai mươi lăm, kế hoạch ủy ban nhân dân"),
        ("45-QĐ/TU", "bốn mươi lăm, quyết định tỉnh ủy"),
        # capitals
        ("KHẨN CẤP", "khẩn cấp"),
        ("VI PHẠM", "vi phạm"),
        ("XI MĂNG", "xi măng"),
        ("CA NHẠC", "ca nhạc"),
        ("CA xã", "công an xã"),
        ("BCH PCTT&TKCN", "ban chỉ huy phòng chống thiên tai và tìm kiếm cứu nạn"),
        ("BCH Đảng bộ", "ban chấp hành Đảng bộ"),
        ("KT-XH", "kinh tế xã hội"),
        ("XYZ", "ích xì i dài dét"),
        ("H5N1", "hát năm en nờ một"),
        ("COVID-19", "cô vít mười chín"),
        ("lớp 5A", "lớp năm a"),
        ("khu B", "khu bê"),
        # shape of the text
        ("thôn Đông (thôn cũ), xã A", "thôn Đông, thôn cũ, xã a"),
        ("Chú ý!!!", "Chú ý!"),
        ("- Một\n- Hai", "Một. Hai."),
        ("  \t ", ""),
        ("🔥🔥", ""),
    ],
)
def test_vietnamese_is_written_out(written: str, spoken: str) -> None:
    assert write_out(written, "vi") == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        (
            "Khẩn cấp: lúc 02:10 ngày 22/11, UBND xã Tân Liên thông báo lũ vượt BĐ III 0,5 m.",
            "Khẩn cấp: lúc hai giờ mười phút ngày hai mươi hai tháng mười một, ủy ban nhân dân xã "
            "Tân Liên thông báo lũ vượt báo động ba không phẩy năm mét.",
        ),
        (
            "THÔN ĐÔNG HỌP LÚC 19H30 NGÀY 30/11 TẠI NVH",
            "thôn đông họp lúc mười chín giờ ba mươi phút ngày ba mươi tháng mười một tại nhà văn "
            "hóa",
        ),
        (
            "Trạm y tế tiêm chủng T4, T6 hằng tuần, từ 7h30 đến 11h; mang theo thẻ BHYT, CCCD.",
            "Trạm y tế tiêm chủng thứ tư, thứ sáu hằng tuần, từ bảy giờ ba mươi phút đến mười một "
            "giờ; mang theo thẻ bảo hiểm y tế, căn cước công dân.",
        ),
        (
            "Gió ATNĐ cấp 6-7, giật cấp 9; bà con thôn ven sông di dời trước 17 giờ thứ Sáu.",
            "Gió áp thấp nhiệt đới cấp sáu đến bảy, giật cấp chín; bà con thôn ven sông di dời "
            "trước mười bảy giờ thứ Sáu.",
        ),
        (
            "Hỗ trợ 1.500.000đ/hộ cho 23 hộ, đợt I năm 2026.",
            "Hỗ trợ một triệu năm trăm nghìn đồng trên hộ cho hai mươi ba hộ, đợt một năm hai "
            "nghìn không trăm hai mươi sáu.",
        ),
        (
            "Cắt điện đường dây 35kV từ 05:00 - 11:00 CN 29/11, liên hệ EVN: 1900 1769.",
            "Cắt điện đường dây ba mươi lăm ki lô vôn từ năm giờ đến mười một giờ chủ nhật ngày "
            "hai mươi chín tháng mười một, liên hệ điện lực Việt Nam: một chín không không, một "
            "bảy sáu chín.",
        ),
    ],
)
def test_whole_notices_are_written_out(written: str, spoken: str) -> None:
    assert write_out(written, "vi") == spoken


def test_decomposed_letters_from_phones_read_like_composed_ones() -> None:
    decomposed = "HĐND xa\u0303, thu\u031b\u0301 2"
    assert write_out(decomposed, "vi") == "hội đồng nhân dân xã, thứ hai"


def test_no_table_entry_contains_what_would_have_to_be_written_out_again() -> None:
    for words in (*ABBREVIATIONS.values(), *DOCUMENT_KINDS.values(), *UNITS.values()):
        assert write_out(words, "vi") == words


def test_only_a_roman_numeral_in_its_proper_spelling_has_a_value() -> None:
    assert [roman_value(text) for text in ("I", "IV", "IX", "XIV", "XL", "MCMXLV")] == [
        1,
        4,
        9,
        14,
        40,
        1945,
    ]
    assert roman_value("IIII") is None
    assert roman_value("VX") is None
    assert roman_value("") is None


def test_syllables_are_told_from_abbreviations() -> None:
    assert all(is_syllable(word) for word in ("KHẨN", "nghiêng", "UỶ", "quyết", "Ô", "ĐOÀI"))
    assert not any(is_syllable(word) for word in ("UBND", "HTX", "COVID", "km", "QR"))


def test_letters_are_spelled_by_their_vietnamese_names() -> None:
    assert spell("ĐSVN") == "đê ét xì vê en nờ"


def test_the_issue_phrase_says_hour_and_day() -> None:
    issued = datetime(2026, 11, 22, 2, 10)  # noqa: DTZ001 - local wall time on purpose
    assert issue_phrase(issued, "vi") == (
        "ban hành lúc hai giờ mười phút ngày hai mươi hai tháng mười một"
    )
    assert issue_phrase(issued, "en") == "issued at 2 10 in the morning on 22 November"


def test_the_issue_phrase_leaves_out_a_day_that_is_today() -> None:
    issued = datetime(2026, 11, 22, 2, 10)  # noqa: DTZ001 - local wall time on purpose
    assert issue_phrase(issued, "vi", dated=False) == "ban hành lúc hai giờ mười phút"
    assert issue_phrase(issued, "en", dated=False) == "issued at 2 10 in the morning"


def test_the_hour_of_issue_is_not_said_in_vietnamese_before_words_of_another_language() -> None:
    issued = datetime(2026, 11, 22, 2, 10)  # noqa: DTZ001 - local wall time on purpose
    assert issue_phrase(issued, "km") == ""


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Flood at 17:30 on 30/11/2026", "Flood at 5 30 in the afternoon on 30 November 2026"),
        ("at 02:05", "at 2 oh 5 in the morning"),
        ("at 00:00 and 12:00", "at midnight and noon"),
        ("at 20:00", "at 8 o'clock in the evening"),
        ("wind 60 km/h, 12 m3/s", "wind 60 kilometres per hour, 12 cubic metres per second"),
        ("UBND Tân Liên", "People's Committee Tân Liên"),
    ],
)
def test_english_is_written_out(written: str, spoken: str) -> None:
    assert write_out(written, "en") == spoken


def test_a_language_without_rules_comes_back_tidied_only() -> None:
    assert write_out("  Hello   2  ", "tay") == "Hello 2"
