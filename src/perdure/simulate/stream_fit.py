"""Fits the people model of ``stream_people`` to labelled embeddings.

Products of two pictures of one tracklet, of one person and camera, of one person, and of a picture with itself differ
by one effect each, so their means give its covariance (Searle, Casella & McCulloch, "Variance Components", ch. 5).
Equal values (the zeros of a rectified network) weaken these products, so ``stream_tune`` then corrects how much
variance each effect has until simulated scores have the means and spreads of the real ones.
"""

from __future__ import annotations

import numpy as np

from perdure.errors import InputError
from perdure.simulate.stream_people import MARGIN_REACH, PeopleModel
from perdure.simulate.stream_tune import score_moments, tuned
from perdure.types import Float32s, Float64s, Ints

VIEWS = 3
QUANTILES = 16
MARGIN_KNOTS = 61
KEPT_VARIANCE = 0.995
MAX_GAP_FRAMES = 250


def tracklets_of(person: Ints, camera: Ints, sequence: Ints, frame: Ints, max_gap_frames: int = MAX_GAP_FRAMES) -> Ints:
    """(N,) tracklet numbers from 0: person, camera and sequence, cut where more than ``max_gap_frames`` are missing."""
    order = np.lexsort([frame, sequence, camera, person])
    labels = np.column_stack([person, camera, sequence])[order]
    new = np.any(np.diff(labels, axis=0) != 0, axis=1) | (np.diff(frame[order]) > max_gap_frames)
    tracklet = np.empty(len(person), np.int64)
    tracklet[order] = np.concatenate([[0], np.cumsum(new)]) if len(person) else 0
    return tracklet


def fit(model: str, vectors: Float32s, person: Ints, camera: Ints, tracklet: Ints, quality: Float32s) -> PeopleModel:
    """The model of (N, D) unit vectors with (N,) labels; distractors and junk (person below 1) are left out.

    Raises:
        InputError: fewer than two people, or nobody in two cameras.
    """
    people = person > 0
    vectors, person, camera, tracklet = vectors[people], person[people], camera[people], tracklet[people]
    if len(np.unique(person)) < 2:
        raise InputError(f"a people model needs at least two people, found {len(np.unique(person))}")
    cameras, place = np.unique(np.maximum(camera, -1), return_inverse=True)
    y, margins = _normal_scores(vectors)
    camera_bias = _shared_bias(y, person, place, len(cameras))
    y -= camera_bias[place]
    view, view_bias = _viewpoints(y, person, tracklet)
    y -= view_bias[view]
    share = np.zeros((len(cameras), len(view_bias)))
    np.add.at(share, (place, view), 1)
    spot = person * len(cameras) + place
    effects = _effects(y, person, spot, tracklet)
    levels, noise = _noise_by_quality(y, tracklet, quality[people])
    person_effect, place_effect, tracklet_effect, picture_effect = (_factor(effect) for effect in effects)
    first_guess = PeopleModel(
        model,
        margins,
        camera_bias.astype(np.float32),
        view_bias.astype(np.float32),
        (share + 1e-9) / (share + 1e-9).sum(axis=1, keepdims=True),
        person_effect,
        place_effect,
        tracklet_effect,
        picture_effect,
        style_share=0.3,
        uneven_places=0.1,
        uneven_pictures=0.1,
        quality=levels,
        noise_by_quality=noise,
    )
    return tuned(first_guess, score_moments(vectors, person, camera, tracklet))


def _normal_scores(vectors: Float32s) -> tuple[Float64s, Float32s]:
    """(N, D) normal scores of each coordinate by rank, equal values sharing theirs, and the (D, Z) way back."""
    from scipy.special import ndtr, ndtri
    from scipy.stats import rankdata

    scores = ndtri((rankdata(vectors, axis=0) - 0.5) / len(vectors))
    scores /= np.maximum(scores.std(axis=0), 1e-6)  # where many values are equal (zero), their scores crowd together
    knots = ndtr(np.linspace(-MARGIN_REACH, MARGIN_REACH, MARGIN_KNOTS))
    return np.asarray(scores, np.float64), np.quantile(vectors, knots, axis=0).T.astype(np.float32)


def _group_sums(y: Float64s, group: Ints) -> tuple[Float64s, Ints, Ints]:
    """(G, D) sums, (G,) sizes and the (N,) group of each row."""
    _, owner, sizes = np.unique(group, return_inverse=True, return_counts=True)
    starts = np.cumsum(sizes) - sizes
    sums = np.add.reduceat(y[np.argsort(owner, kind="stable")], starts, axis=0)
    return np.asarray(sums, np.float64), np.asarray(sizes, np.int64), np.asarray(owner, np.int64)


def _shared_bias(y: Float64s, person: Ints, place: Ints, places: int) -> Float64s:
    """(C, D) what a camera adds to everybody: mean over people of (their mean there - their mean over cameras)."""
    sums, sizes, owner = _group_sums(y, person * places + place)
    spot_mean = sums / sizes[:, None]
    first = np.unique(owner, return_index=True)[1]
    person_mean, seen, whose = _group_sums(spot_mean, person[first])
    difference = spot_mean - (person_mean / seen[:, None])[whose]
    bias, counts, _ = _group_sums(difference, place[first])
    return np.asarray(bias / counts[:, None])


