"""How many people were there, when, for how long, and where from and to: counts over buckets of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.analytics.stays import Stays, Visits, latest_end
from perdure.types import Float64s, Ints


def present(who: Ints, start: Float64s, end: Float64s, edges: Float64s) -> Ints:
    """(B,) different people there during each bucket.

    Args:
        who: (N,) person of each interval.
        start: (N,) s.
        end: (N,) s.
        edges: (B + 1,) s, increasing: bucket b is from ``edges[b]`` up to, not including, ``edges[b + 1]``.
    """
    buckets = len(edges) - 1
    first = np.maximum(np.searchsorted(edges, start, "right") - 1, 0)
    last = np.minimum(np.maximum(np.searchsorted(edges, end, "left") - 1, first), buckets - 1)
    inside = (start < edges[-1]) & ((end > edges[0]) | (start >= edges[0]))
    first, last, who = first[inside], last[inside], who[inside]
    spans = last - first + 1
    begin = np.repeat(np.cumsum(spans) - spans, spans)
    bucket = np.repeat(first, spans) + np.arange(int(spans.sum())) - begin
    pairs = np.unique(bucket * (int(who.max(initial=0)) + 1) + np.repeat(who, spans))
    return np.bincount(pairs // (int(who.max(initial=0)) + 1), minlength=buckets).astype(np.int64)


def arrivals(start: Float64s, edges: Float64s) -> Ints:
    """(B,) how many intervals begin in each bucket."""
    bucket = np.searchsorted(edges, start, "right") - 1
    return np.bincount(bucket[(bucket >= 0) & (bucket < len(edges) - 1)], minlength=len(edges) - 1).astype(np.int64)


def occupancy(start: Float64s, end: Float64s, edges: Float64s) -> tuple[Float64s, Ints]:
    """(B,) how many are there on average over each bucket, and (B,) the most at one time."""
    spent = _elapsed(start, edges) - _elapsed(end, edges)
    mean = np.diff(spent) / np.diff(edges)
    times = np.concatenate([end, start])
    steps = np.concatenate([np.full(len(end), -1), np.ones(len(start), np.int64)])
    order = np.lexsort((steps, times))  # who leaves at a moment makes room for who comes
    times, there = times[order], np.cumsum(steps[order])
    at_edge = np.concatenate([[0], there])[np.searchsorted(times, edges[:-1], "right")]
    peak = at_edge.astype(np.int64)
    bucket = np.searchsorted(edges, times, "right") - 1
    inside = (bucket >= 0) & (bucket < len(edges) - 1)
    np.maximum.at(peak, bucket[inside], there[inside])
    return mean, peak


def _elapsed(since: Float64s, at: Float64s) -> Float64s:
    """(B,) seconds that have passed since all of ``since`` together, at each moment."""
    ordered = np.sort(since)
    before = np.searchsorted(ordered, at, "left")
    return np.asarray(before * at - np.concatenate([[0.0], np.cumsum(ordered)])[before])


@dataclass(frozen=True, slots=True)
class Flow:
    """People who went from one camera to another within a visit; the time is from out of view to in view again."""

    source: str
    target: str
    count: int
    median_s: float
    low_s: float
    """A quarter of them were quicker. Negative: still in view of the first."""
    high_s: float
    """A quarter of them took longer."""


def flows(stays: Stays, made: Visits) -> list[Flow]:
    """Ways between cameras, the most used first: being seen again by the same camera is no way."""
    at = np.flatnonzero(made.of_stay >= 0)
    visit, camera, left = made.of_stay[at], stays.camera[at], np.zeros(len(at))
    order = np.lexsort((stays.start[at], camera, visit))
    if len(at):
        left[order] = _group(stays, visit, at, order)[1]
    goes_on = np.flatnonzero((visit[1:] == visit[:-1]) & (camera[1:] != camera[:-1]))
    pair = camera[goes_on] * len(stays.cameras) + camera[goes_on + 1]
    between = stays.start[at[goes_on + 1]] - left[goes_on]
    found = []
    for way in np.unique(pair).tolist():
        seconds = between[pair == way]
        low, median, high = np.quantile(seconds, (0.25, 0.5, 0.75)).tolist()
        source, target = divmod(way, len(stays.cameras))
        found.append(Flow(stays.cameras[source], stays.cameras[target], len(seconds), median, low, high))
    return sorted(found, key=lambda flow: (-flow.count, flow.source, flow.target))


def ends(stays: Stays, made: Visits) -> tuple[Ints, Ints]:
    """(C,) visits whose first stay, and (C,) visits whose last stay to begin, was before each camera."""
    at, count = np.flatnonzero(made.of_stay >= 0), len(stays.cameras)
    changes = np.diff(made.of_stay[at], prepend=-1, append=-1) != 0
    begun = np.bincount(stays.camera[at[changes[:-1]]], minlength=count)
    return begun.astype(np.int64), np.bincount(stays.camera[at[changes[1:]]], minlength=count).astype(np.int64)


def time_in_view(stays: Stays, made: Visits) -> tuple[Ints, Float64s]:
    """(K,) camera and (K,) seconds of each (visit, camera): how long somebody was in view there, overlaps once."""
    at = np.flatnonzero(made.of_stay >= 0)
    if not len(at):
        return np.zeros(0, np.int64), np.zeros(0)
    order = np.lexsort((stays.start[at], stays.camera[at], made.of_stay[at]))
    group, reached = _group(stays, made.of_stay[at], at, order)
    first = np.concatenate([[True], group.person[1:] != group.person[:-1]])
    covered = np.where(first, -np.inf, np.concatenate([[0.0], reached[:-1]]))
    added = np.maximum(group.end - np.maximum(group.start, covered), 0.0)
    begin = np.flatnonzero(first)
    return group.camera[begin], np.add.reduceat(added, begin)


def _group(stays: Stays, visit: Ints, at: Ints, order: Ints) -> tuple[Stays, Float64s]:
    """The stays ``at`` in this order as if each camera of each visit were a person, and until when each has been seen.

    ``order`` is by visit, camera and start; people are numbered from 0 without a gap, which keeps the lift small.
    """
    part = stays[at[order]]
    key = visit[order] * len(stays.cameras) + part.camera
    number = np.cumsum(np.concatenate([[False], key[1:] != key[:-1]]))
    group = Stays(number, part.camera, part.start, part.end, part.row, part.people, part.cameras)
    return group, latest_end(group)
