"""Filled and smoothed paths of recorded footage."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.track.fill import filled, smoothed


def walk(frames: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """10 fps, straight to the right."""
    rng = np.random.default_rng(0)
    x = 100 + 5.0 * frames
    boxes = np.stack([x, np.full_like(x, 50.0), x + 40, np.full_like(x, 150.0)], axis=1)
    boxes = boxes + rng.normal(0, noise, boxes.shape)
    return np.column_stack([frames / 10, frames, boxes, np.full(len(frames), 0.8)])


@settings(max_examples=50, deadline=None)
@given(st.sets(st.integers(0, 40), min_size=1))
def test_every_gap_of_a_straight_walk_is_filled_exactly(seen: set[int]) -> None:
    frames = np.array(sorted(seen), float)
    whole = filled(walk(frames), most_gap_s=10.0)
    np.testing.assert_allclose(whole, walk(np.arange(frames[0], frames[-1] + 1)))


def test_long_gaps_stay() -> None:
    path = walk(np.array([0.0, 1, 3, 30, 31]))
    assert filled(path, most_gap_s=1.0)[:, 1].tolist() == [0, 1, 2, 3, 30, 31]


def test_smoothing_removes_jitter_and_keeps_a_straight_walk() -> None:
    clean, noisy = walk(np.arange(60.0)), walk(np.arange(60.0), noise=3.0)
    np.testing.assert_allclose(smoothed(clean, 0.3), clean, atol=1e-8)
    error = np.abs(smoothed(noisy, 0.3) - clean)[:, 2:6].mean()
    assert error < 0.6 * np.abs(noisy - clean)[:, 2:6].mean()


def test_one_box_is_left_alone() -> None:
    path = walk(np.array([4.0]))
    assert filled(path, 1.0).tolist() == smoothed(path, 0.3).tolist() == path.tolist()
