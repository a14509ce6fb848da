"""Trackers behind a camera that moves: what compensation by pixels is worth, on PETS 2009 S2.L1 view 1.

    python bench/moving_camera.py [--tracker NAME] [--embedder NAME] [--cache FOLDER]

There is no moving camera with pixels in ``PERDURE_SHARED``, so the film is seen through a virtual one: 480x360 px that
show about half of the picture and pan, roll, zoom or shake. Its pictures are really made and really followed
(``video.camera_motion``); boxes and embeddings are those of the still film (YOLOX-Nano, as in ``tracking_looks.py``),
moved along, as are the true boxes. What is less than half in view is left out of both. ``still`` is the same view at
rest. Off: error of the motion found, mean over the corners of the view; ms: what finding it took, of a processor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from perdure.config import TrackingConfig
from perdure.detect.flags import flags
from perdure.evaluate.motfiles import read_truth
from perdure.evaluate.tracking import score
from perdure.evaluate.tracks import Tracks, Truth
from perdure.geometry import area, clip, project
from perdure.track.build import build
from perdure.types import Crops, Detections, Frame
from perdure.video.camera_motion import CameraMotion
from perdure.video.pixels import Loaded
from tracking_looks import NAMES, PETS, RATE_FPS, SCALE, SIZE, Scene, looked_at

CORNERS = np.array([[0.0, 0.0], [480.0, 0.0], [0.0, 360.0], [480.0, 360.0]])
ZOOM = 1.4


def view(shift: tuple[float, float] = (0.0, 0.0), roll_deg: float = 0.0, zoom: float = ZOOM) -> np.ndarray:
    """(3, 3) px of the film -> px of the view, which looks at the film's middle moved by ``shift``."""
    matrix = cv2.getRotationMatrix2D((SIZE[0] / 2 + shift[0], SIZE[1] / 2 + shift[1]), roll_deg, zoom)
    matrix[:, 2] -= shift
    return np.vstack([matrix, [0.0, 0.0, 1.0]])


def wave(seconds: float, period_s: float) -> float:
    return float(np.sin(2 * np.pi * seconds / period_s))


def shaken(frames: int) -> list[np.ndarray]:
    """A hand: it wanders by some 12 px and 1 degree from frame to frame."""
    rng, hand, path = np.random.default_rng(0), np.zeros(3), []
    for _ in range(frames):
        hand = 0.8 * hand + rng.normal(0, [8.0, 8.0, 0.8])
        path.append(view((hand[0], hand[1]), hand[2]))
    return path


def paths(frames: int) -> dict[str, list[np.ndarray]]:
    """Where the camera looks in each frame."""
    times = np.arange(frames) / RATE_FPS
    return {
        "still": [view() for _ in times],
        "pan": [view((60 * wave(t, 8.0), 15 * wave(t, 5.0))) for t in times],
        "roll": [view(roll_deg=12 * wave(t, 6.0)) for t in times],
        "zoom": [view(zoom=1.5 + 0.4 * wave(t, 6.0)) for t in times],
        "all three": [view((40 * wave(t, 8.0), 10.0), 8 * wave(t, 6.0), 1.5 + 0.25 * wave(t, 7.0)) for t in times],
        "shake": shaken(frames),
    }


