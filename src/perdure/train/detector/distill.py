"""A teacher stronger than the parent: the parent itself at several sizes and mirrored, fused, written once.

`perdure train teach --config detector.yaml` writes the file that `teacher` of the configuration names. The parent finds
people of the size it knows best, so no one size sees all. Source of the fusion: Solovyev et al., "Weighted boxes
fusion", arXiv:1910.13302, section 3; changed: clusters form around the survivors of non-maximum suppression, each
pass counts once per cluster, and a pass too small to see a person has no say about them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from perdure import geometry
from perdure.detect.fit import plan
from perdure.detect.nms import suppress
from perdure.errors import ConfigError, InputError
from perdure.train.detector.batches import SQUEEZED_ASPECT, times_seen
from perdure.train.detector.config import DetectorTraining
from perdure.train.detector.data import Picture, read_coco, read_image
from perdure.train.detector.evaluate import INPUT, Boxes, Found, detect_in
from perdure.train.detector.export import Rows
from perdure.train.detector.load import cut_to_person, load_parent

AREAS_PX2 = (320 * 192, 512 * 288, 640 * 384, 640 * 640, 832 * 832, 1120 * 1120)
RESOLVED_PX = (16.0, 32.0)
"""Of a person in the input: below the first a pass sees nothing, from the second on it counts in full."""
LEAST_SAY = 1e-3
MOST_ENLARGED = 2.0
PASS_FLOOR = 0.03
KEPT_FROM = 0.05
FUSE_IOU = 0.55
SAME_IOU = 0.5
SURE_SCORE = 0.85
"""The fused score of a person whom every pass sees."""
SURE_WORTH = 0.9
LEAST_WORTH = 0.05
WRITES_IT = "`perdure train teach` writes it"


def teach(config: DetectorTraining) -> None:
    """Write what the teacher sees in all training pictures: `{"folder/name": [[x1, y1, x2, y2, score], ...]}`.

    Raises:
        ConfigError: `teacher` is not set.
        InputError, ModelError: labels, a picture or the parent are not as they should be.
    """
    if config.teacher is None:
        raise ConfigError("teach: set `teacher` to the file to write")
    torch.set_num_threads(config.threads)
    pictures = [picture for picture in read_coco(config.train) if times_seen(picture, config.repeat) > 0]
    rows = Rows(cut_to_person(load_parent(config.parent))).eval()

    def run(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(rows(torch.from_numpy(images)).numpy(), np.float32)

    told: dict[str, list[list[float]]] = {}
    for index, picture in enumerate(pictures):
        fused = look(run, read_image(picture.path), SQUEEZED_ASPECT if picture.subset in config.stretched else 1.0)
        kept = fused.scores >= KEPT_FROM
        seen = np.column_stack([np.round(fused.boxes[kept], 1), np.round(fused.scores[kept], 3)])
        told[picture.name] = seen.astype(float).round(3).tolist()
        if index % 200 == 0:
            print(f"picture {index} of {len(pictures)}", flush=True)  # noqa: T201
    config.teacher.parent.mkdir(parents=True, exist_ok=True)
    config.teacher.write_text(json.dumps(told))


def look(run: Callable[[Boxes], Boxes], image: NDArray[np.uint8], widen: float) -> Found:
    """One picture at all sizes, as it is and mirrored."""
    mirrored, (height, width) = np.ascontiguousarray(image[:, ::-1]), image.shape[:2]
    passes, scales = [], []
    for area in AREAS_PX2:
        fit = plan(height, round(width * widen), INPUT, area, MOST_ENLARGED)
        scales += [fit.scale_y] * 2
        passes.append(detect_in(run, image, area, widen, PASS_FLOOR, MOST_ENLARGED))
        turned = detect_in(run, mirrored, area, widen, PASS_FLOOR, MOST_ENLARGED)
        x1, y1, x2, y2 = turned.boxes.T
        passes.append(Found(np.stack([width - x2, y1, width - x1, y2], axis=1), turned.scores))
    return fuse(passes, scales)


def fuse(passes: Sequence[Found], scales: Sequence[float]) -> Found:
    """One answer of several about one picture: boxes averaged by score squared, scores over the passes.

    Both weighted by how well a pass resolves a person of that height; ``scales`` are input px per picture px of each.
    """
    boxes, scores = np.concatenate([one.boxes for one in passes]), np.concatenate([one.scores for one in passes])
    if len(scores) == 0:
        return Found(boxes, scores)
    asked = np.repeat(np.arange(len(passes)), [len(one.scores) for one in passes])
    overlap = geometry.iou(boxes, boxes[suppress(boxes, scores, FUSE_IOU)])
    cluster = overlap.argmax(axis=1)
    inside = overlap[np.arange(len(boxes)), cluster] >= FUSE_IOU
    asked, cluster, boxes, scores = asked[inside], cluster[inside], boxes[inside], scores[inside]
    best = np.zeros((len(passes), overlap.shape[1]))
    np.maximum.at(best, (asked, cluster), scores)
    scale = np.asarray(scales, np.float64)
    weight = scores.astype(np.float64) ** 2 * say((boxes[:, 3] - boxes[:, 1]) * scale[asked])
    total = np.bincount(cluster, weight, overlap.shape[1])
    mean = np.stack([np.bincount(cluster, weight * side, overlap.shape[1]) / total for side in boxes.T], axis=1)
    says = say((mean[:, 3] - mean[:, 1])[None] * scale[:, None])
    return Found(mean.astype(np.float32), np.average(best, axis=0, weights=says).astype(np.float32))


def say(height_px: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How much a pass may say about a person of a height in its input, element by element, in (0, 1]."""
    low, high = np.log(RESOLVED_PX)
    seen = (np.log(np.maximum(height_px, 1.0)) - low) / (high - low)
    return np.asarray(np.clip(seen, LEAST_SAY, 1.0), np.float64)


