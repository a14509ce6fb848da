"""Training pictures: where a picture is placed on the canvas, who is pasted in, and how the camera spoils it.

Everything works on a `Scene` and takes a seeded generator; nothing here knows about nets. Sources: mosaic from YOLOv4
(Bochkovskiy et al., arXiv:2004.10934, section 3.3); pasted people from Ghiasi et al., "Simple Copy-Paste",
arXiv:2012.07177, with an ellipse in place of masks, which these sets lack.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from perdure.train.detector.data import PAD_VALUE

MIN_BOX_PX = (3.0, 7.0)  # narrower or lower people cannot be told from noise at stride 8
MIN_VISIBLE = 0.3  # of a person that the edge of the canvas cuts; less becomes a region to ignore


@dataclass(frozen=True, slots=True)
class Scene:
    """(H, W, 3) uint8 BGR, people (N, 4) and regions to ignore (M, 4), float32 xyxy px.

    `likely` (P, 5) are people in doubt, xyxy px and what they are worth (`distill.py`). `pixel_aspect` is the width of
    a pixel against its height: above 1 where a wide picture was squeezed into a square.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    ignore: NDArray[np.float32]
    pixel_aspect: float = 1.0
    likely: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 5), np.float32))


@dataclass(frozen=True, slots=True)
class Placing:
    """How far pictures are scaled against filling the canvas, and stretched sideways against up and down."""

    scale: tuple[float, float] = (0.4, 1.5)
    aspect: tuple[float, float] = (0.6, 1.7)


def place(scene: Scene, height: int, width: int, placing: Placing, rng: np.random.Generator) -> Scene:
    """One picture on a grey canvas at random scale, aspect, mirroring and position; cut where it sticks out."""
    high, wide = scene.image.shape[:2]
    aspect = scene.pixel_aspect * np.exp(rng.uniform(*np.log(placing.aspect)))
    size = np.exp(rng.uniform(*np.log(placing.scale)))
    across, down = np.sqrt(aspect), 1 / np.sqrt(aspect)
    scale = size * min(width / (wide * across), height / (high * down))
    sx, sy = scale * across, scale * down
    left, top = _shift(wide * sx, width, rng), _shift(high * sy, height, rng)
    x1, y1 = max(0.0, -left / sx), max(0.0, -top / sy)
    x2, y2 = min(float(wide), (width - left) / sx), min(float(high), (height - top) / sy)
    source = scene.image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
    target = (max(1, round(source.shape[1] * sx)), max(1, round(source.shape[0] * sy)))
    how = cv2.INTER_AREA if scale < 1 and rng.random() < 0.5 else cv2.INTER_LINEAR
    part = cv2.resize(source, target, interpolation=how)
    px, py = max(0, round(left + int(x1) * sx)), max(0, round(top + int(y1) * sy))
    canvas = np.full((height, width, 3), PAD_VALUE, np.uint8)
    shown = part[: height - py, : width - px]
    canvas[py : py + shown.shape[0], px : px + shown.shape[1]] = shown
    move = np.array([px - int(x1) * sx, py - int(y1) * sy], np.float32)
    stretch = np.array([sx, sy], np.float32)
    placed = Scene(
        canvas,
        scene.boxes * np.tile(stretch, 2) + np.tile(move, 2),
        scene.ignore * np.tile(stretch, 2) + np.tile(move, 2),
        likely=scene.likely * np.append(np.tile(stretch, 2), 1) + np.append(np.tile(move, 2), 0),
    )
    placed = clip(placed)
    return mirror(placed) if rng.random() < 0.5 else placed


def _shift(extent: float, room: int, rng: np.random.Generator) -> float:
    low, high = sorted((0.0, room - extent))
    return float(rng.uniform(low, high))


def clip(scene: Scene) -> Scene:
    """Boxes cut at the edge; people hardly visible or too small to be learned become regions to ignore."""
    high, wide = scene.image.shape[:2]
    limit = np.array([wide, high] * 2, np.float32)
    every = np.concatenate([scene.boxes, scene.likely[:, :4]])
    cut = np.clip(every, 0, limit)
    sides, whole = cut[:, 2:] - cut[:, :2], every[:, 2:] - every[:, :2]
    shown = sides.prod(axis=1) / np.maximum(whole.prod(axis=1), 1e-6)
    good = (shown >= MIN_VISIBLE) & (sides >= MIN_BOX_PX).all(axis=1)
    ignore = np.concatenate([np.clip(scene.ignore, 0, limit), cut[~good]])
    ignore = ignore[(ignore[:, 2:] - ignore[:, :2]).min(axis=1, initial=np.inf) > 0.5]
    told, guessed = good[: len(scene.boxes)], good[len(scene.boxes) :]
    likely = np.column_stack([cut[len(scene.boxes) :], scene.likely[:, 4]])[guessed]
    boxes = cut[: len(scene.boxes)][told]
    return Scene(scene.image, boxes.astype(np.float32), ignore.astype(np.float32), likely=likely.astype(np.float32))


def mirror(scene: Scene) -> Scene:
    """Left and right swapped."""
    wide = scene.image.shape[1]
    boxes, ignore, likely = scene.boxes.copy(), scene.ignore.copy(), scene.likely.copy()
    for turned in (boxes, ignore, likely):
        turned[:, [0, 2]] = wide - turned[:, [2, 0]]
    return Scene(np.ascontiguousarray(scene.image[:, ::-1]), boxes, ignore, likely=likely)


