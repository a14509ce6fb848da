"""A small recorded world, and nets that change little."""

from __future__ import annotations

import numpy as np

from perdure.track.learned import LOST_COLUMNS, PAIR_COLUMNS, Net
from perdure.train.association.table import Clip


def walkers(people: int = 12, frames: int = 150, camera_px: float = 0.0, seed: int = 0) -> Clip:
    """People walk to and fro in a picture, 10 frames per second; 15 % missed, some false boxes, hidden at times."""
    rng = np.random.default_rng(seed)
    x, speed = rng.uniform(0, 640, people), rng.normal(0, 8, people)
    feet, tall = rng.uniform(200, 460, people), rng.uniform(80, 150, people)
    boxes, scores, owner, first = [], [], [], [0]
    camera = np.zeros(2)
    for _ in range(frames):
        x += speed
        speed = np.where((x < -60) | (x > 700), -speed, speed)
        camera = 0.9 * camera + rng.normal(0, camera_px, 2)
        behind_wall = (x > 300) & (x < 360)
        seen = (rng.random(people) > 0.15) & (x > 0) & (x < 640) & ~behind_wall
        for p in np.flatnonzero(seen).tolist():
            box = np.array([x[p] - 0.2 * tall[p], feet[p] - tall[p], x[p] + 0.2 * tall[p], feet[p]])
            boxes.append(box + np.tile(camera, 2) + rng.normal(0, 2, 4))
            scores.append(rng.uniform(0.3, 1.0))
            owner.append(p)
        if rng.random() < 0.3:
            corner = rng.uniform(0, 400, 2)
            boxes.append(np.array([*corner, corner[0] + 40, corner[1] + 100]))
            scores.append(rng.uniform(0.3, 0.8))
            owner.append(-1)
        first.append(len(boxes))
    at, size = np.arange(frames) / 10, (640.0, 480.0)
    exact = np.array(boxes, np.float32).astype(np.float64), np.array(scores, np.float32).astype(np.float64)
    return Clip(*exact, np.array(first), at, size, np.array(owner))


def no_change(
    linear_of: dict[str, float] | None = None, lost_of: dict[str, float] | None = None, floor: float = 0.0
) -> Net:
    """A net of zeros but for some weights by column."""
    pair, lost = len(PAIR_COLUMNS), len(LOST_COLUMNS)
    arrays = {"share": 1.0, "floor": floor, "mean": np.zeros(pair), "scale": np.ones(pair), "shift": 0.0}
    arrays["linear"] = np.array([(linear_of or {}).get(name, 0.0) for name in PAIR_COLUMNS])
    arrays |= {"first": np.zeros((pair, 0)), "bias": np.zeros(0), "last": np.zeros(0)}
    arrays |= {"lost_mean": np.zeros(lost), "lost_scale": np.ones(lost), "lost_shift": -2.0}
    arrays["lost_linear"] = np.array([(lost_of or {}).get(name, 0.0) for name in LOST_COLUMNS])
    return Net.of(arrays)
