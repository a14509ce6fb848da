"""People in clothes nobody wore: new crops for the teacher to describe, made from two crops each.

Upright crops line up, so the upper body of one person over the legs of another is an outfit that the set does not hold,
with a true vector as long as the teacher is asked about the very picture. It is CutMix (Yun et al. 2019) along the
waist, with the labels left to a teacher that looks ("consistent teaching", Beyer et al. 2022).
"""

from __future__ import annotations

import cv2
import numpy as np

from perdure.train.embedder.data import Crops

WAIST = (0.42, 0.56)  # shares of the box where an upper body may end
CLOTHES = ((0.17, 0.50), (0.50, 0.92))  # rows of the box that are mostly upper and lower clothes
HUES = 180  # of OpenCV's 8-bit hue circle


def mixed_outfits(crops: Crops, count: int, rng: np.random.Generator) -> Crops:
    """`count` crops without identity: upper body of one, legs of another, half of them with a garment recoloured.

    Args:
        crops: crops of one size, (N, H, W, 3) uint8; their identities do not matter.
        count: how many to make.
        rng: picks the pairs, waists and colours.
    """
    height = crops.pixels.shape[1]
    box = height / (1 + 2 * crops.context)
    top = (height - box) / 2
    upper, lower = rng.integers(len(crops), size=(2, count))
    pixels = np.empty((count, *crops.pixels.shape[1:]), np.uint8)
    for i, (a, b) in enumerate(zip(upper, lower, strict=True)):
        waist = top + box * rng.uniform(*WAIST)
        pixels[i] = join_at(crops.pixels[a], crops.pixels[b], waist, 0.02 * box)
        if rng.random() < 0.5:
            first, last = CLOTHES[int(rng.integers(2))]
            recolour(pixels[i][round(top + first * box) : round(top + last * box)], rng)
    nobody = np.full(count, -1, np.int64)
    made = enumerate(zip(upper, lower, strict=True))
    names = tuple(f"mix{i}:{crops.names[a]}+{crops.names[b]}" for i, (a, b) in made)
    return Crops(pixels, nobody, nobody.copy(), names, crops.context)


def join_at(upper: np.ndarray, lower: np.ndarray, row: float, softness: float) -> np.ndarray:
    """`upper` above `row` and `lower` below it, (H, W, 3) uint8, blended over about `softness` rows."""
    rows = np.arange(len(upper), dtype=np.float32)
    share = 1 / (1 + np.exp(np.clip((row - rows) / max(softness, 1e-3), -30, 30)))
    return np.asarray(upper + (lower.astype(np.float32) - upper) * share[:, None, None], np.uint8)


def recolour(clothes: np.ndarray, rng: np.random.Generator) -> None:
    """Turn the hue, scale saturation and lightness of (H, W, 3) uint8 BGR pixels, in place."""
    if not clothes.size:
        return
    hsv = cv2.cvtColor(clothes, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int64) + int(rng.integers(HUES))) % HUES
    scaled = hsv[..., 1:] * rng.uniform((0.5, 0.6), (2.0, 1.5))
    hsv[..., 1:] = np.clip(scaled, 0, 255).astype(np.uint8)
    clothes[:] = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
