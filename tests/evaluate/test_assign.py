"""The matching of every frame is the best there is, and ties fall as in one assignment of the whole frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from perdure.evaluate.assign import best_matching, settle
from perdure.evaluate.pairs import Pairs
from perdure.evaluate.steps import Steps


def frame(random: np.random.Generator, levels: int) -> tuple[Pairs, Steps, np.ndarray]:
    """One frame's sparse scores; few levels make ties."""
    shape = random.integers(1, 9, 2)
    table = random.integers(1, levels + 1, shape) / levels * (random.random(shape) < 0.5)
    rows, columns = np.nonzero(table)
    steps = Steps.of(np.zeros(shape[0], np.int64), np.zeros(shape[1], np.int64), rows)
    return Pairs(rows, columns, table[rows, columns]), steps, table


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 10**6]))
def test_equals_the_assignment_of_the_full_table(seed: int, levels: int) -> None:
    pairs, steps, table = frame(np.random.default_rng(seed), levels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    wanted = {(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if table[r, c] > 0}
    chosen = best_matching(pairs, pairs.similarity, steps)
    found = set(zip(pairs.truth[chosen].tolist(), pairs.result[chosen].tolist(), strict=True))
    assert sum(table[cell] for cell in found) == pytest.approx(sum(table[cell] for cell in wanted), abs=1e-12)
    if levels > 3:
        assert found == wanted


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_settled_pairs_are_in_the_best_matching(seed: int) -> None:
    pairs, _, table = frame(np.random.default_rng(seed), 10**6)
    matched, contested = settle(pairs, pairs.similarity)
    assert not (matched & contested).any()
    rows, columns = linear_sum_assignment(table, maximize=True)
    best = set(zip(rows.tolist(), columns.tolist(), strict=True))
    assert set(zip(pairs.truth[matched].tolist(), pairs.result[matched].tolist(), strict=True)) <= best


def test_a_weak_pair_gives_way_to_two() -> None:
    pairs = Pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([0.6, 0.7, 0.2]))
    steps = Steps.of(np.zeros(2, np.int64), np.zeros(2, np.int64), pairs.truth)
    assert best_matching(pairs, pairs.similarity, steps).tolist() == [True, False, True]
