"""What surrounds a station, as its people and its source system learn of it: link, data, power."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from agent.contract.details import Details
from agent.contract.documents import AckAlarm
from agent.contract.reasons import AckReason, AlarmCode, LinkFault
from agent.contract.reports import AlarmEvent, Event, Health
from agent.core import requests as asked
from agent.core.data_use import MIB
from agent.core.effects import Append, Probe, Publish
from agent.core.events import (
    ControllerSeen,
    HostSeen,
    InterfaceSeen,
    ModemSeen,
    NetworkSeen,
    PlaceSeen,
    Probed,
)
from agent.core.site import LinkTerms
from tests.scenario.village import Village, entry

TERMS = LinkTerms(
    data_plan_mib=1_000, sim_expires="2026-03-10", probe_url="http://probe.example/204"
)
CONNECTED = ModemSeen(
    "connected",
    registration="home",
    technology="4g",
    operator="Viettel",
    rsrp_dbm=-97,
    iccid="8984041234567890123",
    interfaces=("wwan0",),
)
BOX = HostSeen(
    5_100, 8_000, 300, mains=True, undervoltage=False, battery_percent=95, boot_id="run-1"
)


class Box:
    """A village whose box has a modem, mains and a battery."""

    def __init__(self, terms: LinkTerms = TERMS) -> None:
        self.village = Village(switched_on=False)
        self.village.box.site = replace(self.village.box.site, link=terms)
        self.village.box.power_on()
        self.village.wait(10)
        self.host = BOX
        self.modem: ModemSeen | None = CONNECTED
        self.received = 0
        self.default = True
        self.look()
        self.village.wait(30)

    def look(self, **host: Any) -> None:
        """What the adapters see now."""
        uptime_s = self.village.box.now().mono_ms // 1_000
        self.host = replace(self.host, uptime_s=uptime_s, **host)
        wwan = InterfaceSeen("wwan0", "modem", True, self.default, self.received, 0, "run-1/3")
        self.tell(self.host)
        self.tell(NetworkSeen((wwan,), self.modem))

    def tell(self, event: Any) -> None:
        self.village.box.tell(event)

    def minutes(self, count: int, **host: Any) -> None:
        """As the adapters do: a look a minute."""
        for _ in range(count):
            self.look(**host)
            self.village.wait(60)

    # --- what was said ------------------------------------------------------------------

    def acts(self, kind: type) -> list[Any]:
        kept = self.village.trace.kept
        return [
            do.act
            for *_, batch in kept
            if batch is not None
            for do in batch.acts
            if isinstance(do.act, kind)
        ]

    def published(self, leaf: str, kind: Any) -> list[Any]:
        return [
            msgspec.json.decode(act.payload, type=kind)
            for act in self.acts(Publish)
            if act.topic.endswith(f"up/{leaf}")
        ]

    @property
    def details(self) -> list[Details]:
        return self.published("details", Details)

    @property
    def hearts(self) -> list[Health]:
        return self.published("health", Health)

    def alarms(self, code: AlarmCode) -> list[tuple[str, int, str]]:
        records = (
            msgspec.json.decode(save.body, type=Event).body
            for *_, batch in self.village.trace.kept
            if batch is not None
            for save in batch.saves
            if isinstance(save, Append)
        )
        return [
            (one.state, one.episode, one.by)
            for one in records
            if isinstance(one, AlarmEvent) and one.code is code
        ]

    def status(self) -> asked.StatusView:
        view = self.village.ask(asked.StatusRequest())
        assert isinstance(view, asked.StatusView)
        return view


# --- details ------------------------------------------------------------------------------------


def test_the_first_picture_waits_for_the_first_look_and_says_what_is_known() -> None:
    box = Box()
    assert len(box.details) == 1
    seen = box.details[0]
    assert seen.link.modem is not None
    assert (seen.link.kind, seen.link.modem.operator, seen.link.modem.rsrp_dbm) == (
        "modem",
        "Viettel",
        -97,
    )
    assert (seen.power.mains, seen.power.battery_percent, seen.box.boots) == (True, 95, 1)
    assert (seen.data.plan_mib, seen.data.month_from) == (1_000, "2026-03-01")
    assert [zone.name for zone in seen.zones] == ["dong", "trung", "doai"]
    assert seen.place is None


def test_a_box_that_nobody_can_look_at_tells_unknown_and_not_zero() -> None:
    village = Village()
    village.wait(120)
    told = [
        msgspec.json.decode(do.act.payload, type=Details)
        for *_, batch in village.trace.kept
        if batch is not None
        for do in batch.acts
        if isinstance(do.act, Publish) and do.act.topic.endswith("up/details")
    ]
    assert told
    assert (told[0].link.kind, told[0].link.modem) == ("", None)
    assert (told[0].power.battery_percent, told[0].data.month_bytes) == (None, None)


def test_jitter_sends_one_picture_and_a_real_change_the_second() -> None:
    box = Box()
    for minute in range(50):
        box.modem = replace(CONNECTED, rsrp_dbm=-97 + minute % 5)
        box.received += 50_000
        box.minutes(1, temperature_cdeg=5_100 + minute * 10)
    assert len(box.details) == 1
    box.modem = replace(CONNECTED, technology="3g")
    box.minutes(1)
    assert len(box.details) == 2


def test_what_plays_is_in_the_heartbeat_at_once_and_sends_no_picture() -> None:
    box = Box()
    box.village.publish("tin", 60)
    box.village.timetable(entry("tin", "04:40"))
    pictures = len(box.details)
    box.village.until("04:40:10")
    playing = box.hearts[-1].pl
    box.village.until("04:41:30")
    assert (playing, box.hearts[-1].pl) == ("tin@0", None)
    assert len(box.details) == pictures


def test_lost_mains_are_in_the_heartbeat_within_seconds() -> None:
    box = Box()
    before = box.hearts[-1].mn
    box.look(mains=False)
    box.village.wait(6)
    assert (before, box.hearts[-1].mn) == (True, False)


def test_a_position_from_the_satellites_stands_before_a_fixed_one() -> None:
    box = Box()
    box.tell(PlaceSeen(21_853_421, 106_761_000))
    box.minutes(2)
    place = box.details[-1].place
    assert place is not None
    assert (place.latitude_udeg, place.source) == (21_853_421, "gps")


# --- data ---------------------------------------------------------------------------------------


def test_data_is_counted_over_a_power_cut_and_told_by_tenths_of_the_plan() -> None:
    box = Box()
    box.received = 150 * MIB
    box.minutes(12)
    box.village.power_cut(30)
    box.village.wait(60)
    box.received = 20 * MIB
    interface = InterfaceSeen("wwan0", "modem", True, True, box.received, 0, "run-2/3")
    box.tell(replace(box.host, boot_id="run-2"))
    box.tell(NetworkSeen((interface,), CONNECTED))
    box.village.wait(60)
    status = box.status()
    assert status.details is not None
    assert status.details.data.month_bytes == 170 * MIB
    assert status.details.box.boots == 2
    box.village.wait(300)
    assert box.hearts[-1].dm == 170


def test_a_plan_month_ends_at_local_midnight_and_the_new_one_begins_at_zero() -> None:
    box = Box(replace(TERMS, data_plan_day=3))
    box.received = 50 * MIB
    box.minutes(1)
    begun = box.status().details
    assert begun is not None
    assert (begun.data.month_from, begun.data.month_bytes) == ("2026-02-03", 50 * MIB)
    box.village.until("23:59:00")
    box.look()
    last = box.status().details
    assert last is not None
    assert (last.data.month_bytes, last.data.today_bytes) == (50 * MIB, 50 * MIB)
    box.village.wait(120)
    box.received += 7 * MIB
    box.look()
    new = box.status().details
    assert new is not None
    assert (new.data.month_from, new.data.month_bytes) == ("2026-03-03", 7 * MIB)
    assert new.data.today_bytes == 7 * MIB


def test_a_clock_that_is_not_trusted_dates_no_bytes_until_it_is() -> None:
    box = Box()
    box.village.set_clock(-40 * 365 * 86_400, trusted=False)
    box.received = 30 * MIB
    box.look()
    unsure = box.status().details
    assert unsure is not None
    assert (unsure.data.month_bytes, unsure.data.month_from) == (None, "")
    box.village.set_clock(40 * 365 * 86_400)
    box.look()
    sure = box.status().details
    assert sure is not None
    assert (sure.data.month_bytes, sure.data.month_from) == (30 * MIB, "2026-03-01")


def test_a_plan_that_runs_dry_is_told_beforehand_and_then() -> None:
    box = Box()
    box.received = 820 * MIB
    box.minutes(2)
    assert box.alarms(AlarmCode.DATA_PLAN_LOW) == [("raised", 1, "")]
    box.received = 1_050 * MIB
    box.minutes(3)
    assert box.alarms(AlarmCode.DATA_PLAN_USED_UP) == [("raised", 1, "")]
    assert box.alarms(AlarmCode.DATA_PLAN_LOW)[-1] == ("cleared", 1, "")


def test_a_sim_that_expires_soon_is_told_a_fortnight_before() -> None:
    assert Box().alarms(AlarmCode.SIM_EXPIRES) == [("raised", 1, "")]
    later = Box(replace(TERMS, sim_expires="2026-03-17"))
    assert later.alarms(AlarmCode.SIM_EXPIRES) == []
    never = Box(replace(TERMS, sim_expires=""))
    assert never.alarms(AlarmCode.SIM_EXPIRES) == []


# --- why it is away -----------------------------------------------------------------------------


def test_why_the_source_system_is_away_is_found_out_and_told_in_the_alarm() -> None:
    box = Box()
    box.village.box.cut_link()
    box.village.wait(900)
    assert box.acts(Probe) != []
    assert box.status().link_fault is None
    box.tell(Probed("open"))
    box.village.wait(1)
    status = box.status()
    assert status.link_fault is LinkFault.SOURCE_DOWN
    (alarm,) = [one for one in status.alarms if one.code == AlarmCode.SOURCE_UNREACHABLE]
    assert alarm.detail == LinkFault.SOURCE_DOWN
    box.modem, box.default = replace(CONNECTED, state="searching"), False
    box.minutes(1)
    assert box.status().link_fault is LinkFault.NO_SIGNAL


def test_no_signal_is_an_alarm_of_its_own_once_it_lasts() -> None:
    box = Box()
    box.modem = replace(CONNECTED, state="searching")
    box.minutes(1)
    assert box.alarms(AlarmCode.NO_SIGNAL) == []
    box.minutes(2)
    assert box.alarms(AlarmCode.NO_SIGNAL) == [("raised", 1, "")]
    box.modem = CONNECTED
    box.minutes(2)
    assert box.alarms(AlarmCode.NO_SIGNAL)[-1][0] == "cleared"


def test_roaming_that_nobody_allowed_is_an_alarm_and_a_fault_of_the_doctor() -> None:
    box = Box()
    box.modem = replace(CONNECTED, registration="roaming")
    box.minutes(2)
    assert box.alarms(AlarmCode.ROAMING) == [("raised", 1, "")]
    view = box.village.ask(asked.DoctorRequest())
    assert {one.name: one.verdict for one in view.checks}["link"] == "fault"


# --- power and heat -----------------------------------------------------------------------------


def test_mains_that_flicker_for_a_moment_are_no_alarm() -> None:
    box = Box()
    box.look(mains=False)
    box.village.wait(3)
    box.look(mains=True)
    box.village.wait(30)
    assert box.alarms(AlarmCode.MAINS_LOST) == []


def test_mains_of_an_amplifier_are_an_alarm_about_that_amplifier() -> None:
    box = Box()
    box.tell(ControllerSeen("c1", "ready", mains=False))
    box.village.wait(10)
    assert box.alarms(AlarmCode.MAINS_LOST) == [("raised", 1, "")]
    (alarm,) = [one for one in box.status().alarms if one.code == AlarmCode.MAINS_LOST]
    assert alarm.subject == "c1"


def test_undervoltage_is_remembered_for_the_run_of_the_box() -> None:
    box = Box()
    box.look(undervoltage=True)
    box.village.wait(2)
    assert box.alarms(AlarmCode.SUPPLY_LOW) == [("raised", 1, "")]
    box.minutes(12, undervoltage=False)
    assert box.alarms(AlarmCode.SUPPLY_LOW)[-1][0] == "cleared"
    assert box.details[-1].power.undervoltage_seen is True
    box.village.kill(5)
    box.village.wait(30)
    box.look()
    status = box.status()
    assert status.details is not None
    assert status.details.power.undervoltage_seen is True
    box.minutes(1, boot_id="run-2", undervoltage=False)
    status = box.status()
    assert status.details is not None
    assert status.details.power.undervoltage_seen is False


def test_heat_that_wavers_around_its_limit_is_one_alarm() -> None:
    box = Box()
    for number in range(20):
        box.minutes(1, temperature_cdeg=8_050 if number % 2 else 7_700)
    assert box.alarms(AlarmCode.OVERHEATING) == []
    box.minutes(3, temperature_cdeg=8_050)
    for number in range(20):
        box.minutes(1, temperature_cdeg=8_050 if number % 2 else 7_700)
    assert box.alarms(AlarmCode.OVERHEATING) == [("raised", 1, "")]
    box.minutes(3, temperature_cdeg=7_000)
    assert box.alarms(AlarmCode.OVERHEATING)[-1] == ("cleared", 1, "")


def test_a_battery_is_low_only_while_it_is_needed() -> None:
    box = Box()
    box.minutes(3, battery_percent=20)
    assert box.alarms(AlarmCode.BATTERY_LOW) == []
    box.minutes(3, mains=False)
    assert box.alarms(AlarmCode.BATTERY_LOW) == [("raised", 1, "")]


def test_a_worn_storage_is_told() -> None:
    box = Box()
    box.minutes(1, storage_worn_percent=70)
    assert box.alarms(AlarmCode.STORAGE_WORN) == []
    box.minutes(1, storage_worn_percent=80)
    assert box.alarms(AlarmCode.STORAGE_WORN) == [("raised", 1, "")]


# --- taking note --------------------------------------------------------------------------------


def lost_mains(box: Box) -> asked.AlarmView:
    box.look(mains=False)
    box.village.wait(10)
    (alarm,) = [one for one in box.status().alarms if one.code == AlarmCode.MAINS_LOST]
    return alarm


def test_somebody_takes_note_and_it_is_known_who_and_when() -> None:
    box = Box()
    alarm = lost_mains(box)
    assert not alarm.acked_by
    done = box.village.ask(asked.AckAlarmRequest(alarm.code, alarm.subject, alarm.episode))
    assert isinstance(done, asked.Done)
    (noted,) = [one for one in box.status().alarms if one.code == AlarmCode.MAINS_LOST]
    assert noted.acked_by == "cán bộ"
    assert noted.acked_ms is not None
    assert box.alarms(AlarmCode.MAINS_LOST)[-1] == ("acknowledged", 1, "cán bộ")


def test_a_note_of_an_old_episode_does_not_silence_a_new_one() -> None:
    box = Box()
    first = lost_mains(box)
    box.village.ask(asked.AckAlarmRequest(first.code, first.subject, first.episode))
    box.look(mains=True)
    box.village.wait(30)
    late = box.village.ask(asked.AckAlarmRequest(first.code, first.subject, first.episode))
    assert late.code == AckReason.NO_SUCH_ALARM
    second = lost_mains(box)
    assert second.episode == first.episode + 1
    assert not second.acked_by
    stale = box.village.ask(asked.AckAlarmRequest(first.code, first.subject, first.episode))
    assert stale.code == AckReason.OTHER_EPISODE
    (still,) = [one for one in box.status().alarms if one.code == AlarmCode.MAINS_LOST]
    assert not still.acked_by


def test_a_note_survives_a_restart_and_the_second_changes_nothing() -> None:
    box = Box()
    alarm = lost_mains(box)
    box.village.ask(asked.AckAlarmRequest(alarm.code, alarm.subject, alarm.episode))
    box.village.kill(3)
    box.village.wait(9)
    box.look(mains=False)
    box.village.wait(20)
    done = box.village.command(AckAlarm(code=AlarmCode.MAINS_LOST, subject="", episode=1))
    assert (done.state, done.detail) == ("done", "mains_lost: cán bộ")
    assert [one[0] for one in box.alarms(AlarmCode.MAINS_LOST)] == ["raised", "acknowledged"]


def test_a_command_from_above_takes_note_in_the_name_of_its_sender() -> None:
    box = Box()
    lost_mains(box)
    done = box.village.command(AckAlarm(code=AlarmCode.MAINS_LOST, episode=1))
    assert done.state == "done"
    state, episode, by = box.alarms(AlarmCode.MAINS_LOST)[-1]
    assert (state, episode) == ("acknowledged", 1)
    assert by
    wrong = box.village.command(AckAlarm(code=AlarmCode.NO_SOUND, episode=7))
    assert (wrong.state, wrong.reason) == ("failed", AckReason.NO_SUCH_ALARM)
