"""The building as a camera sees it empty: boxes with procedural surfaces, lamps, ray-traced once per camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perdure.simulate.kernels import compiled, hashed, inlined, noise, smooth
from perdure.simulate.lens import Lens
from perdure.types import Float32s, Float64s, Ints

PAINT, PLANKS, TILES, CARPET, GOODS, FABRIC, POSTER, WINDOW, WOOD, STONE = range(10)
"""Surfaces of ``Scene.boxes``."""


@dataclass(frozen=True)
class Scene:
    """Everything that does not move."""

    boxes: Float64s
    """(N, 6) low corner and high corner, metres."""
    surface: Float64s
    """(N, 8): kind, colour RGB, second colour RGB, seed."""
    lamps: Float64s
    """(L, 6): position, RGB intensity (cd-like, relative)."""
    ambient: Float64s
    """(2, 3): RGB light from above and from below."""


@dataclass(frozen=True)
class View:
    """An empty picture with what is needed to draw people into it."""

    picture: Float32s
    """(H, W, 3) linear RGB."""
    depth: Float32s
    """(H, W) along the optical axis, metres."""
    place: Float32s
    """(H, W, 3) world position of each pixel's centre."""
    normal: Float32s
    """(H, W, 3)."""


FAR_M, LAMP_REACH_M = 200.0, 25.0
AMBIENT_RAYS, LAMP_RAYS = 12, 4


@inlined
def _safe(x: float) -> float:
    """A direction's component that can be divided by."""
    return x if abs(x) > 1e-9 else 1e-9


@inlined
def _hit(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, boxes: Float64s, best: float
) -> tuple[int, float]:
    """Index and distance of the nearest box on a ray, or (-1, ``best``)."""
    ix, iy, iz = 1.0 / dx, 1.0 / dy, 1.0 / dz
    found = -1
    for n in range(boxes.shape[0]):
        b = boxes[n]
        t0, t1 = (b[0] - ox) * ix, (b[3] - ox) * ix
        low, high = min(t0, t1), max(t0, t1)
        t0, t1 = (b[1] - oy) * iy, (b[4] - oy) * iy
        low, high = max(low, min(t0, t1)), min(high, max(t0, t1))
        t0, t1 = (b[2] - oz) * iz, (b[5] - oz) * iz
        low, high = max(low, min(t0, t1)), min(high, max(t0, t1))
        if high >= low and low > 1e-4 and low < best:
            best, found = low, n
    return found, best


@inlined
def _goods(u: float, v: float, seed: int, out: Float64s) -> float:
    """A shelf: brightness of its wood or of the dark between goods; -1 where goods stand, their colour in ``out``."""
    shelf = math.floor(v / 0.36)
    over = v / 0.36 - shelf
    cell = math.floor(u / (0.09 + 0.10 * hashed(int(shelf), 11, seed)))
    tall = 0.45 + 0.42 * hashed(int(cell), int(shelf), seed + 1)
    if over < 0.10:
        return 0.9
    if over >= tall + 0.1:
        return 0.25
    hue = hashed(int(cell), int(shelf), seed + 2)
    bright = 0.08 + 0.62 * hashed(int(cell), int(shelf), seed + 3)
    strong = 0.75 * hashed(int(cell), int(shelf), seed + 4)
    label = 0.55 if abs(over - 0.1 - tall / 2) < 0.1 else 1.0
    for c in range(3):
        wave = 0.5 + 0.5 * math.cos(6.2832 * (0.55 * hue * hue - 0.08 + c / 3.0))
        out[c] = bright * label * (1 - strong + strong * wave)
    return -1.0


