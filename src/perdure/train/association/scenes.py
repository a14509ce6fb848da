"""Simulated recordings: who walks where comes from the building simulator, the boxes from a detector's usual mistakes.

No picture is drawn: a person is a box around feet and head as the camera's lens sees them, hidden by walls and
furniture, and by people who stand nearer. So a minute of a camera costs a moment, and there is as much as one likes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from perdure.geometry import covered
from perdure.simulate.building import lens_of, scene_of
from perdure.simulate.lens import Lens
from perdure.simulate.people import Day, Walk
from perdure.simulate.plan import CameraPlan
from perdure.simulate.reading import load
from perdure.simulate.scene import Scene, visible_from
from perdure.train.association.clips import Recording
from perdure.train.association.table import Clip
from perdure.types import Float64s, Ints

_ASPECT, _LEAST_HEIGHT_PX, _LEAST_SHOWN = 0.4, 24.0, 0.4


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Of a detector; lengths are shares of the box height."""

    jitter: float = 0.04
    missed: float = 0.1
    missed_covered: float = 0.85
    """Where somebody nearer covers 60 % of the box."""
    false_per_frame: float = 0.2


def simulated(plan_name: str, minutes: float, rate_fps: float, seed: int) -> list[Recording]:
    """One recording per camera of a plan (see ``perdure simulate``); the same for the same seed."""
    plan = load(plan_name, minutes)
    walks, scene = Day(plan, 1, seed).walks(), scene_of(plan)
    at = np.arange(0, plan.minutes * 60, 1 / rate_fps)
    rng = np.random.default_rng([plan.seed, seed])
    return [
        Recording(f"{plan_name}/{camera.name}/{seed}", _clip(walks, scene, camera, at, rng)) for camera in plan.cameras
    ]


def _clip(walks: list[Walk], scene: Scene, camera: CameraPlan, at: Float64s, rng: np.random.Generator) -> Clip:
    lens = lens_of(camera)
    stays = [_stay(walk, scene, lens, at, person) for person, walk in enumerate(walks)]
    frames, boxes, owner = (np.concatenate(parts) for parts in zip(*stays, strict=True))
    order = np.argsort(frames, kind="stable")
    frames, boxes, owner = frames[order], boxes[order], owner[order]
    first = np.searchsorted(frames, np.arange(len(at) + 1))
    found = [_found(boxes[a:b], owner[a:b], lens, Mistakes(), rng) for a, b in pairwise(first)]
    counts = np.cumsum([0, *(len(who) for _, _, who in found)])
    every = np.concatenate([b for b, _, _ in found]).astype(np.float32).astype(np.float64).reshape(-1, 4)
    scores = np.concatenate([s for _, s, _ in found]).astype(np.float32).astype(np.float64)
    whose = np.concatenate([w for _, _, w in found]).astype(np.int64)
    return Clip(every, scores, counts.astype(np.int64), at, (float(lens.width), float(lens.height)), whose)


def _stay(walk: Walk, scene: Scene, lens: Lens, at: Float64s, person: int) -> tuple[Ints, Float64s, Ints]:
    """Frames, boxes and owner where the camera sees one visitor's chest or head."""
    frames = np.flatnonzero((at >= walk.start) & (at <= walk.end))
    stance, tall = walk.stance(at[frames]), walk.guest.look.height_m
    ground = np.stack([stance.x, stance.y, np.zeros(len(frames))], axis=1)
    feet, head = lens.project(ground), lens.project(ground + np.array([0, 0, tall]))
    height = feet[:, 1] - head[:, 1]
    middle = (feet[:, 0] + head[:, 0]) / 2
    boxes = np.stack([middle - _ASPECT / 2 * height, head[:, 1], middle + _ASPECT / 2 * height, feet[:, 1]], axis=1)
    inside = np.nan_to_num(boxes, nan=0.0)
    inside[:, 0::2], inside[:, 1::2] = inside[:, 0::2].clip(0, lens.width), inside[:, 1::2].clip(0, lens.height)
    area = np.maximum(np.nan_to_num(height, nan=1.0), 1.0) ** 2 * _ASPECT
    part = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1]) / area
    shown = np.isfinite(boxes).all(axis=1) & (height >= _LEAST_HEIGHT_PX) & (part >= _LEAST_SHOWN)
    rows = np.flatnonzero(shown)
    eye = np.array(lens.position)
    chest, top = (ground[rows] + np.array([0, 0, share * tall]) for share in (0.7, 0.95))
    seen = np.logical_and(visible_from(scene, eye, chest), visible_from(scene, eye, top))
    kept = rows[seen]
    return frames[kept], inside[kept], np.full(len(kept), person)


def _found(
    boxes: Float64s, owner: Ints, lens: Lens, mistakes: Mistakes, rng: np.random.Generator
) -> tuple[Float64s, Float64s, Ints]:
    """What a detector makes of the people in one frame: boxes, scores, owners."""
    count = len(boxes)
    hidden = np.zeros(count)
    if count > 1:
        hidden = np.where(boxes[None, :, 3] > boxes[:, None, 3], covered(boxes, boxes), 0.0).max(axis=1)
    missed = np.where(hidden > 0.6, mistakes.missed_covered, mistakes.missed)
    kept = rng.random(count) >= missed
    tall = (boxes[:, 3] - boxes[:, 1])[:, None]
    told = (boxes + rng.normal(0, mistakes.jitter, (count, 4)) * tall)[kept]
    scores = np.clip(rng.normal(0.85, 0.08, int(kept.sum())) - 0.4 * hidden[kept], 0.1, 1.0)
    who = owner[kept]
    if rng.random() < mistakes.false_per_frame:
        corner, height = rng.uniform(0, 0.8, 2) * [lens.width, lens.height], rng.uniform(0.1, 0.4) * lens.height
        told = np.concatenate([told, [[*corner, corner[0] + _ASPECT * height, corner[1] + height]]])
        scores, who = np.append(scores, rng.uniform(0.2, 0.7)), np.append(who, -1)
    return told, scores, who
