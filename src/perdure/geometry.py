"""Floats, overlap and homographies on numpy arrays. Floats are (N, 4), xyxy, px."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from perdure.types import Float64s

Floats: TypeAlias = npt.NDArray[np.floating[Any]]


def area(boxes: Floats) -> Floats:
    """(N,) areas in px^2; an inverted box has area 0."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersection(first: Floats, second: Floats) -> Floats:
    """(N, M) shared area of every box of ``first`` (N, 4) with every box of ``second`` (M, 4)."""
    width = np.minimum(first[:, None, 2], second[None, :, 2]) - np.maximum(first[:, None, 0], second[None, :, 0])
    height = np.minimum(first[:, None, 3], second[None, :, 3]) - np.maximum(first[:, None, 1], second[None, :, 1])
    return np.asarray(np.maximum(width, 0) * np.maximum(height, 0))


def intersection_each(first: Floats, second: Floats) -> Floats:
    """(N,) shared area of each box of ``first`` (N, 4) with the box of ``second`` (N, 4) in the same row."""
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    return np.asarray(np.prod(np.maximum(sides, 0), axis=1))


def iou(first: Floats, second: Floats) -> Floats:
    """(N, M) intersection over union in [0, 1]; 0 where both boxes are empty."""
    shared = intersection(first, second)
    union = area(first)[:, None] + area(second)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def covered(boxes: Floats, others: Floats) -> Floats:
    """(N, M) share of each box of ``boxes`` that lies inside each of ``others``, in [0, 1]."""
    shared = intersection(boxes, others)
    own = area(boxes)[:, None]
    return np.asarray(np.divide(shared, own, out=np.zeros_like(shared), where=own > 0))


def clip(boxes: Floats, width: int, height: int) -> Floats:
    """The boxes cut to the picture; a new array of the same dtype."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def to_cxcyah(boxes: Floats) -> Floats:
    """(N, 4) centre x, centre y, aspect (width / height), height. The box must have a positive height."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return np.stack([boxes[:, 0] + width / 2, boxes[:, 1] + height / 2, width / height, height], axis=1)


def project(points: Float64s, homography: Float64s) -> Float64s:
    """(N, 2) points through a (3, 3) homography, e.g. foot points to metres on the floor."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return homogeneous[:, :2] / homogeneous[:, 2:]
