"""One tracklet that shows two people, taken apart where a person says, and put together again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from perdure.errors import InputError
from perdure.gallery.gallery import Gallery
from perdure.types import Change, Constrained, Moved, Split, Tracklet

REASON = "a reviewer saw somebody else from here on"


def cut(gallery: Gallery, at: float, tracklet: str, since: float, second: str) -> list[Change]:
    """From the picture of that time on, a tracklet is another one, of a new identity; the changes.

    The first part keeps the id, as a higher revision, and everything that was said of it.

    Raises:
        InputError: no such tracklet, the id of the second part is taken, or no picture before or from that time on.
    """
    home = gallery.partition.identity_of.get(tracklet)
    if home is None or tracklet not in gallery.evidence:
        raise InputError(f"there is no tracklet {tracklet} with an identity")
    if second in gallery.evidence or second in gallery.partition.erased:
        raise InputError(f"there is a tracklet {second} already")
    first, other = parted(gallery.evidence[tracklet], since, second)
    changes: list[Change] = [
        Split(at, home, gallery.mint(), (second,), REASON),
        Constrained(at, second, tracklet, same=False),
    ]
    gallery.take_evidence(first)
    gallery.take_evidence(other)
    for change in changes:
        gallery.append(change)
    return changes


def rejoin(gallery: Gallery, at: float, second: str) -> list[Change]:
    """The second part of a cut tracklet goes on from the first again, as of a long stay; the changes.

    Raises:
        InputError: there is no such part any more.
    """
    part = gallery.evidence.get(second)
    first = part.supersedes if part is not None else None
    home = gallery.partition.identity_of.get(first or "")
    if part is None or home is None:
        raise InputError(f"{second} or what it was cut from is gone")
    rejoined(gallery, second)
    own = gallery.partition.identity_of[second]
    if own == home:
        return []
    moved = Moved(at, second, own, home, "it is one tracklet after all")
    gallery.append(moved)
    return [moved]


def rejoined(gallery: Gallery, second: str) -> None:
    """The evidence of ``rejoin``."""
    part = gallery.evidence[second]
    gallery.take_evidence(replace(part, revision=part.revision + 1, began="cut"))


def parted(tracklet: Tracklet, since: float, second: str) -> tuple[Tracklet, Tracklet]:
    """The tracklet up to a time, as its next revision, and from then on under another id.

    Raises:
        InputError: no picture on one of the sides.
    """
    body = tracklet.exemplars[0] if tracklet.exemplars else None
    if body is None or not (body.at < since).any() or not (body.at >= since).any():
        raise InputError(f"{tracklet.id} has no pictures on both sides of that place")
    early = tracklet.path[:, 0] < since
    sides = []
    for keep, of_path in ((np.less, early), (np.greater_equal, ~early)):
        path = tracklet.path[of_path]
        exemplars = tuple(part[keep(part.at, since)] for part in tracklet.exemplars)
        times = np.concatenate([path[:, 0], exemplars[0].at])
        sides.append(
            replace(tracklet, path=path, exemplars=exemplars, start=float(times.min()), end=float(times.max()))
        )
    first, other = sides
    start, end = min(tracklet.start, first.start), max(tracklet.end, other.end)
    return (
        replace(first, start=start, revision=tracklet.revision + 1, ended="lost"),
        replace(other, id=second, end=end, revision=1, began="appeared", supersedes=tracklet.id),
    )
