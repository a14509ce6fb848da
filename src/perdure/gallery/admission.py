"""What a gallery takes: tracklets whose times, path and vectors can be true."""

from __future__ import annotations

import math

import numpy as np

from perdure.errors import InputError
from perdure.types import Exemplars, Tracklet


def admitted(tracklet: Tracklet, model: str, dim: int) -> Exemplars | None:
    """Its body exemplars by this model, of ``dim`` numbers each; None where it has no pictures at all.

    Raises:
        InputError: times that are not finite or run backwards; vectors of another model or length, not finite or not of
            unit norm; as many qualities or times as there are not vectors. Names the tracklet.
    """
    id = tracklet.id
    if not math.isfinite(tracklet.start) or not math.isfinite(tracklet.end):
        raise InputError(
            f"tracklet {id}: it begins at {tracklet.start} and ends at {tracklet.end}; times are UTC seconds"
        )
    if tracklet.end < tracklet.start:
        raise InputError(f"tracklet {id}: it ends {tracklet.start - tracklet.end:.3f} s before it begins")
    if len(tracklet.path) > 1 and not np.all(np.diff(tracklet.path[:, 0]) >= 0):
        raise InputError(f"tracklet {id}: the times of its path run backwards")
    body = tracklet.body(model)
    if body is None:
        others = sorted({part.model for part in tracklet.exemplars if part.part == "body" and len(part)})
        if others:
            held = f"tracklet {id}: vectors of {', '.join(others)}, the gallery holds vectors of {model}"
            raise InputError(f"{held}: go on with the embedder that made them, or in a new folder")
        return None
    if not len(body):
        return None
    if body.vectors.ndim != 2 or body.vectors.shape[1] != dim:
        length = body.vectors.shape[-1]
        raise InputError(f"tracklet {id}: vectors of length {length}, the gallery holds {dim}; is it the same {model}?")
    if not len(body.vectors) == len(body.quality) == len(body.at):
        counts = f"{len(body.vectors)} vectors, {len(body.quality)} qualities, {len(body.at)} times"
        raise InputError(f"tracklet {id}: {counts}")
    if not np.all(np.abs(np.linalg.norm(body.vectors, axis=1) - 1) < 1e-3):
        raise InputError(f"tracklet {id}: vectors that are not finite or not of unit norm")
    if not np.all((body.quality >= 0) & (body.quality <= 1)):
        raise InputError(f"tracklet {id}: qualities outside [0, 1]")
    return body
