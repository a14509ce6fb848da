"""What watching a planned building costs: its pictures through the networks of this machine, in cores.

Assumed: every picture of every camera is searched for people (no motion gate), and everybody found is embedded in every
picture; tracking, gallery and writing (a few ms a picture) are not counted. The first two are more than ``perdure run``
does, the third is less.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.open import open_detector
from perdure.embed.crop import borders, cut, usable
from perdure.embed.embedder import Embedder
from perdure.embed.open import open_embedder
from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.film import Cast, shoot
from perdure.simulate.people import Day, Walk
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.render import Renderer
from perdure.simulate.scene import Scene
from perdure.types import Image
from perdure.video.write import VideoWriter

T = TypeVar("T")
MOMENTS, BURST = 4, 3
"""Pictures of a camera that are measured: so many moments spread over the day, so many pictures in a row at each."""
USED = 0.8
"""Share of a machine that may be busy on average; the rest is for crowds."""


@dataclass(frozen=True, slots=True)
class CameraLoad:
    """One camera; times are of one core, per picture."""

    name: str
    rate_fps: float
    people: float
    """Found per picture, on average."""
    decode_ms: float
    detect_ms: float
    embed_ms: float

    @property
    def cores(self) -> float:
        """How much of a core this camera keeps busy."""
        return self.rate_fps * (self.decode_ms + self.detect_ms + self.embed_ms) / 1000


@dataclass(frozen=True, slots=True)
class Workload:
    """All cameras of a plan on this machine."""

    detector: str
    embedder: str
    cameras: tuple[CameraLoad, ...]
    cores: int
    """That this process may use."""

    @property
    def needed_cores(self) -> float:
        """That the plan keeps busy."""
        return sum(camera.cores for camera in self.cameras)

    @property
    def cameras_per_machine(self) -> int:
        """Cameras like those of the plan that this machine can take."""
        return int(self.cores * USED / (self.needed_cores / len(self.cameras)))

    def __str__(self) -> str:
        count = len(self.cameras)
        subject = "1 camera keeps" if count == 1 else f"{count} cameras keep"
        machine = f"a machine of {self.cores} cores like this one takes about {self.cameras_per_machine} such cameras"
        return f"{subject} {self.needed_cores:.2f} cores busy; {machine}"


def workload(plan: Plan, detector: str = "auto", embedder: str = "auto") -> Workload:
    """Measure a plan on this machine, with one thread per network; CPU time, so other programs count little.

    Raises:
        ModelError: a network is unknown, missing or damaged.
    """
    nets = open_detector(detector, DetectionConfig(), "cpu", 1), open_embedder(embedder, "cpu", 1)
    walks, scene, cast = Day(plan).walks(), scene_of(plan), Cast()
    loads = tuple(_measured(plan, camera, scene, walks, cast, nets) for camera in plan.cameras)
    return Workload(nets[0].name, nets[1].name, loads, len(os.sched_getaffinity(0)))


def _measured(
    plan: Plan, camera: CameraPlan, scene: Scene, walks: list[Walk], cast: Cast, nets: tuple[Detector, Embedder]
) -> CameraLoad:
    renderer = Renderer(scene, lens_of(camera), sensor_of(camera), samples=1)
    moments = np.linspace(0.15, 0.85, MOMENTS) * plan.minutes * 60
    times = (moments[:, None] + np.arange(BURST) / camera.rate_fps).ravel()
    pictures, decode_ms = _decoded([shoot(renderer, cast, walks, float(at), 0).image for at in times], camera)
    detector, embedder = nets
    detector.detect(pictures[:1])
    embedder.embed([np.zeros((128, 64, 3), np.uint8)])
    detect_ms, embed_ms, people = [], [], []
    for picture in pictures:
        (found,), spent = _timed(lambda picture=picture: detector.detect([picture]))  # type: ignore[misc]
        crops = [crop for crop in cut(picture, found.boxes, borders(found.flags, embedder.border)) if usable(crop)]
        detect_ms.append(spent)
        people.append(len(crops))
        embed_ms.append(_timed(lambda crops=crops: embedder.embed(crops))[1] if crops else 0.0)  # type: ignore[misc]
    means = float(np.mean(people)), float(np.median(detect_ms)), float(np.mean(embed_ms))
    return CameraLoad(camera.name, camera.rate_fps, means[0], decode_ms, *means[1:])


def _decoded(pictures: list[Image], camera: CameraPlan) -> tuple[list[Image], float]:
    """The pictures as a receiver of the camera's H.264 sees them, and what decoding one costs, ms."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "camera.mp4"
        with VideoWriter(path, camera.rate_fps, (camera.width, camera.height), key_every_s=2.0) as writer:
            for picture in pictures:
                writer.write(picture)
        began = time.process_time()
        with av.open(str(path)) as container:
            container.streams.video[0].codec_context.thread_count = 1
            seen = [np.asarray(frame.to_ndarray(format="bgr24"), np.uint8) for frame in container.decode(video=0)]
        return seen, 1000 * (time.process_time() - began) / len(pictures)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and its CPU time in ms."""
    began = time.process_time()
    done = work()
    return done, 1000 * (time.process_time() - began)
