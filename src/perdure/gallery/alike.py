"""Who looks most like a picture: a question to the gallery that decides nothing."""

from __future__ import annotations

import numpy as np

from perdure.gallery.gallery import Gallery
from perdure.gallery.scan import Probes
from perdure.types import Float32s

NEAR = 8
"""So many tracklets are compared picture by picture for each person wanted."""


def alike(gallery: Gallery, vector: Float32s, count: int) -> list[tuple[str, float]]:
    """The ``count`` identities with the most similar kept picture, and its cosine, the most similar first.

    The means of tracklets choose whose pictures are compared (exactly the nearest ``NEAR * count`` of them).

    Args:
        gallery: is not changed.
        vector: (D,) float32, unit norm, of the gallery's model.
        count: identities wanted.

    Raises:
        ValueError: a vector of another length.
    """
    if vector.shape != (gallery.dim,):
        raise ValueError(f"a vector of shape {vector.shape}, the gallery holds vectors of length {gallery.dim}")
    index = gallery.index
    if not len(index):
        return []
    near = index.nearest(Probes(vector[None].astype(np.float32)), NEAR * count)[0]
    best: dict[str, float] = {}
    for row in near.rows.tolist():
        tracklet = index.ids[row]
        identity = gallery.partition.identity_of.get(tracklet)
        body = gallery.evidence[tracklet].body(gallery.model)
        if identity is not None and body is not None:
            best[identity] = max(best.get(identity, -1.0), float((body.vectors @ vector).max()))
    return sorted(best.items(), key=lambda found: (-found[1], found[0]))[:count]
