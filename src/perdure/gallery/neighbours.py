"""What the tracklets near a tracklet say of it: how crowded it is there, and what it would look like with their help.

Some vectors are near to many others whoever is on them ("hubs": Radovanovic, Nanopoulos & Ivanovic, JMLR 2010), so the
same similarity means less there. Half of how crowded either side is, beyond what is usual, is taken off: cross-domain
similarity local scaling (Conneau et al., "Word translation without parallel data", ICLR 2018, sec. 2.3), with the usual
crowding put back so that the scale stays. The cohort is whoever is near, as in adaptive score normalisation of speakers
(Sturim & Reynolds, ICASSP 2005; Cumani et al., Interspeech 2011).

With everything at hand, a tracklet also borrows from those that are probably the same person, which evens out poses and
cameras: query expansion (Chum et al., "Total recall", ICCV 2007; Radenovic, Tolias & Chum, TPAMI 2019, sec. 4.2) of
both sides (Arandjelovic & Zisserman, CVPR 2012), here weighted by probability, so that strangers lend nothing where
nobody is alike.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit

from perdure.gallery.calibrate import Calibration
from perdure.types import Float64s

NEIGHBOURS = 20
"""So many of the nearest say how crowded it is."""
CROWDING_WEIGHT = 0.5
"""Share of the crowding of each side that is taken off a similarity."""
HALF_KNOWN = 100
"""Among so many tracklets half of that is believed: in a small gallery the nearest are the same person, or chance."""
LENDERS = 3
"""So many of the nearest may lend."""
LENDER_LOG_ODDS = -3.0
"""Before looking: that one of the nearest is the same person, nats."""


def crowding(similarity: Float64s) -> Float64s:
    """(R,) mean of the ``NEIGHBOURS`` highest of each row of (R, N) similarities; 0 without any.

    What does not count, such as a tracklet itself, is -inf.
    """
    count = min(NEIGHBOURS, similarity.shape[1])
    if count == 0:
        return np.zeros(len(similarity))
    highest = -np.partition(-similarity, count - 1, axis=1)[:, :count]
    known = np.isfinite(highest)
    total = np.where(known, highest, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1))


def known_share(tracklets: int) -> float:
    """How far neighbours among so many tracklets are believed."""
    return tracklets / (tracklets + HALF_KNOWN)


def uncrowded(similarity: Float64s, weight: float = CROWDING_WEIGHT) -> Float64s:
    """(N, N) symmetric similarities of N tracklets, less a share of how much more crowded than usual either is."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    excess = crowding(others)
    excess = known_share(len(others)) * (excess - excess.mean())
    return np.asarray(similarity - weight * (excess[:, None] + excess))


def with_help(similarity: Float64s, calibration: Calibration, weight: float = CROWDING_WEIGHT) -> Float64s:
    """(N, N) similarities after each tracklet has borrowed from its ``LENDERS``; the diagonal is near 1.

    ``calibration`` says what similarities without help are worth.
    """
    count = len(similarity)
    near = uncrowded(similarity, weight)
    np.fill_diagonal(near, -np.inf)
    most = min(LENDERS, count - 1)
    lenders = np.argpartition(-near, most - 1, axis=1)[:, :most] if most > 0 else np.zeros((count, 0), np.int64)
    rows = np.arange(count)
    odds = calibration.log_likelihood_ratio(near[rows[:, None], lenders]) + LENDER_LOG_ODDS
    weights = np.concatenate([expit(odds).ravel(), np.ones(count)])
    places = np.concatenate([np.repeat(rows, most), rows]), np.concatenate([lenders.ravel(), rows])
    lend = csr_array((weights, places), shape=(count, count))
    mixed = np.asarray(lend @ (lend @ similarity).T)
    length = np.sqrt(np.maximum(np.diag(mixed), 1e-12))
    return uncrowded(mixed / length[:, None] / length, weight)
