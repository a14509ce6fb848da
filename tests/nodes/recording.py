"""The folder of a run that never was: made-up people with plain pictures, who are told to a real gallery."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from perdure import assemble
from perdure.config import GalleryConfig
from perdure.store.run_store import RunStore
from perdure.types import Detections, Seen, Tracklet
from tests.gallery.people import faces, tracklet

MODEL = "perdure-s@10"
COLOURS = [(60, 60, 200), (60, 160, 60), (200, 100, 40), (180, 60, 180), (40, 180, 200), (120, 120, 120)]


def write_run(
    folder: Path, people=(0, 0, 1, 1, 2, 2), mixed=(), cameras=("door", "hall"), state="finished", draw=None
) -> Path:
    """A run in which these people came one after the other; ``mixed``: (place, who else its look is like, how much)."""
    gallery = assemble.gallery(GalleryConfig(), MODEL, 32, assemble.calibration_of(MODEL))
    looks, told = faces(6), []
    for i, person in enumerate(people):
        look = looks[person] + sum((share * looks[other] for place, other, share in mixed if place == i), np.zeros(32))
        camera = cameras[i % len(cameras)]
        one = tracklet(f"{camera}/{i + 1}", look / np.linalg.norm(look), 10.0 * i, 10.0 * i + 4, (5, 5, 45, 105))
        told.append(_pictured(folder, one, person, draw))
        gallery.observe([told[-1]])
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"config": {"cameras": {name: {"source": f"{name}.mp4"} for name in cameras}}}
    with RunStore(folder / "perdure.db") as store:
        store.put("plan", json.dumps(plan))
        for batch, camera in enumerate(cameras):
            last = max((int(t.path[-1, 1]) for t in told if t.camera == camera), default=1)
            nobody = Detections.none()
            store.append(batch, [Seen(camera, index, index / 10, 160, 120, nobody) for index in (0, last)])
        store.write_result(told, gallery.partition.identity_of, gallery.log, [])
        store.put("state", state)
    return folder


def _pictured(folder: Path, one: Tracklet, person: int, draw) -> Tracklet:
    body = replace(one.exemplars[0], model=MODEL)
    names = []
    for place, at in enumerate(body.at):
        name = f"crops/{one.camera}/{round(10 * at):07d}-{place}.jpg"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = np.full((128, 56, 3), COLOURS[person], np.uint8) if draw is None else draw(person, place, one.camera)
        assert cv2.imwrite(str(path), picture)
        names.append(name)
    return replace(one, exemplars=(replace(body, pictures=tuple(names)),))


def figure(person: int, place: int, camera: str) -> np.ndarray:
    """A plain figure in a shirt of the person's colour, differently lit by each camera; no real picture."""
    picture = np.full((256, 112, 3), 150 + 30 * (hash_of(camera) % 3), np.uint8)
    lean = 4 * (place - 1)
    cv2.rectangle(picture, (40 + lean, 140), (54, 244), (70, 50, 40), -1)
    cv2.rectangle(picture, (58, 140), (72 - lean, 244), (70, 50, 40), -1)
    cv2.rectangle(picture, (32, 62), (80, 146), COLOURS[person], -1)
    cv2.circle(picture, (56 + lean, 40), 19, (150, 180, 215), -1)
    return picture


def hash_of(camera: str) -> int:
    """The same in every process."""
    return sum(camera.encode())
