"""The best one-to-one matching of truth and result boxes, frame by frame, exact."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure.evaluate.pairs import Pairs
from perdure.evaluate.steps import Steps
from perdure.types import Bools, Float64s, Ints

TIE = 1e-9
"""Two matchings of a frame whose scores differ by less are a tie. Far above rounding, far below any real difference."""


def best_matching(pairs: Pairs, scores: Float64s, steps: Steps) -> Bools:
    """(P,) bool: the pairs of every frame's best matching by the sum of ``scores`` (P,) > 0."""
    matched, contested = settle(pairs, scores)
    for step in np.unique(steps.of_pair[contested]).tolist():
        here = steps.pairs_of(step)
        matched[here] = match_step(pairs[here], scores[here], matched[here], contested[here], steps, step)
    return matched


def settle(pairs: Pairs, scores: Float64s) -> tuple[Bools, Bools]:
    """(P,) bool each: pairs that every best matching has, and pairs that are still open.

    A pair that scores more than the best rivals of its two boxes together is in every best matching: putting it in
    costs at most these two. What it leaves behind may settle in turn.
    """
    matched, contested = np.zeros(len(pairs), np.bool_), np.ones(len(pairs), np.bool_)
    while True:
        rows = np.flatnonzero(contested)
        truth, result, score = pairs.truth[rows], pairs.result[rows], scores[rows]
        sure = rows[score > _best_rival(truth, score) + _best_rival(result, score) + TIE]
        if not len(sure):
            return matched, contested
        matched[sure] = True
        contested[rows[np.isin(truth, pairs.truth[sure]) | np.isin(result, pairs.result[sure])]] = False


def _best_rival(box: Ints, score: Float64s) -> Float64s:
    """(P,) the best score among the other pairs of the same box, 0 without any."""
    size = int(box.max(initial=-1)) + 1
    best, second = np.zeros(size), np.zeros(size)
    np.maximum.at(best, box, score)
    top = score == best[box]
    np.maximum.at(second, box[~top], score[~top])
    unrivalled = top & (np.bincount(box[top], minlength=size)[box] == 1)
    return np.where(unrivalled, second[box], best[box])


def match_step(pairs: Pairs, scores: Float64s, sure: Bools, contested: Bools, steps: Steps, step: int) -> Bools:
    """(P,) bool: the best matching of one step's pairs, of which ``settle`` found some.

    Where several matchings are best, the whole frame is handed to ``linear_sum_assignment``, so that ties break as they
    do in TrackEval.
    """
    rows = np.flatnonzero(contested)
    truths, truth = np.unique(pairs.truth[rows], return_inverse=True)
    results, result = np.unique(pairs.result[rows], return_inverse=True)
    shape = (len(truths), len(results))
    picked = _assigned(truth, result, scores[rows], shape)
    if np.array_equal(picked, _assigned(truth, result, scores[rows] - TIE * picked, shape)):
        matched = sure.copy()
        matched[rows] = picked
        return matched
    whole = pairs.truth - steps.truth[step, 0], pairs.result - steps.result[step, 0]
    return _assigned(*whole, scores, steps.shape(step))


def _assigned(truth: Ints, result: Ints, scores: Float64s, shape: tuple[int, int]) -> Bools:
    """(P,) bool: the pairs in the best assignment of a table that is 0 elsewhere."""
    table = np.zeros(shape)
    table[truth, result] = scores
    match = np.full(shape[0], -1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    match[rows] = columns
    return np.asarray(match[truth] == result)
