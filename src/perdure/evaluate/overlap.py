"""What can be matched in a sequence after MOTChallenge preprocessing: the sparse table every tracking metric reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.evaluate.assign import best_matching
from perdure.evaluate.pairs import Pairs, Similarity, find_pairs
from perdure.evaluate.steps import EPS, Steps
from perdure.evaluate.tracks import Tracks, Truth
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """The boxes that count, in order of frame with ids renumbered from 0, and their pairs."""

    truth_ids: Ints
    """(N,) int64."""
    result_ids: Ints
    """(M,) int64."""
    pairs: Pairs
    """Similarities above 0; rows of the boxes that count."""
    steps: Steps
    result_kept: Bools
    """Which of the result boxes given are the M that count."""

    @property
    def pair_truth_ids(self) -> Ints:
        """(P,) int64."""
        return self.truth_ids[self.pairs.truth]

    @property
    def pair_result_ids(self) -> Ints:
        """(P,) int64."""
        return self.result_ids[self.pairs.result]


def overlaps(truth: Truth, result: Tracks, similarity: Similarity) -> Overlaps:
    """The pairs that may be matched.

    Preprocessing as in TrackEval ``datasets/mot_challenge_2d_box.py`` ``get_preprocessed_seq_data``: result boxes that
    a one-to-one matching at similarity 0.5 gives to a distractor are taken out, then truth boxes that do not count.
    """
    pairs = find_pairs(truth.tracks, result, similarity)
    kept = np.ones(len(result), np.bool_)
    kept[_distracted(truth, result, pairs)] = False
    pairs = pairs[kept[pairs.result] & truth.counted[pairs.truth]]
    pairs = Pairs((np.cumsum(truth.counted) - 1)[pairs.truth], (np.cumsum(kept) - 1)[pairs.result], pairs.similarity)
    frames, result_frames = truth.tracks.frames[truth.counted], result.frames[kept]
    return Overlaps(
        truth_ids=_renumbered(truth.tracks.ids[truth.counted]),
        result_ids=_renumbered(result.ids[kept]),
        pairs=pairs,
        steps=Steps.of(frames, result_frames, pairs.truth),
        result_kept=kept,
    )


def _distracted(truth: Truth, result: Tracks, pairs: Pairs) -> Ints:
    """Rows of the result that the matching gives to a distractor."""
    if not truth.distractor.any():
        return np.zeros(0, np.int64)
    pairs = pairs[pairs.similarity >= 0.5 - EPS]
    steps = Steps.of(truth.tracks.frames, result.frames, pairs.truth)
    pairs = pairs[best_matching(pairs, pairs.similarity, steps)]
    return pairs.result[truth.distractor[pairs.truth]]


def shares(overlaps: Overlaps) -> Float64s:
    """(P,) a pair's similarity over all similarity of its two boxes in their frame (HOTA paper, sec. 4.5).

    Summed from a full table of each frame, as TrackEval ``metrics/hota.py`` does: another order of summation would
    break exact ties in another way.
    """
    pairs, steps = overlaps.pairs, overlaps.steps
    share = np.zeros(len(pairs))
    for step in np.unique(steps.of_pair).tolist():
        here = steps.pairs_of(step)
        rows, columns = pairs.truth[here] - steps.truth[step, 0], pairs.result[here] - steps.result[step, 0]
        table = np.zeros(steps.shape(step))
        table[rows, columns] = pairs.similarity[here]
        share[here] = table.sum(0)[columns] + table.sum(1)[rows]
    share -= pairs.similarity
    return np.divide(pairs.similarity, share, out=np.zeros(len(pairs)), where=share > EPS)


def _renumbered(ids: Ints) -> Ints:
    return np.unique(ids, return_inverse=True)[1].reshape(-1)
