"""The mesh of one person: lofted tubes for torso, limbs and clothes, a modelled head, shoes, hair, hats and bags.

Built once per person in a rest pose (standing, arms hanging); ``gait.skeleton`` moves it by linear blend skinning.
Colours are procedural functions of the rest position (``kernels.shade``), so the mesh carries no texture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perdure.simulate import gait
from perdure.simulate.looks import Look
from perdure.types import Float32s, Float64s

Int32s = npt.NDArray[np.int32]
Weigh = Callable[[Float64s], tuple[Float64s, Float64s]]
"""(V, 3) rest positions -> bones (V, 3), weights (V, 3)."""

SKIN, FACE, HAIR, TOP, BOTTOM, SHOE, BAG, HAT = range(8)
MATERIAL_FIELDS = 22


@dataclass(frozen=True)
class Mesh:
    """A skinned triangle mesh with V vertices and T triangles, rest pose, metres."""

    vertices: Float32s
    """(V, 3)."""
    normals: Float32s
    """(V, 3), unit."""
    bones: Int32s
    """(V, 3)."""
    weights: Float32s
    """(V, 3), rows sum to 1."""
    shade: Float32s
    """(V,) in [0, 1]: how much of the surroundings the point sees (ambient occlusion)."""
    triangles: Int32s
    """(T, 3)."""
    material: Int32s
    """(T,) row of ``materials``."""
    materials: Float32s
    """(8, MATERIAL_FIELDS), see ``kernels.shade``."""


class _Parts:
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


def _rigid(bone: int) -> Weigh:
    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        return np.full((len(points), 3), bone), np.tile([1.0, 0, 0], (len(points), 1))

    return weigh


def _ramp(value: Float64s, low: float, high: float) -> Float64s:
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _chain(upper: int, middle: int, lower: int, upper_z: float, lower_z: float, soft: float) -> Weigh:
    """Three bones one below the other, blended around two heights."""

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        z = points[:, 2]
        first = _ramp(z, upper_z - soft, upper_z + soft)
        last = 1 - _ramp(z, lower_z - soft, lower_z + soft)
        return np.tile([upper, middle, lower], (len(points), 1)), np.stack([first, 1 - first - last, last], 1)

    return weigh


def _torso(h: float, stiff: float) -> Weigh:
    """Pelvis below, chest above; below the hip each side follows its thigh as far as ``stiff`` allows."""

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        z, x = points[:, 2], points[:, 0]
        chest = _ramp(z, 0.56 * h, 0.68 * h)
        thigh = (1 - _ramp(z, 0.40 * h, 0.54 * h)) * (1 - stiff)
        right = _ramp(x, -0.07 * h, 0.07 * h)
        bones = np.tile([gait.PELVIS, 0, 0], (len(points), 1))
        bones[:, 1] = np.where(chest > 0, gait.CHEST, gait.THIGH)
        bones[:, 2] = gait.THIGH + 1
        second = np.where(chest > 0, chest, thigh * right)
        third = np.where(chest > 0, 0, thigh * (1 - right))
        return bones, np.stack([1 - second - third, second, third], 1)

    return weigh


def _rings(profile: list[tuple[float, ...]], around: int, scale: float, round_power: float = 1.0) -> Float64s:
    """(R, N, 3) horizontal rings; a profile row is (z, centre x, centre y, half width, half depth)."""
    rows = np.array(profile) * scale
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    c, s = np.sign(c) * np.abs(c) ** round_power, np.sign(s) * np.abs(s) ** round_power
    x = rows[:, 1, None] + rows[:, 3, None] * c
    y = rows[:, 2, None] + rows[:, 4, None] * s
    return np.stack([x, y, np.broadcast_to(rows[:, 0, None], x.shape)], 2)


def _refined(profile: list[tuple[float, ...]], rings: int) -> list[tuple[float, ...]]:
    """The profile resampled smoothly at equally spaced heights."""
    from scipy.interpolate import PchipInterpolator

    rows = np.array(sorted(profile))
    z = np.linspace(rows[0, 0], rows[-1, 0], rings)
    fine = PchipInterpolator(rows[:, 0], rows[:, 1:])(z)
    return [tuple(row) for row in np.column_stack([z, fine])]


def build(look: Look) -> Mesh:
    """The mesh of a person; the same look gives the same mesh."""
    parts = _Parts()
    h = look.height_m
    _add_trunk(parts, look, h)
    for side in (0, 1):
        _add_leg(parts, look, h, side)
        _add_arm(parts, look, h, side)
    _add_head(parts, look, h)
    _add_bag(parts, look, h)
    vertices = np.concatenate(parts.vertices)
    triangles = np.concatenate(parts.triangles).astype(np.int32)
    return Mesh(
        vertices=vertices.astype(np.float32),
        normals=_normals(vertices, triangles).astype(np.float32),
        bones=np.concatenate(parts.bones).astype(np.int32),
        weights=np.concatenate(parts.weights).astype(np.float32),
        shade=np.concatenate(parts.shade).astype(np.float32),
        triangles=triangles,
        material=np.concatenate(parts.material).astype(np.int32),
        materials=_materials(look, h),
    )


def _normals(vertices: Float64s, triangles: Int32s) -> Float64s:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, triangles[:, i], face)
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))


def _trunk_profile(look: Look) -> list[tuple[float, ...]]:
    """Half widths and depths of the trunk (shares of height) from crotch to neck, between a man's and a woman's."""
    man = [(0.470, 0, 0, 0.072, 0.062), (0.50, 0, -0.004, 0.092, 0.070), (0.53, 0, -0.006, 0.096, 0.070)]
    man += [(0.57, 0, -0.002, 0.092, 0.063), (0.61, 0, 0.002, 0.085, 0.058), (0.66, 0, 0.004, 0.088, 0.062)]
    man += [(0.70, 0, 0.004, 0.097, 0.067), (0.745, 0, 0.003, 0.105, 0.068), (0.785, 0, -0.002, 0.108, 0.060)]
    man += [(0.815, 0, -0.006, 0.100, 0.048), (0.833, 0, -0.008, 0.078, 0.040), (0.848, 0, -0.008, 0.046, 0.035)]
    man += [(0.862, 0, -0.004, 0.033, 0.031)]
    woman = [(0.470, 0, 0, 0.076, 0.066), (0.50, 0, -0.006, 0.101, 0.076), (0.53, 0, -0.008, 0.103, 0.074)]
    woman += [(0.57, 0, -0.002, 0.092, 0.061), (0.61, 0, 0.002, 0.075, 0.053), (0.66, 0, 0.005, 0.078, 0.058)]
    woman += [(0.70, 0, 0.010, 0.087, 0.070), (0.745, 0, 0.008, 0.091, 0.068), (0.785, 0, -0.001, 0.094, 0.055)]
    woman += [(0.815, 0, -0.005, 0.088, 0.043), (0.833, 0, -0.007, 0.066, 0.036), (0.848, 0, -0.006, 0.040, 0.032)]
    woman += [(0.862, 0, -0.004, 0.028, 0.027)]
    mixed = np.array(man) * (1 - look.feminine) + np.array(woman) * look.feminine
    girth = 1 + (look.build - 1) * np.interp(mixed[:, 0], [0.47, 0.6, 0.75, 0.84], [0.8, 1.25, 0.8, 0.25])
    mixed[:, 3] *= girth
    mixed[:, 4] *= 1 + (girth - 1) * 1.6
    mixed[:, 2] += np.clip(look.build - 1, 0, 1) * 0.05 * np.exp(-(((mixed[:, 0] - 0.6) / 0.06) ** 2))
    return [tuple(row) for row in mixed]


def _add_trunk(parts: _Parts, look: Look, h: float) -> None:
    """Pelvis in the trousers, and over it the top with its hem, hood, collar; or a skirt, or a coat's tail."""
    profile = _refined(_trunk_profile(look), 30)
    pelvis = [row for row in profile if row[0] < 0.64]
    parts.add(_rings([(z, x, y, w + 0.004, d + 0.004) for z, x, y, w, d in pelvis], 24, h), BOTTOM, _torso(h, 0.4), 0.8)
    loose = {"t-shirt": 0.006, "shirt": 0.006, "sweater": 0.010, "jacket": 0.014, "coat": 0.016, "hoodie": 0.013}
    hem = {"t-shirt": 0.505, "shirt": 0.50, "sweater": 0.50, "jacket": 0.475, "coat": 0.36, "hoodie": 0.495}[look.top]
    ease = loose[look.top]
    flare = 0.5 if look.top in ("t-shirt", "shirt", "coat") else 0.0
    upper = [row for row in profile if row[0] >= max(hem, 0.47)]
    low = upper[0]
    tail = [
        (z, 0.0, low[2], low[3] + 0.12 * (low[0] - z), low[4] + 0.16 * (low[0] - z)) for z in np.arange(hem, 0.47, 0.02)
    ]
    cloth = [
        (z, x, y, w + ease * (1 + flare * (z < 0.56)), d + ease * (1 + flare * (z < 0.56)))
        for z, x, y, w, d in [*tail, *upper]
        if z < 0.853
    ]
    grid = _rings(cloth, 28, h, 0.92)
    parts.add(grid, TOP, _torso(h, 0.25), np.concatenate([0.78 + 0.22 * _shade_trunk(grid), [0.5, 1.0]]))
    neck = [row for row in profile if row[0] > 0.835]
    tube = [(0.83, 0.0, -0.004, 0.034, 0.032), *[(z, 0, -0.002, 0.031, 0.031) for z in (0.85, 0.87, 0.89, 0.905)]]
    slim = 1 - 0.14 * look.feminine
    parts.add(
        _rings([(z, x, y, w * slim, d * slim) for z, x, y, w, d in tube], 16, h),
        SKIN,
        _chain(gait.HEAD, gait.CHEST, gait.CHEST, 0.87 * h, 0.0, 0.02 * h),
        0.72,
    )
    del neck
    if look.top in ("hoodie", "jacket", "coat", "shirt"):
        thick = 0.024 if look.top == "hoodie" else 0.008
        back = -0.022 if look.top == "hoodie" else -0.006
        collar = [(0.836, 0, back, 0.046 + thick, 0.040 + thick), (0.852, 0, back, 0.040 + thick, 0.038 + thick)]
        collar += [(0.864, 0, back - 0.002, 0.033 + thick, 0.031 + thick)]
        parts.add(_rings(collar, 18, h), TOP, _rigid(gait.CHEST), 0.9)
    if look.bottom == "skirt":
        base = profile[int(np.argmin([abs(row[0] - 0.56) for row in profile]))]
        length = 0.30 + 0.08 * (look.seed % 5) / 4
        skirt = [
            (z, 0, 0, base[3] + 0.006 + (0.56 - z) * 0.16, base[4] + 0.006 + (0.56 - z) * 0.22)
            for z in np.linspace(length, 0.58, 12)
        ]
        parts.add(_rings(skirt, 28, h), BOTTOM, _torso(h, 0.2), 0.95)


