"""Does a tracker keep its memory flat? People come and go for ever; prints resident memory as frames go by.

    python bench/soak_tracker.py [--frames N] [--people N]

Each walks through the picture in about 20 s and somebody new follows.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.types import Crops, Detections

RATE_FPS = 10.0
DIM = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=6, help="in the picture at once")
    given = parser.parse_args()
    frames, people = given.frames, given.people
    rng = np.random.default_rng(0)
    tracker = build("soak", TrackingConfig())
    x, speed = rng.uniform(0, 1920, people), rng.uniform(40, 160, people) / RATE_FPS
    look = rng.normal(size=(people, DIM))
    told, start = 0, time.process_time()
    print(f"{'frame':>10} {'MB':>8} {'told':>8} {'ms/frame':>9}")
    for frame in range(1, frames + 1):
        x += speed
        gone = x > 2000
        x[gone] = -50
        look[gone] = rng.normal(size=(int(gone.sum()), DIM))
        y = 300 + 80 * np.arange(people)
        boxes = np.stack([x - 30, y - 75, x + 30, y + 75], axis=1) + rng.normal(0, 1, (people, 4))
        seen = rng.random(people) < 0.95
        rows = tracker.propose(
            frame, frame / RATE_FPS, (1920, 1080), Detections.of(boxes[seen], np.full(seen.sum(), 0.9))
        )
        crops = []
        if len(rows):
            vectors = look[seen][rows] + rng.normal(0, 0.4, (len(rows), DIM))
            unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
            crops = [Crops(rows, "soak", unit, np.full(len(rows), 0.8, np.float32), ("",) * len(rows))]
        tracker.commit(crops)
        told += len(tracker.tell())
        if frame % (frames // 10) == 0:
            megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            each = 1e3 * (time.process_time() - start) / frame
            print(f"{frame:10d} {megabytes:8.1f} {told:8d} {each:9.3f}", flush=True)


if __name__ == "__main__":
    main()