def mosaic(scenes: list[Scene], height: int, width: int, placing: Placing, rng: np.random.Generator) -> Scene:
    """Four pictures around a random point of one canvas."""
    cx, cy = round(width * rng.uniform(0.3, 0.7)), round(height * rng.uniform(0.3, 0.7))
    canvas = np.empty((height, width, 3), np.uint8)
    boxes, ignore, likely = [], [], []
    windows = ((0, 0, cx, cy), (cx, 0, width, cy), (0, cy, cx, height), (cx, cy, width, height))
    for scene, (x1, y1, x2, y2) in zip(scenes, windows, strict=True):
        part = place(scene, y2 - y1, x2 - x1, placing, rng)
        canvas[y1:y2, x1:x2] = part.image
        offset = np.array([x1, y1, x1, y1], np.float32)
        boxes.append(part.boxes + offset)
        ignore.append(part.ignore + offset)
        likely.append(part.likely + np.append(offset, np.float32(0)))
    return Scene(canvas, np.concatenate(boxes), np.concatenate(ignore), likely=np.concatenate(likely))


def crowd(scene: Scene, people: list[NDArray[np.uint8]], rng: np.random.Generator) -> Scene:
    """Cut-out people (uint8 BGR crops) stacked around one person of the scene, the lower in front of the higher.

    Those already there and covered by more than two thirds become regions to ignore.
    """
    if len(scene.boxes) == 0 or not people:
        return scene
    high, wide = scene.image.shape[:2]
    x1, y1, x2, y2 = scene.boxes[rng.integers(len(scene.boxes))]
    put = []
    for crop in people:
        tall = float(np.clip((y2 - y1) * rng.uniform(0.8, 1.25), 16, high * 0.9))
        broad = tall * crop.shape[1] / crop.shape[0]
        foot = y2 + rng.uniform(-0.15, 0.25) * tall
        middle = (x1 + x2) / 2 + rng.choice([-1.0, 1.0]) * rng.uniform(0.25, 1.5) * broad
        put.append((foot, np.array([middle - broad / 2, foot - tall, middle + broad / 2, foot], np.float32), crop))
    image, boxes = scene.image.copy(), [*scene.likely[:, :4], *scene.boxes]
    covered, doubted = [0.0] * len(boxes), len(scene.likely)
    for _, box, crop in sorted(put, key=lambda item: item[0]):
        box = np.round(box)
        inside = np.clip(box, 0, [wide, high] * 2)
        if (inside[2:] - inside[:2]).min() < 8 or (inside[2:] - inside[:2]).prod() < 0.5 * (box[2:] - box[:2]).prod():
            continue
        _blend(image, crop, box.astype(int), inside.astype(int))
        for index, other in enumerate(boxes):
            sides = np.clip(np.minimum(other[2:], box[2:]) - np.maximum(other[:2], box[:2]), 0, None)
            covered[index] += float(sides.prod() / max((other[2:] - other[:2]).prod(), 1e-6))
        boxes.append(inside.astype(np.float32))
        covered.append(0.0)
    hidden = np.array(covered) > 0.67
    every = np.array(boxes, np.float32).reshape(-1, 4)
    sure = every[doubted:][~hidden[doubted:]]
    ignore = np.concatenate([scene.ignore, every[hidden]])
    return Scene(image, sure, ignore, likely=scene.likely[~hidden[:doubted]])


def _blend(
    image: NDArray[np.uint8], crop: NDArray[np.uint8], box: NDArray[np.int64], inside: NDArray[np.int64]
) -> None:
    broad, tall = int(box[2] - box[0]), int(box[3] - box[1])
    resized = cv2.resize(
        crop, (broad, tall), interpolation=cv2.INTER_AREA if tall < crop.shape[0] else cv2.INTER_LINEAR
    )
    ys, xs = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : broad * 1j]
    alpha = np.clip((1.02 - (np.abs(xs) ** 3 + np.abs(ys) ** 6)) * 5, 0, 1)[..., None]
    ox, oy = inside[0] - box[0], inside[1] - box[1]
    rows, columns = slice(oy, oy + inside[3] - inside[1]), slice(ox, ox + inside[2] - inside[0])
    under = image[inside[1] : inside[3], inside[0] : inside[2]]
    mixed = alpha[rows, columns] * resized[rows, columns] + (1 - alpha[rows, columns]) * under
    image[inside[1] : inside[3], inside[0] : inside[2]] = mixed.astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Spoiling:
    """Chance of each thing a camera does to a picture."""

    colour: float = 0.7
    grey: float = 0.12
    night: float = 0.15
    blur: float = 0.15
    jpeg: float = 0.25


def spoil(scene: Scene, chances: Spoiling, rng: np.random.Generator) -> Scene:
    """Colour, grey, night (gamma and noise), blur and JPEG; boxes stay."""
    image: cv2.typing.MatLike = scene.image
    if rng.random() < chances.colour:
        gain = rng.uniform(0.8, 1.2, 3) * rng.uniform(0.7, 1.3)
        table = np.clip((np.arange(256)[:, None] - 114) * rng.uniform(0.7, 1.3) + 114 + 114 * (gain - 1), 0, 255)
        image = cv2.LUT(image, table.astype(np.uint8).reshape(256, 1, 3))
    if rng.random() < chances.grey:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if rng.random() < chances.night:
        dark = (np.linspace(0, 1, 256) ** rng.uniform(1.4, 2.8) * 255).astype(np.uint8)
        noise = rng.normal(0, rng.uniform(1, 8), image.shape[:2]).astype(np.float32)[..., None]
        image = np.clip(cv2.LUT(image, dark) + noise, 0, 255).astype(np.uint8)
    if rng.random() < chances.blur:
        if rng.random() < 0.5:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6))
        else:
            image = cv2.blur(image, (int(rng.integers(2, 6)), 1))
    if rng.random() < chances.jpeg:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    return replace(scene, image=np.asarray(image, np.uint8))
