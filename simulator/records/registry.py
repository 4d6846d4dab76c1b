"""The registry of the invented district: names over time, hamlets served or not, boards, assets.

Some communes were merged in the middle of the window, so that reports by old and by new units
differ. Written as an engineer's spreadsheet would save it.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from simulator.records.place import Station
from simulator.source_system.report.registry_file import (
    ASSETS,
    BOARDS,
    COLUMNS,
    HAMLETS,
    STATIONS,
)

OLD_AREA = ("Khu vực Một", "Khu vực Hai", "Khu vực Ba")
NEW_AREA = ("Khu vực Đông", "Khu vực Tây")
CONTROLLER = "ampli-1"


def write_registry(
    folder: Path, district: Sequence[Station], first: dt.date, merged: dt.date, rng: Random
) -> None:
    """merged: the first day of the new units."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / STATIONS, _stations(district, merged))
    _write(folder / HAMLETS, _hamlets(district, rng))
    _write(folder / BOARDS, _boards(district, rng))
    _write(folder / ASSETS, _assets(district, first, rng))


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([names[0] for names in COLUMNS[path.name].values()])
        writer.writerows(rows)


def _new_code(number: int) -> str:
    """Every fourth commune was merged with the one before it."""
    return f"1{6_100 + 3 * (number - (number % 4 == 1))}"


def _day(value: dt.date) -> str:
    return f"{value:%d/%m/%Y}"


def _stations(district: Sequence[Station], merged: dt.date) -> Iterable[Sequence[object]]:
    for number, one in enumerate(district):
        code = f"0{6_100 + 3 * number}"
        old, new = OLD_AREA[number % 3], NEW_AREA[number % 2]
        moves = number % 4 == 1
        name = f"{one.name} (cũ)" if moves else one.name
        yield (one.id, name, code, old, "mien-nui" if number % 3 else "", "", _day(merged))
        yield (
            one.id,
            one.name,
            _new_code(number),
            new,
            "mien-nui" if number % 3 else "",
            _day(merged),
            "",
        )


def _hamlets(district: Sequence[Station], rng: Random) -> Iterable[Sequence[object]]:
    for number, one in enumerate(district):
        code = _new_code(number)
        for place, zone in enumerate(one.zones):
            households = rng.randint(45, 260)
            yield (
                f"{one.id}-t{place + 1}", zone[0].upper() + zone[1:], code, households, "CNTT-VT",
                one.id, zone, "có" if rng.random() < 0.05 else "không", "", "", "",
            )  # fmt: skip
        for extra, (name, odds) in enumerate((("Thôn Khe Sâu", 0.5), ("Thôn Ngòi", 0.35))):
            if rng.random() < odds:
                way = rng.choice(("FM", "có dây", "chưa có", "chưa có"))
                yield (
                    f"{one.id}-x{extra + 1}", name, code, rng.randint(20, 90), way, "", "",
                    "có" if way == "chưa có" and rng.random() < 0.6 else "không", "", "", "",
                )  # fmt: skip


def _boards(district: Sequence[Station], rng: Random) -> Iterable[Sequence[object]]:
    for number, one in enumerate(district):
        if rng.random() < 0.4:
            code = _new_code(number)
            state = rng.choice(("có", "có", "không", ""))
            yield (f"bt-{number + 1:02}", f"Nhà văn hóa x{one.name[1:]}", code, state, "", "")


def _assets(district: Sequence[Station], first: dt.date, rng: Random) -> Iterable[Sequence[object]]:
    for number, one in enumerate(district):
        built = first - dt.timedelta(rng.randint(100, 3_600))
        serial = f"{rng.getrandbits(24):06X}"
        yield (f"TT-{serial}", "Bộ thu phát thanh", one.id, "", _day(built), 8, "", "", "")
        yield (
            f"AM-{number + 1:03}", "Ampli, bộ điều khiển", one.id, CONTROLLER, _day(built), 8,
            "", "", "",
        )  # fmt: skip
        for place, zone in enumerate(one.zones):
            yield (
                f"CL-{number + 1:03}-{place + 1}", "Cụm loa 2 × 30 W", one.id, zone,
                _day(built) if rng.random() > 0.04 else "", 5, "", "", "",
            )  # fmt: skip
