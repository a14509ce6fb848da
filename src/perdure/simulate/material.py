"""Rendered people as material for training: crops with identities, and pictures with boxes.

No day is played: people at random stand, walk, reach and hold things at random places of a plan, a few at a time, and
every camera takes one picture of them. Who appears, where and how follows from the seed.

    DIR/crops/pppp_cCsS_FFFFFF_NN.jpg   one person each, named as in Market-1501 (person, camera, scene)
    DIR/pictures/CAMERA-FFFFFF.jpg      whole pictures
    DIR/labels.json                     their boxes (COCO); who can hardly be seen has iscrowd 1
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from perdure.errors import StoreError
from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.gait import Stance
from perdure.simulate.looks import random_look
from perdure.simulate.paths import Floor
from perdure.simulate.plan import CameraPlan, Plan
from perdure.simulate.render import PASSES, Actor, Renderer, Shot
from perdure.simulate.study import standing_places
from perdure.types import Float64s, Image

MOST_TOGETHER = 6
"""People in one scene at most."""
_APART_M = 0.45
_CROP_VISIBILITY, _CROP_HEIGHT_PX, _LABEL_VISIBILITY = 0.7, 64.0, 0.4
"""A crop shows this share of a body at least; a box of less than the last says "perhaps somebody"."""
_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Material:
    """What was written."""

    people: int
    crops: int
    pictures: int


def render_material(
    plan: Plan, out: Path, people: int, scenes_each: int, seed: int = 0, told: Callable[[int, int], None] | None = None
) -> Material:
    """Everybody in so many scenes, before all cameras of the plan; the same bytes for the same plan and seed.

    ``told`` hears how many of how many scenes are done.

    Raises:
        StoreError: nothing can be written there.
    """
    scene, places = scene_of(plan), standing_places(plan, Floor(plan))[0]
    cameras = [Renderer(scene, lens_of(camera), sensor_of(camera)) for camera in plan.cameras]
    actors = {}
    rng = np.random.default_rng([plan.seed, seed, 5])
    for person in range(1, people + 1):
        actors[person] = Actor.of(person, random_look(rng))
    writer = _Writer(out)
    scenes = list(_scenes(people, scenes_each, rng))
    with ThreadPoolExecutor(len(cameras)) as pool:
        for number, together in enumerate(scenes):
            stances = [random_stance(x, y, rng) for x, y in _spread(places, len(together), rng)]
            cast = [actors[person] for person in together]
            shots = pool.map(lambda camera, c=cast, s=stances, n=number: camera.shoot(c, s, n), cameras)
            for index, (camera, shot) in enumerate(zip(plan.cameras, shots, strict=True)):
                writer.add(number, index, camera, shot)
            if told is not None:
                told(number + 1, len(scenes))
    return writer.finish(people)


def _scenes(people: int, scenes_each: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Who stands together: everybody in ``scenes_each`` scenes, in other company each time."""
    for _ in range(scenes_each):
        order = (1 + rng.permutation(people)).tolist()
        while order:
            count = int(rng.integers(1, MOST_TOGETHER + 1))
            yield order[:count]
            order = order[count:]


def _spread(places: Float64s, count: int, rng: np.random.Generator) -> Float64s:
    """(count, 2) places, apart where there is room; half near the first: people cover each other."""
    chosen = places[rng.integers(len(places), size=1)]
    while len(chosen) < count:
        nearest = np.hypot(*(places[:, None] - chosen).transpose(2, 0, 1)).min(axis=1)
        free = places[nearest > _APART_M]
        free = free if len(free) else places
        near = free[np.hypot(*(free - chosen[0]).T) < 2.5]
        pool = near if len(near) and rng.random() < 0.5 else free
        chosen = np.vstack([chosen, pool[rng.integers(len(pool))]])
    return chosen


def random_stance(x: float, y: float, rng: np.random.Generator) -> Stance:
    """Somebody at (x, y) metres standing or walking, reaching or holding something, over one exposure."""
    one, moments = np.ones(PASSES), np.linspace(-0.5, 0.5, PASSES) * 0.02
    walking, heading = float(rng.random() < 0.6), float(rng.uniform(-np.pi, np.pi))
    speed = walking * rng.uniform(0.7, 1.5)
    reach, hold = (float(rng.random() < share * (1 - walking)) for share in (0.25, 0.3))
    return Stance(
        x=x + speed * np.cos(heading) * moments,
        y=y + speed * np.sin(heading) * moments,
        heading=heading * one,
        phase=rng.uniform() + speed * moments,
        gait=walking * rng.uniform(0.7, 1.1) * one,
        reach=reach * one,
        hold=hold * (1 - reach) * one,
        look=rng.uniform(-0.6, 0.6) * one,
        at=rng.uniform(0, 60) * one,
    )


class _Writer:
    """The files of one set."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._images: list[dict[str, object]] = []
        self._boxes: list[dict[str, object]] = []
        self._crops = 0
        for name in ("crops", "pictures"):
            try:
                (out / name).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(f"cannot write to {out}: {error.strerror}") from error

    def add(self, scene: int, camera: int, plan: CameraPlan, shot: Shot) -> None:
        """One picture, its boxes, and the crops of those who can be seen well; nothing where nobody is."""
        if not len(shot.ids):
            return
        name = f"{plan.name}-{scene:06d}.jpg"
        self._write(self._out / "pictures" / name, shot.image)
        number = len(self._images) + 1
        size = {"width": plan.width, "height": plan.height}
        self._images.append({"id": number, "file_name": f"pictures/{name}", "subset": "rendered", **size})
        for person, box, visible in zip(shot.ids, shot.boxes, shot.visibility, strict=True):
            x0, y0, x1, y1 = (round(float(side), 1) for side in box)
            doubtful = int(visible < _LABEL_VISIBILITY or y1 - y0 < 16)
            label = {"id": len(self._boxes) + 1, "image_id": number, "category_id": 1, "iscrowd": doubtful}
            area = round((x1 - x0) * (y1 - y0), 1)
            self._boxes.append({**label, "bbox": [x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)], "area": area})
            if visible >= _CROP_VISIBILITY and y1 - y0 >= _CROP_HEIGHT_PX:
                crop = shot.image[round(y0) : round(y1), round(x0) : round(x1)]
                self._write(self._out / "crops" / f"{person:04d}_c{camera + 1}s1_{scene:06d}_01.jpg", crop)
                self._crops += 1

    def _write(self, path: Path, picture: Image) -> None:
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        try:
            path.write_bytes(encoded.tobytes())
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error

    def finish(self, people: int) -> Material:
        """Write the boxes."""
        labels = {
            "images": self._images,
            "annotations": self._boxes,
            "categories": [{"id": 1, "name": "person"}],
        }
        (self._out / "labels.json").write_text(json.dumps(labels) + "\n", encoding="utf-8")
        return Material(people, self._crops, len(self._images))
