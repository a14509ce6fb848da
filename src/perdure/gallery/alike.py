"""Who looks most like a picture or a person: a question that decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.gallery.calibrate import prior_log_odds, probability
from perdure.gallery.index import Index
from perdure.gallery.scan import Probes
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Bools, Float32s, Ints

NEAR = 8
"""So many tracklets are looked at first for each identity wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Who is looked for."""

    probe: Probes
    """One, of ``CentredLinkage.probe_of`` or ``probe_with``."""
    quality: float
    """Of the pictures behind it, in [0, 1]."""
    owner: int = -1
    """Code of the identity that is looked for, which is not found again; -1: nobody knows who it is."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who may be the one who is looked for."""

    owner: int
    probability: float
    """That it is the same person, by appearance alone, as a decision has it before where and when count."""
    similarity: float
    """Centred: 0 for strangers, 1 for identity."""
    nearest: str
    """The tracklet most like it among those that were searched."""


def of_pictures(vectors: Float32s, quality: Float32s, scorer: CentredLinkage, index: Index) -> Asked:
    """Somebody on (B, D) pictures of the index's model, with (B,) qualities.

    Raises:
        ValueError: vectors of another length.
    """
    if vectors.ndim != 2 or vectors.shape[1] != index.dim:
        raise ValueError(f"vectors of shape {vectors.shape}, the index holds vectors of length {index.dim}")
    return Asked(scorer.probe_of(vectors, index), float(quality.mean()))


def of_tracklets(rows: Ints, scorer: CentredLinkage, index: Index) -> Asked:
    """Somebody known by the tracklets in ``rows``."""
    owner = int(index.owners[rows[0]])
    return Asked(scorer.probe_with(rows, index), float(index.qualities[rows].mean()), owner)


def alike(
    asked: Asked, scorer: CentredLinkage, index: Index, count: int, return_rate: float, keep: Bools | None = None
) -> list[Alike]:
    """The identities most probably the one asked for, most probable first, at most ``count``.

    The nearest tracklets, found exactly, say which identities are compared; each is then compared by all its tracklets
    (average linkage), and the similarity becomes a probability as in a decision (``decide.Posterior``), without where,
    when and habits.

    Args:
        asked: who.
        scorer: has been refreshed with this index.
        index: is not changed; ``owners`` are the identities.
        count: identities wanted.
        return_rate: share of tracklets that show somebody seen before.
        keep: (N,) tracklets that count, such as those of a camera or a time; None: all.
    """
    owned = (index.owners >= 0) & (index.owners != asked.owner)
    among = owned if keep is None else owned & keep
    available = int(among.sum())
    wanted = NEAR * count
    nearest: dict[int, int] = {}
    while available:
        near = index.nearest(asked.probe, min(wanted, available), among)[0]
        nearest = {}
        for row in near.rows.tolist():
            nearest.setdefault(int(index.owners[row]), row)
        if len(nearest) >= count or wanted >= available:
            break
        wanted *= 4  # somebody with very many stays may fill the first ones
    if not nearest:
        return []
    rows = np.flatnonzero(np.isin(index.owners, list(nearest)))
    similarity = scorer.similar(asked.probe, asked.quality, rows, index)
    owners, of_row = np.unique(index.owners[rows], return_inverse=True)
    mean = np.bincount(of_row, similarity) / np.bincount(of_row)
    known = len(np.unique(index.owners[index.owners >= 0]))
    odds = scorer.calibration.log_likelihood_ratio(mean) + prior_log_odds(return_rate, len(index), known)
    best = np.argsort(-mean, kind="stable")[:count]
    return [
        Alike(int(owners[i]), probability(float(odds[i])), float(mean[i]), index.ids[nearest[int(owners[i])]])
        for i in best.tolist()
    ]
