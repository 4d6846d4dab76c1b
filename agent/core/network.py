"""The way out: which link carries, what it has cost, and why the source system cannot be reached.

Owns the newest look at the links, the bytes of each, and when to ask whether the Internet is open.
Does not own when to connect (uplink) nor what is an alarm (watch).

Invariants: a fault is named only as far as it can be told; a probe goes out only where a page was
configured, only while the source system is lost, and at most every `PROBE_EVERY_MS`.
"""

from __future__ import annotations

from datetime import date

from agent.contract.reasons import LinkFault
from agent.core import data_use
from agent.core.backoff import Cause
from agent.core.data_use import DataUse
from agent.core.effects import Probe
from agent.core.events import InterfaceSeen, ModemSeen, NetworkSeen, Probed
from agent.core.facts import Facts
from agent.core.site import LinkTerms, Site
from agent.core.turn import Turn

PROBE_AFTER_MS = 30_000
"""The source system must be gone this long before the Internet is asked for."""

PROBE_EVERY_MS = 300_000
MIB = data_use.MIB

_OWN_FAULTS: frozenset[Cause] = frozenset({"none", "own_link"})
"""With another cause somebody answered: the link is not at fault."""

_MODEM_FAULTS: dict[str, LinkFault] = {
    "sim_missing": LinkFault.SIM_MISSING,
    "sim_error": LinkFault.SIM_MISSING,
    "sim_locked": LinkFault.SIM_LOCKED,
    "failed": LinkFault.MODEM_FAILED,
}
_MODEM_STATES: dict[str, LinkFault] = {
    "disabled": LinkFault.MODEM_OFF,
    "searching": LinkFault.NO_SIGNAL,
    "registered": LinkFault.NOT_CONNECTED,
    "connecting": LinkFault.NOT_CONNECTED,
}
_PROBED: dict[str, LinkFault] = {
    "captive": LinkFault.CAPTIVE_PAGE,
    "unreachable": LinkFault.NO_INTERNET,
    "open": LinkFault.SOURCE_DOWN,
}


