"""Watching a camera: our motion gate against OpenCV's MOG2 at 320 px, in one run, one thread.

    PERDURE_SHARED=../shared OMP_NUM_THREADS=1 python bench/motion.py [--frames 200]

Both start from a decoded 1080p frame (a clip scaled up; the footage at hand is smaller). MOG2 gets its frame as it
usually does: the picture's brightness (made before, not counted) scaled to 320 px. Milliseconds per frame, medians,
contenders in turn.
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


TURN = 20
"""Frames that one contender takes before the next one."""


class Ours:
    """The gate."""

    def __init__(self) -> None:
        self.background: Background | None = None

    def __call__(self, frame: Frame) -> None:
        """One frame."""
        self.background, _ = watch(self.background, frame)


class Mog2:
    """OpenCV's mixture of Gaussians."""

    def __init__(self) -> None:
        self.model = cv2.createBackgroundSubtractorMOG2()

    def __call__(self, frame: Frame) -> None:
        """One frame."""
        self.model.apply(cv2.resize(frame.luma(), (320, 180), interpolation=cv2.INTER_AREA))


class Difference:
    """What changed since the frame before."""

    def __init__(self) -> None:
        self.last: cv2.typing.MatLike | None = None

    def __call__(self, frame: Frame) -> None:
        """One frame."""
        now = cv2.resize(frame.luma(), (320, 180), interpolation=cv2.INTER_AREA)
        if self.last is not None:
            cv2.threshold(cv2.absdiff(now, self.last), 20, 255, cv2.THRESH_BINARY)
        self.last = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=200)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    path = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/video/intel/one-by-one-person-detection.mp4"
    contenders = {"ours": Ours(), "MOG2 at 320 px": Mog2(), "frame difference at 320 px": Difference()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    with av.open(str(path)) as container:
        decoded = (small.reformat(*SIZE, format="yuv420p") for small in container.decode(video=0))
        for first in range(0, frames, TURN):
            turn = [Frame("c", first + i, (first + i) / 25, 0.0, *SIZE, Decoded(next(decoded))) for i in range(TURN)]
            for frame in turn:
                frame.luma()
            for name, contender in contenders.items():
                for frame in turn:
                    began = time.perf_counter()
                    contender(frame)
                    times[name].append(time.perf_counter() - began)
    for name, values in times.items():
        print(f"{name:28} {1e3 * statistics.median(values[5:]):7.3f} ms")


if __name__ == "__main__":
    main()
