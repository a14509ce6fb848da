"""Lofting: tubes through rings of points, and how their points follow the bones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from perdure.simulate import gait
from perdure.types import Float64s

Row = tuple[float, ...]
Rows = Sequence[Row]
"""A profile: rows of height, centre x, centre y, half width, half depth."""
Weigh = Callable[[Float64s], tuple[Float64s, Float64s]]
"""(V, 3) rest positions -> bones (V, 3), weights (V, 3)."""


SKIN, FACE, HAIR, TOP, BOTTOM, SHOE, BAG, HAT = range(8)
"""Materials: rows of ``body.Mesh.materials``."""


class Parts:
    """Collects the pieces of a mesh."""

    def __init__(self) -> None:
        self.vertices: list[Float64s] = []
        self.bones: list[Float64s] = []
        self.weights: list[Float64s] = []
        self.shade: list[Float64s] = []
        self.triangles: list[Float64s] = []
        self.material: list[Float64s] = []
        self.count = 0

    def add(self, grid: Float64s, material: int, weigh: Weigh, shade: Float64s | float = 1.0) -> None:
        """A closed tube from (R, N, 3) rings of points; both ends are capped."""
        rings, around = grid.shape[:2]
        points = np.concatenate([grid.reshape(-1, 3), grid[0].mean(0)[None], grid[-1].mean(0)[None]])
        r, k = np.meshgrid(np.arange(rings - 1), np.arange(around), indexing="ij")
        a, b = (r * around + k).ravel(), (r * around + (k + 1) % around).ravel()
        c, d = a + around, b + around
        ring = np.arange(around)
        ends = len(points) - 2
        top = np.stack([np.full(around, ends), (ring + 1) % around, ring], 1)
        last = (rings - 1) * around
        low = np.stack([np.full(around, ends + 1), last + ring, last + (ring + 1) % around], 1)
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1), top, low])
        bones, weights = weigh(points)
        self.vertices.append(points)
        self.bones.append(bones)
        self.weights.append(weights)
        self.shade.append(np.broadcast_to(shade, len(points)).astype(float))
        self.triangles.append(faces + self.count)
        self.material.append(np.full(len(faces), material))
        self.count += len(points)


def rigid(bone: int) -> Weigh:
    """Everything follows one bone."""

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        return np.full((len(points), 3), bone), np.tile([1.0, 0, 0], (len(points), 1))

    return weigh


def ramp(value: Float64s, low: Float64s | float, high: Float64s | float) -> Float64s:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def chain(upper: int, middle: int, lower: int, upper_z: float, lower_z: float, soft: float) -> Weigh:
    """Three bones one below the other, blended around two heights."""

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        z = points[:, 2]
        first = ramp(z, upper_z - soft, upper_z + soft)
        last = 1 - ramp(z, lower_z - soft, lower_z + soft)
        return np.tile([upper, middle, lower], (len(points), 1)), np.stack([first, 1 - first - last, last], 1)

    return weigh


def torso(h: float, stiff: float) -> Weigh:
    """Pelvis below, chest above; below the hip each side follows its thigh as far as ``stiff`` allows."""

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        z, x = points[:, 2], points[:, 0]
        chest = ramp(z, 0.56 * h, 0.68 * h)
        thigh = (1 - ramp(z, 0.40 * h, 0.54 * h)) * (1 - stiff)
        right = ramp(x, -0.07 * h, 0.07 * h)
        bones = np.tile([gait.PELVIS, 0, 0], (len(points), 1))
        bones[:, 1] = np.where(chest > 0, gait.CHEST, gait.THIGH)
        bones[:, 2] = gait.THIGH + 1
        second = np.where(chest > 0, chest, thigh * right)
        third = np.where(chest > 0, 0, thigh * (1 - right))
        return bones, np.stack([1 - second - third, second, third], 1)

    return weigh


def rings_of(profile: Rows, around: int, scale: float, round_power: float = 1.0) -> Float64s:
    """(R, N, 3) horizontal rings; a profile row is (z, centre x, centre y, half width, half depth)."""
    rows = np.array(profile) * scale
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    c, s = np.sign(c) * np.abs(c) ** round_power, np.sign(s) * np.abs(s) ** round_power
    x = rows[:, 1, None] + rows[:, 3, None] * c
    y = rows[:, 2, None] + rows[:, 4, None] * s
    return np.stack([x, y, np.broadcast_to(rows[:, 0, None], x.shape)], 2)


def refined(profile: Rows, rings: int) -> list[Row]:
    """The profile resampled smoothly at equally spaced heights."""
    from scipy.interpolate import PchipInterpolator

    rows = np.array(sorted(profile))
    z = np.linspace(rows[0, 0], rows[-1, 0], rings)
    fine = PchipInterpolator(rows[:, 0], rows[:, 1:])(z)
    return [tuple(row) for row in np.column_stack([z, fine])]
