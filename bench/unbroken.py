"""Who keeps one id? Share of people followed from first to last box under one number that nobody else has.

    python bench/unbroken.py [--scenes 200] [--ucla] [--only NAME]

Crossings: two people pass or turn back while one hides the other. Occlusions: three people walk, each passes behind a
wall for 0.5 to 2.8 s and may change pace there. ``--ucla``: the true boxes of the four cameras of UCLA Auditorium
(``PERDURE_SHARED``) at 10 fps, degraded: jitter of 4 % of the height, 8 % missed, 90 % missed where somebody nearer
covers 60 %, a false box in every fourth frame; a visit ends where a person is out of view for 3 s.

Appearance is simulated at the strength of a small embedder on real footage (OSNet x0.25 on PETS view 1: cosine of two
crops of one person .77 +- .09, of two people .47 +- .10; here .77 +- .07 and .49 +- .14); a crop that shows a second
person is a mixture. All trackers get the same boxes, flags and embeddings, 10 frames per second, and keep the lost for
3 s.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perdure.config import TrackingConfig
from perdure.detect.flags import flags
from perdure.geometry import covered
from perdure.track.build import build
from perdure.types import Crops, Detections

SHARED = Path(os.environ.get("PERDURE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
NAMES = ("sort", "deepsort", "bytetrack", "ocsort", "botsort", "default")
RATE_FPS, DIM = 10.0, 24
COMMON, OWN = 0.47, 0.30
"""Expected cosine of two people; how much more two crops of one person have."""


@dataclass(frozen=True)
class View:
    """One frame: who stands where, everybody who is in the picture."""

    who: np.ndarray
    boxes: np.ndarray


def directions(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.normal(size=(count, DIM))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class World:
    """What a detector and an embedder make of the views; the same for every tracker of one seed."""

    def __init__(self, seed: int, size: tuple[int, int], missed: float, false: float) -> None:
        self.rng, self.size, self.missed, self.false = np.random.default_rng(seed), size, missed, false
        self.common = directions(self.rng, 1)[0]
        self.own: dict[int, np.ndarray] = {}

    def seen(self, view: View) -> tuple[np.ndarray, Detections, np.ndarray]:
        """Who each box shows (-1: nobody), the boxes, their embeddings."""
        rng, n = self.rng, len(view.who)
        cover, behind = hidden(view.boxes)
        found = (rng.random(n) >= self.missed) & ((cover < 0.6) | (rng.random(n) < 0.1))
        height = (view.boxes[:, 3] - view.boxes[:, 1])[:, None]
        boxes = (view.boxes + rng.normal(0, 0.04, (n, 4)) * height)[found]
        clean = np.stack([self.look(w) for w in view.who]) if n else np.zeros((0, DIM))
        mixed = (clean * (1 - cover[:, None]) + clean[behind] * cover[:, None])[found] if n else clean
        who, scores = view.who[found], np.clip(rng.normal(0.85, 0.07, int(found.sum())) - 0.4 * cover[found], 0.1, 1)
        if rng.random() < self.false:
            corner, tall = rng.uniform(0, 0.8, 2) * self.size, rng.uniform(0.1, 0.4) * self.size[1]
            boxes = np.concatenate([boxes, [[*corner, corner[0] + 0.4 * tall, corner[1] + tall]]])
            who, scores = np.append(who, -1), np.append(scores, rng.uniform(0.2, 0.7))
            mixed = np.concatenate([mixed, directions(rng, 1)])
        mixed = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        f32 = boxes.astype(np.float32)
        return who, Detections.of(f32, scores, flags(f32, scores.astype(np.float32), *self.size)), mixed

    def look(self, person: int) -> np.ndarray:
        """The embedding of one clean crop."""
        if person not in self.own:
            self.own[person] = directions(self.rng, 1)[0]
        noise = directions(self.rng, 1)[0]
        parts = np.sqrt([COMMON, OWN, 1 - COMMON - OWN])
        return np.asarray(parts[0] * self.common + parts[1] * self.own[person] + parts[2] * noise)


def hidden(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of each box covered by the one nearer person who covers it most, and that person."""
    if len(boxes) < 2:
        return np.zeros(len(boxes)), np.zeros(len(boxes), np.int64)
    shared = np.where(boxes[None, :, 3] > boxes[:, None, 3], covered(boxes, boxes), 0.0)
    return shared.max(axis=1), shared.argmax(axis=1)


