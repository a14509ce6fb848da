"""Pictures of people in a scene through one camera, with exact masks, boxes and visibility. No GPU, no display.

A z-buffered software renderer: the empty building is ray-traced once per camera (``scene.look``), people are meshes
drawn over it in ``PASSES`` passes, each at its own moment of the exposure and its own sub-pixel shift: that gives
motion blur and smooth edges at once (accumulation buffer, Haeberli & Akeley, SIGGRAPH 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from perdure.simulate import body, gait, kernels, shading
from perdure.simulate.lens import Lens
from perdure.simulate.looks import Look
from perdure.simulate.scene import Scene, View, lamps_at, look
from perdure.simulate.sensor import SHADOW_M, Sensor, blend, cast_shadows, develop
from perdure.types import Bools, Float32s, Float64s, Image

PASSES = 4
SHIFTS = ((0.125, 0.625), (0.375, 0.125), (0.625, 0.875), (0.875, 0.375))
"""Sub-pixel positions of the passes."""


@dataclass(frozen=True, eq=False)
class Actor:
    """Somebody who can be drawn."""

    id: int
    look: Look
    mesh: body.Mesh

    @classmethod
    def of(cls, person: int, look: Look) -> Actor:
        """An actor with the mesh of a look."""
        return cls(person, look, body.build(look))


@dataclass(frozen=True, eq=False)
class Shot:
    """What one camera saw at one moment."""

    image: Image
    """(H, W, 3) uint8, BGR."""
    ids: npt.NDArray[np.int64]
    """(N,) the people with at least one visible pixel."""
    boxes: Float32s
    """(N, 4) whole body, also its hidden parts, cut to the picture; xyxy, px."""
    visibility: Float32s
    """(N,) share of the body that is in the picture and not hidden, in [0, 1]."""
    mask: npt.NDArray[np.int32]
    """(H, W) id of the person who covers most of a pixel's passes at the middle of the exposure; -1: nobody."""
    covered: Bools
    """(H, W) where any pass drew anybody."""


_BLOBS = (
    (gait.HEAD, 0, 0.01, 0.93, 0.058), (gait.CHEST, 0, 0, 0.77, 0.085), (gait.CHEST, 0, 0, 0.66, 0.080),
    (gait.PELVIS, 0, 0, 0.54, 0.085), (gait.THIGH, 1, 0, 0.44, 0.055), (gait.THIGH + 1, -1, 0, 0.44, 0.055),
    (gait.THIGH, 1, 0, 0.34, 0.045), (gait.THIGH + 1, -1, 0, 0.34, 0.045), (gait.SHIN, 1, 0, 0.24, 0.038),
    (gait.SHIN + 1, -1, 0, 0.24, 0.038), (gait.SHIN, 1, 0, 0.13, 0.030), (gait.SHIN + 1, -1, 0, 0.13, 0.030),
    (gait.FOOT, 1, -0.01, 0.03, 0.032), (gait.FOOT + 1, -1, -0.01, 0.03, 0.032), (gait.FOOT, 1, 0.06, 0.02, 0.03),
    (gait.FOOT + 1, -1, 0.06, 0.02, 0.03), (gait.FOREARM, 2, 0, 0.60, 0.028), (gait.FOREARM + 1, -2, 0, 0.60, 0.028),
    (gait.HAND, 2, 0, 0.44, 0.025), (gait.HAND + 1, -2, 0, 0.44, 0.025),
)  # fmt: skip
"""Spheres that stand for a body when it casts a shadow: bone, side (1: leg, 2: arm), y, z, radius, shares of height."""


def _blobs(mats: Float64s, h: float) -> Float64s:
    """(S, 4) shadow spheres of one body in the world."""
    side = {0: 0.0, 1: gait.HIP_X, 2: gait.SHOULDER_X * 1.06}
    out = np.zeros((len(_BLOBS), 4))
    for i, (bone, where, y, z, r) in enumerate(_BLOBS):
        x = np.sign(where) * side[abs(where)]
        out[i, :3] = mats[bone] @ np.array([x * h, y * h, z * h, 1.0])
        out[i, 3] = r * h
    return out