def _shade_trunk(grid: Float64s) -> Float64s:
    """Flanks behind the arms see less of the room."""
    centre = grid.mean(axis=1, keepdims=True)
    side = np.abs(grid - centre)[:, :, 0] / np.maximum(np.abs(grid - centre)[:, :, 0].max(1, keepdims=True), 1e-9)
    return np.asarray(1 - _ramp(side, 0.6, 1.0)).ravel()


def _limb_shade(grid: Float64s, sign: float) -> Float64s:
    """The inner side of a limb sees less of the room; two more values for the caps."""
    inner = -sign * (grid - grid.mean(axis=1, keepdims=True))[:, :, 0]
    inner = inner / np.maximum(np.abs(inner).max(axis=1, keepdims=True), 1e-9)
    return np.concatenate([(1 - 0.32 * _ramp(inner, -0.4, 1.0)).ravel(), [0.6, 0.6]])


def _add_leg(parts: _Parts, look: Look, h: float, side: int) -> None:
    sign = 1.0 if side == 0 else -1.0
    fat = 1 + 0.7 * (look.build - 1) + 0.04 * look.feminine
    x = sign * gait.HIP_X
    leg = [(0.036, x, -0.006, 0.022, 0.026), (0.07, x, -0.006, 0.022, 0.027), (0.12, x, -0.008, 0.027, 0.031)]
    leg += [(0.19, x, -0.010, 0.035, 0.039), (0.235, x, -0.007, 0.034, 0.037), (0.285, x, 0.002, 0.034, 0.037)]
    leg += [(0.33, x, 0.004, 0.039, 0.043), (0.40, x, 0.002, 0.046, 0.052), (0.46, x, 0, 0.050, 0.058)]
    leg += [(0.50, x, -0.002, 0.050, 0.060), (0.53, x, -0.002, 0.044, 0.052)]
    leg = [(z, cx, y, w * fat, d * fat) for z, cx, y, w, d in leg]
    bend = _chain(gait.THIGH + side, gait.SHIN + side, gait.SHIN + side, gait.KNEE_Z * h, -1.0, 0.028 * h)

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        bones, weights = bend(points)
        bones[:, 2] = gait.PELVIS
        up = 0.55 * _ramp(points[:, 2], 0.46 * h, 0.54 * h)
        weights[:, 0] -= up
        weights[:, 2] = up
        return bones, weights

    if look.bottom != "trousers":
        grid = _rings(_refined(leg, 22), 14, h)
        parts.add(grid, SKIN, weigh, _limb_shade(grid, sign))
    if look.bottom != "skirt":
        cuff = 0.045 if look.bottom == "trousers" else 0.30
        rng = np.random.default_rng(look.seed)
        wide = float(rng.uniform(0.002, 0.011))
        cloth = [
            (z, cx, y, w + 0.004 + wide * min(1, (0.56 - z) * 2.5), d + 0.004 + wide * min(1, (0.56 - z) * 2.5))
            for z, cx, y, w, d in _refined(leg, 26)
            if z >= cuff - 0.02
        ]
        grid = _rings(cloth, 16, h)
        parts.add(grid, BOTTOM, weigh, _limb_shade(grid, sign))
    _add_shoe(parts, h, side, x)


