"""Zones and lines, drawn on the pictures of cameras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np

from perdure.types import Float64s

Point: TypeAlias = tuple[float, float]
"""x and y as shares of the picture's width and height, so that they hold at any resolution."""
_ON_BORDER = 0.02
"""Who draws this near to the picture's border means the border."""
_BEYOND = 0.1


@dataclass(frozen=True)
class Zone:
    """A part of the floor; somebody is in it whose foot point is."""

    camera: str
    name: str
    polygon: tuple[Point, ...]
    """Three corners or more; it may not cross itself."""
    min_stay_s: float = 1.0
    """Shorter stays do not count."""
    max_people: int | None = None
    """More are too many; None: as many as like."""
    loiter_after_s: float | None = None
    """A longer stay is loitering; None: never."""
    queue: bool = False
    """People here wait to be served."""
    served_by: str = ""
    """The line of this camera that people cross when they were served."""

    @property
    def place(self) -> str:
        """What names it in a site."""
        return f"{self.camera}/{self.name}"

    @cached_property
    def outline(self) -> Float64s:
        """(M, 2) float64, its corners; where it goes along the picture's border it goes well beyond.

        Somebody half cut off by the border stands on it, and is not in doubt.
        """
        corners = np.array(self.polygon, np.float64)
        corners = np.where(corners < _ON_BORDER, 0.0, np.where(corners > 1 - _ON_BORDER, 1.0, corners))
        outline: list[Float64s] = []
        count = len(corners)
        leads = [_outwards(corners[i], corners[(i + 1) % count]) for i in range(count)]
        for i, corner in enumerate(corners):
            before, after = leads[i - 1], leads[i]
            if before is not None and after is not None:
                outline += [corner + before, corner + before + after, corner + after]
            elif before is not None:
                outline += [corner + before, corner]
            elif after is not None:
                outline += [corner, corner + after]
            else:
                outline.append(corner)
        return np.array(outline)


@dataclass(frozen=True, slots=True)
class Line:
    """A segment that people cross: *in* from its left to its right, looking from its start to its end, else *out*."""

    camera: str
    name: str
    start: Point
    end: Point

    @property
    def place(self) -> str:
        """What names it in a site."""
        return f"{self.camera}/{self.name}"


@dataclass(frozen=True)
class Places:
    """All that is drawn at a site, and what counts as too many or too long."""

    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    """The most people at once, by place: a zone's, a camera, "" for the whole site."""
    gap_s: float = 5.0
    """Unseen or outside for no longer than this, somebody has not left a zone."""
    hold_s: float = 3.0
    """See ``occupancy.crowds``."""
    loiter_after_s: float | None = None
    loiter_within_s: float = 3600.0
    """See ``loiter.loitering``."""
    since: float = -math.inf
    """UTC seconds: visits that ended before keep the stays and crossings that were told of them, for it was drawn
    otherwise then."""

    def of_camera(self, camera: str) -> tuple[list[Zone], list[Line]]:
        """What is drawn on its picture."""
        return [z for z in self.zones if z.camera == camera], [line for line in self.lines if line.camera == camera]


NOWHERE: Final = Places()
"""Nothing is drawn."""


def _outwards(first: Float64s, second: Float64s) -> Float64s | None:
    """Where to, if a side goes along the picture's border; None where it does not."""
    for axis in (0, 1):
        for border, step in ((0.0, -_BEYOND), (1.0, _BEYOND)):
            if first[axis] == second[axis] == border:
                out = np.zeros(2)
                out[axis] = step
                return out
    return None
