"""Head, hair, hats and bags of a body mesh."""

from __future__ import annotations

import numpy as np

from perdure.simulate import gait
from perdure.simulate.loft import BAG, FACE, HAIR, HAT, SKIN, Parts, Row, chain, ramp, refined, rigid, rings_of, torso
from perdure.simulate.looks import Look
from perdure.types import Float64s


def head_frame(h: float) -> tuple[float, float, float, float, float]:
    """Centre y, centre z, half width, half depth, half height of the head, metres."""
    return 0.010 * h, 0.933 * h, 0.0455 * h, 0.056 * h, 0.067 * h


def add_head(parts: Parts, look: Look, h: float) -> None:
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
    weigh = rigid(gait.HEAD)
    under = np.clip(1 - 0.45 * ramp(-z, 0.35, 1.0), 0, 1)
    parts.add(shell, FACE, weigh, np.concatenate([under.ravel(), [0.5, 1.0]]))
    for sign in (1.0, -1.0):
        ear: list[Row] = [
            (-0.32, 0.0, 0.0, 0.03, 0.05),
            (-0.2, 0, 0, 0.05, 0.12),
            (0, 0, -0.03, 0.07, 0.17),
            (0.1, 0, -0.05, 0.05, 0.12),
        ]
        lobe = [
            (cz + q * hh, sign * hw * 0.97 * slim, cy - 0.08 * hd + b * hd, w * hw * 1.6, d * hd)
            for q, a, b, w, d in ear
        ]
        parts.add(rings_of(lobe, 8, 1.0), SKIN, weigh, 0.8)
    if look.hair != "bald":
        _add_hair(parts, look, h, np.stack([x * slim, y, z], 2))


def _add_hair(parts: Parts, look: Look, h: float, skull: Float64s) -> None:
    """Hair or a hat as a shell over a (R, N, 3) unit skull, and what hangs down from it."""
    cy, cz, hw, hd, hh = head_frame(h)
    x, y, z = skull[:, :, 0], skull[:, :, 1], skull[:, :, 2]
    weigh = rigid(gait.HEAD)
    edge = _hairline(y, look.hair)
    grow = {"short": 0.07, "bob": 0.16, "long": 0.14, "ponytail": 0.09, "cap": 0.12, "beanie": 0.13}[look.hair]
    mask = ramp(z, edge - 0.10, edge + 0.22)
    thick = mask * grow - 0.05 * (1 - mask)
    wave = 0.012 * np.sin(9 * np.arctan2(y, x) + look.seed) * mask
    hair = np.stack([x * hw * (1 + thick + wave), cy + (y * (1 + thick + wave)) * hd, cz + z * (1 + thick) * hh], 2)
    parts.add(
        hair,
        HAT if look.hair in ("cap", "beanie") else HAIR,
        weigh,
        np.concatenate([0.75 + 0.25 * mask.ravel(), [0.6, 1]]),
    )
    rows: list[Row]
    if look.hair == "cap":
        brim: list[Row] = [
            (cz + 0.36 * hh, 0, cy + 1.2 * hd, 0.72 * hw, 0.62 * hd),
            (cz + 0.42 * hh, 0, cy + 1.12 * hd, 0.74 * hw, 0.60 * hd),
        ]
        parts.add(rings_of(brim, 16, 1.0), HAT, weigh, 0.9)
    if look.hair in ("long", "bob"):
        low = 0.79 if look.hair == "long" else 0.862
        rows = [
            (low * h, 0, cy - 0.62 * hd, 0.80 * hw, 0.34 * hd),
            ((low + 0.03) * h, 0, cy - 0.60 * hd, 1.0 * hw, 0.46 * hd),
            (cz - 0.5 * hh, 0, cy - 0.42 * hd, 1.14 * hw, 0.68 * hd),
            (cz + 0.1 * hh, 0, cy - 0.30 * hd, 1.12 * hw, 0.80 * hd),
            (cz + 0.5 * hh, 0, cy - 0.25 * hd, 0.9 * hw, 0.8 * hd),
        ]
        fall = chain(gait.HEAD, gait.CHEST, gait.CHEST, 0.86 * h, 0.0, 0.06 * h)
        parts.add(rings_of(refined(rows, 12), 18, 1.0), HAIR, fall, 0.85)
    if look.hair == "ponytail":
        rows = [
            (0.81 * h, 0, cy - 1.45 * hd, 0.16 * hw, 0.14 * hd),
            (0.86 * h, 0, cy - 1.5 * hd, 0.36 * hw, 0.28 * hd),
        ]
        rows += [(0.93 * h, 0, cy - 1.25 * hd, 0.34 * hw, 0.3 * hd), (0.955 * h, 0, cy - 0.95 * hd, 0.2 * hw, 0.2 * hd)]
        parts.add(rings_of(refined(rows, 10), 10, 1.0), HAIR, weigh, 0.9)


