"""`station-agent --config FILE [--check]`: the daemon, or only a look at its configuration.

What it says of the configuration is in the language of `stationctl`: `--lang`, else the locale,
else Vietnamese. The log is in English.

Exit codes: 0 left on request, 70 gave up, 75 another agent runs here, 78 the configuration is
wrong (the service manager must not retry that).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.config import Config
    from agent.contract.reasons import Lang
    from agent.errors import Problem

DEFAULT_CONFIG = Path("/etc/commune-radio/station.toml")


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    asked = _arguments(given)
    # Imported late: `--help` and mistakes in the command line should not cost a second on a Pi.
    from agent.cli.arguments import language
    from agent.config import load
    from agent.errors import StartError

    lang = language(given, os.environ)
    if asked.check:
        from agent.cli.pipes import quietly

        return quietly(lambda: _check(asked.config, lang))
    _log_to_stderr()
    try:
        loaded = load(asked.config)
        from agent.app import run

        code = run(loaded)
    except StartError as error:
        sys.stderr.write(f"{error.said(lang)}\n")
        return error.exit_code
    logging.shutdown()
    # Not by way of the interpreter: it would wait for a thread that a dying disk holds up.
    sys.stdout.flush()
    os._exit(code)


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="station-agent", description="The daemon of a commune loudspeaker station."
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE")
    parser.add_argument(
        "--check",
        action="store_true",
        help="đọc cấu hình, nói mọi lỗi · read the configuration, say all that is wrong, leave",
    )
    parser.add_argument("--lang", choices=("vi", "en"), help="ngôn ngữ · language")
    return parser.parse_args(given)


def _check(file: Path, lang: Lang) -> int:
    """All that is wrong, each with its place and its remedy; nothing is begun."""
    from agent.config import load
    from agent.config_texts import words
    from agent.errors import ConfigError

    try:
        loaded = load(file)
    except ConfigError as error:
        sys.stderr.write(f"{error.said(lang)}\n")
        count = words("check-bad", count=len(error.problems)).text(lang)
        sys.stderr.write(f"{file}: {count}\n")
        return error.exit_code
    warning = words("check-warning").text(lang)
    for one in (*loaded.warnings, *_absent_devices(loaded.config)):
        sys.stdout.write(f"{file}: {warning}: {one.said(lang)}\n")
    good = words("check-good", station=loaded.site.station).text(lang)
    sys.stdout.write(f"{file}: {good}\n")
    return 0


def _absent_devices(config: Config) -> Iterable[Problem]:
    """Of the devices that it names; a broken one may keep us some seconds, no longer."""
    from agent.cli.devices import real_devices
    from agent.config_sound import absent_devices
    from agent.devices_named import wanted

    inputs = ((one.name, one.device, one.channel) for one in config.input)
    named = wanted(config.sound.device, config.sound.buses, inputs)
    if not named:
        return ()
    listed = real_devices()
    return absent_devices(named, listed.devices, listed.why)


class _Lines(logging.Formatter):
    """`<4>event key=value` for the service manager, with the time for a person."""

    LEVELS = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))

    def __init__(self, *, for_manager: bool) -> None:
        super().__init__("%(message)s" if for_manager else "%(asctime)s %(levelname)s %(message)s")
        self._for_manager = for_manager

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self._for_manager:
            return text
        level = next(number for least, number in self.LEVELS if record.levelno >= least)
        return "\n".join(f"<{level}>{line}" for line in text.splitlines())


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(for_manager="JOURNAL_STREAM" in os.environ))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for noisy in ("urllib3", "paho", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
