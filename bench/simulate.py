"""Frames of 640x360 per second of one core, by people in the picture: drawing alone, and drawing with H.264.

python bench/simulate.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.gait import Stance
from perdure.simulate.looks import random_look
from perdure.simulate.reading import load
from perdure.simulate.render import PASSES, Actor, Renderer
from perdure.video.write import VideoWriter

FRAMES = 30


def main() -> None:
    """Print the table. Times are CPU seconds of the whole process: other load on the machine does not count."""
    cv2.setNumThreads(1)
    plan = load("demo")
    scene, rng = scene_of(plan), np.random.default_rng(0)
    lens, sensor = lens_of(plan.cameras[0]), sensor_of(plan.cameras[0])
    Renderer(scene, lens, sensor)
    began = time.process_time()
    renderer = Renderer(scene, lens, sensor)
    print(f"empty building, once per camera: {time.process_time() - began:.2f} s")
    print(f"{'people':>6} {'draw, ms':>9} {'frames/s':>9} {'with H.264':>11}")
    for count in (0, 1, 2, 4, 8):
        actors = [Actor.of(i, random_look(rng)) for i in range(count)]
        places = [(2.0 + 0.55 * i, 2.0 + 0.8 * (i % 3)) for i in range(count)]
        costs, total = [], 0.0
        with tempfile.TemporaryDirectory() as folder, VideoWriter(Path(folder) / "a.mp4", 10, (640, 360)) as writer:
            for frame in range(FRAMES + 2):
                began = time.process_time()
                stances = [_stance(x + 0.05 * frame, y, frame) for x, y in places]
                image = renderer.shoot(actors, stances, frame).image
                drawn = time.process_time()
                writer.write(image)
                if frame >= 2:
                    costs.append(drawn - began)
                    total += time.process_time() - began
        draw = statistics.median(costs)
        print(f"{count:>6} {1000 * draw:>9.1f} {1 / draw:>9.0f} {FRAMES / total:>11.0f}")


def _stance(x: float, y: float, frame: int) -> Stance:
    one = np.ones(PASSES)
    zero = 0 * one
    return Stance(x * one, y * one, zero, 0.1 * frame * one, one, zero, zero, zero, zero)


if __name__ == "__main__":
    main()