def _add_shoe(parts: _Parts, h: float, side: int, x: float) -> None:
    """A loft from heel to toe; rings stand upright."""
    rows = [(-0.046, 0.010, 0.020), (-0.040, 0.022, 0.042), (-0.02, 0.026, 0.052), (0.005, 0.026, 0.054)]
    rows += [
        (0.03, 0.027, 0.045),
        (0.055, 0.029, 0.034),
        (0.08, 0.029, 0.027),
        (0.10, 0.024, 0.022),
        (0.112, 0.010, 0.012),
    ]
    angle = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    grid = np.zeros((len(rows), 14, 3))
    for i, (y, half, top) in enumerate(rows):
        grid[i, :, 0] = (x + half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8) * h
        grid[i, :, 1] = y * h
        grid[i, :, 2] = np.clip(top / 2 + top / 2 * 1.1 * np.sin(-angle), 0, top) * h
    parts.add(grid, SHOE, _rigid(gait.FOOT + side), 0.75)


def _add_arm(parts: _Parts, look: Look, h: float, side: int) -> None:
    sign = 1.0 if side == 0 else -1.0
    slim = (1 - 0.13 * look.feminine) * (1 + 0.6 * (look.build - 1))
    x0, x1 = sign * gait.SHOULDER_X * (1 - 0.08 * look.feminine), sign * gait.SHOULDER_X * 1.06
    arm = [(0.478, x1, 0.002, 0.013, 0.017), (0.50, x1, 0, 0.0145, 0.018), (0.54, x1, 0, 0.019, 0.021)]
    arm += [(0.59, x1, 0, 0.0235, 0.0245), (0.63, x1, 0, 0.0235, 0.025), (0.68, x1, 0, 0.026, 0.029)]
    arm += [(0.73, x1, 0, 0.028, 0.032), (0.775, x0, 0, 0.030, 0.036), (0.795, x0 * 0.98, -0.002, 0.029, 0.035)]
    arm += [(0.808, x0 * 0.95, -0.003, 0.025, 0.030), (0.818, x0 * 0.90, -0.004, 0.018, 0.021)]
    arm += [(0.824, x0 * 0.84, -0.004, 0.008, 0.010)]
    arm = [(z, cx, y, w * slim, d * slim) for z, cx, y, w, d in arm]
    bend = _chain(gait.UPPER_ARM + side, gait.FOREARM + side, gait.HAND + side, gait.ELBOW_Z * h, 0.482 * h, 0.022 * h)

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        bones, weights = bend(points)
        near = _ramp(points[:, 2], 0.79 * h, 0.845 * h) * 0.6
        top = points[:, 2] > 0.75 * h
        bones[top, 1] = gait.CHEST
        weights[top, 0], weights[top, 1] = 1 - near[top], near[top]
        return bones, weights

    cuff = 0.818 - look.sleeves * (0.818 - 0.482)
    if look.sleeves < 0.9:
        grid = _rings(_refined(arm, 20), 12, h)
        parts.add(grid, SKIN, weigh, _limb_shade(grid, sign))
    ease = {"t-shirt": 0.006, "shirt": 0.005, "sweater": 0.007, "jacket": 0.010, "coat": 0.011, "hoodie": 0.009}[
        look.top
    ]
    cloth = [
        (z, cx, y, w + ease * min(1.0, (0.826 - z) * 40), d + ease * min(1.0, (0.826 - z) * 40))
        for z, cx, y, w, d in _refined(arm, 26)
        if z >= cuff
    ]
    grid = _rings(cloth, 14, h)
    parts.add(grid, TOP, weigh, _limb_shade(grid, sign))
    hand = [(0.398, x1 * 0.97, 0.012, 0.007, 0.014), (0.412, x1 * 0.975, 0.010, 0.010, 0.020)]
    hand += [
        (0.435, x1 * 0.99, 0.008, 0.0115, 0.024),
        (0.46, x1, 0.004, 0.013, 0.024),
        (0.488, x1, 0.001, 0.0125, 0.016),
    ]
    parts.add(_rings(hand, 10, h), SKIN, _rigid(gait.HAND + side), 0.9)
    thumb = [(0.425, x1 * 0.96, 0.036, 0.005, 0.005), (0.44, x1 * 0.965, 0.034, 0.0065, 0.007)]
    thumb += [(0.465, x1 * 0.99, 0.020, 0.007, 0.009)]
    parts.add(_rings(thumb, 6, h), SKIN, _rigid(gait.HAND + side), 0.85)


