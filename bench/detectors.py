"""Detectors side by side on real footage: precision and recall on PETS, AP50 on the test pictures, time per picture.

    python bench/detectors.py [NAME...] [--write]

PETS 2009 S2.L1 view 1: every 20th frame against its ground truth at IoU 0.5, at score 0.3 and 0.5. Test pictures:
``person-detection/test.json`` (PETS and MOT17 frames). Milliseconds: median processor time of a PETS picture, all
included (resize, network, decoding, suppression), on one thread. Needs ``PERDURE_SHARED``;
``--write`` puts the figures into the card.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.open import open_detector
from perdure.models import catalogue
from perdure.train.detector.data import Picture, read_coco, read_image
from perdure.train.detector.evaluate import Found, report
from perdure.types import Detections, Image

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PETS = SHARED / "data" / "video" / "pets09-s2l1"
EVERY = 20
SHRUNK = 0.625
"""The clip is 480 px wide, its ground truth 768."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="detectors (default: every network whose file is here)")
    parser.add_argument("--write", action="store_true", help="put the figures into the card")
    chosen = parser.parse_args()
    here = [c.name for c in catalogue.cards() if c.task == "detector" and c.file and catalogue.locate(c)]
    frames = list(pets())
    test = read_coco(SHARED / "data" / "person-detection" / "test.json")
    print(f"{'detector':32} {'P@.3':>6} {'R@.3':>6} {'P@.5':>6} {'R@.5':>6} {'AP50':>6} {'ms':>7}")
    for name in chosen.names or here:
        detector = open_detector(name, DetectionConfig(min_score=0.01, min_height_px=1.0), "cpu", 1)
        found, times = timed(detector, [image for image, _ in frames])
        pictures = [picture for _, picture in frames]
        low, high = (report(at_least(found, score), pictures, score) for score in (0.3, 0.5))
        pooled = report(timed(detector, [read_image(p.path) for p in test])[0], test)
        figures = (low.precision, low.recall, high.precision, high.recall, pooled.ap50)
        print(f"{name:32} " + " ".join(f"{f:6.3f}" for f in figures) + f" {1e3 * np.median(times):7.1f}", flush=True)
        if chosen.write:
            write(name, figures)


def pets() -> Iterator[tuple[Image, Picture]]:
    """Every 20th frame of PETS view 1 with its ground truth."""
    rows = np.loadtxt(PETS / "gt_768x576.txt", delimiter=",")
    video = cv2.VideoCapture(str(PETS / "view1.mp4"))
    index = 0
    while (answer := video.read())[0]:
        if index % EVERY == 0:
            xywh = rows[rows[:, 0] == index + 1, 2:6] * SHRUNK
            boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1).astype(np.float32)
            image = np.asarray(answer[1], np.uint8)
            nothing = np.zeros((0, 4), np.float32)
            yield image, Picture(PETS, "pets", image.shape[1], image.shape[0], boxes, nothing)
        index += 1


def timed(detector: Detector, images: list[Image]) -> tuple[list[Found], list[float]]:
    """What it finds in each picture, and the processor seconds of each."""
    found: list[Found] = []
    times: list[float] = []
    for image in images:
        started = time.process_time()
        one: Detections = detector.detect([image])[0]
        times.append(time.process_time() - started)
        found.append(Found(one.boxes, one.scores))
    return found, times


def at_least(found: list[Found], score: float) -> list[Found]:
    """Only the detections of this score and more."""
    return [Found(f.boxes[f.scores >= score], f.scores[f.scores >= score]) for f in found]


def write(name: str, figures: tuple[float, ...]) -> None:
    """Put the figures into the packaged card."""
    on = "PETS 2009 S2.L1 view 1, every 20th frame, IoU 0.5, score "
    told = (
        ("precision", f"{on}0.3"),
        ("recall", f"{on}0.3"),
        ("precision", f"{on}0.5"),
        ("recall", f"{on}0.5"),
        ("AP50", "109 test pictures of PETS 2009 and MOT17"),
    )
    for path in catalogue.CARDS.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["name"] == name and content["task"] == "detector":
            others = [
                metric for metric in content.get("metrics", []) if metric["on"] not in {where for _, where in told}
            ]
            content["metrics"] = others + [
                {
                    "name": key,
                    "value": round(value, 3),
                    "on": where,
                    "source": f"python bench/detectors.py {name} --write",
                }
                for (key, where), value in zip(told, figures, strict=True)
            ]
            path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
