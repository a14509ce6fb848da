"""The evidence of one frame as a list of near pairs instead of a matrix over all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from perdure.types import Float64s, Ints


class Pairs(NamedTuple):
    """P pairs of a track and a box with what speaks for the link, in order of track."""

    track: Ints
    """(P,) rows of the table of tracks."""
    box: Ints
    """(P,) boxes of the scene."""
    gain: Float64s
    """(P,) nats."""
    n_tracks: int
    n_boxes: int

    @classmethod
    def none(cls) -> Pairs:
        """No pairs of nothing."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 0, 0)

    def with_looks(self, rows: Ints, llr: Float64s) -> Pairs:
        """The same pairs, plus ``llr`` (N, K) for those whose box is one of ``rows`` (K,)."""
        column = np.full(self.n_boxes, -1, np.int64)
        column[rows] = np.arange(len(rows))
        which = column[self.box]
        known = which >= 0
        gain = self.gain.copy()
        gain[known] += llr[self.track[known], which[known]]
        return Pairs(self.track, self.box, gain, self.n_tracks, self.n_boxes)
