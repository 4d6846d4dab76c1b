"""A card without a sound server: an ALSA device that the machine's clock empties.

Owns building it (`paced_card.c`, some hundred lines, with the compiler that PyAudio needed), the
ALSA configuration through which PortAudio finds it, and what it played: which frame left at which
instant, exactly. PortAudio drives it as it drives the driver of a USB card, wake-up by wake-up;
what a bus and a converter add is not in it, nor is a crystal of its own.

Invariants: leaves no process and no file behind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from simulator.soundcard.card import RATE_HZ, SoundCardError

SOURCE = Path(__file__).with_name("paced_card.c")
_NS = 1_000_000_000


class PacedCard:
    """`with PacedCard("the-kham", buses=1) as card:`; one opening of it at a time is recorded."""

    def __init__(self, name: str, buses: int) -> None:
        if not name.replace("-", "").isalnum() or not 1 <= buses <= 8:
            raise SoundCardError(f"card {name!r} with {buses} buses: bad name or number")
        self.name = name
        self.buses = buses
        self._dir: Path | None = None

    def __enter__(self) -> PacedCard:
        self._dir = Path(tempfile.mkdtemp(prefix="crs-"))
        try:
            self._build()
        except BaseException:
            shutil.rmtree(self._dir, ignore_errors=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        shutil.rmtree(self._directory(), ignore_errors=True)

    @staticmethod
    def missing() -> str:
        """What it takes and is not here; empty when all is."""
        if shutil.which("gcc") is None:
            return "gcc"
        return "" if Path("/usr/include/alsa/asoundlib.h").exists() else "libasound2-dev"

    def env(self) -> dict[str, str]:
        """A child's environment in which PortAudio sees this device and no other."""
        return dict(os.environ, ALSA_CONFIG_PATH=str(self._directory() / "asound.conf"))

    # --- what it played ----------------------------------------------------------------------

    def samples(self, bus: int) -> NDArray[np.float32]:
        """All it was given since it was opened, full scale 1.0."""
        raw = (self._directory() / "sound").read_bytes()
        whole = len(raw) // (2 * self.buses) * self.buses
        block = np.frombuffer(raw, "<i2", whole).reshape(-1, self.buses)
        return np.asarray(block[:, bus], np.float32) / np.float32(32768.0)

    def starts(self) -> list[tuple[int, int]]:
        """(frame, CLOCK_MONOTONIC ns) where it began, and again wherever it had run dry."""
        lines = (self._directory() / "starts").read_text("ascii").splitlines()
        return [(int(frame), int(ns)) for frame, ns in (line.split() for line in lines)]

    def mono_ns_of(self, frame: int) -> int:
        """When a frame left."""
        first, began_ns = next(one for one in reversed(self.starts()) if one[0] <= frame)
        return began_ns + (frame - first) * _NS // RATE_HZ

    # --- building it -------------------------------------------------------------------------

    def _build(self) -> None:
        library = self._directory() / "paced.so"
        command = ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-DPIC", "-D_GNU_SOURCE"]
        built = subprocess.run(
            [*command, "-o", str(library), str(SOURCE), "-lasound"],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if built.returncode:
            raise SoundCardError(f"{SOURCE.name} does not compile: {built.stderr[-500:]}")
        (self._directory() / "asound.conf").write_text(self._alsa_config(), encoding="ascii")

    def _alsa_config(self) -> str:
        folder = self._directory()
        device = f'type paced sound "{folder / "sound"}" starts "{folder / "starts"}"'
        return (
            f'pcm_type.paced {{ lib "{folder / "paced.so"}" }}\n'
            f"pcm.{self.name} {{ {device} }}\n"
            'pcm.!default { type paced sound "/dev/null" starts "/dev/null" }\n'
        )

    def _directory(self) -> Path:
        if self._dir is None:
            raise SoundCardError("the card is closed")
        return self._dir
