"""People made of numbers, who walk before cameras."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from perdure.types import Tracklet

SIZE = (200, 100)
HEIGHT_PX = 40.0


def tracklet(id, feet, *, start=0.0, step_s=0.1, camera="door", ended="left", size=SIZE, at=None):
    """A tracklet whose foot points are these (T, 2) shares of the picture."""
    feet = np.asarray(feet, np.float64) * size
    at = start + step_s * np.arange(len(feet)) if at is None else np.asarray(at, np.float64)
    height = HEIGHT_PX * size[1] / SIZE[1]
    x, y = feet[:, 0], feet[:, 1]
    boxes = np.column_stack([x - height / 5, y - height, x + height / 5, y])
    path = np.column_stack([at, np.arange(len(at)), boxes, np.ones(len(at))])
    return Tracklet(f"{camera}/{id}", 1, camera, float(at[0]), float(at[-1]), path, ended=ended, size=size)


def cut(whole, *rows):
    """The same in pieces, cut before these rows."""
    edges = [0, *sorted(rows), len(whole.path)]
    parts = []
    for number, (begin, end) in enumerate(itertools.pairwise(edges)):
        path = whole.path[begin:end]
        if len(path):
            parts.append(
                replace(
                    whole, id=f"{whole.id}{'abcdefghij'[number]}", path=path, start=float(path[0, 0]), end=path[-1, 0]
                )
            )
    return parts


def everybody(tracklets, person="P1"):
    """A partition in which all are one person."""
    return {t.id: person for t in tracklets}
