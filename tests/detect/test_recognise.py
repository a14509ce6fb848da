"""Every form as a file without a card: one person, and what else its project writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perdure.config import DetectionConfig
from perdure.detect.onnx import OnnxDetector
from perdure.detect.open import open_detector
from perdure.detect.recognise import recognise
from perdure.errors import ModelError

SIDE = 320
CELLS = (SIDE // 8) ** 2 + (SIDE // 16) ** 2 + (SIDE // 32) ** 2
BOX = np.array([64, 32, 128, 224], np.float32)
CENTRE = np.array([96, 128, 64, 192], np.float32)
AT_16 = (SIDE // 8) ** 2 + 8 * (SIDE // 16) + 6
"""The row of the cell of stride 16 whose corner is the centre of the box."""
SCORE = 0.8
Outputs = dict[str, np.ndarray]


def rows(count: int, columns: int, row: int, values: list[float]) -> np.ndarray:
    table = np.zeros((1, count, columns), np.float32)
    table[0, row, : len(values)] = values
    return table


def yolox() -> Outputs:
    table = rows(CELLS, 85, AT_16, [0, 0, float(np.log(4)), float(np.log(12)), 1.0, SCORE])
    return {"out": table}


def yolox_decoded() -> Outputs:
    table = rows(CELLS, 85, AT_16, [*CENTRE, 1.0, SCORE])
    return {"out": table}


def yolov5() -> Outputs:
    return {"out": rows(3 * CELLS, 85, 700, [*CENTRE, 1.0, SCORE])}


def yolov8() -> Outputs:
    return {"out": rows(CELLS, 84, 700, [*CENTRE, SCORE]).transpose(0, 2, 1).copy()}


def end_to_end() -> Outputs:
    table = rows(300, 6, 0, [*BOX, SCORE, 0])
    table[0, 1] = [0, 0, 50, 90, 0.9, 2]
    return {"out": table}


def nanodet() -> Outputs:
    cells = CELLS + (SIDE // 64) ** 2
    table = np.full((1, cells, 80 + 32), -6.0, np.float32)
    table[..., :80] = 0.0
    at = (SIDE // 8) ** 2 + (SIDE // 16) ** 2 + 4 * (SIDE // 32) + 3  # corner (96, 128) at stride 32
    table[0, at, 0] = SCORE
    for side, distance in enumerate((1, 3, 1, 3)):  # 32 and 96 px
        table[0, at, 80 + 8 * side + distance] = 30.0
    return {"out": table}


def ssd_boxes() -> Outputs:
    return {"boxes": rows(4000, 4, 9, list(BOX / SIDE)), "scores": rows(4000, 21, 9, [0.2] + [0] * 14 + [SCORE])}


def ssd_rows() -> Outputs:
    table = np.zeros((1, 1, 4, 7), np.float32)
    table[0, 0, :2] = [[0, 1, SCORE, *(BOX / SIDE)], [0, 7, 0.9, 0, 0, 0.5, 0.9]]
    table[0, 0, 2, 0] = -1
    return {"detections": table}


def rt_detr_one_tensor() -> Outputs:
    return {"out": rows(300, 84, 5, [*(CENTRE / SIDE), SCORE])}


def detr_logits() -> Outputs:
    logits = np.full((1, 300, 80), -5.0, np.float32)
    logits[0, 5, 0] = np.log(SCORE / (1 - SCORE))
    return {"logits": logits, "pred_boxes": rows(300, 4, 5, list(CENTRE / SIDE))}


def rt_detr_labelled() -> Outputs:
    labels = np.full((1, 300), 4, np.int64)
    labels[0, 3] = 0
    return {"labels": labels, "boxes": rows(300, 4, 3, list(BOX)), "scores": np.full((1, 300), SCORE, np.float32)}


def faster_rcnn() -> Outputs:
    boxes = np.stack([BOX, BOX + 40])
    return {"boxes": boxes, "labels": np.array([1, 3]), "scores": np.array([SCORE, 0.9], np.float32)}


def ssd_torchvision_shares() -> Outputs:
    boxes = np.stack([BOX, BOX])[None] / SIDE
    return {
        "bboxes": boxes.astype(np.float32),
        "labels": np.array([[1, 2]]),
        "scores": np.array([[SCORE, 0.9]], np.float32),
    }


def ssd_tensorflow() -> Outputs:
    yxyx = BOX[[1, 0, 3, 2]] / SIDE
    return {
        "detection_boxes": yxyx[None, None].astype(np.float32),
        "detection_classes": np.array([[1.0]], np.float32),
        "detection_scores": np.array([[SCORE]], np.float32),
        "num_detections": np.array([1.0], np.float32),
    }


NCHW: list[int | str] = [1, 3, SIDE, SIDE]


@pytest.mark.parametrize(
    ("outputs", "image", "sizes", "decoder"),
    [
        (yolox_decoded, NCHW, None, "yolov5"),
        (yolov5, NCHW, None, "yolov5"),
        (yolov8, NCHW, None, "yolov8"),
        (end_to_end, NCHW, None, "end-to-end"),
        (nanodet, NCHW, None, "nanodet"),
        (ssd_boxes, NCHW, None, "ssd-boxes"),
        (ssd_rows, NCHW, None, "ssd-rows"),
        (rt_detr_one_tensor, NCHW, None, "detr"),
        (detr_logits, NCHW, None, "detr"),
        (rt_detr_labelled, NCHW, "orig_target_sizes", "labelled"),
        (faster_rcnn, [3, SIDE, SIDE], None, "labelled"),
        (ssd_torchvision_shares, NCHW, None, "labelled"),
        (ssd_tensorflow, [1, SIDE, SIDE, 3], None, "labelled"),
    ],
)
def test_the_form_is_found_and_its_person_too(
    constant: Callable[..., bytes],
    tmp_path: Path,
    outputs: Callable[[], Outputs],
    image: list[int | str],
    sizes: str | None,
    decoder: str,
) -> None:
    path = tmp_path / "Some Net_v1.onnx"
    path.write_bytes(constant(outputs(), image, sizes))
    card = recognise(path)
    assert card.output is not None
    assert (card.name, card.output.decoder) == ("some-net_v1", decoder)
    detector = open_detector(str(path), DetectionConfig(min_score=0.5), "cpu", 1)
    found = detector.detect([np.zeros((SIDE, SIDE, 3), np.uint8)] * 2)
    for one in found:
        np.testing.assert_allclose(one.boxes, [BOX], atol=0.01)
        np.testing.assert_allclose(one.scores, [SCORE], atol=1e-3)


def test_undecoded_yolox_is_freed_from_its_square(
    constant: Callable[..., bytes], network: Callable[..., bytes], tmp_path: Path
) -> None:
    path = tmp_path / "nano.onnx"
    path.write_bytes(constant(yolox(), NCHW))
    card = recognise(path)
    assert card.output is not None
    assert (card.output.decoder, card.output.classes) == ("yolox", 80)
    path.write_bytes(network(6, 1, (SIDE, SIDE)))
    detector = open_detector(str(path), DetectionConfig(min_score=0.5), "cpu", 1)
    picture = np.zeros((384, 640, 3), np.uint8)
    picture[192:224, 320:352] = 255
    tallest = max(detector.detect([picture])[0].boxes, key=lambda box: box[3] - box[1])
    np.testing.assert_allclose(tallest, [288, 160, 352, 224], atol=1e-3)


def test_nobody_is_no_mistake(constant: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    nobody = {"boxes": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64), "scores": np.zeros(0, np.float32)}
    path.write_bytes(constant(nobody, [3, "h", "w"]))
    detector = open_detector(str(path), DetectionConfig(), "cpu", 1)
    assert isinstance(detector, OnnxDetector)
    assert [len(one) for one in detector.detect([np.zeros((200, 300, 3), np.uint8)] * 2)] == [0, 0]


def test_thousands_of_boxes_are_thinned(constant: Callable[..., bytes], tmp_path: Path) -> None:
    path = tmp_path / "many.onnx"
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 250, (20000, 2)).astype(np.float32)
    boxes = np.concatenate([corner, corner + np.array([20, 60])], axis=1).astype(np.float32)
    said = {"boxes": boxes, "labels": np.ones(20000, np.int64), "scores": rng.random(20000).astype(np.float32)}
    path.write_bytes(constant(said, [3, SIDE, SIDE]))
    detector = open_detector(str(path), DetectionConfig(nms_iou=1.0), "cpu", 1)
    assert len(detector.detect([np.zeros((SIDE, SIDE, 3), np.uint8)])[0]) == 1000


@pytest.mark.parametrize(
    ("outputs", "image", "told"),
    [
        ({"vector": np.zeros((1, 512), np.float32)}, NCHW, "no known form.* gives vector 1x512"),
        ({"out": np.full((1, CELLS, 9), 7.0, np.float32)}, NCHW, f"no known form.*out 1x{CELLS}x9"),
        ({"a": np.zeros((1, 5, 4), np.float32), "b": np.zeros((1, 6), np.float32)}, NCHW, "gives a 1x5x4, b 1x6"),
        ({"out": np.zeros((1, 9), np.float32)}, [1, 1, SIDE, SIDE], r"takes images tensor\(float\) 1x1x320x320"),
    ],
)
def test_what_is_no_detector_is_told_with_what_it_has(
    constant: Callable[..., bytes], tmp_path: Path, outputs: Outputs, image: list[int | str], told: str
) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(constant(outputs, image))
    with pytest.raises(ModelError, match=told):
        open_detector(str(path), DetectionConfig(), "cpu", 1)


def test_what_is_no_network_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(b"this is not a network")
    with pytest.raises(ModelError, match=r"text\.onnx is not a network"):
        open_detector(str(path), DetectionConfig(), "cpu", 1)
