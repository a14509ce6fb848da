"""How many crops hold several or half people, before and after the flags, on MOT17's ground truth. No pictures needed.

    python bench/flags.py

The public detections of five MOT17 training sequences, score 0.5 and more, each matched to the truth (IoU at least 0.5;
the rest are left out). A crop is of half a person where the truth says that less than half of it is visible, and of
several where another visible person covers a third of it. The last lines: how well a share told by geometry alone ranks
half-visible people (area under the ROC curve): covered by any box, or only by boxes whose foot is lower, in front.
Needs ``PERDURE_SHARED``.
"""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure import geometry
from perdure.detect.flags import flags
from perdure.types import Bools, Flag, Float32s, Float64s

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
MOT17 = SHARED / "data" / "mot" / "MOT17"
PEDESTRIAN, MIN_SCORE, MATCH_IOU = 1, 0.5, 0.5
HALF, SEVERAL = 0.5, 1 / 3


@dataclass(frozen=True)
class Crops:
    """What is known of some crops, each (N,)."""

    half: Bools
    several: Bools
    flagged: Float64s
    covered: Float64s
    covered_in_front: Float64s


def main() -> None:
    parts = [sequence(folder) for folder in sorted(MOT17.iterdir())]
    every = Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in Crops.__dataclass_fields__))
    print(f"{'crops':22} {'number':>8} {'several':>8} {'half':>8} {'either':>8}")
    cut = (every.flagged.astype(int) & Flag.TRUNCATED) > 0
    crowded = (every.flagged.astype(int) & Flag.CROWDED) > 0
    for name, kept in (
        ("all", np.ones(len(cut), bool)),
        ("not TRUNCATED", ~cut),
        ("not CROWDED", ~crowded),
        ("no flag", ~cut & ~crowded),
    ):
        shares = (every.several[kept].mean(), every.half[kept].mean(), (every.several | every.half)[kept].mean())
        print(f"{name:22} {kept.sum():8} " + " ".join(f"{share:8.3f}" for share in shares))
    clean = ~(every.several | every.half)
    print(f"of the clean crops, share without a flag: {(~cut & ~crowded)[clean].mean():.3f}")
    for name, value in (("covered by any box", every.covered), ("covered by boxes in front", every.covered_in_front)):
        print(f"{name}: area under the curve {area_under_curve(value, every.half):.3f}")


def sequence(folder: Path) -> Crops:
    """The crops of one sequence."""
    told = configparser.ConfigParser()
    told.read(folder / "seqinfo.ini")
    width, height = int(told["Sequence"]["imWidth"]), int(told["Sequence"]["imHeight"])
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = truth[truth[:, 7] == PEDESTRIAN]
    found = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
    found = found[found[:, 6] >= MIN_SCORE]
    parts = []
    for frame in np.unique(found[:, 0]):
        here, people = found[found[:, 0] == frame], truth[truth[:, 0] == frame]
        boxes = geometry.clip(corners(here), width, height)
        told_flags = flags(boxes, here[:, 6].astype(np.float32), width, height)
        parts.append(of_frame(boxes, told_flags.astype(float), corners(people), people[:, 8]))
    return Crops(*(np.concatenate([getattr(part, name) for part in parts]) for name in Crops.__dataclass_fields__))


def of_frame(boxes: Float32s, flagged: Float64s, people: Float32s, visible: Float64s) -> Crops:
    """The crops of one frame that show a person of the truth."""
    overlap = geometry.iou(boxes, people)
    whose = overlap.argmax(axis=1) if len(people) else np.zeros(len(boxes), int)
    real = overlap.max(axis=1, initial=0.0) >= MATCH_IOU
    others = geometry.covered(boxes, people) * (visible > HALF)
    if len(people):
        others[np.arange(len(boxes)), whose] = 0.0
    beside = geometry.covered(boxes, boxes)
    np.fill_diagonal(beside, 0.0)
    in_front = beside * (boxes[None, :, 3] > boxes[:, None, 3])
    half = visible[whose] < HALF if len(people) else np.zeros(len(boxes), bool)
    return Crops(
        half[real],
        (others.max(axis=1, initial=0.0) >= SEVERAL)[real],
        flagged[real],
        beside.max(axis=1, initial=0.0)[real],
        in_front.max(axis=1, initial=0.0)[real],
    )


def corners(rows: Float64s) -> Float32s:
    """Xyxy of MOTChallenge rows."""
    return np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)


def area_under_curve(value: Float64s, positive: Bools) -> float:
    """Chance that a positive has the higher value; ties count half."""
    low, high = np.sort(value[~positive]), value[positive]
    below = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
    return float(below.mean() / 2 / len(low))


if __name__ == "__main__":
    main()
