"""People who were drawn, for the teacher to describe: dressed for the cold, on plain ground.

Seen from afar, people are a handful of coloured shapes. A crowd of drawn ones holds the coats, trousers, hair and bags
that photographed crops lack, in any combination (as the rendered crowds of Wang et al. 2020, "Surpassing Real-World
Source Training Data: Random 3D Characters for Generalizable Person Re-Identification", do for training with labels).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from perdure.train.embedder.dark import contrasty
from perdure.train.embedder.data import Crops
from perdure.train.embedder.mix import by_another_camera, made

SHIFT = 4  # bits of a pixel that corners are given to
SKIN = np.array([(110, 140, 200), (150, 175, 225), (60, 90, 140), (40, 55, 85)], np.float32)  # BGR
HAIR = np.array([(20, 22, 28), (35, 50, 75), (70, 110, 150), (140, 145, 150), (10, 10, 12)], np.float32)


@dataclass(frozen=True)
class _Figure:
    """Where somebody stands: the box's height, its top and its middle in px, how broad they are, and by how much the
    picture is stretched to the sides, as narrow boxes are.
    """

    height: float
    top: float
    middle: float
    broad: float
    stretch: float
    sideways: bool

    def at(self, points: list[tuple[float, float]]) -> np.ndarray:
        """Points (x from the middle, y from the top), both in heights, as px in the fixed point cv2 draws with."""
        xy = np.asarray(points, np.float64) * (self.height * self.stretch, self.height) + (self.middle, self.top)
        return np.rint(xy * (1 << SHIFT)).astype(np.int32)


class _Canvas:
    """A picture that shapes are laid on, each in one colour with the folds of its cloth."""

    def __init__(self, ground: np.ndarray, rng: np.random.Generator) -> None:
        self.picture = ground.astype(np.float32)
        self.rng = rng
        self.folds = _cloudy(ground.shape[:2], rng)
        across = np.linspace(-1, 1, ground.shape[1])
        self.light = np.exp(rng.normal(0, 0.25) * across)[None, :]

    def lay(self, mask: np.ndarray, colour: np.ndarray, depth: float) -> None:
        """Colour (3,) BGR, or (H, W, 3), where the mask (H, W) uint8 is; `depth` says how deep its folds are."""
        share = (mask.astype(np.float32) / 255.0)[..., None]
        cloth = colour * (np.exp(depth * self.folds) * self.light)[..., None]
        self.picture += (cloth - self.picture) * share

    def shape(self, corners: np.ndarray) -> np.ndarray:
        """The mask of a polygon."""
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, SHIFT)
        return mask

    def round(
        self, figure: _Figure, centre: tuple[float, float], radii: tuple[float, float], tilt: float
    ) -> np.ndarray:
        """The mask of an ellipse, its centre and radii in heights."""
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        x, y = figure.at([centre])[0].tolist()
        sides = (radii[0] * figure.stretch * figure.height, radii[1] * figure.height)
        axes = tuple(max(1, round(side * (1 << SHIFT))) for side in sides)
        cv2.ellipse(mask, (x, y), axes, tilt, 0, 360, 255, -1, cv2.LINE_AA, SHIFT)
        return mask


def drawn_people(places: Crops, count: int, seed: tuple[int, ...]) -> Crops:
    """`count` crops of drawn people, without identity, each as some camera might take it.

    Args:
        places: crops that two in five of them stand before and some cloth is cut from; they give the size and context.
        count: how many to make.
        seed: the picture `i` is drawn from `(*seed, i)`.
    """
    return made("drawn", places, count, seed, lambda rng: one_drawn(places, rng))


def one_drawn(places: Crops, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """A picture (H, W, 3) uint8 of somebody alone or beside somebody else, and an empty name."""
    place, other = (places.pixels[int(rng.integers(len(places)))] for _ in range(2))
    person = drawn_person(place, other, places.context, rng)
    if rng.random() < 0.5:
        person = contrasty(person, rng)
    beside = other if rng.random() < 0.5 else drawn_person(place, other, places.context, rng)
    return by_another_camera(person, beside, rng), ""


def drawn_person(place: np.ndarray, cloth: np.ndarray, context: float, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 with somebody standing or walking before `place` or on plain ground; see `drawn_people`."""
    height, width = place.shape[:2]
    box = height / (1 + 2 * context)
    sideways = rng.random() < 0.5
    broad = np.exp(rng.normal(0, 0.12)) * (0.8 if sideways else 1.0)
    middle = width / 2 + rng.normal(0, 0.02) * box
    figure = _Figure(box, (height - box) / 2, middle, broad, rng.uniform(1.0, 1.7), sideways)
    ground = place if rng.random() < 0.4 else plain_ground(place.shape[:2], rng)
    canvas = _Canvas(ground, rng)
    upper, lower = garment(cloth, rng, False), garment(cloth, rng, True)
    hem = rng.uniform(0.46, 0.56) if rng.random() < 0.7 else rng.uniform(0.56, 0.78)
    if sideways and rng.random() < 0.5:
        _arm(canvas, figure, -1, upper * 0.9)
    _legs(canvas, figure, lower, hem)
    _trunk(canvas, figure, upper, hem, cloth)
    _arm(canvas, figure, 1, upper)
    if not sideways:
        _arm(canvas, figure, -1, upper)
    _head(canvas, figure)
    _baggage(canvas, figure, cloth)
    return np.clip(canvas.picture, 0, 255).astype(np.uint8)


