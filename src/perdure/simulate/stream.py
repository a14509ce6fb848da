"""A stream of tracklets with exact truth, of any length, in the memory of the people who are inside right now.

Tracklets arrive in order of their end, as from trackers that tell when a track closes. A tracker's mistakes are put in
afterwards, each known to the truth:

- *fragment*: one stay told as two tracklets with a gap.
- *swap*: two people before one camera at once exchange tracks at a moment; both tracklets are mixed from then on.
- *mixed*: the track jumps to somebody else who is told nowhere else, a passer-by of the same camera.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from perdure.errors import ConfigError
from perdure.simulate.stream_people import Looks
from perdure.simulate.stream_traffic import DAY_S, CameraGraph, Stay, Traffic, visits
from perdure.types import Began, Ended, Exemplars, Float64s, Ints, Tracklet

Fault = Literal["none", "fragment", "swap", "mixed"]

FAULT, TOLD = 12, 13
"""Streams of random numbers beside those of the traffic and the looks."""
SHORTEST_FRAGMENTED_S, SHORTEST_SWAP_S = 4.0, 1.0
MONDAY = 1_704_067_200.0
"""2024-01-01 00:00 UTC."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How often the tracker errs."""

    fragment: float = 0.1
    """Probability that a stay is told in two parts."""
    swap: float = 0.03
    """Probability that two people before one camera at once are exchanged."""
    mixed: float = 0.01
    """Probability that a track ends on somebody else."""


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """All there is to say about a stream beside how its people look; the same plan and looks give the same stream."""

    traffic: Traffic = field(default_factory=Traffic)
    faults: Faults = field(default_factory=Faults)
    exemplars: int = 4
    """Pictures of each tracklet."""
    path_step_s: float = 1.0
    """Seconds between the rows of a path."""
    site: str = "simulated"
    start_at: float = MONDAY
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrueTracklet:
    """A tracklet as a tracker would tell it, and whom it really shows."""

    tracklet: Tracklet
    person: int
    """Whom most of its pictures show, the first where it is even."""
    exemplar_person: Ints
    """(K,) whom each exemplar shows."""
    path_person: Ints
    """(T,) whom each row of the path shows."""
    visit: int
    """Number of the visit that it began with."""
    fault: Fault


@dataclass(frozen=True, slots=True)
class _Part:
    """From a moment on, a track shows this stay."""

    since: float
    stay: Stay


@dataclass(slots=True)
class _Track:
    """A track waiting to be told; a swap may still change whom it shows first."""

    parts: list[_Part]
    end: float
    began: Began = "entered"
    ended: Ended = "left"
    fault: Fault = "none"

    @property
    def start(self) -> float:
        return self.parts[0].since


def stream(looks: Looks, graph: CameraGraph, plan: StreamPlan) -> Iterator[TrueTracklet]:
    """Tracklets in order of their end.

    Raises:
        ConfigError: a number of the plan is out of range, or it wants more people than ``looks`` has.
    """
    yield from tracked(visits(plan.traffic, graph, plan.start_at, plan.seed), looks, graph.names, plan)


def tracked(
    routes: Iterable[tuple[Stay, ...]], looks: Looks, cameras: Sequence[str], plan: StreamPlan
) -> Iterator[TrueTracklet]:
    """The tracklets of visits that somebody else made up, in order of their end.

    Args:
        routes: visits in order of arrival.
        looks: how people look.
        cameras: names, by the number in the stays.
        plan: all but how many come when.

    Raises:
        ConfigError: a number of the plan is out of range, or it wants more people than ``looks`` has.
    """
    _check(plan, looks)
    rng = np.random.default_rng([plan.seed, FAULT])
    waiting: list[tuple[float, int, _Track]] = []
    present: dict[int, list[_Track]] = {}
    pushed = told = 0
    for route in routes:
        arrival = route[0].start
        while waiting and waiting[0][0] <= arrival:
            yield _told(heapq.heappop(waiting)[2], told, looks, cameras, plan)
            told += 1
        for stay in route:
            here = present[stay.camera] = [t for t in present.get(stay.camera, []) if t.end > arrival]
            for track in _tracked(stay, here, plan, rng):
                here.append(track)
                heapq.heappush(waiting, (track.end, pushed, track))
                pushed += 1
    while waiting:
        yield _told(heapq.heappop(waiting)[2], told, looks, cameras, plan)
        told += 1


def _check(plan: StreamPlan, looks: Looks) -> None:
    rates = plan.faults.fragment, plan.faults.swap, plan.faults.mixed
    if not all(0 <= rate <= 1 for rate in rates):
        raise ConfigError(f"fault rates must be in [0, 1]: {plan.faults}")
    if plan.exemplars < 1 or plan.path_step_s <= 0:
        raise ConfigError(f"exemplars must be at least 1, path_step_s positive: {plan.exemplars}, {plan.path_step_s}")
    if looks.people is not None and plan.traffic.people > looks.people:
        raise ConfigError(f"the stream wants {plan.traffic.people} people, the embeddings have {looks.people}")


