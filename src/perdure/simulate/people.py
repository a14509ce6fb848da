"""Who walks where, when: itineraries played out on the floor of a plan, step by step, the same for the same seed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from perdure.simulate import gait
from perdure.simulate.looks import Look, random_look
from perdure.simulate.paths import Floor
from perdure.simulate.plan import Crowd, Person, Plan, Spot, Stop, Visit
from perdure.types import Float64s

STEP_S = 0.1
_AWAY_S = 5.0
"""Nobody comes back sooner than this after leaving."""
_REPLAN_S = 1.0
"""Whoever got no further for this long looks for the way anew."""
_SPACE_M = 0.75
"""People keep this distance where they can."""


@dataclass(frozen=True)
class Guest:
    """One person's one visit, before it is played out."""

    id: int
    name: str
    look: Look
    outfit: int
    visit: Visit
    speed_mps: float
    beside_m: float = 0.0
    """Companions walk and stand this far to the right of the first of their group."""


@dataclass(frozen=True, eq=False)
class Walk:
    """One visit as it went: moments ``STEP_S`` apart."""

    guest: Guest
    at: Float64s
    """(T,) seconds of the day."""
    x: Float64s
    y: Float64s
    heading: Float64s
    """(T,) radians, not wrapped."""
    speed: Float64s
    reach: Float64s
    hold: Float64s
    _phase: Float64s = field(init=False)

    def __post_init__(self) -> None:
        pace = gait.STRIDE * self.guest.look.height_m * np.maximum(_swing(self.speed), 0.5)
        step = np.where(self.speed > 0.05, self.speed / pace, 0.0) * STEP_S
        object.__setattr__(self, "_phase", np.cumsum(step) + self.guest.id * 0.37)

    @property
    def start(self) -> float:
        """Seconds of the day when they came."""
        return float(self.at[0])

    @property
    def end(self) -> float:
        """Seconds of the day when they were gone."""
        return float(self.at[-1])

    def stance(self, moments: Float64s) -> gait.Stance:
        """The body at (T,) moments; outside the visit it stands at its ends."""

        def value(series: Float64s) -> Float64s:
            return np.interp(moments, self.at, series)

        hands = float(self.guest.look.bag != "tote")
        glance = 0.35 * np.sin(moments * 0.9 + self.guest.id) * np.sin(moments * 0.37 + 2 * self.guest.id)
        return gait.Stance(
            x=value(self.x), y=value(self.y), heading=value(self.heading), phase=value(self._phase),
            gait=_swing(value(self.speed)), reach=value(self.reach), hold=hands * value(self.hold), look=glance,
            at=moments,
        )  # fmt: skip


def _swing(speed: Float64s) -> Float64s:
    """How far the limbs swing at a speed."""
    return np.clip(speed / 1.3, 0.0, 1.15) * np.clip(speed / 0.15, 0, 1)


def _rng(plan: Plan, seed: int, *what: str | int) -> np.random.Generator:
    words = [zlib.crc32(w.encode()) if isinstance(w, str) else w for w in what]
    return np.random.default_rng([plan.seed, seed, *words])


def guests(plan: Plan, day: int, seed: int = 0) -> list[Guest]:
    """Everybody who comes on a day, scripted people first; ids are the same on every day."""
    out: list[Guest] = []
    looks: dict[str, Look] = {}
    for index, person in enumerate(plan.people):
        looks[person.name] = _look(plan, person, looks, seed)
        for visit in person.visits:
            if visit.day == day:
                look = _outfit(plan, person.name, looks[person.name], visit.outfit, seed)
                out.append(Guest(index + 1, person.name, look, visit.outfit, visit, person.walks_mps))
    if plan.crowd is not None:
        out += _crowd(plan, plan.crowd, day, seed, list(looks.values()))
    return sorted(out, key=lambda g: (g.visit.arrives_s, g.id))


