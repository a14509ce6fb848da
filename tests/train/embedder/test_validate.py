from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.evaluate.datasets import query_each
from perdure.train.embedder.validate import retrieval


def _slow(vectors, identities, cameras, queries):
    """The protocol, read aloud."""
    firsts, precisions = [], []
    for q in queries:
        ranked = sorted(range(len(vectors)), key=lambda j: (-float(vectors[q] @ vectors[j]), j))
        ranked = [j for j in ranked if not (identities[j] == identities[q] and cameras[j] == cameras[q])]
        right = [identities[j] == identities[q] for j in ranked]
        if not any(right):
            continue
        firsts.append(right[0])
        hits = [sum(right[: i + 1]) / (i + 1) for i, r in enumerate(right) if r]
        precisions.append(sum(hits) / len(hits))
    return np.mean(firsts), np.mean(precisions), len(firsts)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_retrieval_agrees_with_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    identities, cameras = rng.integers(0, 5, 40), rng.integers(0, 3, 40)
    vectors = rng.normal(size=(40, 6)) + 1.5 * np.eye(6)[identities]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = query_each(identities + 1, cameras, 0)
    rank1, mean_ap, count = _slow(vectors, identities, cameras, queries)
    score = retrieval(vectors, identities, cameras, queries)
    assert (score.rank1, score.mean_ap, score.queries) == (pytest.approx(rank1), pytest.approx(mean_ap), count)


def test_perfect_vectors_score_one():
    identities, cameras = np.repeat(np.arange(4), 6), np.tile([0, 1, 2], 8)
    score = retrieval(np.eye(4)[identities], identities, cameras, query_each(identities + 1, cameras, 0))
    assert (score.rank1, score.mean_ap, score.queries) == (1.0, 1.0, 12)
