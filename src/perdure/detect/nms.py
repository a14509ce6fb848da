"""Raw boxes to clean detections: threshold, suppression, order."""

from __future__ import annotations

import numpy as np

from perdure import geometry
from perdure.detect.flags import flags
from perdure.types import Bools, Detections, Float32s, Ints

MOST_CANDIDATES = 1000
"""Before suppression, best first: a broken model that fires everywhere must not stall the camera."""


def suppress(boxes: Float32s, scores: Float32s, iou: float) -> Ints:
    """Rows that survive greedy non-maximum suppression, best score first (equal scores: lower row first).

    A box goes if it overlaps a better surviving one by *more* than ``iou``.
    """
    order = np.argsort(-scores, kind="stable")
    over = geometry.iou(boxes[order], boxes[order]) > iou
    alive: Bools = np.ones(len(order), np.bool_)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1 :] &= ~over[i, i + 1 :]
    return np.asarray(order[alive], np.int64)


def clean(
    boxes: Float32s, scores: Float32s, width: int, height: int, min_score: float, min_height_px: float, iou: float
) -> Detections:
    """Detections of one picture of ``width`` x ``height`` px from raw (N, 4) boxes in its pixels and (N,) scores.

    Guarantees finite boxes inside the picture with a positive area, scores in [``min_score``, 1], best first, flagged.
    """
    kept = np.flatnonzero(scores >= min_score)
    kept = kept[np.isfinite(boxes[kept]).all(axis=1) & np.isfinite(scores[kept])]
    boxes, scores = geometry.clip(boxes[kept], width, height).astype(np.float32), np.minimum(scores[kept], 1.0)
    sides = boxes[:, 2:] - boxes[:, :2]
    tall = np.flatnonzero((sides[:, 0] >= 1.0) & (sides[:, 1] >= max(min_height_px, 1.0)))
    if len(tall) > MOST_CANDIDATES:
        tall = tall[np.argsort(-scores[tall], kind="stable")[:MOST_CANDIDATES]]
    best = tall[suppress(boxes[tall], scores[tall], iou)]
    return Detections.of(boxes[best], scores[best], flags(boxes[best], scores[best], width, height))
