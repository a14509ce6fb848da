"""Paths of recorded footage made whole: short gaps filled, jitter of the detector smoothed. Nothing for live use."""

from __future__ import annotations

import numpy as np

from perdure.types import Float64s


def filled(path: Float64s, most_gap_s: float) -> Float64s:
    """(T', 7) the path with a row for every frame of each gap up to ``most_gap_s``, boxes on a straight line.

    The score of a filled row is that of the weaker end. Rows that were observed are not changed.
    """
    if len(path) < 2:
        return path
    skipped = np.diff(path[:, 1]).astype(np.int64) - 1
    skipped[np.diff(path[:, 0]) > most_gap_s] = 0
    after = np.repeat(np.arange(len(skipped)), skipped)
    step = np.arange(len(after)) - np.repeat(np.cumsum(skipped) - skipped, skipped) + 1
    share = (step / (skipped[after] + 1))[:, None]
    rows = path[after] + share * (path[after + 1] - path[after])
    rows[:, 6] = np.minimum(path[after, 6], path[after + 1, 6])
    rows[:, 1] = path[after, 1] + step
    whole = np.concatenate([path, rows])
    return np.asarray(whole[np.argsort(whole[:, 1], kind="stable")])


def smoothed(path: Float64s, width_s: float) -> Float64s:
    """The path with each side of the boxes as a local straight line over a Gaussian window of ``width_s``.

    A line instead of a mean, so that the ends do not lag; the idea of smoothing after interpolation is GSI of
    StrongSORT (Du et al., IEEE Transactions on Multimedia 2023, section 3.6), there by a Gaussian process.
    """
    if len(path) < 3:
        return path
    result = path.copy()
    reach = 4 * width_s
    times, boxes = path[:, 0], path[:, 2:6]
    first, last = np.searchsorted(times, times - reach), np.searchsorted(times, times + reach, side="right")
    for row in range(len(path)):
        near = slice(int(first[row]), int(last[row]))
        away = times[near] - times[row]
        weight = np.exp(-0.5 * (away / width_s) ** 2)
        total, lean, spread = weight.sum(), (weight * away).sum(), (weight * away**2).sum()
        apart = total * spread - lean**2
        if apart > 1e-9:
            result[row, 2:6] = (weight * (spread - lean * away)) @ boxes[near] / apart
    return result
