from __future__ import annotations

import numpy as np
import pytest

from perdure.evaluate.rerank import ca_jaccard, k_reciprocal
from perdure.types import Float32s, Float64s, Ints


def plain_mutual(ranks: list[Ints], i: int, k: int) -> Ints:
    """Those among the first k + 1 of i that have i among their first k + 1."""
    return np.array([j for j in ranks[i][: k + 1] if i in ranks[j][: k + 1]], np.int64)


def plain_distances(vectors: Float32s) -> Float64s:
    squared = 2 - 2 * vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    return squared / squared.max(axis=1, keepdims=True)


def plain_blend(distances: Float64s, sets: list[Ints], means: list[Ints], weight: float) -> Float64s:
    """Weights, query expansion, Jaccard distance and mixture on dense N x N matrices."""
    encoded = np.zeros_like(distances)
    for i, members in enumerate(sets):
        encoded[i, members] = np.exp(-distances[i, members])
        encoded[i] /= encoded[i].sum()
    expanded = np.array([encoded[rows].mean(axis=0) for rows in means])
    overlap = np.array([np.minimum(row, expanded).sum(axis=1) for row in expanded])
    return (1 - weight) * (1 - overlap / (2 - overlap)) + weight * distances


def plain_k_reciprocal(vectors: Float32s, k1: int, k2: int, weight: float) -> Float64s:
    distances = plain_distances(vectors)
    ranks = list(np.argsort(distances, axis=1, kind="stable"))
    sets = []
    for i in range(len(vectors)):
        mutual = plain_mutual(ranks, i, k1)
        members = set(mutual.tolist())
        for candidate in mutual:
            theirs = plain_mutual(ranks, candidate, int(np.around(k1 / 2)))
            if len(np.intersect1d(theirs, mutual)) > 2 / 3 * len(theirs):
                members |= set(theirs.tolist())
        sets.append(np.array(sorted(members)))
    return plain_blend(distances, sets, [row[:k2] for row in ranks], weight)


def plain_ca_jaccard(vectors: Float32s, camera: Ints, k1: tuple[int, int], k2: tuple[int, int]) -> Float64s:
    distances = plain_distances(vectors)
    ranks = np.argsort(distances, axis=1, kind="stable")
    own = [row[camera[row] == camera[i]] for i, row in enumerate(ranks)]
    other = [row[camera[row] != camera[i]] for i, row in enumerate(ranks)]
    sets = [
        np.union1d(plain_mutual(own, i, k1[0]), plain_mutual(other, i, k1[1])).astype(np.int64)
        for i in range(len(vectors))
    ]
    means = [np.append(own[i][: k2[0]], other[i][: k2[1]]) for i in range(len(vectors))]
    return plain_blend(distances, sets, means, 0.3)


def people(seed: int, count: int, identities: int, spread: float) -> tuple[Float32s, Ints, Ints]:
    """Clustered unit vectors, the cameras whose bias is part of them, and who is who."""
    rng = np.random.default_rng(seed)
    camera = rng.integers(0, 4, count)
    centres, bias = rng.normal(size=(identities, 32)), 0.5 * rng.normal(size=(4, 32))
    who = rng.integers(0, identities, count)
    vectors = centres[who] + bias[camera] + spread * rng.normal(size=(count, 32))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), camera, who


@pytest.mark.parametrize(("k1", "k2", "weight"), [(20, 6, 0.3), (5, 1, 0.0), (9, 3, 0.7), (20, 6, 1.0)])
def test_k_reciprocal_equals_the_plain_algorithm(k1: int, k2: int, weight: float) -> None:
    vectors, _, _ = people(k1, 300, 40, 0.6)
    query, gallery = np.arange(60), np.arange(60, 300)
    expected = plain_k_reciprocal(vectors, k1, k2, weight)[np.ix_(query, gallery)]
    np.testing.assert_allclose(k_reciprocal(vectors, query, gallery, k1, k2, weight), expected, atol=1e-6)


@pytest.mark.parametrize(("k1", "k2"), [((5, 20), (3, 3)), ((2, 4), (1, 2))])
def test_ca_jaccard_equals_the_plain_algorithm(k1: tuple[int, int], k2: tuple[int, int]) -> None:
    vectors, camera, _ = people(7, 300, 25, 0.6)
    query, gallery = np.arange(0, 300, 5), np.arange(300)
    expected = plain_ca_jaccard(vectors, camera, k1, k2)[np.ix_(query, gallery)]
    found = ca_jaccard(vectors, camera, query, gallery, k1[0], k1[1], k2[0], k2[1])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_fewer_pictures_than_neighbours_asked_for() -> None:
    vectors, camera, _ = people(1, 7, 3, 0.3)
    rows = np.arange(7)
    np.testing.assert_allclose(k_reciprocal(vectors, rows, rows), plain_k_reciprocal(vectors, 20, 6, 0.3), atol=1e-6)
    expected = plain_ca_jaccard(vectors, camera, (5, 20), (3, 3))
    np.testing.assert_allclose(ca_jaccard(vectors, camera, rows, rows), expected, atol=1e-6)


def test_one_lonely_picture_and_equal_pictures_are_no_crash() -> None:
    one = np.ones((1, 4), np.float32) / 2
    assert np.isfinite(k_reciprocal(one, np.array([0]), np.array([0]))).all()
    many = np.repeat(one, 50, axis=0)
    assert np.isfinite(ca_jaccard(many, np.zeros(50, np.int64), np.arange(50), np.arange(50))).all()


def test_re_ranking_brings_the_own_person_nearer() -> None:
    vectors, _, who = people(2, 400, 40, 0.9)
    rows = np.arange(400)
    same = who[:, None] == who[None, :]

    def separation(distances: Float32s) -> float:
        return float(np.mean(distances[~same]) - np.mean(distances[same])) / float(np.std(distances[~same]))

    assert separation(k_reciprocal(vectors, rows, rows)) > separation(2 - 2 * vectors @ vectors.T)
