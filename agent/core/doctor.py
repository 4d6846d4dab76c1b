"""Named checks of a running station, each with a verdict, what was seen, and the next step."""

from __future__ import annotations

from agent.contract.addresses import RTSP_SCHEMES, scheme_of
from agent.contract.documents import Source, StreamSource
from agent.contract.reasons import ALARM, OCCURRENCE, AlarmCode, Meaning, OccurrenceReason
from agent.core import doctor_box
from agent.core.events import ControllerState, Now
from agent.core.parts import Parts
from agent.core.requests import Check, Verdict
from agent.core.seal import Signer
from agent.core.versions import all_sources
from agent.core.words import CONTROLLER, LINK

DAY_MS = 86_400_000
CERTIFICATE_SOON_MS = 14 * DAY_MS
PLAN_SOON_MS = 7 * DAY_MS


def examine(station: Parts, now: Now) -> tuple[Check, ...]:
    """The checks in the order in which a technician would make them."""
    return (
        _config(station),
        _clock(station),
        doctor_box.power(station),
        doctor_box.box(station),
        doctor_box.link(station, now),
        doctor_box.data(station, now),
        _broker(station),
        _certificate(station, now),
        _content(station),
        _sound(station),
        _controller(station),
        _zones(station),
        _storage(station),
        _records(station),
        _plan(station, now),
    )


def _check(
    name: str, verdict: Verdict, vi: str, en: str, next_vi: str = "", next_en: str = ""
) -> Check:
    return Check(name, verdict, (vi, en), (next_vi, next_en))


def _config(station: Parts) -> Check:
    zones, buses = len(station.site.zones), station.site.buses
    told = f"{_count(zones, 'zone', 'zones')}, {_count(buses, 'bus', 'buses')}"
    return _check("config", "ok", f"{zones} khu vực, {buses} đường tiếng", told)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _clock(station: Parts) -> Check:
    if station.time.trust == "trusted":
        return _check("clock", "ok", "giờ tin được", "the time is trusted")
    return _check(
        "clock",
        "fault",
        "giờ chưa tin được: chỉ phát khẩn cấp",
        "the time is not trusted: only emergencies play",
        "nối mạng hoặc thay pin đồng hồ",
        "connect the network or change the clock battery",
    )


def _broker(station: Parts) -> Check:
    if station.uplink.connected:
        unsent = station.reporter.outbox.unsent
        return _check(
            "broker", "ok", f"đã nối, chờ gửi {unsent}", f"connected, {unsent} records to send"
        )
    cause = LINK[station.uplink.cause]
    return _check(
        "broker",
        "fault",
        f"chưa nối được hệ thống nguồn: {cause.vi}",
        f"not connected to the source system: {cause.en}",
        cause.next_vi,
        cause.next_en,
    )


def _certificate(station: Parts, now: Now) -> Check:
    ends_ms = station.host.certificate_not_after_ms
    if ends_ms is None:
        return _check(
            "certificate",
            "unknown",
            "không đọc được chứng thư",
            "the certificate was not read",
            "kiểm tra [broker] cert trong cấu hình",
            "check [broker] cert in the configuration",
        )
    days = (ends_ms - now.wall_ms) // DAY_MS
    verdict: Verdict = (
        "ok" if days * DAY_MS > CERTIFICATE_SOON_MS else "warning" if days >= 0 else "fault"
    )
    return _check(
        "certificate",
        verdict,
        f"chứng thư còn {days} ngày",
        f"the certificate ends in {_count(days, 'day', 'days')}",
        "" if verdict == "ok" else "ghi danh lại đài",
        "" if verdict == "ok" else "enrol the station again",
    )


