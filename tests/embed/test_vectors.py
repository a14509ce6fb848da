from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from perdure.embed.vectors import unit


@given(st.lists(st.lists(st.floats(width=32), min_size=4, max_size=4), min_size=1, max_size=6))
def test_always_finite_and_of_unit_norm(rows: list[list[float]]) -> None:
    vectors, good = unit(np.array(rows, np.float32))
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    for row, vector, usable in zip(rows, vectors, good, strict=True):
        if usable:
            assert np.linalg.norm(row) > 0
            np.testing.assert_allclose(vector, row / np.linalg.norm(row), atol=1e-5)
        else:
            assert (vector == vector[0]).all()


def test_a_common_direction_is_left_alone() -> None:
    vectors, good = unit(np.array([[3.0, 4.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0]], np.float32))
    np.testing.assert_allclose(vectors[0], [0.6, 0.8])
    assert good.tolist() == [True, False, False, False]
