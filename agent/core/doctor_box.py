"""The doctor's checks of what surrounds the station: power, the box, the link, its data, roaming.

Part of `agent.core.doctor`. A reading that was never taken is `unknown`, with what would give it.
"""

from __future__ import annotations

from agent.contract.reasons import LINK_FAULT
from agent.core import watch
from agent.core.data_use import MIB
from agent.core.events import InterfaceSeen, ModemSeen, Now
from agent.core.parts import Parts
from agent.core.requests import Check, Verdict

LINK_KINDS = {
    "ethernet": ("dây mạng", "Ethernet"),
    "wifi": ("Wi-Fi", "Wi-Fi"),
    "modem": ("4G", "4G"),
    "other": ("mạng", "link"),
}
WEAK_DBM = -110
"""RSRP below which LTE hardly carries a stream."""


def check(
    name: str, verdict: Verdict, vi: str, en: str, next_vi: str = "", next_en: str = ""
) -> Check:
    return Check(name, verdict, (vi, en), (next_vi, next_en))


def power(station: Parts) -> Check:
    host = station.host
    dead = [
        name
        for name in watch.controllers(station)
        if (seen := station.air.ledger.controllers.get(name)) is not None and seen.mains is False
    ]
    charge = f", {host.battery_percent} %" if host.battery_percent is not None else ""
    if host.mains is False:
        vi, en = f"mất điện lưới, chạy ắc quy{charge}", f"no mains, on battery{charge}"
        return check("power", "fault", vi, en, "kiểm tra cầu dao", "check the breaker")
    if dead:
        names = ", ".join(dead)
        vi, en = f"ampli không có điện: {names}", f"the amplifier has no mains: {names}"
        return check("power", "fault", vi, en, "kiểm tra cầu dao ampli", "check its breaker")
    if host.undervoltage or station.running.box.undervoltage:
        return check(
            "power",
            "fault" if host.undervoltage else "warning",
            "nguồn nuôi bo mạch yếu" if host.undervoltage else "nguồn từng yếu từ khi bật máy",
            "the supply is too low" if host.undervoltage else "the supply was too low since start",
            "thay bộ nguồn hoặc dây nguồn",
            "change the power supply or its cable",
        )
    if host.mains is None:
        return check(
            "power",
            "unknown",
            "không đo điện lưới",
            "the mains are not measured",
            "ghi chân GPIO vào [power] mains_file",
            "name the GPIO line in [power] mains_file",
        )
    return check("power", "ok", f"có điện lưới{charge}", f"on mains{charge}")


def box(station: Parts) -> Check:
    host = station.host
    cdeg, worn = host.temperature_cdeg, host.storage_worn_percent
    heat = "? °C" if cdeg is None else f"{cdeg // 100} °C"
    wear = "" if worn is None else f", {worn} %"
    vi = heat + (f", bộ nhớ mòn{wear[1:]}" if wear else "")
    en = heat + (f", storage worn{wear[1:]}" if wear else "")
    if cdeg is not None and cdeg >= watch.HOT_CDEG:
        return check("box", "fault", vi, en, "mở thông gió, lau bụi", "open the vents, dust it")
    if worn is not None and worn >= watch.WORN_PERCENT:
        step = ("sao lưu rồi thay bộ nhớ", "back it up, then change the storage")
        return check("box", "warning", vi, en, *step)
    return check("box", "unknown" if cdeg is None else "ok", vi, en)


def link(station: Parts, now: Now) -> Check:
    network, uplink = station.network, station.uplink
    if not network.looked:
        return check("link", "unknown", "chưa xem", "not looked at yet")
    today = station.today(now.wall_ms)
    fault = network.fault(connected=uplink.connected, cause=uplink.cause, today=today)
    if fault is not None:
        meaning = LINK_FAULT[fault]
        step = (meaning.next_vi, meaning.next_en)
        return check("link", "fault", meaning.vi, meaning.en, *step)
    carrier, modem = network.carrier, network.modem
    if carrier is None:
        step = ("cắm dây mạng hoặc modem", "plug in a cable or a modem")
        return check("link", "fault", "không có đường mạng", "no link", *step)
    roaming = _roaming(modem, allowed=network.terms.roaming)
    if roaming is not None:
        return roaming
    signal = _signal(carrier, modem)
    kind = LINK_KINDS[carrier.kind]
    vi, en = f"{kind[0]} {carrier.name}{signal}", f"{kind[1]} {carrier.name}{signal}"
    rsrp = modem.rsrp_dbm if modem is not None else None
    if carrier.kind == "modem" and modem is not None and rsrp is None and modem.rssi_dbm is None:
        step = (
            "cho đo: chép config/polkit vào /etc/polkit-1/rules.d",
            "allow it: copy config/polkit to /etc/polkit-1/rules.d",
        )
        return check("link", "unknown", f"{vi}: sóng chưa đo", f"{en}: signal not measured", *step)
    if carrier.kind == "modem" and rsrp is not None and rsrp < WEAK_DBM:
        step = ("kiểm tra ăng-ten và vị trí đặt", "check the antenna and where it stands")
        return check("link", "warning", f"{vi}: sóng yếu", f"{en}: weak", *step)
    return check("link", "ok", vi, en)


def _signal(carrier: InterfaceSeen, modem: ModemSeen | None) -> str:
    if carrier.kind == "wifi":
        return f", {carrier.signal_dbm} dBm" if carrier.signal_dbm is not None else ""
    if carrier.kind != "modem" or modem is None:
        return ""
    operator = f", {modem.operator}" if modem.operator else ""
    return operator + (f", {modem.rsrp_dbm} dBm" if modem.rsrp_dbm is not None else "")


def _roaming(modem: ModemSeen | None, *, allowed: bool) -> Check | None:
    """Roaming that nobody allowed, or that would be possible at any time."""
    if modem is None or allowed:
        return None
    step = ("tắt chuyển vùng trong kết nối 4G", "switch roaming off in the 4G connection")
    if modem.registration == "roaming":
        return check("link", "fault", "đang chuyển vùng", "roaming", *step)
    if modem.roaming_allowed:
        vi, en = "kết nối 4G cho phép chuyển vùng", "the 4G connection permits roaming"
        return check("link", "warning", vi, en, *step)
    return None


def data(station: Parts, now: Now) -> Check:
    network, today = station.network, station.today(now.wall_ms)
    month = network.month_bytes(today) if today is not None else None
    if month is None:
        if network.looked and today is not None:
            text = ("không có đường trả theo dung lượng", "no link is paid by the byte")
            return check("data", "ok", *text)
        return check("data", "unknown", "không đo được", "not measured")
    used = f"{month // MIB} MB"
    percent = network.plan_percent(today)
    if percent is None:
        return check(
            "data",
            "unknown",
            f"đã dùng {used}, không rõ gói",
            f"{used} used, the plan is not known",
            "ghi gói vào [link] data_plan_mib",
            "write the plan into [link] data_plan_mib",
        )
    text = (f"đã dùng {used}, {percent} % gói", f"{used} used, {percent} % of the plan")
    step = ("nạp thêm gói: hỏi nhà mạng", "buy data: ask the operator")
    if percent >= 100:
        return check("data", "fault", *text, *step)
    if percent >= watch.PLAN_LOW_PERCENT:
        return check("data", "warning", *text, *step)
    return check("data", "ok", *text)
