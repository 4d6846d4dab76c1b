"""`story.json`: what was meant to happen. Written by the story, read by the summary; typed here.

All paths are relative to the folder that holds `story.json`, all instants are epoch ms. Unknown
keys are errors: a check that is misspelt must not silently check nothing.

    {"v": 1, "tz": "Asia/Ho_Chi_Minh", "from_ms": …, "to_ms": …, "sabotage": null,
     "stations": {"tan-lien": {
        "name": "Đài xã Tân Liên",
        "sound": "tan-lien/sound.wav",                 default; sidecar sound.json beside it
        "amplifiers": {"ampli-1": "tan-lien/amplifier.jsonl"},
        "zones": [{"name": "Thôn Đông", "controller": "ampli-1", "index": 1,
                   "buses": [{"bus": 0, "source": 0}, {"bus": 1, "source": 1}]}]}},
     "programmes": {"ban-tin": "programmes/ban-tin.wav"},   before encoding, mono, 48 kHz
     "expected": [ one for each occurrence and station, see `Expected` ],
     "steps": [{"name": "in-step", "title_vi": …, "title_en": …, "from_ms": …, "to_ms": …,
                "check": {"kind": "in_step", …}}]}

The kinds of check are the `…Check` classes below.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

STORY = "story.json"


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class BusSource(_Strict, frozen=True):
    """Input `source` of the amplifier carries channel `bus` of the card."""

    bus: int
    source: int


class ZonePlan(_Strict, frozen=True):
    """index: the zone's number in the amplifier's log, counted from 1."""

    name: str
    controller: str
    index: int
    buses: tuple[BusSource, ...]


class StationPlan(_Strict, frozen=True):
    """sound: "" means `<station>/sound.wav`. amplifiers: controller → its log."""

    name: str
    zones: tuple[ZonePlan, ...]
    amplifiers: dict[str, str]
    sound: str = ""


class Expected(_Strict, frozen=True):
    """One occurrence at one station.

    entry/nominal: as in the as-run record (nominal None: whichever comes). programme None: sound
    without a reference (a warning's siren and speech). planned_start_ms is the first sample of
    the cue sheet; the programme's first sample follows `lead_ms` later, or after the chime
    `chime` (a key of `programmes`). length_ms: how much of the programme was meant to sound, when
    not all. timed: it was meant to start at its second, so its error counts.
    may_repeat_ms: how much may sound twice under its resume rule. kept_back: the reason for which
    it must not sound in these zones (`quiet`, `awaiting_approval`); "" for what is to be heard.
    """

    id: str
    station: str
    zones: tuple[str, ...]
    title: str
    klass: int = msgspec.field(name="class")
    planned_start_ms: int
    entry: str
    programme: str | None
    nominal: str | None = None
    chime: str | None = None
    lead_ms: float = 0
    length_ms: float | None = None
    timed: bool = True
    may_repeat_ms: float = 0
    kept_back: str = ""


class DocumentRef(_Strict, frozen=True):
    authority: str
    audience: str
    kind: str
    revision: int


class AppliedCheck(_Strict, frozen=True, tag="applied", tag_field="kind"):
    """Within the step, every station's receipt names each document at this revision or later."""

    stations: tuple[str, ...]
    documents: tuple[DocumentRef, ...]


class FetchedCheck(_Strict, frozen=True, tag="fetched", tag_field="kind"):
    """The last receipt of the step misses no file; its content is at `revision` or later."""

    stations: tuple[str, ...]
    revision: int = 1


class PlaysCheck(_Strict, frozen=True, tag="plays", tag_field="kind"):
    """Heard wholly, in every zone it is meant for (or in `zones`), and reported so."""

    expected: tuple[str, ...]
    zones: tuple[str, ...] = ()
    heard_share: float = 0.95


class InStepCheck(_Strict, frozen=True, tag="in_step", tag_field="kind"):
    """Plays without a gap, each at its second, and all stations together.

    interrupted: `station/zone` where something else breaks in on purpose, so that neither the
    share nor the gaps count there; its start does.
    """

    expected: tuple[str, ...]
    max_start_error_ms: float = 20
    max_spread_ms: float = 20
    heard_share: float = 0.95
    max_gap_ms: float = 500
    interrupted: tuple[str, ...] = ()


class PreemptsCheck(_Strict, frozen=True, tag="preempts", tag_field="kind"):
    """`by` breaks into `over` in the zones of `by`; elsewhere `over` goes on without a gap.

    resume: where `over` comes back in those zones: on its timeline, where it stopped, or never.
    """

    by: str
    over: str
    resume: Literal["rejoin", "continue", "drop"] = "rejoin"
    max_start_error_ms: float = 20
    max_position_error_ms: float = 50
    max_gap_elsewhere_ms: float = 200


class WarningCheck(_Strict, frozen=True, tag="warning", tag_field="kind"):
    """Warning `id` is heard in every zone soon after it was published and ends when cancelled.

    When it was published and cancelled is read from the traffic. tone_hz: frequencies of the
    siren; [] leaves the spectrum out. cancelled false: its end is another step's business.
    """

    stations: tuple[str, ...]
    id: str
    within_ms: float = 3_000
    tone_hz: tuple[int, ...] = ()
    cancelled: bool = True
    silent_within_ms: float = 3_000


class FromCacheCheck(_Strict, frozen=True, tag="from_cache", tag_field="kind"):
    """While nothing came from the station, it played: the cut was real and so was the sound."""

    station: str
    expected: tuple[str, ...]
    heard_share: float = 0.95


class LateWarningCheck(_Strict, frozen=True, tag="late_warning", tag_field="kind"):
    """A warning published while the station was cut off sounds once it is back, not before."""

    station: str
    id: str
    within_ms: float = 10_000
    tone_hz: tuple[int, ...] = ()


class ReportsOnceCheck(_Strict, frozen=True, tag="reports_once", tag_field="kind"):
    """One as-run record for each (expected, zone): none lost, none doubled, no gap in numbers.

    expected empty: all.
    """

    expected: tuple[str, ...] = ()
    stations: tuple[str, ...] = ()


class ContinuesCheck(_Strict, frozen=True, tag="continues", tag_field="kind"):
    """After a kill the item goes on: how long the gap was, and at which place it went on."""

    expected: str
    killed_at_ms: int
    max_gap_ms: float
    max_position_error_ms: float = 50
    resume: Literal["rejoin", "continue"] = "rejoin"


class LineOpenCheck(_Strict, frozen=True, tag="line_open", tag_field="kind"):
    """The alarm for the zone arrived and the record does not claim that it was heard there."""

    expected: str
    zone: str
    code: str = "zone_not_confirmed"


class ApprovedCheck(_Strict, frozen=True, tag="approved", tag_field="kind"):
    """Heard wholly, and every record names who let it play and how that person was made sure of.

    The station's audit record of the approval is older than the sound.
    """

    expected: str
    by: str
    means: Literal["pin", "key"] = "pin"


class KeptBackCheck(_Strict, frozen=True, tag="kept_back", tag_field="kind"):
    """`expected` does not sound, and its record says why; `elsewhere` is heard meanwhile.

    rule_says: what the record's text of the rule must contain.
    """

    expected: str
    elsewhere: tuple[str, ...] = ()
    rule_says: str = ""


class BreaksRuleCheck(_Strict, frozen=True, tag="breaks_rule", tag_field="kind"):
    """A warning sounds in a zone where `rule` is in force, and its record there says so."""

    expected: str
    id: str
    zone: str
    rule: str = "quiet"
    within_ms: float = 3_000
    tone_hz: tuple[int, ...] = ()


class ReportEqualsCheck(_Strict, frozen=True, tag="report_equals", tag_field="kind"):
    """The written report says what is counted from recordings, amplifier logs and traffic.

    folder: the report's CSV files. tolerance_ms: of seconds, for each play. may_miss_ms: by
    expected id, how much of each play the report need not know of (a killed station claims no
    more than it had written down). first_sound_ms: tolerance of a warning's time to sound.
    """

    folder: str
    tolerance_ms: float = 300
    may_miss_ms: dict[str, float] = {}
    first_sound_ms: float = 250


class HonestCheck(_Strict, frozen=True, tag="honest", tag_field="kind"):
    """What the as-run records say of each zone is what was heard there."""


class NothingElseCheck(_Strict, frozen=True, tag="nothing_else", tag_field="kind"):
    """No programme twice, none in a zone it was not meant for, none that nobody planned."""


SoundCheck = (
    PlaysCheck
    | InStepCheck
    | PreemptsCheck
    | WarningCheck
    | FromCacheCheck
    | LateWarningCheck
    | ContinuesCheck
)
StepCheck = (
    SoundCheck
    | AppliedCheck
    | FetchedCheck
    | ReportsOnceCheck
    | LineOpenCheck
    | ApprovedCheck
    | KeptBackCheck
    | BreaksRuleCheck
    | ReportEqualsCheck
    | HonestCheck
    | NothingElseCheck
)


class Step(_Strict, frozen=True):
    """A chapter of the story and how it is judged."""

    name: str
    title_vi: str
    title_en: str
    from_ms: int
    to_ms: int
    check: StepCheck


class Story(_Strict, frozen=True):
    v: Literal[1]
    from_ms: int
    to_ms: int
    stations: dict[str, StationPlan]
    programmes: dict[str, str]
    expected: tuple[Expected, ...]
    steps: tuple[Step, ...]
    tz: str = "Asia/Ho_Chi_Minh"
    sabotage: str | None = None

    def of(self, expected_id: str) -> Expected:
        """Raises KeyError for an id no step may name."""
        for one in self.expected:
            if one.id == expected_id:
                return one
        raise KeyError(expected_id)


def read_story(folder: Path) -> Story:
    """Raises msgspec.ValidationError with the path of what is wrong."""
    return msgspec.json.decode((folder / STORY).read_bytes(), type=Story)


def write_story(folder: Path, story: Story) -> None:
    text = msgspec.json.format(msgspec.json.encode(story), indent=1)
    (folder / STORY).write_bytes(text)
