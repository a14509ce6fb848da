"""Every truth and result box of one frame that overlap at all, over all frames at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perdure.evaluate.tracks import Tracks
from perdure.geometry import area
from perdure.types import Bools, Float64s, Ints

CHUNK = 1_000_000
"""So many candidate pairs are looked at in one go."""


class Similarity(Protocol):
    """How alike two boxes, or two points on the floor, are."""

    def reach(self, boxes: Float64s) -> tuple[Float64s, Float64s]:
        """(N,) lower and upper end: boxes whose ends do not overlap have a similarity of 0."""

    def of(self, first: Float64s, second: Float64s) -> Float64s:
        """(N,) similarities in [0, 1] of each row with the same row of the other."""


class BoxOverlap:
    """Intersection over union of (N, 4) boxes, xyxy."""

    def reach(self, boxes: Float64s) -> tuple[Float64s, Float64s]:
        """Left and right side."""
        return boxes[:, 0], boxes[:, 2]

    def of(self, first: Float64s, second: Float64s) -> Float64s:
        """As ``geometry.iou``, of rows instead of all pairs, and the same to the last bit."""
        width = np.minimum(first[:, 2], second[:, 2]) - np.maximum(first[:, 0], second[:, 0])
        height = np.minimum(first[:, 3], second[:, 3]) - np.maximum(first[:, 1], second[:, 1])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        union = area(first) + area(second) - shared
        return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0), np.float64)


@dataclass(frozen=True, slots=True)
class FloorDistance:
    """1 for the same place, falling to 0 at ``zero_at_m``: at 2 m a similarity of 0.5 is 1 m (TrackEval, MOT15 3D)."""

    zero_at_m: float = 2.0

    def reach(self, boxes: Float64s) -> tuple[Float64s, Float64s]:
        """Half of ``zero_at_m`` to both sides."""
        return boxes[:, 0] - self.zero_at_m / 2, boxes[:, 0] + self.zero_at_m / 2

    def of(self, first: Float64s, second: Float64s) -> Float64s:
        """(N, 2) points, metres."""
        return np.asarray(np.maximum(0.0, 1.0 - np.hypot(*(first - second).T) / self.zero_at_m))


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs with a similarity above 0, in order of frame, truth row, result row."""

    truth: Ints
    """(P,) int64, rows."""
    result: Ints
    """(P,) int64, rows."""
    similarity: Float64s
    """(P,) float64 in (0, 1]."""

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: slice | Ints | Bools) -> Pairs:
        return Pairs(self.truth[rows], self.result[rows], self.similarity[rows])


def find_pairs(truth: Tracks, result: Tracks, similarity: Similarity) -> Pairs:
    """All pairs of one frame with a similarity above 0, exact: a sweep along one axis leaves out hopeless ones."""
    found = [Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    if len(truth) and len(result):
        for first, second in _candidates(truth, result, similarity):
            alike = similarity.of(truth.boxes[first], result.boxes[second])
            good = np.flatnonzero(alike > 0)
            found.append(Pairs(first[good], second[good], alike[good]))
    pairs = Pairs(*(np.concatenate([getattr(p, n) for p in found]) for n in ("truth", "result", "similarity")))
    return pairs[np.argsort(pairs.truth * max(1, len(result)) + pairs.result, kind="stable")]


def _candidates(truth: Tracks, result: Tracks, similarity: Similarity) -> Iterator[tuple[Ints, Ints]]:
    """Rows of truth and result whose reach overlaps, a chunk at a time.

    In one frame's results sorted by lower end, those that can overlap a truth box end before the first that starts
    beyond it, and begin at the first for which any so far reaches into it. All frames lie side by side on one axis.
    """
    truth_low, truth_high = similarity.reach(truth.boxes)
    low, high = similarity.reach(result.boxes)
    high = np.maximum(low, high)
    frames = np.unique(np.concatenate([truth.frames, result.frames]))
    origin = min(float(truth_low.min()), float(low.min()))
    width = max(float(truth_high.max()), float(high.max())) - origin + 1.0
    slack = 1e-12 * width * (len(frames) + 1)
    truth_start, start = (np.searchsorted(frames, f) * width - origin for f in (truth.frames, result.frames))
    order = np.argsort(low + start, kind="stable")
    starts, furthest = (low + start)[order], np.maximum.accumulate((high + start)[order])
    begin = np.searchsorted(furthest, truth_low + truth_start - slack)
    end = np.maximum(begin, np.searchsorted(starts, truth_high + truth_start + slack, "right"))
    ends = np.cumsum(end - begin)
    first = 0
    while first < len(truth):
        done = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + CHUNK, "right")))
        count = (end - begin)[first:last]
        rows = np.repeat(np.arange(first, last), count)
        offset = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
        columns = order[np.repeat(begin[first:last], count) + offset]
        same = truth.frames[rows] == result.frames[columns]
        yield rows[same], columns[same]
        first = last
