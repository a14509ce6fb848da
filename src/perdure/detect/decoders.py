"""Output tensors to boxes: one pure function per form.

Every function returns boxes (B, N, 4) float32 xyxy px of the input and scores (B, N) float32 of the person class,
before any threshold or suppression, and raises ModelError where the tensors do not have the form.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from perdure.errors import ModelError
from perdure.models.card import DetectorOutput
from perdure.types import Float32s

Raw: TypeAlias = tuple[Float32s, Float32s]
LARGEST_LOG_SIZE = 12.0
"""exp of it times a stride is beyond any picture; more overflows on garbage."""
LARGEST_LOGIT = 60.0


def decode(outputs: Sequence[Float32s], height: int, width: int, form: DetectorOutput) -> Raw:
    """Boxes and person scores of the tensors of one batch, for an input of ``height`` x ``width`` px."""
    if form.decoder == "yolox":
        return yolox(outputs[0], height, width, form)
    if form.decoder == "yolov8":
        return yolov8(outputs[0], form)
    if form.decoder == "yolov5":
        return yolov5(outputs[0], form)
    if form.decoder == "nanodet":
        return nanodet(outputs[0], height, width, form)
    if form.decoder == "ssd-rows":
        return ssd_rows(outputs[0], height, width, form)
    if form.decoder == "end-to-end":
        return end_to_end(outputs[0], height, width, form)
    if form.decoder == "detr":
        return detr(outputs, height, width, form)
    if form.decoder == "labelled":
        return labelled(outputs, height, width, form)
    return ssd_boxes(outputs[0], outputs[1], height, width, form)


def yolox(rows: Float32s, height: int, width: int, form: DetectorOutput) -> Raw:
    """(B, N, 5 + C) rows cx, cy, log w, log h in grid units, objectness, classes; level by level, row by row.

    Source: Ge et al., YOLOX (arXiv:2107.08430); score = objectness * class.
    """
    cells, strides = _grid(height, width, form.strides)
    _expect("yolox", rows, (None, len(cells), 5 + form.classes), f"a {width}x{height} input and strides {form.strides}")
    centre = (rows[..., :2] + cells) * strides
    half = np.exp(np.minimum(rows[..., 2:4], LARGEST_LOG_SIZE)) * strides / 2
    scores = rows[..., 4] * rows[..., 5 + form.person_class]
    return np.concatenate([centre - half, centre + half], axis=-1), scores


def yolov5(rows: Float32s, form: DetectorOutput) -> Raw:
    """(B, N, 5 + C) rows cx, cy, w, h in px, objectness, classes; YOLO 5 and 7, YOLOX with its decoding."""
    _expect("yolov5", rows, (None, None, 5 + form.classes), "boxes, objectness and one probability per class")
    centre, half = rows[..., :2], rows[..., 2:4] / 2
    return np.concatenate([centre - half, centre + half], axis=-1), rows[..., 4] * rows[..., 5 + form.person_class]


def yolov8(columns: Float32s, form: DetectorOutput) -> Raw:
    """(B, 4 + C, N) columns cx, cy, w, h in px, then class probabilities; YOLO 8 to 11 without their own NMS."""
    _expect("yolov8", columns, (None, 4 + form.classes, None), "boxes and one probability per class")
    rows = columns.transpose(0, 2, 1)
    centre, half = rows[..., :2], rows[..., 2:4] / 2
    return np.concatenate([centre - half, centre + half], axis=-1), rows[..., 4 + form.person_class]


def nanodet(rows: Float32s, height: int, width: int, form: DetectorOutput) -> Raw:
    """(B, N, C + 4 * bins) rows of class probabilities and four distance distributions (left, top, right, bottom).

    A distance is the mean of its softmax distribution over the bins 0, 1, ..., in strides. Source: Li et al.,
    Generalized Focal Loss (arXiv:2006.04388), eq. 3 and 4; the row order is that of NanoDet-Plus.
    """
    cells, strides = _grid(height, width, form.strides)
    wanted = (None, len(cells), form.classes + 4 * form.bins)
    _expect("nanodet", rows, wanted, f"a {width}x{height} input and strides {form.strides}")
    logits = rows[..., form.classes :].reshape(*rows.shape[:2], 4, form.bins)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    sides = weights @ np.arange(form.bins, dtype=np.float32) * strides
    centre = (cells + np.float32(form.centre)) * strides
    return np.concatenate([centre - sides[..., :2], centre + sides[..., 2:]], axis=-1), rows[..., form.person_class]


def ssd_boxes(boxes: Float32s, scores: Float32s, height: int, width: int, form: DetectorOutput) -> Raw:
    """(B, N, 4) decoded xyxy boxes in 0..1 of the input; (B, N) person scores, or (B, N, C) of all classes."""
    _expect("ssd-boxes", boxes, (None, None, 4), "decoded boxes")
    if scores.ndim == 3:
        _expect("ssd-boxes", scores, (*boxes.shape[:2], form.classes), "one score per box and class")
        scores = scores[..., form.person_class]
    _expect("ssd-boxes", scores, boxes.shape[:2], "one score per box")
    return boxes * np.array([width, height, width, height], np.float32), scores


def ssd_rows(rows: Float32s, height: int, width: int, form: DetectorOutput) -> Raw:
    """(1, 1, N, 7) rows picture, class, score, x1, y1, x2, y2 in 0..1: the DetectionOutput of Caffe and OpenVINO."""
    _expect("ssd-rows", rows, (1, 1, None, 7), "picture, class, score and box, one picture at a time")
    found = rows[:, 0]
    person = (found[..., 1] == form.person_class) & (found[..., 0] >= 0)  # a picture of -1 ends the list
    return found[..., 3:7] * np.array([width, height, width, height], np.float32), found[..., 2] * person


def end_to_end(rows: Float32s, height: int, width: int, form: DetectorOutput) -> Raw:
    """(B, N, 6) rows x1, y1, x2, y2, score, class: YOLO 8 to 11 with their suppression, YOLO 10."""
    _expect("end-to-end", rows, (None, None, 6), "boxes, score and class")
    return rows[..., :4] * _unit(form, height, width), rows[..., 4] * (rows[..., 5] == form.person_class)


def detr(outputs: Sequence[Float32s], height: int, width: int, form: DetectorOutput) -> Raw:
    """(B, N, 4) boxes cx, cy, w, h in 0..1 and (B, N, C) class scores, or both in one tensor (B, N, 4 + C).

    RT-DETR as Ultralytics exports it (one tensor), DETR, RT-DETR and D-FINE as Hugging Face does (with ``logits``).
    """
    if len(outputs) == 1:
        _expect("detr", outputs[0], (None, None, 4 + form.classes), "boxes and one score per class")
        boxes, scores = outputs[0][..., :4], outputs[0][..., 4:]
    else:
        boxes, scores = outputs[0], outputs[1]
        _expect("detr", boxes, (None, None, 4), "boxes")
        _expect("detr", scores, (*boxes.shape[:2], form.classes), "one score per box and class")
    person = scores[..., form.person_class]
    if form.logits:
        person = np.asarray(1.0 / (1.0 + np.exp(-np.clip(person, -LARGEST_LOGIT, LARGEST_LOGIT))), np.float32)
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    corners = np.concatenate([centre - half, centre + half], axis=-1)
    return corners * np.array([width, height, width, height], np.float32), person


def labelled(outputs: Sequence[Float32s], height: int, width: int, form: DetectorOutput) -> Raw:
    """Boxes ([B,] N, 4), labels ([B,] N) and scores ([B,] N), suppressed already; N may be 0.

    Faster R-CNN, RetinaNet and SSD of torchvision, RT-DETR and D-FINE as their authors export them, TensorFlow's SSD.
    """
    boxes, labels, scores = (
        one if one.ndim == wanted else one[None] for one, wanted in zip(outputs, (3, 2, 2), strict=True)
    )
    _expect("labelled", boxes, (None, None, 4), "boxes")
    _expect("labelled", labels, boxes.shape[:2], "one label per box")
    _expect("labelled", scores, boxes.shape[:2], "one score per box")
    if form.order == "yxyx":
        boxes = boxes[..., [1, 0, 3, 2]]
    return boxes * _unit(form, height, width), scores * (labels == form.person_class)


def _unit(form: DetectorOutput, height: int, width: int) -> Float32s:
    """Px of the input per unit of each column of xyxy."""
    return np.array([width, height] * 2 if form.unit == "share" else [1.0] * 4, np.float32)


@lru_cache(maxsize=32)
def _grid(height: int, width: int, strides: tuple[int, ...]) -> tuple[Float32s, Float32s]:
    """Cell columns and rows (N, 2) and the stride of each (N, 1), level by level, row by row."""
    cells, sizes = [], []
    for stride in strides:
        high, wide = -(-height // stride), -(-width // stride)
        ys, xs = np.meshgrid(np.arange(high), np.arange(wide), indexing="ij")
        cells.append(np.stack([xs, ys], axis=-1).reshape(-1, 2))
        sizes.append(np.full((high * wide, 1), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(sizes).astype(np.float32)


def _expect(form: str, found: Float32s, wanted: tuple[int | None, ...], why: str) -> None:
    fits = found.ndim == len(wanted) and all(w is None or w == f for w, f in zip(wanted, found.shape, strict=True))
    if not fits:
        told = "x".join("any" if side is None else str(side) for side in wanted)
        got = "x".join(str(side) for side in found.shape)
        raise ModelError(f"decoder {form}: expected an output of {told} ({why}), found {got}; is the card right?")