class Network:
    """looked: whether the links were ever looked at; before that nothing is known."""

    def __init__(self, site: Site, facts: Facts) -> None:
        self.terms = site.link
        self._facts = facts
        self.looked = False
        self.seen = NetworkSeen()
        self.use: dict[str, DataUse] = dict(facts.data)
        self.last_fault: LinkFault | None = None
        self.last_fault_ms: int | None = None
        self._told_fault: LinkFault | None = None
        self._saved_mono_ms = 0
        self._lost_mono_ms: int | None = None
        self._probed: Probed | None = None
        self._probe_mono_ms: int | None = None

    # --- what is seen -------------------------------------------------------------------

    def look(self, event: NetworkSeen, day: date | None, turn: Turn) -> None:
        """day: today at the station, None while its clock is not trusted."""
        first = not self.looked
        self.looked, self.seen = True, event
        today = day.isoformat() if day is not None else None
        for one in event.interfaces:
            use = data_use.counted(self.use.get(one.name), one, today)
            if use is not None:
                self.use[one.name] = use
        self._save(turn.now.mono_ms, at_once=first)

    def _save(self, mono_ms: int, *, at_once: bool) -> None:
        waited = mono_ms - self._saved_mono_ms >= data_use.UNSAVED_MAX_MS
        for name, use in self.use.items():
            saved = self._facts.data.get(name)
            if use == saved:
                continue
            much = data_use.unsaved(use, saved) >= data_use.UNSAVED_MAX_BYTES
            if saved is None or waited or much or at_once:
                self._facts.put("data", name, use)
        if waited or at_once:
            self._saved_mono_ms = mono_ms

    def tidy(self, today: date) -> None:
        """Forget links that carried nothing for as long as days are kept."""
        for name, use in list(self.use.items()):
            newest = max(use.days, default="")
            here = any(one.name == name for one in self.seen.interfaces)
            if not here and newest < _days_before(today, data_use.DAYS_KEPT):
                del self.use[name]
                self._facts.drop("data", name)

    @property
    def modem(self) -> ModemSeen | None:
        return self.seen.modem

    @property
    def carrier(self) -> InterfaceSeen | None:
        """The link with the default route."""
        return next((one for one in self.seen.interfaces if one.default), None)

    # --- what it cost -------------------------------------------------------------------

    def is_metered(self, name: str) -> bool:
        """Paid by the byte: as configured, else every modem."""
        if self.terms.metered:
            return name in self.terms.metered
        named = self.modem is not None and name in self.modem.interfaces
        kind = next((one.kind for one in self.seen.interfaces if one.name == name), None)
        return named or kind == "modem"

    def _metered(self) -> list[DataUse]:
        return [use for name, use in self.use.items() if self.is_metered(name)]

    def today_bytes(self, today: date) -> int | None:
        """None: nothing here is paid by the byte, as far as is known."""
        metered = self._metered()
        return sum(data_use.of_day(one, today) for one in metered) if metered else None

    def month_bytes(self, today: date) -> int | None:
        first = data_use.month_began(today, self.terms.data_plan_day)
        metered = self._metered()
        return sum(data_use.since(one, first, today) for one in metered) if metered else None

    def by_link(self, today: date) -> dict[str, int]:
        first = data_use.month_began(today, self.terms.data_plan_day)
        return {name: data_use.since(use, first, today) for name, use in sorted(self.use.items())}

    def plan_percent(self, today: date | None) -> int | None:
        """Of the data plan; None without a plan, a metered link, or a day."""
        used = self.month_bytes(today) if today is not None else None
        if used is None or not self.terms.data_plan_mib:
            return None
        return used * 100 // (self.terms.data_plan_mib * MIB)

    # --- why nothing gets out -----------------------------------------------------------

    def uplink(self, connected: bool, fault: LinkFault | None, turn: Turn) -> None:
        """The source system is reached or lost; why, as far as can be told."""
        if connected:
            self._lost_mono_ms = self._probed = self._probe_mono_ms = None
            self._told_fault = None
        elif self._lost_mono_ms is None:
            self._lost_mono_ms = turn.now.mono_ms
        if fault is not None and fault != self._told_fault:
            turn.log("link_fault", "warning", fault=fault)
            self._told_fault = self.last_fault = fault
            self.last_fault_ms = turn.wall_ms

    def probed(self, event: Probed) -> None:
        self._probed = event

    def probe_if_due(self, turn: Turn) -> None:
        due_ms = self.wake_mono_ms()
        if due_ms is not None and turn.now.mono_ms >= due_ms:
            self._probe_mono_ms = turn.now.mono_ms
            turn.do(Probe(self.terms.probe_url), "now")

    def wake_mono_ms(self) -> int | None:
        """When to ask next whether the Internet is open."""
        carrier = self.carrier
        if not self.terms.probe_url or self._lost_mono_ms is None:
            return None
        if carrier is None or carrier.up is False:
            return None
        if self._probe_mono_ms is None:
            return self._lost_mono_ms + PROBE_AFTER_MS
        return self._probe_mono_ms + PROBE_EVERY_MS

    def fault(self, *, connected: bool, cause: Cause, today: date | None) -> LinkFault | None:
        """What keeps the station from its source system; None: nothing, or nobody can tell."""
        if connected or not self.looked or cause not in _OWN_FAULTS:
            return None
        carrier = self.carrier
        if carrier is None or carrier.up is False:
            return modem_fault(self.modem, self.terms) or LinkFault.NO_LINK
        if carrier.kind == "modem" and (fault := modem_fault(self.modem, self.terms)) is not None:
            return fault
        percent = self.plan_percent(today)
        if percent is not None and percent >= 100 and self.is_metered(carrier.name):
            return LinkFault.PLAN_USED_UP
        return _PROBED[self._probed.found] if self._probed is not None else None


def modem_fault(modem: ModemSeen | None, terms: LinkTerms) -> LinkFault | None:
    """What is wrong with the mobile connection, by the modem's own word; None: it says nothing."""
    if modem is None or modem.state in ("absent", "unknown"):
        return None
    if modem.fault is not None:
        return _MODEM_FAULTS[modem.fault]
    if modem.registration == "denied":
        return LinkFault.REGISTRATION_DENIED
    if modem.registration == "roaming" and not terms.roaming and modem.state != "connected":
        return LinkFault.ROAMING_BARRED
    return _MODEM_STATES.get(modem.state)


def _days_before(today: date, days: int) -> str:
    return date.fromordinal(today.toordinal() - days).isoformat()
