"""The doctor's checks that need no agent: configuration, clock, storage. The rest is unknown.

Reads files and the disk's free space, changes nothing. Readings come in as arguments.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.cli.client import DEFAULT_GROUP
from agent.cli.texts import Lang, say
from agent.cli.wording import day, local, size
from agent.core.requests import CHECKS, Check, DoctorView, Verdict

LANGS: tuple[Lang, Lang] = ("vi", "en")
DEFAULT_STATE_DIR = Path("/var/lib/commune-radio")
STORAGE_LOW_MIB = 500
_BUILT_YEAR = 2024
"""No clock that is right shows an earlier year than the software was written in."""


class ConfigLoader(Protocol):
    """Reads and checks the configuration. Raises with a text that says where and what."""

    def __call__(self, file: Path) -> object: ...


@dataclass(frozen=True, slots=True)
class LocalReadings:
    """What can be seen of the box without the agent. free_mib None: not measured."""

    at_ms: int
    free_mib: int | None
    tz: str = "Asia/Ho_Chi_Minh"


def real_config_loader(file: Path) -> object:
    from agent.config import load

    return load(file)


def read_wall_ms() -> int:
    """What the box's clock shows, right or wrong."""
    from agent.adapters.clock import Clock, always

    return Clock(vouching=always).read().now.wall_ms


def read_free_mib(state_dir: Path = DEFAULT_STATE_DIR) -> int | None:
    try:
        return shutil.disk_usage(state_dir).free // (1024 * 1024)
    except OSError:
        return None


def offline_checks(config: Path, load: ConfigLoader, readings: LocalReadings) -> DoctorView:
    """Every check: three made here, the others honestly unknown."""
    made: dict[str, Callable[[], Check]] = {
        "config": lambda: check_config(config, load),
        "clock": lambda: _clock(readings),
        "storage": lambda: _storage(readings),
    }
    return DoctorView(
        readings.at_ms,
        tuple(
            made[name]() if name in made else _check(name, "unknown", "offline-unknown")
            for name in CHECKS
        ),
    )


def check_config(file: Path, load: ConfigLoader) -> Check:
    """Whether the agent could start with this file; the first problem when it could not."""
    try:
        if not file.is_file():
            return _check(
                "config",
                "fault",
                "offline-config-missing",
                "offline-config-missing-next",
                path=file,
            )
        with file.open("rb"):
            pass
    except PermissionError:
        return _check(
            "config",
            "unknown",
            "offline-config-denied",
            "denied-next",
            path=file,
            group=DEFAULT_GROUP,
        )
    try:
        load(file)
    except ImportError as error:
        return _check(
            "config",
            "unknown",
            "offline-config-checker",
            "offline-config-checker-next",
            problem=error,
        )
    except Exception as error:  # noqa: BLE001 - whatever the reader finds is the finding
        detail = [
            say(lang, "offline-config-wrong", path=file, problem=_first_problem(error, lang))
            for lang in LANGS
        ]
        return Check(
            "config", "fault", (detail[0], detail[1]), _both("offline-config-wrong-next", path=file)
        )
    return _check("config", "ok", "offline-config-good", path=file)


def _first_problem(error: Exception, lang: Lang) -> str:
    """The first of the problems that a ConfigError lists, and how many there are."""
    problems = getattr(error, "problems", ())
    if not problems:
        return str(error) or type(error).__name__
    more = f" (+{len(problems) - 1})" if len(problems) > 1 else ""
    return f"{problems[0].said(lang)}{more}"


def _clock(readings: LocalReadings) -> Check:
    if local(readings.at_ms, readings.tz).year >= _BUILT_YEAR:
        return _check("clock", "unknown", "offline-unknown")
    date = f"{day(readings.at_ms, readings.tz, 'en')[4:]}/{local(readings.at_ms, readings.tz).year}"
    return _check("clock", "fault", "offline-clock-wrong", "offline-clock-wrong-next", date=date)


def _storage(readings: LocalReadings) -> Check:
    if readings.free_mib is None:
        return _check("storage", "unknown", "not-measured")
    low = readings.free_mib < STORAGE_LOW_MIB
    sizes = (size(readings.free_mib, "vi"), size(readings.free_mib, "en"))
    detail = "offline-storage-low" if low else "offline-storage-good"
    return Check(
        "storage",
        "warning" if low else "ok",
        (say("vi", detail, size=sizes[0]), say("en", detail, size=sizes[1])),
        _both("offline-storage-low-next") if low else ("", ""),
    )


def _check(name: str, verdict: Verdict, detail: str, step: str = "", **values: object) -> Check:
    return Check(name, verdict, _both(detail, **values), _both(step, **values))


def _both(key: str, **values: object) -> tuple[str, str]:
    return (say("vi", key, **values), say("en", key, **values)) if key else ("", "")
