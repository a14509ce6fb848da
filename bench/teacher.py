"""What the detector's teacher is worth by people's height: single sizes, plain means, and by what a pass resolves.

    python bench/teacher.py [--pictures 49]

The first pictures of `coco128_train`, held out of training since the second recipe, with the parent cut to its person
class. AP50 by height in the picture: people of other heights, and detections of other heights that meet nobody, count
neither way. Not mirrored. Needs ``PERDURE_SHARED``.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from perdure.detect.fit import plan
from perdure.train.detector.data import Picture, read_coco, read_image
from perdure.train.detector.distill import AREAS_PX2, MOST_ENLARGED, PASS_FLOOR, fuse
from perdure.train.detector.evaluate import INPUT, Found, average_precision, detect_in, match
from perdure.train.detector.export import Rows
from perdure.train.detector.load import cut_to_person, load_parent
from perdure.types import Float32s

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
HELD_OUT = "coco128_train"
BANDS_PX = ((0, 32), (32, 64), (64, np.inf), (0, np.inf))
FIVE = 5
"""Sizes of the first two recipes."""
ALL_RESOLVED = 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=49)
    count = parser.parse_args().pictures
    torch.set_num_threads(1)
    every = read_coco(SHARED / "data" / "person-detection" / "train.json")
    pictures = [picture for picture in every if picture.subset == HELD_OUT][:count]
    rows = Rows(cut_to_person(load_parent(SHARED / "models" / "yolox_nano.onnx"))).eval()

    def run(images: Float32s) -> Float32s:
        with torch.no_grad():
            return np.asarray(rows(torch.from_numpy(images)).numpy(), np.float32)

    passes = [
        [detect_in(run, read_image(picture.path), area, most_enlarged=MOST_ENLARGED) for area in AREAS_PX2]
        for picture in pictures
    ]
    scales = [
        [plan(picture.height, picture.width, INPUT, area, MOST_ENLARGED).scale_y for area in AREAS_PX2]
        for picture in pictures
    ]
    print(f"{'':34}" + "".join(f"{f'{low:.0f} to {high:.0f} px':>20}" for low, high in BANDS_PX))
    for index, area in enumerate(AREAS_PX2):
        line(f"parent, {area} px^2", [one[index] for one in passes], pictures)
    for name, most in (("five sizes", FIVE), ("six sizes", len(AREAS_PX2))):
        chosen = [[_above(found) for found in one[:most]] for one in passes]
        line(f"{name}, plain mean", [fuse(one, [ALL_RESOLVED] * most) for one in chosen], pictures)
        told = [fuse(one, scale[:most]) for one, scale in zip(chosen, scales, strict=True)]
        line(f"{name}, by what a pass resolves", told, pictures)


def line(name: str, found: Sequence[Found], pictures: Sequence[Picture]) -> None:
    """One line of the table: AP50 and the number of people, band by band."""
    bands = [band(found, pictures, low, high) for low, high in BANDS_PX]
    print(f"{name:34}" + "".join(f"{f'{ap50:.3f} ({people})':>20}" for ap50, people in bands), flush=True)


def band(found: Sequence[Found], pictures: Sequence[Picture], low: float, high: float) -> tuple[float, int]:
    """AP50 on people of one band of heights, and how many they are."""
    scores, right, people = [], [], 0
    for one, picture in zip(found, pictures, strict=True):
        taken, counts = match(one, picture.boxes, picture.ignore)
        wanted = _between(picture.boxes, low, high)
        people += int(wanted.sum())
        hit = np.append(wanted, [False])[taken]  # what meets nobody is no hit
        counts &= hit | ((taken < 0) & _between(one.boxes, low, high))
        scores.append(one.scores[counts])
        right.append(hit[counts])
    return average_precision(np.concatenate(scores), np.concatenate(right), people), people


def _between(boxes: Float32s, low: float, high: float) -> np.ndarray:
    tall = boxes[:, 3] - boxes[:, 1]
    return (tall >= low) & (tall < high)


def _above(found: Found) -> Found:
    kept = found.scores > PASS_FLOOR
    return Found(found.boxes[kept], found.scores[kept])


if __name__ == "__main__":
    main()
