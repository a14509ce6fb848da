"""The frames of a sequence that have both truth and result, in order: the steps of every matching."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.types import Ints

EPS = float(np.finfo(np.float64).eps)
"""TrackEval compares similarities with a threshold minus this."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Which rows and pairs belong to each of S steps."""

    truth: Ints
    """(S, 2) int64: truth boxes ``first`` to ``last - 1``."""
    result: Ints
    """(S, 2) int64, as above."""
    of_pair: Ints
    """(P,) int64, never decreasing."""
    starts: Ints
    """(S + 1,) int64: the first pair of each step, and the number of pairs."""

    @classmethod
    def of(cls, truth_frames: Ints, result_frames: Ints, pair_truth: Ints) -> Steps:
        """Steps of sorted frames (N,), (M,) and of pairs whose truth rows (P,) are in order of frame."""
        shared = np.intersect1d(truth_frames, result_frames)
        of_pair = np.searchsorted(shared, truth_frames[pair_truth])
        return cls(
            truth=_bounds(truth_frames, shared),
            result=_bounds(result_frames, shared),
            of_pair=of_pair,
            starts=np.searchsorted(of_pair, np.arange(len(shared) + 1)),
        )

    def pairs_of(self, step: int) -> slice:
        """The pairs of a step."""
        return slice(int(self.starts[step]), int(self.starts[step + 1]))

    def shape(self, step: int) -> tuple[int, int]:
        """How many truth and result boxes a step has."""
        return int(self.truth[step, 1] - self.truth[step, 0]), int(self.result[step, 1] - self.result[step, 0])


def _bounds(frames: Ints, wanted: Ints) -> Ints:
    """(S, 2): first and one past the last row of each wanted frame in sorted ``frames``."""
    return np.stack([np.searchsorted(frames, wanted), np.searchsorted(frames, wanted, "right")], axis=1)
