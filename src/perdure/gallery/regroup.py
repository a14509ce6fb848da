"""From who should be together to the fewest changes that bring it about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perdure.gallery.calibrate import probability
from perdure.gallery.consolidate import rename
from perdure.gallery.gallery import Gallery
from perdure.gallery.said import stays
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Evidence, Float64s, Ints, Merged, Moved, Split, Term


def apart(gallery: Gallery, ids: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of positions in ``ids`` that are two people for certain."""
    position = {id: i for i, id in enumerate(ids)}
    return [(position[id], position[other]) for id in ids for other, _ in gallery.rivals(id) if other in position]


def together(gallery: Gallery, ids: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of positions in ``ids`` that are one person: parts of a cut tracklet, what was said, and what was given."""
    position = {id: i for i, id in enumerate(ids)}
    given = [id for id in ids if gallery.evidence[id].is_by_hand]
    homes = {gallery.partition.identity_of[id]: id for id in given}
    enrolled = [(homes[gallery.partition.identity_of[id]], id) for id in given]
    said = [(c.first, c.second) for c in gallery.partition.constraints if c.same]
    return [
        (position[a], position[b]) for a, b in stays(gallery, ids) + said + enrolled if a in position and b in position
    ]


def become(gallery: Gallery, at: float, ids: Sequence[str], groups: Ints, similarity: Float64s) -> None:
    """Change the partition of ``ids`` into these groups; an identity stays with most of its tracklets.

    Args:
        gallery: with the default scorer.
        at: UTC seconds.
        ids: n tracklets.
        groups: (n,) from 0 without gaps.
        similarity: (n, n), for the evidence of merges.
    """
    before = [gallery.partition.identity_of[id] for id in ids]
    is_given = np.array([gallery.evidence[id].is_by_hand for id in ids], bool)
    for number, kept in enumerate(rename(before, groups, is_given)):
        members = np.flatnonzero(groups == number).tolist()
        target = kept
        if target is None:
            home = before[members[0]]
            leaving = tuple(ids[i] for i in members if before[i] == home)
            target = gallery.mint()
            gallery.append(Split(at, home, target, leaving, "unlike the rest"))
        for source in sorted({before[i] for i in members} - {target}):
            joining = [i for i in members if before[i] == source and gallery.partition.identity_of[ids[i]] == source]
            rest = [i for i in members if i not in joining]
            if joining and len(joining) == len(gallery.partition.members[source]):
                evidence = _evidence(gallery, target, float(similarity[joining][:, rest].mean()))
                gallery.append(Merged(at, source, target, evidence))
            else:
                for i in joining:
                    gallery.append(Moved(at, ids[i], source, target, "more like these"))


def _evidence(gallery: Gallery, target: str, similarity: float) -> Evidence:
    assert isinstance(gallery.scorer, CentredLinkage)
    odds = float(gallery.scorer.calibration.log_likelihood_ratio(np.array(similarity)))
    return Evidence(probability(odds), target, similarity, terms=(Term("appearance", odds),))
