"""Where people are in a picture: heat maps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from perdure.types import Float64s

COLUMNS: Final = 32
ROWS: Final = 18
MOST_STEP_S: Final = 2.0
"""Longer between two boxes of a path nobody knows where the person was."""


def heat(paths: Iterable[Float64s], width: float, height: float) -> Float64s:
    """(``ROWS``, ``COLUMNS``) s that feet spent in each field of the picture.

    Args:
        paths: ``Tracklet.path`` of each stay: (T, 7).
        width: of the picture, px.
        height: px.
    """
    seconds = np.zeros(ROWS * COLUMNS)
    for path in paths:
        if len(path) < 2:
            continue
        x, y = (path[:, 2] + path[:, 4]) / 2, path[:, 5]
        step = np.minimum(np.diff(path[:, 0]), MOST_STEP_S)
        spent = np.concatenate([step / 2, [0.0]]) + np.concatenate([[0.0], step / 2])
        column = np.clip((x / width * COLUMNS).astype(np.int64), 0, COLUMNS - 1)
        row = np.clip((y / height * ROWS).astype(np.int64), 0, ROWS - 1)
        seconds += np.bincount(row * COLUMNS + column, spent, minlength=ROWS * COLUMNS)
    return seconds.reshape(ROWS, COLUMNS)


def extent(paths: Iterable[Float64s]) -> tuple[float, float]:
    """Width and height, px, that all boxes need: for pictures whose size nobody noted."""
    width = height = 1.0
    for path in paths:
        if len(path):
            width, height = max(width, float(path[:, 4].max())), max(height, float(path[:, 5].max()))
    return width, height
