"""Rendered people judged by networks that learned from real ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from perdure.geometry import iou
from perdure.simulate.building import lens_of, scene_of, sensor_of
from perdure.simulate.film import Cast, shoot
from perdure.simulate.gait import Stance
from perdure.simulate.looks import random_look
from perdure.simulate.people import Day
from perdure.simulate.reading import load
from perdure.simulate.render import PASSES, Actor, Renderer

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]


def detected(session: object, image: np.ndarray, least: float) -> np.ndarray:
    """(N, 4) boxes of YOLOX-Nano; decoded here, so that the test depends on nothing but the network."""
    scale = 416 / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale)
    padded = np.full((416, 416, 3), 114, np.uint8)
    padded[: small.shape[0], : small.shape[1]] = small
    (raw,) = session.run(None, {"images": padded.transpose(2, 0, 1)[None].astype(np.float32)})[0]  # type: ignore[attr-defined]
    cells, strides = [], []
    for stride in (8, 16, 32):
        n = 416 // stride
        cells.append(np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1).reshape(-1, 2))
        strides.append(np.full((n * n, 1), stride))
    grid, step = np.concatenate(cells), np.concatenate(strides)
    middle, size = (raw[:, :2] + grid) * step, np.exp(raw[:, 2:4]) * step
    boxes, scores = np.hstack([middle - size / 2, middle + size / 2]) / scale, raw[:, 4] * raw[:, 5]
    return boxes[scores >= least].astype(np.float32)


def test_a_detector_finds_rendered_people(shared: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(shared / "models" / "yolox_nano.onnx"))
    found = total = 0
    for name in ("demo", "office"):
        plan = load(name)
        walks, scene, cast = Day(plan).walks(), scene_of(plan), Cast()
        for camera in plan.cameras:
            renderer = Renderer(scene, lens_of(camera), sensor_of(camera), samples=1)
            for at in np.linspace(8, plan.minutes * 60 - 5, 4):
                shot = shoot(renderer, cast, walks, float(at), int(at))
                tall = shot.boxes[:, 3] - shot.boxes[:, 1]
                truth = shot.boxes[(tall > 64) & (shot.visibility > 0.6)]
                boxes = detected(session, shot.image, 0.3)
                if len(truth):
                    found += int((iou(truth, boxes).max(axis=1, initial=0) >= 0.5).sum())
                    total += len(truth)
    print(f"yolox-nano: {found} of {total} rendered people over 64 px at score 0.3 ({found / total:.2f})")
    assert total >= 20
    assert found / total >= 0.8


def test_an_embedder_knows_rendered_people_again_but_not_always(shared: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(shared / "models" / "osnet_x0_25_msmt17.onnx"))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    plan = load("shop")
    scene, rng = scene_of(plan), np.random.default_rng(11)
    chosen = [c for c in plan.cameras if c.name in ("till", "bakery")]  # one cold, one warm
    cameras = [Renderer(scene, lens_of(c), sensor_of(c), samples=1) for c in chosen]
    middles = (np.array([9.8, 3.2]), np.array([16.6, 6.6]))
    vectors: list[list[np.ndarray]] = [[], []]
    for person in range(100):
        actor = Actor.of(person, random_look(rng))
        for k, camera in enumerate(cameras):
            x, y = middles[k] + rng.uniform(-0.8, 0.8, 2)
            one, walking = np.ones(PASSES), float(rng.random() < 0.7)
            heading, phase = rng.uniform(0, 6.28), rng.uniform()
            zero = 0 * one
            stance = Stance(x * one, y * one, heading * one, phase * one, walking * one, zero, zero, zero, zero)
            shot = camera.shoot([actor], [stance], 2 * person + k)
            x0, y0, x1, y1 = shot.boxes[0].astype(int)
            crop = cv2.resize(shot.image[y0:y1, x0:x1], (128, 256))[:, :, ::-1] / 255.0
            batch = ((crop - mean) / std).transpose(2, 0, 1)[None].astype(np.float32)
            vector = session.run(None, {session.get_inputs()[0].name: batch})[0][0]
            vectors[k].append(vector / np.linalg.norm(vector))
    similarity = np.array(vectors[0]) @ np.array(vectors[1]).T
    rank1 = float(
        np.mean([(similarity.argmax(1) == np.arange(100)).mean(), (similarity.argmax(0) == np.arange(100)).mean()])
    )
    print(f"OSNet x0.25: cross-camera rank-1 {rank1:.3f} on 100 rendered people")
    assert 0.5 <= rank1 <= 0.95