def _viewpoints(y: Float64s, person: Ints, tracklet: Ints) -> tuple[Ints, Float64s]:
    """(N,) viewpoint of each row's tracklet and (V, D) what a viewpoint adds: k-means of tracklets around their person.

    Runs in the ten strongest directions, from farthest-point starts, so it depends on nothing but the data.
    """
    sums, sizes, owner = _group_sums(y, tracklet)
    first = np.unique(owner, return_index=True)[1]
    means = sums / sizes[:, None]
    person_sums, person_sizes, whose = _group_sums(means, person[first])
    around = means - (person_sums / person_sizes[:, None])[whose]
    directions = np.linalg.svd(around, full_matrices=False)[2][:10]
    spots = around @ directions.T
    centres = spots[[int(np.argmax(np.linalg.norm(spots, axis=1)))]]
    while len(centres) < min(VIEWS, len(np.unique(spots, axis=0))):
        away = np.linalg.norm(spots[:, None] - centres[None], axis=2).min(axis=1)
        centres = np.vstack([centres, spots[int(np.argmax(away))]])
    for _ in range(50):
        nearest = np.linalg.norm(spots[:, None] - centres[None], axis=2).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(centres))
        moved = np.stack([np.bincount(nearest, column, minlength=len(centres)) for column in spots.T], axis=1)
        centres = np.where(counts[:, None] > 0, moved / np.maximum(counts, 1)[:, None], centres)
    bias = (nearest == np.arange(len(centres))[:, None]) @ around / np.maximum(counts, 1)[:, None]
    return np.asarray(nearest[owner], np.int64), bias


def _effects(y: Float64s, person: Ints, spot: Ints, tracklet: Ints) -> tuple[Float64s, Float64s, Float64s, Float64s]:
    """(D, D) covariances of person, place, tracklet and picture from second moments of nested pairs."""
    itself = y.T @ y / len(y)
    moments, previous_sum, previous_pairs = [], y.T @ y, len(y)
    for group in (tracklet, spot, person):
        sums, sizes, _ = _group_sums(y, group)
        total, pairs = sums.T @ sums, int((sizes**2).sum())
        new_pairs = pairs - previous_pairs
        moments.append((total - previous_sum) / new_pairs if new_pairs else None)
        previous_sum, previous_pairs = total, pairs
    same_tracklet, same_spot, same_person = moments
    if same_person is None:
        raise InputError("a people model needs people seen by more than one camera, there are none")
    same_spot = same_person if same_spot is None else same_spot
    same_tracklet = same_spot if same_tracklet is None else same_tracklet
    return same_person, same_spot - same_person, same_tracklet - same_spot, itself - same_tracklet


def _factor(covariance: Float64s) -> Float32s:
    """(R, D) factor of the nearest covariance that can be: negative directions dropped, total variance kept."""
    values, directions = np.linalg.eigh((covariance + covariance.T) / 2)
    total = max(float(values.sum()), 0.0)
    values, directions = values[::-1], directions[:, ::-1]
    positive = np.maximum(values, 0)
    count = int(np.searchsorted(np.cumsum(positive), KEPT_VARIANCE * positive.sum())) + 1
    kept = positive[:count]
    scale = total / kept.sum() if kept.sum() > 0 else 0.0
    return np.asarray((np.sqrt(kept * scale) * directions[:, :count]).T, np.float32)


def _residual_power(y: Float64s, tracklet: Ints) -> tuple[Float64s, Ints, Ints]:
    """(N,) squared distance of each picture from its tracklet's mean, unbiased; (G,) sizes; (N,) tracklet."""
    sums, sizes, owner = _group_sums(y, tracklet)
    residual = y - (sums / sizes[:, None])[owner]
    correction = sizes / np.maximum(sizes - 1, 1)
    return np.asarray((residual**2).sum(axis=1) * correction[owner]), sizes, owner


def _noise_by_quality(y: Float64s, tracklet: Ints, quality: Float32s) -> tuple[Float32s, Float32s]:
    """Quantiles of quality and the noise factor at each; without varied quality an assumed law: noise falls with it."""
    levels = np.quantile(quality, (np.arange(QUANTILES) + 0.5) / QUANTILES).astype(np.float64)
    if np.std(quality) < 1e-3:
        levels = (np.arange(QUANTILES) + 0.5) / QUANTILES
        power_at = 1.6 - 1.2 * levels
    else:
        power, sizes, owner = _residual_power(y, tracklet)
        known = sizes[owner] > 1
        slope, level = np.polyfit(quality[known].astype(np.float64), power[known], 1) if known.sum() > 2 else (0.0, 1.0)
        power_at = np.maximum(level + slope * levels, 0.05 * max(float(power[known].mean()), 1e-12))
    factor = np.sqrt(power_at / power_at.mean())
    return levels.astype(np.float32), factor.astype(np.float32)