def _hairline(y: Float64s, hair: str) -> Float64s:
    """Height (in half heads) where the hair begins, by how far forward a point of the head is."""
    front = {"short": 0.58, "bob": 0.55, "long": 0.55, "ponytail": 0.6, "cap": 0.40, "beanie": 0.34}[hair]
    back = {"short": -0.5, "bob": -0.6, "long": -0.6, "ponytail": -0.45, "cap": -0.05, "beanie": -0.15}[hair]
    middle = {"short": -0.02, "bob": -0.5, "long": -0.5, "ponytail": 0.02, "cap": 0.28, "beanie": 0.12}[hair]
    return np.interp(y, [-0.8, -0.1, 0.25, 0.75], [back, middle, middle + 0.15, front])


def add_bag(parts: Parts, look: Look, h: float) -> None:
    """What the person carries: on the back, across the shoulder, or in the left hand."""
    rows: list[Row]
    if look.bag == "backpack":
        rows = [
            (0.58, 0, -0.105, 0.06, 0.025),
            (0.60, 0, -0.112, 0.082, 0.045),
            (0.68, 0, -0.112, 0.086, 0.048),
        ]
        rows += [(0.76, 0, -0.106, 0.080, 0.042), (0.80, 0, -0.098, 0.066, 0.032), (0.815, 0, -0.092, 0.04, 0.016)]
        parts.add(rings_of(refined(rows, 12), 18, h, 0.6), BAG, rigid(gait.CHEST))
        for sign in (1.0, -1.0):
            strap: list[Row] = [(0.70, sign * 0.075, 0.076, 0.013, 0.006), (0.75, sign * 0.068, 0.078, 0.013, 0.006)]
            strap += [(0.80, sign * 0.062, 0.060, 0.013, 0.008), (0.835, sign * 0.058, 0.034, 0.013, 0.010)]
            strap += [(0.845, sign * 0.056, 0.004, 0.013, 0.02), (0.848, sign * 0.056, -0.03, 0.012, 0.02)]
            parts.add(rings_of(strap, 8, h), BAG, rigid(gait.CHEST))
    if look.bag == "shoulder":
        rows = [
            (0.46, -0.125, -0.01, 0.022, 0.07),
            (0.47, -0.128, -0.01, 0.032, 0.085),
            (0.53, -0.128, -0.01, 0.032, 0.085),
        ]
        rows += [(0.575, -0.122, -0.01, 0.02, 0.075)]
        parts.add(rings_of(refined(rows, 8), 16, h, 0.6), BAG, rigid(gait.PELVIS))
        for y, bulge in ((0.058, 0.022), (-0.066, -0.018)):
            z = np.linspace(0.56, 0.842, 12)
            t = (z - 0.56) / 0.282
            across = [
                (q, -0.118 + 0.172 * s, y + bulge * np.sin(np.pi * s), 0.016, 0.007) for q, s in zip(z, t, strict=True)
            ]
            parts.add(rings_of(across, 8, h), BAG, torso(h, 0.9))
    if look.bag == "tote":
        x = -gait.SHOULDER_X * 1.06
        rows = [(0.22, x, 0.0, 0.026, 0.085), (0.23, x, 0.0, 0.036, 0.095), (0.36, x, 0.0, 0.032, 0.095)]
        rows += [(0.372, x, 0.0, 0.02, 0.09), (0.40, x, 0.005, 0.006, 0.03), (0.44, x, 0.008, 0.006, 0.012)]
        parts.add(rings_of(rows, 14, h, 0.6), BAG, rigid(gait.HAND + 1))
