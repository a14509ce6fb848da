"""What a surveillance camera and a detector do to a crop, done on purpose while training.

Plain OpenCV and numpy on one (H, W, 3) uint8 picture at a time; every function takes the random generator as data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import cv2
import numpy as np
from pydantic import Field

from perdure.embed.crop import resize

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Strength:
    """How often and how strongly crops are changed; every `*_p` is a probability.

    Attributes:
        box_shift: largest shift of the box, as a share of its height and width (simulated detector error).
        box_scale: largest change of each side of the box, as a share.
        box_border: most that is kept around the box on every side, as a share, of crops that show more than the box.
        least_resolution: share of its sides that a crop of low resolution keeps at least.
    """

    flip_p: Share = 0.5
    box_shift: Annotated[float, Field(ge=0, lt=0.5)] = 0.08
    box_scale: Annotated[float, Field(ge=0, lt=1)] = 0.12
    box_border: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    colour_p: Share = 0.6
    grey_p: Share = 0.05
    light_p: Share = 0.3
    blur_p: Share = 0.1
    low_resolution_p: Share = 0.1
    least_resolution: Annotated[float, Field(gt=0, le=0.8)] = 0.3
    jpeg_p: Share = 0.1
    occlude_p: Share = 0.15
    erase_p: Share = 0.4


def augment(
    crop: np.ndarray, other: np.ndarray, size_hw: tuple[int, int], s: Strength, rng: np.random.Generator
) -> np.ndarray:
    """One training picture of `size_hw` from `crop`; `other` is a crop of somebody else, used to stand in front."""
    return boxes_of(crop, other, size_hw, s, rng)[0]


def boxes_of(
    crop: np.ndarray,
    other: np.ndarray,
    size_hw: tuple[int, int],
    s: Strength,
    rng: np.random.Generator,
    count: int = 1,
    context: float = 0.0,
) -> list[np.ndarray]:
    """`count` training pictures of one disturbed crop, as if as many detectors had boxed it; see `augment`.

    Light, colour, resolution and who stands in front are the same in all of them; box, mirror image, blur, compression
    and erasing are drawn for each. `context` is the share of the box that the crop shows beyond it on every side.
    """
    draw = rng.random(5)
    x = crop
    if draw[0] < s.occlude_p:
        x = occlude(x, other, rng)
    if draw[1] < s.colour_p:
        x = jitter_colour(x, rng)
    if draw[2] < s.grey_p:
        x = np.repeat(cv2.cvtColor(x, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    if draw[3] < s.light_p:
        x = relight(x, rng)
    if draw[4] < s.low_resolution_p:
        x = lower_resolution(x, rng.uniform(s.least_resolution, 0.8))
    return [_box_of(x, size_hw, s, rng, context) for _ in range(count)]


def _box_of(
    x: np.ndarray, size_hw: tuple[int, int], s: Strength, rng: np.random.Generator, context: float
) -> np.ndarray:
    draw = rng.random(4)
    border = rng.uniform(0, most) if (most := min(s.box_border, context)) else 0.0
    x = shift_box(x, size_hw, s.box_shift, s.box_scale, draw[0] < s.flip_p, rng, context, border)
    if draw[1] < s.blur_p:
        x = blur(x, rng.uniform(0.6, 2.2), rng.random() < 0.4, rng)
    if draw[2] < s.jpeg_p:
        x = recompress(x, int(rng.integers(15, 60)))
    if draw[3] < s.erase_p:
        x = erase(x, rng)
    return x


def plain(crop: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """The crop as the embedder will see it: only resized."""
    return resize(crop, *size_hw)


def degrade(crop: np.ndarray, other: np.ndarray, severity: float, rng: np.random.Generator) -> np.ndarray:
    """The same crop, worse: one or two of blur, low resolution, JPEG, darkness, cover and half a body.

    Args:
        crop: (H, W, 3) uint8.
        other: a crop of somebody else.
        severity: 0 (hardly visible) to 1 (hardly recognisable); from 0.5 on anybody would call it worse.
        rng: picks the kinds.
    """
    x = crop
    for kind in rng.choice(6, size=int(rng.integers(1, 3)), replace=False):
        if kind == 0:
            x = blur(x, max(0.1, 3.0 * severity * x.shape[0] / 128), rng.random() < 0.5, rng)
        elif kind == 1:
            x = lower_resolution(x, float(np.exp(-2.1 * severity)))
        elif kind == 2:
            x = recompress(x, round(60 * float(np.exp(-2.5 * severity))))
        elif kind == 3:
            x = darken(x, float(np.exp(-1.9 * severity)), 16 * severity, rng)
        elif kind == 4:
            x = occlude(x, other, rng, 0.5 * severity, 0.6 * severity)
        else:
            x = part_of(x, 1 - 0.7 * severity, rng)
    return x


def shift_box(
    crop: np.ndarray,
    size_hw: tuple[int, int],
    shift: float,
    scale: float,
    flip: bool,
    rng: np.random.Generator,
    context: float = 0.0,
    border: float = 0.0,
) -> np.ndarray:
    """Resize to `size_hw` as if the detector's box had been shifted and scaled; what lies outside repeats the edge.

    `context` is the share of the box that `crop` shows beyond it on every side, so that a moved box finds true pixels;
    `border` is how much of it is kept around the moved box.
    """
    height, width = crop.shape[:2]
    box_h, box_w = height / (1 + 2 * context), width / (1 + 2 * context)
    out_h, out_w = size_hw
    zoom = (1.0 + rng.uniform(-scale, scale, 2)) * (1.0 + 2.0 * border)
    move = rng.uniform(-shift, shift, 2)
    ax, ay = out_w / box_w / zoom[0], out_h / box_h / zoom[1]
    bx = out_w / 2 - ax * (0.5 * width + box_w * move[0])
    by = out_h / 2 - ay * (0.5 * height + box_h * move[1])
    if flip:
        ax, bx = -ax, out_w - 1 - bx
    matrix = np.array([[ax, 0.0, bx], [0.0, ay, by]])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT
    return cv2.warpAffine(crop, matrix, (out_w, out_h), flags=cv2.INTER_CUBIC, borderMode=border)


def jitter_colour(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, saturation and a slight tint of each channel, as one 3x4 colour matrix."""
    saturation = rng.uniform(0.6, 1.4)
    luma = np.array([0.114, 0.587, 0.299])
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)
    matrix = np.empty((3, 4))
    matrix[:, :3] = mix * gain[:, None]
    matrix[:, 3] = crop.mean() * (1 - gain) + rng.uniform(-20, 20)
    return cv2.transform(crop, matrix)


