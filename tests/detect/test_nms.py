from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.detect.nms import MOST_CANDIDATES, clean, suppress
from perdure.types import Float32s


def overlap(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / total if total > 0 else 0.0


def plain(boxes: Float32s, scores: Float32s, iou: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if all(overlap(boxes[i].tolist(), boxes[k].tolist()) <= iou for k in kept):
            kept.append(i)
    return kept


@given(st.integers(0, 10_000), st.integers(0, 40), st.sampled_from([0.3, 0.5, 0.65, 1.0]))
def test_suppress_is_the_plain_greedy_loop(seed: int, count: int, iou: float) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 30, (count, 2))
    boxes = np.concatenate([corner, corner + rng.integers(1, 20, (count, 2))], axis=1).astype(np.float32)
    scores = (rng.integers(0, 10, count) / 10).astype(np.float32)
    assert suppress(boxes, scores, iou).tolist() == plain(boxes, scores, iou)


def test_clean_drops_what_is_no_detection() -> None:
    boxes = np.array(
        [
            [10, 10, 40, 90],
            [np.nan, 10, 40, 90],
            [10, 10, np.inf, 90],
            [10, 10, 40, 20],
            [200, 10, 240, 90],
            [12, 10, 42, 90],
            [-50, -50, 60, 200],
            [60, 60, 30, 20],
        ],
        np.float32,
    )
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 1.5, 0.9], np.float32)
    found = clean(boxes, scores, 100, 100, 0.5, 24.0, 0.65)
    np.testing.assert_allclose(found.boxes, [[0, 0, 60, 100], [10, 10, 40, 90]])
    np.testing.assert_allclose(found.scores, [1.0, 0.9])


def test_clean_keeps_the_score_bound_and_ignores_nan_scores() -> None:
    boxes = np.array([[0, 0, 30, 60], [40, 0, 70, 60], [0, 0, 30, 60]], np.float32)
    found = clean(boxes, np.array([0.3, 0.29, np.nan], np.float32), 100, 100, 0.3, 1.0, 0.5)
    assert len(found) == 1


def test_thousands_of_boxes_are_capped_best_first() -> None:
    side = np.arange(3000, dtype=np.float32)
    boxes = np.stack([side * 40, 0 * side, side * 40 + 30, 0 * side + 60], axis=1)
    scores = np.linspace(0.1, 0.9, 3000).astype(np.float32)
    found = clean(boxes, scores, 130_000, 100, 0.05, 1.0, 0.5)
    assert len(found) == MOST_CANDIDATES
    assert found.scores[0] == pytest.approx(0.9)
    assert found.scores.min() > 0.6


def test_nothing_in_nothing_out() -> None:
    assert len(clean(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 10, 10, 0.1, 1.0, 0.5)) == 0
