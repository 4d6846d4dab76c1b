"""The link screen: which way out is used, how good it is, what it has cost, why it is lost."""

from __future__ import annotations

from collections.abc import Iterator

from agent.cli.columns import flow, spread
from agent.cli.findings import Finding, finding_lines
from agent.cli.texts import Lang, say
from agent.cli.wording import (
    FAULT,
    OK,
    UNKNOWN,
    WATCH,
    amount,
    clock,
    day,
    decibels,
    iso_date,
    moment,
)
from agent.contract.details import DataDetails, LinkDetails, ModemDetails
from agent.contract.reasons import LINK_FAULT
from agent.core.requests import LinkView
from agent.core.words import LINK, MODEM_STATE, REGISTRATION

MIB = 1024 * 1024
PLAN_LOW_PERCENT = 80


def render_link(view: LinkView, lang: Lang, width: int) -> list[str]:
    when = f"{day(view.at_ms, view.tz, lang)} {clock(view.at_ms, view.tz)}"
    lines = [spread(say(lang, "link-title"), when, width)]
    for finding in link_findings(view, lang):
        lines += finding_lines(finding, width)
    lines += flow(list(way(view.link, lang)), width, between=" · ")
    if view.link.modem is not None:
        lines += flow(list(radio(view.link.modem, lang)), width, between=" · ")
        lines += flow(list(_sim(view.link.modem, view, lang)), width, between=" · ")
    lines += flow(list(data_items(view.data, lang)), width, between=" · ")
    return lines + flow(list(_history(view, lang)), width, between=" · ")


def link_findings(view: LinkView, lang: Lang) -> list[Finding]:
    """Whether the source system is reached; why not; and what makes the link dear."""
    findings = [_reached(view, lang)]
    modem = view.link.modem
    if modem is not None and modem.registration == "roaming" and not view.roaming:
        findings.append(Finding(FAULT, say(lang, "roaming-on"), say(lang, "roaming-next")))
    elif modem is not None and modem.roaming_allowed and not view.roaming:
        findings.append(Finding(WATCH, say(lang, "roaming-possible"), say(lang, "roaming-next")))
    return findings


def _reached(view: LinkView, lang: Lang) -> Finding:
    if view.connected:
        since = ""
        if view.connected_since_ms is not None:
            since = say(lang, "since", time=moment(view.connected_since_ms, view.at_ms, view.tz))
        return Finding(OK, say(lang, "link-up", since=since).rstrip())
    if view.fault is not None:
        meaning = LINK_FAULT[view.fault]
        return Finding(FAULT, meaning.text(lang), meaning.next(lang))
    cause = LINK.get(view.cause)  # type: ignore[call-overload]
    text = cause.text(lang) if cause is not None else view.cause
    step = cause.next(lang) if cause is not None else ""
    if not view.probing:
        step = say(lang, "link-probe-next")
    return Finding(FAULT, f"{say(lang, 'broker-lost')}: {text}", step)


def way(link: LinkDetails, lang: Lang) -> Iterator[str]:
    """Which link has the default route, and how good it is when it is no modem."""
    if not link.kind:
        yield f"{say(lang, 'link-way')} {UNKNOWN}"
        return
    if link.kind == "none":
        yield f"{say(lang, 'link-way')} {FAULT} {say(lang, 'link-none')}"
    else:
        yield f"{say(lang, 'link-way')} {say(lang, f'kind-{link.kind}')} {link.interface}"
    if link.speed_mbit_s is not None:
        yield f"{link.speed_mbit_s} Mbit/s"
    if link.wifi_dbm is not None:
        yield f"Wi-Fi {link.wifi_dbm} dBm"


def radio(modem: ModemDetails, lang: Lang) -> Iterator[str]:
    """The mobile network and its signal."""
    technology = modem.technology.upper() or say(lang, "kind-modem")
    state = MODEM_STATE.get(modem.state)  # type: ignore[call-overload]
    yield f"{technology} {state.text(lang) if state is not None else modem.state}"
    registration = REGISTRATION.get(modem.registration)  # type: ignore[call-overload]
    if modem.operator:
        code = f" ({modem.operator_code})" if modem.operator_code else ""
        yield modem.operator + code
    if registration is not None:
        yield registration.text(lang)
    if modem.band:
        yield say(lang, "link-band", band=modem.band)
    yield signal(modem, lang)
    if modem.rsrq_cdb is not None:
        yield f"RSRQ {decibels(modem.rsrq_cdb, lang)} dB"
    if modem.sinr_cdb is not None:
        yield f"SINR {decibels(modem.sinr_cdb, lang)} dB"


def signal(modem: ModemDetails, lang: Lang) -> str:
    """The best measure of strength there is."""
    if modem.rsrp_dbm is not None:
        return f"RSRP {modem.rsrp_dbm} dBm"
    if modem.rssi_dbm is not None:
        return f"RSSI {modem.rssi_dbm} dBm"
    if modem.quality_percent is not None:
        return say(lang, "link-quality", percent=modem.quality_percent)
    return f"{say(lang, 'link-signal')} {UNKNOWN} {say(lang, 'not-measured')}"


def _sim(modem: ModemDetails, view: LinkView, lang: Lang) -> Iterator[str]:
    yield f"SIM {modem.number or UNKNOWN}"
    if modem.iccid:
        yield f"ICCID {modem.iccid}"
    if modem.imei:
        yield f"IMEI {modem.imei}"
    if view.data.sim_expires:
        yield say(lang, "sim-expires", date=iso_date(view.data.sim_expires))
    yield say(lang, "roaming-allowed" if view.roaming else "roaming-off")


def data_items(data: DataDetails, lang: Lang) -> Iterator[str]:
    """What was used of the plan; nothing where no link is paid by the byte."""
    if data.month_bytes is None:
        return
    yield used(data, lang)
    if data.today_bytes is not None:
        yield say(lang, "data-today", size=amount(data.today_bytes, lang))
    if data.month_from:
        yield say(lang, "data-from", date=iso_date(data.month_from))
    if len(data.by_link) > 1:
        for name, size in data.by_link.items():
            yield f"{name} {amount(size, lang)}"


def used(data: DataDetails, lang: Lang) -> str:
    """`DỮ LIỆU 3,1/4,0 GB (77 %)`, loud when the plan is nearly used up."""
    month = data.month_bytes or 0
    if not data.plan_mib:
        return say(lang, "data-month", size=amount(month, lang))
    percent = month * 100 // (data.plan_mib * MIB)
    mark = FAULT if percent >= 100 else WATCH if percent >= PLAN_LOW_PERCENT else ""
    text = say(
        lang,
        "data-plan",
        size=amount(month, lang),
        plan=amount(data.plan_mib * MIB, lang),
        percent=percent,
    )
    return f"{mark} {text}".strip()


def _history(view: LinkView, lang: Lang) -> Iterator[str]:
    link = view.link
    if link.modem is not None and link.modem.why:
        yield say(lang, "link-why", why=link.modem.why)
    if link.last_fault is not None and link.last_fault_ms is not None:
        when = moment(link.last_fault_ms, view.at_ms, view.tz)
        text = LINK_FAULT[link.last_fault].text(lang)
        yield say(lang, "link-last", time=when, why=text)
