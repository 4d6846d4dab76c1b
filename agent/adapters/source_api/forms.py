"""How one of our values becomes one of theirs: every form used in the mapping, named and shown.

Owns the conversion of single values. A form gets the value and the `Scope` it stands in, and
returns what goes into the JSON. What we do not know stays empty in the way the field's type allows
(""; 0 where only a number may stand), and the table says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from agent.adapters.source_api import tables, times
from agent.adapters.source_api.settings import Codes
from agent.contract.reasons import ACK, OCCURRENCE
from agent.contract.reports import OccurrenceRef

Look = Callable[[OccurrenceRef, str], str]
Names = Callable[[OccurrenceRef], str]

TEXT_MAX = 500


def _no_address(_occurrence: OccurrenceRef, _source: str) -> str:
    return ""


def entry_of(occurrence: OccurrenceRef) -> str:
    """The bulletin's id when the source system has given none: ours."""
    return f"{occurrence.authority}/{occurrence.entry}"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the paths of the mapping begin, and what the forms need beside the value.

    roots: `ids`, `start`, `run` … by name. address: where a source's sound comes from. bulletin:
    their id of what played. mark: see `times.moment`.
    """

    roots: Mapping[str, object]
    tz: tzinfo = UTC
    codes: Codes = field(default_factory=Codes)
    address: Look = _no_address
    bulletin: Names = entry_of
    mark: int = 0


Make = Callable[[Any, Scope], Any]


@dataclass(frozen=True, slots=True)
class Form:
    """shown: as the field looks in JSON, with a word where it needs one.

    of_record: the form gets what the value stands in, because it needs more of it.
    """

    shown: str
    make: Make
    of_record: bool = False


def _text(value: Any, _: Scope) -> str:
    return "" if value is None else str(value)[:TEXT_MAX]


def _joined(value: Any, _: Scope) -> str:
    return ", ".join(str(one) for one in value)[:TEXT_MAX]


def _whole(value: Any, _: Scope) -> int:
    return 0 if value is None else int(value)


def _udeg(value: Any, _: Scope) -> float | None:
    return None if value is None else value / 1_000_000


def _degrees(value: Any, _: Scope) -> str:
    return "" if value is None else f"{value / 100:.1f}"


def _percent(value: Any, _: Scope) -> str:
    return "" if value is None else f"{value}%"


def _active(value: Any, _: Scope) -> int:
    states = tables.TrangThaiHoatDong
    return int(states.DANG_PHAT if value else states.DA_DUNG)


def _field(value: Any, scope: Scope) -> int:
    return int(tables.field_code(str(value)) or scope.codes.default_field)


def _priority(value: Any, _: Scope) -> int:
    return int(tables.MucDoUuTien(max(1, min(3, int(value)))))


def _relay_of(value: Any, scope: Scope) -> str:
    if tables.is_relay(value.source) is tables.TiepAm.KHONG:
        return ""
    return _address(value, scope) or str(value.source)


def _address(value: Any, scope: Scope) -> str:
    return scope.address(value.occurrence, value.source)[:TEXT_MAX]


def _occurrence(value: Any, _: Scope) -> str:
    return f"{value.authority}|{value.audience}|{value.entry}|{value.nominal}"[:TEXT_MAX]


OUTCOMES: dict[str, str] = {
    "played": "phát đủ",
    "partial": "phát một phần",
    "skipped": "không phát",
}
CONFIRMED: dict[str, str] = {"yes": "có", "no": "không", "unknown": "không đo được"}
MEANS: dict[str, str] = {
    "home": "xã tự phát",
    "standing": "duyệt sẵn",
    "key": "chữ ký",
    "pin": "mã PIN",
    "declared": "theo khai báo",
}
"""Our codes in words, for people who read the journal there."""


def _in_words(words: dict[str, str]) -> Make:
    return lambda value, _: "" if value is None else words.get(str(value), str(value))


def _why(value: Any, _: Scope) -> str:
    """The words of a reason, with its code, which never changes."""
    if value is None:
        return ""
    meaning = OCCURRENCE.get(value) or ACK.get(value)
    return f"{meaning.vi} ({value})" if meaning is not None else str(value)


def _whys(value: Any, scope: Scope) -> str:
    return "; ".join(_why(one, scope) for one in value)[:TEXT_MAX]


def _bulletin(value: Any, scope: Scope) -> str:
    return scope.bulletin(value)[:TEXT_MAX]


def _produced(value: Any, scope: Scope) -> int:
    """Of a day without a time its first second is told."""
    return times.epoch_s(times.read_moment(str(value), scope.tz)) if value else 0


def _sounding(run: Any) -> list[Any]:
    return [one for one in run.segments if one.gap is None]


def _began(run: Any, _: Scope) -> int:
    """When it first sounded in the zone: at the card, or by the measured error of its start."""
    heard = _sounding(run)
    if heard:
        return times.epoch_s(heard[0].from_ms)
    late_ms = run.start_error_ms
    return times.epoch_s(None if late_ms is None else run.planned_start_ms + late_ms)


def _ended(run: Any, scope: Scope) -> str:
    heard = _sounding(run)
    return times.moment(heard[-1].to_ms, scope.tz, scope.mark) if heard else ""


def _areas(value: Any, _: Scope) -> list[dict[str, str]]:
    return [{"DichID": value.target_id, "TenDich": value.target_name}]


FORMS: dict[str, Form] = {
    "text": Form('"…", rỗng khi không rõ', _text),
    "names": Form('"A, B"', _joined),
    "list": Form('["A", "B"]', lambda value, _: [str(one) for one in value]),
    "whole": Form("số nguyên", _whole),
    "whole-text": Form('"70", rỗng khi không rõ', _text),
    "udeg": Form("độ, số thực; null khi không rõ", _udeg),
    "degrees": Form('"41.5", rỗng khi không đo được', _degrees),
    "percent": Form('"37%", rỗng khi không đo được', _percent),
    "epoch-s": Form("giây từ 1970, 0 khi không rõ", lambda value, _: times.epoch_s(value)),
    "began": Form("giây từ 1970, 0 khi chưa từng phát", _began, of_record=True),
    "ended": Form("như trên, rỗng khi chưa từng phát", _ended, of_record=True),
    "produced": Form("giây từ 1970, 0 khi không rõ; chỉ biết ngày thì 00:00", _produced),
    "length": Form('"HH:MM:SS"', lambda value, _: times.length(value)),
    "moment": Form(
        '"yyyy-MM-ddTHH:mm:ss.fffff", giờ của đài',
        lambda value, scope: times.moment(value, scope.tz, scope.mark),
    ),
    "active": Form("TrangThaiHoatDong, số", _active),
    "active-text": Form('TrangThaiHoatDong, "0"', lambda v, scope: str(_active(v, scope))),
    "field": Form("LoaiLinhVuc", _field),
    "priority": Form("MucDoUuTien", _priority),
    "kind": Form("LoaiBanTin", lambda value, _: int(tables.sound_kind(str(value)))),
    "relay": Form("0/1", lambda value, _: int(tables.is_relay(str(value)))),
    "relay-of": Form("URL của nguồn tiếp âm, hoặc rỗng", _relay_of, of_record=True),
    "address": Form("URL, rỗng khi không còn biết", _address, of_record=True),
    "bulletin": Form('BanTinID đã nhận, không có thì "đơn vị/mục"', _bulletin),
    "occurrence": Form('"đơn vị|nơi nhận|mục|giờ"', _occurrence),
    "outcome": Form(" / ".join(OUTCOMES.values()), _in_words(OUTCOMES)),
    "confirmed": Form(" / ".join(CONFIRMED.values()), _in_words(CONFIRMED)),
    "means": Form(" / ".join(MEANS.values()), _in_words(MEANS)),
    "reason": Form('"lý do (mã)"', _why),
    "reasons": Form('"lý do (mã); …"', _whys),
    "heard": Form("1 khi đã phát (cả khi phát một phần)", lambda v, _: int(v != "skipped")),
    "applied": Form("1 khi đã nhận", lambda value, _: int(value == "applied")),
    "failed": Form("0 khi đã nhận, 1 khi từ chối", lambda value, _: int(value != "applied")),
    "areas": Form("[{DichID, TenDich}]", _areas, of_record=True),
    "clusters": Form('{CumLoaID: ["…"]}', lambda value, _: {"CumLoaID": [str(value)]}),
    "always-1": Form("1", lambda _value, _scope: 1),
}
"""Name → form. The mapping refers to them; a test finds none unused."""
