"""Looking at everything again, with all that came later: constrained average-linkage clustering of the tracklets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logsumexp

from perdure.gallery.calibrate import Calibration, prior_log_odds
from perdure.gallery.transitions import Chain
from perdure.types import Bools, Float64s, Ints

WAYS_MARGIN = 0.25
"""Nats by which "one person" has to be more probable than "two" where the ways between cameras have a say: they were
learned from the joins there were, and gain from the best of many."""


def cluster(
    similarity: Float64s,
    apart: Sequence[tuple[int, int]],
    together: Sequence[tuple[int, int]],
    calibration: Calibration,
    return_rate: float,
    chain: Chain,
    habit: float = math.inf,
) -> Ints:
    """(n,) cluster of each of n tracklets in order of start, from their (n, n) centred similarity: see ``linkage``.

    Pairs in ``apart`` never share a cluster; pairs in ``together`` do, unless that joins a pair of ``apart``.
    """
    from perdure.gallery.linkage import Prior, join  # compiled

    count = len(similarity)
    if count < 2:
        return np.zeros(count, np.int64)
    never = np.zeros((count, count), bool)
    for first, second in apart:
        never[first, second] = never[second, first] = True
    llr = calibration.log_likelihood_ratio((similarity + similarity.T) / 2)
    odds = prior_log_odds(return_rate, count - 1, 1) - (WAYS_MARGIN if chain.transitions.log_odds.size else 0.0)
    return join(llr, never, np.array(together, np.int64), Prior(odds, habit), chain)


def certainty(
    similarity: Float64s,
    clusters: Ints,
    apart: Sequence[tuple[int, int]],
    calibration: Calibration,
    return_rate: float,
    chain: Chain,
) -> list[float]:
    """For each tracklet the posterior probability of its place, against every other cluster and against being nobody.

    A tracklet alone in its cluster is "nobody else"; a cluster with somebody it is apart from is no alternative.
    """
    rows, count = np.arange(len(clusters)), int(clusters.max()) + 1
    member = np.zeros((len(clusters), count))
    member[rows, clusters] = 1
    totals, sizes = similarity @ member, np.tile(member.sum(axis=0), (len(clusters), 1))
    totals[rows, clusters] -= np.diag(similarity)  # a tracklet is no witness for itself
    sizes[rows, clusters] -= 1
    means = np.divide(totals, sizes, out=np.zeros_like(totals), where=sizes > 0)
    odds = calibration.log_likelihood_ratio(means) + prior_log_odds(return_rate, len(clusters) - 1, count)
    odds += chain.arrivals(clusters)
    for first, second in apart:
        odds[first, clusters[second]] = odds[second, clusters[first]] = -np.inf
    alone = sizes[rows, clusters] == 0
    own = np.where(alone, 0.0, odds[rows, clusters])
    odds[rows, clusters] = np.where(alone, -np.inf, 0.0)  # what is left: the others, and "nobody" at odds 1
    return [float(p) for p in expit(own - logsumexp(odds, axis=1))]


def rename(before: Sequence[str], clusters: Ints, is_given: Bools | None = None) -> list[str | None]:
    """For each cluster the identity it keeps: that of most of its tracklets, each identity once; None: a new one.

    Where some of them are pictures given by hand (``is_given``, (n,)), it is whose these are.
    """
    names = sorted(set(before))
    table = np.zeros((int(clusters.max()) + 1, len(names)), np.int64)
    weight = 1 if is_given is None else np.where(is_given, len(before), 1)
    np.add.at(table, (clusters, np.searchsorted(names, before)), weight)
    kept: list[str | None] = [None] * len(table)
    taken: set[int] = set()
    for cell in np.argsort(-table, axis=None, kind="stable"):
        row, column = divmod(int(cell), len(names))
        if table[row, column] == 0:
            break
        if kept[row] is None and column not in taken:
            kept[row] = names[column]
            taken.add(column)
    return kept
