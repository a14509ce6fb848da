"""The building as a camera sees it empty: boxes with procedural surfaces, lamps, ray-traced once per camera."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perdure.simulate.kernels import compiled, hashed, inlined, noise, smooth
from perdure.simulate.lens import Lens
from perdure.types import Float32s, Float64s

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
        tone = 0.75 + 0.35 * hashed(int(row), int(math.floor(joint)), seed) + 0.12 * (noise(u * 5, v * 60, seed) - 0.5)
        edge = min(v / 0.14 - row, 1 - v / 0.14 + row) * 0.14
        tone *= 0.7 + 0.3 * smooth(0.0, 0.006, edge)
    elif kind == 2:
        a, b = u / 0.45, v / 0.45
        fa, fb = a - math.floor(a), b - math.floor(b)
        tone = 0.93 + 0.09 * hashed(int(math.floor(a)), int(math.floor(b)), seed) + 0.04 * noise(u * 9, v * 9, seed)
        mix = 1 - smooth(0.0, 0.02, min(min(fa, 1 - fa), min(fb, 1 - fb)))
    elif kind == 3:
        tone = 0.85 + 0.2 * noise(u * 45, v * 45, seed) + 0.08 * noise(u * 1.5, v * 1.5, seed)
    elif kind == 4:
        shelf = math.floor(v / 0.36)
        over = v / 0.36 - shelf
        wide = 0.09 + 0.10 * hashed(int(shelf), 11, seed)
        cell = math.floor(u / wide)
        tall = 0.45 + 0.42 * hashed(int(cell), int(shelf), seed + 1)
        if over < 0.10:
            mix, tone = 0.0, 0.9
        elif over < tall + 0.1:
            hue = hashed(int(cell), int(shelf), seed + 2)
            bright = 0.10 + 0.5 * hashed(int(cell), int(shelf), seed + 3)
            label = 0.6 + 0.6 * (abs(over - 0.1 - tall / 2) < 0.1)
            for c in range(3):
                wave = 0.5 + 0.5 * math.cos(6.2832 * (hue + c / 3.0))
                out[c] = bright * label * (0.25 + 0.75 * wave)
            return 0.0
        else:
            tone = 0.25
    elif kind == 5:
        tone = 0.82 + 0.25 * noise(u * 60, v * 60, seed) + 0.14 * (noise(u * 5, v * 5, seed) - 0.5)
    elif kind == 6:
        cell = hashed(int(math.floor(u / 0.17)), int(math.floor(v / 0.23)), seed)
        mix, tone = smooth(0.3, 0.7, cell), 0.7 + 0.6 * noise(u * 7, v * 7, seed)
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
def _trace(
    eye: Float64s,
    rays: Float64s,
    boxes: Float64s,
    surface: Float64s,
    lamps: Float64s,
    ambient: Float64s,
    salt: int,
    light: Float64s,
    depth: Float64s,
    normal: Float64s,
) -> None:
    """Follow (N, 3) rays: colour into ``light`` (N, 3), distance into ``depth`` (N,), ``normal`` (N, 3)."""
    base = np.zeros(3)
    for k in range(rays.shape[0]):
        dx, dy, dz = rays[k, 0], rays[k, 1], rays[k, 2]
        dx = dx if abs(dx) > 1e-9 else 1e-9
        dy = dy if abs(dy) > 1e-9 else 1e-9
        dz = dz if abs(dz) > 1e-9 else 1e-9
        n, far = _hit(eye[0], eye[1], eye[2], dx, dy, dz, boxes, 200.0)
        depth[k] = far
        if n < 0:
            for c in range(3):
                light[k, c] = 0.55 + 0.1 * c
                normal[k, c] = -rays[k, c]
            continue
        px, py, pz = eye[0] + dx * far, eye[1] + dy * far, eye[2] + dz * far
        b = boxes[n]
        axis, nearest, sign = 0, 1e9, 1.0
        for c in range(3):
            p = px if c == 0 else (py if c == 1 else pz)
            for side in range(2):
                gap = abs(p - b[c + 3 * side])
                if gap < nearest:
                    nearest, axis, sign = gap, c, 2.0 * side - 1.0
        nx = sign if axis == 0 else 0.0
        ny = sign if axis == 1 else 0.0
        nz = sign if axis == 2 else 0.0
        normal[k, 0], normal[k, 1], normal[k, 2] = nx, ny, nz
        glow = _albedo(surface[n], px, py, pz, axis, base)
        px, py, pz = px + nx * 2e-3, py + ny * 2e-3, pz + nz * 2e-3
        seen = 0.0
        for s in range(3):
            r1, r2 = hashed(k, s, salt), hashed(k, s + 17, salt)
            turn, flat = 6.2832 * r1, math.sqrt(r2)
            a, c2, up = flat * math.cos(turn), flat * math.sin(turn), math.sqrt(1 - r2) * sign
            ax = up if axis == 0 else a
            ay = up if axis == 1 else (a if axis == 0 else c2)
            az = up if axis == 2 else c2
            ax = ax if abs(ax) > 1e-9 else 1e-9
            ay = ay if abs(ay) > 1e-9 else 1e-9
            az = az if abs(az) > 1e-9 else 1e-9
            hit, way = _hit(px, py, pz, ax, ay, az, boxes, 2.5)
            seen += 1.0 if hit < 0 else 0.35 + 0.65 * way / 2.5
        seen /= 3
        up = 0.5 + 0.5 * nz
        red = (ambient[0, 0] * up + ambient[1, 0] * (1 - up)) * seen
        green = (ambient[0, 1] * up + ambient[1, 1] * (1 - up)) * seen
        blue = (ambient[0, 2] * up + ambient[1, 2] * (1 - up)) * seen
        for q in range(lamps.shape[0]):
            lx = lamps[q, 0] + 0.5 * (hashed(k, q + 31, salt) - 0.5) - px
            ly = lamps[q, 1] + 0.5 * (hashed(k, q + 57, salt) - 0.5) - py
            lz = lamps[q, 2] - pz
            d2 = lx * lx + ly * ly + lz * lz
            d = math.sqrt(d2)
            lx, ly, lz = lx / d, ly / d, lz / d
            facing = nx * lx + ny * ly + nz * lz
            if facing <= 0:
                continue
            lx = lx if abs(lx) > 1e-9 else 1e-9
            ly = ly if abs(ly) > 1e-9 else 1e-9
            lz = lz if abs(lz) > 1e-9 else 1e-9
            hit, _ = _hit(px, py, pz, lx, ly, lz, boxes, d)
            if hit < 0:
                power = facing / max(d2, 0.3)
                red += lamps[q, 3] * power
                green += lamps[q, 4] * power
                blue += lamps[q, 5] * power
        light[k, 0] = base[0] * red + glow * 1.0
        light[k, 1] = base[1] * green + glow * 1.05
        light[k, 2] = base[2] * blue + glow * 1.12


@compiled
def _open_lamps(points: Float64s, boxes: Float64s, lamps: Float64s, out: Float64s) -> None:
    for p in range(points.shape[0]):
        for q in range(lamps.shape[0]):
            dx, dy, dz = lamps[q, 0] - points[p, 0], lamps[q, 1] - points[p, 1], lamps[q, 2] - points[p, 2]
            d = math.sqrt(dx * dx + dy * dy + dz * dz)
            dx, dy, dz = dx / d, dy / d, dz / d
            dx = dx if abs(dx) > 1e-9 else 1e-9
            dy = dy if abs(dy) > 1e-9 else 1e-9
            dz = dz if abs(dz) > 1e-9 else 1e-9
            hit, _ = _hit(points[p, 0], points[p, 1], points[p, 2], dx, dy, dz, boxes, d)
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
    """The empty picture of a camera, ``samples`` x ``samples`` rays per pixel."""
    h, w = lens.height, lens.width
    eye = np.array(lens.position, np.float64)
    grid = np.stack(np.meshgrid(np.arange(w), np.arange(h)), axis=-1).reshape(-1, 2).astype(np.float64)
    total = np.zeros((len(grid), 3))
    light, depth, normal = np.zeros((len(grid), 3)), np.zeros(len(grid)), np.zeros((len(grid), 3))
    for s in range(samples * samples):
        shift = (np.array([s % samples, s // samples]) + 0.5) / samples
        _trace(
            eye,
            lens.rays(grid + shift),
            scene.boxes,
            scene.surface,
            scene.lamps,
            scene.ambient,
            s,
            light,
            depth,
            normal,
        )
        total += np.minimum(light, 4.0)
    rays = lens.rays(grid + 0.5)
    _trace(eye, rays, scene.boxes, scene.surface, scene.lamps[:0], scene.ambient, 99, light, depth, normal)
    place = eye + rays * depth[:, None]
    axial = depth * (rays @ lens.rotation[2])
    return View(
        picture=(total / samples**2).reshape(h, w, 3).astype(np.float32),
        depth=axial.reshape(h, w).astype(np.float32),
        place=place.reshape(h, w, 3).astype(np.float32),
        normal=normal.reshape(h, w, 3).astype(np.float32),
    )
