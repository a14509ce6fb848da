"""Camera motion: by a warp, and as people show it."""

from __future__ import annotations

import numpy as np
import pytest

from perdure.track.kalman import Motion
from perdure.track.motion_warp import believed_shift, unmoved, warped
from perdure.track.walking import WalkingModel

from .conftest import box_at, play


def test_a_warp_carries_place_and_speed() -> None:
    model = WalkingModel()
    motion = Motion.started(model, box_at(200)[None])
    motion.speed[0, 0] = 10.0
    warped(motion, model, np.array([[2.0, 0, 30], [0, 2, -5], [0, 0, 1]]))
    np.testing.assert_allclose(motion.place[0], [430, 475, 128, 320])
    assert motion.speed[0, 0] == 20.0


def test_a_roll_keeps_the_sides_and_turns_the_speed() -> None:
    model = WalkingModel()
    motion = Motion.started(model, box_at(200)[None])
    motion.speed[0, :2] = 10.0, 0.0
    quarter = np.array([[0.0, -1, 640], [1, 0, 0], [0, 0, 1]])
    warped(motion, model, quarter)
    np.testing.assert_allclose(motion.place[0], [400, 200, 64, 160])
    np.testing.assert_allclose(motion.speed[0, :2], [0, 10], atol=1e-9)


def test_a_zoom_makes_what_is_not_known_larger() -> None:
    model = WalkingModel()
    motion = Motion.started(model, box_at(200)[None])
    before = motion.take(np.array([0]))
    warped(motion, model, np.diag([3.0, 3, 1]))
    np.testing.assert_allclose(motion.var_place[:, :2], 9 * before.var_place[:, :2])
    np.testing.assert_allclose(motion.var_speed[:, :2], 9 * before.var_speed[:, :2])


def shifts(camera_px: float, frames: int = 60, people: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """What is believed and what the camera did, (frames, 2) each; every person surprises by 3 px on their own."""
    rng = np.random.default_rng(0)
    sway, said, true = unmoved(), [], rng.normal(0, camera_px, (frames, 2))
    for moved in true:
        place = rng.uniform(0, 500, (people, 4))
        measured = place.copy()
        measured[:, :2] += moved + rng.normal(0, 3, (people, 2))
        said.append(believed_shift(sway, place, measured, np.ones(people, np.bool_), np.arange(people)))
    return np.array(said), true


def test_a_swaying_camera_is_learned_from_people() -> None:
    said, true = shifts(camera_px=20.0)
    assert np.abs(said[20:] - true[20:]).mean() < 0.2 * np.abs(true[20:]).mean()


def test_a_still_camera_is_left_alone() -> None:
    assert not shifts(camera_px=0.0)[0].any()


def test_two_people_are_not_asked() -> None:
    assert not shifts(camera_px=20.0, people=2)[0].any()


def test_people_of_a_shaking_camera_keep_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five people in a row, the camera wanders."""

    def numbers() -> int:
        rng, frames, camera = np.random.default_rng(3), [], np.zeros(2)
        for f in range(80):
            camera = 0.9 * camera + rng.normal(0, 8, 2) * (f > 5)
            frames.append((f / 10, {p: box_at(150 + 50 * p + camera[0], 240 + camera[1], 110) for p in range(5)}))
        run = play(frames, looks=False)
        return sum(len(set(numbers)) for numbers in run.numbers.values())

    asked = numbers()
    monkeypatch.setattr("perdure.track.default.unmoved", lambda: np.array([0.0, -1e300, -1e300]))  # never believed
    assert 5 <= asked < numbers()
