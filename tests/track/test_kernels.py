"""Compiled loops against dense oracles; the same code also runs with the JIT off."""

from __future__ import annotations

import os
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
from perdure.track.kalman import Motion
from perdure.track.pairs import Pairs
from perdure.track.walking import WalkingModel

GAINS = arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-5, 9))


def pairs_of(gain: np.ndarray) -> Pairs:
    track, box = np.nonzero(gain > -4)
    return Pairs(track, box, gain[track, box], *gain.shape)


def in_passes(gain: np.ndarray, of_track: np.ndarray, of_box: np.ndarray, passes: int) -> np.ndarray:
    pairs = pairs_of(gain)
    return kernels.link_passes(pairs.track, pairs.box, pairs.gain, of_track, of_box, passes)


def linked(gain: np.ndarray) -> np.ndarray:
    """All pairs in one pass."""
    return in_passes(gain, np.ones(gain.shape[0], np.int64), np.ones(gain.shape[1], np.int64), 1)


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
    links = linked(gain)
    boxes = np.flatnonzero(links >= 0)
    assert len(set(links[boxes].tolist())) == len(boxes)
    rows, columns = assign(gain)
    assert gain[links[boxes], boxes].sum() == pytest.approx(gain[rows, columns].sum())
    assert np.all(gain[links[boxes], boxes] > 0)


@settings(deadline=None)
@given(GAINS, st.integers(0, 100))
def test_passes_come_in_turn(gain: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tracks, boxes = rng.integers(0, 4, gain.shape[0]), rng.integers(0, 4, gain.shape[1])
    links, free = np.full(gain.shape[1], -1), np.ones(gain.shape[0], bool)
    for bit in (1, 2):
        rows, columns = np.flatnonzero((tracks & bit > 0) & free), np.flatnonzero((boxes & bit > 0) & (links < 0))
        first, second = assign(gain[np.ix_(rows, columns)])
        links[columns[second]], free[rows[first]] = rows[first], False
    expected = gain[links[links >= 0], links >= 0].sum()
    found = in_passes(gain, tracks, boxes, 2)
    boxes_found = np.flatnonzero(found >= 0)
    assert np.all(tracks[found[boxes_found]] & boxes[boxes_found])
    if len(np.unique(gain)) == gain.size:
        assert gain[found[boxes_found], boxes_found].sum() == pytest.approx(expected)


@settings(deadline=None)
@given(GAINS)
def test_second_best_is_the_runner_up(gain: np.ndarray) -> None:
    pairs, links = pairs_of(gain), linked(gain)
    boxes = np.flatnonzero(links >= 0)
    dense = runner_up(np.where(gain > -4, gain, -np.inf), links[boxes], boxes)
    second = kernels.second_best(pairs.track, pairs.box, pairs.gain, links, pairs.n_tracks)
    np.testing.assert_allclose(second[boxes], dense)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), spread=st.sampled_from([60.0, 300.0, 4000.0]))
