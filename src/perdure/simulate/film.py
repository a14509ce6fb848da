"""Films one day of a building with all its cameras, and writes what is true beside the videos (see ``truth``)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.simulate import truth as truths
from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.gait import Stance
from perdure.simulate.people import Day, Walk, present
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.render import PASSES, Actor, Renderer, Shot
from perdure.simulate.scene import Scene
from perdure.types import Float64s
from perdure.video.write import VideoWriter

_KEY_EVERY_S = 2.0
"""As most network cameras do."""
Progress = Callable[[str, int, int], None]
"""Camera, frames done, frames in all. Called from the camera's own thread."""


@dataclass(frozen=True)
class Footage:
    """What was written."""

    videos: dict[str, Path]
    """Per camera, in the plan's order."""
    truth: Path
    """Folder of the truth files."""
    config: Path
    """A ``perdure.yaml`` for exactly these videos."""
    visits: tuple[truths.TrueVisit, ...]
    """Who came, and who of them a camera saw."""


class Cast:
    """The meshes of everybody in a day, built once and shared by the cameras."""

    def __init__(self) -> None:
        self._actors: dict[tuple[int, int], Actor] = {}
        self._lock = threading.Lock()

    def actor(self, walk: Walk) -> Actor:
        """The actor of a visit: one per person and outfit."""
        key = walk.guest.id, walk.guest.outfit
        with self._lock:
            if key not in self._actors:
                self._actors[key] = Actor.of(walk.guest.id, walk.guest.look)
            return self._actors[key]


def frame_times(plan: Plan, camera: CameraPlan, seed: int = 0) -> Float64s:
    """(F,) true seconds of the day of every frame that is not dropped; exact multiples of the frame period."""
    count = int(np.floor((plan.minutes * 60 - camera.starts_s) * camera.rate_fps + 1e-9))
    kept = np.ones(max(count, 0), np.bool_)
    if camera.dropped > 0 and count > 0:
        index = [c.name for c in plan.cameras].index(camera.name)
        kept = np.random.default_rng([plan.seed, seed, 77, index]).random(count) >= camera.dropped
        kept[0] = True
    return camera.starts_s + np.flatnonzero(kept) / camera.rate_fps


def shoot(renderer: Renderer, cast: Cast, walks: list[Walk], at: float, seed: int) -> Shot:
    """What a camera sees of a day at one moment."""
    moments = at + np.linspace(-0.5, 0.5, PASSES) * renderer.sensor.exposure_s
    here = list(present(walks, at))
    actors = [cast.actor(walk) for walk in here]
    stances: list[Stance] = [walk.stance(moments) for walk in here]
    return renderer.shoot(actors, stances, seed)


def film(
    plan: Plan, out: Path, *, day: int = 1, seed: int = 0, progress: Progress | None = None, threads: int | None = None
) -> Footage:
    """Write ``out/<camera>.mp4``, ``out/truth/`` and ``out/perdure.yaml`` for one day.

    The truth depends on the plan, the day and the seed alone: the same bytes every time.

    Raises:
        StoreError: a video cannot be written there.
    """
    out.mkdir(parents=True, exist_ok=True)
    walks, scene, cast = Day(plan, day, seed).walks(), scene_of(plan), Cast()
    stop = threading.Event()

    def work(camera: CameraPlan) -> truths.Recording:
        return _record(plan, camera, scene, cast, walks, out / f"{camera.name}.mp4", seed, progress, stop)

    with ThreadPoolExecutor(threads or len(plan.cameras)) as pool:
        try:
            recorded = list(pool.map(work, plan.cameras))
        except BaseException:
            stop.set()  # one camera failed, or Ctrl-C: the others need not finish
            raise
    recordings = {recording.camera.name: recording for recording in recorded}
    visits = truths.visits(walks, recordings)
    truths.write(out, plan, walks, recordings, visits)
    videos = {camera.name: out / f"{camera.name}.mp4" for camera in plan.cameras}
    return Footage(videos, out / "truth", out / "perdure.yaml", visits)


def _record(
    plan: Plan,
    camera: CameraPlan,
    scene: Scene,
    cast: Cast,
    walks: list[Walk],
    path: Path,
    seed: int,
    progress: Progress | None,
    stop: threading.Event,
) -> truths.Recording:
    renderer = Renderer(scene, lens_of(camera), sensor_of(camera))
    times = frame_times(plan, camera, seed)
    index = [c.name for c in plan.cameras].index(camera.name)
    rows: list[truths.Row] = []
    size = camera.width, camera.height
    with VideoWriter(path, camera.rate_fps, size, key_every_s=_KEY_EVERY_S) as writer:
        for number, at in enumerate(times):
            if stop.is_set():
                break
            shot = shoot(renderer, cast, walks, float(at), int(number * 131 + index * 7 + seed))
            writer.write(shot.image, float(at))
            rows += truths.rows(number + 1, shot)
            if progress is not None:
                progress(camera.name, number + 1, len(times))
    return truths.Recording(camera, times, tuple(rows))
