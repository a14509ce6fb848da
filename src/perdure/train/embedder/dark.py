"""People in dark clothes on light ground, for the teacher to describe.

Coats and jeans are what most people wear in the cold, and what they have in common is most of the picture: what tells
one dark jacket from another is a small part of the contrast, and cameras cut off some of it. Crops filmed in summer
hold little of that.
"""

from __future__ import annotations

import cv2
import numpy as np

from perdure.train.embedder.data import Crops
from perdure.train.embedder.mix import by_another_camera, made

MASK_HW = (96, 48)  # clothes are found at this size: GrabCut takes a few ms, and an edge is softer than a pixel
TRUNK, THIGHS = (0.22, 0.50), (0.56, 0.72)  # rows of the box where the middle is clothes, as shares of its height
AROUND = ((0.03, 0.17, 0.06), (0.15, 0.55, 0.15), (0.50, 0.97, 0.13))  # rows, and how far from the middle they may be


def in_dark_clothes(crops: Crops, places: Crops, count: int, seed: tuple[int, ...]) -> Crops:
    """`count` crops without identity of people dressed for the cold, each as another camera might take it.

    Args:
        crops: people, of one size.
        places: crops of the same size and context; what is beside and in front of the people is cut from them.
        count: how many to make.
        seed: the picture `i` is drawn from `(*seed, i)`.
    """

    def one(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        who, where = int(rng.integers(len(crops))), int(rng.integers(len(places)))
        person = darkly_dressed(crops.pixels[who], crops.context, rng)
        if rng.random() < 0.7:
            person = contrasty(person, rng)
        return by_another_camera(person, places.pixels[where], rng), f"{crops.names[who]}+{places.names[where]}"

    return made("dark", crops, count, seed, one)


def darkly_dressed(crop: np.ndarray, context: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 with both garments in one dark colour each, mostly without much of a hue, their folds kept."""
    height = crop.shape[0]
    box = height / (1 + 2 * context)
    coat = rng.random() < 0.25
    hem = (height - box) / 2 + box * rng.uniform(*((0.6, 0.8) if coat else (0.44, 0.56)))
    clothes = clothes_of(crop, context)
    x = crop.astype(np.float32)
    lower = 1 / (1 + np.exp(np.clip((hem - np.arange(height)) / (0.01 * box), -30, 30)))[:, None]
    for part in (clothes * (1 - lower), clothes * lower):
        if rng.random() < 0.9 and (covered := float(part.sum())) > 1:
            grey = x.mean(2, keepdims=True)
            shade = grey / max(float((grey[..., 0] * part).sum()) / covered, 4.0)
            hue = np.exp(rng.normal(0, 0.12 if rng.random() < 0.6 else 0.4, 3))
            light = np.exp(rng.uniform(np.log(10), np.log(110)))
            worn = light * hue / hue.mean() * shade ** rng.uniform(0.2, 1.0)
            x += (worn - x) * part[..., None]
    return np.asarray(np.clip(x, 0, 255), np.uint8)


def clothes_of(crop: np.ndarray, context: float) -> np.ndarray:
    """(H, W) float32 in 0..1, where in a picture (H, W, 3) uint8 of somebody upright the clothes are.

    Found by GrabCut (Rother et al. 2004) from where clothes nearly always are, and nothing outside the box.
    """
    height, width = MASK_HW
    small = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
    sides = np.array([height, width]) / (1 + 2 * context)
    top = (height - sides[0]) / 2
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)

    def fill(rows: tuple[float, float], reach: float, value: int) -> None:
        columns = slice(max(0, int(width / 2 - reach * sides[1])), int(np.ceil(width / 2 + reach * sides[1])))
        mask[int(top + rows[0] * sides[0]) : int(top + rows[1] * sides[0]), columns] = value

    fill((0.0, 1.0), 0.5, cv2.GC_PR_BGD)
    for first, last, reach in AROUND:
        fill((first, last), reach, cv2.GC_PR_FGD)
    fill(TRUNK, 0.1, cv2.GC_FGD)
    fill(THIGHS, 0.06, cv2.GC_FGD)
    cv2.setRNGSeed(0)  # GrabCut's clusters begin by chance
    cv2.grabCut(small, mask, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    inside = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.float32)
    inside[: int(top + 0.13 * sides[0])] = 0  # heads are not dyed
    soft = cv2.GaussianBlur(inside, (0, 0), 0.7)
    return np.asarray(cv2.resize(soft, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def contrasty(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 with its shadows and, often, lights cut off."""
    black, gain = rng.uniform(0, 40), np.exp(rng.uniform(0, np.log(2.2)))
    return np.asarray(np.clip((crop.astype(np.float32) - black) * gain, 0, 255), np.uint8)
