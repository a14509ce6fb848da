"""Average linkage that also minds the order of sightings: the clustering of the second look.

Two groups of tracklets are joined, the best pair first, while it is more probable than not that they are one person:
LLR(mean similarity) + what the transitions say + log odds of returning - log(groups left) > 0. Joining the sightings of
two groups in order of time breaks some transitions (a, then c) and makes others (a, then b; b, then c), always one more
in all; the difference in their log odds counts once, however many pairs of tracklets there are. So does each meeting on
the floor of two that were seen at once. Where nothing is known
of transitions this is plain average linkage (UPGMA: Sokal & Michener 1958; update of Lance & Williams 1967).
Identities as chains of hand-offs: Zhang, Li & Nevatia, CVPR 2008, who solve a min-cost flow of pairs; a flow cannot see
that the third sighting must look like the first, so here the mean over the whole group stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from perdure.gallery.transitions import BINS, EDGES_S, Chain
from perdure.types import Bools, Float32s, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What is believed of N tracklets before they are looked at."""

    log_odds: float
    """That a tracklet shows somebody known at all."""
    habit: float = math.inf
    """Tracklets that everybody is taken to have beside those that were seen: a group of n comes next in proportion to
    n + ``habit``. Infinite: all come alike."""
    elsewhere: int = 0
    """People who have none of the tracklets; only where all come alike."""


def join(llr: Float64s, apart: Bools, together: Ints, prior: Prior, chain: Chain) -> Ints:
    """(N,) group of each tracklet, numbered from 0 in order of their first members.

    Args:
        llr: (N, N) nats for "one person" by the similarity of each pair, symmetric; linear in it, so that the mean over
            pairs is the ratio of the mean similarity.
        apart: (N, N) pairs that never share a group, symmetric.
        together: (M, 2) pairs that do, each unless that joins a pair of ``apart``.
        prior: what is believed before looking.
        chain: of the N tracklets.
    """
    pairs = np.ascontiguousarray(together, np.int64).reshape(-1, 2)
    odds = chain.transitions.log_odds
    if not odds.size:
        cameras = int(chain.camera.max()) + 1
        odds = np.zeros((cameras, cameras, BINS))
    links = (chain.camera, chain.start, chain.end, odds, EDGES_S)
    known = prior.log_odds, prior.habit, float(prior.elsewhere)
    groups = _join(llr.astype(np.float32), chain.met_table(), apart.copy(), pairs, known, links)
    _, first, numbers = np.unique(groups, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[numbers], np.int64)


_Known = tuple[float, float, float]
"""``Prior``: log odds, habit, elsewhere."""
_Links = tuple[Ints, Float64s, Float64s, Float64s, Float64s]
"""Camera, start, end, log odds by (from, to, bin), edges of the bins."""


@njit(cache=True)  # type: ignore[untyped-decorator]
def _link(first: int, then: int, links: _Links) -> float:
    """Nats for ``then`` being the next sighting after ``first`` of one person."""
    camera, start, end, odds, edges = links
    between = start[then] - end[first]
    bin = 0 if between < 0 else np.searchsorted(edges, between, "right")
    return float(odds[camera[first], camera[then], bin])


@njit(cache=True)  # type: ignore[untyped-decorator]
def _gain(one: int, other: int, follows: Ints, links: _Links) -> float:
    """Nats that the transitions gain when two chains, given by their first sightings, become one."""
    total, last, last_is_one = 0.0, -1, True
    while one >= 0 or other >= 0:
        is_one = other < 0 or (0 <= one < other)
        here = one if is_one else other
        if last >= 0 and is_one != last_is_one:
            total += _link(last, here, links)
            if follows[last] >= 0:
                total -= _link(last, follows[last], links)
        if is_one:
            one = follows[one]
        else:
            other = follows[other]
        last, last_is_one = here, is_one
    return total


@njit(cache=True)  # type: ignore[untyped-decorator]
def _interleave(one: int, other: int, follows: Ints) -> int:
    """Make two chains one, in ``follows``; its first sighting."""
    first, last = min(one, other), -1
    while one >= 0 or other >= 0:
        if other < 0 or (0 <= one < other):
            here, one = one, follows[one]
        else:
            here, other = other, follows[other]
        if last >= 0:
            follows[last] = here
        last = here
    follows[last] = -1
    return first


