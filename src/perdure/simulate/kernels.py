"""The inner loops of the renderer: noise, skinning, projection, z-buffer. Compiled by numba.

Everything is deterministic: noise comes from hashes of positions and seeds.
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
