"""Who walks past which camera when, for as long as wanted: arrivals, returns and routes over a graph of cameras.

Arrivals are a Poisson process whose rate follows the hour of the day, made by thinning (Lewis & Shedler, 1979). What is
kept is the visitors inside and a counter of people, whatever the length of the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from perdure.errors import ConfigError
from perdure.types import Float64s

HOUR_S, DAY_S = 3600.0, 86400.0
BUSY_HOURS = (1, 0, 0, 0, 0, 1, 3, 8, 12, 10, 8, 8, 11, 11, 8, 8, 9, 12, 13, 10, 7, 4, 3, 2)
"""Relative number of arrivals in each hour (UTC)."""


@dataclass(frozen=True, slots=True, eq=False)
class CameraGraph:
    """Cameras, how one gets from one to the next, and where the doors are."""

    names: tuple[str, ...]
    go: Float64s
    """(C, C + 1) probability of the next camera; the last column is leaving. Rows sum to 1."""
    travel_s: Float64s
    """(C, C) median seconds from losing somebody in one camera to seeing them in the next."""
    enter: Float64s
    """(C,) probability that a visit begins here; sums to 1."""

    @classmethod
    def corridor(cls, cameras: int, travel_s: float = 12.0, leave: float = 0.25) -> CameraGraph:
        """Cameras in a row with a door at both ends; people walk on, turn back, or leave, mostly by a door."""
        if cameras < 1:
            raise ConfigError(f"a corridor needs at least one camera, got {cameras}")
        go = np.zeros((cameras, cameras + 1))
        for camera in range(cameras):
            ends = camera in (0, cameras - 1)
            go[camera, -1] = 1.0 if cameras == 1 else min(1.0, leave * (2 if ends else 0.4))
            beside = [c for c in (camera - 1, camera + 1) if 0 <= c < cameras]
            go[camera, beside] = (1 - go[camera, -1]) / max(len(beside), 1)
        enter = np.zeros(cameras)
        enter[0] += 0.5
        enter[-1] += 0.5
        distance = np.abs(np.arange(cameras)[:, None] - np.arange(cameras))
        return cls(tuple(f"cam{c + 1:02d}" for c in range(cameras)), go, travel_s * np.maximum(distance, 1.0), enter)


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many come, how often, and for how long."""

    days: float = 1.0
    visits_per_day: float = 300.0
    people: int = 1000
    """At most this many different people; after that only known ones come."""
    returning: float = 0.6
    """Probability that a visitor has been here before, as long as new people are left."""
    regulars: float = 2.0
    """How uneven returns are: 1 all alike, larger: the early ones come again more often."""
    stay_s: float = 8.0
    """Median seconds before one camera."""
    longest_visit: int = 30
    """Cameras passed in one visit at most."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One person before one camera, from the truth."""

    person: int
    visit: int
    camera: int
    start: float
    end: float


def visits(traffic: Traffic, graph: CameraGraph, start_at: float, seed: int) -> Iterator[tuple[Stay, ...]]:
    """Visits in order of arrival, each as its stays in order of time; a person is in one place at a time.

    Raises:
        ConfigError: a number out of range.
    """
    _check(traffic)
    rng = np.random.default_rng([seed, 11])
    inside: dict[int, float] = {}
    known, number = 0, 0
    for at in _arrivals(traffic, start_at, rng):
        inside = {person: until for person, until in inside.items() if until > at}
        person = _visitor(traffic, known, inside, rng)
        if person is None:
            continue
        known = max(known, person + 1)
        route = _route(traffic, graph, person, number, at, rng)
        inside[person] = route[-1].end + 60.0
        number += 1
        yield route


def _check(traffic: Traffic) -> None:
    if traffic.days <= 0 or traffic.visits_per_day <= 0 or traffic.people < 1 or traffic.stay_s <= 0:
        raise ConfigError(f"days, visits_per_day, people and stay_s must be positive: {traffic}")
    if not 0 <= traffic.returning <= 1 or traffic.regulars < 1 or traffic.longest_visit < 1:
        raise ConfigError(f"returning must be in [0, 1], regulars and longest_visit at least 1: {traffic}")


def _arrivals(traffic: Traffic, start_at: float, rng: np.random.Generator) -> Iterator[float]:
    share = np.asarray(BUSY_HOURS, np.float64) * 24 / sum(BUSY_HOURS)
    highest = traffic.visits_per_day / DAY_S * share.max()
    at, end = start_at, start_at + traffic.days * DAY_S
    while True:
        at += rng.exponential(1 / highest)
        if at >= end:
            return
        if rng.random() * share.max() < share[int(at % DAY_S // HOUR_S)]:
            yield at


def _visitor(traffic: Traffic, known: int, inside: dict[int, float], rng: np.random.Generator) -> int | None:
    """Somebody new or somebody known who is not inside; None if nobody is left."""
    if known < traffic.people and (known == 0 or rng.random() >= traffic.returning):
        return known
    for _ in range(20):
        person = int(known * rng.random() ** traffic.regulars)
        if person not in inside:
            return person
    return known if known < traffic.people else None


def _route(
    traffic: Traffic, graph: CameraGraph, person: int, visit: int, at: float, rng: np.random.Generator
) -> tuple[Stay, ...]:
    camera = int(rng.choice(len(graph.names), p=graph.enter))
    stays: list[Stay] = []
    while True:
        end = at + traffic.stay_s * float(np.exp(0.5 * rng.standard_normal()))
        onward = int(rng.choice(len(graph.names) + 1, p=graph.go[camera]))
        stays.append(Stay(person, visit, camera, at, end))
        if onward == len(graph.names) or len(stays) == traffic.longest_visit:
            return tuple(stays)
        at = end + float(graph.travel_s[camera, onward]) * float(np.exp(0.3 * rng.standard_normal()))
        camera = onward