@inlined
def _albedo(s: Float64s, x: float, y: float, z: float, axis: int, out: Float64s) -> float:
    """Colour of a surface at a point, into ``out``; returns the light it sends out itself."""
    kind, seed = int(s[0]), int(s[7])
    u, v = (y, z) if axis == 0 else ((x, z) if axis == 1 else (x, y))
    mix, tone = 0.0, 1.0
    if kind == 0:
        tone = 0.96 + 0.06 * noise(u * 2.2, v * 2.2, seed) - 0.10 * (1 - smooth(0.0, 0.09, z)) * (axis != 2)
    elif kind == 1:
        row = math.floor(v / 0.14)
        joint = u / 1.1 + hashed(int(row), 3, seed)
        tone = 0.75 + 0.35 * hashed(int(row), math.floor(joint), seed) + 0.12 * (noise(u * 5, v * 60, seed) - 0.5)
        edge = min(v / 0.14 - row, 1 - v / 0.14 + row) * 0.14
        tone *= 0.7 + 0.3 * smooth(0.0, 0.006, edge)
    elif kind == 2:
        a, b = u / 0.45, v / 0.45
        fa, fb = a - math.floor(a), b - math.floor(b)
        tone = 0.93 + 0.09 * hashed(math.floor(a), math.floor(b), seed) + 0.04 * noise(u * 9, v * 9, seed)
        mix = 1 - smooth(0.0, 0.02, min(fa, 1 - fa, fb, 1 - fb))
    elif kind == 3:
        tone = 0.85 + 0.2 * noise(u * 45, v * 45, seed) + 0.08 * noise(u * 1.5, v * 1.5, seed)
    elif kind == 4:
        tone = _goods(u, v, seed, out)
        if tone < 0:
            return 0.0
    elif kind == 5:
        tone = 0.82 + 0.25 * noise(u * 60, v * 60, seed) + 0.14 * (noise(u * 5, v * 5, seed) - 0.5)
    elif kind == 6:
        patch = hashed(math.floor(u / 0.17), math.floor(v / 0.23), seed)
        mix, tone = smooth(0.3, 0.7, patch), 0.7 + 0.6 * noise(u * 7, v * 7, seed)
    elif kind == 7:
        for c in range(3):
            out[c] = 0.1
        return 0.85 + 0.35 * noise(u * 1.1, v * 1.3, seed)
    elif kind == 8:
        tone = 0.82 + 0.22 * noise(u * 3, v * 50, seed) + 0.1 * noise(u * 1.2, v * 9, seed)
    else:
        tone = 0.7 + 0.3 * noise(u * 8, v * 8, seed) + 0.2 * noise(u * 40, v * 40, seed)
    for c in range(3):
        out[c] = (s[1 + c] * (1 - mix) + s[4 + c] * mix) * tone
    return 0.0


@compiled
def _surfaces(eye: Float64s, rays: Float64s, boxes: Float64s, distance: Float64s, hit: Ints, normal: Float64s) -> None:
    """What (N, 3) rays meet: ``distance`` (N,), index of the box in ``hit`` (N,) or -1, ``normal`` (N, 3)."""
    for k in range(rays.shape[0]):
        dx, dy, dz = _safe(rays[k, 0]), _safe(rays[k, 1]), _safe(rays[k, 2])
        n, far = _hit(eye[0], eye[1], eye[2], dx, dy, dz, boxes, FAR_M)
        distance[k], hit[k] = far, n
        for c in range(3):
            normal[k, c] = -rays[k, c]
        if n < 0:
            continue
        axis, nearest, sign = 0, 1e9, 1.0
        for c in range(3):
            p = eye[c] + rays[k, c] * far
            for side in range(2):
                gap = abs(p - boxes[n, c + 3 * side])
                if gap < nearest:
                    nearest, axis, sign = gap, c, 2.0 * side - 1.0
        for c in range(3):
            normal[k, c] = sign if c == axis else 0.0


