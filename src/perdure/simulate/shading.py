"""Colours of people: cloth, skin and hair under the lamps of a room, in linear light, RGB. Compiled by numba."""

from __future__ import annotations

import math

import numpy as np

from perdure.simulate.kernels import Int32s, compiled, hashed, inlined, noise, smooth
from perdure.types import Float32s


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


@inlined
def _weights(screen: Float32s, a: int, b: int, c: int, x: float, y: float) -> tuple[float, float, float]:
    """Perspective-correct barycentric weights of a triangle's corners at a pixel position."""
    px, py = x - screen[a, 0], y - screen[a, 1]
    bx, by = screen[b, 0] - screen[a, 0], screen[b, 1] - screen[a, 1]
    ex, ey = screen[c, 0] - screen[a, 0], screen[c, 1] - screen[a, 1]
    inv = 1.0 / (bx * ey - ex * by)
    wb = (px * ey - ex * py) * inv
    wc = (bx * py - px * by) * inv
    wa = (1 - wb - wc) / screen[a, 2]
    wb, wc = wb / screen[b, 2], wc / screen[c, 2]
    total = 1.0 / (wa + wb + wc)
    return wa * total, wb * total, wc * total


@inlined
def _mixed(rows: Float32s, a: int, b: int, c: int, wa: float, wb: float, wc: float) -> tuple[float, float, float]:
    """The weighted mean of three rows of (V, 3)."""
    return (
        wa * rows[a, 0] + wb * rows[b, 0] + wc * rows[c, 0],
        wa * rows[a, 1] + wb * rows[b, 1] + wc * rows[c, 1],
        wa * rows[a, 2] + wb * rows[b, 2] + wc * rows[c, 2],
    )


@inlined
def _fold(x: float, y: float, z: float, seed: int) -> float:
    """Folds of cloth at a rest position: a bump around 0."""
    around = math.atan2(y, x)
    fold = noise(around * 3.0 + z * 7 + x * 14, z * 19 + 4 * math.sin(around + x * 9), seed) - 0.5
    return fold + 0.6 * (noise(around * 6 + z * 23, z * 38 - x * 31, seed + 7) - 0.5)


@inlined
def _base(m: Float32s, x: float, y: float, z: float, out: Float32s) -> None:
    """Colour of a material at a rest position, into ``out`` (3,)."""
    kind = int(m[10])
    if kind == 2:
        face(m, x, y, z, out)
    elif kind == 0:
        fabric(m, x, y, z, out)
    else:
        grain = 1.0
        if kind == 3:
            grain = 0.7 + 0.6 * noise(math.atan2(y - m[11], x) * 14, z * 12, int(m[20]))
        for k in range(3):
            out[k] = m[k] * grain


@inlined
def _light(
    place: tuple[float, float, float],
    normal: tuple[float, float, float],
    eye: Float32s,
    lights: Float32s,
    ambient: Float32s,
    occlusion: float,
    gloss: float,
    out: Float32s,
) -> None:
    """Light that falls on a point, RGB, and the shine it sends to the eye (Blinn), into ``out`` (4,)."""
    wx, wy, wz = place
    nx, ny, nz = normal
    vx, vy, vz = eye[0] - wx, eye[1] - wy, eye[2] - wz
    far = 1.0 / math.sqrt(vx * vx + vy * vy + vz * vz)
    vx, vy, vz = vx * far, vy * far, vz * far
    up = 0.5 + 0.5 * nz
    near_floor = 0.75 + 0.25 * min(wz / 0.6, 1.0)
    for k in range(3):
        out[k] = (ambient[0, k] * up + ambient[1, k] * (1 - up)) * occlusion * near_floor
    out[3] = 0.0
    for q in range(lights.shape[0]):
        lx, ly, lz = lights[q, 0] - wx, lights[q, 1] - wy, lights[q, 2] - wz
        d2 = lx * lx + ly * ly + lz * lz
        d = 1.0 / math.sqrt(d2)
        lx, ly, lz = lx * d, ly * d, lz * d
        facing = (nx * lx + ny * ly + nz * lz + 0.15) / 1.15
        if facing <= 0:
            continue
        power = facing * occlusion / max(d2, 0.3)
        for k in range(3):
            out[k] += lights[q, 3 + k] * power
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        hh = (nx * hx + ny * hy + nz * hz) / math.sqrt(hx * hx + hy * hy + hz * hz)
        if hh > 0:
            out[3] += lights[q, 4] / max(d2, 0.3) * hh**24 * gloss


@inlined
def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    norm = 1.0 / max(math.sqrt(x * x + y * y + z * z), 1e-6)
    return x * norm, y * norm, z * norm


@inlined
def _colour(
    a: int,
    b: int,
    c: int,
    x: float,
    y: float,
    screen: Float32s,
    pos: Float32s,
    nrm: Float32s,
    rest: Float32s,
    open_sky: Float32s,
    m: Float32s,
    eye: Float32s,
    lights: Float32s,
    ambient: Float32s,
    base: Float32s,
    light: Float32s,
) -> None:
    """Of one triangle at one pixel: its colour into ``base`` (3,), light on it, RGB and shine, into ``light`` (4,)."""
    wa, wb, wc = _weights(screen, a, b, c, x, y)
    rx, ry, rz = _mixed(rest, a, b, c, wa, wb, wc)
    place = _mixed(pos, a, b, c, wa, wb, wc)
    nx, ny, nz = _mixed(nrm, a, b, c, wa, wb, wc)
    nx, ny, nz = _unit(nx, ny, nz)
    occlusion = wa * open_sky[a] + wb * open_sky[b] + wc * open_sky[c]
    if m[10] == 0:
        fold = _fold(rx, ry, rz, int(m[20]))
        nz += 1.1 * m[8] * fold
        nx += 0.9 * m[8] * fold * (1 - nz * nz)
        nx, ny, nz = _unit(nx, ny, nz)
        occlusion *= 1 + 0.8 * m[8] * fold
    _base(m, rx, ry, rz, base)
    _light(place, (nx, ny, nz), eye, lights, ambient, occlusion, m[9], light)
    if m[10] == 1 or m[10] == 2:
        light[0] *= 1.06  # skin is warm


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
    base, light = np.zeros(3, np.float32), np.zeros(4, np.float32)
    alone = 0
    for j in range(ids.shape[0]):
        for i in range(ids.shape[1]):
            if ids[j, i] < 0:
                continue
            alone += 1
            y, x = origin[1] + j, origin[0] + i
            if depth[j, i] < scene_depth[y, x]:
                scene_depth[y, x], owner[y, x] = depth[j, i], person
                t = ids[j, i]
                px, py = x + 0.5 - jitter[0], y + 0.5 - jitter[1]
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                m = materials[material[t]]
                _colour(a, b, c, px, py, screen, pos, nrm, rest, open_sky, m, eye, lights, ambient, base, light)
                for k in range(3):
                    colour[y, x, k] = base[k] * light[k] + light[3]
    return alone