def unbroken(name: str, views: list[View], world: World) -> tuple[int, int]:
    """People followed under one number of their own, and all people."""
    tracker = build("bench", TrackingConfig.model_validate({"tracker": name, "cut_after_s": 3600}))
    numbers, owners = defaultdict(set), defaultdict(set)
    for index, view in enumerate(views):
        who, found, vectors = world.seen(view)
        rows = tracker.propose(index, index / RATE_FPS, world.size, found)
        quality = np.clip(found.scores[rows], 0, 1)
        crops = [Crops(rows, "bench", vectors[rows].astype(np.float32), quality, ("",) * len(rows))]
        tracker.commit(crops if len(rows) else [])
        tracker.tell()
        seen, told = tracker.observed()
        for person, number in zip(who[seen].tolist(), told.tolist(), strict=True):
            if person >= 0:
                numbers[person].add(number)
                owners[number].add(person)
    people = {int(p) for view in views for p in view.who}
    whole = [p for p in people if len(numbers[p]) == 1 and len(owners[next(iter(numbers[p]))]) == 1]
    return len(whole), len(people)


def crossing(seed: int) -> list[View]:
    rng = np.random.default_rng(seed)
    turn, pace = rng.random() < 0.5, rng.uniform(40, 90, 2) / RATE_FPS
    tall, middle, views = rng.uniform(130, 170, 2), rng.uniform(280, 360), []
    for frame in range(80):
        step = min(frame, 80 - frame) if turn else frame
        x = np.array([middle - 40 * pace[0] + pace[0] * step, middle + 40 * pace[1] - pace[1] * step])
        views.append(View(np.arange(2), standing(x, np.array([300.0, 292.0]), tall)))
    return views


def occlusion(seed: int) -> list[View]:
    rng = np.random.default_rng(seed)
    views, start = [], rng.uniform(0, 2, 3)
    pace, later, hidden_s = rng.uniform(50, 90, 3), rng.uniform(0.7, 1.4, 3), rng.uniform(0.5, 2.8, 3)
    tall, feet, wall = rng.uniform(120, 170, 3), np.array([260.0, 300.0, 340.0]), rng.uniform(200, 260, 3)
    for frame in range(120):
        walked = np.maximum(frame / RATE_FPS - start, 0)
        into = (wall - 60) / pace
        behind = (walked > into) & (walked < into + hidden_s)
        beyond = np.maximum(walked - into - hidden_s, 0) * pace * later
        out = wall + pace * hidden_s
        x = np.where(walked <= into, 60 + pace * walked, out + beyond)
        shown = ~behind & (walked > 0) & (x < 620)
        views.append(View(np.flatnonzero(shown), standing(x, feet, tall)[shown]))
    return views


def standing(x: np.ndarray, feet: np.ndarray, tall: np.ndarray) -> np.ndarray:
    return np.stack([x - 0.2 * tall, feet - tall, x + 0.2 * tall, feet], axis=1)


def ucla(path: Path) -> list[View]:
    """Every third frame; a person out of view for 3 s comes back as a new visit."""
    rows = [line.split() for line in path.read_text().splitlines()]
    table = np.array([[int(v) for v in r[:7]] for r in rows if r[6] == "0"])
    table = table[table[:, 5] % 3 == 0]
    views, last, visit = [], {}, {}
    for frame in range(0, int(table[:, 5].max()) + 1, 3):
        here = table[table[:, 5] == frame]
        for person in here[:, 0].tolist():
            if frame - last.get(person, -1000) > 90:
                visit[person] = visit.get(person, -1) + 1
            last[person] = frame
        who = np.array([100 * p + visit[p] for p in here[:, 0].tolist()], np.int64)
        views.append(View(who, here[:, 1:5].astype(np.float64)))
    return views


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--ucla", action="store_true")
    parser.add_argument("--only", choices=NAMES)
    given = parser.parse_args()
    scenes: dict[str, list[tuple[int, list[View], tuple[int, int], float]]] = {}
    if given.ucla:
        for camera in ("HC3", "HC4", "IP2", "IP5"):
            views = ucla(SHARED / "data" / "ucla-campus" / f"view-{camera}.txt")
            scenes[camera] = [(0, views, (1920, 1080), 0.25)]
    else:
        for label, make in (("crossings", crossing), ("occlusions", occlusion)):
            scenes[label] = [(s, make(s), (640, 480), 0.05) for s in range(given.scenes)]
    print(f"{'one id, % of people':20}" + "".join(f"{label:>12}" for label in scenes))
    for name in [given.only] if given.only else NAMES:
        cells = []
        for some in scenes.values():
            counts = [unbroken(name, views, World(s, size, 0.08, false)) for s, views, size, false in some]
            whole, people = np.sum(counts, axis=0)
            cells.append(f"{100 * whole / people:7.1f} /{people:4d}")
        print(f"{name:20}" + "".join(f"{cell:>12}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
