"""What a gallery tells of one person: sightings, pictures, name, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perdure.gallery.ledger import Partition
from perdure.types import Identity, Sighting, Tracklet


def identity_of(
    name: str, members: Sequence[Tracklet], model: str, partition: Partition, sure: Mapping[str, float]
) -> Identity:
    """One identity as it is now.

    Args:
        name: its number.
        members: its tracklets; pictures given by hand are no sightings.
        model: whose vectors count.
        partition: names and the watch list.
        sure: probability of what was last decided about a tracklet; 1 where nothing is said.
    """
    seen = [tracklet for tracklet in members if not tracklet.is_by_hand]
    bodies = [body for tracklet in seen if (body := tracklet.body(model)) is not None]
    sightings = sorted((_sighting(tracklet, model) for tracklet in seen), key=lambda s: (s.start, s.end))
    certainties = [sure.get(tracklet.id, 1.0) for tracklet in seen or members]
    return Identity(
        name,
        tuple(sightings),
        partition.names.get(name, ""),
        float(np.mean(certainties)) if certainties else 0.0,
        float(sum(float(body.quality.sum()) for body in bodies)),
        _given(members, model),
        name in partition.watched,
    )


def _sighting(tracklet: Tracklet, model: str) -> Sighting:
    body = tracklet.body(model)
    best = int(np.argmax(body.quality)) if body is not None else 0
    picture, quality = (body.pictures[best], float(body.quality[best])) if body is not None else ("", 0.0)
    return Sighting(tracklet.id, tracklet.camera, tracklet.start, tracklet.end, picture, quality)


def _given(members: Sequence[Tracklet], model: str) -> tuple[str, ...]:
    """Pictures that were given by hand, the best first; "" for each that is kept as a vector alone."""
    bodies = [body for tracklet in members if tracklet.is_by_hand and (body := tracklet.body(model)) is not None]
    pairs = [pair for body in bodies for pair in zip(body.quality.tolist(), body.pictures, strict=True)]
    return tuple(picture for _, picture in sorted(pairs, key=lambda pair: -pair[0]))
