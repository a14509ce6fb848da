"""MOT metrics against TrackEval in one run: equal figures, and how much sooner.

    python bench/mot_metrics.py [--boxes 300000] [--repeats 3]

Needs ``trackeval`` (``pip install --no-deps trackeval``). Both read the same MOTChallenge files; "from files" is
reading plus metrics, "metrics" starts from the boxes in memory (IoU, preprocessing, CLEAR, Identity, HOTA).
Times are of this process on the CPU, so other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from perdure.evaluate.motfiles import Sequence, read_sequences
from perdure.evaluate.tracking import score


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=int, default=300_000, help="truth boxes of each scene; as many in the result")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.boxes} truth and about as many result boxes, median of {options.repeats}")
    print(f"{'people a frame':>14} {'what':>12} {'TrackEval s':>12} {'perdure s':>10} {'ratio':>6}  largest difference")
    for crowd in (10, 30, 100, 300):
        with tempfile.TemporaryDirectory() as folder:
            frames = options.boxes // crowd
            write_scene(Path(folder), frames, crowd)
            compare(Path(folder), frames, crowd, options.repeats)


def write_scene(folder: Path, frames: int, crowd: int) -> None:
    """People on a straight way each; the result has noise, gaps, swaps and false boxes. MOT17 columns, 10 % statues."""
    rng = np.random.default_rng(crowd)
    span = 1000
    truth, result = [], []
    for first in range(1, frames + 1, span):
        number = np.arange(first, min(first + span, frames + 1))
        start, speed = rng.uniform(0, 1800, (crowd, 2)), rng.normal(0, 0.3, (crowd, 2))
        size = rng.uniform(60, 200, crowd)[:, None] * [0.4, 1.0]
        at = start[:, None] + speed[:, None] * (number - first)[None, :, None]
        for person in range(crowd):
            identity = 1 + person + crowd * ((first - 1) // span)
            rows = np.column_stack(
                [number, np.full(len(number), identity), at[person], np.tile(size[person], (len(number), 1))]
            )
            truth.append(np.column_stack([rows, np.tile([1, 7 if person % 10 == 9 else 1, 1], (len(rows), 1))]))
            seen = rows[rng.random(len(rows)) < 0.93]
            seen[:, 2:6] += rng.normal(0, 4, (len(seen), 4))
            seen[:, 1] = seen[:, 1] * 1000 + (seen[:, 0] - first) // rng.integers(100, 600)
            result.append(seen)
    number = np.arange(1, frames + 1)
    for ghost in range(max(1, crowd // 20)):
        place = rng.uniform(0, 1800, (frames, 2))
        result.append(np.column_stack([number, 10**9 + 10**6 * ghost + number // 100, place, np.full((frames, 2), 80)]))
    (folder / "truth/scene/gt").mkdir(parents=True)
    (folder / "result").mkdir()
    form = ["%d", "%d", *["%.2f"] * 4, "%d", "%d", "%d"]
    np.savetxt(folder / "truth/scene/gt/gt.txt", np.concatenate(truth), fmt=form, delimiter=",")
    boxes = np.concatenate(result)
    boxes[:, 1] = np.unique(boxes[:, 1], return_inverse=True)[1] + 1
    form = ["%d", "%d", *["%.2f"] * 4, "%d"]
    np.savetxt(folder / "result/scene.txt", np.column_stack([boxes, np.ones(len(boxes))]), fmt=form, delimiter=",")


def compare(folder: Path, frames: int, crowd: int, repeats: int) -> None:
    oracle = load_oracle()
    truth, result, lengths = folder / "truth", folder / "result", {"scene": frames}
    dataset = oracle.trackeval_dataset(truth, result, "MOT17", lengths)
    _, metrics = oracle.trackeval_metrics()

    def trackeval_read() -> dict[str, object]:
        return dataset._load_raw_file("result", "scene", is_gt=True) | dataset._load_raw_file(
            "result", "scene", is_gt=False
        )

    def trackeval_score(boxes: dict[str, object]) -> None:
        pairs = zip(boxes["gt_dets"], boxes["tracker_dets"], strict=True)
        boxes["similarity_scores"] = [dataset._calculate_similarities(t, r) for t, r in pairs]
        ready = dataset.get_preprocessed_seq_data(boxes, "pedestrian")
        for metric in metrics:
            metric.eval_sequence(ready)

    def ours_read() -> Sequence:
        return next(read_sequences(truth, result))

    theirs, ours = ([], []), ([], [])
    for _ in range(repeats):
        with contextlib.redirect_stdout(io.StringIO()):
            theirs[0].append(timed(trackeval_read))
            raw = trackeval_read()
            theirs[1].append(timed(lambda raw=raw: trackeval_score(raw)))
        ours[0].append(timed(ours_read))
        scene = ours_read()
        ours[1].append(timed(lambda scene=scene: score(scene.truth, scene.result)))
    reference = oracle.trackeval_scores(truth, result, "MOT17", lengths)["scene"]
    figures = score(scene.truth, scene.result).figures()
    worst = max(abs(figures[name] - reference[name]) for name in reference)
    for what, (a, b) in {
        "metrics": (statistics.median(theirs[1]), statistics.median(ours[1])),
        "from files": (
            statistics.median(map(sum, zip(*theirs, strict=True))),
            statistics.median(map(sum, zip(*ours, strict=True))),
        ),
    }.items():
        print(f"{crowd:14d} {what:>12} {a:12.2f} {b:10.2f} {a / b:6.1f}  {worst:.1e}")


def timed(action) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def load_oracle():
    path = Path(__file__).parents[1] / "tests/evaluate/trackeval_oracle.py"
    spec = importlib.util.spec_from_file_location("trackeval_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