def _tracked(stay: Stay, others: list[_Track], plan: StreamPlan, rng: np.random.Generator) -> list[_Track]:
    """The tracks that a stay becomes, and swaps with those of others; draws the same numbers whatever happens."""
    fragments, mixes, share, stranger = rng.random(4)
    moment = stay.start + (stay.end - stay.start) * (0.3 + 0.4 * share)
    whole = _Track([_Part(stay.start, stay)], stay.end)
    if mixes < plan.faults.mixed and plan.traffic.people > 1:
        other = int(stranger * (plan.traffic.people - 1))
        passer_by = replace(stay, person=other + (other >= stay.person), visit=-1)
        whole.parts.append(_Part(moment, passer_by))
        whole.fault = "mixed"
    elif fragments < plan.faults.fragment and stay.end - stay.start > SHORTEST_FRAGMENTED_S:
        again = _Part(moment + 0.5, stay)
        first = _Track([_Part(stay.start, stay)], moment, ended="lost", fault="fragment")
        return [first, _Track([again], stay.end, began="appeared", fault="fragment")]
    else:
        _maybe_swap(whole, others, plan.faults.swap, rng)
    return [whole]


def _maybe_swap(track: _Track, others: list[_Track], rate: float, rng: np.random.Generator) -> None:
    """Exchanges with somebody who is there at the same time whom the two tracks show until a moment in common."""
    for other in others:
        begin, end = max(track.start, other.start), min(track.end, other.end)
        if end - begin < SHORTEST_SWAP_S or other.fault != "none" or rng.random() >= rate:
            continue
        moment = begin + (end - begin) * rng.uniform(0.2, 0.8)
        (mine,), (theirs,) = track.parts, other.parts
        track.parts = [theirs, _Part(moment, mine.stay)]
        other.parts = [mine, _Part(moment, theirs.stay)]
        track.fault = other.fault = "swap"
        return


def _told(track: _Track, number: int, looks: Looks, cameras: Sequence[str], plan: StreamPlan) -> TrueTracklet:
    rng = np.random.default_rng([plan.seed, TOLD, number])
    camera = track.parts[0].stay.camera
    begins = np.array([part.since for part in track.parts])
    people = np.array([part.stay.person for part in track.parts])
    at = np.linspace(track.start, track.end, plan.exemplars + 2)[1:-1]
    shown = np.searchsorted(begins, at, "right") - 1
    day = int((track.start - plan.start_at) // DAY_S)
    vectors, quality, kept = [], [], []
    names: list[str] = []
    for part in np.unique(shown):
        rows = np.flatnonzero(shown == part)
        pictures = looks.pictures(int(people[part]), day, camera, len(rows), rng)
        vectors.append(pictures.vectors)
        quality.append(pictures.quality)
        names += pictures.names
        kept.append(rows[: len(pictures.vectors)])
    rows = np.concatenate(kept)
    exemplars = Exemplars(looks.model, np.concatenate(vectors), np.concatenate(quality), at[rows], tuple(names))
    path = _path(track, plan, rng)
    tracklet = Tracklet(
        f"{cameras[camera]}/{number}",
        1,
        cameras[camera],
        track.start,
        track.end,
        path,
        (exemplars,),
        site=plan.site,
        began=track.began,
        ended=track.ended,
    )
    shown_people = people[shown[rows]]
    whom, first, counts = np.unique(shown_people, return_index=True, return_counts=True)
    person = int(whom[np.lexsort([first, -counts])[0]])
    path_person = people[np.searchsorted(begins, path[:, 0], "right") - 1]
    return TrueTracklet(tracklet, person, shown_people, path_person, track.parts[0].stay.visit, track.fault)


def _path(track: _Track, plan: StreamPlan, rng: np.random.Generator) -> Float64s:
    """(T, 7) a straight walk across a picture of 1920 x 1080 at ten frames a second, at least its two ends."""
    count = max(2, int((track.end - track.start) / plan.path_step_s) + 1)
    at = np.linspace(track.start, track.end, count)
    height, foot, leftward = rng.uniform(180, 420), rng.uniform(700, 1040), rng.random() < 0.5
    along = np.linspace(1.0, 0.0, count) if leftward else np.linspace(0.0, 1.0, count)
    left = along * (1920 - 0.4 * height)
    frame = np.round((at - plan.start_at) * 10)
    ones = np.ones(count)
    box = left, (foot - height) * ones, left + 0.4 * height, foot * ones
    return np.column_stack([at, frame, *box, rng.uniform(0.6, 0.98, count)])
