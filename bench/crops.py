"""How many crops hold several people or half a one, before and after the flags: MOT17 truth and public detections.

    PERDURE_SHARED=../shared python bench/crops.py

Every public detection (Faster R-CNN, score at least 0.5) that is a person of the truth (IoU at least 0.5) is a crop
that could become somebody's picture. It holds *several* where another person who can be seen (visibility at least 0.3)
covers a third of it or more, and *half* a one where less than half of its person is visible (the truth's visibility) or
an eighth of the person lies outside the picture. The tracker takes pictures without a flag only; "after" is the share
among those, and "lost" how many good crops the flags cost.
"""

from __future__ import annotations

import argparse
import configparser
import os
from pathlib import Path

import numpy as np

from perdure.detect.flags import flags
from perdure.geometry import area, clip, covered, iou
from perdure.types import Bools, Float64s

SHARE = 1 / 3
VISIBLE = 0.5
SEEN = 0.3
INSIDE = 7 / 8
PERSON = 1
PEOPLE = (1, 2, 7)
"""Classes of the truth that are people in a picture: walking, on a vehicle, standing still."""


def corners(rows: Float64s) -> Float64s:
    """Boxes as xyxy, with the origin at 0."""
    return np.column_stack([rows[:, 2:4] - 1, rows[:, 2:4] - 1 + rows[:, 4:6]])


def crops(folder: Path) -> tuple[Bools, Bools, Bools]:
    """Per crop of one sequence: holds several, holds half, has a flag."""
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    size = int(info["Sequence"]["imWidth"]), int(info["Sequence"]["imHeight"])
    truth = np.loadtxt(folder / "gt/gt.txt", delimiter=",")
    found = np.loadtxt(folder / "det/det.txt", delimiter=",")
    found = found[found[:, 6] >= 0.5]
    answers = []
    for frame in np.unique(found[:, 0]):
        boxes, scores = corners(found[found[:, 0] == frame]), found[found[:, 0] == frame, 6]
        people = truth[(truth[:, 0] == frame) & np.isin(truth[:, 7], PEOPLE)]
        if not len(people) or not len(boxes):
            continue
        overlap = iou(boxes, corners(people))
        whose = overlap.argmax(axis=1)
        known = (overlap.max(axis=1) >= 0.5) & (people[whose, 7] == PERSON)
        others = covered(boxes, corners(people)) * (people[:, 8] >= SEEN)
        others[np.arange(len(boxes)), whose] = 0
        flagged = flags(boxes.astype(np.float32), scores.astype(np.float32), *size) != 0
        whole = corners(people)[whose]
        inside = area(clip(whole, *size)) / area(whole)
        half = (people[whose, 8] < VISIBLE) | (inside < INSIDE)
        answers.append(np.stack([others.max(axis=1) >= SHARE, half, flagged])[:, known])
    several, half, flagged = np.concatenate(answers, axis=1)
    return several, half, flagged


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    folder = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/mot/MOT17"
    table = {path.name: crops(path) for path in sorted(folder.iterdir()) if (path / "gt/gt.txt").is_file()}
    table["all"] = tuple(np.concatenate(column) for column in zip(*table.values(), strict=True))
    print(
        f"{'sequence':18} {'crops':>6} {'several':>8} {'half':>6} {'either':>7} | after the flags {'':4} | {'lost':>5}"
    )
    for name, (several, half, flagged) in table.items():
        bad, kept = several | half, ~flagged
        before = f"{several.mean():8.1%} {half.mean():6.1%} {bad.mean():7.1%}"
        after = f"{several[kept].mean():6.1%} {half[kept].mean():6.1%} {bad[kept].mean():6.1%}"
        print(f"{name:18} {len(bad):6} {before} | {after} | {flagged[~bad].mean():5.1%}")


if __name__ == "__main__":
    main()
