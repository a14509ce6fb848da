"""The heaviest matching equals an assignment of the full table, block by block, dense or sparse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from perdure.evaluate import contingency
from perdure.evaluate.contingency import heaviest_matching


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 80), st.integers(1, 25), st.sampled_from([0, 10**6]))
def test_equals_the_full_table(seed: int, size: int, labels: int, dense: int) -> None:
    random = np.random.default_rng(seed)
    rows, columns = random.integers(0, labels, size), random.integers(0, labels, size)
    weights = random.integers(1, 9, size).astype(float)
    table = np.zeros((labels, labels))
    np.add.at(table, (rows, columns), weights)
    chosen = linear_sum_assignment(table, maximize=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contingency, "DENSE", dense)
        assert heaviest_matching(rows, columns, weights) == pytest.approx(table[chosen].sum(), abs=1e-9)


def test_nothing_weighs_nothing() -> None:
    assert heaviest_matching(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)) == 0.0
