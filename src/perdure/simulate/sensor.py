"""The last steps of a picture: soft shadows, passes blended, light turned into 8-bit values. Compiled by numba."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from perdure.simulate.kernels import Int32s, compiled, inlined, smooth
from perdure.types import Float32s

Bytes = npt.NDArray[np.uint8]
SHADOW_M = 2.2
"""How far from a body its shadow is followed."""


@dataclass(frozen=True)
class Sensor:
    """How a camera turns light into numbers."""

    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """RGB white balance."""
    exposure: float = 1.5
    gamma: float = 2.2
    contrast: float = 0.15
    saturation: float = 1.0
    vignette: float = 0.25
    photon_noise: float = 0.00025
    read_noise: float = 2e-6
    blur_px: float = 0.5
    sharpen: float = 0.35
    exposure_s: float = 0.02
    """How long the shutter is open."""

    def table(self) -> Float32s:
        """The parameters as ``kernels.develop`` reads them."""
        luma = np.array([0.2126, 0.7152, 0.0722])
        matrix = self.saturation * np.eye(3) + (1 - self.saturation) * luma[None]
        gains = np.array(self.gains) * self.exposure
        head = [*gains, self.photon_noise, self.read_noise, self.vignette]
        return np.array([*head, *matrix.ravel(), 0.0], np.float32)

    def curve(self) -> Float32s:
        """(1024,) tone curve: linear light to 8-bit values, highlights rolled off."""
        x = np.linspace(0, 1, 1024)
        bright = np.clip(x, 0, 1) ** (1 / self.gamma)
        bright = bright * (1 - self.contrast) + self.contrast * (3 * bright**2 - 2 * bright**3)
        return np.asarray(255 * bright, np.float32)


@inlined
def _sky_blocked(px: float, py: float, pz: float, nx: float, ny: float, nz: float, blobs: Float32s) -> float:
    """Share of the sky over a point that spheres nearby hide, by their solid angles."""
    blocked = 0.0
    for s in range(blobs.shape[0]):
        dx, dy, dz = blobs[s, 0] - px, blobs[s, 1] - py, blobs[s, 2] - pz
        d2 = dx * dx + dy * dy + dz * dz
        r = blobs[s, 3]
        if d2 < 1.5:
            d2 = max(d2, r * r)
            facing = (dx * nx + dy * ny + dz * nz) / math.sqrt(d2)
            if facing > 0:
                blocked += facing * r * r / d2
    return blocked


@inlined
def _lamp_blocked(
    px: float, py: float, pz: float, lx: float, ly: float, lz: float, far: float, blobs: Float32s
) -> float:
    """How much of a lamp in direction l at distance ``far`` spheres hide from a point, with a penumbra."""
    dark = 0.0
    for s in range(blobs.shape[0]):
        dx, dy, dz = blobs[s, 0] - px, blobs[s, 1] - py, blobs[s, 2] - pz
        along = dx * lx + dy * ly + dz * lz
        if along <= 0.02 or along >= far:
            continue
        off = math.sqrt(max(dx * dx + dy * dy + dz * dz - along * along, 0.0))
        r = blobs[s, 3]
        soft = 0.015 + 0.13 * along / far
        if off < r + soft:
            dark += min((r + soft - off) / (2 * soft), 1.0) * min(1.0, 1.2 * r / soft)
    return dark


@compiled
def cast_shadows(
    place: Float32s,
    normal: Float32s,
    window: Int32s,
    root: Float32s,
    blobs: Float32s,
    lights: Float32s,
    sky: float,
    out: Float32s,
) -> None:
    """Multiply ``out`` (H, W) by the light that reaches each scene point past ``blobs`` (S, 4: centre, radius).

    ``root`` (2,) is where the body stands; nothing further than ``SHADOW_M`` from it is darkened.
    Lamps cast shadows with a penumbra, the sky term is blocked by the blobs' solid angle (contact shadows).
    """
    for y in range(window[1], window[3]):
        for x in range(window[0], window[2]):
            px, py, pz = place[y, x, 0], place[y, x, 1], place[y, x, 2]
            away = math.sqrt((px - root[0]) ** 2 + (py - root[1]) ** 2)
            if away > SHADOW_M:
                continue
            fade = 1 - smooth(0.45 * SHADOW_M, SHADOW_M, away)
            nx, ny, nz = normal[y, x, 0], normal[y, x, 1], normal[y, x, 2]
            reach = sky * (1 - min(1.6 * _sky_blocked(px, py, pz, nx, ny, nz, blobs), 0.9))
            total = sky
            for q in range(lights.shape[0]):
                lx, ly, lz = lights[q, 0] - px, lights[q, 1] - py, lights[q, 2] - pz
                far2 = lx * lx + ly * ly + lz * lz
                far = math.sqrt(far2)
                lx, ly, lz = lx / far, ly / far, lz / far
                facing = nx * lx + ny * ly + nz * lz
                if facing <= 0:
                    continue
                power = lights[q, 4] * facing / max(far2, 0.3)
                total += power
                reach += power * (1 - fade * min(_lamp_blocked(px, py, pz, lx, ly, lz, far, blobs), 0.95))
            out[y, x] *= reach / max(total, 1e-6)


@compiled
def blend(background: Float32s, shadow: Float32s, colour: Float32s, owner: Int32s, out: Float32s, share: float) -> None:
    """Add one pass of people over the shadowed background to ``out``, weighted by ``share``."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            if owner[y, x] >= 0:
                for c in range(3):
                    out[y, x, c] += share * colour[y, x, c]
            else:
                for c in range(3):
                    out[y, x, c] += share * background[y, x, c] * shadow[y, x]


