"""Who looks most like a picture or a person: a question that decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.gallery.calibrate import prior_log_odds, probability
from perdure.gallery.index import Index
from perdure.gallery.scan import Probes
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Bools, Float32s, Ints

PICTURE = (0.5, 1.4)
"""Slope and offset: nats of a similarity with tracklets -> of the same similarity with a single picture, which is less
like its own person and says less. Fitted on single pictures of the first half of market1501-dev (docs/results.md)."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Who is looked for."""

    probe: Probes
    """One, of ``CentredLinkage.probe_of`` or ``probe_with``."""
    quality: float
    """Of the pictures behind it, in [0, 1]."""
    owner: int = -1
    """Code of the identity that is looked for, which is not found again; -1: nobody knows who it is."""
    worth: tuple[float, float] = (1.0, 0.0)
    """Slope and offset of the likelihood ratio, nats; see ``PICTURE``."""


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
    return Asked(scorer.probe_of(vectors, index), float(quality.mean()), worth=PICTURE)


def of_tracklets(rows: Ints, scorer: CentredLinkage, index: Index) -> Asked:
    """Somebody known by the tracklets in ``rows``."""
    owner = int(index.owners[rows[0]])
    return Asked(scorer.probe_with(rows, index), float(index.qualities[rows].mean()), owner)


def alike(
    asked: Asked, scorer: CentredLinkage, index: Index, count: int, return_rate: float, keep: Bools | None = None
) -> list[Alike]:
    """The identities most probably the one asked for, most probable first, at most ``count``.

    Every identity is compared by all its tracklets (average linkage), and the similarity becomes a probability as in a
    decision (``decide.Posterior``), without where, when and habits. Nobody is left out: one product with the table.

    Args:
        asked: who.
        scorer: has been refreshed with this index.
        index: is not changed; ``owners`` are the identities.
        count: identities wanted.
        return_rate: share of tracklets that show somebody seen before.
        keep: (N,) tracklets that count, such as those of a camera or a time: who has none is not found; None: all.
    """
    owned = (index.owners >= 0) & (index.owners != asked.owner)
    rows = np.flatnonzero(owned if keep is None else owned & keep)
    if not len(rows):
        return []
    every = scorer.similar(asked.probe, asked.quality, slice(None), index)
    total = np.bincount(index.owners[owned], every[owned])
    mean = total / np.maximum(np.bincount(index.owners[owned]), 1)
    by_owner = rows[np.lexsort((every[rows], index.owners[rows]))]
    nearest = by_owner[np.append(np.diff(index.owners[by_owner]) != 0, True)]  # the last and most alike of each
    best = nearest[np.argsort(-mean[index.owners[nearest]], kind="stable")[:count]]
    similarity = mean[index.owners[best]]
    known = len(np.unique(index.owners[index.owners >= 0]))
    slope, offset = asked.worth
    ratio = slope * scorer.calibration.log_likelihood_ratio(similarity) + offset
    odds = ratio + prior_log_odds(return_rate, len(index), known)
    return [
        Alike(int(index.owners[row]), probability(float(odds[i])), float(similarity[i]), index.ids[row])
        for i, row in enumerate(best.tolist())
    ]
