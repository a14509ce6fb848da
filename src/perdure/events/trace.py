"""How the path of a tracklet lies to a zone or a line: a few runs instead of every box, so that days can be joined.

The foot point decides: the middle of the lower side of a box. Near a border nothing is decided (a band of ``BORDER`` of
the person's height, which a detector's boxes jitter within), so jitter is neither many stays nor many crossings: the
hysteresis of a Schmitt trigger, in space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from perdure import geometry
from perdure.events.places import Line, Zone
from perdure.types import Float64s, Ints, Tracklet

BORDER = 0.05
"""Of a person's height, to both sides of a border."""
Foot: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Run:
    """Some time on one side."""

    side: int
    """+1: in the zone, or right of the line; -1: outside, or left of it; 0: at the border."""
    first: float
    """UTC seconds of its first box; the run before ended between its own last box and this."""
    last: float
    passes: int = 0
    """How often the line was passed to its right less to its left, since the last box of the run before."""
    passed_at: float = 0.0
    """When it was passed last; 0 where it was not."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What of a tracklet matters for one zone or line."""

    tracklet: str
    runs: tuple[Run, ...]
    """In order of time; a pause longer than ``gap_s`` begins another run."""
    foot_first: Foot
    """As shares of the picture."""
    foot_last: Foot


def shares(path: Float64s, size: tuple[int, int]) -> Float64s:
    """(T, 2) float64, the foot points of a path (T, 7) as shares of the picture of (width, height) px."""
    return np.column_stack([(path[:, 2] + path[:, 4]) / 2, path[:, 5]]) / np.array(size, np.float64)


def trace_zone(tracklet: Tracklet, zone: Zone, gap_s: float) -> Trace | None:
    """The tracklet in and out of a zone; None where it has no box, or nobody knows how large the pictures were."""
    if not _is_placed(tracklet):
        return None
    feet, size = shares(tracklet.path, tracklet.size), np.array(tracklet.size, np.float64)
    corners = zone.outline * size
    off = geometry.distance(feet * size, corners, np.roll(corners, -1, axis=0))
    side = np.where(geometry.inside(feet, zone.outline), 1, -1)
    return _trace(tracklet, feet, np.where(off <= _band(tracklet.path), 0, side), np.zeros(len(feet), np.int64), gap_s)


def trace_line(tracklet: Tracklet, line: Line, gap_s: float) -> Trace | None:
    """The tracklet on both sides of a line; None as for a zone."""
    if not _is_placed(tracklet):
        return None
    feet, size = shares(tracklet.path, tracklet.size), np.array(tracklet.size, np.float64)
    start, end = np.array(line.start), np.array(line.end)
    along, off = (end - start) * size, (feet - start) * size
    away = (along[0] * off[:, 1] - along[1] * off[:, 0]) / np.linalg.norm(along)
    side = np.where(np.abs(away) <= _band(tracklet.path), 0, np.sign(away)).astype(np.int64)
    passes = np.concatenate([[0], geometry.passes(feet, start, end)])
    return _trace(tracklet, feet, side, passes, gap_s)


def in_order(tracklets: Iterable[Tracklet]) -> list[Tracklet]:
    """One person's tracklets of one camera by start; where two cover one time, the one that began first counts."""
    found: list[Tracklet] = []
    end = float("-inf")
    for tracklet in sorted(tracklets, key=lambda t: (t.start, t.end, t.id)):
        path = tracklet.path[tracklet.path[:, 0] > end]
        if len(path):
            found.append(tracklet if len(path) == len(tracklet.path) else replace(tracklet, path=path))
            end = float(path[-1, 0])
    return found


def joined(traces: Sequence[Trace], gap_s: float) -> Iterator[list[tuple[Run, Trace, Foot | None]]]:
    """Runs with their traces, in walks without a pause longer than ``gap_s``.

    With the first run of a trace that goes on where another ended comes where that one's last foot point was.
    """
    walk: list[tuple[Run, Trace, Foot | None]] = []
    last_foot: Foot | None = None
    for trace in traces:
        for place, run in enumerate(trace.runs):
            if walk and run.first - walk[-1][0].last > gap_s:
                yield walk
                walk = []
            walk.append((run, trace, last_foot if place == 0 and walk else None))
        last_foot = trace.foot_last
    if walk:
        yield walk


def _is_placed(tracklet: Tracklet) -> bool:
    return bool(len(tracklet.path)) and min(tracklet.size) > 0


def _band(path: Float64s) -> Float64s:
    """(T,) px to both sides of a border within which nothing is decided."""
    return np.asarray(BORDER * (path[:, 5] - path[:, 3]))


def _trace(tracklet: Tracklet, feet: Float64s, side: Ints, passes: Ints, gap_s: float) -> Trace:
    at = tracklet.path[:, 0]
    pauses = np.diff(at) > gap_s
    passes[1:][pauses] = 0
    firsts = np.concatenate([[0], np.flatnonzero((np.diff(side) != 0) | pauses) + 1])
    lasts = np.concatenate([firsts[1:] - 1, [len(at) - 1]])
    net = np.add.reduceat(passes, firsts)
    passed_at = np.maximum.reduceat(np.where(passes != 0, at, 0.0), firsts)
    columns = (side[firsts], at[firsts], at[lasts], net, passed_at)
    runs = tuple(Run(*row) for row in zip(*(column.tolist() for column in columns), strict=True))
    return Trace(tracklet.id, runs, (float(feet[0, 0]), float(feet[0, 1])), (float(feet[-1, 0]), float(feet[-1, 1])))
