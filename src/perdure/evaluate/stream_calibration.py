"""A calibration fitted to labelled embeddings, so that a gallery can be tested on people it was not calibrated on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.calibration import fit_affine
from perdure.evaluate.embeddings import Embeddings
from perdure.gallery.calibrate import Calibration, Poor
from perdure.gallery.exemplars import means as weighted_means
from perdure.gallery.exemplars import unit
from perdure.gallery.neighbours import CROWDING_WEIGHT, crowding, known_share, uncrowded, with_help
from perdure.gallery.strangers import FEWEST, PARTS, Sample, fit_strangers
from perdure.simulate.stream_fit import tracklets_of
from perdure.types import Bools, Float32s, Float64s, Ints

FALSE_POSITIVE_RATE = 0.01
"""Of two crops of strangers, at the threshold given to the simple policies."""
LOW_QUALITY = 0.05
"""All but this share of the crops are pictures as good as the calibration knows them."""
POOR_PARTS = 5
"""At so many qualities below that, equally apart, it is measured what poorer pictures are worth."""
FEWEST_POOR = 80
"""Poor tracklets that each of them needs."""
POOR_DRAWS = 6
"""How often every tracklet is made worse, each time with another share of its pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """K comparisons of a tracklet with an identity, as a gallery makes them."""

    score: Float64s
    """(K,) mean similarity, 0 for strangers on average."""
    same: Bools
    """(K,) whether it is the tracklet's own identity."""


def fit_calibration(embeddings: Embeddings, *, centred: bool = True) -> Calibration:
    """What similarities are worth, from ``comparisons``: logistic regression at even odds.

    (Fitted on pairs of cleaner means, such as whole stays, a gallery believes itself surer than it is and splits
    people: see docs/evaluate-stream.md.)

    Args:
        embeddings: of the people to fit on; junk and distractors are left out.
        centred: False leaves the means of cameras in, for a scorer that does not centre; strangers are at 0 as well.

    Raises:
        InputError: nobody has two tracklets, or there is only one person.
    """
    kept = embeddings[embeddings.person > 0]
    similarity, person, impostor_mean = similarities(kept, centred)
    near = uncrowded(similarity)
    first = Calibration(
        *_fitted(near, person),
        impostor_mean,
        float(near[person[:, None] != person[None]].std()),
        _threshold(kept),
        float(np.quantile(kept.quality, LOW_QUALITY)),
    )
    slope, offset = _fitted(with_help(similarity, first), person)
    enough = len(person) >= FEWEST and len(np.unique(person)) > 2 * PARTS
    tail = fit_strangers(strangers_of(near, person)[0]) if enough else None
    return replace(first, second_slope=slope, second_offset=offset, halves=_halves(kept, centred), strangers=tail)


def fit_poor(embeddings: Embeddings, worse: Embeddings, calibration: Calibration) -> Poor | None:
    """What similarities are worth where the pictures are poorer than those that ``calibration`` was fitted on.

    Tracklets of which some pictures, or all, were made worse are compared with what a gallery knows of everybody by
    good ones (``comparisons``). Logistic regression at even odds on parts of like quality.

    Args:
        embeddings: what ``calibration`` was fitted on.
        worse: row by row the same crops made worse, with their qualities then.
        calibration: of good pictures.

    Returns:
        None where too few of them are poor.
    """
    people = embeddings.person > 0
    kept, worse = embeddings[people], worse[people]
    similarity, person, own, quality = _poor_tracklets(kept, worse)
    score, same, probe = _with_growing_identities(similarity, person, own)
    good = comparisons(kept)
    usual = float(calibration.log_likelihood_ratio(good.score[good.same]).mean())
    points = [(calibration.quality, 1.0, 0.0, 1.0)]
    for part in _like_quality(quality, calibration.quality):
        here = np.isin(probe, part)
        slope, offset = fit_affine(score[here], same[here])
        nats = slope * float(score[here & same].mean()) + offset
        if slope > 0:
            gain, shift = slope / calibration.slope, (offset - calibration.offset) / calibration.slope
            points.append((float(quality[part].mean()), gain, shift, float(np.clip(nats / usual, 0, 1))))
    return Poor(*map(tuple, zip(*reversed(points), strict=True))) if len(points) > 1 else None


