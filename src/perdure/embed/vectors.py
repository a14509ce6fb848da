"""Vectors that are always finite and of unit norm."""

from __future__ import annotations

import numpy as np

from perdure.types import Bools, Float32s


def unit(vectors: Float32s) -> tuple[Float32s, Bools]:
    """(K, D) vectors at unit norm and (K,) bool which of them were usable.

    A vector that is not finite or is zero has no direction: it becomes the same harmless one, all entries equal.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
    good = np.isfinite(norms) & (norms > 1e-12)
    flat = np.full(vectors.shape, 1.0 / np.sqrt(vectors.shape[1]), np.float32)
    flat[good] = (vectors[good] / norms[good, None]).astype(np.float32)
    return flat, good
