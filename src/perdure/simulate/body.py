"""The mesh of one person: lofted tubes for torso, limbs and clothes, a modelled head, shoes, hair, hats and bags.

Built once per person in a rest pose (standing, arms hanging); ``gait.skeleton`` moves it by linear blend skinning.
Colours are procedural functions of the rest position (``shading.shade``), so the mesh carries no texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perdure.gallery.exemplars import unit
from perdure.simulate import gait
from perdure.simulate.head import add_bag, add_head, head_frame
from perdure.simulate.loft import (
    BAG,
    BOTTOM,
    FACE,
    HAIR,
    HAT,
    SHOE,
    SKIN,
    TOP,
    Parts,
    Row,
    chain,
    ramp,
    refined,
    rigid,
    rings_of,
    torso,
)
from perdure.simulate.looks import Look
from perdure.types import Float32s, Float64s

Int32s = npt.NDArray[np.int32]
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
    """(8, MATERIAL_FIELDS), see ``shading.shade``."""


def build(look: Look) -> Mesh:
    """The mesh of a person; the same look gives the same mesh."""
    parts = Parts()
    h = look.height_m
    _add_trunk(parts, look, h)
    for side in (0, 1):
        _add_leg(parts, look, h, side)
        _add_arm(parts, look, h, side)
    add_head(parts, look, h)
    add_bag(parts, look, h)
    vertices = np.concatenate(parts.vertices)
    triangles = np.concatenate(parts.triangles).astype(np.int32)
    return Mesh(
        vertices=vertices.astype(np.float32),
        normals=_normals(vertices, triangles),
        bones=np.concatenate(parts.bones).astype(np.int32),
        weights=np.concatenate(parts.weights).astype(np.float32),
        shade=np.concatenate(parts.shade).astype(np.float32),
        triangles=triangles,
        material=np.concatenate(parts.material).astype(np.int32),
        materials=_materials(look, h),
    )


def _normals(vertices: Float64s, triangles: Int32s) -> Float32s:
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, triangles[:, i], face)
    return unit(normals)


def _trunk_profile(look: Look) -> list[Row]:
    """Half widths and depths of the trunk (shares of height) from crotch to neck, between a man's and a woman's."""
    man = [(0.470, 0, 0, 0.072, 0.062), (0.50, 0, -0.004, 0.092, 0.070), (0.53, 0, -0.006, 0.096, 0.070)]
    man += [(0.57, 0, -0.002, 0.092, 0.063), (0.61, 0, 0.002, 0.085, 0.058), (0.66, 0, 0.004, 0.088, 0.062)]
    man += [(0.70, 0, 0.004, 0.097, 0.067), (0.745, 0, 0.003, 0.101, 0.068), (0.785, 0, -0.002, 0.102, 0.060)]
    man += [(0.815, 0, -0.006, 0.092, 0.047), (0.833, 0, -0.008, 0.078, 0.040), (0.848, 0, -0.008, 0.046, 0.035)]
    man += [(0.862, 0, -0.004, 0.033, 0.031)]
    woman = [(0.470, 0, 0, 0.076, 0.066), (0.50, 0, -0.006, 0.101, 0.076), (0.53, 0, -0.008, 0.103, 0.074)]
    woman += [(0.57, 0, -0.002, 0.092, 0.061), (0.61, 0, 0.002, 0.075, 0.053), (0.66, 0, 0.005, 0.078, 0.058)]
    woman += [(0.70, 0, 0.010, 0.087, 0.070), (0.745, 0, 0.008, 0.091, 0.068), (0.785, 0, -0.001, 0.094, 0.055)]
    woman += [(0.815, 0, -0.005, 0.080, 0.042), (0.833, 0, -0.007, 0.066, 0.036), (0.848, 0, -0.006, 0.040, 0.032)]
    woman += [(0.862, 0, -0.004, 0.028, 0.027)]
    mixed = np.array(man) * (1 - look.feminine) + np.array(woman) * look.feminine
    girth = 1 + (look.build - 1) * np.interp(mixed[:, 0], [0.47, 0.6, 0.75, 0.84], [0.8, 1.25, 0.8, 0.25])
    mixed[:, 3] *= girth
    mixed[:, 4] *= 1 + (girth - 1) * 1.6
    mixed[:, 2] += np.clip(look.build - 1, 0, 1) * 0.05 * np.exp(-(((mixed[:, 0] - 0.6) / 0.06) ** 2))
    return [tuple(row) for row in mixed]


def _add_trunk(parts: Parts, look: Look, h: float) -> None:
    """Pelvis in the trousers, and over it the top with its hem, hood, collar; or a skirt, or a coat's tail."""
    profile = refined(_trunk_profile(look), 30)
    pelvis = [row for row in profile if row[0] < 0.64]
    parts.add(
        rings_of([(z, x, y, w + 0.004, d + 0.004) for z, x, y, w, d in pelvis], 24, h), BOTTOM, torso(h, 0.4), 0.8
    )
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
    grid = rings_of(cloth, 28, h, 0.92)
    parts.add(grid, TOP, torso(h, 0.25), np.concatenate([0.78 + 0.22 * _shade_trunk(grid), [0.5, 1.0]]))
    tube = [(0.83, 0.0, -0.004, 0.034, 0.032), *[(z, 0, -0.002, 0.031, 0.031) for z in (0.85, 0.87, 0.89, 0.905)]]
    slim = 1 - 0.14 * look.feminine
    parts.add(
        rings_of([(z, x, y, w * slim, d * slim) for z, x, y, w, d in tube], 16, h),
        SKIN,
        chain(gait.HEAD, gait.CHEST, gait.CHEST, 0.87 * h, 0.0, 0.02 * h),
        0.72,
    )
    if look.top in ("hoodie", "jacket", "coat", "shirt"):
        thick = 0.024 if look.top == "hoodie" else 0.008
        back = -0.022 if look.top == "hoodie" else -0.006
        collar: list[Row] = [
            (0.836, 0, back, 0.046 + thick, 0.040 + thick),
            (0.852, 0, back, 0.040 + thick, 0.038 + thick),
        ]
        collar += [(0.864, 0, back - 0.002, 0.033 + thick, 0.031 + thick)]
        parts.add(rings_of(collar, 18, h), TOP, rigid(gait.CHEST), 0.9)
    if look.bottom == "skirt":
        base = profile[int(np.argmin([abs(row[0] - 0.56) for row in profile]))]
        length = 0.30 + 0.08 * (look.seed % 5) / 4
        skirt = [
            (z, 0, 0, base[3] + 0.006 + (0.56 - z) * 0.16, base[4] + 0.006 + (0.56 - z) * 0.22)
            for z in np.linspace(length, 0.58, 12)
        ]
        parts.add(rings_of(skirt, 28, h), BOTTOM, torso(h, 0.2), 0.95)