def _like_quality(quality: Float64s, usual: float) -> list[Ints]:
    """Who is of like quality, below the usual one, the best first: equal steps, a thin one joined with those above.

    Too few right below the usual quality make no part: what they are worth lies between their neighbours.
    """
    edges = np.linspace(float(quality.min()), usual, POOR_PARTS + 1)
    kept = [edges[0]]
    for edge in edges[1:]:
        if np.count_nonzero((quality >= kept[-1]) & (quality < edge)) >= FEWEST_POOR:
            kept.append(edge)
    parts = [np.flatnonzero((quality >= low) & (quality < high)) for low, high in pairwise(kept)]
    return parts[::-1]


def _poor_tracklets(kept: Embeddings, worse: Embeddings) -> tuple[Float64s, Ints, Ints, Float64s]:
    """Similarities of K tracklets of which a random share of the pictures is made worse with all M as they are.

    Returns:
        (K, M) similarities, (M,) whose the tracklets are, (K,) which of the M each is of, (K,) its quality.
    """
    good, person, camera = _tracklets(kept)
    tracklet = tracklets_of(kept.person, kept.camera, kept.sequence, kept.frame)
    order = np.argsort(tracklet, kind="stable")
    first = np.flatnonzero(np.diff(tracklet[order], prepend=-1))
    rng, made = np.random.default_rng(0), []
    for _ in range(POOR_DRAWS):
        poor = rng.random(len(kept)) < rng.random(len(good))[tracklet]
        vectors = np.where(poor[:, None], worse.vectors, kept.vectors)[order]
        made.append(weighted_means(vectors, np.where(poor, worse.quality, kept.quality)[order], first))
    probes, quality = np.concatenate([m for m, _ in made]), np.concatenate([q for _, q in made])
    own = np.tile(np.arange(len(good)), POOR_DRAWS)
    for number in np.unique(camera):
        shift = good[camera == number].mean(axis=0)
        good[camera == number] -= shift
        probes[camera[own] == number] -= shift
    good, probes = unit(good), unit(probes)
    similarity = (probes @ good.T).astype(np.float64)
    crowd = [_crowding(similarity, own), _crowding((good @ good.T).astype(np.float64), np.arange(len(good)))]
    share = CROWDING_WEIGHT * known_share(len(good))
    of_probes, of_good = (share * (found - crowd[1].mean()) for found in crowd)
    return similarity - of_probes[:, None] - of_good, person, own, quality


def _crowding(similarity: Float64s, own: Ints) -> Float64s:
    """(K,) crowding around probes, without the tracklet that each is."""
    others = similarity.copy()
    others[np.arange(len(own)), own] = -np.inf
    return crowding(others)