@compiled
def develop(linear: Float32s, sensor: Float32s, curve: Float32s, seed: int, out: Bytes) -> None:
    """Linear RGB light to the camera's 8-bit BGR: gain, vignette, photon and read noise, colour matrix, tone curve.

    ``sensor`` (16,): gains R G B, photon noise, read noise, vignette, 9 entries of the colour matrix, unused.
    ``curve`` (1024,): tone curve over [0, 1] to [0, 255].
    """
    height, width = out.shape[0], out.shape[1]
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x1234567)
    for y in range(height):
        v = (2.0 * y - height) / width
        for x in range(width):
            u = (2.0 * x - width) / width
            dim = 1.0 / (1.0 + sensor[5] * (u * u + v * v)) ** 2
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            bits = state
            n0 = (float(bits & np.uint64(0x3FF)) + float((bits >> np.uint64(10)) & np.uint64(0x3FF))) / 1023.0 - 1.0
            n1 = (
                float((bits >> np.uint64(20)) & np.uint64(0x3FF)) + float((bits >> np.uint64(30)) & np.uint64(0x3FF))
            ) / 1023.0 - 1.0
            n2 = (
                float((bits >> np.uint64(40)) & np.uint64(0x3FF)) + float((bits >> np.uint64(50)) & np.uint64(0x3FF))
            ) / 1023.0 - 1.0
            r = linear[y, x, 0] * sensor[0] * dim
            g = linear[y, x, 1] * sensor[1] * dim
            b = linear[y, x, 2] * sensor[2] * dim
            r += 2.45 * n0 * math.sqrt(max(r, 0.0) * sensor[3] + sensor[4])
            g += 2.45 * n1 * math.sqrt(max(g, 0.0) * sensor[3] + sensor[4])
            b += 2.45 * n2 * math.sqrt(max(b, 0.0) * sensor[3] + sensor[4])
            rr = sensor[6] * r + sensor[7] * g + sensor[8] * b
            gg = sensor[9] * r + sensor[10] * g + sensor[11] * b
            bb = sensor[12] * r + sensor[13] * g + sensor[14] * b
            out[y, x, 2] = np.uint8(curve[int(min(max(rr, 0.0), 1.0) * 1023)])
            out[y, x, 1] = np.uint8(curve[int(min(max(gg, 0.0), 1.0) * 1023)])
            out[y, x, 0] = np.uint8(curve[int(min(max(bb, 0.0), 1.0) * 1023)])
