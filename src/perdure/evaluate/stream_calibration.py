"""A calibration fitted to labelled embeddings, so that a gallery can be tested on people it was not calibrated on."""

from __future__ import annotations

import numpy as np

from perdure.errors import InputError
from perdure.evaluate.calibration import fit_affine
from perdure.evaluate.embeddings import Embeddings
from perdure.gallery.calibrate import Calibration
from perdure.gallery.exemplars import unit
from perdure.simulate.stream_fit import tracklets_of
from perdure.types import Bools, Float32s, Float64s, Ints

FALSE_POSITIVE_RATE = 0.01
"""Of two crops of strangers, at the threshold given to the simple policies."""


def fit_calibration(embeddings: Embeddings, *, centred: bool = True) -> Calibration:
    """From what a gallery compares: means of tracklets, less what all tracklets of a camera have in common.

    Same: a person's tracklets in two cameras. Different: tracklets of two people, in any cameras. (Means of whole stays
    are cleaner than tracklets; fitted on them, a gallery believes itself surer than it is and splits people.)

    Args:
        embeddings: of the people to fit on, in several cameras; junk and distractors are left out.
        centred: False leaves the means in, for a scorer that does not centre; its scale still has strangers at 0.

    Raises:
        InputError: nobody is seen by two cameras, or there is only one person.
    """
    kept = embeddings[embeddings.person > 0]
    means, person, camera = _tracklets(kept)
    impostor_mean = _mean_of_strangers(kept)
    if centred:
        means = means.copy()
        for number in np.unique(camera):
            means[camera == number] -= means[camera == number].mean(axis=0)
        means = unit(means)
    first, second = np.triu_indices(len(means), 1)
    similarity = (means @ means.T)[first, second].astype(np.float64)
    if not centred:
        similarity = (similarity - impostor_mean) / (1 - impostor_mean)
    same = person[first] == person[second]
    used: Bools = ~same | (camera[first] != camera[second])
    if not same[used].any() or same[used].all():
        raise InputError("a calibration needs two people or more, and somebody seen by two cameras")
    slope, offset = fit_affine(similarity[used], same[used])
    return Calibration(slope, offset, impostor_mean, float(similarity[~same].std()), _threshold(kept))


def _tracklets(kept: Embeddings) -> tuple[Float32s, Ints, Ints]:
    """(M, D) unit mean of each tracklet, (M,) who, (M,) where."""
    tracklet = tracklets_of(kept.person, kept.camera, kept.sequence, kept.frame)
    _, first = np.unique(tracklet, return_index=True)
    sums = np.zeros((len(first), kept.vectors.shape[1]))
    np.add.at(sums, tracklet, kept.vectors)
    return unit(sums), kept.person[first], kept.camera[first]


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