def _look(plan: Plan, person: Person, known: dict[str, Look], seed: int) -> Look:
    if person.look is not None:
        look = random_look(np.random.default_rng(person.look))
    else:
        look = random_look(_rng(plan, seed, person.name))
    if person.twin_of is None:
        return look
    model = known.get(person.twin_of)
    if model is None:
        original = next(p for p in plan.people if p.name == person.twin_of)
        model = _look(plan, original.model_copy(update={"twin_of": None}), known, seed)
    return model.twin(_rng(plan, seed, person.name, "twin"))


def _outfit(plan: Plan, name: str, look: Look, outfit: int, seed: int) -> Look:
    return look if outfit == 0 else look.changed(_rng(plan, seed, name, "outfit", outfit))


def _crowd(plan: Plan, crowd: Crowd, day: int, seed: int, looks: list[Look]) -> list[Guest]:
    """Poisson arrivals of groups, some of which come back."""
    rng = _rng(plan, seed, "crowd", day)
    spots = [spot for spot in plan.spots if not spot.staff]
    day_s = plan.minutes * 60
    weights = np.array(crowd.group) / sum(crowd.group)
    number, at = 1000 * day, 0.0
    out: list[Guest] = []
    while True:
        at += float(rng.exponential(3600 / crowd.per_hour)) if crowd.per_hour > 0 else np.inf
        if at >= day_s:
            return out
        size = int(rng.choice(len(weights), p=weights)) + 1
        members = []
        for _ in range(size):
            number += 1
            look = random_look(rng)
            if looks and rng.random() < crowd.twins:
                look = looks[int(rng.integers(len(looks)))].twin(rng)
            looks.append(look)
            members.append((number, look))
        arrives, outfit = at, 0
        while True:
            visit = Visit(arrives_s=arrives, stops=_stops(crowd, spots, rng), outfit=outfit, day=day)
            pace = float(rng.uniform(1.0, 1.4))
            for k, (who, look) in enumerate(members):
                worn = _outfit(plan, f"crowd-{who}", look, outfit, seed)
                out.append(Guest(who, f"crowd-{who}", worn, outfit, visit, pace, beside_m=0.7 * k))
            if rng.random() >= crowd.returns:
                break
            arrives += float(rng.uniform(*crowd.gap_s)) + sum(stop.stay_s + 8 for stop in visit.stops)
            if arrives >= day_s:
                break
            outfit += int(rng.random() < crowd.changes)


def _stops(crowd: Crowd, spots: list[Spot], rng: np.random.Generator) -> tuple[Stop, ...]:
    count = min(int(rng.integers(crowd.stops[0], crowd.stops[1] + 1)), len(spots))
    chosen = rng.permutation(len(spots))[:count]
    return tuple(Stop(spot=spots[i].name, stay_s=float(rng.uniform(*crowd.stay_s))) for i in chosen)


@dataclass(eq=False)
class _Walker:
    """One guest while the day is played."""

    guest: Guest
    x: float
    y: float
    heading: float
    goal: tuple[float, float]
    way: Float64s
    facing: float | None = None
    stop: int = -1
    at_way: int = 0
    until: float = -1.0
    speed: float = 0.0
    reach: float = 0.0
    hold: float = 0.0
    stuck_s: float = 0.0
    going_home: bool = False
    done: bool = False
    trace: list[tuple[float, ...]] = field(default_factory=list)


