from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.evaluate.retrieval import Labels, RetrievalScores, score_blocks, score_distances, score_vectors
from perdure.types import Float32s


def plain_protocol(
    distances: Float32s, query: Labels, gallery: Labels, max_rank: int
) -> tuple[list[float], float, float]:
    """The published protocol, one query and one picture at a time."""
    hits, precisions, penalties = [], [], []
    for q in range(len(query)):
        if query.person[q] <= 0:
            continue
        right = []
        for g in np.argsort(distances[q], kind="stable"):
            same = gallery.person[g] == query.person[q]
            if gallery.person[g] == -1 or (same and gallery.camera[g] == query.camera[q]):
                continue
            right.append(bool(same))
        if not any(right):
            continue
        found, sum_of_precisions = 0, 0.0
        for place, is_right in enumerate(right, start=1):
            if is_right:
                found += 1
                sum_of_precisions += found / place
                last = place
        precisions.append(sum_of_precisions / found)
        penalties.append(found / last)
        hits.append(right.index(True) + 1)
    if not hits:
        return [float("nan")] * max_rank, float("nan"), float("nan")
    cmc = [float(np.mean([hit <= rank for hit in hits])) for rank in range(1, max_rank + 1)]
    return cmc, float(np.mean(precisions)), float(np.mean(penalties))


def assert_equal(scores: RetrievalScores, plain: tuple[list[float], float, float]) -> None:
    np.testing.assert_allclose(scores.cmc, plain[0], atol=1e-12)
    np.testing.assert_allclose(scores.mean_ap, plain[1], atol=1e-12)
    np.testing.assert_allclose(scores.mean_inp, plain[2], atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 40), st.integers(1, 8), st.sampled_from([3, 1000]))
def test_equals_the_plain_loop_also_with_ties_junk_and_distractors(
    seed: int, queries: int, gallery_size: int, people: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    query = Labels(rng.integers(-1, people + 1, queries), rng.integers(0, 3, queries))
    gallery = Labels(rng.integers(-1, people + 1, gallery_size), rng.integers(0, 3, gallery_size))
    distances = (rng.integers(0, levels, (queries, gallery_size)) / levels).astype(np.float32)
    assert_equal(score_distances(distances, query, gallery, 10), plain_protocol(distances, query, gallery, 10))


def test_vectors_score_like_their_distances_over_several_blocks() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(900, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = Labels(rng.integers(1, 60, 900), rng.integers(0, 4, 900))
    query = np.arange(0, 900, 3)
    scores = score_vectors(vectors[query], vectors, labels[query], labels)
    distances = 1 - vectors[query] @ vectors.T
    assert_equal(scores, plain_protocol(distances, labels[query], labels, 50))
    assert scores.counted == np.count_nonzero(np.isfinite(scores.average_precision))


def test_a_perfect_and_a_reversed_ranking() -> None:
    query, gallery = Labels(np.array([5]), np.array([0])), Labels(np.array([5, 5, 9, 9]), np.array([1, 2, 1, 2]))
    perfect = score_distances(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), query, gallery)
    assert (perfect.cmc[0], perfect.mean_ap, perfect.mean_inp) == (1, 1, 1)
    reverse = score_distances(np.array([[0.4, 0.3, 0.2, 0.1]], np.float32), query, gallery)
    assert reverse.first_rank.tolist() == [3]
    assert reverse.mean_ap == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert reverse.mean_inp == pytest.approx(0.5)
    assert reverse.cmc[:3].tolist() == [0, 0, 1]


def test_without_any_true_match_every_figure_is_nan_not_a_crash() -> None:
    query, gallery = Labels(np.array([5]), np.array([0])), Labels(np.array([5, 9]), np.array([0, 1]))
    scores = score_distances(np.zeros((1, 2), np.float32), query, gallery)
    assert scores.counted == 0
    assert np.isnan(scores.mean_ap)
    assert np.isnan(scores.mean_inp)
    assert np.isnan(scores.cmc).all()


def test_an_empty_gallery_is_no_crash() -> None:
    none = Labels(np.zeros(0, np.int64), np.zeros(0, np.int64))
    scores = score_distances(np.zeros((1, 0), np.float32), Labels(np.array([5]), np.array([0])), none)
    assert np.isnan(scores.mean_ap)


def test_nan_and_wrong_shapes_are_refused() -> None:
    query, gallery = Labels(np.array([5]), np.array([0])), Labels(np.array([5, 9]), np.array([1, 1]))
    with pytest.raises(ValueError, match="NaN"):
        score_distances(np.array([[np.nan, 0]], np.float32), query, gallery)
    with pytest.raises(ValueError, match="1 queries and 2 gallery"):
        score_distances(np.zeros((2, 2), np.float32), query, gallery)
    with pytest.raises(ValueError, match="distances of 1 queries"):
        score_blocks([np.zeros((1, 2), np.float32)], Labels(np.array([5, 5]), np.array([0, 0])), gallery)
