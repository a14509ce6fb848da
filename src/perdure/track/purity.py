"""Is a tracklet one person? A test for a change of person in the order of its pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from perdure.types import Float32s, Float64s

_LEAST_PICTURES = 3
_LEAST_EVIDENCE = 16.0


def change_of_person(vectors: Float32s, quality: Float32s, llr: Callable[[Float64s, Float64s], Float64s]) -> int | None:
    """Where a second person begins in (K, D) pictures in order of time: row of the first picture, or None for one.

    For every split the pictures before and after it are compared: ``llr`` (cosine, quality) gives nats for the same
    person. Two people explain the pictures better where the two sides are unlike each other; each side has to be alike
    in itself, or one person seen from many sides would be split. Cosines of one picture are not independent, so a split
    counts as many of them as the smaller side has pictures. The generalised likelihood ratio for one change point:
    Basseville & Nikiforov, "Detection of Abrupt Changes", 1993, section 2.4.
    """
    count = len(vectors)
    if count < 2 * _LEAST_PICTURES:
        return None
    cosine = (vectors @ vectors.T).astype(np.float64)
    pair_quality = np.minimum(quality[:, None], quality[None, :]).astype(np.float64)
    same = llr(cosine, pair_quality)
    best, where = _LEAST_EVIDENCE, None
    for split in range(_LEAST_PICTURES, count - _LEAST_PICTURES + 1):
        across = same[:split, split:].mean()
        before, after = _within(same[:split, :split]), _within(same[split:, split:])
        evidence = -across * min(split, count - split)
        if evidence > best and min(before, after) > 0:
            best, where = evidence, split
    return where


def _within(same: Float64s) -> float:
    """Mean over the pairs of different pictures."""
    count = len(same)
    return float((same.sum() - np.trace(same)) / (count * (count - 1)))
