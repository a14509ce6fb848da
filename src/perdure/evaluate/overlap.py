"""Which truth boxes and result boxes can be matched at all: the sparse table every tracking metric starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure.evaluate.tracks import Tracks, Truth
from perdure.geometry import Floats, iou
from perdure.types import Bools, Float64s, Ints

EPS = float(np.finfo(np.float64).eps)
"""TrackEval compares similarities with a threshold minus this."""

Similarity: TypeAlias = Callable[[Floats, Floats], Floats]
"""(N, D) boxes or points and (M, D) others to (N, M) similarities in [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlaps:
    """Pairs of a truth box and a result box of one frame with a similarity above 0, in order of frame, truth, result.

    Boxes are in order of frame and their ids are renumbered from 0. A step is a frame with both truth and result.
    """

    truth_ids: Ints
    """(N,) int64."""
    result_ids: Ints
    """(M,) int64."""
    truth_bounds: Ints
    """(S, 2) int64: the truth boxes of a step are rows ``first`` to ``last - 1``."""
    result_bounds: Ints
    """(S, 2) int64, as above."""
    pair_step: Ints
    """(P,) int64, never decreasing."""
    pair_truth: Ints
    """(P,) int64, rows of the truth."""
    pair_result: Ints
    """(P,) int64, rows of the result."""
    similarity: Float64s
    """(P,) float64 in (0, 1]."""
    share: Float64s
    """(P,) float64: the pair's similarity over all similarity its two boxes have in this frame."""

    @property
    def pair_truth_ids(self) -> Ints:
        """(P,) int64."""
        return self.truth_ids[self.pair_truth]

    @property
    def pair_result_ids(self) -> Ints:
        """(P,) int64."""
        return self.result_ids[self.pair_result]


def overlaps(truth: Truth, result: Tracks, similarity: Similarity = iou) -> Overlaps:
    """The pairs that may be matched, after MOTChallenge preprocessing.

    Preprocessing as in TrackEval ``datasets/mot_challenge_2d_box.py`` ``get_preprocessed_seq_data``: result boxes that
    a one-to-one matching at similarity 0.5 gives to a distractor are taken out, then truth boxes that do not count.
    """
    kept_result = np.ones(len(result), np.bool_)
    pairs: list[tuple[Ints, Ints, Float64s, Float64s]] = []
    for truth_rows, result_rows in _shared_frames(truth.tracks.frames, result.frames):
        table = np.asarray(similarity(truth.tracks.boxes[truth_rows], result.boxes[result_rows]), np.float64)
        distractor, counted = truth.distractor[truth_rows], truth.counted[truth_rows]
        if distractor.any():
            columns = ~_distracted(table, distractor)
            kept_result[result_rows] = columns
            table = table[counted][:, columns]
            chosen_truth, chosen_result = _rows(truth_rows)[counted], _rows(result_rows)[columns]
        else:
            table = table if counted.all() else table[counted]
            chosen_truth, chosen_result = _rows(truth_rows)[counted], _rows(result_rows)
        row, column = np.nonzero(table)
        if len(row):
            pairs.append((chosen_truth[row], chosen_result[column], table[row, column], _share(table)[row, column]))
    return _assemble(truth, result, kept_result, pairs)


def _rows(rows: slice) -> Ints:
    return np.arange(rows.start, rows.stop)


def _shared_frames(truth_frames: Ints, result_frames: Ints) -> Iterator[tuple[slice, slice]]:
    """For each frame in both (sorted) arrays, its rows in the two."""
    shared = np.intersect1d(truth_frames, result_frames)
    truth_bounds, result_bounds = _bounds(truth_frames, shared).tolist(), _bounds(result_frames, shared).tolist()
    for truth_rows, result_rows in zip(truth_bounds, result_bounds, strict=True):
        yield slice(*truth_rows), slice(*result_rows)


def _bounds(frames: Ints, wanted: Ints) -> Ints:
    """(S, 2): first row and one past the last row of each wanted frame in sorted ``frames``."""
    return np.stack([np.searchsorted(frames, wanted, "left"), np.searchsorted(frames, wanted, "right")], axis=1)


def _distracted(table: Float64s, distractor: Bools) -> Bools:
    """(M,) bool: result boxes that the matching gives to a distractor; ``table`` is (N, M), ``distractor`` (N,)."""
    scores = np.where(table < 0.5 - EPS, 0.0, table)
    taken = np.zeros(table.shape[1], np.bool_)
    if scores[distractor].any():
        rows, columns = linear_sum_assignment(scores, maximize=True)
        taken[columns[distractor[rows] & (scores[rows, columns] > EPS)]] = True
    return taken


def _share(table: Float64s) -> Float64s:
    """The Jaccard index of a pair within its frame (HOTA paper, sec. 4.5); TrackEval ``metrics/hota.py``."""
    total = table.sum(0)[None, :] + table.sum(1)[:, None] - table
    return np.asarray(np.divide(table, total, out=np.zeros_like(table), where=total > EPS))


def _assemble(
    truth: Truth, result: Tracks, kept_result: Bools, pairs: list[tuple[Ints, Ints, Float64s, Float64s]]
) -> Overlaps:
    """The table in terms of the boxes that are left."""
    truth_frames, result_frames = truth.tracks.frames[truth.counted], result.frames[kept_result]
    shared = np.intersect1d(truth_frames, result_frames)
    columns = [np.concatenate(c) for c in zip(*pairs, strict=True)] if pairs else [np.zeros(0, np.int64)] * 4
    pair_truth, pair_result, similarity, share = columns
    return Overlaps(
        truth_ids=_renumbered(truth.tracks.ids[truth.counted]),
        result_ids=_renumbered(result.ids[kept_result]),
        truth_bounds=_bounds(truth_frames, shared),
        result_bounds=_bounds(result_frames, shared),
        pair_step=np.searchsorted(shared, truth.tracks.frames[pair_truth]),
        pair_truth=(np.cumsum(truth.counted) - 1)[pair_truth],
        pair_result=(np.cumsum(kept_result) - 1)[pair_result],
        similarity=np.asarray(similarity, np.float64),
        share=np.asarray(share, np.float64),
    )


def _renumbered(ids: Ints) -> Ints:
    return np.unique(ids, return_inverse=True)[1].reshape(-1)
