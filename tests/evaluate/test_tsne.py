from __future__ import annotations

import numpy as np

from perdure.evaluate.tsne import neighbours, tsne


def _clusters(seed=0, each=25, people=3, dim=16):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, dim))
    vectors = np.repeat(centres, each, axis=0) + 0.15 * rng.normal(size=(people * each, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), np.repeat(
        np.arange(people), each
    )


def test_every_point_keeps_about_so_many_neighbours():
    vectors, _ = _clusters()
    distance = np.clip(2 - 2 * vectors.astype(float) @ vectors.T.astype(float), 0, None)
    shares = neighbours(distance, perplexity=10)
    assert abs(shares.sum() - 1) < 1e-6
    np.testing.assert_allclose(shares, shares.T)
    rows = shares / shares.sum(axis=1, keepdims=True)
    perplexity = np.exp(-np.sum(rows * np.log(rows), axis=1))
    assert 8 < np.median(perplexity) < 14  # the average of both directions blurs it a little


def test_clusters_stay_together_and_apart():
    vectors, person = _clusters()
    places = tsne(vectors, perplexity=10, steps=500)  # after 200 it depends on the processor whether all have arrived
    centres = np.stack([places[person == p].mean(axis=0) for p in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == person).all()


def test_the_same_vectors_give_the_same_map():
    vectors, _ = _clusters(each=6)
    np.testing.assert_array_equal(tsne(vectors, steps=30), tsne(vectors, steps=30))


def test_few_or_equal_points_are_no_trouble():
    assert tsne(np.ones((2, 4), np.float32)).shape == (2, 2)
    equal = np.tile(np.array([[1.0, 0.0]], np.float32), (6, 1))
    assert np.isfinite(tsne(equal, steps=20)).all()