@njit(cache=True)  # type: ignore[untyped-decorator]
def _best_of(row: int, score: Float32s, alive: Bools) -> int:
    """The living group that fits a group best; itself where none does at all."""
    best = row
    for other in range(len(score)):
        if alive[other] and other != row and score[row, other] > score[row, best]:
            best = other
    return best


@njit(cache=True)  # type: ignore[untyped-decorator]
def _usual(tracklets: float, habit: float) -> float:
    """Nats by which a group of so many tracklets is likelier to come than a single one."""
    return float(np.log((tracklets + habit) / (1 + habit))) if np.isfinite(habit) else 0.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def _everybody(tracklets: int, groups: int, known: _Known) -> float:
    """How many single tracklets come as often as all groups together."""
    _, habit, elsewhere = known
    return (tracklets + habit * groups) / (1 + habit) if np.isfinite(habit) else groups + elsewhere


@njit(cache=True)  # type: ignore[untyped-decorator]
def _unite(
    kept: int, gone: int, llr: Float32s, beside: Float32s, apart: Bools, score: Float32s, chains: tuple[Ints, Ints],
    alive: Bools, size: Ints, best: Ints, links: _Links, habit: float,
) -> None:  # fmt: skip
    """Join group ``gone`` into group ``kept`` and bring every table up to date."""
    heads, follows = chains
    heads[kept] = _interleave(heads[kept], heads[gone], follows)
    alive[gone] = False
    share = size[kept] / (size[kept] + size[gone])
    size[kept] += size[gone]
    for other in range(len(score)):
        if not alive[other] or other == kept:
            continue
        mean = share * llr[kept, other] + (1 - share) * llr[gone, other]
        llr[kept, other] = llr[other, kept] = mean
        met = 0.0
        if len(beside):
            met = beside[kept, other] + beside[gone, other]
            beside[kept, other] = beside[other, kept] = met
        if apart[gone, other]:
            apart[kept, other] = apart[other, kept] = True
        value = -np.inf
        if not apart[kept, other]:
            value = mean + met + _gain(heads[kept], heads[other], follows, links)
            value += _usual(max(size[kept], size[other]), habit)
        score[kept, other] = score[other, kept] = value
        if best[other] in (kept, gone):
            best[other] = _best_of(other, score, alive)
        elif value > score[other, best[other]]:
            best[other] = kept
    best[kept] = _best_of(kept, score, alive)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _join(llr: Float32s, beside: Float32s, apart: Bools, together: Ints, known: _Known, links: _Links) -> Ints:
    """(N,) a number for each group. The best partner of every group is kept, so a join costs N, not N^2."""
    count = len(llr)
    prior, habit, _ = known
    alive, size = np.ones(count, np.bool_), np.ones(count, np.int64)
    chains = (np.arange(count), np.full(count, -1, np.int64))
    group, best = np.arange(count), np.arange(count)
    score = np.full((count, count), -np.inf, np.float32)
    for one in range(count):
        for other in range(one):
            if not apart[one, other]:
                score[one, other] = score[other, one] = llr[one, other] + _link(other, one, links)
                if len(beside):
                    score[one, other] = score[other, one] = score[one, other] + beside[one, other]
    for one in range(count):
        best[one] = _best_of(one, score, alive)
    for place in range(len(together)):
        kept, gone = group[together[place, 0]], group[together[place, 1]]
        if kept != gone and not apart[kept, gone]:
            group[group == gone] = kept
            _unite(kept, gone, llr, beside, apart, score, chains, alive, size, best, links, habit)
    left = int(alive.sum())
    while left > 1:
        kept, highest = -1, -np.inf
        for one in range(count):
            if alive[one] and score[one, best[one]] > highest:
                kept, highest = one, score[one, best[one]]
        if kept < 0 or highest + prior - np.log(_everybody(count, left, known)) <= 0:
            break
        gone = best[kept]
        group[group == gone] = kept
        _unite(kept, gone, llr, beside, apart, score, chains, alive, size, best, links, habit)
        left -= 1
    return group
