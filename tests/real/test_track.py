"""Trackers on real people: nearly perfect on true boxes, and sane on the boxes of a detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import score
from perdure.evaluate.tracks import Tracks
from perdure.interop.mot import Boxes, read_boxes, read_sequence
from perdure.track.build import build

NAMES = ["default", "sort", "deepsort", "bytetrack", "ocsort", "botsort"]


def followed(name: str, boxes: Boxes, length: int, rate_fps: float, size: tuple[int, int]) -> Tracks:
    """Causal output: at each frame what was believed then."""
    tracker = build("cam", TrackingConfig.model_validate({"tracker": name, "cut_after_s": 3600}))
    frames, ids, found = [], [], []
    for frame in range(1, length + 1):
        detections = boxes.detections(frame)
        tracker.propose(frame - 1, frame / rate_fps, size, detections)
        tracker.commit([])
        rows, numbers = tracker.observed()
        frames.append(np.full(len(rows), frame))
        ids.append(numbers)
        found.append(detections.boxes[rows])
    return Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(found))


@pytest.mark.parametrize("name", NAMES)
def test_true_boxes_are_followed_nearly_perfectly(shared: Path, name: str) -> None:
    """PETS S2.L1 at its real 7 fps: 19 people who meet, pass behind each other and a post, and turn around."""
    path = shared / "data/video/pets09-s2l1/gt_768x576.txt"
    boxes = read_boxes(path)
    real = boxes.scores > 0
    sure = Boxes(boxes.frames[real], boxes.ids[real], boxes.boxes[real], 0.95 * boxes.scores[real], boxes.lines[real])
    truth = read_truth(path, "mot15")
    figures = score(truth, followed(name, sure, 795, 7.0, (768, 576))).figures()
    assert figures["IDF1"] > {"deepsort": 0.84, "ocsort": 0.88}.get(name, 0.92)
    assert figures["IDSW"] <= 4
    assert figures["Precision"] > 0.99


def test_public_detections(shared: Path) -> None:
    folder = shared / "data/mot/MOT15/TUD-Stadtmitte"
    sequence = read_sequence(folder)
    truth = read_truth(folder / "gt/gt.txt")
    tracks = followed("default", sequence.boxes, sequence.length, sequence.rate_fps, sequence.size)
    figures = score(truth, tracks).figures()
    assert figures["IDF1"] > 0.6
    assert figures["MOTA"] > 0.55
    assert figures["IDSW"] <= 20
