"""Where people enter and leave the picture of one camera, learned from tracks that end for good or come back.

A person lost in a doorway has left; one lost behind a pillar comes back. Each place of the picture learns which of the
two it is from what happened there, and the same backwards in time: do people who turn up here come from a gap, or are
they new? Before anything was seen the border of the picture counts as an exit.

Idea: Makris & Ellis, "Automatic Learning of an Activity-Based Semantic Scene Model", AVSS 2003 (entry and exit zones
from where trajectories begin and end); here a Beta-Bernoulli share per cell instead of a mixture of Gaussians, which
also counts those who came back, needs no number of zones, and learns with every track.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.types import Bools, Float64s

_COLUMNS, _ROWS = 24, 14
COUNTS = (2, _ROWS + 2, _COLUMNS + 2)
"""Shape of what is counted: outcome, row, column, with a rim for what is spread over the border."""
_BORDER_SHARE = 0.03
INSIDE, AT_BORDER = 0.3, 0.6
"""Share of those lost that are gone for good, before anything was learned."""
_WEIGHT = 2.0
"""That prior is worth so many people."""
SURE = 0.8
"""From here on a place is an entry or an exit: that takes about five people inside, two at the border."""
_MEMORY = 0.999
_SPREAD = (0.5, 1.0, 0.5)
"""Of an outcome over its cell and the neighbours, in each direction."""


class _Share:
    """For each cell of the picture how often one of two things happened there, and how often the other."""

    def __init__(self) -> None:
        self.counts = np.zeros(COUNTS)

    def learn(self, boxes: Float64s, size: tuple[int, int], outcome: int) -> None:
        """One more ``outcome`` (0 or 1) at each of these boxes, and some of it around them; old ones fade."""
        learn_outcome(self.counts, np.ascontiguousarray(boxes, np.float64), (float(size[0]), float(size[1])), outcome)

    def of(self, boxes: Float64s, size: tuple[int, int]) -> Float64s:
        """(K,) share of outcome 1."""
        at = np.ascontiguousarray(boxes, np.float64)
        return np.asarray(share_of(self.counts, at, (float(size[0]), float(size[1]))))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def learn_outcome(counts: Float64s, boxes: Float64s, size: tuple[float, float], outcome: int) -> None:
    """See ``_Share.learn``."""
    for k in range(len(boxes)):
        row, column = _cell(boxes[k], size)
        counts *= _MEMORY
        for r in range(3):
            for c in range(3):
                counts[outcome, row + r, column + c] += _SPREAD[r] * _SPREAD[c]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def share_of(counts: Float64s, boxes: Float64s, size: tuple[float, float]) -> Float64s:
    """See ``_Share.of``."""
    shares = np.empty(len(boxes))
    for k in range(len(boxes)):
        row, column = _cell(boxes[k], size)
        first, second = counts[0, row + 1, column + 1], counts[1, row + 1, column + 1]
        prior = AT_BORDER if _at_border(boxes[k], size) else INSIDE
        shares[k] = (second + _WEIGHT * prior) / (first + second + _WEIGHT)
    return shares


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _cell(box: Float64s, size: tuple[float, float]) -> tuple[int, int]:
    """Row and column of the feet."""
    column = min(max((box[0] + box[2]) / 2 / size[0] * _COLUMNS, 0.0), _COLUMNS - 1.0)
    return int(min(max(box[3] / size[1] * _ROWS, 0.0), _ROWS - 1.0)), int(column)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _at_borders(boxes: Float64s, size: tuple[float, float]) -> Bools:
    touching = np.empty(len(boxes), np.bool_)
    for k in range(len(boxes)):
        touching[k] = _at_border(boxes[k], size)
    return touching


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _at_border(box: Float64s, size: tuple[float, float]) -> bool:
    x, y = _BORDER_SHARE * size[0], _BORDER_SHARE * size[1]
    return bool(box[0] <= x or box[2] >= size[0] - x or box[1] <= y or box[3] >= size[1] - y)


class Zones:
    """Entries and exits of one camera. Boxes are (K, 4) xyxy px; a person stands where the middle of the feet is."""

    def __init__(self) -> None:
        self.exits, self.entries = _Share(), _Share()

    def forget(self) -> None:
        """The camera shows another place now."""
        self.exits, self.entries = _Share(), _Share()

    def gone(self, boxes: Float64s, size: tuple[int, int]) -> None:
        """These people were never seen again after these last boxes."""
        self.exits.learn(boxes, size, 1)

    def came(self, boxes: Float64s, size: tuple[int, int]) -> None:
        """New people were first seen in these boxes."""
        self.entries.learn(boxes, size, 1)

    def back(self, last: Float64s, now: Float64s, size: tuple[int, int]) -> None:
        """These people were lost at ``last`` and are seen again."""
        self.exits.learn(last, size, 0)
        self.entries.learn(now, size, 0)

    def leaving(self, boxes: Float64s, size: tuple[int, int]) -> Float64s:
        """(K,) probability that who is lost at this box is gone for good."""
        return self.exits.of(boxes, size)

    def entering(self, boxes: Float64s, size: tuple[int, int]) -> Float64s:
        """(K,) probability that who turns up in this box is new, and not back from a gap."""
        return self.entries.of(boxes, size)


def touches_border(boxes: Float64s, size: tuple[int, int]) -> Bools:
    """(K,) which boxes reach within 3 % of the picture's border."""
    return np.asarray(_at_borders(np.ascontiguousarray(boxes, np.float64), (float(size[0]), float(size[1]))))
