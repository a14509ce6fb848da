"""What a camera's pictures cost before any network sees them: ours against OpenCV's capture, in one run.

    PERDURE_SHARED=../shared python bench/decode.py [--rounds 5] [--bound | --live]

The job: brightness of every frame, colour of every fifth. Then the job the motion gate sets (every 6th pixel's
brightness, colour of every fifth), and quiet footage: an empty room of the Intel clip scaled to 1080p with sensor noise
added, 25 frames per second, a key frame every 2 s, where only key frames are decoded after 5 s. CPU is of the whole
process, all threads; wall time depends on what else the machine does. Medians over rounds; the contenders take turns.

`--bound` asks instead how far any reader could get who decodes every frame and converts every fifth: FFmpeg's decoding
alone, ours and OpenCV's, against `read()`. `--live` plays the quiet clip as a camera to the process that reads live
cameras, once decoding everything and once asleep: its processor time per second of the camera, by what it was given.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from perdure.config import CameraConfig
from perdure.video.doze import QUIET_AFTER_S
from perdure.video.files import open_video
from perdure.video.live import LiveCameras
from perdure.video.motion import watch
from perdure.video.prefetch import prefetch
from perdure.video.watched import Watched

CLIPS = ("pets09-s2l1/view1.mp4", "epfl-laboratory/Single1.mp4", "intel/people-detection.264")
EVERY = 5
RATE_FPS = 25
"""Of the quiet clip."""


def ours(path: Path, *, luma: bool = True, colour: bool = True, ahead: bool = False) -> int:
    frames = open_video("c", path).frames()
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


def decoding_only(path: Path) -> int:
    """FFmpeg's own work, with nothing around it but PyAV."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "NONE"
        return sum(1 for _ in container.decode(video=0))


def opencv_grab_only(path: Path, threads: int = 1) -> int:
    """The same by OpenCV: no picture is ever made."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    count = 0
    while capture.grab():
        count += 1
    return count


def ours_watched(path: Path) -> int:
    """Every frame watched for motion as the gate does, colour of every fifth."""
    count = 0
    background = None
    for frame in open_video("c", path).frames():
        background, _ = watch(background, frame)
        if frame.index % EVERY == 0:
            frame.image()
        count += 1
    return count


def ours_dozing(path: Path) -> int:
    """Watched, and asleep where nothing moves; colour of every fifth frame given."""
    count = -1
    for count, frame in enumerate(Watched(open_video("c", path)).frames()):
        if count % EVERY == 0:
            frame.image()
    return frame.index + 1


def quiet_clip(folder: Path, path: Path, seconds: int = 240) -> Path:
    """An empty 1080p room with noise, made from the first frame of a smaller clip: 4 s, over and over."""
    random = np.random.default_rng(0)
    noise = random.normal(0, 2.0, (8, 1080, 1920, 1))
    with av.open(str(folder / "intel/one-by-one-person-detection.mp4")) as small:
        empty = next(small.decode(video=0)).reformat(1920, 1080).to_ndarray(format="bgr24")
    pictures = [np.clip(empty + grain, 0, 255).astype(np.uint8) for grain in noise]
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.options = {"g": "50", "preset": "veryfast", "sc_threshold": "0", "crf": "26"}
        for _ in range(100):
            picture = pictures[int(random.integers(len(pictures)))]
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        container.mux(stream.encode(None))
    with av.open(str(path), "w") as container:
        stream = None
        for turn in range(seconds // 4):
            with av.open(str(part)) as source:
                stream = stream or container.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.dts is not None and packet.pts is not None:
                        shift = round(4 * turn / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        container.mux(packet)
    return path


CONTENDERS: dict[str, Callable[[Path], int]] = {
    "ours: luma": lambda path: ours(path, colour=False),
    "ours: luma + every 5th BGR": ours,
    "ours: motion + every 5th BGR": ours_watched,
    "ours: the same, decoded ahead": lambda path: ours(path, ahead=True),
    "OpenCV: read() + grey": opencv_read,
    "OpenCV: read() + grey, 1 thread": lambda path: opencv_read(path, 1),
    "OpenCV: read() only": opencv_read_only,
    "ours: every 5th BGR only": lambda path: ours(path, luma=False),
    "OpenCV: every 5th BGR only": opencv_grab,
}


BOUND: dict[str, Callable[[Path], int]] = {
    "PyAV: decoding only": decoding_only,
    "OpenCV: grab() only, 1 thread": opencv_grab_only,
    "ours: every 5th BGR only": CONTENDERS["ours: every 5th BGR only"],
    "ours: motion + every 5th BGR": ours_watched,
    "OpenCV: read() only": opencv_read_only,
}


def measured(read: Callable[[Path], int], path: Path) -> tuple[float, float]:
    """CPU and wall time, ms per frame."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = read(path)
    return 1e3 * (time.process_time() - cpu) / count, 1e3 * (time.perf_counter() - wall) / count


