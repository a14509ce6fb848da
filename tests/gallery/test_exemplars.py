from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.gallery.exemplars import (
    halves,
    last,
    last_good,
    mean,
    means,
    moving_average,
    purest,
    ring_centroid,
    select,
    summed_up,
    typical_quality,
    unit,
)
from perdure.types import Exemplars


def exemplars(vectors, quality=None):
    vectors = unit(np.asarray(vectors, np.float32))
    k = len(vectors)
    quality = np.ones(k, np.float32) if quality is None else np.asarray(quality, np.float32)
    return Exemplars("m", vectors, quality, np.arange(k, dtype=float), tuple(map(str, range(k))))


def test_few_are_kept_whole():
    few = exemplars(np.eye(3))
    assert select(few, 3) is few


def test_good_and_different_ones_are_kept_in_order_of_time():
    looks = [[1, 0, 0], [1, 0.01, 0], [0, 1, 0], [1, 0.02, 0], [0, 0, 1]]
    assert select(exemplars(looks, [0.5, 0.9, 0.5, 0.6, 0.5]), 3).pictures == ("1", "2", "4")


def test_a_blurred_picture_is_not_kept_only_for_being_different():
    looks = [[1, 0, 0], [0.8, 0.6, 0], [0, 1, 0]]
    assert select(exemplars(looks, [0.9, 0.9, 0.0]), 2).pictures == ("0", "1")


@given(st.integers(1, 30), st.integers(1, 12), st.integers(0, 99))
def test_selection_is_a_subset_of_the_asked_size_in_order(count, keep, seed):
    rng = np.random.default_rng(seed)
    chosen = select(exemplars(rng.normal(size=(count, 4)), rng.random(count)), keep)
    assert len(chosen) == min(count, keep)
    assert list(chosen.at) == sorted(set(chosen.at.tolist()))


def test_moving_average_equals_the_plain_loop():
    pictures = exemplars(np.random.default_rng(0).normal(size=(9, 5)))
    average = pictures.vectors[0]
    for vector in pictures.vectors[1:]:
        average = 0.9 * average + 0.1 * vector
    np.testing.assert_allclose(moving_average(pictures)[0], unit(average), atol=1e-6)


def test_the_other_policies():
    pictures = exemplars(np.eye(4), [0.9, 0.2, 0.8, 0.1])
    np.testing.assert_allclose(ring_centroid(pictures, 2)[0], unit(np.array([0, 0, 1.0, 1.0])), atol=1e-6)
    assert last(pictures, 3).shape == (3, 4)
    np.testing.assert_array_equal(last_good(pictures, 1), pictures.vectors[[2]])
    np.testing.assert_array_equal(last_good(exemplars(np.eye(2), [0.1, 0.3])), np.eye(2)[[1]])


def test_a_mean_follows_quality_and_zero_stays_zero():
    assert mean(exemplars(np.eye(2), [1.0, 0.1]))[0] == pytest.approx(1.05 / np.hypot(1.05, 0.15))
    np.testing.assert_array_equal(unit(np.zeros((2, 3))), np.zeros((2, 3)))


def test_of_a_tracklet_that_shows_two_people_the_better_side_stays() -> None:
    one, other = np.array([1.0, 0.1, 0.0]), np.array([0.0, 0.1, 1.0])
    assert purest(exemplars([one, one, one, other, other]), 0.5).pictures == ("0", "1", "2")
    assert purest(exemplars([one, other, other]), 0.5).pictures == ("1", "2")
    assert purest(exemplars([one, other], [0.3, 0.9]), 0.5).pictures == ("1",)
    assert purest(exemplars([one, other]), 0.5).pictures == ("0",)


def test_a_tracklet_of_one_person_stays_whole() -> None:
    looks = [np.array([1.0, 0.1 * i, 0.0]) for i in range(4)]
    assert purest(exemplars(looks), 0.5).pictures == exemplars(looks).pictures
    assert len(purest(exemplars(looks[:1]), 0.5)) == 1
    assert len(purest(exemplars([np.array([1.0, 0, 0]), np.array([-1.0, 0, 0])]), -1.0)) == 2  # nothing is known


def test_halves_go_by_time() -> None:
    one, other = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    assert halves(exemplars([one, one, other, other])) == pytest.approx(0.0)
    assert halves(exemplars([one, other, one, other])[np.array([2, 0, 3, 1])]) == pytest.approx(1.0, abs=1e-6)
    assert np.isnan(halves(exemplars([one])))


def test_the_means_of_many_tracklets_are_those_of_each() -> None:
    rng = np.random.default_rng(5)
    sizes = [1, 3, 2]
    vectors = unit(rng.normal(size=(6, 8)))
    quality = rng.random(6).astype(np.float32)
    looks, worth = means(vectors, quality, np.cumsum(sizes) - sizes)
    for row, end in enumerate(np.cumsum(sizes)):
        part = slice(end - sizes[row], end)
        one = Exemplars("m", vectors[part], quality[part], np.zeros(sizes[row]), ("",) * sizes[row])
        assert looks[row] == pytest.approx(mean(one), abs=1e-6)
        assert worth[row] == pytest.approx(typical_quality(one), abs=1e-6)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.integers(0, 99))
def test_what_is_summed_up_of_many_is_what_is_of_each(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    bodies = []
    for size in sizes:
        vectors = unit(rng.normal(size=(size, 4)) + 0.8)  # some fall into two sides
        quality, at = rng.random(size).astype(np.float32), rng.permutation(size).astype(float)
        bodies.append(Exemplars("m", vectors, quality, at, ("",) * size))
    looks, worth, halved = summed_up(bodies, 0.3)
    for row, body in enumerate(bodies):
        shown = purest(body, 0.3)
        np.testing.assert_allclose(looks[row], mean(shown), atol=1e-6)
        assert worth[row] == pytest.approx(typical_quality(shown), abs=1e-6)
        np.testing.assert_allclose(halved[row], halves(shown), atol=1e-6)
