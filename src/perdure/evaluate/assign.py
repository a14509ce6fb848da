"""The best one-to-one matching of truth and result boxes, frame by frame, exact."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure.evaluate.overlap import Overlaps
from perdure.types import Bools, Float64s, Ints

TIE = 1e-9
"""Two matchings of a frame whose scores differ by less are a tie. Far above rounding, far below any real difference."""


def alone(pair_truth: Ints, pair_result: Ints) -> Bools:
    """(P,) bool: pairs whose boxes are in no other pair; every best matching of positive scores has them."""
    if not len(pair_truth):
        return np.zeros(0, np.bool_)
    return np.asarray((np.bincount(pair_truth)[pair_truth] == 1) & (np.bincount(pair_result)[pair_result] == 1))


def match_step(
    overlaps: Overlaps, step: int, pair_truth: Ints, pair_result: Ints, scores: Float64s, free: Bools
) -> Bools:
    """(P,) bool: the pairs of one step in its best matching, by the sum of scores.

    Only pairs of contested boxes are solved for. Where several matchings are best, the whole frame is handed to
    ``linear_sum_assignment``, so that ties break as they do in TrackEval.

    Args:
        overlaps: where the boxes of the step are.
        step: which step.
        pair_truth: (P,) truth row of each pair.
        pair_result: (P,) result row of each pair.
        scores: (P,) > 0.
        free: (P,) bool, see ``alone``.
    """
    chosen = free.copy()
    contested = np.flatnonzero(~free)
    rows, row = np.unique(pair_truth[contested], return_inverse=True)
    columns, column = np.unique(pair_result[contested], return_inverse=True)
    picked = _best(row, column, scores[contested], (len(rows), len(columns)))
    again = _best(row, column, scores[contested] - TIE * picked, (len(rows), len(columns)))
    if not np.array_equal(picked, again):
        truth_first, truth_last = overlaps.truth_bounds[step].tolist()
        result_first, result_last = overlaps.result_bounds[step].tolist()
        shape = (truth_last - truth_first, result_last - result_first)
        return _best(pair_truth - truth_first, pair_result - result_first, scores, shape)
    chosen[contested] = picked
    return chosen


def _best(row: Ints, column: Ints, scores: Float64s, shape: tuple[int, int]) -> Bools:
    table = np.zeros(shape)
    table[row, column] = scores
    match = np.full(shape[0], -1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    match[rows] = columns
    return np.asarray(match[row] == column)
