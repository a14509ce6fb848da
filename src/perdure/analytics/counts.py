"""How many people were there, when, for how long, and where from and to: counts over buckets of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.analytics.stays import Stays, Visits, latest_end
from perdure.types import Bools, Float64s, Ints


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
    return distinct(bucket, np.repeat(who, spans), buckets)


def distinct(group: Ints, who: Ints, groups: int) -> Ints:
    """(G,) different people of each group, from (N,) groups and (N,) people."""
    people = int(who.max(initial=0)) + 1
    pairs = np.sort(group * people + who)  # faster than the hash table of numpy's unique
    first = pairs[np.diff(pairs, prepend=-1) != 0]
    return np.bincount(first // people, minlength=groups).astype(np.int64)


def arrivals(start: Float64s, edges: Float64s) -> Ints:
    """(B,) how many intervals begin in each bucket."""
    bucket = np.searchsorted(edges, start, "right") - 1
    return np.bincount(bucket[(bucket >= 0) & (bucket < len(edges) - 1)], minlength=len(edges) - 1).astype(np.int64)


def occupancy(start: Float64s, end: Float64s, edges: Float64s) -> tuple[Float64s, Ints]:
    """(B,) how many are there on average over each bucket, and (B,) the most at one time."""
    begun, left = np.sort(start), np.sort(end)
    spent = _elapsed(begun, edges) - _elapsed(left, edges)
    mean = np.diff(spent) / np.diff(edges)
    # It is most at an edge or when somebody comes; who leaves at that moment has made room.
    inside = np.searchsorted(begun, edges, "left")
    peak = np.searchsorted(begun, edges[:-1], "right") - np.searchsorted(left, edges[:-1], "right")
    coming = begun[inside[0] : inside[-1]]
    there = np.arange(inside[0] + 1, inside[-1] + 1) - np.searchsorted(left, coming, "right")
    first = inside[:-1][np.diff(inside) > 0]
    if len(first):
        busy = np.diff(inside) > 0
        peak[busy] = np.maximum(peak[busy], np.maximum.reduceat(there, first - inside[0]))
    return mean, peak.astype(np.int64)


def _elapsed(since: Float64s, at: Float64s) -> Float64s:
    """(B,) seconds that have passed since all of ``since``, in order, together, at each moment."""
    before = np.searchsorted(since, at, "left")
    return np.asarray(before * at - np.concatenate([[0.0], np.cumsum(since)])[before])


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """The stays of visits, by visit, camera and start, and until when each camera has seen somebody of a visit."""

    stays: Stays
    at: Ints
    """(M,) the stays that make visits, in order of the stays."""
    order: Ints
    """(M,) their places in ``at``, by visit, camera and start."""
    begins: Bools
    """(M,) where another visit or camera begins, in that order."""
    reached: Float64s
    """(M,) s: the end of the latest stay of the same visit and camera so far, in that order."""

    @classmethod
    def of(cls, stays: Stays, made: Visits) -> Views:
        """From visits of these stays."""
        at = np.flatnonzero(made.of_stay >= 0)
        key = made.of_stay[at] * len(stays.cameras) + stays.camera[at]
        order = np.argsort(key, kind="stable")  # within a visit, stays are in order of start
        part, key = stays[at[order]], key[order]
        begins = np.diff(key, prepend=-1) != 0
        # As if each camera of each visit were a person, numbered without a gap, which keeps the lift small.
        numbers = np.cumsum(begins) - 1
        group = Stays(numbers, part.camera, part.start, part.end, part.row, part.people, part.cameras)
        return cls(stays, at, order, begins, latest_end(group) if len(at) else np.zeros(0))


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


def flows(views: Views, made: Visits) -> list[Flow]:
    """Ways between cameras, the most used first: being seen again by the same camera is no way."""
    stays, at = views.stays, views.at
    visit, camera, left = made.of_stay[at], stays.camera[at], np.zeros(len(at))
    left[views.order] = views.reached
    goes_on = np.flatnonzero((visit[1:] == visit[:-1]) & (camera[1:] != camera[:-1]))
    pair = camera[goes_on] * len(stays.cameras) + camera[goes_on + 1]
    between = stays.start[at[goes_on + 1]] - left[goes_on]
    ways = len(stays.cameras) ** 2
    order = np.argsort(pair.astype(np.min_scalar_type(ways)), kind="stable")  # of few bits, which is sorted by radix
    sizes = np.bincount(pair, minlength=ways)
    found = []
    for way, seconds in zip(range(ways), np.split(between[order], np.cumsum(sizes)[:-1]), strict=False):
        if not len(seconds):
            continue
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


def time_in_view(views: Views) -> tuple[Ints, Float64s]:
    """(K,) camera and (K,) seconds of each (visit, camera): how long somebody was in view there, overlaps once."""
    if not len(views.at):
        return np.zeros(0, np.int64), np.zeros(0)
    rows = views.at[views.order]
    start, end = views.stays.start[rows], views.stays.end[rows]
    covered = np.where(views.begins, -np.inf, np.concatenate([[0.0], views.reached[:-1]]))
    added = np.maximum(end - np.maximum(start, covered), 0.0)
    begin = np.flatnonzero(views.begins)
    return views.stays.camera[rows[begin]], np.add.reduceat(added, begin)
