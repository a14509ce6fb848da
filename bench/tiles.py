"""Closer looks at small people: what `detection.tiles` finds, and what it costs.

    PERDURE_SHARED=../shared python bench/tiles.py [--frames 4] [--detector perdure-det]

The first frames of MOT17's 1920x1080 training sequences (four sequences, 30 frames per second), each detected as
in a run: the motion gate watches them, and who was found in the frame before (from score 0.3 up) is expected again. The
first frame of each only warms up. Truth: people at least half visible; boxes on others,
on sitting people and on pictures of people count neither way. Recall and false boxes at score 0.3, AP50;
processor time of all looks at a frame, one thread. Public footage, but nothing was tuned on it except that the default
was chosen by this table.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.open import open_detector
from perdure.detect.tiles import look, sheets
from perdure.interop.numberfile import read_numbers
from perdure.train.detector.evaluate import Found, average_precision, match
from perdure.types import Float32s, Frame
from perdure.video.motion import watch
from perdure.video.pixels import Loaded

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
MOT17 = SHARED / "data" / "mot" / "MOT17"
COLUMNS = ("frame", "id", "left", "top", "width", "height", "consider", "class", "visibility")
PEDESTRIAN, VISIBLE = 1, 0.5
BANDS_PX = ((0, 96), (96, 160), (160, 10_000))
EXPECTED_FROM, REPORTED_FROM = 0.3, 0.3
RATE_FPS = 30.0
SETTINGS = {
    "off": DetectionConfig(tiles="off"),
    "auto, 1": DetectionConfig(tiles="auto"),
    "auto, 2": DetectionConfig(tiles="auto", tiles_at_most=2),
    "auto, 4": DetectionConfig(tiles="auto", tiles_at_most=4),
    "on": DetectionConfig(tiles="on"),
}


@dataclass
class Tally:
    """What one setting found, over all frames."""

    scores: list[Float32s] = field(default_factory=list)
    right: list[np.ndarray] = field(default_factory=list)
    tall: list[Float32s] = field(default_factory=list)
    hit: list[np.ndarray] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    sheets: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=4, help="of each sequence, besides the first")
    parser.add_argument("--detector", default="perdure-det")
    chosen = parser.parse_args()
    tallies = {name: Tally() for name in SETTINGS}
    detectors = {name: open_detector(chosen.detector, setting, "cpu", 1) for name, setting in SETTINGS.items()}
    for folder in sorted(MOT17.iterdir()):
        frames = read(folder, chosen.frames + 1)
        if frames and frames[0].width == 1920:
            for name, setting in SETTINGS.items():
                run(detectors[name], setting, frames, truth(folder), tallies[name])
    print(f"{'tiles':8} {'AP50':>6} {'recall by height, px':^36} {'false':>6} {'sheets':>7} {'ms':>7}")
    for name, tally in tallies.items():
        print(f"{name:8} {line(tally)}")


def read(folder: Path, count: int) -> list[Frame]:
    """The first frames of a sequence, watched for motion."""
    frames, background = [], None
    for index, path in enumerate(sorted((folder / "img1").glob("*.jpg"))[:count]):
        image = np.asarray(cv2.imread(str(path)), np.uint8)
        frame = Frame("c", index, 1.0 + index / RATE_FPS, 0.0, image.shape[1], image.shape[0], Loaded(image))
        background, motion = watch(background, frame)
        frames.append(replace(frame, motion=motion))
    return frames


def truth(folder: Path) -> dict[int, tuple[Float32s, Float32s]]:
    """People to find and boxes that count neither way, (N, 4) xyxy px, by frame from 0."""
    rows = read_numbers(folder / "gt" / "gt.txt", COLUMNS)
    boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
    wanted = (rows[:, 7] == PEDESTRIAN) & (rows[:, 8] >= VISIBLE) & (rows[:, 6] > 0)
    people = np.isin(rows[:, 7], (1, 2, 7, 8, 12))
    told = {}
    for number in np.unique(rows[:, 0]):
        here = rows[:, 0] == number
        told[int(number) - 1] = boxes[here & wanted], boxes[here & people & ~wanted]
    return told


def run(
    detector: Detector,
    settings: DetectionConfig,
    frames: list[Frame],
    known: dict[int, tuple[Float32s, Float32s]],
    tally: Tally,
) -> None:
    """One setting on the frames of one sequence, one after the other."""
    expected, before = np.zeros((0, 4), np.float32), frames[0].at
    for frame in frames:
        closer = sheets(frame, expected, frame.at - before, settings)
        began = time.process_time()
        (found,) = look(detector, [frame.image()], [closer])
        spent = time.process_time() - began
        expected, before = found.boxes[found.scores >= EXPECTED_FROM], frame.at
        if frame.index == 0:
            continue
        people, silent = known[frame.index]
        taken, counts = match(Found(found.boxes, found.scores), people, silent)
        hit = np.zeros(len(people), bool)
        hit[taken[(taken >= 0) & (found.scores >= REPORTED_FROM)]] = True
        tally.scores.append(found.scores[counts])
        tally.right.append(taken[counts] >= 0)
        tally.tall.append(people[:, 3] - people[:, 1])
        tally.hit.append(hit)
        tally.cpu_s.append(spent)
        tally.sheets += len(closer)


def line(tally: Tally) -> str:
    """One setting's figures."""
    scores, right, tall, hit = (np.concatenate(part) for part in (tally.scores, tally.right, tally.tall, tally.hit))
    bands = []
    for low, high in BANDS_PX:
        inside = (tall >= low) & (tall < high)
        bands.append(f"{hit[inside].sum():3} of {inside.sum():3}")
    false = int((~right & (scores >= REPORTED_FROM)).sum())
    ap50 = average_precision(scores, right, len(hit))
    ms = 1e3 * float(np.median(tally.cpu_s))
    return f"{ap50:6.3f} {'   '.join(bands):36} {false:6} {tally.sheets / len(tally.cpu_s):7.1f} {ms:7.1f}"


if __name__ == "__main__":
    main()
