"""Which pictures stand for a person: few, good and different; and the simpler rules of the field."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perdure.types import Exemplars, Float32s, Float64s, Ints


def select(exemplars: Exemplars, keep: int) -> Exemplars:
    """At most ``keep`` exemplars, good and different, in order of time.

    Greedy k-centre (Gonzalez 1985, "Clustering to minimize the maximum intercluster distance"), each distance weighted
    by quality: start with the best picture, then take again and again the one that is far from all taken and good.
    """
    if len(exemplars) <= keep:
        return exemplars
    quality = exemplars.quality.astype(np.float64)
    first = int(np.argmax(quality))
    taken = [first]
    nearest = 1 - exemplars.vectors @ exemplars.vectors[first]
    for _ in range(keep - 1):
        gain = np.maximum(nearest, 0) * (0.1 + quality)
        gain[taken] = -1
        chosen = int(np.argmax(gain))
        taken.append(chosen)
        nearest = np.minimum(nearest, 1 - exemplars.vectors @ exemplars.vectors[chosen])
    return exemplars[sorted(taken)]


def unit(vectors: Float32s | Float64s) -> Float32s:
    """The vectors at length 1; a zero vector stays zero. (..., D) float32."""
    norm = np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
    return np.asarray(vectors / norm, np.float32)


def mean(exemplars: Exemplars) -> Float32s:
    """(D,) float32 unit mean, weighted by quality; a floor keeps the poorest pictures from vanishing altogether."""
    return unit((0.05 + exemplars.quality) @ exemplars.vectors)


def means(vectors: Float32s, quality: Float32s, first: Ints) -> tuple[Float32s, Float64s]:
    """(T, D) ``mean`` and (T,) ``typical_quality`` of many tracklets at once.

    Args:
        vectors: (N, D) of all of them, one tracklet after the other.
        quality: (N,).
        first: (T,) where each begins; none is empty.
    """
    weights = 0.05 + quality
    sums = np.add.reduceat(weights[:, None] * vectors, first)
    worth = np.add.reduceat(weights * quality, first) / np.add.reduceat(weights, first)
    return unit(sums), worth.astype(np.float64)


def halves(exemplars: Exemplars) -> float:
    """Cosine of the means of the first and the second half, in order of time; NaN with one picture."""
    middle = len(exemplars) // 2
    if middle == 0:
        return float("nan")
    ordered = exemplars[np.argsort(exemplars.at, kind="stable")]
    return float(mean(ordered[:middle]) @ mean(ordered[middle:]))


def summed_up(bodies: Sequence[Exemplars], alike: float) -> tuple[Float32s, Float64s, Float64s]:
    """(T, D) ``mean``, (T,) ``typical_quality`` and (T,) ``halves`` of the ``purest`` of each of T tracklets, at once.

    Equal to one by one but for rounding; none is empty.
    """
    looks = np.empty((len(bodies), bodies[0].vectors.shape[1]), np.float32)
    worth, halved = np.empty(len(bodies)), np.full(len(bodies), np.nan)
    sizes = np.array([len(body) for body in bodies])
    for size in np.unique(sizes).tolist():
        rows = np.flatnonzero(sizes == size)
        some = [bodies[row] for row in rows.tolist()]
        order = np.argsort(np.stack([body.at for body in some]), axis=1, kind="stable")
        quality = np.take_along_axis(np.stack([body.quality for body in some]), order, axis=1)
        vectors = np.take_along_axis(np.stack([body.vectors for body in some]), order[:, :, None], axis=1)
        weights = 0.05 + quality
        parts = weights[:, :, None] * vectors
        looks[rows] = unit(parts.sum(axis=1))
        worth[rows] = (weights * quality).sum(axis=1) / weights.sum(axis=1)
        if size > 1:
            sides = unit(parts[:, : size // 2].sum(axis=1)), unit(parts[:, size // 2 :].sum(axis=1))
            halved[rows] = np.einsum("td,td->t", *sides)
            for row in rows[_at_changes(parts.astype(np.float64)).min(axis=1) < alike].tolist():
                better = purest(bodies[row], alike)
                looks[row], worth[row], halved[row] = mean(better), typical_quality(better), halves(better)
    return looks, worth, halved


def purest(exemplars: Exemplars, alike: float) -> Exemplars:
    """The pictures of one person: all, or the better side where a tracklet changes from one person to another.

    So that a mean of two people, who is nobody, spoils no identity.
    """
    sides = two_sides(exemplars, alike)
    return exemplars if sides is None else exemplars[sides[0]]


def two_sides(exemplars: Exemplars, alike: float) -> tuple[Ints, Ints] | None:
    """Rows of the better and of the other side of a tracklet that changes from one person to another; None: it is one.

    A tracker that swapped two people who crossed, or took one picture of somebody else, leaves a change point: the
    pictures before and those after it are less alike than ``alike`` (cosine of their means). The side of more quality
    is the better one, of two equal ones the first.
    """
    if len(exemplars) < 2:
        return None
    order = np.argsort(exemplars.at, kind="stable")
    weight = 0.05 + exemplars.quality[order].astype(np.float64)
    cosine = _at_changes(weight[:, None] * exemplars.vectors[order])
    change = int(np.argmin(cosine))
    if cosine[change] >= alike:
        return None
    first, second = np.sort(order[: change + 1]), np.sort(order[change + 1 :])
    return (first, second) if weight[: change + 1].sum() >= weight[change + 1 :].sum() else (second, first)


def _at_changes(parts: Float64s) -> Float64s:
    """(..., K - 1) cosines of what is before and what is after each moment, of (..., K, D) weighted vectors."""
    sums = np.cumsum(parts, axis=-2)
    before = sums[..., :-1, :]
    after = sums[..., -1:, :] - before
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    return np.asarray(np.einsum("...nd,...nd->...n", before, after) / np.maximum(lengths, 1e-12))


def typical_quality(exemplars: Exemplars) -> float:
    """Mean quality as it weighs in ``mean``: the good pictures count most."""
    weights = 0.05 + exemplars.quality
    return float(weights @ exemplars.quality / weights.sum())


def moving_average(exemplars: Exemplars, momentum: float = 0.9) -> Float32s:
    """(1, D) unit: v <- momentum v + (1 - momentum) x over the pictures in order of time.

    The rule of FairMOT (Zhang et al., IJCV 2021, sec. 4.4) and its many descendants.
    """
    age = np.arange(len(exemplars))[::-1]
    weights = (1 - momentum) * momentum**age
    weights[0] = momentum ** age[0]  # the first picture starts the average
    return unit(weights @ exemplars.vectors)[None]


def ring_centroid(exemplars: Exemplars, length: int = 50) -> Float32s:
    """(1, D) unit mean of the last ``length`` pictures."""
    return unit(exemplars.vectors[-length:].mean(axis=0))[None]


def last(exemplars: Exemplars, length: int = 50) -> Float32s:
    """(min(K, length), D): the last pictures as they are. DeepSORT (Wojke et al., ICIP 2017, eq. 2) keeps 100."""
    return exemplars.vectors[-length:]


def last_good(exemplars: Exemplars, length: int = 8, min_quality: float = 0.5) -> Float32s:
    """The last pictures among the good ones; the best one where none is good (after the project MICRO-TRACK)."""
    good = np.flatnonzero(exemplars.quality >= min_quality)
    if not len(good):
        good = np.array([int(np.argmax(exemplars.quality))])
    return exemplars.vectors[good[-length:]]
