"""How a camera has moved, found in its pictures: known motions of a textured wall."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.geometry import project
from perdure.types import Float64s, Frame, Image
from perdure.video.camera_motion import CameraMotion
from perdure.video.pixels import Loaded

SIZE = (960, 540)
NOBODY = np.zeros((0, 4), np.float32)
CORNERS = np.array([[0.0, 0.0], [960.0, 0.0], [0.0, 540.0], [960.0, 540.0]])


@pytest.fixture(scope="module")
def wall() -> Image:
    """A large picture with much to hold on to, large and small, as in the world."""
    return textured(0)


def textured(seed: int) -> Image:
    rng, grey = np.random.default_rng(seed), np.full((900, 1600), 128.0)
    for cells in (8, 32, 128):
        noise = rng.normal(0, 25, (cells * 9 // 16, cells))
        grey += cv2.resize(noise, (1600, 900), interpolation=cv2.INTER_CUBIC)
    return cv2.cvtColor(np.clip(grey, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


def similarity(zoom: float, roll_deg: float, shift: tuple[float, float]) -> Float64s:
    """About the middle of the picture, in coordinates of box edges."""
    turned = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), roll_deg, zoom)
    turned[:, 2] += shift
    return np.vstack([turned, [0.0, 0.0, 1.0]])


def shown(wall: Image, camera: Float64s, index: int) -> Frame:
    """What the camera shows of the wall: ``camera`` maps the untouched view to this one."""
    to_view = camera @ np.array([[1.0, 0, -320], [0, 1, -180], [0, 0, 1]])
    half = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV counts from centres of pixels
    picture = cv2.warpAffine(wall, (half @ to_view @ np.linalg.inv(half))[:2], SIZE, borderMode=cv2.BORDER_REFLECT)
    return Frame("c", index, index / 10, 0.0, *SIZE, Loaded(picture))


@pytest.mark.parametrize(
    ("zoom", "roll_deg", "shift"),
    [(1.0, 0.0, (0.0, 0.0)), (1.0, 0.0, (90.0, -40.0)), (1.0, 4.0, (0.0, 0.0)), (1.08, 0.0, (0.0, 0.0)),
     (0.94, -3.0, (25.0, 10.0))],
)  # fmt: skip
def test_pan_roll_and_zoom_are_found(wall: Image, zoom: float, roll_deg: float, shift: tuple[float, float]) -> None:
    motion, true = CameraMotion(), similarity(zoom, roll_deg, shift)
    assert motion.warp(shown(wall, np.eye(3), 0), NOBODY) is None
    found = motion.warp(shown(wall, true, 1), NOBODY)
    assert found is not None
    assert np.abs(project(CORNERS, found) - project(CORNERS, true)).max() < 1.0


def test_people_who_walk_are_not_asked(wall: Image) -> None:
    """Two thirds of the picture walk to the right before a camera that stands still."""
    people = np.array([[0, 0, 640, 540]], np.float32)

    def frame(index: int) -> Frame:
        picture = shown(wall, np.eye(3), index).image().copy()
        picture[:, : 640 - 12] = shown(wall, similarity(1.0, 0.0, (12.0 * index, 0.0)), index).image()[:, : 640 - 12]
        return Frame("c", index, index / 10, 0.0, *SIZE, Loaded(picture))

    def found(boxes: np.ndarray) -> np.ndarray:
        motion = CameraMotion()
        motion.warp(frame(0), boxes)
        warp = motion.warp(frame(1), boxes)
        assert warp is not None
        return np.abs(project(CORNERS, warp) - CORNERS).max()

    assert found(people) < 1.0
    assert found(NOBODY) > 5.0


def test_nothing_is_said_where_nothing_can_be_known(wall: Image) -> None:
    motion, still = CameraMotion(), np.eye(3)
    dark = Frame("c", 1, 0.1, 0.0, *SIZE, Loaded(np.full((540, 960, 3), 7, np.uint8)))
    assert motion.warp(shown(wall, still, 0), NOBODY) is None
    assert motion.warp(dark, NOBODY) is None
    assert motion.warp(shown(wall, still, 2), NOBODY) is None, "the picture before was dark"
    everywhere = np.array([[-10, -10, 2000, 2000]], np.float32)
    assert motion.warp(shown(wall, still, 3), everywhere) is None
    small = Frame("c", 4, 0.4, 0.0, 320, 180, Loaded(np.zeros((180, 320, 3), np.uint8)))
    assert motion.warp(small, NOBODY) is None, "another size"
    assert motion.warp(shown(np.ascontiguousarray(wall[::-1, ::-1]), still, 5), NOBODY) is None


def test_a_cut_to_another_picture_is_no_motion(wall: Image) -> None:
    motion = CameraMotion()
    motion.warp(shown(wall, np.eye(3), 0), NOBODY)
    assert motion.warp(shown(textured(1), np.eye(3), 1), NOBODY) is None
