from __future__ import annotations

import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.outside import Outside
from perdure.types import Frame


class Blank:
    """Pixels nobody may look at."""

    def luma(self) -> np.ndarray:
        raise AssertionError

    def image(self) -> np.ndarray:
        raise AssertionError


def frame(index: int) -> Frame:
    return Frame("door", index, float(index), 0.0, 200, 100, Blank())


def test_each_frame_gets_its_own_boxes_cleaned() -> None:
    boxes = np.array([[10, 10, 30, 90], [150, 5, 250, 150], [10, 10, 30, 90], [10, 10, 30, 15]], np.float32)
    outside = Outside(np.array([0, 4, 4, 4]), boxes, np.array([0.9, 0.8, 0.9, 0.9], np.float32))
    settings = DetectionConfig(min_height_px=20)
    assert len(outside.of(frame(1), settings)) == 0
    np.testing.assert_array_equal(outside.of(frame(0), settings).boxes, boxes[:1])
    found = outside.of(frame(4), settings)
    np.testing.assert_array_equal(found.boxes, [[10, 10, 30, 90], [150, 5, 200, 100]])
    assert found.flags.tolist() == [0, 1]
