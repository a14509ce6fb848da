"""Which identities a tracklet has to be compared with: all of a small gallery, the few that can win of a large one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.gallery.index import Index
from perdure.gallery.scoring import CentredLinkage, Scorer
from perdure.types import Ints

ALL_BELOW = 4096
"""With fewer tracklets than this, comparing with all is as fast."""
FIRST = 256
"""Nearest tracklets looked at first; four times as many whenever they do not settle it."""
RECENT_S = 300.0
"""Whoever was seen this short a time before is always on the list: where and when may speak for them."""

NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Shortlist:
    """A table of the tracklets of some identities, and of the one to be placed."""

    index: Index
    """``owners`` are positions in ``codes``, -1 where undecided."""
    row: int
    """Of the tracklet in it."""
    codes: Ints
    """(M,) identities of the gallery by their code."""


def shortlist(row: int, index: Index, scorer: Scorer, always: Ints = NOBODY) -> Shortlist:
    """All tracklets of every identity that can be the most similar one to the tracklet in ``row``.

    ``always`` (M,) are codes of identities that are on the list whoever else is.

    With the k nearest tracklets known, all others are at most as near as the k-th, and so is any mean of them: no
    identity off the list scores above that. The list grows until somebody on it does, or until what is off it speaks
    against "same person" (Fagin, Lotem and Naor, "Optimal aggregation algorithms for middleware", PODS 2001, sec. 4).
    Tracklets of poor pictures are worth more than their cosine says; they are few, and looked at one by one.
    """
    if len(index) < ALL_BELOW or not isinstance(scorer, CentredLinkage):
        everybody = np.arange(int(index.owners.max(initial=-1)) + 1)
        return Shortlist(index, row, everybody)
    owners = index.owners
    recent = owners[index.ends >= index.starts[row] - RECENT_S]
    probes, count = scorer.probes(np.array([row]), index), FIRST
    poorer, worth = scorer.poorer(row, index)
    while True:
        near = index.nearest(probes, count)[0]
        ceiling = scorer.ceiling(float(near.scores[-1]), row, index)
        chosen = np.unique(np.concatenate([owners[near.rows], recent, always, owners[poorer[worth > ceiling]]]))
        table = listed(index, chosen[chosen >= 0], np.array([row]))
        if count >= len(index) or ceiling <= scorer.calibration.neutral:
            return table
        if scorer.similarity(table.row, table.index, len(table.codes)).max(initial=-np.inf) >= ceiling:
            return table
        count *= 4


def listed(index: Index, codes: Ints, always: Ints, most: int | None = None) -> Shortlist:
    """The table of these identities.

    Args:
        index: of the whole gallery.
        codes: (M,) identities, ascending.
        always: rows that are in it whoever they are; the first is ``Shortlist.row``.
        most: of each identity only so many of the latest rows.
    """
    place = np.full(int(index.owners.max(initial=-1)) + 2, -1)  # the last is for -1, nobody
    place[codes] = np.arange(len(codes))
    owners = place[index.owners]
    wanted = owners >= 0
    rows = np.flatnonzero(wanted)
    if most is not None:
        rows = _latest(rows, owners[rows], index, most)
    rows = np.union1d(rows, always)
    return Shortlist(index.subset(rows, owners[rows]), int(np.searchsorted(rows, always[0])), codes)


def _latest(rows: Ints, owners: Ints, index: Index, most: int) -> Ints:
    """Of each owner at most so many rows: those given by hand, then those that start last."""
    order = np.lexsort((-np.where(index.is_given[rows], np.inf, index.starts[rows]), owners))
    first = np.searchsorted(owners[order], owners[order])
    return rows[order][np.arange(len(rows)) - first < most]
