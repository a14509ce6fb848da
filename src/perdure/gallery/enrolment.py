"""People whom somebody enrols by pictures: evidence without a camera, a path or a time, and an identity that stays.

An enrolled identity is one that holds such a tracklet (``Tracklet.by_hand``). The ledger needs nothing new for it:
``Enrolled`` (or ``Matched``, for more pictures) places the tracklet, ``Renamed`` names the person. Nobody merges it
away, retires it or lets it go; two enrolled people are never one.
"""

from __future__ import annotations

import numpy as np

from perdure.errors import InputError
from perdure.gallery.calibrate import Calibration
from perdure.gallery.corrections import SAID, known
from perdure.gallery.exemplars import select
from perdure.gallery.gallery import Gallery
from perdure.gallery.ledger import NOTHING_SAID
from perdure.types import BY_HAND, Change, Enrolled, Exemplars, Ints, Matched, Renamed, Split, Tracklet

KEPT = 16
"""Pictures that are kept of those given at once: good and different ones (``exemplars.select``)."""
ODD_NATS = -2.0
"""A picture with less evidence than this for showing the same person as the others is told of."""


def enrol(gallery: Gallery, at: float, name: str, pictures: Exemplars) -> tuple[str, list[Change]]:
    """A person with a name and pictures, or more pictures of one who is enrolled by that name; who it is.

    Args:
        gallery: is changed.
        at: UTC seconds.
        name: of the person; a number such as P7, or the name of somebody who was only seen so far, enrols them.
        pictures: embedded by the gallery's model; their times do not count.

    Raises:
        InputError: no name, no picture, vectors that are not of the gallery's model, or a name that several have.
    """
    name = name.strip()
    if not name:
        raise InputError("a person who is enrolled needs a name")
    if not len(pictures):
        raise InputError(f"{name}: none of the pictures can be used")
    before = len(gallery.log)
    tracklet = Tracklet.by_hand(next_number(gallery), select(pictures, KEPT))
    identity = called(gallery, name)
    if identity is None:
        identity = gallery.mint()
        gallery.give(tracklet, Enrolled(at, identity, tracklet.id, NOTHING_SAID))
        gallery.append(Renamed(at, identity, name))
    else:
        gallery.give(tracklet, Matched(at, identity, tracklet.id, SAID))
    return identity, gallery.log[before:]


def called(gallery: Gallery, name: str) -> str | None:
    """The identity of that name or number; None where there is none.

    Raises:
        InputError: several people have that name.
    """
    names, partition = gallery.partition.names, gallery.partition
    if name in names.values() or partition.resolve(name) in partition.members:
        return known(gallery, name)
    return None


def next_number(gallery: Gallery) -> int:
    """Of the next tracklet of pictures given by hand; never one that was there before, erased or not."""
    ever = [*gallery.evidence, *gallery.partition.erased]
    return 1 + max((int(id.removeprefix(BY_HAND)) for id in ever if id.startswith(BY_HAND)), default=0)


def part(gallery: Gallery, at: float, identity: str) -> str | None:
    """What cameras saw of an enrolled person becomes somebody without a name, who is told; None: they were never seen.

    The first half of taking an enrolment back: once this is kept, ``corrections.forget`` the rest, pictures and name.

    Raises:
        InputError: there is no such identity, or it is not enrolled.
    """
    identity = known(gallery, identity)
    if identity not in gallery.enrolled():
        raise InputError(f"{identity} is not enrolled: nobody gave pictures of them")
    seen = tuple(id for id in gallery.partition.members[identity] if not id.startswith(BY_HAND))
    if not seen:
        return None
    target = gallery.mint()
    gallery.append(Split(at, identity, target, seen, "no longer enrolled"))
    return target


def odd_ones(pictures: Exemplars, calibration: Calibration) -> Ints:
    """Positions of pictures that more probably show somebody else than the rest do.

    The mean similarity of each with all others, as far as these fit together themselves: the oddest is taken out first,
    and the rest is looked at again. Of two pictures that do not fit, both are odd.
    """
    kept = np.arange(len(pictures))
    cosine = pictures.vectors.astype(np.float64) @ pictures.vectors.T
    centred = (cosine - calibration.impostor_mean) / (1 - calibration.impostor_mean)
    nats = calibration.log_likelihood_ratio(centred)
    np.fill_diagonal(nats, 0.0)
    while len(kept) > 1:
        support = nats[np.ix_(kept, kept)].sum(axis=1) / (len(kept) - 1)
        worst = int(np.argmin(support))
        if support[worst] >= ODD_NATS:
            break
        kept = np.delete(kept, worst) if len(kept) > 2 else kept[:0]
    return np.setdiff1d(np.arange(len(pictures)), kept)