def with_teacher(pictures: list[Picture], config: DetectorTraining) -> list[Picture]:
    """The pictures with what the teacher says of each.

    Raises:
        InputError: the teacher's file is missing, broken, or says nothing of a picture.
    """
    if config.teacher is None:
        return pictures
    try:
        told = json.loads(config.teacher.read_text())
        return [
            weigh(picture, np.array(told[picture.name], np.float32).reshape(-1, 5), config.teacher_share)
            for picture in pictures
        ]
    except OSError as error:
        raise InputError(f"{config.teacher}: cannot read the teacher ({error.strerror}); {WRITES_IT}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{config.teacher}: not a teacher of these pictures ({error!r}); {WRITES_IT}") from error


def weigh(picture: Picture, taught: Boxes, share: float) -> Picture:
    """Labels and teacher (P, 5: xyxy, score) mixed: `share` of a worth is the teacher's word, the rest the label's.

    Who is labelled and sure stays in `boxes`; everybody else is in `likely`.
    """
    word = np.minimum(taught[:, 4] / SURE_SCORE, 1.0)
    overlap = geometry.iou(picture.boxes, taught[:, :4])
    seen = np.where(overlap >= SAME_IOU, word[None], 0.0).max(axis=1, initial=0.0)
    worth = 1 - share + share * seen
    sure = worth > SURE_WORTH
    silent = geometry.covered(taught[:, :4], picture.ignore).max(axis=1, initial=0.0) >= SAME_IOU
    new = ~silent & (overlap.max(axis=0, initial=0.0) < SAME_IOU) & (share * word >= LEAST_WORTH)
    doubted = np.column_stack([picture.boxes, worth])[~sure]
    unlabelled = np.column_stack([taught[:, :4], share * word])[new]
    return replace(picture, boxes=picture.boxes[sure], likely=np.concatenate([doubted, unlabelled]).astype(np.float32))
