"""Which camera has whom in view, and when, from where people walk: a day of a plan without a single picture.

Walls, furniture and the distance hide people, as in the coverage study; other people do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from perdure.simulate.people import Walk
from perdure.simulate.plan import Plan
from perdure.simulate.stream_traffic import Stay
from perdure.simulate.study import USABLE_PX, study
from perdure.types import Bools, Float64s

STEP_S: Final = 0.2
BRIDGED_S: Final = 2.0
"""A tracker follows somebody who is hidden for so long; then it is another stay."""
LEAST_S: Final = 1.0
"""Whoever is in view for less is not noticed."""


def routes(
    plan: Plan, walks: Sequence[Walk], start_at: float = 0.0, least_px: float = USABLE_PX
) -> list[tuple[Stay, ...]]:
    """The visits of a day that some camera sees, in order of arrival, each as its stays in order of time.

    Args:
        plan: cameras are numbered in its order.
        walks: who walks where; visits are numbered in this order.
        start_at: UTC seconds at which the day begins.
        least_px: who appears smaller is not found.
    """
    coverage = study(plan)
    seen, nearest = coverage.seen(least_px), cKDTree(coverage.places)
    found = [_route(walk, number, seen, nearest, start_at) for number, walk in enumerate(walks)]
    return sorted((route for route in found if route), key=lambda route: (route[0].start, route[0].visit))


def _route(walk: Walk, visit: int, seen_at: Bools, nearest: cKDTree, start_at: float) -> tuple[Stay, ...]:
    at = np.arange(walk.start, walk.end + STEP_S, STEP_S)
    where = np.column_stack([np.interp(at, walk.at, walk.x), np.interp(at, walk.at, walk.y)])
    seen = seen_at[nearest.query(where)[1]]
    stays = [
        Stay(walk.guest.id, visit, camera, start_at + start, start_at + end)
        for camera in range(seen.shape[1])
        for start, end in _spans(at, seen[:, camera])
    ]
    return tuple(sorted(stays, key=lambda stay: (stay.start, stay.camera)))


def _spans(at: Float64s, seen: Bools) -> list[tuple[float, float]]:
    """From when to when somebody is in view, short absences bridged."""
    moments = at[seen]
    if not len(moments):
        return []
    parts = np.split(moments, np.flatnonzero(np.diff(moments) > BRIDGED_S) + 1)
    return [(float(part[0]), float(part[-1])) for part in parts if part[-1] - part[0] >= LEAST_S]
