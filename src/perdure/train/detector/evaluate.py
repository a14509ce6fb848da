"""AP50 and recall by height of one-class detections with ignore regions, and the pass over a data set that feeds them.

Source of the protocol: COCO (Lin et al., arXiv:1405.0312; pycocotools `COCOeval`): detections in order of score each
take the best still free truth of IoU >= 0.5, a detection that only meets an ignore region (half of its own area inside,
COCO's rule for crowds) counts neither way, precision is made monotone and read at 101 recalls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perdure.train.detector.data import Picture, fit, read_image

Boxes = NDArray[np.float32]  # (N, 4) xyxy px
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


def iou_matrix(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """IoU of every pair, (N, M) float32."""
    inner, area_a, area_b = _overlap(a, b)
    return np.asarray(inner / np.maximum(area_a[:, None] + area_b[None] - inner, 1e-9), np.float32)


def covered_share(boxes: Boxes, regions: Boxes) -> NDArray[np.float32]:
    """Share of each box inside its best region, (N,) float32; 0 without regions."""
    if len(regions) == 0 or len(boxes) == 0:
        return np.zeros(len(boxes), np.float32)
    inner, area, _ = _overlap(boxes, regions)
    return np.asarray((inner / np.maximum(area[:, None], 1e-9)).max(axis=1), np.float32)


def _overlap(a: Boxes, b: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(axis=2)
    return inner, (a[:, 2:] - a[:, :2]).prod(axis=1), (b[:, 2:] - b[:, :2]).prod(axis=1)


def match(found: Found, truth: Boxes, ignore: Boxes, iou: float = 0.5) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Greedy by score: index of the truth each detection takes (-1: none), and which detections count, both (N,)."""
    taken = np.full(len(found.scores), -1, np.int64)
    free = np.ones(len(truth), bool)
    overlaps = iou_matrix(found.boxes, truth)
    for i in np.argsort(-found.scores, kind="stable"):
        candidates = np.where(free, overlaps[i], -1.0)
        if len(truth) and candidates.max() >= iou:
            taken[i] = int(candidates.argmax())
            free[taken[i]] = False
    counts = (taken >= 0) | (covered_share(found.boxes, ignore) < iou)
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


def suppress(boxes: Boxes, scores: NDArray[np.float32], iou: float) -> NDArray[np.int64]:
    """Greedy non-maximum suppression: indices kept, best first."""
    order = np.argsort(-scores, kind="stable")
    overlaps = iou_matrix(boxes[order], boxes[order]) > iou
    alive = np.ones(len(order), bool)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1 :] &= ~overlaps[i, i + 1 :]
    return order[alive]


def decode_rows(rows: NDArray[np.float32], height: int, width: int, floor: float, iou: float) -> Found:
    """Undecoded YOLOX rows (N, 6) of one input of `height` x `width` px -> detections in px of that input."""
    points, strides = [], []
    for stride in (8, 16, 32):
        ys, xs = np.mgrid[: height // stride, : width // stride]
        points.append(np.stack([xs, ys], -1).reshape(-1, 2))
        strides.append(np.full(len(points[-1]), stride, np.float32))
    at, step = np.concatenate(points).astype(np.float32), np.concatenate(strides)[:, None]
    scores = rows[:, 4] * rows[:, 5]
    keep = scores > floor
    centre = (rows[keep, :2] + at[keep]) * step[keep]
    half = np.exp(rows[keep, 2:4]) * step[keep] / 2
    boxes, scores = np.concatenate([centre - half, centre + half], 1), scores[keep]
    kept = suppress(boxes, scores, iou)
    return Found(boxes[kept], scores[kept])


def detect_all(
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pictures: Sequence[Picture],
    height: int,
    width: int,
    keep_aspect: bool = True,
    floor: float = 0.01,
    iou: float = 0.65,
) -> list[Found]:
    """Run a net ((1, 3, H, W) -> (1, N, 6)) over pictures put into `height` x `width` px by `fit`; original px out."""
    found = []
    for picture in pictures:
        canvas, scale = fit(read_image(picture.path), height, width, keep_aspect)
        rows = run(np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32))[0]
        one = decode_rows(rows, height, width, floor, iou)
        limit = np.array([picture.width, picture.height] * 2, np.float32)
        found.append(Found(np.clip(one.boxes / np.tile(scale, 2), 0, limit).astype(np.float32), one.scores))
    return found
