"""AP50 and recall by height of one-class detections with ignore regions, and the pass over a data set that feeds them.

Source of the protocol: COCO (Lin et al., arXiv:1405.0312; pycocotools `COCOeval`): detections in order of score each
take the best still free truth of IoU >= 0.5, a detection that only meets an ignore region (half of its own area inside,
COCO's rule for crowds) counts neither way, precision is made monotone and read at 101 recalls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from perdure import geometry
from perdure.detect.decoders import yolox
from perdure.detect.fit import MOST_ENLARGED, blob, plan
from perdure.detect.nms import suppress
from perdure.models.card import DetectorOutput, ModelInput
from perdure.train.detector.data import PAD_VALUE, Picture, read_image

Boxes: TypeAlias = NDArray[np.float32]
INPUT = ModelInput(tensor="images", colour="bgr", pad=PAD_VALUE, fit="rectangle")
OUTPUT = DetectorOutput(decoder="yolox", tensors=("output",))
NMS_IOU = 0.65
HEIGHT_BANDS_PX = (("under 32", 0.0, 32.0), ("32 to 64", 32.0, 64.0), ("over 64", 64.0, float("inf")))


@dataclass(frozen=True, slots=True)
class Found:
    """Detections of one picture: boxes (N, 4) float32 xyxy px of the original picture, scores (N,) float32."""

    boxes: Boxes
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Report:
    """AP at IoU 0.5 in [0, 1], and recall at `score >= 0.3` per height band with the number of people in it."""

    ap50: float
    recall: float
    recall_by_height: tuple[tuple[str, int, float], ...]
    precision: float


def match(found: Found, truth: Boxes, ignore: Boxes, iou: float = 0.5) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Greedy by score: index of the truth each detection takes (-1: none), and which detections count, both (N,)."""
    taken = np.full(len(found.scores), -1, np.int64)
    free = np.ones(len(truth), bool)
    overlaps = geometry.iou(found.boxes, truth)
    for i in np.argsort(-found.scores, kind="stable"):
        candidates = np.where(free, overlaps[i], -1.0)
        if len(truth) and candidates.max() >= iou:
            taken[i] = int(candidates.argmax())
            free[taken[i]] = False
    in_region = geometry.covered(found.boxes, ignore).max(axis=1, initial=0.0) >= iou
    counts = (taken >= 0) | ~in_region
    return taken, counts


def average_precision(scores: NDArray[np.float32], correct: NDArray[np.bool_], truths: int) -> float:
    """AP of pooled detections at 101 recalls; 0 where there is no truth."""
    if truths == 0 or len(scores) == 0:
        return 0.0
    correct = correct[np.argsort(-scores, kind="stable")]
    hits = np.cumsum(correct)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    levels = np.linspace(0, 1, 101) - 1e-9  # a recall of exactly 0.3 reaches the level 0.3, whatever its rounding
    places = np.searchsorted(hits / truths, levels, side="left")
    return float(np.append(precision, 0.0)[np.minimum(places, len(precision))].mean())


def report(
    found: Sequence[Found],
    pictures: Sequence[Picture],
    at_score: float = 0.3,
    heights: Sequence[NDArray[np.float32]] = (),
) -> Report:
    """Score detections against pictures; `heights` (one array per picture) replaces the heights in px for the bands."""
    scores, correct, tall, recalled = [], [], [], []
    for index, (one, picture) in enumerate(zip(found, pictures, strict=True)):
        taken, counts = match(one, picture.boxes, picture.ignore)
        scores.append(one.scores[counts])
        correct.append(taken[counts] >= 0)
        hit = np.zeros(len(picture.boxes), bool)
        hit[taken[(taken >= 0) & (one.scores >= at_score)]] = True
        recalled.append(hit)
        tall.append(heights[index] if len(heights) else picture.boxes[:, 3] - picture.boxes[:, 1])
    pooled, right, height, hit = (np.concatenate(part) for part in (scores, correct, tall, recalled))
    bands = []
    for name, low, high in HEIGHT_BANDS_PX:
        inside = (height >= low) & (height < high)
        bands.append((name, int(inside.sum()), float(hit[inside].mean()) if inside.any() else float("nan")))
    confident = pooled >= at_score
    precision = float(right[confident].mean()) if confident.any() else 0.0
    recall = float(hit.mean()) if len(hit) else 0.0
    return Report(average_precision(pooled, right, len(hit)), recall, tuple(bands), precision)


def detect_all(
    run: Callable[[Boxes], Boxes],
    pictures: Sequence[Picture],
    area_px2: float,
    widen: float = 1.0,
    floor: float = 0.01,
) -> list[Found]:
    """Run a net over pictures, each in a rectangle of its own shape and this area; see `detect_in`."""
    return [detect_in(run, read_image(picture.path), area_px2, widen, floor) for picture in pictures]


def detect_in(
    run: Callable[[Boxes], Boxes],
    image: NDArray[np.uint8],
    area_px2: float,
    widen: float = 1.0,
    floor: float = 0.01,
    most_enlarged: float = MOST_ENLARGED,
) -> Found:
    """Run a net ((1, 3, H, W) -> (1, N, 6) rows) on one picture, exactly as `perdure.detect` does, at a chosen area.

    `widen` undoes a squeeze into a square before; boxes are those of the picture as it was given.
    """
    height, width = image.shape[:2]
    if widen != 1.0:
        image = np.asarray(cv2.resize(image, (round(width * widen), height)), np.uint8)
    fit = plan(image.shape[0], image.shape[1], INPUT, area_px2, most_enlarged)
    boxes, scores = yolox(run(blob([image], [fit], INPUT)), fit.height, fit.width, OUTPUT)
    candidates = np.flatnonzero(scores[0] > floor)
    in_picture = fit.to_picture(boxes[0, candidates]) / np.array([widen, 1.0] * 2)
    inside = np.asarray(geometry.clip(in_picture.astype(np.float64), width, height), np.float32)
    kept = suppress(inside, scores[0, candidates], NMS_IOU)
    return Found(inside[kept], scores[0, candidates[kept]])