class Day:
    """Plays one day of a plan."""

    def __init__(self, plan: Plan, day: int = 1, seed: int = 0) -> None:
        self.plan = plan
        self.floor = Floor(plan)
        self._spots = {spot.name: spot for spot in plan.spots}
        self._waiting = guests(plan, day, seed)
        self._inside: list[_Walker] = []
        self._queues: dict[str, list[_Walker]] = {spot.name: [] for spot in plan.spots}
        self._left: dict[int, float] = {}

    def walks(self) -> list[Walk]:
        """Every visit of the day, in order of arrival."""
        finished: list[_Walker] = []
        first = min([0.0, *(guest.visit.arrives_s for guest in self._waiting)])
        for tick in range(int(np.floor(first / STEP_S)), int(self.plan.minutes * 60 / STEP_S) + 2):
            now = tick * STEP_S
            for guest in self._arriving(now):
                self._waiting.remove(guest)
                self._inside.append(self._enter(guest))
            for walker in list(self._inside):
                self._decide(walker, now)
                self._move(walker)
                self._record(walker, now)
                if walker.done:
                    self._left[walker.guest.id] = now
                    self._inside.remove(walker)
                    finished.append(walker)
        everybody = sorted(finished + self._inside, key=lambda w: (w.trace[0][0], w.guest.id))
        return [walk for walker in everybody if (walk := _walk(walker)) is not None]

    def _arriving(self, now: float) -> list[Guest]:
        """Who comes now; nobody comes back before having left for a while."""
        here = {walker.guest.id for walker in self._inside}
        arriving: list[Guest] = []
        for guest in self._waiting:
            if guest.visit.arrives_s > now:
                break
            if guest.id not in here and now >= self._left.get(guest.id, -np.inf) + _AWAY_S:
                here.add(guest.id)
                arriving.append(guest)
        return arriving

    def _enter(self, guest: Guest) -> _Walker:
        door = self.floor.outer(guest.visit.door)
        home = self.floor.home(door)
        start = self.floor.nearest((home[0] + 0.5 * guest.beside_m, home[1] + 0.3 * guest.beside_m))
        heading = float(np.arctan2(door.at[1] - start[1], door.at[0] - start[0]))
        walker = _Walker(guest, *start, heading, start, np.array([start, start]), at_way=1)
        self._next(walker)
        return walker

    def _next(self, walker: _Walker) -> None:
        """Send somebody to the next stop, or home."""
        guest = walker.guest
        if walker.stop >= 0 and walker.stop < len(guest.visit.stops):
            queue = self._queues[guest.visit.stops[walker.stop].spot]
            if walker in queue:
                queue.remove(walker)
        walker.stop += 1
        walker.until = -1.0
        if walker.stop < len(guest.visit.stops):
            spot = self._spots[guest.visit.stops[walker.stop].spot]
            self._queues[spot.name].append(walker)
            self._aim(walker, self._place(walker, spot), np.radians(spot.facing_deg))
        else:
            walker.going_home = True
            door = self.floor.outer(guest.visit.leaves_by or guest.visit.door)
            self._aim(walker, self.floor.home(door), None)

    def _place(self, walker: _Walker, spot: Spot) -> tuple[float, float]:
        """Where to stand for a spot: first come, first served; the others behind (queue) or beside."""
        index = self._queues[spot.name].index(walker)
        facing = np.radians(spot.facing_deg)
        ahead = np.array([np.cos(facing), np.sin(facing)])
        right = np.array([ahead[1], -ahead[0]])
        place = np.array(spot.at)
        if spot.queue:
            place = place - ahead * 0.85 * index
        elif index:
            place = place + right * 0.7 * ((index + 1) // 2) * (1 if index % 2 else -1)
        return self.floor.nearest((float(place[0]), float(place[1])))

    def _aim(self, walker: _Walker, goal: tuple[float, float], facing: float | None) -> None:
        walker.goal, walker.facing = goal, facing
        walker.way, walker.at_way = self.floor.way((walker.x, walker.y), goal), 1

    def _decide(self, walker: _Walker, now: float) -> None:
        """Arrive, stay, move up in a queue, go on."""
        visit = walker.guest.visit
        away = np.hypot(walker.goal[0] - walker.x, walker.goal[1] - walker.y)
        arrived = away < 0.12 or (walker.stuck_s > 2.5 and away < 0.9)
        if walker.going_home:
            walker.done = away < 0.3
            return
        spot = self._spots[visit.stops[walker.stop].spot]
        first = not spot.queue or self._queues[spot.name][0] is walker
        if walker.until < 0:
            place = self._place(walker, spot) if spot.queue else walker.goal
            if np.hypot(place[0] - walker.goal[0], place[1] - walker.goal[1]) > 0.3:
                self._aim(walker, place, np.radians(spot.facing_deg))
            elif arrived and first:
                walker.until = now + visit.stops[walker.stop].stay_s
        elif now >= walker.until and not (visit.stays and walker.stop == len(visit.stops) - 1):
            self._next(walker)

    def _move(self, walker: _Walker) -> None:
        """One step along the way, around others; then turn."""
        left = float(np.hypot(walker.goal[0] - walker.x, walker.goal[1] - walker.y))
        wanted = walker.guest.speed_mps if walker.until < 0 and left > 0.08 else 0.0
        wanted = min(wanted, max(left / (3 * STEP_S), 0.25)) if wanted else 0.0
        walker.speed += float(np.clip(wanted - walker.speed, -2.2 * STEP_S, 1.4 * STEP_S))
        before = walker.x, walker.y
        if walker.speed > 0.02 and wanted > 0:
            self._step(walker, wanted)
        gone = float(np.hypot(walker.x - before[0], walker.y - before[1]))
        walker.stuck_s = walker.stuck_s + STEP_S if wanted > 0 and gone < 0.02 else 0.0
        walker.speed = min(walker.speed, gone / STEP_S + 0.15) if wanted > 0 else walker.speed
        aim = walker.heading
        if gone > 0.02:
            aim = float(np.arctan2(walker.y - before[1], walker.x - before[0]))
        elif walker.facing is not None and wanted == 0:
            aim = walker.facing
        turn = (aim - walker.heading + np.pi) % (2 * np.pi) - np.pi
        walker.heading += float(np.clip(turn * 0.35, -np.radians(30), np.radians(30)))

    def _step(self, walker: _Walker, wanted: float) -> None:
        here = np.array([walker.x, walker.y])
        while walker.at_way < len(walker.way) - 1 and np.hypot(*(walker.way[walker.at_way] - here)) < 0.35:
            walker.at_way += 1
        ahead = walker.way[walker.at_way] - here
        along = ahead / max(float(np.hypot(*ahead)), 1e-9)
        push = np.zeros(2)
        if walker.stuck_s < 1.5:
            for other in self._inside:
                gap = here - np.array([other.x, other.y])
                away = float(np.hypot(*gap))
                if other is walker or away >= _SPACE_M or (other.guest.visit is walker.guest.visit and away > 0.5):
                    continue
                side = np.array([along[1], -along[0]])
                push += (_SPACE_M - away) / _SPACE_M * (gap / max(away, 1e-6) + 0.8 * side)
        course = along + 1.2 * push
        course /= max(float(np.hypot(*course)), 1.0)
        pace = min(walker.speed, max(wanted, 0.2)) * STEP_S
        if not self.floor.is_free(*here):
            here = np.array(self.floor.nearest((walker.x, walker.y)))
        for option in (course, along, np.array([along[0], 0.0]), np.array([0.0, along[1]])):
            to = here + option * pace
            if self.floor.is_free(*to):
                walker.x, walker.y = float(to[0]), float(to[1])
                break
        if walker.stuck_s > _REPLAN_S:
            walker.way, walker.at_way = self.floor.way((walker.x, walker.y), walker.goal), 1

    def _record(self, walker: _Walker, now: float) -> None:
        doing = ""
        if walker.until >= 0 and walker.stop < len(walker.guest.visit.stops):
            doing = self._spots[walker.guest.visit.stops[walker.stop].spot].doing
        pulse = 0.5 + 0.5 * np.sin(now * 1.1 + walker.guest.id)
        walker.reach += 0.2 * ((doing == "reaching") * pulse - walker.reach)
        walker.hold += 0.2 * (float(doing == "holding") - walker.hold)
        moving = 0.0 if walker.until >= 0 else walker.speed
        walker.trace.append((now, walker.x, walker.y, walker.heading, moving, walker.reach, walker.hold))


def _walk(walker: _Walker) -> Walk | None:
    if len(walker.trace) < 2:
        return None
    rows = np.array(walker.trace)
    kernel = np.array([0.25, 0.5, 0.25])
    for column in (1, 2, 3, 4):
        padded = np.concatenate([rows[:1, column], rows[:, column], rows[-1:, column]])
        rows[:, column] = np.convolve(padded, kernel, "valid")
    return Walk(walker.guest, *rows.T)


def present(walks: list[Walk], at: float) -> Iterator[Walk]:
    """The visits going on at a moment."""
    return (walk for walk in walks if walk.start <= at <= walk.end)
