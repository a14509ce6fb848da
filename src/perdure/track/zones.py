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

from perdure.types import Bools, Float64s, Ints

_COLUMNS, _ROWS = 24, 14
_BORDER_SHARE = 0.03
INSIDE, AT_BORDER = 0.3, 0.6
"""Share of those lost that are gone for good, before anything was learned."""
_WEIGHT = 2.0
"""That prior is worth so many people."""
SURE = 0.8
"""From here on a place is an entry or an exit: that takes about five people inside, two at the border."""
_MEMORY = 0.999


class _Share:
    """For each cell of the picture how often one of two things happened there, and how often the other."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, _ROWS + 2, _COLUMNS + 2))

    def learn(self, rows: Ints, columns: Ints, outcome: int) -> None:
        """One more ``outcome`` (0 or 1) at each of these cells, and some of it around them; old ones fade."""
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            self._counts *= _MEMORY
            self._counts[outcome, row : row + 3, column : column + 3] += _SPREAD

    def of(self, rows: Ints, columns: Ints, prior: Float64s) -> Float64s:
        """(K,) share of outcome 1."""
        seen = self._counts[:, rows + 1, columns + 1]
        return np.asarray((seen[1] + _WEIGHT * prior) / (seen.sum(axis=0) + _WEIGHT))


_SPREAD = np.array([[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]])


class Zones:
    """Entries and exits of one camera. Boxes are (K, 4) xyxy px; a person stands where the middle of the feet is."""

    def __init__(self) -> None:
        self._exits, self._entries = _Share(), _Share()

    def gone(self, boxes: Float64s, size: tuple[int, int]) -> None:
        """These people were never seen again after these last boxes."""
        self._exits.learn(*_cells(boxes, size), 1)

    def came(self, boxes: Float64s, size: tuple[int, int]) -> None:
        """New people were first seen in these boxes."""
        self._entries.learn(*_cells(boxes, size), 1)

    def back(self, last: Float64s, now: Float64s, size: tuple[int, int]) -> None:
        """These people were lost at ``last`` and are seen again."""
        self._exits.learn(*_cells(last, size), 0)
        self._entries.learn(*_cells(now, size), 0)

    def leaving(self, boxes: Float64s, size: tuple[int, int]) -> Float64s:
        """(K,) probability that who is lost at this box is gone for good."""
        return self._exits.of(*_cells(boxes, size), _prior(boxes, size))

    def entering(self, boxes: Float64s, size: tuple[int, int]) -> Float64s:
        """(K,) probability that who turns up in this box is new, and not back from a gap."""
        return self._entries.of(*_cells(boxes, size), _prior(boxes, size))


def touches_border(boxes: Float64s, size: tuple[int, int]) -> Bools:
    """(K,) which boxes reach within 3 % of the picture's border."""
    width, height = size
    margin_x, margin_y = _BORDER_SHARE * width, _BORDER_SHARE * height
    sideways = (boxes[:, 0] <= margin_x) | (boxes[:, 2] >= width - margin_x)
    return np.asarray(sideways | (boxes[:, 1] <= margin_y) | (boxes[:, 3] >= height - margin_y))


def _prior(boxes: Float64s, size: tuple[int, int]) -> Float64s:
    return np.where(touches_border(boxes, size), AT_BORDER, INSIDE)


def _cells(boxes: Float64s, size: tuple[int, int]) -> tuple[Ints, Ints]:
    """Rows and columns of the feet."""
    columns = np.clip((boxes[:, 0] + boxes[:, 2]) / 2 / size[0] * _COLUMNS, 0, _COLUMNS - 1).astype(np.int64)
    return np.clip(boxes[:, 3] / size[1] * _ROWS, 0, _ROWS - 1).astype(np.int64), columns
