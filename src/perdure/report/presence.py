"""Who is where before a camera at any moment, from the paths of the tracklets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from perdure.report.colours import Colour, colour_of
from perdure.report.overlay import Mark
from perdure.report.result import CameraRun, RunResult
from perdure.types import Bools, Float64s, Identity

TRAIL_S: Final = 2.0
BRIDGE_S: Final = 1.0
"""Between two boxes of one tracklet that are not further apart, the box is interpolated."""
_TRAIL_POINTS: Final = 24
_SMOOTH_POINTS: Final = 7
_SAME_S: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """Where one tracklet goes."""

    label: str
    colour: Colour
    identity: str
    at: Float64s
    """(T,), s."""
    boxes: Float64s
    """(T, 5): x1, y1, x2, y2, score."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Everybody whom one camera saw, at any moment."""

    walks: tuple[_Walk, ...]
    starts: Float64s
    ends: Float64s
    look_s: float
    """Seconds from one frame on which people were searched to the next."""

    @classmethod
    def of(cls, result: RunResult, camera: CameraRun) -> People:
        """Everybody with their final identity."""
        walks = []
        for identity in result.identities:
            for sighting in identity.sightings:
                tracklet = result.tracklets[sighting.tracklet]
                if tracklet.camera == camera.name and len(tracklet.path):
                    at, boxes = tracklet.path[:, 0], tracklet.path[:, 2:7]
                    walks.append(_Walk(_label(identity), colour_of(identity.id), identity.id, at, boxes))
        starts, ends = np.array([walk.at[0] for walk in walks]), np.array([walk.at[-1] for walk in walks])
        return cls(tuple(walks), starts, ends, camera.footage_s / max(1, camera.looked_at - 1))

    def marks(self, at: float) -> list[Mark]:
        """Who is where at one moment; of two boxes of one person the one with the better score."""
        best: dict[str, tuple[float, Mark]] = {}
        for place in np.flatnonzero(self._here(at)):
            walk = self.walks[place]
            box = self._box(walk, at)
            if box is not None and box[4] > best.get(walk.identity, (-math.inf,))[0]:
                mark = Mark(walk.label, walk.colour, box[:4].astype(np.float32), _trail(walk, at, box))
                best[walk.identity] = float(box[4]), mark
        return [mark for _, mark in best.values()]

    def _here(self, at: float) -> Bools:
        return np.asarray((self.starts <= at + _SAME_S) & (self.ends + self._hold_s >= at))

    @property
    def _hold_s(self) -> float:
        """A box stays until just before the next look, and no longer than a second."""
        return min(0.9 * self.look_s, BRIDGE_S) + _SAME_S

    def _box(self, walk: _Walk, at: float) -> Float64s | None:
        """(5,) box and score, between two boxes in a straight line; None where nothing is known."""
        before = int(np.searchsorted(walk.at, at + _SAME_S, "right")) - 1
        since = at - walk.at[before]
        if before + 1 == len(walk.at) or since <= _SAME_S:
            return np.asarray(walk.boxes[before])
        gap = walk.at[before + 1] - walk.at[before]
        if gap > max(BRIDGE_S, 1.5 * self.look_s):
            return np.asarray(walk.boxes[before]) if since <= self._hold_s else None
        share = since / gap
        return np.asarray((1 - share) * walk.boxes[before] + share * walk.boxes[before + 1])


def _label(identity: Identity) -> str:
    return f"{identity.id} {identity.name}".strip() if identity.name.isascii() else identity.id


def _trail(walk: _Walk, at: float, box: Float64s) -> Float64s:
    """(K, 3) foot points of the last seconds, smoothed, with how fresh they are; the last one is that of the box."""
    first, last = np.searchsorted(walk.at, (at - TRAIL_S, at))
    every = max(1, -(-int(last - first) // _TRAIL_POINTS))
    rows = np.arange(last - 1, first - 1, -every)[::-1]
    boxes, times = np.vstack([walk.boxes[rows], box]), np.append(walk.at[rows], at)
    feet = np.column_stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, 3]])
    smooth = uniform_filter1d(feet, _SMOOTH_POINTS, axis=0, mode="nearest")
    smooth[-1] = feet[-1]
    return np.column_stack([smooth, 1 - (at - times) / TRAIL_S])