def head_frame(h: float) -> tuple[float, float, float, float, float]:
    """Centre y, centre z, half width, half depth, half height of the head, metres."""
    return 0.010 * h, 0.933 * h, 0.0455 * h, 0.056 * h, 0.067 * h


def _add_head(parts: _Parts, look: Look, h: float) -> None:
    """An ellipsoid given jaw, chin, nose, brow and occiput; hair and hats are further shells around it."""
    cy, cz, hw, hd, hh = head_frame(h)
    slim = 1 - 0.06 * look.feminine
    theta, phi = np.linspace(np.pi, 0, 22)[1:-1], np.linspace(0, 2 * np.pi, 28, endpoint=False)
    z = np.cos(theta)[:, None] * np.ones(28)
    x = np.sin(theta)[:, None] * np.cos(phi)
    y = np.sin(theta)[:, None] * np.sin(phi)
    below = np.clip(-z, 0, 1)
    x = x * (1 - 0.30 * below**1.4 - 0.05 * np.clip(z, 0, 1))
    front = np.clip(y, 0, 1)
    y = y * (1 - 0.10 * below * (y < 0)) + 0.20 * below * (y > -0.2) - 0.16 * below * (y <= -0.2) * below
    y = y - 0.07 * np.exp(-(((z - 0.08) / 0.12) ** 2)) * front**4
    nose = np.exp(-((x / 0.15) ** 2) - ((z + 0.22) / 0.16) ** 2) * (front > 0.5)
    shell = np.stack([x * hw * slim, cy + (y + 0.19 * nose) * hd, cz + z * hh], 2)
    weigh = _rigid(gait.HEAD)
    under = np.clip(1 - 0.45 * _ramp(-z, 0.35, 1.0), 0, 1)
    parts.add(shell, FACE, weigh, np.concatenate([under.ravel(), [0.5, 1.0]]))
    for sign in (1.0, -1.0):
        ear = [
            (-0.32, 0.0, 0.0, 0.03, 0.05),
            (-0.2, 0, 0, 0.05, 0.12),
            (0, 0, -0.03, 0.07, 0.17),
            (0.1, 0, -0.05, 0.05, 0.12),
        ]
        rows = [
            (cz + q * hh, sign * hw * 0.97 * slim, cy - 0.08 * hd + b * hd, w * hw * 1.6, d * hd)
            for q, a, b, w, d in ear
        ]
        parts.add(_rings(rows, 8, 1.0), SKIN, weigh, 0.8)
    if look.hair == "bald":
        return
    edge = _hairline(y, look.hair)
    grow = {"short": 0.07, "bob": 0.16, "long": 0.14, "ponytail": 0.09, "cap": 0.12, "beanie": 0.13}[look.hair]
    mask = _ramp(z, edge - 0.10, edge + 0.22)
    thick = mask * grow - 0.05 * (1 - mask)
    wave = 0.012 * np.sin(9 * np.arctan2(y, x) + look.seed) * mask
    hair = np.stack(
        [x * hw * slim * (1 + thick + wave), cy + (y * (1 + thick + wave)) * hd, cz + z * (1 + thick) * hh], 2
    )
    parts.add(
        hair,
        HAT if look.hair in ("cap", "beanie") else HAIR,
        weigh,
        np.concatenate([0.75 + 0.25 * mask.ravel(), [0.6, 1]]),
    )
    if look.hair == "cap":
        brim = [
            (cz + 0.36 * hh, 0, cy + 1.2 * hd, 0.72 * hw, 0.62 * hd),
            (cz + 0.42 * hh, 0, cy + 1.12 * hd, 0.74 * hw, 0.60 * hd),
        ]
        parts.add(_rings(brim, 16, 1.0), HAT, weigh, 0.9)
    if look.hair in ("long", "bob"):
        low = 0.79 if look.hair == "long" else 0.862
        rows = [
            (low * h, 0, cy - 0.62 * hd, 0.80 * hw, 0.34 * hd),
            ((low + 0.03) * h, 0, cy - 0.60 * hd, 1.0 * hw, 0.46 * hd),
            (cz - 0.5 * hh, 0, cy - 0.42 * hd, 1.14 * hw, 0.68 * hd),
            (cz + 0.1 * hh, 0, cy - 0.30 * hd, 1.12 * hw, 0.80 * hd),
            (cz + 0.5 * hh, 0, cy - 0.25 * hd, 0.9 * hw, 0.8 * hd),
        ]
        fall = _chain(gait.HEAD, gait.CHEST, gait.CHEST, 0.86 * h, 0.0, 0.06 * h)
        parts.add(_rings(_refined(rows, 12), 18, 1.0), HAIR, fall, 0.85)
    if look.hair == "ponytail":
        rows = [(0.81 * h, 0, cy - 1.45 * hd, 0.16 * hw, 0.14 * hd), (0.86 * h, 0, cy - 1.5 * hd, 0.36 * hw, 0.28 * hd)]
        rows += [(0.93 * h, 0, cy - 1.25 * hd, 0.34 * hw, 0.3 * hd), (0.955 * h, 0, cy - 0.95 * hd, 0.2 * hw, 0.2 * hd)]
        parts.add(_rings(_refined(rows, 10), 10, 1.0), HAIR, weigh, 0.9)


