"""People in clothes nobody wore, in pictures no camera took: new crops for the teacher to describe.

Upright crops line up, so the upper body of one person over the legs of another is an outfit that the set does not hold,
with a true vector as long as the teacher is asked about the very picture. It is CutMix (Yun et al. 2019) along the
waist, with the labels left to a teacher that looks ("consistent teaching", Beyer et al. 2022). The same holds for
light, lens and surroundings: the teacher describes what it is shown, whether or not a camera took it.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from perdure.embed.crop import resize
from perdure.train.embedder.augment import blur, occlude, part_of, recompress
from perdure.train.embedder.data import Crops
from perdure.types import Image

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
    pairs = enumerate(zip(upper, lower, strict=True))
    names = tuple(f"mix{i}:{crops.names[a]}+{crops.names[b]}" for i, (a, b) in pairs)
    return Crops(pixels, nobody, nobody.copy(), names, crops.context)


def elsewhere(crops: Crops, places: Crops, count: int, seed: tuple[int, ...]) -> Crops:
    """`count` crops without identity of worlds that neither set shows, each as another camera might take it.

    What a teacher computes of any texture tells a student about the teacher (Asano and Saeed 2023, "Extrapolating from
    a single image to a thousand classes using distillation").

    Args:
        crops: people, of one size.
        places: crops of the same size and context.
        count: how many to make; see `one_elsewhere`.
        seed: the picture `i` is drawn from `(*seed, i)`.
    """
    return made("elsewhere", crops, count, seed, lambda rng: one_elsewhere(crops, places, rng))


def one_elsewhere(crops: Crops, places: Crops, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A picture (H, W, 3) uint8 and its name: four in five a person in front of a place, most of those in cloth cut
    from another; else a place with nobody in it.
    """
    who, (where, cloth) = int(rng.integers(len(crops))), rng.integers(len(places), size=2).tolist()
    if rng.random() < 0.2:
        return by_another_camera(places.pixels[where], places.pixels[cloth], rng), places.names[where]
    person, name = crops.pixels[who], f"{crops.names[who]}+{places.names[where]}"
    if rng.random() < 0.6:
        person = dressed(person, places.pixels[cloth], crops.context, rng)
    return by_another_camera(person, places.pixels[where], rng), name


def dressed(crop: np.ndarray, cloth: np.ndarray, context: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 with one garment of the pattern of a part of `cloth`, under the folds and shades it had."""
    height, width = crop.shape[:2]
    box = height / (1 + 2 * context)
    first, last = (round((height - box) / 2 + box * row) for row in CLOTHES[int(rng.integers(2))])
    side = rng.uniform(0.15, 0.9)  # of the cloth: a small part enlarged is plain, a large one patterned
    rows, columns = max(1, round(side * cloth.shape[0])), max(1, round(side * cloth.shape[1]))
    top, left = int(rng.integers(cloth.shape[0] - rows + 1)), int(rng.integers(cloth.shape[1] - columns + 1))
    part = cv2.resize(cloth[top : top + rows, left : left + columns], (width, last - first)).astype(np.float32)
    old = crop[first:last].astype(np.float32)
    shade = old.mean(2, keepdims=True)
    dye = np.exp(rng.uniform(np.log(0.2), np.log(1.3)))  # coats are darker than most of what cameras see
    worn = dye * part * (shade / max(float(shade.mean()), 1.0)) ** rng.uniform(0.3, 1.0)
    across = np.exp(-(((np.arange(width) - (width - 1) / 2) / (rng.uniform(0.22, 0.35) * box / 2)) ** 4))
    down = np.minimum(1, np.minimum(np.arange(1, last - first + 1), np.arange(last - first, 0, -1)) / (0.03 * box))
    share = (across[None, :] * down[:, None])[..., None]
    out = crop.copy()
    out[first:last] = np.clip(old + (worn - old) * share, 0, 255).astype(np.uint8)
    return out


def by_other_cameras(crops: Crops, count: int, seed: tuple[int, ...]) -> Crops:
    """`count` people of `mixed_outfits` as some other camera might have shown each, beside or behind another of them.

    Args:
        crops: people, of one size.
        count: how many to make; see `by_another_camera`.
        seed: the picture `i` is drawn from `(*seed, i)`.
    """

    def one(rng: np.random.Generator) -> tuple[np.ndarray, str]:
        two = mixed_outfits(crops, 2, rng)
        return by_another_camera(two.pixels[0], two.pixels[1], rng), two.names[0]

    return made("other-camera", crops, count, seed, one)


def by_another_camera(crop: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 turned and slanted, partly hidden, beside other surroundings, in another light, as recorded."""
    draw = rng.random(6)
    x = crop
    if draw[0] < 0.5:
        x = beside(x, other, rng)
    if draw[1] < 0.7:
        x = slanted(x, rng)
    if draw[2] < 0.15:
        x = occlude(x, other, rng)
    elif draw[2] < 0.3:
        x = part_of(x, rng.uniform(0.45, 0.9), rng)
    if draw[3] < 0.8:
        gamma = np.exp(rng.uniform(np.log(0.55), np.log(1.8)) + rng.normal(0, 0.1, 3))
        curves = np.rint(255 * (np.arange(256)[:, None] / 255.0) ** gamma).astype(np.uint8)
        x = cv2.LUT(x, curves[None])
    if draw[4] < 0.3:
        x = blur(x, rng.uniform(0.5, 2.0), rng.random() < 0.4, rng)
    if draw[5] < 0.6:
        return recorded(x, float(np.exp(rng.uniform(np.log(0.18), 0))), rng)
    return recorded(x, 1.0, rng)


def recorded(crop: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 as a recorder keeps somebody whose sides are only `share` as long, enlarged again.

    A camera sharpens, adds noise and compresses (colour at half the resolution, in blocks of 8) at the size that people
    have in its frames: of somebody far away a block is a whole arm.
    """
    height, width = crop.shape[:2]
    rows, columns = max(8, round(height * share)), max(8, round(width * share))
    x: Image = resize(crop, rows, columns)
    draw = rng.random(3)
    if draw[0] < 0.35:
        softer = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.8, 2.0))
        x = np.asarray(cv2.addWeighted(x, 1 + (gain := rng.uniform(0.5, 2.0)), softer, -gain, 0), np.uint8)
    if draw[1] < 0.35:
        x = np.clip(x + rng.normal(0, rng.uniform(2, 10), x.shape), 0, 255).astype(np.uint8)
    if draw[2] < 0.6:
        top, left = (int(n) for n in rng.integers(8, size=2))  # blocks begin anywhere in the box
        framed = cv2.copyMakeBorder(x, top, 0, left, 0, cv2.BORDER_REPLICATE)
        x = recompress(framed, int(rng.integers(20, 90)))[top:, left:]
    return resize(x, height, width)


def beside(crop: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The columns at both sides are those of `other`, (H, W, 3) uint8, blended over some columns."""
    width = crop.shape[1]
    columns = np.arange(width, dtype=np.float32)
    reach = width * rng.uniform(0.15, 0.32, 2)  # with the context around the box, up to a fifth of the box itself
    edge = np.minimum(columns - reach[0], width - reach[1] - columns)
    share = 1 / (1 + np.exp(np.clip(-edge / (0.02 * width), -30, 30)))
    return np.asarray(other + (crop.astype(np.float32) - other) * share[None, :, None], np.uint8)


def slanted(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turned by up to 12 degrees and sheared, as a camera above or a tilted one sees people."""
    height, width = crop.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-12, 12), 1.0)
    matrix[0, 1] += (shear := rng.uniform(-0.1, 0.1))
    matrix[0, 2] -= shear * height / 2
    return cv2.warpAffine(crop, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def made(
    kind: str,
    crops: Crops,
    count: int,
    seed: tuple[int, ...],
    make: Callable[[np.random.Generator], tuple[np.ndarray, str]],
) -> Crops:
    """`count` pictures of the size of `crops`, the one numbered `i` drawn from `(*seed, i)`."""
    pixels, names = np.empty((count, *crops.pixels.shape[1:]), np.uint8), []
    for i in range(count):
        pixels[i], name = make(np.random.default_rng((*seed, i)))
        names.append(f"{kind}{i}:{name}")
    nobody = np.full(count, -1, np.int64)
    return Crops(pixels, nobody, nobody.copy(), tuple(names), crops.context)


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
