"""One steady colour per person, the same on the page and in the video."""

from __future__ import annotations

import re
import zlib
from functools import cache
from typing import Final, TypeAlias

import numpy as np

from perdure.types import Float64s

Colour: TypeAlias = tuple[int, int, int]
"""Red, green, blue in 0..255."""

COUNT: Final = 32
"""So many different colours there are; then they come round again, and only the number in the label tells."""

_FIRST: Final[tuple[Colour, ...]] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
    (240, 228, 66),
)
"""The palette of Okabe and Ito 2008 without its black: most runs have no more people."""
_LIGHTNESS: Final = (42.0, 88.0)
"""CIE L*: what is seen on a dark and on a bright picture, and on a white and on a black page."""
_MIN_CHROMA: Final = 32.0
_WHITE_D65: Final = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_VISION: Final = (
    np.eye(3),
    np.array(  # protanopia
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    np.array(  # deuteranopia
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
)
"""What an eye makes of linear RGB: Machado, Oliveira, Fernandes 2009, table 1, severity 1.0."""


def colour_of(identity: str) -> Colour:
    """The colour of a person, by the number in the identity (P12 -> 12), else by its text."""
    digits = re.search(r"(\d+)$", identity)
    number = int(digits[1]) - 1 if digits else zlib.crc32(identity.encode())
    return palette()[number % COUNT]


@cache
def palette() -> tuple[Colour, ...]:
    """``COUNT`` colours; after the first few, each is as far as it can be from all before it.

    Greedy farthest point over a grid of RGB (Glasbey, van der Heijden, Toh, Gray 2007), for normal, red-blind and
    green-blind eyes together.
    """
    steps = np.arange(0.0, 256.0, 15.0)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lab = to_lab(grid)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    grid = grid[(lab[:, 0] >= _LIGHTNESS[0]) & (lab[:, 0] <= _LIGHTNESS[1]) & (chroma >= _MIN_CHROMA)]
    candidates = np.concatenate([np.array(_FIRST, np.float64), grid])
    chosen = list(range(len(_FIRST)))
    nearest = np.min([distance(candidates, candidates[i]) for i in chosen], axis=0)
    while len(chosen) < COUNT:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, distance(candidates, candidates[chosen[-1]]))
    return tuple((int(r), int(g), int(b)) for r, g, b in candidates[chosen])


def distance(colours: Float64s, other: Float64s) -> Float64s:
    """(N,) how unlike (N, 3) colours are one (3,): CIE76 for normal eyes, or thrice that for the worse off, if less.

    A red-blind or green-blind eye sees a plane of the colour space, where all distances are shorter.
    """
    normal, *blind = (np.linalg.norm(to_lab(colours, eye) - to_lab(other[None], eye), axis=1) for eye in _VISION)
    return np.asarray(np.minimum(normal, 3 * np.minimum(*blind)))


def to_lab(colours: Float64s, eye: Float64s | None = None) -> Float64s:
    """(N, 3) CIELAB (D65) of (N, 3) sRGB in 0..255, as an ``eye`` of ``_VISION`` sees them."""
    linear = _linear(colours)
    if eye is not None:
        linear = np.clip(linear @ eye.T, 0, 1)
    relative = linear @ _TO_XYZ.T / _WHITE_D65
    f = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is better read on ``colour`` (WCAG 2.2 contrast ratio)."""
    luminance = float((_linear(np.array([colour])) @ _TO_XYZ[1])[0])
    return (0, 0, 0) if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else (255, 255, 255)


def hex_of(colour: Colour) -> str:
    """For CSS: ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _linear(colours: Float64s) -> Float64s:
    """Linear light in [0, 1] of sRGB in 0..255 (IEC 61966-2-1)."""
    share = np.asarray(colours, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