def _hairline(y: Float64s, hair: str) -> Float64s:
    """Height (in half heads) where the hair begins, by how far forward a point of the head is."""
    front = {"short": 0.58, "bob": 0.55, "long": 0.55, "ponytail": 0.6, "cap": 0.40, "beanie": 0.34}[hair]
    back = {"short": -0.5, "bob": -0.6, "long": -0.6, "ponytail": -0.45, "cap": -0.05, "beanie": -0.15}[hair]
    middle = {"short": -0.02, "bob": -0.5, "long": -0.5, "ponytail": 0.02, "cap": 0.28, "beanie": 0.12}[hair]
    return np.interp(y, [-0.8, -0.1, 0.25, 0.75], [back, middle, middle + 0.15, front])


def _add_bag(parts: _Parts, look: Look, h: float) -> None:
    if look.bag == "backpack":
        rows = [(0.58, 0, -0.105, 0.06, 0.025), (0.60, 0, -0.112, 0.082, 0.045), (0.68, 0, -0.112, 0.086, 0.048)]
        rows += [(0.76, 0, -0.106, 0.080, 0.042), (0.80, 0, -0.098, 0.066, 0.032), (0.815, 0, -0.092, 0.04, 0.016)]
        parts.add(_rings(_refined(rows, 12), 18, h, 0.6), BAG, _rigid(gait.CHEST))
        for sign in (1.0, -1.0):
            strap = [(0.70, sign * 0.075, 0.076, 0.013, 0.006), (0.75, sign * 0.068, 0.078, 0.013, 0.006)]
            strap += [(0.80, sign * 0.062, 0.060, 0.013, 0.008), (0.835, sign * 0.058, 0.034, 0.013, 0.010)]
            strap += [(0.845, sign * 0.056, 0.004, 0.013, 0.02), (0.848, sign * 0.056, -0.03, 0.012, 0.02)]
            parts.add(_rings(strap, 8, h), BAG, _rigid(gait.CHEST))
    if look.bag == "shoulder":
        rows = [
            (0.46, -0.125, -0.01, 0.022, 0.07),
            (0.47, -0.128, -0.01, 0.032, 0.085),
            (0.53, -0.128, -0.01, 0.032, 0.085),
        ]
        rows += [(0.575, -0.122, -0.01, 0.02, 0.075)]
        parts.add(_rings(_refined(rows, 8), 16, h, 0.6), BAG, _rigid(gait.PELVIS))
        for y, bulge in ((0.058, 0.022), (-0.066, -0.018)):
            z = np.linspace(0.56, 0.842, 12)
            t = (z - 0.56) / 0.282
            across = [
                (q, -0.118 + 0.172 * s, y + bulge * np.sin(np.pi * s), 0.016, 0.007) for q, s in zip(z, t, strict=True)
            ]
            parts.add(_rings(across, 8, h), BAG, _torso(h, 0.9))
    if look.bag == "tote":
        x = -gait.SHOULDER_X * 1.06
        rows = [(0.22, x, 0.0, 0.026, 0.085), (0.23, x, 0.0, 0.036, 0.095), (0.36, x, 0.0, 0.032, 0.095)]
        rows += [(0.372, x, 0.0, 0.02, 0.09), (0.40, x, 0.005, 0.006, 0.03), (0.44, x, 0.008, 0.006, 0.012)]
        parts.add(_rings(rows, 14, h, 0.6), BAG, _rigid(gait.HAND + 1))


