from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from perdure.simulate.lens import Lens

ANGLE = st.floats(-180, 180)


def test_a_level_camera_is_the_plain_pinhole() -> None:
    lens = Lens((1.0, 2.0, 1.5), yaw_deg=0, pitch_deg=0, hfov_deg=90, width=640, height=360)
    # 4 m ahead, 1 m to the left (+y), 0.5 m up: f = 320
    (pixel,) = lens.project(np.array([[5.0, 3.0, 2.0]]))
    np.testing.assert_allclose(pixel, [320 - 320 * 1 / 4, 180 - 320 * 0.5 / 4])
    np.testing.assert_allclose(lens.depth(np.array([[5.0, 3.0, 2.0]])), [4.0])


def test_pitch_looks_down_and_roll_turns_clockwise() -> None:
    down = Lens((0, 0, 3), yaw_deg=90, pitch_deg=45, hfov_deg=60, width=200, height=100)
    np.testing.assert_allclose(down.project(np.array([[0.0, 3.0, 0.0]])), [[100, 50]], atol=1e-9)
    rolled = Lens((0, 0, 0), yaw_deg=0, pitch_deg=0, hfov_deg=90, width=200, height=200, roll_deg=90)
    # the camera turned clockwise: what was above is now at the left
    np.testing.assert_allclose(rolled.project(np.array([[1.0, 0.0, 0.5]])), [[50, 100]], atol=1e-9)


def test_points_behind_the_camera_have_no_pixel() -> None:
    lens = Lens((0, 0, 1), yaw_deg=0, pitch_deg=0, hfov_deg=90, width=64, height=64)
    assert np.isnan(lens.project(np.array([[-1.0, 0.0, 1.0]]))).all()


@settings(deadline=None, max_examples=60)
@given(yaw=ANGLE, pitch=st.floats(-30, 80), roll=st.floats(-30, 30), fov=st.floats(30, 110), k1=st.floats(-0.08, 0.08))
def test_rays_are_the_inverse_of_project(yaw: float, pitch: float, roll: float, fov: float, k1: float) -> None:
    lens = Lens((1, -2, 2.5), yaw, pitch, fov, 320, 180, roll, k1)
    pixels = np.array([[160.0, 90.0], [20.0, 30.0], [300.0, 170.0]])
    points = np.array(lens.position) + 3.7 * lens.rays(pixels)
    again = lens.project(points)
    known = ~np.isnan(again).any(axis=1)
    assert known[0]
    np.testing.assert_allclose(again[known], pixels[known], atol=0.05)


def test_floor_points_lie_on_the_floor_and_the_horizon_has_none() -> None:
    lens = Lens((0, 0, 2), yaw_deg=30, pitch_deg=20, hfov_deg=80, width=320, height=240, k1=-0.05)
    (foot,) = lens.floor_points(np.array([[150.0, 200.0]]))
    np.testing.assert_allclose(lens.project(np.array([[*foot, 0.0]])), [[150, 200]], atol=1e-3)
    assert np.isnan(lens.floor_points(np.array([[160.0, 0.0]]))).all()
    assert math.isclose(lens.focal_px, 160 / math.tan(math.radians(40)))
