"""The evidence of one frame as a list of near pairs instead of a matrix over all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.track import kernels
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
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

    def of_links(self, links: Ints) -> Float64s:
        """(M,) gain of each linked box; ``-inf`` where it is not linked."""
        gain = np.full(self.n_boxes, -np.inf)
        own = links[self.box] == self.track
        gain[self.box[own]] = self.gain[own]
        return gain

    def second_best(self, links: Ints) -> Float64s:
        """(M,) for each linked box the best other gain of its track or of itself; ``-inf`` where there is none."""
        return np.asarray(kernels.second_best(self.track, self.box, self.gain, links, self.n_tracks))

    def rivals(self, asked: Bools, within: float) -> Bools:
        """(M,) boxes with a gain above 0 and ``within`` of the best for one of the ``asked`` tracks (N,)."""
        return np.asarray(kernels.rivals(self.track, self.box, self.gain, asked, within, self.n_boxes))