@dataclass(eq=False)
class Renderer:
    """One camera in one scene. ``shoot`` may be called for any moments in any order."""

    scene: Scene
    lens: Lens
    sensor: Sensor = field(default_factory=Sensor)
    samples: int = 2
    view: View = field(init=False)

    def __post_init__(self) -> None:
        self.view = look(self.scene, self.lens, self.samples)
        h, w = self.lens.height, self.lens.width
        self._lens = np.array([self.lens.focal_px, w / 2, h / 2, self.lens.k1, self.lens.k2], np.float32)
        self._rotation = self.lens.rotation.astype(np.float32)
        self._eye = np.array(self.lens.position, np.float32)
        self._place = np.ascontiguousarray(self.view.place[1::2, 1::2])
        self._normal = np.ascontiguousarray(self.view.normal[1::2, 1::2])
        self._depth = np.zeros((h, w), np.float32)
        self._owner = np.zeros((h, w), np.int32)
        self._colour = np.zeros((h, w, 3), np.float32)
        self._table, self._curve = self.sensor.table(), self.sensor.curve()

    def shoot(self, actors: Sequence[Actor], stances: Sequence[gait.Stance], seed: int) -> Shot:
        """One picture. Each stance holds ``PASSES`` moments spread over the exposure."""
        h, w = self.lens.height, self.lens.width
        bodies = [_Body(self, actor, stance) for actor, stance in zip(actors, stances, strict=True)]
        bodies = [b for b in bodies if b.window is not None]
        shadow = self._shadows(bodies)
        total = np.zeros((h, w, 3), np.float32)
        votes = np.full((h, w), -1, np.int32)
        covered = np.zeros((h, w), np.bool_)
        for p, shift in enumerate(SHIFTS):
            np.copyto(self._depth, self.view.depth)
            self._owner.fill(-1)
            for index, person in enumerate(bodies):
                person.draw(p, index, np.array([0.5 - shift[0], 0.5 - shift[1]], np.float32))
            for index, person in enumerate(bodies):
                person.count(index)
            blend(self.view.picture, shadow, self._colour, self._owner, total, 1 / PASSES)
            if p == PASSES // 2:
                votes = self._owner.copy()
            covered |= self._owner >= 0
        shown = [b for b in bodies if b.visible > 0]
        return Shot(
            image=self._develop(total, seed),
            ids=np.array([b.actor.id for b in shown], np.int64),
            boxes=np.array([b.box for b in shown], np.float32).reshape(-1, 4),
            visibility=np.array([b.visibility for b in shown], np.float32),
            mask=np.array([*(b.actor.id for b in bodies), -1], np.int32)[votes],
            covered=covered,
        )

    def _shadows(self, bodies: list[_Body]) -> Float32s:
        """(H, W) share of the light that is left, gathered at half the size: shadows are soft."""
        h, w = self.lens.height, self.lens.width
        half = np.ones((h // 2, w // 2), np.float32)
        sky = float(self.scene.ambient.mean() * 0.8)
        for person in bodies:
            window = self._reach(person) // 2
            cast_shadows(self._place, self._normal, window, person.root, person.blobs, person.lamps, sky, half)
        return np.asarray(cv2.resize(half, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)

    def _reach(self, person: _Body) -> npt.NDArray[np.int32]:
        """(4,) the part of the picture that a body's shadow may touch."""
        h, w = self.lens.height, self.lens.width
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        ring = np.stack([np.cos(angle), np.sin(angle)], 1) * SHADOW_M + person.root
        pixels = self.lens.project(np.column_stack([ring, np.zeros(16)]))
        if np.isnan(pixels).any():
            return np.array([0, 0, w, h], np.int32)
        x0, y0, x1, y1 = person.box_full
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        corners = [min(low[0], x0), min(low[1], y0 + 0.3 * (y1 - y0)), max(high[0], x1), max(high[1], y1)]
        return np.asarray(np.clip(corners, 0, [w, h, w, h]), np.int32)

    def _develop(self, linear: Float32s, seed: int) -> Image:
        sensor = self.sensor
        if sensor.blur_px > 0:
            linear = np.asarray(cv2.GaussianBlur(linear, (0, 0), sensor.blur_px), np.float32)
        out = np.zeros(linear.shape, np.uint8)
        develop(linear, self._table, self._curve, seed, out)
        if sensor.sharpen > 0:
            soft = cv2.GaussianBlur(out, (0, 0), 1.0)
            out = np.asarray(cv2.addWeighted(out, 1 + sensor.sharpen, soft, -sensor.sharpen, 0), np.uint8)
        return out


class _Body:
    """One actor in one shot: its mesh in the world and on the screen at each pass."""

    def __init__(self, camera: Renderer, actor: Actor, stance: gait.Stance) -> None:
        self.camera, self.actor = camera, actor
        self.visible, self.alone = 0, 0
        self.window: tuple[int, int, int, int] | None = None
        lens = camera.lens
        middle = len(stance) // 2
        standing = np.array([[stance.x[middle], stance.y[middle], z] for z in (0.05, 0.9, 1.75)])
        if lens.depth(standing).max() < 0.2:
            return
        mats = gait.skeleton(stance, actor.look.height_m, actor.look.seed)
        mesh = actor.mesh
        count = len(mesh.vertices)
        self.pos = np.zeros((PASSES, count, 3), np.float32)
        self.nrm = np.zeros((PASSES, count, 3), np.float32)
        self.screen = np.zeros((PASSES, count, 3), np.float32)
        bounds = np.array([np.inf, np.inf, -np.inf, -np.inf], np.float32)
        for p in range(PASSES):
            kernels.deform(
                mesh.vertices,
                mesh.normals,
                mesh.bones,
                mesh.weights,
                mats[p].astype(np.float32),
                self.pos[p],
                self.nrm[p],
            )
            kernels.project(self.pos[p], camera._rotation, camera._eye, camera._lens, self.screen[p], bounds)
        low, high = bounds[:2], bounds[2:]
        if not low[0] < high[0]:
            return
        self.box_full = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        x0, y0 = max(int(low[0]) - 1, 0), max(int(low[1]) - 1, 0)
        x1, y1 = min(int(high[0]) + 3, lens.width), min(int(high[1]) + 3, lens.height)
        if x0 >= x1 or y0 >= y1:
            return
        self.window = (x0, y0, x1, y1)
        self.root = np.array([stance.x[middle], stance.y[middle]], np.float32)
        self.blobs = _blobs(mats[middle], actor.look.height_m).astype(np.float32)
        self.lamps = lamps_at(camera.scene, float(stance.x[middle]), float(stance.y[middle])).astype(np.float32)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The body's box cut to the picture."""
        x0, y0, x1, y1 = self.box_full
        w, h = self.camera.lens.width, self.camera.lens.height
        return min(max(x0, 0), w), min(max(y0, 0), h), min(max(x1, 0), w), min(max(y1, 0), h)

    @property
    def visibility(self) -> float:
        """Visible pixels over all pixels, times the share of the box that is in the picture."""
        x0, y0, x1, y1 = self.box_full
        bx0, by0, bx1, by1 = self.box
        inside = (bx1 - bx0) * (by1 - by0) / max((x1 - x0) * (y1 - y0), 1e-6)
        return self.visible / max(self.alone, 1) * min(inside, 1.0)

    def draw(self, p: int, index: int, jitter: Float32s) -> None:
        """Draw pass ``p`` into the camera's buffers."""
        assert self.window is not None
        camera, mesh = self.camera, self.actor.mesh
        x0, y0, x1, y1 = self.window
        depth = np.full((y1 - y0, x1 - x0), np.inf, np.float32)
        ids = np.full((y1 - y0, x1 - x0), -1, np.int32)
        kernels.rasterise(self.screen[p], mesh.triangles, x0 - jitter[0], y0 - jitter[1], depth, ids)
        self.alone += shading.shade(
            ids, depth, np.array([x0, y0], np.int32), self.screen[p], self.pos[p], self.nrm[p], mesh.vertices,
            mesh.shade, mesh.triangles, mesh.material, mesh.materials, jitter, camera._eye, self.lamps,
            camera.scene.ambient.astype(np.float32), index, camera._depth, camera._colour, camera._owner,
        )  # fmt: skip

    def count(self, index: int) -> None:
        """Add up the pixels that are still this person's after everybody was drawn."""
        assert self.window is not None
        x0, y0, x1, y1 = self.window
        self.visible += int(np.count_nonzero(self.camera._owner[y0:y1, x0:x1] == index))
