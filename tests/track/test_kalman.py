"""The closed form against the textbook's matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.track.kalman import Motion, MotionModel
from perdure.track.paper_models import HeightModel, SortModel
from perdure.track.walking import WalkingModel

MODELS: list[MotionModel] = [WalkingModel(), SortModel(), HeightModel(), HeightModel(width=True)]
BOXES = np.array([[100.0, 50, 140, 150], [300, 200, 380, 420]])


class Textbook:
    """One box, 8 states, full matrices."""

    def __init__(self, model: MotionModel, box: np.ndarray) -> None:
        self.model = model
        place = model.measure(box[None])
        var_place, var_speed = model.start_variance(place)
        self.mean = np.concatenate([place[0], np.zeros(4)])
        self.cov = np.diag(np.concatenate([var_place[0], var_speed[0]]))

    def predict(self, dt: float) -> None:
        now = self.model.step(self.mean[None, :4], dt)
        noise = np.diag(np.concatenate([now.noise_place[0], now.noise_speed[0]]))
        noise[range(4), range(4, 8)] = noise[range(4, 8), range(4)] = now.noise_covar[0]
        step = np.eye(8)
        step[range(4), range(4, 8)] = now.reach
        step[range(4, 8), range(4, 8)] = now.keep
        self.mean = step @ self.mean
        self.cov = step @ self.cov @ step.T + noise

    def update(self, box: np.ndarray) -> None:
        look = np.eye(4, 8)
        noise = np.diag(self.model.measurement_variance(self.mean[None, :4])[0])
        gain = self.cov @ look.T @ np.linalg.inv(look @ self.cov @ look.T + noise)
        self.mean = self.mean + gain @ (self.model.measure(box[None])[0] - look @ self.mean)
        self.cov = (np.eye(8) - gain @ look) @ self.cov


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_equals_the_textbook(model: MotionModel) -> None:
    rng = np.random.default_rng(0)
    motion = Motion.started(model, BOXES)
    books = [Textbook(model, box) for box in BOXES]
    for frame in range(12):
        dt = 1.0 + frame % 3
        motion.predict(model, dt)
        seen = np.flatnonzero(rng.random(2) < 0.7)
        boxes = BOXES + 4.0 * frame + rng.normal(0, 2, (2, 4))
        if len(seen):
            motion.update(model, seen, boxes[seen])
        for row, book in enumerate(books):
            book.predict(dt)
            if row in seen:
                book.update(boxes[row])
            np.testing.assert_allclose(motion.place[row], book.mean[:4], rtol=1e-8)
            np.testing.assert_allclose(motion.speed[row], book.mean[4:], rtol=1e-6, atol=1e-8)
            np.testing.assert_allclose(motion.var_place[row], np.diag(book.cov)[:4], rtol=1e-7)
            np.testing.assert_allclose(motion.var_speed[row], np.diag(book.cov)[4:], rtol=1e-7)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_boxes_are_the_inverse_of_measure(model: MotionModel) -> None:
    np.testing.assert_allclose(model.boxes(model.measure(BOXES)), BOXES)


@settings(deadline=None)
@given(steps=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=8))
def test_many_small_steps_are_one_long_step(steps: list[float]) -> None:
    """Noise scales with time: skipped frames and irregular rates need no special case."""
    model = WalkingModel()
    parts, whole = Motion.started(model, BOXES), Motion.started(model, BOXES)
    for dt in steps:
        parts.predict(model, dt)
    whole.predict(model, sum(steps))
    np.testing.assert_allclose(parts.place, whole.place)
    np.testing.assert_allclose(parts.var_place, whole.var_place, rtol=1e-9)
    np.testing.assert_allclose(parts.covar, whole.covar, rtol=1e-9)
    np.testing.assert_allclose(parts.var_speed, whole.var_speed, rtol=1e-9)


def test_steady_walk_is_learned() -> None:
    model = WalkingModel()
    motion = Motion.started(model, BOXES[:1])
    for frame in range(1, 40):
        motion.predict(model, 0.1)
        motion.update(model, np.array([0]), BOXES[:1] + 3.0 * frame)
    assert motion.speed[0, 0] == pytest.approx(30.0, rel=0.15)
    assert motion.speed[0, 3] == pytest.approx(0.0, abs=1.0)


def test_compiled_filters_are_the_general_ones() -> None:
    rng = np.random.default_rng(0)
    model = WalkingModel()
    general, compiled = Motion.started(model, BOXES), Motion.started(model, BOXES)
    for frame in range(12):
        dt = float(rng.uniform(0.02, 2))
        general.predict(model, dt)
        model.predict(compiled, dt)
        rows = np.flatnonzero(rng.random(2) < 0.7)
        boxes = (BOXES + 4.0 * frame + rng.normal(0, 2, (2, 4)))[rows]
        general.update(model, rows, boxes)
        model.update(compiled, rows, boxes)
        for name in ("place", "speed", "var_place", "covar", "var_speed"):
            np.testing.assert_allclose(getattr(compiled, name), getattr(general, name), rtol=1e-12, atol=1e-12)
