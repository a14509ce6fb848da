"""The inner loops of the renderer: skinning, z-buffer, shading of people. Compiled by numba.

Shading is done in linear light, RGB. Everything is deterministic: noise comes from hashes of positions and seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from perdure.types import Float32s

F = TypeVar("F", bound=Callable[..., object])
Int32s = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


def compiled(function: F) -> F:
    """Compiled on first use, kept on disk, run without the interpreter's lock."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """As ``compiled``, and copied into its callers."""
    return cast(F, numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy", inline="never")(function))


@inlined
def hashed(a: int, b: int, c: int) -> float:
    """A number in [0, 1) that looks random in its three arguments."""
    h = (
        np.uint32(a) * np.uint32(374761393) + np.uint32(b) * np.uint32(668265263) + np.uint32(c) * np.uint32(2246822519)
    ) & np.uint32(0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    h = h ^ (h >> np.uint32(16))
    return float(h & np.uint32(0xFFFFFF)) / 16777216.0


@inlined
def noise(x: float, y: float, seed: int) -> float:
    """Smooth value noise in [0, 1)."""
    xf, yf = math.floor(x), math.floor(y)
    xi, yi = int(xf), int(yf)
    u, v = x - xf, y - yf
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    a, b = hashed(xi, yi, seed), hashed(xi + 1, yi, seed)
    c, d = hashed(xi, yi + 1, seed), hashed(xi + 1, yi + 1, seed)
    return (a + (b - a) * u) * (1 - v) + (c + (d - c) * u) * v


@inlined
def smooth(low: float, high: float, value: float) -> float:
    """0 below ``low``, 1 above ``high``, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)


@compiled
def deform(
    vertices: Float32s,
    normals: Float32s,
    bones: Int32s,
    weights: Float32s,
    mats: Float32s,
    pos: Float32s,
    nrm: Float32s,
) -> None:
    """Linear blend skinning into ``pos`` and ``nrm``; ``mats`` is (B, 3, 4)."""
    for v in range(vertices.shape[0]):
        px, py, pz = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        for r in range(3):
            p = np.float32(0.0)
            n = np.float32(0.0)
            for k in range(3):
                w = weights[v, k]
                if w > 0:
                    m = mats[bones[v, k]]
                    p += w * (m[r, 0] * px + m[r, 1] * py + m[r, 2] * pz + m[r, 3])
                    n += w * (m[r, 0] * nx + m[r, 1] * ny + m[r, 2] * nz)
            pos[v, r] = p
            nrm[v, r] = n


@compiled
def project(pos: Float32s, rotation: Float32s, eye: Float32s, lens: Float32s, out: Float32s, bounds: Float32s) -> None:
    """Into ``out`` (V, 3): pixel x, y and depth; depth -1 where a point is not in front of the lens.

    ``bounds`` (4,) is widened to hold every point in front: least x, y, greatest x, y.

    ``lens`` is (5,): focal length, centre x, centre y in pixels, k1, k2. The same formula as ``Lens.project``.
    """
    f, cx, cy, k1, k2 = lens[0], lens[1], lens[2], lens[3], lens[4]
    for v in range(pos.shape[0]):
        dx, dy, dz = pos[v, 0] - eye[0], pos[v, 1] - eye[1], pos[v, 2] - eye[2]
        z = rotation[2, 0] * dx + rotation[2, 1] * dy + rotation[2, 2] * dz
        if z < 0.2:
            out[v, 2] = -1.0
            continue
        x = (rotation[0, 0] * dx + rotation[0, 1] * dy + rotation[0, 2] * dz) / z
        y = (rotation[1, 0] * dx + rotation[1, 1] * dy + rotation[1, 2] * dz) / z
        r2 = x * x + y * y
        if 1 + 3 * k1 * r2 + 5 * k2 * r2 * r2 <= 0:
            out[v, 2] = -1.0
            continue
        d = 1 + k1 * r2 + k2 * r2 * r2
        out[v, 0] = f * x * d + cx
        out[v, 1] = f * y * d + cy
        out[v, 2] = z
        bounds[0], bounds[1] = min(bounds[0], out[v, 0]), min(bounds[1], out[v, 1])
        bounds[2], bounds[3] = max(bounds[2], out[v, 0]), max(bounds[3], out[v, 1])


@compiled
def rasterise(
    screen: Float32s, triangles: Int32s, jitter_x: float, jitter_y: float, depth: Float32s, ids: Int32s
) -> None:
    """Draw triangles into ``depth`` and ``ids`` (both (H, W), of a window whose origin is in the jitter)."""
    height, width = depth.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        za, zb, zc = screen[a, 2], screen[b, 2], screen[c, 2]
        if za < 0 or zb < 0 or zc < 0:
            continue
        xa, ya = screen[a, 0] - jitter_x, screen[a, 1] - jitter_y
        xb, yb = screen[b, 0] - jitter_x, screen[b, 1] - jitter_y
        xc, yc = screen[c, 0] - jitter_x, screen[c, 1] - jitter_y
        x0 = max(math.ceil(min(xa, xb, xc) - 0.5), 0)
        x1 = min(math.floor(max(xa, xb, xc) - 0.5), width - 1)
        y0 = max(math.ceil(min(ya, yb, yc) - 0.5), 0)
        y1 = min(math.floor(max(ya, yb, yc) - 0.5), height - 1)
        if x0 > x1 or y0 > y1:
            continue
        det = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if abs(det) < 1e-9:
            continue
        inv = 1.0 / det
        ia, ib, ic = 1.0 / za, 1.0 / zb, 1.0 / zc
        for y in range(y0, y1 + 1):
            py = y + 0.5 - ya
            for x in range(x0, x1 + 1):
                px = x + 0.5 - xa
                wb = (px * (yc - ya) - (xc - xa) * py) * inv
                wc = ((xb - xa) * py - px * (yb - ya)) * inv
                wa = 1 - wb - wc
                if wa < 0 or wb < 0 or wc < 0:
                    continue
                z = 1.0 / (wa * ia + wb * ib + wc * ic)
                if z < depth[y, x]:
                    depth[y, x] = z
                    ids[y, x] = t


@inlined
def fabric(m: Float32s, x: float, y: float, z: float, out: Float32s) -> None:
    """Colour of cloth at a rest position: plain or patterned, into ``out`` (3,)."""
    pattern, scale, seed = int(m[6]), m[7], int(m[20])
    mix = 0.0
    h = m[21]
    if pattern == 1:
        mix = smooth(0.42, 0.58, abs((z / scale) % 1.0 - 0.5) * 2)
    elif pattern == 2:
        mix = 0.7 * smooth(0.70, 0.85, abs((math.atan2(y, x) * 0.16 / (0.5 * scale)) % 1.0 - 0.5) * 2)
    elif pattern == 3:
        a = smooth(0.4, 0.6, abs((z / (1.6 * scale)) % 1.0 - 0.5) * 2)
        b = smooth(0.4, 0.6, abs((math.atan2(y, x) * 0.16 / (1.6 * scale)) % 1.0 - 0.5) * 2)
        mix = 0.5 * a + 0.5 * b
    elif pattern == 4:
        u, v = math.atan2(y, x) * 0.16 / scale, z / scale
        u += 0.5 * (math.floor(v) % 2)
        du, dv = u - math.floor(u) - 0.5, v - math.floor(v) - 0.5
        mix = 1 - smooth(0.24, 0.34, math.sqrt(du * du + dv * dv))
    elif pattern == 5:
        mix = 1 - smooth(0.0, 0.01, z - (0.62 + 0.10 * (seed % 7) / 7) * h)
    elif pattern == 6:
        u, v = (x / h) / 0.055, (z / h - 0.735) / 0.045
        if y > 0 and abs(u) < 1 and abs(v) < 1:
            cell = hashed(math.floor(u * 3), math.floor(v * 3), seed)
            mix = 0.9 if cell > 0.45 else 0.15
    elif pattern == 7:
        if y > 0 and abs(x) < 0.10 * h:
            gap = (0.012 + 0.02 * ((seed % 5) / 4)) * h + 0.05 * max(0.0, 0.70 * h - z)
            mix = 1 - smooth(gap, gap + 0.006, abs(x))
    elif pattern == 8:
        mix = 1 - smooth(0.012, 0.018, z)
    elif pattern == 9:
        u = abs(z - 0.70 * h)
        mix = 0.8 * (1 - smooth(0.003, 0.008, u)) + 0.25 * noise(x * 18, z * 18, seed)
    for c in range(3):
        out[c] = m[c] * (1 - mix) + m[3 + c] * mix


@inlined
def face(m: Float32s, x: float, y: float, z: float, out: Float32s) -> None:
    """Colour of the head: skin with eyes, brows, nose, lips and beard, and hair above the hairline."""
    u, v, w = x / m[13], (z - m[12]) / m[15], (y - m[11]) / m[14]
    for c in range(3):
        out[c] = m[c]
    if w > 0.1:
        s = abs(u)
        dark = 0.35 * math.exp(-(((s - 0.38) / 0.22) ** 2) - ((v - 0.05) / 0.11) ** 2)
        dark += 0.30 * math.exp(-((u / 0.22) ** 2) - ((v + 0.36) / 0.04) ** 2)
        dark += 0.22 * math.exp(-((u / 0.30) ** 2) - ((v + 0.66) / 0.05) ** 2)
        dark += 0.16 * smooth(0.55, 1.0, s)
        warm = 0.5 * math.exp(-(((s - 0.5) / 0.25) ** 2) - ((v + 0.3) / 0.18) ** 2)
        out[0] *= 1 - dark * 0.8 + 0.12 * warm
        out[1] *= 1 - dark
        out[2] *= 1 - dark
        lips = math.exp(-((u / 0.26) ** 4) - ((v + 0.53) / 0.055) ** 2)
        out[0] *= 1 - 0.25 * lips
        out[1] *= 1 - 0.55 * lips
        out[2] *= 1 - 0.50 * lips
        white = 0.6 * math.exp(-(((s - 0.38) / 0.12) ** 4) - ((v - 0.03) / 0.045) ** 4)
        iris = math.exp(-(((s - 0.37) / 0.055) ** 4) - ((v - 0.03) / 0.05) ** 4)
        brow = 0.8 * math.exp(-(((s - 0.38) / 0.19) ** 4) - ((v - 0.17 + 0.06 * s) / 0.035) ** 2)
        for c in range(3):
            out[c] = out[c] * (1 - white) + 0.55 * white
            out[c] = out[c] * (1 - iris) + 0.02 * iris
            out[c] = out[c] * (1 - brow) + 0.6 * m[16 + c] * brow
        jaw = smooth(0.16, 0.34, -v) * (1 - 0.9 * lips)
        jaw = max(jaw, smooth(0.55, 0.75, s) * smooth(-0.1, 0.1, -v)) * m[19]
        for c in range(3):
            out[c] = out[c] * (1 - jaw) + m[16 + c] * jaw
    edge = 0.60
    if w < 0.7:
        edge = 0.60 - 0.55 * smooth(0.0, 0.55, 0.7 - w)
    if w < 0.1:
        edge = 0.05 - 0.6 * smooth(0.0, 0.9, 0.1 - w)
    hair = smooth(-0.04, 0.05, v - edge)
    for c in range(3):
        out[c] = out[c] * (1 - hair) + m[16 + c] * hair


@compiled
def shade(
    ids: Int32s,
    depth: Float32s,
    origin: Int32s,
    screen: Float32s,
    pos: Float32s,
    nrm: Float32s,
    rest: Float32s,
    open_sky: Float32s,
    triangles: Int32s,
    material: Int32s,
    materials: Float32s,
    jitter: Float32s,
    eye: Float32s,
    lights: Float32s,
    ambient: Float32s,
    person: int,
    scene_depth: Float32s,
    colour: Float32s,
    owner: Int32s,
) -> int:
    """Colour the pixels of one person that are nearer than what is there; returns how many pixels it has alone.

    ``lights`` (L, 6): position and RGB intensity. ``ambient`` (2, 3): light from above and from below. ``materials``
    columns: 0-2 colour, 3-5 second colour, 6 pattern, 7 its scale in metres, 8 depth of folds, 9 gloss, 10 kind
    (0 cloth, 1 skin, 2 head, 3 hair), 11-15 head frame, 16-18 hair colour, 19 beard, 20 seed, 21 body height.
    """
    rows, columns = ids.shape
    base = np.zeros(3, np.float32)
    alone = 0
    for j in range(rows):
        for i in range(columns):
            t = ids[j, i]
            if t < 0:
                continue
            alone += 1
            y, x = origin[1] + j, origin[0] + i
            if depth[j, i] >= scene_depth[y, x]:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            px, py = x + 0.5 - jitter[0] - screen[a, 0], y + 0.5 - jitter[1] - screen[a, 1]
            bx, by = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
            ex, ey = screen[c, 0] - screen[a, 0], screen[c, 1] - screen[a, 1]
            inv = 1.0 / (bx * ey - ex * by)
            wb = (px * ey - ex * py) * inv
            wc = (bx * py - px * by) * inv
            wa = (1 - wb - wc) / screen[a, 2]
            wb, wc = wb / screen[b, 2], wc / screen[c, 2]
            total = 1.0 / (wa + wb + wc)
            wa, wb, wc = wa * total, wb * total, wc * total
            rx = wa * rest[a, 0] + wb * rest[b, 0] + wc * rest[c, 0]
            ry = wa * rest[a, 1] + wb * rest[b, 1] + wc * rest[c, 1]
            rz = wa * rest[a, 2] + wb * rest[b, 2] + wc * rest[c, 2]
            wx = wa * pos[a, 0] + wb * pos[b, 0] + wc * pos[c, 0]
            wy = wa * pos[a, 1] + wb * pos[b, 1] + wc * pos[c, 1]
            wz = wa * pos[a, 2] + wb * pos[b, 2] + wc * pos[c, 2]
            nx = wa * nrm[a, 0] + wb * nrm[b, 0] + wc * nrm[c, 0]
            ny = wa * nrm[a, 1] + wb * nrm[b, 1] + wc * nrm[c, 1]
            nz = wa * nrm[a, 2] + wb * nrm[b, 2] + wc * nrm[c, 2]
            norm = 1.0 / max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
            vx, vy, vz = eye[0] - wx, eye[1] - wy, eye[2] - wz
            far = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * far, vy * far, vz * far
            nx, ny, nz = nx * norm, ny * norm, nz * norm
            m = materials[material[t]]
            kind, seed = int(m[10]), int(m[20])
            occlusion = wa * open_sky[a] + wb * open_sky[b] + wc * open_sky[c]
            if kind == 2:
                face(m, rx, ry, rz, base)
            elif kind == 0:
                fabric(m, rx, ry, rz, base)
                around = math.atan2(ry, rx)
                fold = noise(around * 3.0 + rz * 7 + rx * 14, rz * 19 + 4 * math.sin(around + rx * 9), seed) - 0.5
                fold += 0.6 * (noise(around * 6 + rz * 23, rz * 38 - rx * 31, seed + 7) - 0.5)
                nz += 1.1 * m[8] * fold
                nx += 0.9 * m[8] * fold * (1 - nz * nz)
                norm = 1.0 / max(math.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
                nx, ny, nz = nx * norm, ny * norm, nz * norm
                occlusion *= 1 + 0.8 * m[8] * fold
            else:
                grain = 1.0
                if kind == 3:
                    grain = 0.7 + 0.6 * noise(math.atan2(ry - m[11], rx) * 14, rz * 12, seed)
                for k in range(3):
                    base[k] = m[k] * grain
            up = 0.5 + 0.5 * nz
            near_floor = 0.75 + 0.25 * min(wz / 0.6, 1.0)
            red = (ambient[0, 0] * up + ambient[1, 0] * (1 - up)) * occlusion * near_floor
            green = (ambient[0, 1] * up + ambient[1, 1] * (1 - up)) * occlusion * near_floor
            blue = (ambient[0, 2] * up + ambient[1, 2] * (1 - up)) * occlusion * near_floor
            shine = 0.0
            for q in range(lights.shape[0]):
                lx, ly, lz = lights[q, 0] - wx, lights[q, 1] - wy, lights[q, 2] - wz
                d2 = lx * lx + ly * ly + lz * lz
                d = 1.0 / math.sqrt(d2)
                lx, ly, lz = lx * d, ly * d, lz * d
                facing = (nx * lx + ny * ly + nz * lz + 0.15) / 1.15
                if facing <= 0:
                    continue
                power = facing * occlusion / max(d2, 0.3)
                red += lights[q, 3] * power
                green += lights[q, 4] * power
                blue += lights[q, 5] * power
                hx, hy, hz = lx + vx, ly + vy, lz + vz
                hh = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
                if hh > 0:
                    shine += lights[q, 4] / max(d2, 0.3) * hh**24 * m[9]
            if kind == 1 or kind == 2:
                red *= 1.06
            scene_depth[y, x] = depth[j, i]
            owner[y, x] = person
            colour[y, x, 0] = base[0] * red + shine
            colour[y, x, 1] = base[1] * green + shine
            colour[y, x, 2] = base[2] * blue + shine
    return alone