def _content(station: Parts) -> Check:
    supply = station.supply
    missing, awaiting = len(supply.missing), len(supply.awaiting)
    if not missing and not awaiting:
        files = len(station.supply.box.files)
        return _check("content", "ok", f"đủ tệp ({files})", f"all files are here ({files})")
    first = (
        station.supply.awaiting[0] if station.supply.awaiting else station.supply.missing[0][:12]
    )
    return _check(
        "content",
        "warning",
        f"thiếu {missing} tệp chưa tải, {awaiting} chưa đăng: {first}",
        f"{missing} files not fetched, {awaiting} not published: {first}",
        "chờ mạng, hoặc báo biên tập đăng tệp",
        "wait for the network, or ask the editor to publish",
    )


def _sound(station: Parts) -> Check:
    player = station.air.player
    if player == "ready":
        return (
            _speech(station)
            or _streams(station)
            or _loudness(station)
            or _check("sound", "ok", "thẻ âm thanh chạy", "the sound card runs")
        )
    return _check(
        "sound",
        "fault",
        "không có tiếng ra",
        "no sound can leave the card",
        "xem thẻ và tên để ghi vào [sound]: stationctl audio",
        "see the card and the name for [sound]: stationctl audio",
    )


def _speech(station: Parts) -> Check | None:
    """The card runs, but the last text could not be spoken."""
    fault = station.supply.speech_fault
    if not fault:
        return None
    lacking = fault.startswith("engine_missing")
    return _check(
        "sound",
        "fault" if lacking else "warning",
        f"thẻ âm thanh chạy, nhưng không đọc được chữ thành tiếng: {fault}",
        f"the sound card runs, but a text cannot be spoken: {fault}",
        "cài máy đọc: apt install espeak-ng" if lacking else "gửi bản ghi âm cho bản tin đó",
        "install the speech engine: apt install espeak-ng"
        if lacking
        else "send a recording for that item",
    )


def _streams(station: Parts) -> Check | None:
    """A schedule names a stream that needs a program, and the program is not there."""
    if station.host.fetches_rtsp is not False:
        return None
    entries = [one for force in station.programme.schedules for one in force.schedule.entries]
    wanting = [one.id for one in entries if any(map(_is_rtsp, all_sources(one)))]
    if not wanting:
        return None
    return _check(
        "sound",
        "fault",
        f"thẻ âm thanh chạy, nhưng thiếu ffmpeg để nhận luồng RTSP của {wanting[0]}",
        f"the sound card runs, but ffmpeg is missing for the RTSP stream of {wanting[0]}",
        "cài chương trình: apt install ffmpeg",
        "install the program: apt install ffmpeg",
    )


def _is_rtsp(source: Source) -> bool:
    return isinstance(source, StreamSource) and scheme_of(source.url) in RTSP_SCHEMES


def _loudness(station: Parts) -> Check | None:
    """The card runs, but nothing can be brought to one loudness."""
    lacks = station.supply.measuring_lacks
    if not lacks:
        return None
    return _check(
        "sound",
        "warning",
        f"thẻ âm thanh chạy, nhưng không đo được độ to của bản ghi: {lacks}",
        f"the sound card runs, but the loudness of recordings cannot be measured: {lacks}",
        "cài thư viện đo: apt install libebur128-1",
        "install what measures it: apt install libebur128-1",
    )


def _controller(station: Parts) -> Check:
    names = sorted({zone.controller for zone in station.site.zones})
    seen = station.air.ledger.controllers
    states = {name: seen[name].state if name in seen else "opening" for name in names}
    bad = {name: CONTROLLER[state] for name, state in states.items() if state != "ready"}
    if not bad:
        return _check("controller", "ok", f"{len(names)} bộ chạy", f"{len(names)} ready")
    worst = min((states[name] for name in bad), key=_CONTROLLER_ORDER.index)
    return _check(
        "controller",
        "fault",
        "; ".join(f"{name} {state.vi}" for name, state in bad.items()),
        "; ".join(f"{name} {state.en}" for name, state in bad.items()),
        CONTROLLER[worst].next_vi,
        CONTROLLER[worst].next_en,
    )


_CONTROLLER_ORDER: tuple[ControllerState, ...] = ("not_adopted", "incompatible", "lost", "opening")
"""Of several, whose next step is told: first what only a person can mend."""


