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

    @classmethod
    def near(
        cls,
        place: Float64s,
        spread: Float64s,
        active: Bools,
        measured: Float64s,
        offset: Float64s,
        terms: tuple[float, float, float, float],
        floor: float,
    ) -> Pairs:
        """All pairs with a gain above ``floor``; ``terms``: degrees of freedom, weight and buffer of the overlap.

        See ``kernels.near_pairs``.
        """
        room = 8 * (len(place) + len(measured)) + 64
        by_x = np.argsort(measured[:, 0])
        while True:
            track, box, gain = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
            found = kernels.near_pairs(place, spread, active, measured, by_x, offset, *terms, floor, track, box, gain)
            if found <= room:
                return cls(track[:found], box[:found], gain[:found], len(place), len(measured))
            room = found

    def with_looks(self, rows: Ints, llr: Float64s) -> Pairs:
        """The same pairs, plus ``llr`` (N, K) for those whose box is one of ``rows`` (K,)."""
        column = np.full(self.n_boxes, -1, np.int64)
        column[rows] = np.arange(len(rows))
        which = column[self.box]
        known = which >= 0
        gain = self.gain.copy()
        gain[known] += llr[self.track[known], which[known]]
        return Pairs(self.track, self.box, gain, self.n_tracks, self.n_boxes)

    def linked(self, passes: tuple[tuple[Bools, Bools], ...]) -> Ints:
        """(M,) links of several passes, each a mask of tracks (N,) and one of boxes (M,), in turn."""
        links, free = np.full(self.n_boxes, -1, np.int64), np.ones(self.n_tracks, np.bool_)
        for tracks, boxes in passes:
            joins = tracks[self.track] & boxes[self.box]
            kernels.link_pairs(self.track, self.box, self.gain, joins, links, free)
        return links

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
