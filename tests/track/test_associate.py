from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perdure.track.associate import assign, motion_llr, overlap, runner_up
from perdure.track.kalman import Motion
from perdure.track.walking import WalkingModel

SMALL = arrays(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 4)), elements=st.floats(-10, 10))


def best_total(gain: np.ndarray) -> float:
    """Brute force: every way to pair rows with columns or with nothing."""
    rows, columns = gain.shape
    padded = np.concatenate([np.maximum(gain, 0), np.zeros((rows, rows))], axis=1)
    return max(
        (sum(padded[i, j] for i, j in enumerate(p)) for p in permutations(range(columns + rows), rows)), default=0
    )


@settings(deadline=None)
@given(SMALL)
def test_assign_is_optimal_and_one_to_one(gain: np.ndarray) -> None:
    rows, columns = assign(gain)
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(columns.tolist())) == len(columns)
    assert np.all(gain[rows, columns] > 0)
    np.testing.assert_allclose(gain[rows, columns].sum(), best_total(gain), atol=1e-9)


def test_forbidden_pairs_never_meet() -> None:
    rows, columns = assign(np.array([[-np.inf, 1.0], [-np.inf, 5.0]]))
    assert rows.tolist() == [1]
    assert columns.tolist() == [1]


def test_runner_up_looks_along_row_and_column() -> None:
    gain = np.array([[5.0, 1.0], [2.0, 3.0]])
    np.testing.assert_array_equal(runner_up(gain, np.array([0, 1]), np.array([0, 1])), [2.0, 2.0])
    np.testing.assert_array_equal(runner_up(np.array([[5.0]]), np.array([0]), np.array([0])), [-np.inf])


def test_motion_evidence_falls_with_distance_and_with_time() -> None:
    model = WalkingModel()
    box = np.array([[100.0, 100, 150, 250]])
    motion = Motion.started(model, box)
    shifts = np.array([0, 20, 60, 200.0])
    measured = model.measure(box + shifts[:, None] * np.array([1, 0, 1, 0]))
    now = motion_llr(motion, model, measured, (640, 480), 6.0, 0.0)[0]
    assert np.all(np.diff(now) < 0)
    assert now[0] > 3
    motion.predict(model, 2.0)
    later = motion_llr(motion, model, measured, (640, 480), 6.0, 0.0)[0]
    assert later[0] < now[0]
    assert later[2] > now[2]


def test_buffer_makes_near_boxes_overlap() -> None:
    first, second = np.array([[0.0, 0, 10, 20]]), np.array([[11.0, 0, 21, 20]])
    assert overlap(first, second)[0, 0] == 0
    assert overlap(first, second, 0.2)[0, 0] > 0
