"""Who cannot be whom: one person is not in two places at once."""

from __future__ import annotations

import numpy as np

from perdure.geometry import area, intersection_each
from perdure.types import Float64s, Tracklet

SAME_BOX_SHARE = 0.6
"""Two boxes of which the smaller lies inside the other by this share may be one person found twice."""


def seen_apart(first: Tracklet, second: Tracklet) -> bool:
    """True where one camera saw both in the same frame, at different places: two people for sure.

    Two tracklets over the same boxes are one person found twice, which proves nothing.
    """
    if first.camera != second.camera:
        return False
    _, rows, others = np.intersect1d(first.path[:, 1], second.path[:, 1], return_indices=True)
    if len(rows) == 0:
        return False
    share = _smaller_inside(first.path[rows, 2:6], second.path[others, 2:6])
    return not float(np.median(share)) >= SAME_BOX_SHARE  # NaN: boxes unknown, yet both were seen


def overlap_s(first: Tracklet, second: Tracklet) -> float:
    """Seconds for which both were seen; negative where they were not."""
    return min(first.end, second.end) - max(first.start, second.start)


def _smaller_inside(first: Float64s, second: Float64s) -> Float64s:
    """(T,) share of the smaller of two boxes that lies in the other, frame by frame."""
    smaller = np.minimum(area(first), area(second))
    shared = intersection_each(first, second)
    return np.asarray(np.divide(shared, smaller, out=np.full(len(shared), np.nan), where=smaller > 0))