def _zones(station: Parts) -> Check:
    bad: dict[str, Meaning] = {}
    unknown: list[str] = []
    for zone in station.site.zones:
        confirmed, doubt = station.air.ledger.confirmation(zone.name)
        if confirmed == "no":
            bad[zone.name] = OCCURRENCE[doubt or OccurrenceReason.ZONE_NOT_CONFIRMED]
        elif confirmed == "unknown":
            unknown.append(zone.name)
    if bad:
        return _check(
            "zones",
            "fault",
            "; ".join(f"{name}: {why.vi}" for name, why in bad.items()),
            "; ".join(f"{name}: {why.en}" for name, why in bad.items()),
            "kiểm tra dây loa: stationctl zones",
            "check the loudspeaker line: stationctl zones",
        )
    if unknown:
        names = ", ".join(unknown)
        return _check("zones", "unknown", f"không đo được: {names}", f"not measured: {names}")
    return _check("zones", "ok", "các khu vực xác nhận", "all zones confirm")


def _storage(station: Parts) -> Check:
    free = station.host.storage_free_mib
    if station.storage_fault:
        meaning = ALARM[AlarmCode.STORAGE_FAILED]
        why = station.storage_fault
        vi, en = f"{meaning.vi}: {why}", f"{meaning.en}: {why}"
        return _check("storage", "fault", vi, en, meaning.next_vi, meaning.next_en)
    if free is None:
        return _check("storage", "unknown", "không đo được", "not measured")
    if free < station.site.storage_low_mib:
        return _check(
            "storage",
            "fault",
            f"chỉ còn {free} MiB",
            f"only {free} MiB left",
            "xóa tệp lạ trong thư mục dữ liệu hoặc thay thẻ nhớ",
            "remove strange files from the state folder, or change the card",
        )
    return _check("storage", "ok", f"còn {free} MiB", f"{free} MiB free")


def _records(station: Parts) -> Check:
    if station.storage_fault:
        meaning = ALARM[AlarmCode.STORAGE_FAILED]
        return _check(
            "records",
            "fault",
            "không ghi được bản ghi nào, mất điện là mất",
            "takes no record; a power cut loses what is not on the disk",
            meaning.next_vi,
            meaning.next_en,
        )
    signer = station.reporter.seal.signer
    if isinstance(signer, Signer):
        shown = signer.fingerprint
        return _check("records", "ok", f"được ký, khóa {shown}", f"signed, key {shown}")
    return _check(
        "records",
        "fault",
        f"không được ký: {signer.why}",
        f"not signed: {signer.why}",
        "kiểm tra quyền, thẻ nhớ; cần khóa mới: dời station.key đi, khởi động lại, báo kỹ sư",
        "check rights and card; for a new key move station.key away, restart and tell the engineer",
    )


def _plan(station: Parts, now: Now) -> Check:
    horizon = station.programme.horizon()
    if horizon.endless:
        return _check("plan", "ok", "lịch không có ngày hết", "the timetable has no end")
    if horizon.last_ms is None:
        return _check(
            "plan",
            "fault",
            "không có lượt phát nào sắp tới",
            "nothing is planned",
            "báo kỹ sư đẩy lịch: districtctl push",
            "ask the engineer to push a timetable: districtctl push",
        )
    left_ms = horizon.last_ms - now.wall_ms
    days = abs(left_ms) // DAY_MS
    counted = _count(days, "day", "days")
    if left_ms >= PLAN_SOON_MS:
        return _check("plan", "ok", f"lịch còn {days} ngày", f"planned for {counted}")
    step = ("báo kỹ sư đẩy lịch mới: districtctl push", "ask for a new one: districtctl push")
    if left_ms < 0:
        vi, en = (
            f"lịch đã hết {days} ngày trước",
            f"the timetable ended {counted} ago",
        )
        return _check("plan", "fault", vi, en, *step)
    vi, en = f"lịch hết sau {days} ngày", f"the timetable ends in {counted}"
    return _check("plan", "warning", vi, en, *step)
