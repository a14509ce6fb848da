"""Which tracklets show somebody else than a given one for certain, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from perdure.gallery.constraints import seen_apart
from perdure.gallery.index import Index
from perdure.gallery.ledger import Partition
from perdure.gallery.topology import Topology
from perdure.types import Bools, Tracklet


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """What is known of who was where."""

    evidence: Mapping[str, Tracklet]
    partition: Partition
    topology: Topology


def rivals(tracklet: Tracklet, index: Index, claims: Claims, same_camera: Bools) -> list[tuple[str, str]]:
    """Tracklets of ``index`` that show somebody else than this one, which is in it, each with the reason.

    Args:
        tracklet: one of the index.
        index: whom to look at.
        claims: what is known.
        same_camera: (N,) rows of the index that are of the tracklet's camera.
    """
    evidence, topology, found = claims.evidence, claims.topology, []
    during = (index.starts <= tracklet.end) & (index.ends >= tracklet.start)
    for row in np.flatnonzero(during & same_camera):
        other = evidence[index.ids[row]]
        if other.id != tracklet.id and seen_apart(tracklet, other):
            found.append((other.id, f"seen beside {other.id}"))
    too_close = topology.too_close(index.row(tracklet.id), index)
    hasty = np.flatnonzero(too_close > 0)
    found += [(index.ids[r], f"{too_close[r]:.1f} s too soon before or after {index.ids[r]}") for r in hasty]
    for place, meeting in topology.meetings(index.row(tracklet.id), index, evidence):
        if meeting.is_impossible:
            found.append((index.ids[place], f"{meeting.distance_m:.1f} m from {index.ids[place]} at that time"))
    return found + _said(tracklet, index, claims.partition)


def _said(tracklet: Tracklet, index: Index, partition: Partition) -> list[tuple[str, str]]:
    """By what people said: two who were enrolled are two, and constraints."""
    found = []
    if tracklet.is_by_hand:
        given = [index.ids[row] for row in np.flatnonzero(index.is_given)]
        home = partition.identity_of.get(tracklet.id)
        found += [(id, "enrolled as two people") for id in given if partition.identity_of.get(id) != home]
    said = [(c.first, c.second) for c in partition.constraints if not c.same]
    told = {b for a, b in said if a == tracklet.id} | {a for a, b in said if b == tracklet.id}
    return found + [(other, "the operator said so") for other in sorted(told)]
