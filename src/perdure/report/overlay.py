"""Drawing on pictures: who is where, and which way they came."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from perdure.geometry import clip
from perdure.report.colours import Colour, ink_on
from perdure.types import Float32s, Float64s, Image

_FONT: Final = cv2.FONT_HERSHEY_DUPLEX
_FONT_PX: Final = 21.0
"""Height of a capital of ``_FONT`` at scale 1."""
_PLATE: Final[Colour] = (16, 18, 22)
_DARK: Final[Colour] = (22, 24, 29)
_PALE: Final[Colour] = (236, 236, 234)
_SOFT: Final[Colour] = (150, 156, 168)
_SHIFT: Final = 3
"""Coordinates in eighths of a pixel, so that slow people do not jump."""


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """One person at one moment."""

    label: str
    """ASCII; other characters are drawn as "?"."""
    colour: Colour
    box: Float32s
    """(4,) float32 xyxy, px of the picture; may reach over the border."""
    trail: Float64s
    """(K, 3) [x, y, freshness in 0..1] of the foot points, oldest first."""

    def scaled(self, scale: float) -> Mark:
        """The same mark on a picture that is so many times as large."""
        return replace(self, box=self.box * np.float32(scale), trail=self.trail * np.array([scale, scale, 1.0]))


def draw(image: Image, marks: Sequence[Mark]) -> None:
    """Draw all marks, in place: trails below, labels on top."""
    stroke = stroke_px(image)
    for mark in marks:
        _trail(image, mark, stroke)
    for mark in marks:
        _frame(image, mark, stroke)
    for mark in marks:
        _label(image, mark, stroke)


def caption(image: Image, text: str) -> None:
    """Write the camera's name and its clock into the top left corner, in place."""
    size = _letters_px(image)
    pad = round(0.7 * size)
    width, height = _extent(text, size)
    with _faded(image, (0, 0, width + 2 * pad, height + 2 * pad), 0.62) as (plate, _, _):
        plate[:] = _bgr(_PLATE)
    _write(image, text, (pad, pad + height), size, _PALE)


