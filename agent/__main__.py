"""`station-agent --config FILE [--check]`: the daemon, or only a look at its configuration.

Exit codes: 0 left on request, 70 gave up, 75 another agent runs here, 78 the configuration is
wrong (the service manager must not retry that).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

DEFAULT_CONFIG = Path("/etc/commune-radio/station.toml")


def main(arguments: list[str] | None = None) -> int:
    asked = _arguments(arguments)
    _log_to_stderr()
    # Imported late: `--help` and mistakes in the command line should not cost a second on a Pi.
    from agent.config import load
    from agent.errors import StartError

    try:
        loaded = load(asked.config)
        if asked.check:
            return _report(asked.config, loaded.warnings, loaded.site.station)
        from agent.app import run

        code = run(loaded)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    logging.shutdown()
    # Not by way of the interpreter: it would wait for a thread that a dying disk holds up.
    sys.stdout.flush()
    os._exit(code)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="station-agent", description="The daemon of a commune loudspeaker station."
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE")
    parser.add_argument(
        "--check", action="store_true", help="read the configuration, say what is wrong, leave"
    )
    return parser.parse_args(arguments)


def _report(file: Path, warnings: tuple[object, ...], station: str) -> int:
    for warning in warnings:
        sys.stdout.write(f"{file}: warning: {warning}\n")
    sys.stdout.write(f"{file}: describes station {station}\n")
    return 0


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
