"""The planner's rules walked second by second: slow, plain, and written without the planner.

Owns a second statement of the rules in `docs/decisions/0003-planner-rules.md`, for comparison
only. Shares with the product the input types (Item, Site) and nothing else: it counts positions
and pauses instead of computing them from instants, and tries every assignment of buses.

The rules, for every second of station time:

1. *May it sound, and from where?* Not begun: `join` sounds from as far in as it is late, while at
   least a second (or half, of an item shorter than two seconds) is left; `skip` likewise but at
   most 2 s late; `restart` sounds from the beginning when at most `grace` (at least 2 s) late. On
   air: from where it is, to its end. Off air: `drop` no more; `restart` from the beginning;
   `continue` from where it stopped, until two hours past the end it was heading for; `rejoin`
   from where it would be by now. Both need enough left, as above. What reached its end is over.
2. *In which zones?* Those it addresses and is not barred from at that second. A zone that lost it
   takes it again unless `drop`. A zone that never had it takes it within its first 2 s, or later
   when it may `join` late or is one to `restart` (a warning).
3. *Who is better?* Lower class, lower in the commune's order (of emergencies nobody orders any),
   lower rank, lower order, later start, lower id.
4. *Finishing.* An item that says `finish` and whose end is known holds off an item of equal
   class, rank and orders with the same or a later start, until `within` after that start. Where it
   was heard the second before, it moves up past each next better item that it holds off, until
   the first it does not. So in a zone; and for its buses with the zones that heard it, while its
   other zones keep its own place.
5. *Buses.* Every zone wants its first item. As many zones of the first demand get it as can be,
   then of the second, and so on. Between equal answers: as many buses as possible keep their
   item (if a zone that wants it can select them), few buses are used, zones get buses they name
   early, low bus numbers for the first demand.
6. *A zone hears* the first of its items that is on one of its buses: the bus it heard that item
   on if it may stay, else the one it names first. A bus that nobody hears is silent.

A step of the wall clock changes rule 1 for what has not begun and the instants in rule 4; nothing
else is told by the wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from agent.core.items import Item
from agent.core.site import Site

ON_TIME = 2
PATIENCE = 2 * 3600


@dataclass
class Life:
    """What became of an item so far. at: position in s; away: seconds since it left the air."""

    item: Item
    phase: str = "new"
    at: int = 0
    away: int = 0
    had: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    @property
    def length(self) -> int:
        return self.item.play_ms // 1000

    def enough_left(self, position: int) -> bool:
        left = self.length - position
        return left > 0 and left * 1000 >= min(1000, (self.item.play_ms + 1) // 2)

    def position(self, wall: int) -> int | None:
        """Rule 1."""
        item = self.item
        if self.phase == "over" or self.length == 0:
            return None
        if self.phase == "on":
            return self.at
        if self.phase == "off":
            return self._again()
        late = wall - item.start_ms // 1000
        if late < 0:
            return None
        if item.late == "restart":
            return 0 if late <= max(ON_TIME, item.grace_ms // 1000) else None
        if item.late == "skip" and late > ON_TIME:
            return None
        return late if self.enough_left(late) else None

    def _again(self) -> int | None:
        how = self.item.resume
        if how == "restart":
            return 0
        if how == "continue":
            waits = self.at + self.away <= self.length + PATIENCE
            return self.at if waits and self.enough_left(self.at) else None
        if how == "rejoin":
            there = self.at + self.away
            return there if self.enough_left(there) else None
        return None

    def welcome(self, zone: str, position: int, wall: int) -> bool:
        """Rule 2."""
        if zone not in self.item.zones:
            return False
        for bar in self.item.bars:
            if bar.zone == zone and bar.from_ms <= wall * 1000 < bar.to_ms:
                return False
        if self.phase == "new":
            return True
        if zone in self.lost:
            return self.item.resume != "drop"
        anywhere = self.item.late == "join" or self.item.resume == "restart"
        return zone in self.had or anywhere or position <= ON_TIME


@dataclass(frozen=True)
class Second:
    """zones: zone → (item, bus). buses: bus → (item, position in s)."""

    zones: dict[str, tuple[str, int]]
    buses: dict[int, tuple[str, int]]


def better_first(lives: Iterable[Life]) -> list[Life]:
    """Rule 3, one comparison after the other, last one first."""
    order = sorted(lives, key=lambda life: life.item.key)
    order.sort(key=lambda life: life.item.start_ms, reverse=True)
    order.sort(key=lambda life: life.item.order)
    order.sort(key=lambda life: life.item.rank)
    order.sort(key=lambda life: chosen(life.item))
    order.sort(key=lambda life: life.item.klass)
    return order


def chosen(item: Item) -> int:
    """Rule 3: the commune's order."""
    return 0 if item.klass == 1 else item.decided


def holds_off(mine: Item, other: Item, wall: int) -> bool:
    """Rule 4."""
    if mine.end != "finish" or mine.total_ms is None:
        return False
    if mine.klass != other.klass or mine.rank != other.rank or mine.order != other.order:
        return False
    if chosen(mine) != chosen(other):
        return False
    return mine.start_ms <= other.start_ms and wall * 1000 < other.start_ms + mine.within_ms


