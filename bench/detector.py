"""perdure-det against its untrained parent at equal rectangles, and against its peers: AP50, recall by height, time.

    python bench/detector.py [--weights FILE]... [--quick]

Pictures: `person-detection/test.json` (PETS and MOT17 frames) and the part of `val.json` that shares no footage with
the training pictures (`coco128_val`). Each picture goes into a rectangle of its own shape with the area of the size
named, as `perdure.detect` does. `parent` is YOLOX-Nano cut to its person class, exported here. Recall is at score 0.3,
by height of the person in px of the picture. Milliseconds: median processor time per picture, resize to boxes, one
thread; detectors take turns picture by picture, so a busy machine slows all alike. Needs `PERDURE_SHARED`.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

from perdure.config import DetectionConfig
from perdure.detect.open import open_detector
from perdure.models import catalogue
from perdure.train.detector.data import Picture, read_coco, read_image
from perdure.train.detector.evaluate import Found, Report, detect_all, report
from perdure.train.detector.export import export_onnx
from perdure.train.detector.load import cut_to_person, load_parent

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
PICTURES = SHARED / "data" / "person-detection"
SIZES = {"512x288": 512 * 288, "640x384": 640 * 384}
LARGE = {"640x640": 640 * 640, "832x832": 832 * 832}
PEERS = ("person-detection-retail-0013", "baseline")

Detect = Callable[[Picture], Found]


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    name: str
    size: str
    detect: Detect


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, action="append", default=[], help="further files of the same form")
    parser.add_argument("--quick", action="store_true", help="without the large sizes and the peers")
    chosen = parser.parse_args()
    test = read_coco(PICTURES / "test.json")
    clean = [picture for picture in read_coco(PICTURES / "val.json") if picture.subset == "coco128_val"]
    with TemporaryDirectory() as folder:
        parent = Path(folder) / "parent.onnx"
        export_onnx(cut_to_person(load_parent(SHARED / "models" / "yolox_nano.onnx")), parent)
        entries = [
            Entry(name, size, by_rows(path, area))
            for size, area in SIZES.items()
            for name, path in (
                ("parent, one class", parent),
                ("perdure-det", built_in()),
                *((path.stem, path) for path in chosen.weights),
            )
        ]
        if not chosen.quick:
            entries += [Entry("parent, one class", size, by_rows(parent, area)) for size, area in LARGE.items()]
            entries += [Entry(name, "its own", by_name(name)) for name in ("yolox-nano", *PEERS) if is_here(name)]
        show("test.json (109 pictures)", test, entries)
        show("coco128_val (128 pictures)", clean, entries)


def show(title: str, pictures: list[Picture], entries: list[Entry]) -> None:
    """One table: every entry on every picture, in turns."""
    found: list[list[Found]] = [[] for _ in entries]
    spent: list[list[float]] = [[] for _ in entries]
    for picture in pictures:
        for index, entry in enumerate(entries):
            began = time.process_time()
            found[index].append(entry.detect(picture))
            spent[index].append(time.process_time() - began)
    reading = float(np.median([timed(picture) for picture in pictures]))
    print(
        f"\n{title}\n{'detector':30} {'size':9} {'AP50':>6} {'P':>6} {'R':>6}   recall by height, px" + " " * 22 + "ms"
    )
    for entry, one, times in zip(entries, found, spent, strict=True):
        told: Report = report(one, pictures)
        bands = "  ".join(f"{name} {recall:.3f} ({count})" for name, count, recall in told.recall_by_height)
        ms = 1e3 * (float(np.median(times)) - reading)
        scores = f"{told.ap50:6.4f} {told.precision:6.3f} {told.recall:6.3f}"
        print(f"{entry.name:30} {entry.size:9} {scores}   {bands}  {ms:6.1f}")


def timed(picture: Picture) -> float:
    """Processor seconds of reading a picture, which every detector here does anew."""
    began = time.process_time()
    read_image(picture.path)
    return time.process_time() - began


def by_rows(path: Path, area_px2: float) -> Detect:
    """A file of undecoded one-class rows at a chosen area."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def detect(picture: Picture) -> Found:
        return detect_all(lambda images: session.run(None, {"images": images})[0], [picture], area_px2)[0]

    return detect


def by_name(name: str) -> Detect:
    """A detector of the catalogue as its card runs it."""
    detector = open_detector(name, DetectionConfig(min_score=0.01, min_height_px=1.0), "cpu", 1)

    def detect(picture: Picture) -> Found:
        one = detector.detect([read_image(picture.path)])[0]
        return Found(one.boxes, one.scores)

    return detect


def built_in() -> Path:
    """The weights inside the package."""
    return catalogue.find("perdure-det", "detector")[1]


def is_here(name: str) -> bool:
    """Whether a peer's file is on this machine; the baseline is code."""
    return any(
        card.name == name and card.task == "detector" and (card.file is None or catalogue.locate(card))
        for card in catalogue.cards()
    )


if __name__ == "__main__":
    main()