def _materials(look: Look, h: float) -> Float32s:
    """(8, MATERIAL_FIELDS) float32; the columns are explained at ``kernels.shade``."""
    table = np.zeros((8, MATERIAL_FIELDS), np.float32)
    cy, cz, hw, hd, hh = head_frame(h)
    dark = tuple(c * 0.7 for c in look.bottom_colour)
    rows = {
        SKIN: (look.skin, look.skin, 0, 0.05, 0.0, 0.10, 1),
        FACE: (look.skin, look.skin, 0, 0.05, 0.0, 0.12, 2),
        HAIR: (look.hair_colour, look.hair_colour, 0, 0.02, 0.5, 0.18, 3),
        TOP: (look.top_colour, look.top_second, look.top_pattern, look.top_scale_m, 0.32, 0.02, 0),
        BOTTOM: (look.bottom_colour, look.bottom_second or dark, look.bottom_pattern, 0.05, 0.3, 0.02, 0),
        SHOE: (look.shoes, (0.55, 0.55, 0.53) if look.seed % 3 == 0 else look.shoes, 8, 0.05, 0.1, 0.12, 0),
        BAG: (look.bag_colour, tuple(0.55 * c for c in look.bag_colour), 9, 0.05, 0.25, 0.06, 0),
        HAT: (look.hat_colour, look.hat_colour, 0, 0.05, 0.3, 0.02, 0),
    }
    for row, (first, second, pattern, scale, fold, gloss, kind) in rows.items():
        table[row, :11] = (*first, *second, pattern, scale, fold, gloss, kind)
    hair = look.skin if look.hair == "bald" else look.hair_colour
    table[:, 11:16] = cy, cz, hw, hd, hh
    table[:, 16:19] = hair
    table[:, 19] = look.beard
    table[:, 20] = look.seed % 4096
    table[:, 21] = h
    return table
