"""Watching a camera: our motion gate against OpenCV's MOG2 at 320 px, in one run, one thread.

    PERDURE_SHARED=../shared OMP_NUM_THREADS=1 python bench/motion.py [--frames 200]

Both start from a decoded 1080p frame (a clip scaled up; the footage at hand is smaller). MOG2 gets its frame as it
usually does: the picture's brightness scaled to 320 px. Milliseconds per frame, medians, contenders in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

import av
import cv2

from perdure.types import Frame
from perdure.video.motion import Background, watch
from perdure.video.pixels import Decoded

SIZE = (1920, 1080)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    path = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/video/intel/one-by-one-person-detection.mp4"
    mog2 = cv2.createBackgroundSubtractorMOG2()
    background: Background | None = None
    times: dict[str, list[float]] = {
        "ours, all": [],
        "MOG2, scaling": [],
        "MOG2, all": [],
        "absdiff at 320 px, all": [],
    }
    last = None
    with av.open(str(path)) as container:
        for index, small in enumerate(container.decode(video=0)):
            if index == frames:
                break
            decoded = small.reformat(*SIZE, format="yuv420p")
            frame = Frame("c", index, index / 25, 0.0, *SIZE, Decoded(decoded))
            began = time.perf_counter()
            background, _ = watch(background, frame)
            times["ours, all"].append(time.perf_counter() - began)

            plane = frame.luma()
            began = time.perf_counter()
            scaled = cv2.resize(plane, (320, 180), interpolation=cv2.INTER_AREA)
            times["MOG2, scaling"].append(time.perf_counter() - began)
            mog2.apply(scaled)
            times["MOG2, all"].append(time.perf_counter() - began)

            began = time.perf_counter()
            scaled = cv2.resize(plane, (320, 180), interpolation=cv2.INTER_AREA)
            if last is not None:
                cv2.threshold(cv2.absdiff(scaled, last), 20, 255, cv2.THRESH_BINARY)
            times["absdiff at 320 px, all"].append(time.perf_counter() - began)
            last = scaled
    for name, values in times.items():
        print(f"{name:24} {1e3 * statistics.median(values[5:]):7.3f} ms")


if __name__ == "__main__":
    main()
