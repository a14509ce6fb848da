"""The second look of recorded footage: everything again, with all that came later."""

from __future__ import annotations

import math

import numpy as np

from perdure.gallery.calibrate import HABIT_WEIGHT
from perdure.gallery.consolidate import certainty, cluster
from perdure.gallery.gallery import Gallery
from perdure.gallery.maintain import Keeper
from perdure.gallery.regroup import apart, become, together
from perdure.gallery.scoring import CentredLinkage

MOST_AT_ONCE = 6000
"""Tracklets that are clustered as a whole, which takes their square of memory (some 12 bytes a pair)."""

OFTEN = 8.0
"""Where people have more tracklets than this on average, how often each comes counts: else many stay in pieces."""


def look_again(gallery: Gallery, at: float) -> None:
    """Correct the partition with full look-ahead. Policies of the field, and galleries of listed people only, have no
    such step.

    A larger gallery is looked at piece by piece, every identity with those near it, until nothing changes.
    """
    if not isinstance(gallery.scorer, CentredLinkage) or gallery.listed_only:
        return
    gallery.decide_all()
    held = (id for id in gallery.partition.identity_of if id in gallery.index)
    ids = sorted(held, key=lambda id: (gallery.evidence[id].start, id))
    if not ids:
        return
    gallery.learn_topology()
    if len(ids) > MOST_AT_ONCE:
        Keeper().settle(gallery, at)
        return
    index, calibration, rate = gallery.index, gallery.scorer.calibration, gallery.return_rate
    rows = np.array([index.row(id) for id in ids])
    similarity = gallery.scorer.matrix(rows, index)
    chain = gallery.topology.chain(rows, index, gallery.evidence)
    separate = apart(gallery, ids)
    people = len({gallery.partition.identity_of[id] for id in ids})
    habit = HABIT_WEIGHT if len(ids) > OFTEN * people else math.inf
    clusters = cluster(similarity, separate, together(gallery, ids), calibration, rate, chain, habit)
    become(gallery, at, ids, clusters, similarity)
    sure = certainty(similarity, clusters, separate, calibration, rate, chain)
    gallery.note_certainty(dict(zip(ids, sure, strict=True)))
