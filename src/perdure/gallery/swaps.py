"""A tracklet that begins with one person and ends with another: found, and both parts put where they belong.

A tracker that confuses two people who cross leaves a change point in each of their tracklets (``exemplars.two_sides``).
Alone that is no proof: a person who turns round leaves one too, now and then. So nothing is taken apart before the
other side is somebody who is known, and not who the better side is: then two people explain the tracklet better than
one. The better side keeps the tracklet's id and place, the other one becomes a tracklet of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from perdure.gallery.cut import parted
from perdure.gallery.exemplars import two_sides
from perdure.gallery.gallery import Gallery
from perdure.gallery.scoring import CentredLinkage
from perdure.types import Enrolled, Match, Matched, Tracklet

SECOND = "-2"
"""Ends the id of the other side."""
LEAST_PICTURES = 2
"""Of the other side: a single odd picture is more often a bad one than somebody else."""


def sides(gallery: Gallery, id: str) -> tuple[Tracklet, Tracklet] | None:
    """The better side of a tracklet, under its id, and the other one, under an id of its own; None: it is one person.

    Only of tracklets that are over, which no longer change.
    """
    tracklet = gallery.evidence[id]
    scorer, body = gallery.scorer, tracklet.body(gallery.model)
    if not isinstance(scorer, CentredLinkage) or body is None or tracklet.ended == "open" or tracklet.is_by_hand:
        return None
    found = two_sides(body, scorer.calibration.mixed_below)
    if found is None or len(found[1]) < LEAST_PICTURES:
        return None
    better, other = found
    since = max(float(body.at[better].min()), float(body.at[other].min()))
    first, second = parted(tracklet, since, id + SECOND)
    if second.id in gallery.evidence:
        return None
    if body.at[better].min() < since:
        return replace(first, ended=tracklet.ended), second
    return (
        replace(second, id=id, revision=first.revision, supersedes=tracklet.supersedes),
        replace(first, id=second.id, revision=1, supersedes=id),
    )


def take_apart(gallery: Gallery, at: float, id: str, doubtful: Collection[str]) -> set[str]:
    """Take a tracklet apart if its other side is somebody else who is known; the tracklets that were.

    Args:
        gallery: with the default scorer; is changed.
        at: UTC seconds.
        id: a tracklet with an identity.
        doubtful: tracklets that may be of two people as well. Whom they were seen beside says nothing, and those that
            the other side cannot stand beside, as the second one of a swap, are taken apart with it.
    """
    found = sides(gallery, id)
    if found is None:
        return set()
    home, other = gallery.partition.identity_of[id], found[1]
    match gallery.judge(other, ignoring=doubtful):
        case Match(identity=target, evidence=evidence) if target != home:
            clashing = gallery.beside(other, target)
            _part(gallery, found, Matched(at, target, other.id, evidence))
        case _:
            return set()
    done = {id}
    for rival in clashing:
        theirs = sides(gallery, rival)
        if theirs is not None:
            _part(gallery, theirs, _placed(gallery, at, theirs[1], doubtful))
            done.add(rival)
    return done


def _placed(gallery: Gallery, at: float, part: Tracklet, doubtful: Collection[str]) -> Matched | Enrolled:
    """Where the other side of the second tracklet of a swap belongs."""
    match gallery.judge(part, ignoring=doubtful):
        case Match(identity=target, evidence=evidence):
            return Matched(at, target, part.id, evidence)
        case decision:
            return Enrolled(at, gallery.mint(), part.id, decision.evidence)


def _part(gallery: Gallery, found: tuple[Tracklet, Tracklet], placed: Matched | Enrolled) -> None:
    for side in found:
        gallery.take_evidence(side)
    gallery.append(placed)
