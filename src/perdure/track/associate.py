"""Which detection continues which track: pair costs and assignment on arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from perdure import geometry
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Bools, Float64s, Ints


def assign(gain: Float64s, least: float = 0.0) -> tuple[Ints, Ints]:
    """Rows and columns of the one-to-one assignment with the greatest total gain, of pairs above ``least`` only.

    ``gain`` is (N, M); pairs that may not meet hold ``-inf``. Leaving a row or column alone gains 0 over ``least``.
    """
    surplus = np.where(gain > least, gain - least, 0.0)
    rows, columns = linear_sum_assignment(-surplus)
    good = surplus[rows, columns] > 0
    return rows[good].astype(np.int64), columns[good].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One round of an association."""

    gain: Float64s
    """(N, M), see ``assign``."""
    tracks: Bools
    """(N,) which tracks take part, if still free."""
    boxes: Bools
    """(M,) which boxes take part, if still free."""
    least: float = 0.0


def in_turn(passes: Iterable[Pass], n_tracks: int, n_boxes: int) -> Ints:
    """(M,) links of several passes: each assigns what the passes before it have left free."""
    links = np.full(n_boxes, -1, np.int64)
    free = np.ones(n_tracks, np.bool_)
    for one in passes:
        rows, columns = np.flatnonzero(one.tracks & free), np.flatnonzero(one.boxes & (links < 0))
        if len(rows) and len(columns):
            first, second = assign(one.gain[np.ix_(rows, columns)], one.least)
            links[columns[second]] = rows[first]
            free[rows[first]] = False
    return links


def runner_up(gain: Float64s, rows: Ints, columns: Ints) -> Float64s:
    """(K,) for each chosen pair: the best other gain in its row or column; ``-inf`` where there is none."""
    if not len(rows):
        return np.zeros(0)
    others = gain.copy()
    others[rows, columns] = -np.inf
    return np.asarray(np.maximum(others[rows].max(axis=1), others[:, columns].max(axis=0)))


def buffered(boxes: Float64s, share: float) -> Float64s:
    """Boxes grown by a share of their width and height on each side.

    Source: Yang et al., "Hard to Track Objects with Irregular Motions and Similar Appearances?" (C-BIoU), WACV 2023,
    eq. 1.
    """
    margin = (boxes[:, 2:] - boxes[:, :2]) * share
    return np.concatenate([boxes[:, :2] - margin, boxes[:, 2:] + margin], axis=1)


def motion_llr(
    motion: Motion, model: MotionModel, measured: Float64s, size: tuple[int, int], freedom: float, prior: float
) -> Float64s:
    """(N, M) log-likelihood ratio: this detection shows this track, against: it shows somebody else in the picture.

    The dense form of what ``kernels.near_pairs`` computes for near pairs only: for fitting, and as its oracle.

    The first is a Student t with ``freedom`` degrees around the prediction (people start, stop and turn more often
    than a Gaussian allows), the second is flat over the picture and over sizes up to one height; ``prior`` (nats)
    is added, and is negative where people crowd together.
    """
    spread = motion.spread(model)
    error = measured[None, :, :] - motion.place[:, None, :]
    distance = np.sum(error**2 / spread[:, None, :], axis=2)
    height = np.maximum(motion.place[:, 3], 1.0)
    flat = np.log(float(size[0]) * size[1]) + 2 * np.log(height)
    peak = flat - 0.5 * np.sum(np.log(2 * np.pi * spread), axis=1) + prior
    return np.asarray(peak[:, None] - (freedom + 4) / 2 * np.log1p(distance / freedom))


def overlap(predicted: Float64s, boxes: Float64s, share: float = 0.0) -> Float64s:
    """(N, M) buffered intersection over union of predicted tracks and detections."""
    if not share:
        return np.asarray(geometry.iou(predicted, boxes), np.float64)
    return np.asarray(geometry.iou(buffered(predicted, share), buffered(boxes, share)), np.float64)