def test_near_pairs_are_the_dense_evidence_above_the_floor(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    model = WalkingModel()
    corner = rng.uniform(0, spread, (30, 2))
    boxes = np.concatenate([corner, corner + rng.uniform([20, 60], [60, 150], (30, 2))], axis=1)
    motion = Motion.started(model, boxes[:17])
    motion.predict(model, float(rng.uniform(0.03, 1.5)))
    found = boxes + rng.normal(0, 5, boxes.shape)
    floor = np.where(rng.random(17) < 0.8, rng.choice([-7.0, 0.0], 17), np.inf)
    dense = 0.7 * motion_llr(motion, model, model.measure(found), (640, 480), 6.0, 0.0)
    dense += 3.0 * overlap(model.boxes(motion.place), found, 0.2) - 1.5
    offset = np.full(17, 0.7 * np.log(640 * 480) - 1.5)
    track, box, gain = near_pairs(motion, model, offset, floor, found)
    sparse = np.full(dense.shape, -np.inf)
    sparse[track, box] = gain
    assert np.all(np.diff(track) >= 0)
    np.testing.assert_allclose(sparse, np.where(dense > floor[:, None], dense, -np.inf), atol=1e-9)


def near_pairs(
    motion: Motion, model: WalkingModel, offset: np.ndarray, floor: np.ndarray, found: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    filters = (motion.place, motion.var_place, model.shares())
    return kernels.near_pairs(*filters, offset, floor, model.measure(found), (6.0, 0.7, 3.0, 0.2))


def test_more_pairs_than_expected_are_kept() -> None:
    model = WalkingModel()
    boxes = np.tile(np.array([[100.0, 100, 140, 200]]), (60, 1))
    motion = Motion.started(model, boxes)
    track, box, _ = near_pairs(motion, model, np.full(60, 12.0), np.full(60, -7.0), boxes)
    assert set(zip(track.tolist(), box.tolist(), strict=True)) == {(i, j) for i in range(60) for j in range(60)}


def test_no_boxes_and_no_tracks_make_no_pairs() -> None:
    model = WalkingModel()
    boxes = np.array([[100.0, 100, 140, 200]])
    some, none = Motion.started(model, boxes), Motion.started(model, boxes[:0])
    assert len(near_pairs(some, model, np.zeros(1), np.zeros(1), boxes[:0])[0]) == 0
    assert len(near_pairs(none, model, np.zeros(0), np.zeros(0), boxes)[0]) == 0


def test_looks_are_added_where_they_are_known() -> None:
    pairs = Pairs(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0]), 2, 2)
    looked = pairs.with_looks(np.array([1]), np.array([[10.0], [20.0]]))
    assert looked.gain.tolist() == [1.0, 12.0, 23.0]
    assert pairs.gain.tolist() == [1.0, 2.0, 3.0]


def test_rivals_are_near_the_best_of_an_asked_track() -> None:
    track, box, gain = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 3]), np.array([5.0, 2.0, 0.5, 9.0])
    near = kernels.rivals(track, box, gain, np.array([True, False]), 4.0, 4)
    assert near.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("second", "occluded", "crowded", "pictured", "asked"),
    [
        (3.0, False, 0, True, [True, True]),  # a close second candidate
        (0.5, False, 0, True, [False, False]),  # nobody near
        (0.5, True, 0, True, [True, False]),  # back from an occlusion
        (0.5, True, 2, True, [False, False]),  # not yet in the clear
        (3.0, True, 0, False, [False, False]),  # nothing to compare with
    ],
)
def test_looks_are_wanted_where_they_could_change_a_link(
    second: float, occluded: bool, crowded: int, pictured: bool, asked: list[bool]
) -> None:
    track, box, gain = np.array([0, 0]), np.array([0, 1]), np.array([5.0, second])
    known = (np.array([0, -1]), np.array([crowded, 0], np.uint8), np.array([occluded]), np.array([pictured]))
    assert kernels.doubtful(track, box, gain, *known, 4.0, 4.0).tolist() == asked


@settings(deadline=None)
@given(st.integers(0, 500))
def test_fresh_boxes_lie_on_no_linked_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (8, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(10, 40, (8, 2))], axis=1)
    links, scores = np.where(np.arange(8) < 3, -1, np.arange(8)), np.array([0.9, 0.9, 0.3, *[0.9] * 5])
    alone = iou(boxes[:3], boxes[3:]).max(axis=1) < 0.4
    expected = [*(alone & (scores[:3] >= 0.5)).tolist(), *[False] * 5]
    assert kernels.fresh(boxes, scores, links, 0.5, 0.4).tolist() == expected


CROWD = """
import numpy as np
from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.types import Detections
rng = np.random.default_rng(0)
place, speed = rng.uniform(0, 500, (14, 2)), rng.normal(0, 4, (14, 2))
tracker = build("cam", TrackingConfig(confirm_s=0.1))
for frame in range(40):
    place += speed
    boxes = np.concatenate([place - [15, 40], place + [15, 40]], axis=1) + rng.normal(0, 1.5, (14, 4))
    seen = rng.random(14) < 0.9
    tracker.propose(frame, frame / 10, (600, 600), Detections.of(boxes[seen], rng.uniform(0.2, 1.0, seen.sum())))
    tracker.commit([])
    print(*(array.tolist() for array in tracker.observed()))
"""


def test_a_crowd_is_followed_alike_with_the_jit_off() -> None:
    told = []
    for off in "01":
        env = {**os.environ, "NUMBA_DISABLE_JIT": off, "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run([sys.executable, "-c", CROWD], env=env, capture_output=True, text=True, check=True)
        told.append(done.stdout)
    assert told[0] == told[1]
    assert told[0].count("\n") == 40