@compiled
def _lighting(
    place: Float64s, normal: Float64s, hit: Ints, boxes: Float64s, lamps: Float64s, ambient: Float64s, out: Float64s
) -> None:
    """RGB light that falls on (N, 3) points: lamps of half a metre with soft shadows, and the sky past near things."""
    for k in range(place.shape[0]):
        if hit[k] < 0:
            continue
        nx, ny, nz = normal[k, 0], normal[k, 1], normal[k, 2]
        px, py, pz = place[k, 0] + nx * 2e-3, place[k, 1] + ny * 2e-3, place[k, 2] + nz * 2e-3
        seen = 0.0
        for s in range(AMBIENT_RAYS):
            turn = 6.2832 * (s * 0.618034 + hashed(k, 5, 1))
            r2 = (s + hashed(k, s, 2)) / AMBIENT_RAYS
            flat, up = math.sqrt(r2), math.sqrt(1 - r2)
            a, b = flat * math.cos(turn), flat * math.sin(turn)
            ax = up * nx if nx != 0 else a
            ay = up * ny if ny != 0 else (b if nz != 0 else a)
            az = up * nz if nz != 0 else b
            found, way = _hit(px, py, pz, _safe(ax), _safe(ay), _safe(az), boxes, 2.5)
            seen += 1.0 if found < 0 else 0.35 + 0.65 * way / 2.5
        seen /= AMBIENT_RAYS
        up = 0.5 + 0.5 * nz
        for c in range(3):
            out[k, c] = (ambient[0, c] * up + ambient[1, c] * (1 - up)) * seen
        for q in range(lamps.shape[0]):
            for s in range(LAMP_RAYS):
                lx = lamps[q, 0] + 0.5 * ((s % 2 + hashed(k, q + 31, s)) / 2 - 0.5) - px
                ly = lamps[q, 1] + 0.5 * ((s // 2 + hashed(k, q + 57, s)) / 2 - 0.5) - py
                lz = lamps[q, 2] - pz
                d2 = lx * lx + ly * ly + lz * lz
                d = math.sqrt(d2)
                lx, ly, lz = lx / d, ly / d, lz / d
                facing = nx * lx + ny * ly + nz * lz
                if facing <= 0 or d > LAMP_REACH_M:
                    continue
                found, _ = _hit(px, py, pz, _safe(lx), _safe(ly), _safe(lz), boxes, d)
                if found < 0:
                    power = facing / max(d2, 0.3) / LAMP_RAYS
                    for c in range(3):
                        out[k, c] += lamps[q, 3 + c] * power


@compiled
def _paint(
    place: Float64s,
    normal: Float64s,
    hit: Ints,
    pixel: Float64s,
    surface: Float64s,
    coarse_place: Float64s,
    coarse_normal: Float64s,
    coarse_hit: Ints,
    coarse_light: Float64s,
    total: Float64s,
) -> None:
    """Add the colour of (N, 3) points to ``total``: their surface under the light of coarse pixels on the same plane.

    The coarse arrays are (H/2, W/2, ...); ``pixel`` (N, 2) says where in the full picture each point is seen.
    """  # fmt: skip
    base, light = np.zeros(3), np.zeros(3)
    rows, columns = coarse_hit.shape
    for k in range(place.shape[0]):
        if hit[k] < 0:
            for c in range(3):
                total[k, c] += 0.55 + 0.1 * c
            continue
        axis = 0 if normal[k, 0] != 0 else (1 if normal[k, 1] != 0 else 2)
        glow = _albedo(surface[hit[k]], place[k, 0], place[k, 1], place[k, 2], axis, base)
        u, v = pixel[k, 0] / 2 - 0.5, pixel[k, 1] / 2 - 0.5
        weight = 0.0
        light[:] = 0.0
        for j in range(max(int(v) - 2, 0), min(int(v) + 4, rows)):
            for i in range(max(int(u) - 2, 0), min(int(u) + 4, columns)):
                if coarse_hit[j, i] < 0:
                    continue
                same = 0.0
                apart = 0.0
                for c in range(3):
                    same += coarse_normal[j, i, c] * normal[k, c]
                    apart += (coarse_place[j, i, c] - place[k, c]) * normal[k, c]
                away = (i - u) ** 2 + (j - v) ** 2
                w = math.exp(-away / 3.0)
                if same < 0.5 or abs(apart) > 0.02:
                    w *= 1e-4
                weight += w
                for c in range(3):
                    light[c] += w * coarse_light[j, i, c]
        for c in range(3):
            total[k, c] += min(base[c] * light[c] / max(weight, 1e-12) + glow * (1.0 + 0.06 * c), 4.0)


@compiled
def _open_lamps(points: Float64s, boxes: Float64s, lamps: Float64s, out: Float64s) -> None:
    for p in range(points.shape[0]):
        for q in range(lamps.shape[0]):
            dx, dy, dz = lamps[q, 0] - points[p, 0], lamps[q, 1] - points[p, 1], lamps[q, 2] - points[p, 2]
            d = math.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx / d, dy / d, dz / d
            hit, _ = _hit(points[p, 0], points[p, 1], points[p, 2], _safe(dx), _safe(dy), _safe(dz), boxes, d)
            out[p, q] = 0.0 if hit >= 0 else 1.0


def lamps_at(scene: Scene, x: float, y: float) -> Float64s:
    """(L, 6) the lamps as they reach a person at (x, y): those behind walls are dimmed or dark."""
    offsets = ((0, 0), (0.25, 0), (-0.25, 0), (0, 0.25), (0, -0.25))
    points = np.array([[x + a, y + b, z] for a, b in offsets for z in (0.7, 1.5)])
    seen = np.zeros((len(points), len(scene.lamps)))
    _open_lamps(points, scene.boxes, scene.lamps, seen)
    out = scene.lamps.copy()
    out[:, 3:] *= seen.mean(axis=0)[:, None]
    return np.asarray(out[out[:, 3:].sum(axis=1) > 1e-6])


def visible_from(scene: Scene, eye: Float64s, points: Float64s) -> Float64s:
    """(N,) bool: which points a camera at ``eye`` sees past the boxes."""
    lamp = np.array([[*eye, 1.0, 1.0, 1.0]])
    seen = np.zeros((len(points), 1))
    _open_lamps(points, scene.boxes, lamp, seen)
    return np.asarray(seen[:, 0] > 0)


def look(scene: Scene, lens: Lens, samples: int = 2) -> View:
    """The empty picture of a camera, ``samples`` x ``samples`` rays per pixel; light is gathered at half the size."""
    h, w = lens.height, lens.width
    coarse = _meet(scene, lens, _grid(w // 2, h // 2) * 2 + 1.0)
    light = np.zeros((len(coarse.hit), 3))
    _lighting(coarse.place, coarse.normal, coarse.hit, scene.boxes, scene.lamps, scene.ambient, light)
    shape = (h // 2, w // 2)
    guide = (coarse.place.reshape(*shape, 3), coarse.normal.reshape(*shape, 3), coarse.hit.reshape(shape))
    total = np.zeros((h * w, 3))
    for s in range(samples * samples):
        pixel = _grid(w, h) + (np.array([s % samples, s // samples]) + 0.5) / samples
        met = _meet(scene, lens, pixel)
        _paint(met.place, met.normal, met.hit, pixel, scene.surface, *guide, light.reshape(*shape, 3), total)
    centre = _meet(scene, lens, _grid(w, h) + 0.5)
    axial = (centre.place - np.array(lens.position)) @ lens.rotation[2]
    return View(
        picture=(total / samples**2).reshape(h, w, 3).astype(np.float32),
        depth=axial.reshape(h, w).astype(np.float32),
        place=centre.place.reshape(h, w, 3).astype(np.float32),
        normal=centre.normal.reshape(h, w, 3).astype(np.float32),
    )


@dataclass(frozen=True)
class _Met:
    """Where rays end."""

    place: Float64s
    normal: Float64s
    hit: Ints


def _grid(width: int, height: int) -> Float64s:
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2).astype(np.float64)


def _meet(scene: Scene, lens: Lens, pixels: Float64s) -> _Met:
    eye, rays = np.array(lens.position, np.float64), lens.rays(pixels)
    distance, hit, normal = np.zeros(len(rays)), np.zeros(len(rays), np.int64), np.zeros((len(rays), 3))
    _surfaces(eye, rays, scene.boxes, distance, hit, normal)
    return _Met(eye + rays * distance[:, None], normal, hit)