def _shade_trunk(grid: Float64s) -> Float64s:
    """Flanks behind the arms see less of the room."""
    centre = grid.mean(axis=1, keepdims=True)
    side = np.abs(grid - centre)[:, :, 0] / np.maximum(np.abs(grid - centre)[:, :, 0].max(1, keepdims=True), 1e-9)
    return np.asarray(1 - ramp(side, 0.6, 1.0)).ravel()


def _limb_shade(grid: Float64s, sign: float) -> Float64s:
    """The inner side of a limb sees less of the room; two more values for the caps."""
    inner = -sign * (grid - grid.mean(axis=1, keepdims=True))[:, :, 0]
    inner = inner / np.maximum(np.abs(inner).max(axis=1, keepdims=True), 1e-9)
    return np.concatenate([(1 - 0.32 * ramp(inner, -0.4, 1.0)).ravel(), [0.6, 0.6]])


def _add_leg(parts: Parts, look: Look, h: float, side: int) -> None:
    sign = 1.0 if side == 0 else -1.0
    fat = 1 + 0.7 * (look.build - 1) + 0.04 * look.feminine
    x = sign * gait.HIP_X
    leg = [(0.036, x, -0.006, 0.022, 0.026), (0.07, x, -0.006, 0.022, 0.027), (0.12, x, -0.008, 0.027, 0.031)]
    leg += [(0.19, x, -0.010, 0.035, 0.039), (0.235, x, -0.007, 0.034, 0.037), (0.285, x, 0.002, 0.034, 0.037)]
    leg += [(0.33, x, 0.004, 0.039, 0.043), (0.40, x, 0.002, 0.046, 0.052), (0.46, x, 0, 0.050, 0.058)]
    leg += [(0.50, x, -0.002, 0.050, 0.060), (0.53, x, -0.002, 0.044, 0.052)]
    leg = [(z, cx, y, w * fat, d * fat) for z, cx, y, w, d in leg]
    bend = chain(gait.THIGH + side, gait.SHIN + side, gait.SHIN + side, gait.KNEE_Z * h, -1.0, 0.028 * h)

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        bones, weights = bend(points)
        bones[:, 2] = gait.PELVIS
        up = 0.55 * ramp(points[:, 2], 0.46 * h, 0.54 * h)
        weights[:, 0] -= up
        weights[:, 2] = up
        return bones, weights

    if look.bottom != "trousers":
        grid = rings_of(refined(leg, 22), 14, h)
        parts.add(grid, SKIN, weigh, _limb_shade(grid, sign))
    if look.bottom != "skirt":
        cuff = 0.045 if look.bottom == "trousers" else 0.30
        rng = np.random.default_rng(look.seed)
        wide = float(rng.uniform(0.002, 0.011))
        cloth = [
            (z, cx, y, w + 0.004 + wide * min(1, (0.56 - z) * 2.5), d + 0.004 + wide * min(1, (0.56 - z) * 2.5))
            for z, cx, y, w, d in refined(leg, 26)
            if z >= cuff - 0.02
        ]
        grid = rings_of(cloth, 16, h)
        parts.add(grid, BOTTOM, weigh, _limb_shade(grid, sign))
    _add_shoe(parts, h, side, x)


