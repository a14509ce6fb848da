"""A small world of walking people for tracker tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from perdure.config import TrackingConfig
from perdure.track.build import build
from perdure.track.core import RuleTracker
from perdure.types import Crops, Detections, Flag, Tracklet

SIZE = (640, 480)
DIM = 32


def box_at(x: float, y: float = 240.0, height: float = 160.0) -> np.ndarray:
    """A standing person with the centre at (x, y)."""
    return np.array([x - height * 0.2, y - height / 2, x + height * 0.2, y + height / 2])


def look_of(person: int, rng: np.random.Generator, noise: float = 0.5) -> np.ndarray:
    """A unit vector near the person's own; cosine of two of one person about 0.8, of two people about 0."""
    own = np.random.default_rng(1000 + person).normal(size=DIM)
    vector = own / np.linalg.norm(own) + rng.normal(0, noise / np.sqrt(DIM), DIM)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@dataclass
class Run:
    """What came of a played scene."""

    tracker: RuleTracker
    told: list[Tracklet] = field(default_factory=list)
    numbers: dict[int, list[int]] = field(default_factory=dict)
    asked: int = 0

    def last(self) -> dict[str, Tracklet]:
        return {t.id: t for t in sorted(self.told, key=lambda t: t.revision)}


def play(
    frames: list[tuple[float, dict[int, np.ndarray]]],
    looks: bool = True,
    score: float = 0.9,
    flags: Callable[[np.ndarray], np.ndarray] | None = None,
    seed: int = 0,
    **config: object,
) -> Run:
    """Drive a tracker through (time, person -> box) frames."""
    rng = np.random.default_rng(seed)
    run = Run(build("cam", TrackingConfig.model_validate(config)))
    for index, (at, people) in enumerate(frames):
        who = list(people)
        boxes = np.array([people[p] for p in who]).reshape(-1, 4)
        marks = flags(boxes) if flags else None
        found = Detections.of(boxes, np.full(len(who), score), marks)
        rows = run.tracker.propose(index, at, SIZE, found)
        run.asked += len(rows)
        crops = []
        if looks and len(rows):
            vectors = np.stack([look_of(who[row], rng) for row in rows])
            names = tuple(f"{index}/{row}.jpg" for row in rows)
            crops = [Crops(rows, "toy", vectors, np.ones(len(rows), np.float32), names)]
        run.tracker.commit(crops)
        seen, numbers = run.tracker.observed()
        for row, number in zip(seen.tolist(), numbers.tolist(), strict=True):
            run.numbers.setdefault(who[row], []).append(number)
        run.told += run.tracker.tell()
    run.told += run.tracker.finish()
    return run


def crowded(boxes: np.ndarray) -> np.ndarray:
    """CROWDED where a third of the box is shared."""
    from perdure.geometry import covered

    shared = covered(boxes, boxes)
    np.fill_diagonal(shared, 0)
    return np.where(shared.max(axis=1, initial=0) > 0.35, int(Flag.CROWDED), 0)


@pytest.fixture
def walk() -> list[tuple[float, dict[int, np.ndarray]]]:
    """One person crosses the picture in four seconds at 10 fps."""
    return [(100 + f / 10, {0: box_at(80 + 12 * f)}) for f in range(40)]
