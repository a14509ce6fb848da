from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.gallery.index import Index
from perdure.gallery.scan import Codes, Probes, nearest
from perdure.models.integer_dots import integer_dots


def table(rows: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def exact_dots(codes: np.ndarray, probes: np.ndarray) -> np.ndarray:
    return np.asarray(codes.astype(np.int32) @ probes.astype(np.int32), np.int32)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 300),
    dim=st.integers(2, 40),
    batch=st.integers(1, 5),
    count=st.integers(1, 20),
    seed=st.integers(0, 10_000),
    batched=st.booleans(),
    plain=st.booleans(),
)
def test_equals_a_full_scan(rows: int, dim: int, batch: int, count: int, seed: int, batched: bool, plain: bool) -> None:
    rng, vectors = np.random.default_rng(seed), table(rows, dim, seed)
    vectors[rng.integers(rows)] = 0  # a wiped row
    cameras = rng.integers(0, 3, rows)
    gain = None if plain else rng.uniform(0.5, 3, rows).astype(np.float32)
    shift = None if plain else rng.normal(scale=0.2, size=(3, batch)).astype(np.float32)
    keep = None if plain else rng.random(rows) < 0.7
    probes = (rng.normal(size=(batch, dim)) * rng.uniform(0.1, 2)).astype(np.float32)
    found = nearest(
        vectors,
        Codes.of(vectors),
        cameras,
        Probes(probes, gain, shift),
        count,
        keep,
        exact_dots if batched else None,
    )
    score = (vectors @ probes.T - (0 if shift is None else shift[cameras])) * (1 if gain is None else gain[:, None])
    allowed = np.flatnonzero(np.ones(rows, bool) if keep is None else keep)
    for b in range(batch):
        wanted = np.sort(score[allowed, b])[::-1][:count]
        assert found[b].scores == pytest.approx(wanted, abs=1e-5)
        assert score[found[b].rows, b] == pytest.approx(found[b].scores, abs=1e-5)
        assert len(set(found[b].rows.tolist())) == len(wanted)
        assert set(found[b].rows.tolist()) <= set(allowed.tolist())


def test_a_bound_too_narrow_would_be_noticed() -> None:
    """Vectors whose bytes mislead: the nearest by bytes is not the nearest."""
    rng = np.random.default_rng(1)
    probe = table(1, 64, 5)
    vectors = probe + 1e-3 * rng.normal(size=(500, 64)).astype(np.float32)
    codes = Codes.of(vectors)
    by_bytes = (codes.codes.astype(np.float32) - 128) @ probe[0] * codes.scales
    true = vectors @ probe[0]
    assert np.argmax(by_bytes) != np.argmax(true)
    found = nearest(vectors, codes, np.zeros(500, np.int64), Probes(probe), 1)[0]
    assert true[found.rows[0]] == pytest.approx(true.max(), abs=1e-6)


def test_the_index_keeps_its_bytes_up_to_date() -> None:
    vectors = table(200, 16, 0)
    index = Index(16)
    for i, vector in enumerate(vectors[:100]):
        index.put(f"t{i}", vector, i, i + 1, i % 2)
    index.nearest(Probes(vectors[:1]), 1)  # from here on there are bytes
    for i, vector in enumerate(vectors[100:], 100):
        index.put(f"t{i}", vector, i, i + 1, i % 2)
    index.put("t3", vectors[150], 3, 4, 1)
    for i in range(0, 200, 3):
        index.remove(f"t{i}")
    for probe in (vectors[1], vectors[151], vectors[199]):
        found = index.nearest(Probes(probe[None]), 5, index.cameras == 1)[0]
        score = np.where(index.cameras == 1, index.vectors @ probe, -np.inf)
        assert found.scores == pytest.approx(np.sort(score)[::-1][:5], abs=1e-5)
        assert score[found.rows] == pytest.approx(found.scores, abs=1e-5)


def test_removed_evidence_is_overwritten() -> None:
    index = Index(16)
    vectors = table(3, 16, 0)
    for i, vector in enumerate(vectors):
        index.put(f"t{i}", vector, 0, 1, 0)
    index.nearest(Probes(vectors[:1]), 1)
    index.remove("t0")
    assert index._bytes is not None
    assert not index._vectors[2:].any()
    assert (index._bytes.codes[2:] == 128).all()
    assert not any(np.array_equal(row, vectors[0]) for row in index._vectors)


def test_an_empty_index_finds_nothing() -> None:
    found = Index(8).nearest(Probes(np.ones((2, 8), np.float32)), 3)
    assert [len(one.rows) for one in found] == [0, 0]


def test_onnxruntime_multiplies_bytes_exactly_or_says_no() -> None:
    dots = integer_dots()
    if dots is None:
        pytest.skip("this CPU's kernel saturates")
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (300, 96), dtype=np.uint8)
    probes = rng.integers(-64, 65, (96, 7), dtype=np.int8)
    assert np.array_equal(dots(codes, probes), exact_dots(codes, probes))


def test_many_rows_at_once_are_rows_one_by_one() -> None:
    rng = np.random.default_rng(4)
    one, many = Index(4), Index(4)
    for names in (["a", "b", "c"], ["b", "d"]):  # b comes again
        vectors = rng.normal(size=(len(names), 4)).astype(np.float32)
        spans, cameras, worth = rng.random((2, len(names))), rng.integers(3, size=len(names)), rng.random(len(names))
        for i, name in enumerate(names):
            one.put(name, vectors[i], spans[0, i], spans[1, i], int(cameras[i]), worth[i])
        many.put_all(names, vectors, spans, cameras, worth)
        probes = Probes(vectors[:1], np.ones(len(one), np.float32), None)
        assert one.nearest(probes, 2)[0].rows.tolist() == many.nearest(probes, 2)[0].rows.tolist()
    assert one.ids == many.ids == ["a", "b", "c", "d"]
    for name in ("vectors", "starts", "ends", "qualities", "cameras", "owners", "halves"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))