def strangers_of(similarity: Float64s, person: Ints) -> tuple[Sample, Float64s]:
    """How near each tracklet comes to other people, and (M,) its mean similarity with its own; NaN without any.

    From (M, M) similarities of tracklets and (M,) whose they are.
    """
    people, owner, sizes = np.unique(person, return_inverse=True, return_counts=True)
    rows = np.arange(len(person))
    order = np.argsort(owner, kind="stable")
    sums = np.add.reduceat(similarity[:, order], np.cumsum(sizes) - sizes, axis=1)
    means = sums / sizes
    others = sizes[owner] - 1
    own = (sums[rows, owner] - np.diag(similarity)) / np.maximum(others, 1)
    means[rows, owner] = -np.inf
    parts = np.array_split(np.random.default_rng(0).permutation(len(people)), PARTS)
    in_part = np.concatenate([means[:, part].max(axis=1) for part in parts])
    sample = Sample(means.max(axis=1), len(people) - 1, in_part[np.isfinite(in_part)], (len(people) - 1) // PARTS)
    return sample, np.where(others > 0, own, np.nan)


def comparisons(embeddings: Embeddings) -> Comparisons:
    """What a gallery compares: a tracklet with the mean over the tracklets that an identity has so far.

    Every tracklet is compared with a random part of every person's tracklets, itself excluded.

    Raises:
        InputError: nobody has two tracklets, or there is only one person.
    """
    similarity, person, _ = similarities(embeddings[embeddings.person > 0], centred=True)
    score, same, _ = _with_growing_identities(uncrowded(similarity), person, np.arange(len(person)))
    return Comparisons(score, same)


def similarities(kept: Embeddings, centred: bool = True) -> tuple[Float64s, Ints, float]:
    """(M, M) similarities of all tracklets, (M,) whose they are, and the mean cosine of crops of strangers."""
    means, person, camera = _tracklets(kept)
    impostor_mean = _mean_of_strangers(kept)
    if centred:
        for number in np.unique(camera):
            means[camera == number] -= means[camera == number].mean(axis=0)
        means = unit(means)
    similarity = (means @ means.T).astype(np.float64)
    if not centred:
        similarity = (similarity - impostor_mean) / (1 - impostor_mean)
    return similarity, person, impostor_mean


def _fitted(similarity: Float64s, person: Ints) -> tuple[float, float]:
    """Slope and offset of the log-likelihood ratio."""
    score, same, _ = _with_growing_identities(similarity, person, np.arange(len(person)))
    if not same.any():
        raise InputError("a calibration needs somebody with two tracklets")
    return fit_affine(score, same)


def _with_growing_identities(similarity: Float64s, person: Ints, own: Ints) -> tuple[Float64s, Bools, Ints]:
    """Mean similarity of probes with a random part of each person's tracklets, whether that is their own, and which.

    Args:
        similarity: (K, M) of probes with tracklets.
        person: (M,) whose the tracklets are.
        own: (K,) the tracklet that each probe is, or is of; it is not compared with that one.
    """
    rng, rows = np.random.default_rng(0), np.arange(len(own))
    scores, same, probes = [], [], []
    for number in np.unique(person):
        members = rng.permutation(np.flatnonzero(person == number))
        count = rng.integers(1, len(members) + 1, len(own))
        total = np.cumsum(similarity[:, members], axis=1)[rows, count - 1]
        place = np.full(len(person), len(members))
        place[members] = np.arange(len(members))
        itself = place[own] < count
        total[itself] -= similarity[rows, own][itself]
        others = count - itself
        scores.append((total / np.maximum(others, 1))[others > 0])
        same.append((person[own] == number)[others > 0])
        probes.append(rows[others > 0])
    return np.concatenate(scores), np.concatenate(same), np.concatenate(probes)


def _tracklets(kept: Embeddings) -> tuple[Float32s, Ints, Ints]:
    """(M, D) unit mean of each tracklet, (M,) who, (M,) where."""
    tracklet = tracklets_of(kept.person, kept.camera, kept.sequence, kept.frame)
    _, first = np.unique(tracklet, return_index=True)
    sums = np.zeros((len(first), kept.vectors.shape[1]))
    np.add.at(sums, tracklet, kept.vectors)
    return unit(sums), kept.person[first], kept.camera[first]


def _halves(kept: Embeddings, centred: bool) -> float:
    """Mean similarity of the first and the second half of a tracklet; 0 where none has two crops."""
    tracklet = tracklets_of(kept.person, kept.camera, kept.sequence, kept.frame)
    order = np.lexsort([kept.frame, tracklet])
    ends = np.flatnonzero(np.diff(tracklet[order])) + 1
    parts = [part for part in np.split(order, ends) if len(part) > 1]
    if not parts:
        return 0.0
    sides = [[part[: len(part) // 2] for part in parts], [part[len(part) // 2 :] for part in parts]]
    first, second = (unit(np.array([kept.vectors[rows].mean(axis=0) for rows in side])) for side in sides)
    if not centred:
        mean = _mean_of_strangers(kept)
        return (float(np.einsum("nd,nd->n", first, second).mean()) - mean) / (1 - mean)
    means, _, cameras = _tracklets(kept)
    camera = kept.camera[[part[0] for part in parts]]
    for number in np.unique(camera):
        shift = means[cameras == number].mean(axis=0)
        first[camera == number] -= shift
        second[camera == number] -= shift
    return float(np.einsum("nd,nd->n", unit(first), unit(second)).mean())


def _mean_of_strangers(kept: Embeddings) -> float:
    """Mean cosine of two crops of different people."""
    total = kept.vectors.sum(axis=0, dtype=np.float64)
    people, owner, sizes = np.unique(kept.person, return_inverse=True, return_counts=True)
    sums = np.zeros((len(people), kept.vectors.shape[1]))
    np.add.at(sums, owner, kept.vectors)
    pairs = len(kept) ** 2 - float((sizes.astype(np.float64) ** 2).sum())
    if pairs == 0:
        raise InputError("a calibration needs two people or more, found one")
    return (float(total @ total) - float((sums**2).sum())) / pairs


def _threshold(kept: Embeddings, sample: int = 3000) -> float:
    """The cosine that ``FALSE_POSITIVE_RATE`` of two strangers' crops exceed, from at most ``sample`` crops."""
    some = kept
    if len(kept) > sample:
        some = kept[np.sort(np.random.default_rng(0).choice(len(kept), sample, replace=False))]
    different = some.person[:, None] != some.person[None]
    cosines: Float64s = (some.vectors @ some.vectors.T)[different].astype(np.float64)
    return float(np.quantile(cosines, 1 - FALSE_POSITIVE_RATE))