def live(path: Path, seconds: float, quiet_after_s: float | None) -> tuple[float, int]:
    """Processor seconds of the reader's process per second of the camera, and frames handed over.

    The first ten seconds, in which it may not sleep yet, are not counted.
    """
    with LiveCameras({}, silent_after_s=60.0, frozen_after_s=600.0, quiet_after_s=quiet_after_s) as cameras:
        cameras.add("quiet", CameraConfig(source=str(path)))
        began, taken = (0.0, 0), 0
        while cameras.health()["quiet"].frames < began[1] + RATE_FPS * seconds or not began[1]:
            taken += len(cameras.newest(0.05))
            if not began[1] and cameras.health()["quiet"].frames >= 10 * RATE_FPS:
                began, taken = (_cpu_s(cameras), cameras.health()["quiet"].frames), 0
        frames = cameras.health()["quiet"].frames - began[1]
        return (_cpu_s(cameras) - began[0]) * RATE_FPS / frames, taken


def _cpu_s(cameras: LiveCameras) -> float:
    """Processor time so far of the one reader's process."""
    pid = cameras._processes["quiet"].process.pid
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bound", action="store_true", help="how far any reader could get, on the three clips")
    parser.add_argument("--live", action="store_true", help="the quiet clip as a live camera, awake and asleep")
    chosen = parser.parse_args()
    rounds = chosen.rounds
    folder = Path(os.environ.get("PERDURE_SHARED", "../shared")) / "data/video"
    if chosen.live:
        with tempfile.TemporaryDirectory() as scratch:
            path = quiet_clip(folder, Path(scratch) / "quiet.mp4", 60)
            for name, quiet_after_s in (("awake", None), ("asleep", QUIET_AFTER_S)):
                cpu_s, taken = live(path, 20.0, quiet_after_s)
                print(
                    f"live, {name}: {1e3 * cpu_s:.1f} ms of CPU a second, {taken} frames handed over in 20 s",
                    flush=True,
                )
        return
    print(f"{'clip':28} {'what':32} {'CPU ms':>7} {'wall ms':>8} {'CPU / ours':>10}")
    if chosen.bound:
        for name in CLIPS:
            table(name, folder / name, BOUND, "PyAV: decoding only", rounds)
        return
    for name in CLIPS:
        table(name, folder / name, CONTENDERS, "ours: motion + every 5th BGR", rounds)
    quiet = {"ours: asleep": ours_dozing, "OpenCV: read() only": opencv_read_only}
    quiet |= {"ours: every 5th BGR only": CONTENDERS["ours: every 5th BGR only"]}
    quiet |= {"ours: motion + every 5th BGR": ours_watched, "OpenCV: every 5th BGR only": opencv_grab}
    with tempfile.TemporaryDirectory() as scratch:
        table("quiet 1080p25", quiet_clip(folder, Path(scratch) / "quiet.mp4"), quiet, "ours: asleep", min(rounds, 3))


def table(name: str, path: Path, contenders: dict[str, Callable[[Path], int]], base: str, rounds: int) -> None:
    """One clip's lines."""
    times: dict[str, list[tuple[float, float]]] = {what: [] for what in contenders}
    for _ in range(rounds):
        for what, read in contenders.items():
            times[what].append(measured(read, path))
    medians = {what: [statistics.median(column) for column in zip(*t, strict=True)] for what, t in times.items()}
    for what, (cpu, wall) in medians.items():
        print(f"{name:28} {what:32} {cpu:7.2f} {wall:8.2f} {cpu / medians[base][0]:10.2f}", flush=True)


if __name__ == "__main__":
    main()
