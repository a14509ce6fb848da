"""Vectors laid out in two dimensions so that neighbours stay neighbours: exact t-SNE in numpy.

van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008, with the start from principal components of Kobak
and Berens (Nature Communications 2019) and the step size of Belkina et al. (Nature Communications 2019).
"""

from __future__ import annotations

import numpy as np

from perdure.types import Float32s, Float64s

EXAGGERATION = 12.0
"""How much stronger attraction is at first, so that clusters find their place."""
SMALLEST = 1e-12


def tsne(vectors: Float32s, perplexity: float = 30.0, steps: int = 400) -> Float64s:
    """(N, 2) float64 places of (N, D) unit vectors, centred; the same for the same input.

    Args:
        vectors: compared by cosine distance.
        perplexity: about how many neighbours each point keeps; lowered where there are too few points.
        steps: of gradient descent, a quarter of them with stronger attraction.
    """
    count = len(vectors)
    if count < 4:
        return np.column_stack([np.arange(count, dtype=np.float64), np.zeros(count)])
    distance = np.clip(2 - 2 * vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0, None)
    wanted = neighbours(distance, min(perplexity, (count - 1) / 3))
    places = _first_places(vectors)
    speed, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(count / EXAGGERATION, 50.0)
    for step in range(steps):
        early = step < steps // 4
        slope = _slope(wanted * (EXAGGERATION if early else 1.0), places)
        gains = np.clip(np.where(slope * speed > 0, gains * 0.8, gains + 0.2), 0.01, None)
        speed = (0.5 if early else 0.8) * speed - rate * gains * slope
        places = places + speed
        places -= places.mean(axis=0)
    return places


def neighbours(distance: Float64s, perplexity: float) -> Float64s:
    """(N, N) float64 symmetric probabilities that sum to one; every row's own ones have the wanted perplexity.

    The width of each point's Gaussian is found by bisection on its precision, all points at once (section 2 of the
    paper); the two directions of a pair are averaged (section 3.1).
    """
    count = len(distance)
    precision = np.full(count, 1.0)
    low, high = np.zeros(count), np.full(count, np.inf)
    for _ in range(60):
        share = _rows(distance, precision)
        entropy = -np.sum(share * np.log(np.maximum(share, SMALLEST)), axis=1)
        narrow = entropy < np.log(perplexity)
        high, low = np.where(narrow, precision, high), np.where(narrow, low, precision)
        precision = np.where(np.isinf(high), 2 * precision, (low + np.where(np.isinf(high), 0, high)) / 2)
    both = _rows(distance, precision)
    return np.asarray(np.maximum((both + both.T) / (2 * count), SMALLEST))


def _rows(distance: Float64s, precision: Float64s) -> Float64s:
    """Each row's Gaussian shares of the others; its own is zero."""
    own = np.eye(len(distance), dtype=bool)
    nearest = np.where(own, np.inf, distance).min(axis=1, keepdims=True)
    weight = np.where(own, 0.0, np.exp(-precision[:, None] * (distance - nearest)))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _first_places(vectors: Float32s) -> Float64s:
    """The first two principal components, small."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    places = np.zeros((len(vectors), 2))
    found = centred @ axes[:2].T
    places[:, : found.shape[1]] = found
    return np.asarray(1e-4 * places / max(float(places[:, 0].std()), SMALLEST))


def _slope(wanted: Float64s, places: Float64s) -> Float64s:
    """(N, 2) gradient of the Kullback-Leibler divergence (equation 5 of the paper)."""
    squared = np.sum(places * places, axis=1)
    near = 1 / (1 + np.clip(squared[:, None] + squared[None, :] - 2 * places @ places.T, 0, None))
    np.fill_diagonal(near, 0.0)
    pull = (wanted - near / near.sum()) * near
    return np.asarray(4 * (pull.sum(axis=1)[:, None] * places - pull @ places))
