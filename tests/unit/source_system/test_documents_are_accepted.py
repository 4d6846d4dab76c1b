"""What a district signs is judged by a station's own judgement, not by a copy of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.contract import documents
from agent.contract.documents import (
    Entry,
    FileSource,
    Key,
    SetVolume,
    Signed,
    When,
    ZoneSelector,
)
from agent.contract.reasons import AckReason
from agent.contract.topics import Down
from agent.core.trust import Accepted, RootKeys, TrustView, Verdict, judge
from simulator.source_system import compose, warning_templates
from simulator.source_system.home import Authority, Station, Zone
from simulator.source_system.keyring import (
    ROOT_THRESHOLD,
    Keyring,
    SecondHolder,
    SigningKey,
    create_keyring,
    read_key,
    sealed,
    verify_signature,
)

NOW_MS = 1_795_000_000_000
ALL = ZoneSelector(all=True)
RECORDING = documents.WarningFile(slot="coi-hu", sha256="ab" * 32, duration_ms=5_000)
STATION = Station(
    id="tan-lien",
    name="Xã Tân Liên",
    groups=("tat-ca", "ha-luu"),
    zone=(Zone(name="thôn Đông", tags=("ha-luu",)), Zone(name="thôn Đoài")),
)


class District:
    """Keys in a folder and the view of one enrolled station."""

    def __init__(self, folder: Path) -> None:
        (folder / "home").mkdir()
        self.second = folder / "usb"
        self.keyring: Keyring = create_keyring(
            folder / "home" / "keys",
            holder="A",
            second=SecondHolder("B", self.second),
            now_ms=NOW_MS,
        )
        authority = Authority(id="huyen", name="Huyện", rank=20)
        self.public = compose.PublicAuthority(authority=authority, keys=self.keyring.keys)
        self.trust = compose.trust(self.public, (), STATION, 1, NOW_MS)

    def judge(
        self, document: Signed, kind: str, *signers: str, audience: str = "s/tan-lien"
    ) -> Verdict:
        keys = [self._key(name) for name in signers]
        body = compose.encode(document)
        roots = {
            key.keyid: Key(public=key.public, holder=key.holder, not_after_ms=key.not_after_ms)
            for key in self.keyring.of_role("root")
        }
        view = TrustView(
            "tan-lien",
            RootKeys(roots, ROOT_THRESHOLD),
            None if kind == "trust" else self.trust,
            frozenset(STATION.zone_names),
        )
        return judge(
            sealed(body, keys),
            topic=Down(audience, kind),
            retained=False,
            view=view,
            held={},
            now_ms=NOW_MS,
            floor_ms=0,
            verify=verify_signature,
            zones=ZoneInfo,
        )

    def _key(self, name: str) -> SigningKey:
        here = self.keyring.folder / f"{name}.key"
        return read_key(here if here.exists() else self.second / f"{name}.key")


@pytest.fixture
def district(tmp_path: Path) -> District:
    return District(tmp_path)


FILLED = {
    name: warning_templates.fill(
        name,
        {
            slot: value
            for slot, value in {"place": "Núi Cốc", "time": "17:30", "level": "3"}.items()
            if f"{{{slot}}}" in one.vi
        },
    )
    for name, one in warning_templates.TEMPLATES.items()
}


def warning(
    template: str | None, *, cancelled: bool = False, text: str = "Nước lên", **more: Any
) -> documents.Warning:
    return documents.Warning(
        id="kc-1",
        revision=1,
        issued_at_ms=NOW_MS,
        valid_until_ms=NOW_MS + 3_600_000,
        title="Lũ",
        zones=ALL,
        texts={"vi": text},
        template=template,
        cancelled=cancelled,
        repeat_every_ms=300_000,
        **more,
    )


def test_the_trust_document_is_accepted_with_the_keys_of_the_bundle(district: District) -> None:
    assert isinstance(district.judge(district.trust, "trust", "root-1"), Accepted)
    assert isinstance(district.judge(district.trust, "trust", "root-2"), Accepted)


def test_a_timetable_with_settings_is_accepted_at_the_station(district: District) -> None:
    entry = Entry(
        id="a",
        title="A",
        when=When(start="2026-12-01T05:00:00", rrule="FREQ=DAILY"),
        sources=(FileSource(slot="a", dated=True),),
        zones=ZoneSelector(names=("thôn Đông",)),
    )
    document = compose.schedule(
        "huyen",
        "s/tan-lien",
        [entry],
        revision=1,
        made_from=0,
        now_ms=NOW_MS,
        settings=compose.settings_of(STATION),
    )
    assert document.requires == ("recurrence",)
    assert isinstance(district.judge(document, "schedule", "schedule"), Accepted)


def test_content_for_a_group_is_accepted_by_its_members(district: District) -> None:
    document = compose.content("huyen", "g/ha-luu", [], revision=1, made_from=0, now_ms=NOW_MS)
    verdict = district.judge(document, "content", "content", audience="g/ha-luu")
    assert isinstance(verdict, Accepted)


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        (warning(None), 2),
        (warning(None, cancelled=True), 1),
        (warning("xa-lu"), 2),
        (warning("xa-lu", text=FILLED["xa-lu"] + " Ra hết đường lớn."), 2),
        (warning("khac", text=FILLED["xa-lu"]), 2),
        (warning(None, text=FILLED["xa-lu"]), 2),
        (warning("xa-lu", text=FILLED["xa-lu"], files={"vi": RECORDING}), 2),
        *((warning(name, text=text), 1) for name, text in FILLED.items()),
    ],
)
def test_the_number_of_signatures_a_warning_gets_is_the_number_a_station_asks_for(
    district: District, said: documents.Warning, needed: int
) -> None:
    document = compose.warnings("huyen", "g/tat-ca", [said], revision=1, now_ms=NOW_MS)
    assert compose.signatures_needed(document) == needed
    alone = district.judge(document, "warning", "emergency-1", audience="g/tat-ca")
    both = district.judge(document, "warning", "emergency-1", "emergency-2", audience="g/tat-ca")
    assert isinstance(alone, Accepted) == (needed == 1)
    assert isinstance(both, Accepted)


def test_a_command_is_accepted_from_the_command_key_only(district: District) -> None:
    for action in (SetVolume(zones=ALL, volume=60), documents.TestTone(zones=ALL)):
        document = compose.command(
            "huyen", "s/tan-lien", action, command_id="c-1", seq=1, now_ms=NOW_MS
        )
        assert isinstance(district.judge(document, "cmd", "command"), Accepted)
        refused = district.judge(document, "cmd", "content")
        assert getattr(refused, "reason", None) == AckReason.NOT_ALLOWED


def test_another_authority_in_the_trust_document_ranks_but_is_not_home(
    district: District, tmp_path: Path
) -> None:
    (tmp_path / "tinh" / "home").mkdir(parents=True)
    province = create_keyring(
        tmp_path / "tinh" / "home" / "keys",
        holder="C",
        second=SecondHolder("D", tmp_path / "tinh" / "usb"),
        now_ms=NOW_MS,
    )
    other = compose.PublicAuthority(
        authority=Authority(id="tinh", name="Tỉnh", rank=10), keys=province.keys, groups=("tinh",)
    )
    trust = compose.trust(district.public, [other], STATION, 2, NOW_MS)
    assert isinstance(district.judge(trust, "trust", "root-1"), Accepted)
    assert [(one.id, one.rank, one.home) for one in trust.authorities] == [
        ("huyen", 20, True),
        ("tinh", 10, False),
    ]
    roots = {key.keyid for key in province.of_role("root")}
    assert roots.isdisjoint(trust.keys), "the province cannot replace this station's trust"
