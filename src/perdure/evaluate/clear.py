"""CLEAR MOT: how many boxes are found, missed and made up, and how often an identity changes.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008, with the
details of TrackEval ``metrics/clear.py``: a match of the frame before is kept while it overlaps enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perdure.evaluate.assign import match_step
from perdure.evaluate.overlap import Overlaps
from perdure.evaluate.steps import EPS
from perdure.types import Ints

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
    matched = matches(overlaps, threshold)
    pairs = overlaps.pairs[matched]
    truth_ids, result_ids = overlaps.truth_ids[pairs.truth], overlaps.result_ids[pairs.result]
    boxes = np.bincount(overlaps.truth_ids)
    ratio = np.bincount(truth_ids, minlength=len(boxes)) / boxes
    mt = int(np.sum(ratio > 0.8))
    pt = int(np.sum(ratio >= 0.2)) - mt
    idsw, frag = _breaks(truth_ids, result_ids, overlaps.steps.of_pair[matched])
    return Clear(
        tp=len(pairs),
        fp=len(overlaps.result_ids) - len(pairs),
        fn=len(overlaps.truth_ids) - len(pairs),
        idsw=idsw,
        frag=frag,
        mt=mt,
        pt=pt,
        ml=len(boxes) - mt - pt,
        similarity_sum=float(pairs.similarity.sum()),
    )


def _breaks(truth_ids: Ints, result_ids: Ints, steps: Ints) -> tuple[int, int]:
    """Identity switches and fragmentations of the matches."""
    order = np.lexsort((steps, truth_ids))
    truth_ids, result_ids, steps = truth_ids[order], result_ids[order], steps[order]
    same_person = np.diff(truth_ids) == 0
    switched = same_person & (np.diff(result_ids) != 0)
    resumed = same_person & (np.diff(steps) != 1)
    return int(switched.sum()), int(resumed.sum())


def matches(overlaps: Overlaps, threshold: float = THRESHOLD) -> Ints:
    """The matched pairs as rows of ``overlaps.pairs``, in order.

    Boxes that overlap one other box only are matched at once. The rest is solved in order of time, one step looking
    back at the one before.
    """
    close = np.flatnonzero(overlaps.pairs.similarity >= threshold - EPS)
    pairs = overlaps.pairs[close]
    steps = replace(
        overlaps.steps,
        of_pair=overlaps.steps.of_pair[close],
        starts=np.searchsorted(close, overlaps.steps.starts),
    )
    truth_ids, result_ids = overlaps.truth_ids[pairs.truth], overlaps.result_ids[pairs.result]
    alone = (_count(pairs.truth) == 1) & (_count(pairs.result) == 1)
    matched = alone.copy()
    last = np.full(int(overlaps.truth_ids.max(initial=-1)) + 1, -1)
    for step in np.unique(steps.of_pair[~alone]).tolist():
        here = steps.pairs_of(step)
        if step:
            before = steps.pairs_of(step - 1)
            last[truth_ids[before][matched[before]]] = result_ids[before][matched[before]]
        kept = last[truth_ids[here]] == result_ids[here]
        last[:] = -1
        scores = pairs.similarity[here] + KEEP * kept
        matched[here] = match_step(pairs[here], scores, alone[here], ~alone[here], steps, step)
    return np.asarray(close[matched])


def _count(rows: Ints) -> Ints:
    """(P,) how many pairs have the same row."""
    return np.asarray(np.bincount(rows, minlength=1), np.int64)[rows]