def moved(boxes: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Boxes as a detector would see them: upright, around the ellipse that fills the box, turned and zoomed."""
    half, centre = (boxes[:, 2:] - boxes[:, :2]) / 2, project((boxes[:, :2] + boxes[:, 2:]) / 2, camera)
    turned = np.sqrt((half[:, None, :] ** 2 * camera[None, :2, :2] ** 2).sum(axis=2))
    return np.concatenate([centre - turned, centre + turned], axis=1)


def in_view(boxes: np.ndarray) -> np.ndarray:
    return area(clip(boxes, *SIZE)) > 0.5 * area(boxes)


def seen(scene: Scene, camera: np.ndarray) -> Scene:
    """What the networks would say of the view."""
    boxes = moved(scene.found.boxes.astype(np.float64), camera)
    kept = in_view(boxes)
    shown, scores = clip(boxes[kept], *SIZE).astype(np.float32), scene.found.scores[kept]
    return Scene(Detections.of(shown, scores, flags(shown, scores, *SIZE)), scene.vectors[kept])


def true_boxes(truth: Truth, path: list[np.ndarray]) -> Truth:
    """The truth as the view shows it."""
    tracks, boxes, kept = truth.tracks, [], []
    for frame, camera in enumerate(path, 1):
        here = np.flatnonzero(tracks.frames == frame)
        there = moved(SCALE * tracks.boxes[here], camera)
        kept.append(here[in_view(there)])
        boxes.append(clip(there[in_view(there)], *SIZE))
    rows = np.concatenate(kept)
    shown = Tracks.of(tracks.frames[rows], tracks.ids[rows], np.concatenate(boxes))
    return Truth.of(shown)  # in the truth of PETS every box counts


Found = tuple[list[np.ndarray | None], float, float]


def warps(film: list[np.ndarray], scenes: list[Scene], path: list[np.ndarray]) -> Found:
    """The motion found in the pictures of the view, how far it is off, px, and ms a picture."""
    motion, found, off, spent, people = CameraMotion(), [], [], [], np.zeros((0, 4), np.float32)
    half = np.array([[1.0, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # OpenCV counts from centres of pixels
    for index, (picture, camera) in enumerate(zip(film, path, strict=True)):
        pixels = cv2.warpAffine(picture, (half @ camera @ np.linalg.inv(half))[:2], SIZE)
        frame = Frame("v", index, index / RATE_FPS, 0.0, *SIZE, Loaded(pixels))
        began = time.thread_time()
        warp = motion.warp(frame, people)
        spent.append(1e3 * (time.thread_time() - began))
        found.append(warp)
        if warp is not None:
            true = camera @ np.linalg.inv(path[index - 1])
            off.append(np.linalg.norm(project(CORNERS, warp) - project(CORNERS, true), axis=1).mean())
        people = scenes[index].found.boxes[scenes[index].found.scores >= 0.5]
    return found, float(np.mean(off)), float(np.median(spent))


def followed(name: str, scenes: list[Scene], told: list[np.ndarray | None]) -> Tracks:
    tracker = build("bench", TrackingConfig.model_validate({"tracker": name, "cut_after_s": 3600}))
    frames, ids, boxes = [], [], []
    for index, scene in enumerate(scenes):
        rows = tracker.propose(index, index / RATE_FPS, SIZE, scene.found, told[index])
        quality = scene.found.scores[rows]
        tracker.commit([Crops(rows, "bench", scene.vectors[rows], quality, ("",) * len(rows))] if len(rows) else [])
        tracker.tell()
        shown, numbers = tracker.observed()
        frames.append(np.full(len(shown), index + 1))
        ids.append(numbers)
        boxes.append(scene.found.boxes[shown])
    return Tracks.of(np.concatenate(frames), np.concatenate(ids), np.concatenate(boxes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracker", choices=NAMES, default="default")
    parser.add_argument("--embedder", default="osnet-x0.25-msmt17")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "perdure-bench")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    scenes, truth = looked_at(given.embedder, given.cache), read_truth(PETS / "gt_768x576.txt", "mot15")
    video, film = cv2.VideoCapture(str(PETS / "view1.mp4")), []
    while (read := video.read())[0]:
        film.append(read[1])
    print(f"{'IDF1 / HOTA / IDSW':20} {'off, px':>8} {'ms':>6} {'not compensated':>22} {'by pixels':>22}")
    for motion, path in paths(len(film)).items():
        there, shown = true_boxes(truth, path), [seen(s, camera) for s, camera in zip(scenes, path, strict=True)]
        found, off, spent = warps(film, shown, path)
        cells = []
        for told in ([None] * len(path), found):
            f = score(there, followed(given.tracker, shown, told)).figures()
            cells.append(f"{100 * f['IDF1']:.1f} / {100 * f['HOTA']:.1f} / {f['IDSW']:.0f}")
        print(f"{motion:20} {off:8.2f} {spent:6.1f} " + " ".join(f"{cell:>22}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