def dark_tile(size: tuple[int, int], name: str, why: str) -> Image:
    """(H, W, 3) uint8 BGR: what stands where a camera has no picture; ``size`` is (width, height)."""
    tile = np.full((size[1], size[0], 3), _bgr(_DARK), np.uint8)
    letters = _letters_px(tile)
    for text, line, colour in ((name, -0.3, _PALE), (why, 1.6, _SOFT)):
        width, _ = _extent(text, letters)
        at = max(0, (size[0] - width) // 2), round(size[1] / 2 + line * letters)
        _write(tile, text, at, letters, colour)
    return tile


def board(size: tuple[int, int], people: Sequence[tuple[str, Colour, str]]) -> Image:
    """(H, W, 3) uint8 BGR: who is where now, as (label, colour, place) each; as many as there is room for."""
    tile = np.full((size[1], size[0], 3), _bgr(_DARK), np.uint8)
    letters = _letters_px(tile) * 1.3
    pad, line = round(0.5 * letters), round(2.6 * letters)
    left, top = round(2.5 * letters), round(2.5 * letters)
    for number, (label, colour, place) in enumerate(people[: max(0, (size[1] - top) // line)]):
        width, height = _extent(label, letters)
        y = top + number * line
        cv2.rectangle(tile, (left, y), (left + width + 2 * pad, y + height + 2 * pad), _bgr(colour), -1)
        _write(tile, label, (left + pad, y + pad + height), letters, ink_on(colour))
        _write(tile, place, (left + width + 5 * pad, y + pad + height), letters, _PALE)
    return tile


def stroke_px(image: Image) -> int:
    """How wide a line is on a picture of this size."""
    return max(2, round(_short_side(image) / 240))


def _trail(image: Image, mark: Mark, stroke: int) -> None:
    """Foot points, the older the fainter and the thinner."""
    for (x1, y1, _), (x2, y2, fresh) in zip(mark.trail[:-1], mark.trail[1:], strict=True):
        thickness = max(1, round(1.6 * stroke * (0.4 + 0.6 * fresh)))
        margin = thickness + 1
        area = (min(x1, x2) - margin, min(y1, y2) - margin, max(x1, x2) + margin + 1, max(y1, y2) + margin + 1)
        with _faded(image, area, 0.15 + 0.75 * fresh) as (part, left, top):
            start, end = (round(x1) - left, round(y1) - top), (round(x2) - left, round(y2) - top)
            cv2.line(part, start, end, _bgr(mark.colour), thickness, cv2.LINE_AA)


def _frame(image: Image, mark: Mark, stroke: int) -> None:
    """A rounded box on a darker one, so that it is seen on any ground."""
    height, width = image.shape[:2]
    inner = stroke / 2
    box = clip(mark.box[None], width, height)[0] + np.array([inner, inner, -inner - 1, -inner - 1], np.float32)
    if box[2] - box[0] < 2 or box[3] - box[1] < 2:
        return
    radius = min(3.0 * stroke, (box[2] - box[0]) / 4, (box[3] - box[1]) / 4)
    outline = _rounded(box, float(radius))
    cv2.polylines(image, [outline], True, _bgr(_PLATE), stroke + 2, cv2.LINE_AA, _SHIFT)
    cv2.polylines(image, [outline], True, _bgr(mark.colour), stroke, cv2.LINE_AA, _SHIFT)


def _rounded(box: Float32s, radius: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """(P, 1, 2) int32 outline of a box with round corners, in units of 2^-_SHIFT px."""
    turn = np.linspace(0, np.pi / 2, 5)
    corners = ((box[2], box[1], 1, -1, -np.pi / 2), (box[2], box[3], 1, 1, 0.0), (box[0], box[3], -1, 1, np.pi / 2))
    points = [
        np.stack([x - sx * radius + radius * np.cos(from_ + turn), y - sy * radius + radius * np.sin(from_ + turn)], 1)
        for x, y, sx, sy, from_ in (*corners, (box[0], box[1], -1, -1, np.pi))
    ]
    return np.round(np.concatenate(points) * 2**_SHIFT).astype(np.int32)[:, None]


def _label(image: Image, mark: Mark, stroke: int) -> None:
    """The name on a plate of the person's colour: above the box, or inside it where there is no room."""
    size = _letters_px(image)
    pad = max(2, round(0.35 * size))
    text_width, text_height = _extent(mark.label, size)
    width, height = text_width + 2 * pad, text_height + 2 * pad
    left = round(min(max(0.0, float(mark.box[0])), max(0, image.shape[1] - width)))
    top = round(float(mark.box[1])) - height
    if top < 0:
        top = max(0, round(float(mark.box[1])) + stroke)
    top = min(top, max(0, image.shape[0] - height))
    plate = np.array([left, top, left + width - 1, top + height - 1], np.float32)
    outline = _rounded(plate, min(2.0 * stroke, height / 3))
    cv2.fillPoly(image, [outline], _bgr(mark.colour), cv2.LINE_AA, _SHIFT)
    _write(image, mark.label, (left + pad, top + pad + text_height), size, ink_on(mark.colour))


def _short_side(image: Image) -> int:
    return min(int(image.shape[0]), int(image.shape[1]))


def _letters_px(image: Image) -> float:
    """Height of capitals: a fortieth of the picture, but never too small to read."""
    return max(8.0, _short_side(image) / 40)


def _extent(text: str, size: float) -> tuple[int, int]:
    (width, height), _ = cv2.getTextSize(text, _FONT, size / _FONT_PX, _weight(size))
    return width, height


def _write(image: Image, text: str, at: tuple[int, int], size: float, colour: Colour) -> None:
    """Text whose base line starts at ``at``."""
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(image, plain, at, _FONT, size / _FONT_PX, _bgr(colour), _weight(size), cv2.LINE_AA)


def _weight(size: float) -> int:
    return max(1, round(size / 14))


@contextmanager
def _faded(image: Image, area: tuple[float, float, float, float], opacity: float) -> Iterator[tuple[Image, int, int]]:
    """A part of the picture to paint on, and its left and top; what was painted shows with an opacity in 0..1.

    ``area`` is xyxy and is cut to the picture; outside it, painting has no effect.
    """
    height, width = image.shape[:2]
    left, top = max(0, math.floor(area[0])), max(0, math.floor(area[1]))
    right, bottom = min(width, math.ceil(area[2])), min(height, math.ceil(area[3]))
    if right <= left or bottom <= top:
        yield np.zeros((1, 1, 3), np.uint8), left, top
        return
    part = image[top:bottom, left:right]
    painted = part.copy()
    yield painted, left, top
    cv2.addWeighted(painted, opacity, part, 1 - opacity, 0, dst=part)


def _bgr(colour: Colour) -> tuple[int, int, int]:
    return colour[2], colour[1], colour[0]
