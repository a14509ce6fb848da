"""Where to draw cameras that nobody has placed: near each other where people walk from one to the other quickly.

Stress majorisation (Gansner, Koren & North, "Graph drawing by stress majorization", GD 2004, eq. 5) from a circle; the
wanted distance of two linked cameras grows with the logarithm of the time between them, that of others is the shortest
way over links.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import shortest_path

from perdure.types import Float64s

_ROUNDS = 300
_MARGIN = 0.1


def place(count: int, links: Sequence[tuple[int, int, float]]) -> Float64s:
    """(C, 2) x and y in [0, 1] of so many cameras; the same links give the same places.

    Args:
        count: C.
        links: camera, camera and s between them; of several for one pair the shortest counts.
    """
    if count < 2:
        return np.full((count, 2), 0.5)
    wanted = _distances(count, links)
    angle = 2 * np.pi * np.arange(count) / count
    at = np.column_stack([np.cos(angle), np.sin(angle)]) * wanted.mean()
    weight = 1 / np.maximum(wanted, 1e-9) ** 2
    np.fill_diagonal(weight, 0.0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    inverse = np.linalg.pinv(laplacian)
    for _ in range(_ROUNDS):
        apart = np.linalg.norm(at[:, None] - at[None], axis=-1)
        pull = np.divide(weight * wanted, apart, out=np.zeros_like(apart), where=apart > 1e-9)
        at = inverse @ ((np.diag(pull.sum(axis=1)) - pull) @ at)
    return _fitted(at)


def _distances(count: int, links: Sequence[tuple[int, int, float]]) -> Float64s:
    """(C, C) how far apart each two should be drawn."""
    direct = np.full((count, count), np.inf)
    for first, second, seconds in links:
        length = 1.0 + np.log2(1.0 + max(seconds, 0.0)) / 2
        direct[first, second] = direct[second, first] = min(direct[first, second], length)
    found = shortest_path(np.where(np.isinf(direct), 0.0, direct), directed=False)
    farthest = float(found[np.isfinite(found)].max())
    return np.where(np.isfinite(found), found, max(farthest, 1.0) * 1.5)


def _fitted(at: Float64s) -> Float64s:
    """Turned so that its longer side lies flat, within [0, 1] with a margin, not stretched."""
    centred = at - at.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    turned = centred @ axes.T
    turned *= np.where(turned[np.argmax(np.abs(turned), axis=0), [0, 1]] < 0, -1.0, 1.0)
    size = float((turned.max(axis=0) - turned.min(axis=0)).max())
    middle = (turned.max(axis=0) + turned.min(axis=0)) / 2
    return np.asarray(0.5 + (turned - middle) * (1 - 2 * _MARGIN) / max(size, 1e-9))
