from __future__ import annotations

import base64

import cv2
import numpy as np

from perdure.report.pictures import Album, best, by_camera
from perdure.types import Exemplars, Identity, Sighting
from tests.report.results import picture, tracklet


def exemplars(vectors, quality, names, model="m"):
    unit = np.array(vectors, np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return Exemplars(model, unit, np.array(quality, np.float32), np.arange(len(names), dtype=np.float64), tuple(names))


def test_the_best_first_then_a_different_one():
    body = exemplars([[1, 0], [1, 0.01], [0.6, 0.8], [0, 1]], [0.9, 0.8, 0.7, 0.3], ["front", "front2", "side", "back"])
    assert best([body], 1) == ["front"]
    assert best([body], 3) == ["front", "back", "side"]
    assert best([body], 9) == ["front", "back", "side", "front2"]


def test_pictures_that_were_not_kept_are_never_chosen():
    assert best([exemplars([[1, 0], [0, 1]], [0.9, 0.1], ["", "kept"])], 4) == ["kept"]
    assert best([exemplars([[1, 0]], [0.9], [""])], 4) == []
    assert best([], 4) == []


def test_models_are_not_mixed():
    few = exemplars([[1, 0, 0]], [1.0], ["few"], "wide")
    many = exemplars([[1, 0], [0, 1]], [0.2, 0.1], ["many1", "many2"], "narrow")
    assert best([few, many], 4) == ["many1", "many2"]


def test_every_camera_has_its_share():
    sightings, tracklets = [], {}
    for camera in ("a", "b", "c"):
        id = f"{camera}/1"
        tracklets[id] = tracklet(id, camera, 0, 1, tuple(f"{camera}{i}" for i in range(6)))
        sightings.append(Sighting(id, camera, 0, 1))
    chosen = by_camera(Identity("P1", tuple(sightings)), tracklets, 8)
    assert [(camera, len(pictures)) for camera, pictures in chosen] == [("a", 2), ("b", 2), ("c", 2)]
    assert all(name.startswith(camera) for camera, pictures in chosen for name in pictures)
    assert [len(p) for _, p in by_camera(Identity("P1", tuple(sightings)), tracklets, 2)] == [1, 1]


def test_pictures_are_shrunk_and_whole(tmp_path):
    picture(tmp_path, "crops/a/1.jpg", (80, 320))
    small = Album(tmp_path).get("crops/a/1.jpg", 160)
    assert small is not None
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(small.uri.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (160, 40, 3)
    assert (small.width, small.height) == (40, 160)
    kept = Album(tmp_path).get("crops/a/1.jpg", 400)
    assert kept is not None
    assert kept.height == 320


def test_what_is_not_a_picture_is_none(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 nothing more")
    album = Album(tmp_path)
    assert [album.get(name, 160) for name in ("broken.jpg", "absent.jpg", "", ".")] == [None] * 4
