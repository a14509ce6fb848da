"""What a camera's pictures cost before any network sees them: ours against OpenCV's capture, in one run.

    PERDURE_SHARED=../shared python bench/decode.py [--rounds 5]

The job is the one the motion gate sets: brightness of every frame, colour of every fifth. CPU is of the whole process,
all threads; wall time depends on what else the machine does. Medians over rounds; the contenders take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from perdure.video.files import open_video
from perdure.video.prefetch import prefetch

CLIPS = ("pets09-s2l1/view1.mp4", "epfl-laboratory/Single1.mp4", "intel/people-detection.264")
EVERY = 5


def ours(path: Path, *, luma: bool = True, colour: bool = True, ahead: bool = False) -> int:
    frames = iter(open_video("c", path).frames())
    count = 0
    for frame in prefetch(frames) if ahead else frames:
        count += 1
        if luma:
            frame.luma()
        if colour and frame.index % EVERY == 0:
            frame.image()
    return count


def opencv_read(path: Path, threads: int | None = None) -> int:
    """The usual loop: every frame becomes BGR, and brightness is made from that."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads] if threads else [])
    count = 0
    while True:
        alive, picture = capture.read()
        if not alive:
            return count
        cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        count += 1


def opencv_read_only(path: Path) -> int:
    """The loop of somebody who needs no brightness: four pictures of five are thrown away."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def opencv_grab(path: Path) -> int:
    """OpenCV at its best: only the picture that is used is converted. There is no way to the brightness alone."""
    capture = cv2.VideoCapture(str(path))
    count = 0
    while capture.grab():
        if count % EVERY == 0:
            capture.retrieve()
        count += 1
    return count


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "ours: luma": lambda path: ours(path, colour=False),
    "ours: luma + every 5th BGR": ours,
    "ours: the same, decoded ahead": lambda path: ours(path, ahead=True),
    "OpenCV: read() + grey": opencv_read,
    "OpenCV: read() + grey, 1 thread": lambda path: opencv_read(path, 1),
    "OpenCV: read() only": opencv_read_only,
    "ours: every 5th BGR only": lambda path: ours(path, luma=False),
    "OpenCV: every 5th BGR only": opencv_grab,
}


def measured(read: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """CPU and wall time, ms per frame."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = read(path)
    return 1e3 * (time.process_time() - cpu) / count, 1e3 * (time.perf_counter() - wall) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    folder = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/video"
    print(f"{'clip':28} {'what':32} {'CPU ms':>7} {'wall ms':>8} {'CPU / ours':>10}")
    for name in CLIPS:
        times: dict[str, list[tuple[float, float]]] = {what: [] for what in CONTENDERS}
        for _ in range(rounds):
            for what, read in CONTENDERS.items():
                times[what].append(measured(read, folder / name))
        medians = {what: [statistics.median(column) for column in zip(*t, strict=True)] for what, t in times.items()}
        for what, (cpu, wall) in medians.items():
            ratio = cpu / medians["ours: luma + every 5th BGR"][0]
            print(f"{name:28} {what:32} {cpu:7.2f} {wall:8.2f} {ratio:10.2f}")


if __name__ == "__main__":
    main()
