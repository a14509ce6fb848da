"""A Darknet network of one convolution, written here: whatever it sees, one person in the middle cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.errors import ModelError

CONFIG = """[net]
batch=1
width=64
height=96
channels=3

[convolutional]
filters=7
size=32
stride=32
pad=0
activation=linear

[yolo]
mask=0
anchors=16,48
classes=2
num=1
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Biases alone: box in the middle of each cell, anchor size, sure of an object, .8 a person."""
    biases = np.array([0, 0, 0, 0, 20, np.log(4), -20], np.float32)
    kernels = np.zeros((7, 3, 32, 32), np.float32)
    header = np.array([0, 2, 0], np.int32).tobytes() + np.int64(0).tobytes()
    (tmp_path / "tiny.weights").write_bytes(header + biases.tobytes() + kernels.tobytes())
    (tmp_path / "tiny.cfg").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("suffix", ["cfg", "weights"])
def test_boxes_come_back_in_pixels_of_the_picture(files: Path, suffix: str) -> None:
    detector = open_detector(str(files / f"tiny.{suffix}"), DetectionConfig(min_score=0.5), "cpu", 1)
    found = detector.detect([np.zeros((192, 128, 3), np.uint8), np.zeros((0, 5, 3), np.uint8)])
    assert detector.name == "tiny"
    assert len(found[1]) == 0
    assert len(found[0]) == 6  # one of each cell of 2 x 3
    np.testing.assert_allclose(found[0].scores, 0.8, atol=1e-3)
    first = found[0].boxes[np.lexsort(found[0].boxes.T)][0]
    np.testing.assert_allclose(first, [16, 0, 48, 80], atol=0.1)


def test_a_missing_or_damaged_half_is_told(files: Path) -> None:
    (files / "alone.cfg").write_text(CONFIG)
    with pytest.raises(ModelError, match=r"no such model file: .*alone\.weights"):
        open_detector(str(files / "alone.cfg"), DetectionConfig())
    (files / "tiny.cfg").write_text("[net]\nwidth=64\n")
    with pytest.raises(ModelError, match="no width and height"):
        open_detector(str(files / "tiny.cfg"), DetectionConfig())
    (files / "tiny.cfg").write_text(CONFIG.replace("[yolo]", "[unknown]"))
    with pytest.raises(ModelError, match="OpenCV cannot read"):
        open_detector(str(files / "tiny.cfg"), DetectionConfig())
