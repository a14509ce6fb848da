from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.gallery.exemplars import unit
from perdure.gallery.neighbours import (
    CROWDING_WEIGHT,
    LENDERS,
    NEIGHBOURS,
    crowding,
    known_share,
    uncrowded,
    with_help,
)
from tests.gallery.people import CALIBRATION


def similarities(count: int, seed: int, people: int = 10, noise: float = 0.7) -> np.ndarray:
    rng = np.random.default_rng(seed)
    looks = rng.normal(size=(people, 16))
    vectors = unit(looks[rng.integers(people, size=count)] + noise * rng.normal(size=(count, 16))).astype(np.float64)
    return vectors @ vectors.T


def test_crowding_is_the_mean_of_the_nearest_that_count() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(5, 60))
    expected = [np.mean(sorted(row)[-NEIGHBOURS:]) for row in table]
    np.testing.assert_allclose(crowding(table), expected)
    assert crowding(np.array([[0.2, -np.inf, 0.4]])) == pytest.approx(0.3)
    assert crowding(np.full((2, 3), -np.inf)) == pytest.approx(0)
    assert crowding(np.zeros((2, 0))) == pytest.approx(0)


@given(count=st.integers(1, 60), seed=st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_taking_off_what_is_crowded_keeps_symmetry_and_the_usual_scale(count: int, seed: int) -> None:
    table = similarities(count, seed)
    found = uncrowded(table)
    np.testing.assert_allclose(found, found.T)
    assert found.mean() == pytest.approx(table.mean())
    others = table.copy()
    np.fill_diagonal(others, -np.inf)
    excess = crowding(others) - crowding(others).mean()
    expected = table - CROWDING_WEIGHT * known_share(count) * (excess[:, None] + excess)
    np.testing.assert_allclose(found, expected)


def test_help_equals_the_plain_computation() -> None:
    table = similarities(80, 3)
    near = uncrowded(table)
    lend = np.eye(80)
    for row in range(80):
        others = [j for j in np.argsort(-near[row]) if j != row][:LENDERS]
        for j in others:
            lend[row, j] = 1 / (1 + np.exp(-(20.0 * near[row, j] - 8.0 - 3.0)))
    mixed = lend @ table @ lend.T
    length = np.sqrt(np.diag(mixed))
    np.testing.assert_allclose(with_help(table, CALIBRATION), uncrowded(mixed / length / length[:, None]), atol=1e-9)


def test_strangers_lend_nothing() -> None:
    table = np.where(np.eye(30, dtype=bool), 1.0, -0.03)
    np.testing.assert_allclose(with_help(table, CALIBRATION), table, atol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_tracklets_will_do(count: int) -> None:
    assert with_help(similarities(count, 1), CALIBRATION).shape == (count, count)


def test_neighbours_of_few_are_hardly_believed() -> None:
    assert known_share(5) < 0.05 < 0.9 < known_share(2000) < 1
