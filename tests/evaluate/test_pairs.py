"""The sweep finds every overlapping pair and nothing else, with similarities equal to ``geometry.iou``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.evaluate import pairs as pairs_module
from perdure.evaluate.pairs import BoxOverlap, FloorDistance, find_pairs
from perdure.evaluate.tracks import Tracks
from perdure.geometry import iou


def random_tracks(random: np.random.Generator, frames: int, size: int, scale: float, width: int) -> Tracks:
    """Boxes (width 4) or points (width 2) with distinct ids."""
    corner = np.round(random.uniform(-scale, scale, (size, 2)), int(random.integers(0, 3)))
    boxes = np.hstack([corner, corner + random.uniform(-1, scale / 2, (size, 2))])[:, :width]
    return Tracks.of(random.integers(-3, frames, size), np.arange(size), boxes)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(0, 60), st.integers(0, 60), st.sampled_from([5.0, 1e4])
)
def test_boxes_equal_the_full_table(seed: int, frames: int, n: int, m: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    truth, result = random_tracks(random, frames, n, scale, 4), random_tracks(random, frames, m, scale, 4)
    table = iou(truth.boxes, result.boxes) * (truth.frames[:, None] == result.frames[None])
    rows, columns = np.nonzero(table)
    found = find_pairs(truth, result, BoxOverlap())
    np.testing.assert_array_equal(found.truth, rows)
    np.testing.assert_array_equal(found.result, columns)
    np.testing.assert_array_equal(found.similarity, table[rows, columns])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(0, 40))
def test_points_equal_the_full_table(seed: int, n: int, m: int) -> None:
    random = np.random.default_rng(seed)
    truth, result = random_tracks(random, 3, n, 6.0, 2), random_tracks(random, 3, m, 6.0, 2)
    points, others = truth.boxes.reshape(-1, 2), result.boxes.reshape(-1, 2)
    away = np.linalg.norm(points[:, None] - others[None], axis=2)
    table = np.maximum(0, 1 - away / 2) * (truth.frames[:, None] == result.frames[None])
    rows, columns = np.nonzero(table)
    found = find_pairs(truth, result, FloorDistance(2.0))
    np.testing.assert_array_equal(found.truth, rows)
    np.testing.assert_array_equal(found.result, columns)
    assert found.similarity == pytest.approx(table[rows, columns], abs=1e-12)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    truth, result = random_tracks(random, 5, 200, 30.0, 4), random_tracks(random, 5, 200, 30.0, 4)
    whole = find_pairs(truth, result, BoxOverlap())
    monkeypatch.setattr(pairs_module, "CHUNK", 7)
    parts = find_pairs(truth, result, BoxOverlap())
    assert len(whole) > 100
    np.testing.assert_array_equal(whole.result, parts.result)
    np.testing.assert_array_equal(whole.similarity, parts.similarity)
