"""Whether two groups of tracklets are one person, by how much less alike they are than each of them is within itself.

What a similarity is worth is known for a tracklet against an identity, over everybody. Some people look the same on
every picture, others do not, and two identities that are alike above the average may still be two people: two halves of
one person are about as alike as each of them is within itself, whatever such a likeness is worth (relative closeness:
Karypis, Han & Kumar, "Chameleon", IEEE Computer 1999, here on log-likelihood ratios).
"""

from __future__ import annotations

import numpy as np

from perdure.gallery.transitions import Chain, bins
from perdure.types import Float64s, Ints

JOIN = (1.15, -1.0, 0.1, 1.2)
"""Weights of likeness between two groups, likeness within them, and transitions, and the offset: nats for one person.
Fitted on answers about the first half of market1501-dev and three simulated days of people fitted to it
(docs/review.md)."""
USUAL_PAIRS = 3.0
"""So many pairs within a group weigh as much as what is usual around it."""
USUAL_WITHIN = 3.5
"""Nats: the mean within groups where none around has two tracklets."""


def within(llr: Float64s, expected: Float64s, groups: Ints) -> Float64s:
    """(G,) nats of good pictures: mean over the pairs within each of G groups, drawn towards that of all of them.

    Args:
        llr: (n, n) nats for one person, by appearance, symmetric.
        expected: (n, n) what one person gets with pictures so good, as a share of the nats with good ones.
        groups: (n,) from 0 without gaps.
    """
    same = groups[:, None] == groups
    np.fill_diagonal(same, val=False)
    pairs = np.bincount(groups, np.where(same, expected, 0.0).sum(axis=1)) / 2
    total = np.bincount(groups, np.where(same, llr, 0.0).sum(axis=1)) / 2
    usual = total.sum() / pairs.sum() if pairs.sum() else USUAL_WITHIN
    return np.asarray((total + USUAL_PAIRS * usual) / (pairs + USUAL_PAIRS))


def odds(between: float, one: float, other: float, linked: float, expected: float = 1.0) -> float:
    """Nats for one person, from the mean likeness between two groups, within each, and what transitions say.

    ``expected``: what one person gets between the groups, for the quality of the pictures, as a share of good ones.
    """
    return float(np.dot(JOIN, [between, expected * (one + other) / 2, linked, 1.0]))


def linked(chain: Chain, one: Ints, other: Ints) -> float:
    """Nats that where and when say for one person: of the transitions of both in one chain, and of who met.

    ``one`` and ``other`` are places in the chain, ascending.
    """
    together = _chained(chain, np.union1d(one, other)) - _chained(chain, one) - _chained(chain, other)
    met = chain.met_table()
    return together + (float(met[np.ix_(one, other)].sum()) if len(met) else 0.0)


def _chained(chain: Chain, group: Ints) -> float:
    """Nats of the transitions from each sighting of a group, in order of time, to the next."""
    table = chain.transitions.log_odds
    if len(group) < 2 or not table.size:
        return 0.0
    then, camera = group[1:], chain.camera
    known = len(table)
    between = bins(chain.start[then] - chain.end[group[:-1]])
    there = (camera[group[:-1]] < known) & (camera[then] < known)
    return float(table[camera[group[:-1]][there], camera[then][there], between[there]].sum())