def garment(cloth: np.ndarray, rng: np.random.Generator, trousers: bool) -> np.ndarray:
    """Its colour: (3,) BGR or, where it is cut from `cloth`, (H, W, 3); mostly dark, without much of a hue."""
    draw = rng.random()
    light = np.exp(rng.uniform(np.log(8), np.log(120)))
    if trousers and draw < 0.35:  # jeans
        return np.asarray(light * np.array([1.35, 1.0, 0.8]) * np.exp(rng.normal(0, 0.08, 3)), np.float32)
    if draw < 0.7:
        return np.asarray(light * np.exp(rng.normal(0, 0.12, 3)), np.float32)
    if draw < 0.88:
        return np.asarray(rng.uniform(5, 230, 3), np.float32)
    side = rng.uniform(0.15, 0.6)
    rows, columns = (max(1, round(side * n)) for n in cloth.shape[:2])
    part = cloth[:rows, :columns]
    dye = np.exp(rng.uniform(np.log(0.3), np.log(1.2)))
    return np.asarray(dye * cv2.resize(part, cloth.shape[1::-1]).astype(np.float32), np.float32)


def plain_ground(size_hw: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 of pavement, grass or a wall: two plain parts with an edge between, uneven."""
    height, width = size_hw
    out = np.empty((height, width, 3), np.float32)
    rows, columns = np.mgrid[0:height, 0:width]
    turn, off = rng.uniform(0, np.pi), rng.normal(0, 0.35) * height
    far = (columns - width / 2) * np.cos(turn) + (rows - height / 2) * np.sin(turn) > off
    for side in (far, ~far):
        light = rng.uniform(60, 235)
        hue = np.exp(rng.normal(0, 0.06, 3)) if rng.random() < 0.7 else np.array([0.6, 1.0, 0.75])  # stone, or grass
        out[side] = light * hue
    out *= np.exp(rng.uniform(0.02, 0.15) * _cloudy(size_hw, rng) + rng.uniform(0, 0.08) * rng.normal(size=size_hw))[
        ..., None
    ]
    return np.clip(out, 0, 255).astype(np.uint8)


def _cloudy(size_hw: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 of a random field of spread about one, coarse and fine."""
    height, width = size_hw
    total = np.zeros(size_hw, np.float32)
    for rows, weight in ((6, 0.7), (16, 0.5), (48, 0.4)):
        small = rng.normal(size=(rows, max(2, rows // 2))).astype(np.float32)
        total += weight * cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return total


def _legs(canvas: _Canvas, figure: _Figure, colour: np.ndarray, hem: float) -> None:
    rng = canvas.rng
    stride = abs(rng.normal(0, 0.09 if figure.sideways else 0.03)) + 0.02
    hip, wide = 0.045 * figure.broad, rng.uniform(0.032, 0.05) * figure.broad
    shoes = np.full(3, rng.uniform(10, 70), np.float32) if rng.random() < 0.8 else rng.uniform(20, 240, 3)
    bare = rng.random() < 0.07
    for side in (-1, 1):
        foot = side * stride + rng.normal(0, 0.015)
        knee = (0.55 * foot + side * hip * 0.4 + abs(rng.normal(0, 0.015)), 0.73 + rng.normal(0, 0.01))
        ankle = (foot, 0.95 - (abs(rng.normal(0, 0.02)) if rng.random() < 0.4 else 0))
        outline = [(side * hip - wide, 0.46), (side * hip + wide, 0.46), (knee[0] + 0.85 * wide, knee[1])]
        outline += [
            (ankle[0] + 0.65 * wide, ankle[1]),
            (ankle[0] - 0.65 * wide, ankle[1]),
            (knee[0] - 0.85 * wide, knee[1]),
        ]
        skin = SKIN[rng.integers(len(SKIN))]
        canvas.lay(canvas.shape(figure.at(outline)), skin if bare else colour * (1.0 if side > 0 else 0.85), 0.2)
        toe = (ankle[0] + (0.02 if figure.sideways else 0.0), ankle[1] + 0.02)
        canvas.lay(canvas.round(figure, toe, (0.045 if figure.sideways else 0.028, 0.02), rng.normal(0, 8)), shoes, 0.1)
    if hem > 0.6 and rng.random() < 0.3:  # a skirt below the coat
        flare = rng.uniform(0.08, 0.13) * figure.broad
        skirt = [(-0.07 * figure.broad, 0.45), (0.07 * figure.broad, 0.45), (flare, hem + 0.06), (-flare, hem + 0.06)]
        canvas.lay(canvas.shape(figure.at(skirt)), colour, 0.25)


def _trunk(canvas: _Canvas, figure: _Figure, colour: np.ndarray, hem: float, cloth: np.ndarray) -> None:
    rng, broad = canvas.rng, figure.broad
    shoulder, waist = rng.uniform(0.095, 0.13) * broad, rng.uniform(0.08, 0.11) * broad
    flare = waist * rng.uniform(0.95, 1.25)
    lean = rng.normal(0, 0.012)
    right = [(0.03 + lean, 0.145), (shoulder + lean, 0.185), (waist * 1.05, 0.33), (waist, 0.43), (flare, hem)]
    outline = right + [(-x + 2 * lean * (y < 0.2), y) for x, y in reversed(right)]
    canvas.lay(canvas.shape(figure.at(outline)), colour, rng.uniform(0.1, 0.35))
    draw = rng.random(3)
    if draw[0] < 0.3 and not figure.sideways:  # open, with something else under it
        half = rng.uniform(0.012, 0.04) * broad
        strip = [(-half, 0.15), (half, 0.15), (1.3 * half, hem), (-1.3 * half, hem)]
        canvas.lay(canvas.shape(figure.at(strip)), garment(cloth, rng, False), 0.15)
    if draw[1] < 0.2:  # a part of the jacket in another colour
        top = rng.uniform(0.15, 0.4)
        bottom = top + rng.uniform(0.02, 0.15)
        band = [(-0.2, top), (0.2, top), (0.2, bottom), (-0.2, bottom)]
        mask = np.minimum(canvas.shape(figure.at(band)), canvas.shape(figure.at(outline)))
        canvas.lay(mask, garment(cloth, rng, False), 0.15)
    if draw[2] < 0.2:  # a scarf or a hood
        canvas.lay(canvas.round(figure, (lean, 0.155), (0.05 * broad, 0.025), 0), garment(cloth, rng, False), 0.2)


def _arm(canvas: _Canvas, figure: _Figure, side: int, colour: np.ndarray) -> None:
    rng = canvas.rng
    swing = rng.normal(0, 0.06 if figure.sideways else 0.02)
    reach = 0.02 if figure.sideways else 0.115 * figure.broad
    wide = rng.uniform(0.026, 0.036) * figure.broad
    top, elbow = (side * reach, 0.19), (side * (reach + 0.01) + 0.5 * swing, 0.335)
    hand = (side * (reach + 0.005) + swing, 0.46)
    if rng.random() < 0.25:  # bent, holding something
        hand = (elbow[0] - side * rng.uniform(0.02, 0.09), rng.uniform(0.27, 0.4))
    outline = [(top[0] - wide, top[1]), (top[0] + wide, top[1]), (elbow[0] + 0.9 * wide, elbow[1])]
    outline += [(hand[0] + 0.65 * wide, hand[1]), (hand[0] - 0.65 * wide, hand[1]), (elbow[0] - 0.9 * wide, elbow[1])]
    canvas.lay(canvas.round(figure, hand, (0.016, 0.02), 0), SKIN[rng.integers(len(SKIN))], 0.1)
    canvas.lay(canvas.shape(figure.at(outline)), colour * rng.uniform(0.8, 1.1), 0.25)


def _head(canvas: _Canvas, figure: _Figure) -> None:
    rng = canvas.rng
    skin, hair = SKIN[rng.integers(len(SKIN))], HAIR[rng.integers(len(HAIR))]
    x = rng.normal(0, 0.012) + (0.015 if figure.sideways else 0.0)
    back = not figure.sideways and rng.random() < 0.5
    canvas.lay(canvas.round(figure, (x, 0.13), (0.028, 0.035), 0), skin, 0.1)
    if rng.random() < 0.35:  # long hair
        canvas.lay(canvas.round(figure, (x - 0.01, 0.12), (0.055, rng.uniform(0.07, 0.12)), 0), hair, 0.3)
    canvas.lay(canvas.round(figure, (x, 0.075), (0.043, 0.058), 0), hair if back else skin, 0.1)
    if not back:
        lift = (x - (0.016 if figure.sideways else 0.0), rng.uniform(0.035, 0.05))
        canvas.lay(canvas.round(figure, lift, (0.045, rng.uniform(0.025, 0.04)), 0), hair, 0.2)
    if rng.random() < 0.15:
        canvas.lay(canvas.round(figure, (x, 0.035), (0.05, 0.03), 0), rng.uniform(10, 220, 3), 0.1)


def _baggage(canvas: _Canvas, figure: _Figure, cloth: np.ndarray) -> None:
    rng = canvas.rng
    draw = rng.random()
    if draw < 0.15:  # on the back
        x = -0.09 * figure.broad if figure.sideways else rng.normal(0, 0.01)
        size = (0.05, 0.09) if figure.sideways else (0.08, 0.1)
        canvas.lay(canvas.round(figure, (x, 0.29), size, 0), garment(cloth, rng, False), 0.2)
    elif draw < 0.4:  # in a hand or at the side
        x, y, side = rng.choice([-1, 1]) * rng.uniform(0.08, 0.15), rng.uniform(0.42, 0.58), rng.uniform(0.02, 0.06)
        bag = [(x - side, y), (x + side, y), (x + side, y + 1.4 * side), (x - side, y + 1.4 * side)]
        canvas.lay(canvas.shape(figure.at(bag)), rng.uniform(10, 240, 3), 0.2)