def _add_shoe(parts: Parts, h: float, side: int, x: float) -> None:
    """A loft from heel to toe; rings stand upright."""
    rows: list[Row] = [(-0.046, 0.010, 0.020), (-0.040, 0.022, 0.042), (-0.02, 0.026, 0.052), (0.005, 0.026, 0.054)]
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
    parts.add(grid, SHOE, rigid(gait.FOOT + side), 0.75)


def _add_arm(parts: Parts, look: Look, h: float, side: int) -> None:
    sign = 1.0 if side == 0 else -1.0
    slim = (1 - 0.13 * look.feminine) * (1 + 0.6 * (look.build - 1))
    x0, x1 = sign * gait.SHOULDER_X * (1 - 0.08 * look.feminine), sign * gait.SHOULDER_X * 1.06
    arm = [(0.478, x1, 0.002, 0.013, 0.017), (0.50, x1, 0, 0.0145, 0.018), (0.54, x1, 0, 0.019, 0.021)]
    arm += [(0.59, x1, 0, 0.0235, 0.0245), (0.63, x1, 0, 0.0235, 0.025), (0.68, x1, 0, 0.026, 0.029)]
    arm += [(0.73, x1, 0, 0.028, 0.032), (0.775, x0, 0, 0.029, 0.034), (0.795, x0 * 0.98, -0.002, 0.0275, 0.033)]
    arm += [(0.808, x0 * 0.95, -0.003, 0.025, 0.030), (0.818, x0 * 0.90, -0.004, 0.018, 0.021)]
    arm += [(0.824, x0 * 0.84, -0.004, 0.008, 0.010)]
    arm = [(z, cx, y, w * slim, d * slim) for z, cx, y, w, d in arm]
    bend = chain(gait.UPPER_ARM + side, gait.FOREARM + side, gait.HAND + side, gait.ELBOW_Z * h, 0.482 * h, 0.022 * h)

    def weigh(points: Float64s) -> tuple[Float64s, Float64s]:
        bones, weights = bend(points)
        near = ramp(points[:, 2], 0.79 * h, 0.845 * h) * 0.6
        top = points[:, 2] > 0.75 * h
        bones[top, 1] = gait.CHEST
        weights[top, 0], weights[top, 1] = 1 - near[top], near[top]
        return bones, weights

    cuff = 0.818 - look.sleeves * (0.818 - 0.482)
    if look.sleeves < 0.9:
        grid = rings_of(refined(arm, 20), 12, h)
        parts.add(grid, SKIN, weigh, _limb_shade(grid, sign))
    ease = {"t-shirt": 0.006, "shirt": 0.005, "sweater": 0.007, "jacket": 0.010, "coat": 0.011, "hoodie": 0.009}[
        look.top
    ]
    cloth = [
        (z, cx, y, w + ease * min(1.0, (0.826 - z) * 40), d + ease * min(1.0, (0.826 - z) * 40))
        for z, cx, y, w, d in refined(arm, 26)
        if z >= cuff
    ]
    grid = rings_of(cloth, 14, h)
    parts.add(grid, TOP, weigh, _limb_shade(grid, sign))
    hand: list[Row] = [(0.398, x1 * 0.97, 0.012, 0.007, 0.014), (0.412, x1 * 0.975, 0.010, 0.010, 0.020)]
    hand += [
        (0.435, x1 * 0.99, 0.008, 0.0115, 0.024),
        (0.46, x1, 0.004, 0.013, 0.024),
        (0.488, x1, 0.001, 0.0125, 0.016),
    ]
    parts.add(rings_of(hand, 10, h), SKIN, rigid(gait.HAND + side), 0.9)
    thumb: list[Row] = [(0.425, x1 * 0.96, 0.036, 0.005, 0.005), (0.44, x1 * 0.965, 0.034, 0.0065, 0.007)]
    thumb += [(0.465, x1 * 0.99, 0.020, 0.007, 0.009)]
    parts.add(rings_of(thumb, 6, h), SKIN, rigid(gait.HAND + side), 0.85)


def _materials(look: Look, h: float) -> Float32s:
    """(8, MATERIAL_FIELDS) float32; the columns are explained at ``shading.shade``."""
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
