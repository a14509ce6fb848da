from __future__ import annotations

import numpy as np
import pytest

from perdure.detect.flags import flags
from perdure.types import Flag


@pytest.mark.parametrize(
    ("box", "flag"),
    [
        ([20, 20, 40, 60], Flag.NONE),
        ([1, 20, 40, 60], Flag.TRUNCATED),
        ([20, 0.5, 40, 60], Flag.TRUNCATED),
        ([20, 20, 199, 60], Flag.TRUNCATED),
        ([20, 20, 40, 99.5], Flag.TRUNCATED),
        ([2.5, 1.5, 197, 98], Flag.NONE),
    ],
)
def test_a_box_at_the_border_is_truncated(box: list[float], flag: Flag) -> None:
    assert flags(np.array([box], np.float32), np.array([0.9], np.float32), 200, 100).tolist() == [flag]


def test_a_covered_box_is_crowded_unless_the_other_is_faint() -> None:
    boxes = np.array([[20, 20, 60, 80], [40, 20, 80, 80], [100, 20, 140, 80], [133, 20, 173, 80]], np.float32)
    told = flags(boxes, np.array([0.9, 0.8, 0.9, 0.9], np.float32), 300, 200)
    assert told.tolist() == [Flag.CROWDED, Flag.CROWDED, Flag.NONE, Flag.NONE]
    told = flags(boxes[:2], np.array([0.9, 0.3], np.float32), 300, 200)
    assert told.tolist() == [Flag.NONE, Flag.CROWDED]


def test_a_small_box_in_a_large_one_is_the_crowded_one() -> None:
    boxes = np.array([[20, 20, 120, 180], [40, 40, 60, 90]], np.float32)
    assert flags(boxes, np.array([0.9, 0.9], np.float32), 300, 200).tolist() == [Flag.NONE, Flag.CROWDED]


def test_no_boxes_no_flags() -> None:
    assert flags(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 300, 200).shape == (0,)
