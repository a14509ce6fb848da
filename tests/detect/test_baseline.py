from __future__ import annotations

import cv2
import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.errors import ModelError


class FakeHog:
    """Answers one window of 64x128 with a margin, as OpenCV 4's detector does."""

    def setSVMDetector(self, weights: object) -> None:  # noqa: N802
        assert weights == "weights"

    def detectMultiScale(self, picture: np.ndarray, **_: object) -> tuple[object, object]:  # noqa: N802
        if not picture.any():
            return (), ()
        return np.array([[100, 50, 64, 128], [104, 50, 64, 128]]), np.array([[1.0], [0.2]])


@pytest.fixture
def opencv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "HOGDescriptor", FakeHog, raising=False)
    monkeypatch.setattr(cv2, "HOGDescriptor_getDefaultPeopleDetector", lambda: "weights", raising=False)


@pytest.mark.usefixtures("opencv4")
def test_windows_become_boxes_of_people_in_pixels_of_the_picture() -> None:
    detector = open_detector("baseline", DetectionConfig(min_score=0.5))
    assert detector.name == "baseline"
    large, small, tiny, black, empty = detector.detect(
        [
            np.ones((1440, 1920, 3), np.uint8),
            np.ones((720, 960, 3), np.uint8),
            np.ones((180, 240, 3), np.uint8),
            np.zeros((480, 640, 3), np.uint8),
            np.zeros((0, 0, 3), np.uint8),
        ]
    )
    np.testing.assert_allclose(small.boxes, [[112, 66, 152, 162]])
    np.testing.assert_allclose(tiny.boxes, small.boxes / 2)
    np.testing.assert_allclose(large.boxes, 2 * small.boxes)
    assert 0.5 < small.scores[0] < 1.0
    assert len(black) == len(empty) == 0


def test_an_opencv_without_hog_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "HOGDescriptor_getDefaultPeopleDetector", raising=False)
    with pytest.raises(ModelError, match="needs OpenCV 4"):
        open_detector("baseline", DetectionConfig())
