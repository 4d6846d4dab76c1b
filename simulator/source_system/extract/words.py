"""The words of an extract, in both languages, and how it writes times, numbers and lists. Pure.

What is not known is said. A level is the signal inside the device, in dBFS; the only place where
dBA may stand is the sentence that says that it is not that.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from agent.contract.chain import grouped
from agent.contract.languages import name_of
from agent.contract.reasons import OCCURRENCE, Lang, OccurrenceReason
from agent.core.words import AUDIT, AUTHOR
from simulator.source_system.chain_check import FINDINGS, Finding
from simulator.source_system.extract.content import (
    Act,
    Extract,
    Play,
    RulesInForce,
    RuleWindow,
    StreamEvidence,
)
from simulator.source_system.said import Said

TITLE_MAX = 90
DAYS = ("", "T2", "T3", "T4", "T5", "T6", "T7", "CN")
DAYS_EN = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

WORDS: dict[str, Said] = {
    "title": Said("TRÍCH LỤC NHẬT KÝ PHÁT THANH", "EXTRACT FROM THE BROADCAST RECORDS"),
    "about": Said(
        "{station} · khu vực loa {zone} · từ {since} đến {until}",
        "{station} · loudspeaker zone {zone} · {since} to {until}",
    ),
    "answers": Said("Trả lời: {reference}", "In answer to: {reference}"),
    "made": Said("Lập lúc {when} (giờ Việt Nam)", "Made at {when} (Vietnam time)"),
    "made_tz": Said("Lập lúc {when} (giờ {tz})", "Made at {when} ({tz})"),
    "h_plays": Said("Đã phát gì", "What was played"),
    "h_acts": Said("Thao tác tại đài và lệnh", "What people did"),
    "h_rules": Said("Quy chế hoạt động đang áp dụng", "The operating regulation in force"),
    "h_unmeasured": Said("Những gì không đo", "What was not measured"),
    "h_evidence": Said("Bản ghi đã kiểm", "The records that were checked"),
    "h_signed": Said("Người lập và chữ ký", "Who made and signed this"),
    "annex": Said("Phụ lục: các lượt phát còn lại", "Annex: the other items"),
    "c_planned": Said("Theo lịch", "Planned"),
    "c_actual": Said("Phát thật", "Actual"),
    "c_what": Said("Nội dung", "Content"),
    "c_who": Said("Soạn / duyệt", "Made / approved"),
    "c_volume": Said("Âm lượng đặt", "Volume set"),
    "c_level": Said("Mức tín hiệu", "Signal level"),
    "c_outcome": Said("Kết quả", "Outcome"),
    "c_record": Said("Bản ghi", "Record"),
    "no_plays": Said(
        "Không có lượt phát nào được ghi cho khu vực này trong thời gian này.",
        "No item is recorded for this zone in this time.",
    ),
    "no_plays_incomplete": Said(
        "Chưa thấy lượt phát nào, nhưng bản ghi của thời gian này chưa đủ (xem dưới).",
        "No item is known, but the records of this time are not complete (see below).",
    ),
    "more_plays": Said(
        "Còn {count} lượt phát ở phụ lục trang sau.", "{count} more items are in the annex."
    ),
    "more_acts": Said("và {count} thao tác nữa trong {file}", "and {count} more in {file}"),
    "more_lines": Said("và {count} dòng nữa trong {file}", "and {count} more lines in {file}"),
    "class_1": Said("khẩn cấp", "emergency"),
    "class_2": Said("ưu tiên", "priority"),
    "class_3": Said("thông thường", "normal"),
    "class_other": Said("loại {number}", "class {number}"),
    "played": Said("phát đủ", "played in full"),
    "partial": Said("phát một phần", "partly played"),
    "skipped": Said("không phát", "not played"),
    "open": Said("chưa có bản ghi kết thúc", "no record of its end yet"),
    "confirmed_yes": Said("loa: ampli xác nhận", "loudspeaker: confirmed"),
    "confirmed_no": Said("loa: ampli không xác nhận", "loudspeaker: not confirmed"),
    "confirmed_unknown": Said("loa: không đo", "loudspeaker: not measured"),
    "pieces": Said("{count} đoạn", "{count} parts"),
    "broke": Said("khẩn cấp, phát dù: {rules}", "emergency, against: {rules}"),
    "above": Said("vượt trần âm lượng {volume}", "above the ceiling of {volume}"),
    "unmeasured": Said("không đo", "not measured"),
    "unknown": Said("không rõ", "not known"),
    "nobody": Said("không ghi", "not recorded"),
    "no_approval": Said("khẩn cấp, không cần duyệt", "none needed in an emergency"),
    "home": Said("của cơ quan quản lý đài", "of the station's own authority"),
    "standing": Said("duyệt sẵn theo văn bản", "standing approval"),
    "key": Said("duyệt bằng khóa ký", "approved with a key"),
    "pin": Said("duyệt bằng mã PIN", "approved with a PIN"),
    "declared": Said("theo khai báo của nơi gửi", "as its sender declared"),
    "made_by": Said("soạn: {who}", "made: {who}"),
    "approved_by": Said("duyệt: {who}", "approved: {who}"),
    "document": Said("văn bản {number}", "document {number}"),
    "language": Said("tiếng {names}", "in {names}"),
    "file": Said("tệp âm thanh", "sound file"),
    "stream": Said("tiếp âm trực tiếp", "live relay"),
    "text": Said("máy đọc văn bản", "spoken text"),
    "tone": Said("tín hiệu", "tone"),
    "proof_signed": Said("✓ đài đã ký", "✓ signed"),
    "proof_chained": Said("nối chuỗi, chưa ký", "chained, not signed"),
    "proof_none": Said("không kiểm được", "cannot be checked"),
    "no_rules": Said(
        "Không rõ: không có biên nhận nào cho biết đài đã nhận quy chế hoạt động.",
        "Not known: no receipt tells of an operating regulation.",
    ),
    "rules": Said(
        "{title}{number}, theo lịch {audience} bản {revision}, đài áp dụng từ {since}.",
        "{title}{number}, with timetable {audience} revision {revision}, applied {since}.",
    ),
    "rules_untitled": Said("Quy chế không ghi tên", "An untitled regulation"),
    "windows": Said("Khung giờ phát: {windows}.", "Hours: {windows}."),
    "no_windows": Said("Không đặt khung giờ phát.", "No hours are set."),
    "ceilings": Said("Trần âm lượng: {ceilings}.", "Volume ceilings: {ceilings}."),
    "no_ceilings": Said("Không đặt trần âm lượng.", "No volume ceiling is set."),
    "sessions": Said("Tối đa {count} buổi một ngày.", "At most {count} sessions a day."),
    "session_length": Said("mỗi buổi tối đa {minutes} phút", "at most {minutes} minutes each"),
    "ceiling": Said("{hours}: {volume}/100", "{hours}: {volume}/100"),
    "silent": Said("Ngày không phát: {dates}.", "Days without broadcasting: {dates}."),
    "noise": Said(
        "Độ ồn ngoài trời và tại nhà dân: không đo. Mức tín hiệu ghi bằng dBFS (RMS, mức cao nhất "
        "ghi được của lượt phát), là mức của tín hiệu số bên trong thiết bị so với mức lớn nhất "
        "của chính thiết bị, trước ampli và loa. dBFS không phải dBA, không quy đổi được sang dBA "
        "và không nói gì về áp suất âm tại nhà dân; muốn biết phải đo tại chỗ bằng máy đo độ ồn.",
        "Noise in the open and at houses: not measured. The signal level is in dBFS (RMS, the "
        "highest recorded of an item): the digital signal inside the device against the largest "
        "value the device knows, before amplifier and loudspeakers. dBFS is not dBA, cannot be "
        "turned into dBA and says nothing of the sound pressure at a house; that takes a sound "
        "level meter on the spot.",
    ),
    "volume_scale": Said(
        "Âm lượng đặt là số 0–100 trên thang riêng của khu vực loa, không phải đơn vị đo.",
        "Volume is a number from 0 to 100 on the zone's own scale, not a measurement.",
    ),
    "level_missing": Said(
        "Mức tín hiệu của {count} lượt phát: không đo.", "Signal level of {count}: not measured."
    ),
    "confirm_missing": Said(
        "Loa có thật sự ra tiếng hay không, ở {count} lượt phát: không đo.",
        "Whether the loudspeakers really sounded, for {count}: not measured.",
    ),
    "volume_missing": Said(
        "Âm lượng đặt của {count} lượt phát: không rõ.", "Volume set of {count}: not known."
    ),
    "clock_doubt": Said(
        "Giờ của đài trong thời gian này chưa tin được hoặc đã bị chỉnh: các mốc giờ có thể lệch.",
        "The station's clock was not trusted or was set in this time: instants may be off.",
    ),
    "no_records": Said(
        "Không có bản ghi nào của đài trong thời gian này.", "No records of this time."
    ),
    "range": Said(
        "Bản ghi {first}–{last} của đài ({since} → {until}), {count} bản ghi: {verdict}.",
        "Records {first}–{last} of the station ({since} → {until}), {count}: {verdict}.",
    ),
    "whole": Said("liền mạch, đúng chuỗi", "without a gap, chain right"),
    "not_whole": Said("CÓ VẤN ĐỀ, xem dưới", "SOMETHING IS WRONG, see below"),
    "signed_to": Said(
        "Đài đã ký đến bản ghi {seq} lúc {when}, vân tay khóa của đài {key}.",
        "Signed by the station up to record {seq} at {when}, key fingerprint {key}.",
    ),
    "not_signed": Said("Đài chưa ký những bản ghi này.", "The station has not signed these."),
    "gap": Said(
        "THIẾU bản ghi {where}: có thể có lượt phát không nằm trong trích lục này.",
        "Records {where} are MISSING: items may not be in this extract.",
    ),
    "finding": Said("Bản ghi {where}: {what}.", "Record {where}: {what}."),
    "rows_unsigned": Said(
        "{count} dòng của trích lục chưa có chữ ký của đài; lập lại sau lần ký tới (mỗi đêm).",
        "{count} lines are not signed by the station yet; make it anew after the next night.",
    ),
    "known_until": Said(
        "Đài mới gửi bản ghi đến {when}: phần sau chưa biết.",
        "Records have come up to {when} only: what followed is not known.",
    ),
    "signer": Said(
        "{holder}, {authority}. Ký số Ed25519, vân tay khóa {key}.",
        "{holder}, {authority}. Signed with Ed25519, key fingerprint {key}.",
    ),
    "check": Said(
        "Kiểm: districtctl extract verify THƯ_MỤC (hoặc sha256sum -c và openssl, xem {file}). "
        "Kèm theo: bản ghi gốc của đài trong {records}.",
        "Check: districtctl extract verify FOLDER (or sha256sum -c and openssl, see {file}). "
        "The station's own records are in {records}.",
    ),
    "page": Said("Trích lục chỉ nêu những gì đài đã ghi.", "It tells only what was recorded."),
}


class Speaker:
    """Says things of one extract in one language."""

    def __init__(self, extract: Extract, lang: Lang) -> None:
        self.extract = extract
        self.lang: Lang = lang
        self._zone = ZoneInfo(extract.tz)

    def say(self, key: str, /, **values: object) -> str:
        return WORDS[key].text(self.lang).format(**values)

    # --- times and numbers --------------------------------------------------------------

    def _local(self, at_ms: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(at_ms / 1000, self._zone)

    def moment(self, at_ms: int) -> str:
        """`05:00 25/11/2026`."""
        return f"{self._local(at_ms):%H:%M %d/%m/%Y}"

    def second(self, at_ms: int) -> str:
        """`05:00:03`, with the day when it is not that of the extract's beginning."""
        at, begin = self._local(at_ms), self._local(self.extract.asked.from_ms)
        return f"{at:%H:%M:%S}" if at.date() == begin.date() else f"{at:%d/%m %H:%M:%S}"

    def until(self, from_ms: int, to_ms: int) -> str:
        """`05:00:00 → 05:17:42`."""
        return f"{self.second(from_ms)} → {self.second(to_ms)}"

    def number(self, value: float, places: int = 1) -> str:
        text = f"{abs(value):.{places}f}"
        text = text.replace(".", ",") if self.lang == "vi" else text
        return f"−{text}" if value < 0 else text

    # --- one item -----------------------------------------------------------------------

    def planned(self, play: Play) -> str:
        if play.planned_duration_ms is None:
            return self.second(play.planned_start_ms)
        return self.until(play.planned_start_ms, play.planned_start_ms + play.planned_duration_ms)

    def actual(self, play: Play) -> str:
        if play.start_ms is None:
            return "–"
        if play.end_ms is None:
            return f"{self.second(play.start_ms)} → ?"
        said = self.until(play.start_ms, play.end_ms)
        if len(play.heard) > 1:
            said += f" ({self.say('pieces', count=len(play.heard))})"
        return said

    def klass(self, play: Play) -> str:
        if play.klass in (1, 2, 3):
            return self.say(f"class_{play.klass}")
        return self.say("class_other", number=play.klass)

    def what(self, play: Play) -> tuple[str, str]:
        """The title, and what it is."""
        labels = [one.source for one in play.sources] or [play.source]
        kinds = dict.fromkeys(label.partition(":")[0] for label in labels)
        known = [one for one in kinds if one in ("file", "stream", "text", "tone")]
        source = " + ".join(self.say(one) for one in known)
        return plain(play.title, TITLE_MAX), joined(
            (self.klass(play), source, self.languages(play))
        )

    def languages(self, play: Play) -> str:
        codes = (one for one in play.language.split(",") if one)
        names = ", ".join(name_of(one, self.lang) for one in codes)
        return self.say("language", names=names) if names else ""

    def who(self, play: Play) -> tuple[str, str]:
        """Who made it, and who approved it and how that is known."""
        author = plain(play.author) or self.say("nobody")
        approver = plain(play.approved_by or play.approver)
        number = plain(play.document_number)
        means = joined(
            (
                self.say(play.approval) if play.approval is not None else "",
                self.say("document", number=number) if number else "",
            )
        )
        nobody = self.say("no_approval" if play.klass == 1 else "nobody")
        approved = joined((approver, means)) or nobody
        return self.say("made_by", who=author), self.say("approved_by", who=approved)

    def volume(self, play: Play) -> str:
        return f"{play.volume}/100" if play.volume is not None else self.say("unknown")

    def level(self, play: Play) -> str:
        if play.status == "ended" and not play.heard:
            return "–"
        if play.level_cdb is None:
            return self.say("unmeasured")
        return f"{self.number(play.level_cdb / 100)} dBFS"

    def outcome(self, play: Play) -> str:
        if play.outcome is None:
            return self.say("open")
        parts = [self.say(play.outcome)]
        if play.reason is not None:
            parts.append(self.reason(play.reason))
        if plain(play.rule):
            parts.append(plain(play.rule))
        if play.heard:
            parts.append(self.say(f"confirmed_{play.confirmed}"))
        if play.broke:
            parts.append(self.say("broke", rules=joined(map(self.reason, play.broke))))
        if play.above_ceiling is not None:
            parts.append(self.say("above", volume=play.above_ceiling))
        return "; ".join(parts)

    def reason(self, reason: OccurrenceReason) -> str:
        return OCCURRENCE[reason].text(self.lang)

    def record(self, play: Play) -> tuple[str, str]:
        return f"{play.seq}", self.say(f"proof_{play.proof}")

    def act(self, act: Act) -> str:
        by = AUTHOR[act.by].text(self.lang) if act.by in AUTHOR else plain(act.by)
        what = AUDIT[act.what].text(self.lang) if act.what in AUDIT else plain(act.what)
        result = "" if act.result in ("", "done") else f" ({plain(act.result)})"
        return f"{self.second(act.at_ms)} {by}: {what} {plain(act.detail)}".rstrip() + result

    # --- everything else ----------------------------------------------------------------

    def about(self) -> str:
        asked = self.extract.asked
        return self.say(
            "about",
            station=plain(self.extract.station_name),
            zone=plain(asked.zone),
            since=self.moment(asked.from_ms),
            until=self.moment(asked.to_ms),
        )

    def made(self) -> str:
        tz = self.extract.tz
        key = "made" if tz == "Asia/Ho_Chi_Minh" else "made_tz"
        return self.say(key, when=self.moment(self.extract.made_ms), tz=tz)

    def no_plays(self) -> str:
        return self.say("no_plays" if self.extract.is_complete else "no_plays_incomplete")

    def rules(self) -> list[str]:
        """What the regulation says for this zone."""
        lines = [line for one in self.extract.rules for line in self._rules(one)]
        return lines or [self.say("no_rules")]

    def _rules(self, rules: RulesInForce) -> list[str]:
        number = plain(rules.document_number)
        lines = [
            self.say(
                "rules",
                title=plain(rules.title) or self.say("rules_untitled"),
                number=f" ({number})" if number else "",
                audience=rules.audience,
                revision=rules.revision,
                since=self.moment(rules.since_ms),
            )
        ]
        windows = "; ".join(self._window(one) for one in rules.windows)
        lines.append(self.say("windows", windows=windows) if windows else self.say("no_windows"))
        ceilings = "; ".join(
            joined(
                (
                    self.say("ceiling", hours=plain(one.hours), volume=one.volume),
                    self._days(one.days),
                )
            )
            for one in rules.ceilings
        )
        lines.append(
            self.say("ceilings", ceilings=ceilings) if ceilings else self.say("no_ceilings")
        )
        if rules.sessions_per_day is not None:
            lines.append(self.say("sessions", count=rules.sessions_per_day))
        silent = [one for one in rules.silent_dates if one in self._dates()]
        if silent:
            lines.append(self.say("silent", dates=", ".join(silent)))
        return [lines[0], " ".join(lines[1:])]

    def _dates(self) -> set[str]:
        """The local dates that the extract touches."""
        asked = self.extract.asked
        day, last = self._local(asked.from_ms).date(), self._local(asked.to_ms).date()
        found = set()
        while day <= last:
            found.add(day.isoformat())
            day += dt.timedelta(days=1)
        return found

    def _window(self, window: RuleWindow) -> str:
        length = ""
        if window.session_ms is not None:
            length = self.say("session_length", minutes=window.session_ms // 60_000)
        return joined((plain(window.hours), self._days(window.days), length))

    def _days(self, days: tuple[int, ...]) -> str:
        names = DAYS if self.lang == "vi" else DAYS_EN
        return " ".join(names[day] for day in days if 1 <= day <= 7)

    def unmeasured(self) -> list[str]:
        """What nobody measured, the noise first."""
        heard = [one for one in self.extract.plays if one.heard or one.status == "open"]
        lines = [f"{self.say('noise')} {self.say('volume_scale')}"]
        counts = {
            "level_missing": sum(one.level_cdb is None for one in heard),
            "confirm_missing": sum(one.confirmed == "unknown" for one in heard),
            "volume_missing": sum(one.volume is None for one in heard),
        }
        lines += [self.say(key, count=count) for key, count in counts.items() if count]
        if self.extract.clock_doubt:
            lines.append(self.say("clock_doubt"))
        return lines

    def evidence(self) -> list[str]:
        """What was checked, what is missing, who signed."""
        lines = [line for one in self.extract.evidence for line in self._stream(one)]
        if not lines:
            lines.append(self.say("no_records"))
        plays, acts = self.extract.plays, self.extract.acts
        proofs = [*(one.proof for one in plays), *(one.proof for one in acts)]
        unsigned = sum(proof != "signed" for proof in proofs)
        if unsigned:
            lines.append(self.say("rows_unsigned", count=unsigned))
        known = self.extract.known_until_ms
        if known is not None and known < self.extract.asked.to_ms:
            lines.append(self.say("known_until", when=self.moment(known)))
        return lines

    def _stream(self, one: StreamEvidence) -> list[str]:
        lines = []
        if one.records:
            verdict = self.say("not_whole" if one.findings else "whole")
            lines.append(
                self.say(
                    "range",
                    first=one.from_seq,
                    last=one.to_seq,
                    since=self.moment(one.from_ms),
                    until=self.moment(one.to_ms),
                    count=one.records,
                    verdict=verdict,
                )
            )
        if one.signed_through:
            lines.append(
                self.say(
                    "signed_to",
                    seq=one.signed_through,
                    when=self.moment(one.signed_ms),
                    key=grouped(one.fingerprint),
                )
            )
        elif one.records:
            lines.append(self.say("not_signed"))
        lines += [self.say("gap", where=_numbers(first, last)) for first, last in one.gaps]
        gaps = {first for first, _ in one.gaps}
        lines += [self._finding(found) for found in one.findings if found.seq not in gaps]
        return lines

    def _finding(self, found: Finding) -> str:
        what = FINDINGS[found.kind][0].text(self.lang)
        return self.say("finding", where=_numbers(found.seq, found.to_seq), what=what)

    def signer(self) -> str:
        signer = self.extract.signer
        return self.say(
            "signer",
            holder=plain(signer.holder),
            authority=plain(signer.authority_name),
            key=grouped(signer.keyid),
        )


def _numbers(first: int, last: int) -> str:
    return f"{first}" if last <= first else f"{first}–{last}"


def joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def plain(text: str, most: int = 200) -> str:
    """What somebody typed, on one line: no control or direction marks, at most so many letters."""
    kept = "".join(
        one if unicodedata.category(one)[0] != "C" else " " for one in text.replace("\n", " ")
    )
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else f"{kept[: most - 1].rstrip()}…"
