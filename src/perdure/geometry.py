"""Floats, overlap, homographies, polygons and lines on numpy arrays. Floats are (N, 4), xyxy, px."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from perdure.types import Bools, Float64s, Ints

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


def homography(points: Float64s, targets: Float64s) -> Float64s:
    """(3, 3) that maps points (N, 2) to targets (N, 2), N >= 4, with the least algebraic error; positive at the points.

    Normalised direct linear transform (Hartley & Zisserman, Multiple View Geometry, 2nd ed., algorithm 4.2). Points of
    which all but one lie on a line give a matrix that is not finite, or nonsense: compare ``project`` with the targets.
    """
    to_unit, from_unit = _normaliser(points), _normaliser(targets)
    p, q = project(points, to_unit), project(targets, from_unit)
    one, zero = np.ones((len(p), 1)), np.zeros((len(p), 3))
    homogeneous = np.hstack([p, one])
    rows = np.vstack([
        np.hstack([homogeneous, zero, -q[:, :1] * homogeneous]),
        np.hstack([zero, homogeneous, -q[:, 1:] * homogeneous]),
    ])  # fmt: skip
    unit = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    matrix = np.linalg.inv(from_unit) @ unit @ to_unit
    depth = np.hstack([points, one]) @ matrix[2]
    return np.asarray(matrix / np.median(depth))


def _normaliser(points: Float64s) -> Float64s:
    """(3, 3) that moves the points' centre to 0 and scales their mean distance from it to sqrt(2)."""
    centre = points.mean(axis=0)
    scale = np.sqrt(2) / max(float(np.linalg.norm(points - centre, axis=1).mean()), 1e-12)
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def project(points: Float64s, homography: Float64s) -> Float64s:
    """(N, 2) points through a (3, 3) homography, e.g. foot points to metres on the floor."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def inside(points: Floats, polygon: Floats) -> Bools:
    """(N,) whether points (N, 2) lie in a polygon (M, 2), which need not be convex nor closed; even-odd rule."""
    x, y = points[:, :1], points[:, 1:]
    (x1, y1), (x2, y2) = polygon.T, np.roll(polygon, -1, axis=0).T
    spans = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = x < (x2 - x1) * (y - y1) / (y2 - y1) + x1
    return np.asarray((spans & hit).sum(axis=1) % 2 == 1)


def distance(points: Floats, starts: Floats, ends: Floats) -> Floats:
    """(N,) from points (N, 2) to the nearest of the segments from ``starts`` (M, 2) to ``ends`` (M, 2)."""
    along, off = ends - starts, points[:, None] - starts
    length2 = np.maximum((along**2).sum(axis=1), 1e-300)
    share = np.clip((off * along).sum(axis=2) / length2, 0.0, 1.0)
    return np.asarray(np.linalg.norm(off - share[..., None] * along, axis=2).min(axis=1))


def passes(points: Floats, start: Floats, end: Floats) -> Ints:
    """(N - 1,) how a path (N, 2) passes the segment at each step: +1 from its left to its right, -1 back, 0 not.

    Left and right as seen from ``start`` towards ``end`` (2,) in a picture, whose y points down. A point on the line
    counts as right, so that a path which touches and goes on passes once.
    """
    along, off = end - start, points - start
    side = along[0] * off[:, 1] - along[1] * off[:, 0]
    right = side >= 0
    changes = right[1:].astype(np.int64) - right[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = side[:-1] / (side[:-1] - side[1:])
        where = (off[:-1] + share[:, None] * (off[1:] - off[:-1])) @ along / max(float(along @ along), 1e-300)
        through = (where >= 0) & (where <= 1)
    return np.where(through, changes, 0)


def crosses_itself(polygon: Floats) -> bool:
    """Whether two sides of a polygon (M, 2) that are not neighbours meet, or two neighbours lie on each other."""
    count = len(polygon)
    for i in range(count):
        a, b = polygon[i], polygon[(i + 1) % count]
        for j in range(i + 1, count):
            c, d = polygon[j], polygon[(j + 1) % count]
            if j == i + 1 or (j + 1) % count == i:
                shared, p, q = (b, a, d) if j == i + 1 else (a, b, c)
                if _turn(p, shared, q) == 0 and float((p - shared) @ (q - shared)) > 0:
                    return True
            elif _meet(a, b, c, d):
                return True
    return False


def _turn(a: Floats, b: Floats, c: Floats) -> float:
    """Positive where the way from a over b to c turns right in a picture; 0: straight on, or back."""
    value = float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))
    return 0.0 if abs(value) < 1e-12 else value


def _meet(a: Floats, b: Floats, c: Floats, d: Floats) -> bool:
    """Whether two segments have a point in common."""
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(turn == 0 and _between(p, q, r) for turn, (p, q, r) in zip(turns, ends, strict=True))


def _between(a: Floats, b: Floats, c: Floats) -> bool:
    """Whether c, on one line with a and b, lies between them."""
    return bool(np.all(np.minimum(a, b) <= c) and np.all(c <= np.maximum(a, b)))