def move_up(order: list[Item], mine: Item, wall: int) -> int:
    """Rule 4: how many of the items at the end of `order` it passes."""
    passed = 0
    for other in reversed(order):
        if not holds_off(mine, other, wall):
            break
        passed += 1
    return passed


class Walk:
    """A station that is asked every second."""

    def __init__(self, site: Site, items: Sequence[Item]) -> None:
        self.zones = {zone.name: [choice.bus for choice in zone.buses] for zone in site.zones}
        self.buses = site.buses
        self.lives = {item.key: Life(item) for item in items}
        self.last = Second({}, {})

    def second(self, wall: int) -> Second:
        """One more second has passed and the wall shows `wall`."""
        for life in self.lives.values():
            if life.phase == "on":
                life.at += 1
                if life.at >= life.length:
                    life.phase = "over"
            elif life.phase == "off":
                life.away += 1
        wishes = self._wishes(wall)
        carried = self._carried(self._demands(wishes, wall))
        now = self._heard(wishes, carried, wall)
        self._remember(now)
        self.last = now
        return now

    def _wishes(self, wall: int) -> dict[str, list[Life]]:
        able = []
        for life in better_first(self.lives.values()):
            position = life.position(wall)
            if position is not None and life.item.ready:
                able.append((life, position))
        wishes: dict[str, list[Life]] = {}
        for zone in self.zones:
            here: list[Life] = []
            for life, position in able:
                if life.welcome(zone, position, wall):
                    up = 0
                    if self.last.zones.get(zone, ("", 0))[0] == life.item.key:
                        up = move_up([other.item for other in here], life.item, wall)
                    here.insert(len(here) - up, life)
            if here:
                wishes[zone] = here
        return wishes

    def _demands(self, wishes: dict[str, list[Life]], wall: int) -> list[tuple[str, list[str]]]:
        first = {zone: here[0] for zone, here in wishes.items()}
        demands: list[tuple[Item, list[str]]] = []
        distinct = {life.item.key: life for life in first.values()}
        for life in better_first(distinct.values()):
            mine = life.item
            wanting = [zone for zone, other in first.items() if other is life]
            stay = [z for z in wanting if self.last.zones.get(z, ("", 0))[0] == mine.key]
            if stay:
                up = move_up([item for item, _ in demands], mine, wall)
                demands.insert(len(demands) - up, (mine, stay))
            rest = [zone for zone in wanting if zone not in stay]
            if rest:
                demands.append((mine, rest))
        return [(item.key, zones) for item, zones in demands]

    def _carried(self, demands: list[tuple[str, list[str]]]) -> dict[int, str]:
        """Rule 5, by trying everything."""
        keys = ["", *dict.fromkeys(key for key, _ in demands)]
        best = max(
            product(keys, repeat=self.buses), key=lambda picked: self._worth(picked, demands)
        )
        return {bus: key for bus, key in enumerate(best) if key}

    def _worth(
        self, picked: tuple[str, ...], demands: list[tuple[str, list[str]]]
    ) -> tuple[object, ...]:
        served, places = [], 0
        for key, zones in demands:
            count = 0
            for zone in zones:
                where = [n for n, bus in enumerate(self.zones[zone]) if picked[bus] == key]
                if where:
                    count += 1
                    places += where[0]
            served.append(count)
        wanting = {(key, bus) for key, zones in demands for z in zones for bus in self.zones[z]}
        stay = sum(
            picked[bus] == key and (key, bus) in wanting
            for bus, (key, _) in self.last.buses.items()
        )
        used = sum(1 for key in picked if key)
        low = [
            -sum(2**bus for bus, one in enumerate(picked) if one == key)
            for key in dict.fromkeys(key for key, _ in demands)
        ]
        return (*served, stay, -used, -places, *low)

    def _heard(self, wishes: dict[str, list[Life]], carried: dict[int, str], wall: int) -> Second:
        """Rule 6."""
        zones: dict[str, tuple[str, int]] = {}
        for zone, here in wishes.items():
            for life in here:
                key = life.item.key
                buses = [bus for bus in self.zones[zone] if carried.get(bus) == key]
                if buses:
                    kept = self.last.zones.get(zone)
                    stays = kept is not None and kept[0] == key and kept[1] in buses
                    zones[zone] = kept if stays and kept is not None else (key, buses[0])
                    break
        sounding: dict[int, tuple[str, int]] = {}
        for key, bus in zones.values():
            position = self.lives[key].position(wall)
            assert position is not None
            sounding[bus] = (key, position)
        return Second(zones, sounding)

    def _remember(self, now: Second) -> None:
        for bus in now.buses:
            key, position = now.buses[bus]
            life = self.lives[key]
            life.phase, life.at, life.away = "on", position, 0
        for key, life in self.lives.items():
            hearing = {zone for zone, (heard, _) in now.zones.items() if heard == key}
            before = {zone for zone, (heard, _) in self.last.zones.items() if heard == key}
            life.had |= hearing
            life.lost = (life.lost | before) - hearing
            if life.phase == "on" and not hearing:
                life.phase, life.away = "off", 0


def walk(site: Site, items: Sequence[Item], wall: Iterable[int]) -> Iterator[Second]:
    """What the station does at each of the wall's seconds, in the order they are lived."""
    station = Walk(site, items)
    for second in wall:
        yield station.second(second)
