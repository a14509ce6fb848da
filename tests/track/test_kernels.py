"""Compiled loops against dense oracles; the same code also runs with the JIT off."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from perdure.geometry import iou
from perdure.track import kernels
from perdure.track.associate import assign, motion_llr, overlap, runner_up
from perdure.track.kalman import Motion, WalkingModel
from perdure.track.pairs import Pairs

GAINS = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-5, 9))


def pairs_of(gain: np.ndarray) -> Pairs:
    track, box = np.nonzero(gain > -4)
    return Pairs(track, box, gain[track, box], *gain.shape)


def everything(gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(gain.shape[0], bool), np.ones(gain.shape[1], bool)


@settings(deadline=None)
@given(st.integers(1, 7), st.integers(0, 4), st.integers(0, 1000))
def test_hungarian_is_as_cheap_as_scipy(rows: int, more: int, seed: int) -> None:
    cost = np.random.default_rng(seed).normal(size=(rows, rows + more)).round(1)
    chosen = kernels.hungarian(cost)
    assert len(set(chosen.tolist())) == rows
    first, second = linear_sum_assignment(cost)
    assert cost[np.arange(rows), chosen].sum() == pytest.approx(cost[first, second].sum())


@settings(deadline=None)
@given(GAINS)
def test_sparse_links_are_worth_as_much_as_dense_ones(gain: np.ndarray) -> None:
    links = pairs_of(gain).linked((everything(gain),))
    boxes = np.flatnonzero(links >= 0)
    assert len(set(links[boxes].tolist())) == len(boxes)
    rows, columns = assign(gain)
    assert gain[links[boxes], boxes].sum() == pytest.approx(gain[rows, columns].sum())
    assert np.all(gain[links[boxes], boxes] > 0)


@settings(deadline=None)
@given(GAINS, st.integers(0, 100))
def test_passes_come_in_turn(gain: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracks, boxes = rng.random(gain.shape[0]) < 0.5, rng.random(gain.shape[1]) < 0.5
    links = pairs_of(gain).linked(((tracks, boxes), (~tracks, ~boxes)))
    linked = np.flatnonzero(links >= 0)
    assert np.all(tracks[links[linked]] == boxes[linked])


@settings(deadline=None)
@given(GAINS)
def test_second_best_is_the_runner_up(gain: np.ndarray) -> None:
    pairs = pairs_of(np.where(gain > -4, gain, -np.inf))
    links = pairs.linked((everything(gain),))
    boxes = np.flatnonzero(links >= 0)
    dense = runner_up(np.where(gain > -4, gain, -np.inf), links[boxes], boxes)
    np.testing.assert_allclose(pairs.second_best(links)[boxes], dense)
    np.testing.assert_allclose(pairs.of_links(links)[boxes], gain[links[boxes], boxes])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_near_pairs_are_the_dense_evidence_above_the_floor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = WalkingModel()
    corner = rng.uniform(0, 300, (12, 2))
    boxes = np.concatenate([corner, corner + rng.uniform([20, 60], [60, 150], (12, 2))], axis=1)
    motion = Motion.started(model, boxes[:7])
    motion.predict(model, float(rng.uniform(0.03, 1.5)))
    found = boxes + rng.normal(0, 5, boxes.shape)
    active = rng.random(7) < 0.9
    dense = 0.7 * motion_llr(motion, model, model.measure(found), (640, 480), 6.0, 0.0)
    dense += 3.0 * overlap(model.boxes(motion.place), found, 0.2) - 1.5
    dense[~active] = -np.inf
    pairs = Pairs.near(
        motion.place,
        motion.spread(model),
        active,
        model.measure(found),
        np.full(7, 0.7 * np.log(640 * 480) - 1.5),
        (6.0, 0.7, 3.0, 0.2),
        -7.0,
    )
    sparse = np.full(dense.shape, -np.inf)
    sparse[pairs.track, pairs.box] = pairs.gain
    np.testing.assert_allclose(sparse, np.where(dense > -7, dense, -np.inf), atol=1e-9)


def test_more_pairs_than_expected_are_kept() -> None:
    model = WalkingModel()
    boxes = np.tile(np.array([[100.0, 100, 140, 200]]), (60, 1))
    motion = Motion.started(model, boxes)
    pairs = Pairs.near(
        motion.place,
        motion.spread(model),
        np.ones(60, bool),
        model.measure(boxes),
        np.full(60, 12.0),
        (6.0, 1.0, 3.0, 0.2),
        -7.0,
    )
    assert len(pairs.track) == 3600


def test_looks_are_added_where_they_are_known() -> None:
    pairs = Pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0]), 2, 2)
    looked = pairs.with_looks(np.array([1]), np.array([[10.0], [20.0]]))
    assert looked.gain.tolist() == [1.0, 12.0, 23.0]
    assert pairs.gain.tolist() == [1.0, 2.0, 3.0]


def test_rivals_are_near_the_best_of_an_asked_track() -> None:
    pairs = Pairs(np.array([0, 0, 0, 1]), np.array([0, 1, 2, 3]), np.array([5.0, 2.0, 0.5, 9.0]), 2, 4)
    assert pairs.rivals(np.array([True, False]), 4.0).tolist() == [True, True, False, False]


@settings(deadline=None)
@given(st.integers(0, 500))
def test_hits_used_is_the_overlap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (8, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(10, 40, (8, 2))], axis=1)
    candidates, used = np.arange(3), np.arange(3, 8)
    expected = iou(boxes[candidates], boxes[used]).max(axis=1) >= 0.4
    assert kernels.hits_used(boxes, candidates, used, 0.4).tolist() == expected.tolist()


def test_logic_holds_with_the_jit_off() -> None:
    code = (
        "import numpy as np; from perdure.track.pairs import Pairs;"
        "p = Pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([5.0, 4.0, 3.0]), 2, 2);"
        "m = np.ones(2, bool); print(p.linked(((m, m),)).tolist())"
    )
    env = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[0, 1]"
