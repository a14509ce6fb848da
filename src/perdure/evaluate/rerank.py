"""Re-ranking a retrieval by who shares neighbours with whom, in memory proportional to the result.

- ``k_reciprocal``: Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017 (eq. 3-5
  sets and their expansion, 7 weights, 9 and 10 Jaccard distance, 11 query expansion, 12 mixture).
- ``ca_jaccard``: Chen et al., "CA-Jaccard: Camera-aware Jaccard Distance for Person Re-identification", CVPR 2024:
  neighbours are taken from the own camera and from other cameras separately, sets and query expansion both.

Distances are 2 - 2 cos, each row divided by its largest. Both rules look only at the first few neighbours, so the N x N
matrix of the published programs is never formed: a tile of similarities at a time feeds the neighbour lists, half of
the tiles suffice because cosine is symmetric, and the overlaps of sparse rows are summed over inverted lists. Equal to
the published rules (up to the order of equal distances: here the picture given first comes first). One deviation: where
a camera has fewer pictures than ``k1_same`` the list is shorter, never filled up from other cameras.
"""

from __future__ import annotations

import numpy as np

from perdure.types import Float32s, Ints

TILE_ROWS = 256


def k_reciprocal(
    vectors: Float32s, query: Ints, gallery: Ints, k1: int = 20, k2: int = 6, original_weight: float = 0.3
) -> Float32s:
    """(Q, G) float32 re-ranked distances between rows of the (N, D) unit vectors.

    All N pictures are neighbours of each other, so no picture should be in ``vectors`` twice; ``query`` and ``gallery``
    may share rows. ``original_weight`` is the share of the plain distance, the paper's lambda.
    """
    camera = np.zeros(len(vectors), np.int64)
    half = int(np.around(k1 / 2)) + 1
    return _reranked(vectors, camera, query, gallery, (0, k1 + 1), half, (0, k2), original_weight)


def ca_jaccard(
    vectors: Float32s,
    camera: Ints,
    query: Ints,
    gallery: Ints,
    k1_same: int = 5,
    k1_other: int = 20,
    k2_same: int = 3,
    k2_other: int = 3,
    original_weight: float = 0.3,
) -> Float32s:
    """(Q, G) float32 camera-aware re-ranked distances; ``camera`` is (N,). See ``k_reciprocal``."""
    lists, means = (k1_other + 1, k1_same + 1), (k2_other, k2_same)
    return _reranked(vectors, camera, query, gallery, lists, 0, means, original_weight)


def _reranked(
    vectors: Float32s,
    camera: Ints,
    query: Ints,
    gallery: Ints,
    depth: tuple[int, int],
    half: int,
    mean_depth: tuple[int, int],
    original_weight: float,
) -> Float32s:
    """Both rules: pairs of depths are (other cameras, own camera)."""
    from perdure.evaluate.rerank_kernel import blend_jaccard, encode, expand, invert

    vectors = np.ascontiguousarray(vectors, np.float32)
    depths, means = np.array(depth), np.array(mean_depth)
    index, length, farthest = _neighbours(vectors, camera, np.maximum(depths, means))
    rows = encode(index, length, depths, half, vectors, farthest)
    rows = expand(index, length, means, *rows)
    by_column = invert(np.asarray(gallery, np.int64), *rows, len(vectors))
    result = np.empty((len(query), len(gallery)), np.float32)
    searched = vectors[gallery].T
    for start in range(0, len(query), TILE_ROWS):
        chosen = query[start : start + TILE_ROWS]
        block = result[start : start + len(chosen)]
        np.matmul(vectors[chosen], searched, out=block)
        block *= -2
        block += 2
        block /= farthest[chosen, None]
        blend_jaccard(block, np.asarray(chosen, np.int64), *rows, *by_column, np.float32(original_weight))
    return result


def _neighbours(vectors: Float32s, camera: Ints, capacity: Ints) -> tuple[Ints, Ints, Float32s]:
    """(N, 2, K) nearest pictures in other cameras [0] and the own [1], (N, 2, 1) how many, (N,) largest distance."""
    from perdure.evaluate.rerank_kernel import take_nearest

    count, longest = len(vectors), int(capacity.max())
    index = np.zeros((count, 2, longest), np.int64)
    score = np.full((count, 2, longest), -np.inf, np.float32)
    length = np.zeros((count, 2, 1), np.int64)
    least = np.where(capacity > 0, -np.inf, np.inf).astype(np.float32) * np.ones((count, 1), np.float32)
    lowest = np.full(count, np.inf, np.float32)
    buffer = np.empty((TILE_ROWS, count), np.float32)
    for first in range(0, count, TILE_ROWS):
        rows = vectors[first : first + TILE_ROWS]
        tile = buffer.reshape(-1)[: len(rows) * (count - first)].reshape(len(rows), count - first)
        np.matmul(rows, vectors[first:].T, out=tile)
        take_nearest(tile, first, camera, capacity, index, score, length, least)
        lowest[first:] = np.minimum(lowest[first:], tile.min(axis=0))
        lowest[first : first + len(rows)] = np.minimum(lowest[first : first + len(rows)], tile.min(axis=1))
    farthest = np.maximum(2 - 2 * lowest, np.float32(np.finfo(np.float32).tiny))
    return index, length, np.asarray(farthest, np.float32)
