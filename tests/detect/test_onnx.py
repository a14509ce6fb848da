from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.onnx import OnnxDetector
from perdure.detect.open import open_detector
from perdure.errors import ModelError

SETTINGS = DetectionConfig(min_score=0.5, min_height_px=8.0)


def bright(height: int, width: int, *corners: tuple[int, int]) -> np.ndarray:
    """A black picture with a white 32x32 block at each (x, y)."""
    picture = np.zeros((height, width, 3), np.uint8)
    for x, y in corners:
        picture[y : y + 32, x : x + 32] = 255
    return picture


@pytest.mark.parametrize("batch", ["n", 1])
def test_boxes_come_back_in_pixels_of_each_picture(
    network: Callable[..., bytes], write: Callable[..., Path], batch: int | str
) -> None:
    detector = open_detector(str(write(network(6, batch))), SETTINGS, "cpu", 1)
    assert isinstance(detector, OnnxDetector)
    assert (detector.name, detector.provider) == ("rows", "CPUExecutionProvider")
    pictures = [
        bright(384, 640, (320, 192)),
        bright(384, 640),
        bright(768, 1280, (640, 384)),
        bright(384, 640, (64, 64)),
    ]
    pictures[2] = np.repeat(np.repeat(pictures[0], 2, axis=0), 2, axis=1)
    found = detector.detect(pictures)
    largest = [d.boxes[np.argmax(d.boxes[:, 3] - d.boxes[:, 1])] if len(d) else None for d in found]
    assert largest[1] is None
    # Stride 32, cell corner (320, 192), two cells wide and high around it.
    np.testing.assert_allclose(largest[0], [288, 160, 352, 224], atol=1e-3)
    np.testing.assert_allclose(largest[2], [576, 320, 704, 448], atol=1e-3)
    np.testing.assert_allclose(largest[3], [32, 32, 96, 96], atol=1e-3)
    for one in found:
        assert (np.diff(one.scores) <= 0).all()


def test_a_fixed_square_is_freed(network: Callable[..., bytes], write: Callable[..., Path]) -> None:
    detector = open_detector(str(write(network(6, 1, (64, 64)))), SETTINGS, "cpu", 1)
    found = detector.detect([bright(384, 640, (320, 192))])[0]
    assert len(found)


def test_a_letterbox_keeps_the_aspect(network: Callable[..., bytes], write: Callable[..., Path]) -> None:
    given = {"tensor": "images", "colour": "bgr", "fit": "letterbox", "height": 320, "width": 320}
    detector = open_detector(str(write(network(6, "n", (320, 320)), input=given)), SETTINGS, "cpu", 1)
    found = detector.detect([np.repeat(np.repeat(bright(160, 320, (64, 64)), 2, axis=0), 2, axis=1)])[0]
    tallest = found.boxes[np.argmax(found.boxes[:, 3] - found.boxes[:, 1])]
    np.testing.assert_allclose(tallest, [64, 64, 192, 192], atol=1e-3)


def test_many_pictures_tiny_ones_and_none(network: Callable[..., bytes], write: Callable[..., Path]) -> None:
    detector = open_detector(str(write(network(6))), SETTINGS, "cpu", 1)
    assert detector.detect([]) == []
    odd = [np.full((1, 1, 3), 255, np.uint8), np.zeros((0, 5, 3), np.uint8), np.full((3, 700, 3), 255, np.uint8)]
    found = detector.detect(odd + [bright(64, 96, (32, 32))] * 20)
    assert len(found) == 23
    for picture, one in zip(odd, found, strict=False):
        assert np.isfinite(one.boxes).all()
        assert (one.boxes >= 0).all()
        assert (one.boxes <= np.array([picture.shape[1], picture.shape[0]] * 2)).all()
    assert len({len(one) for one in found[3:]}) == 1


def test_a_grid_of_white_fires_everywhere_and_is_thinned(
    network: Callable[..., bytes], write: Callable[..., Path]
) -> None:
    detector = open_detector(str(write(network(6))), DetectionConfig(min_score=0.1, min_height_px=1.0), "cpu", 1)
    found = detector.detect([np.full((384, 640, 3), 255, np.uint8)])[0]
    assert 0 < len(found) <= 1000


def test_a_wrong_head_is_told_when_it_is_opened(network: Callable[..., bytes], write: Callable[..., Path]) -> None:
    with pytest.raises(
        ModelError, match=r"model rows: decoder yolox: expected an output of anyx\d+x6 .* found 1x\d+x9"
    ):
        open_detector(str(write(network(9))), SETTINGS, "cpu", 1)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"output": {"decoder": "yolox", "tensors": ["boxes"]}},
            "expects the output tensor 'boxes', the file gives out",
        ),
        (
            {"input": {"tensor": "x", "colour": "bgr", "fit": "rectangle"}},
            "expects one input 'x', the file takes images",
        ),
        ({"output": {"decoder": "yolov8", "tensors": ["out"]}}, "decoder yolov8: expected an output of anyx5xany"),
        ({"output": {"decoder": "nanodet", "tensors": ["out"]}}, "decoder nanodet: expected"),
        ({"output": {"decoder": "ssd-boxes", "tensors": ["out", "out"]}}, "decoder ssd-boxes: expected"),
    ],
)
def test_a_card_that_does_not_fit_the_file_is_told(
    network: Callable[..., bytes], write: Callable[..., Path], changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ModelError) as caught:
        open_detector(str(write(network(6), **changes)), SETTINGS, "cpu", 1)
    assert told in str(caught.value)


def test_a_wrong_input_is_told(network: Callable[..., bytes], write: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=r"expects an input .*3.*, the file takes .*1.*"):
        open_detector(str(write(network(6, planes=1))), SETTINGS, "cpu", 1)
    given = {"tensor": "images", "colour": "bgr", "fit": "stretch", "height": 320, "width": 320}
    with pytest.raises(ModelError, match="expects an input"):
        open_detector(str(write(network(6, "n", (64, 64)), input=given)), SETTINGS, "cpu", 1)


def test_what_is_no_network_is_told(write: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=r"rows\.onnx"):
        open_detector(str(write(b"this is not a network")), SETTINGS, "cpu", 1)
    given = {"tensor": "images", "colour": "bgr", "fit": "stretch", "height": 320, "width": 320}
    with pytest.raises(ModelError, match=r"rows\.onnx is not a network"):
        open_detector(str(write(b"\x00", input=given)), SETTINGS, "cpu", 1)
