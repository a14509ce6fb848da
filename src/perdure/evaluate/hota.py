"""HOTA: detection and association weighed equally, over 19 demands on localisation.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021, eq. 12 to 22, with the
details of TrackEval ``metrics/hota.py``: one matching for all thresholds, by similarity times how well the two tracks
agree over the whole sequence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.evaluate.assign import best_matching
from perdure.evaluate.overlap import Overlaps, shares
from perdure.evaluate.steps import EPS
from perdure.types import Float64s

ALPHAS: Float64s = np.arange(0.05, 0.99, 0.05)
"""(19,) the localisation thresholds 0.05, 0.10, ..., 0.95."""


@dataclass(frozen=True, slots=True, eq=False)
class Hota:
    """Sums of one or several sequences per threshold, (19,) float64 each. Adding two combines them."""

    tp: Float64s
    fp: Float64s
    fn: Float64s
    association: Float64s
    """Sum over the matches of the Jaccard index of their two tracks."""
    association_recall: Float64s
    association_precision: Float64s
    similarity: Float64s

    def __add__(self, other: Hota) -> Hota:
        return Hota(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def det_a(self) -> Float64s:
        """(19,) detection accuracy."""
        return self.tp / np.maximum(1, self.tp + self.fn + self.fp)

    @property
    def det_re(self) -> Float64s:
        """(19,) detection recall."""
        return self.tp / np.maximum(1, self.tp + self.fn)

    @property
    def det_pr(self) -> Float64s:
        """(19,) detection precision."""
        return self.tp / np.maximum(1, self.tp + self.fp)

    @property
    def ass_a(self) -> Float64s:
        """(19,) association accuracy."""
        return self.association / np.maximum(1, self.tp)

    @property
    def ass_re(self) -> Float64s:
        """(19,) association recall."""
        return self.association_recall / np.maximum(1, self.tp)

    @property
    def ass_pr(self) -> Float64s:
        """(19,) association precision."""
        return self.association_precision / np.maximum(1, self.tp)

    @property
    def loc_a(self) -> Float64s:
        """(19,) localisation accuracy; 1 where nothing is matched."""
        return np.maximum(1e-10, self.similarity) / np.maximum(1e-10, self.tp)

    @property
    def hota(self) -> Float64s:
        """(19,) geometric mean of detection and association accuracy."""
        return np.sqrt(self.det_a * self.ass_a)


def hota(overlaps: Overlaps) -> Hota:
    """HOTA sums of one sequence."""
    truth_count, result_count = np.bincount(overlaps.truth_ids), np.bincount(overlaps.result_ids)
    truth_ids, result_ids = overlaps.pair_truth_ids, overlaps.pair_result_ids
    tracks, track = np.unique(truth_ids * max(1, len(result_count)) + result_ids, return_inverse=True)
    truth_of, result_of = tracks // max(1, len(result_count)), tracks % max(1, len(result_count))
    both = truth_count[truth_of] + result_count[result_of]
    agreement = np.bincount(track, shares(overlaps), minlength=len(tracks))
    scores = (agreement / (both - agreement))[track] * overlaps.pairs.similarity
    matched = best_matching(overlaps.pairs, scores, overlaps.steps)

    similarity, track = overlaps.pairs.similarity[matched], track[matched]
    hit = similarity[:, None] >= ALPHAS - EPS
    tp = hit.sum(0).astype(np.float64)
    counts = np.stack([np.bincount(track[hit[:, a]], minlength=len(tracks)) for a in range(len(ALPHAS))]).astype(float)
    return Hota(
        tp=tp,
        fp=len(overlaps.result_ids) - tp,
        fn=len(overlaps.truth_ids) - tp,
        association=(counts * counts / np.maximum(1, both - counts)).sum(1),
        association_recall=(counts * counts / truth_count[truth_of]).sum(1),
        association_precision=(counts * counts / result_count[result_of]).sum(1),
        similarity=similarity @ hit,
    )