def relight(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another exposure curve (gamma 0.5 to 1.8), and half the time light that falls off over the height."""
    gamma = np.exp(rng.uniform(np.log(0.5), np.log(1.8)))
    curve = (np.linspace(0, 1, 256) ** gamma * 255).astype(np.uint8)
    lit = cv2.LUT(crop, curve)
    if rng.random() < 0.5:
        return lit
    fall = np.linspace(rng.uniform(0.6, 1.0), rng.uniform(0.6, 1.0), crop.shape[0], dtype=np.float32)
    return (lit * fall[:, None, None]).astype(np.uint8)


def darken(crop: np.ndarray, gain: float, noise_std: float, rng: np.random.Generator) -> np.ndarray:
    """A dark picture (`gain` times the light) with the noise of a sensor at its limit."""
    noise = rng.normal(0, noise_std, crop.shape)
    return np.clip(crop * gain + noise, 0, 255).astype(np.uint8)


def blur(crop: np.ndarray, sigma: float, motion: bool, rng: np.random.Generator) -> np.ndarray:
    """Out of focus by `sigma` pixels, or as much blur along one direction."""
    if not motion:
        return cv2.GaussianBlur(crop, (0, 0), sigma)
    length = max(3, round(4 * sigma)) | 1
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2
    step = reach * np.array([np.cos(angle), np.sin(angle)])
    first, last = (np.rint(reach + sign * step).astype(int).tolist() for sign in (-1, 1))
    cv2.line(kernel, first, last, 1.0)
    return cv2.filter2D(crop, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def lower_resolution(crop: np.ndarray, share: float) -> np.ndarray:
    """As if the person were smaller: shrunk to `share` of each side and enlarged again."""
    height, width = crop.shape[:2]
    small = cv2.resize(
        crop, (max(2, round(width * share)), max(2, round(height * share))), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def recompress(crop: np.ndarray, jpeg_quality: int) -> np.ndarray:
    """Through JPEG at `jpeg_quality` (1 to 100) and back."""
    _, packed = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))


def occlude(
    crop: np.ndarray, other: np.ndarray, rng: np.random.Generator, least: float = 0.1, most: float = 0.4
) -> np.ndarray:
    """Another person stands in front: part of `other` comes in from the left, the right or below."""
    height, width = crop.shape[:2]
    if other.shape != crop.shape:
        other = cv2.resize(other, (width, height), interpolation=cv2.INTER_LINEAR)
    out = crop.copy()
    share = rng.uniform(least, most)
    side = int(rng.integers(3))
    if side == 2:
        rows = max(1, round(height * share))
        out[height - rows :] = other[:rows]
        return out
    columns = max(1, round(width * share))
    top = int(height * rng.uniform(0, 0.3))
    if side == 0:
        out[top:, :columns] = other[: height - top, width - columns :]
    else:
        out[top:, width - columns :] = other[: height - top, :columns]
    return out


def part_of(crop: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Only the upper `share` or one side of the person, as when a box is cut by the border of the frame."""
    height, width = crop.shape[:2]
    rows, columns = max(1, round(height * share)), max(1, round(width * share))
    part = (crop[:rows], crop[:, :columns], crop[:, width - columns :])[int(rng.integers(3))]
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


def erase(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A rectangle of one random colour (Zhong et al. 2020, "Random Erasing": area 2 to 30 %, aspect 0.3 to 3.3)."""
    height, width = crop.shape[:2]
    area = rng.uniform(0.02, 0.3) * height * width
    aspect = np.exp(rng.uniform(np.log(0.3), np.log(3.3)))
    h, w = min(height - 1, round(np.sqrt(area * aspect))), min(width - 1, round(np.sqrt(area / aspect)))
    top, left = int(rng.integers(height - h)), int(rng.integers(width - w))
    out = crop.copy()
    out[top : top + h, left : left + w] = rng.integers(0, 256, 3)
    return out
