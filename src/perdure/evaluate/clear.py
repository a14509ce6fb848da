"""CLEAR MOT: how many boxes are found, missed and made up, and how often an identity changes.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008, with the
details of TrackEval ``metrics/clear.py``: a match of the frame before is kept while it overlaps enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.evaluate.assign import alone, match_step
from perdure.evaluate.overlap import EPS, Overlaps
from perdure.types import Bools, Ints

THRESHOLD = 0.5
KEEP = 1000.0
"""Added to the similarity of a pair that was matched in the frame before: more than any frame's similarities."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Counts of one or several sequences, and the ratios that follow from them. Adding two combines them."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    idsw: int = 0
    """Matches whose truth was last matched with another result id."""
    frag: int = 0
    """How often a person is found again after having been lost."""
    mt: int = 0
    """People found in more than 80 % of their frames."""
    pt: int = 0
    ml: int = 0
    """People found in less than 20 % of their frames."""
    similarity_sum: float = 0.0

    def __add__(self, other: Clear) -> Clear:
        return Clear(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def mota(self) -> float:
        """1 minus errors per true box; 0 where there is no truth."""
        truth = self.tp + self.fn
        return (self.tp - self.fp - self.idsw) / truth if truth else 0.0

    @property
    def motp(self) -> float:
        """Mean similarity of the matches; 0 without any."""
        return self.similarity_sum / max(1, self.tp)

    @property
    def recall(self) -> float:
        """Share of the true boxes that is found."""
        return self.tp / max(1, self.tp + self.fn)

    @property
    def precision(self) -> float:
        """Share of the result boxes that is true."""
        return self.tp / max(1, self.tp + self.fp)


def clear(overlaps: Overlaps, threshold: float = THRESHOLD) -> Clear:
    """CLEAR counts of one sequence."""
    matched = _matches(overlaps, threshold)
    truth_rows = overlaps.pair_truth[matched]
    tp = len(truth_rows)
    people = int(overlaps.truth_ids.max(initial=-1)) + 1
    ratio = np.bincount(overlaps.truth_ids[truth_rows], minlength=people) / np.bincount(
        overlaps.truth_ids, minlength=people
    )
    mt = int(np.sum(ratio > 0.8))
    pt = int(np.sum(ratio >= 0.2)) - mt
    idsw, frag = _breaks(overlaps.truth_ids[truth_rows], overlaps.pair_result_ids[matched], overlaps.pair_step[matched])
    return Clear(
        tp=tp,
        fp=len(overlaps.result_ids) - tp,
        fn=len(overlaps.truth_ids) - tp,
        idsw=idsw,
        frag=frag,
        mt=mt,
        pt=pt,
        ml=people - mt - pt,
        similarity_sum=float(overlaps.similarity[matched].sum()),
    )


def _breaks(truth_ids: Ints, result_ids: Ints, steps: Ints) -> tuple[int, int]:
    """Identity switches and fragmentations of the matches."""
    order = np.lexsort((steps, truth_ids))
    truth_ids, result_ids, steps = truth_ids[order], result_ids[order], steps[order]
    same_person = np.diff(truth_ids) == 0
    switched = same_person & (np.diff(result_ids) != 0)
    resumed = same_person & (np.diff(steps) != 1)
    return int(switched.sum()), int(resumed.sum())


def _matches(overlaps: Overlaps, threshold: float) -> Ints:
    """The matched pairs, in order. Frames with contested boxes are solved in order of time: they look one step back."""
    pairs = np.flatnonzero(overlaps.similarity >= threshold - EPS)
    pair_truth, pair_result, step = overlaps.pair_truth[pairs], overlaps.pair_result[pairs], overlaps.pair_step[pairs]
    matched = alone(pair_truth, pair_result)
    free = matched.copy()
    truth_ids, result_ids = overlaps.truth_ids[pair_truth], overlaps.result_ids[pair_result]
    starts = np.searchsorted(step, np.arange(len(overlaps.truth_bounds) + 1))
    last = np.full(int(overlaps.truth_ids.max(initial=-1)) + 1, -1)
    for now in np.unique(step[~free]).tolist():
        here = slice(starts[now], starts[now + 1])
        before = _previous(matched, starts, now)
        last[truth_ids[before]] = result_ids[before]
        kept = last[truth_ids[here]] == result_ids[here]
        last[truth_ids[before]] = -1
        scores = overlaps.similarity[pairs[here]] + KEEP * kept
        matched[here] = match_step(overlaps, now, pair_truth[here], pair_result[here], scores, free[here])
    return pairs[matched]


def _previous(matched: Bools, starts: Ints, now: int) -> Ints:
    """The matched pairs of the step before."""
    if now == 0:
        return np.zeros(0, np.int64)
    return np.flatnonzero(matched[starts[now - 1] : starts[now]]) + int(starts[now - 1])
