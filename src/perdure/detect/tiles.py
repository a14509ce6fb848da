"""A second look at native scale where people are too small in the whole picture.

The whole picture is scaled down to the network's input, and whoever is small there is lost. Places where something
small moves or a small person is expected are cut out at native scale, and four of them fill one more input of the same
size, so that all of them cost one look more and go in one batch with the whole picture. Now and then that input is one
tile of a grid instead, the next each time, so that somebody far away who stands still is found too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perdure import geometry
from perdure.config import DetectionConfig
from perdure.detect.detector import Detector
from perdure.detect.fit import Fit, plan
from perdure.detect.flags import flags
from perdure.models.card import ModelInput
from perdure.types import Detections, Float32s, Frame, Image, Ints

SMALL_IN_INPUT_PX = 48.0
"""People lower than this in the network's input are better looked at closely."""
WORTH_IT = 0.75
"""Pictures scaled down by less than this gain nothing."""
CELLS = 2
"""Cut-outs of one sheet, along each side."""
MOTION_SLACK = 2.0
"""Motion is told in blocks with a margin: its boxes are up to so many times as high as who moves."""
EDGE_PX = 4.0
"""A box this near to the edge of a tile is a part of somebody."""
SAME_IOU = 0.5
"""Boxes of two looks that overlap more are of one person."""
_HELD = 0.95
"""A tile that shows so much of a place holds it."""
_NEAR = 0.25
_EXPLAINED = 0.6
"""As in ``schedule``: motion around a person is theirs."""
_FREE = ModelInput(tensor="", colour="bgr", fit="rectangle")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One more input: cut-outs of a picture side by side.

    Tiles and places are (T, 4) int64, xyxy, px: where each comes from in the picture, and where it lies on the sheet.
    """

    height: int
    width: int
    tiles: Ints
    places: Ints

    def draw(self, image: Image) -> Image:
        """(H, W, 3) uint8: the sheet of a picture."""
        sheet = np.full((self.height, self.width, 3), _FREE.pad, np.uint8)
        for (x1, y1, x2, y2), (u1, v1, u2, v2) in zip(self.tiles.tolist(), self.places.tolist(), strict=True):
            sheet[v1:v2, u1:u2] = image[y1:y2, x1:x2]
        return sheet

    def to_picture(self, found: Detections, width: int, height: int) -> list[Detections]:
        """What was found on each tile, in the picture; without parts of people that an edge of a tile cuts."""
        middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        begun, ended = middle[:, None] >= self.places[None, :, :2], middle[:, None] < self.places[None, :, 2:]
        on_tile = (begun & ended).all(axis=2).reshape(len(found), len(self.tiles))
        whose = on_tile.argmax(axis=1)
        boxes = found.boxes + (self.tiles - self.places)[whose].astype(np.float32)
        limits = self.tiles[whose].astype(np.float32)
        at_border = self.tiles[whose] == np.array([0, 0, width, height])
        past = np.concatenate([boxes[:, :2] - limits[:, :2], limits[:, 2:] - boxes[:, 2:]], axis=1)
        whole = on_tile[np.arange(len(found)), whose] & ((past > EDGE_PX) | at_border).all(axis=1)
        kept = geometry.clip(boxes, width, height)
        of_tile = [whole & (whose == index) for index in range(len(self.tiles))]
        return [Detections.of(kept[rows], found.scores[rows]) for rows in of_tile]


def sheets(frame: Frame, people: Float32s, since_s: float, settings: DetectionConfig) -> list[Sheet]:
    """What to look at closely in a frame ``since_s`` after the last look at its camera.

    Depends on the frame and its arguments only. ``people`` are (N, 4) float32, xyxy, px, where people are expected.
    """
    size = frame.width, frame.height
    fit = plan(frame.height, frame.width, _FREE)
    scale = fit.height / frame.height
    if settings.tiles == "off" or scale > WORTH_IT:
        return []
    every = grid(size, (fit.width, fit.height))
    if settings.tiles == "on":
        return [_sheet(fit, tile[None]) for tile in every]
    places = _small(frame.motion, people, SMALL_IN_INPUT_PX / scale)
    cell = fit.width // CELLS, fit.height // CELLS
    tiles = _around(places, size, cell, settings.tiles_at_most * CELLS**2)
    wanted = [_sheet(fit, tiles[start : start + CELLS**2]) for start in range(0, len(tiles), CELLS**2)]
    turn = math.floor(frame.at / settings.heartbeat_s)
    if not math.isfinite(since_s) or turn != math.floor((frame.at - since_s) / settings.heartbeat_s):
        wanted.append(_sheet(fit, every[turn % len(every)][None]))
    return wanted


def grid(size: tuple[int, int], tile: tuple[int, int]) -> Ints:
    """(T, 4) int64 tiles, xyxy, px, that cover a picture, each overlapping its neighbours by half a cell at least."""
    across, down = (_starts(whole, part, part // (2 * CELLS)) for whole, part in zip(size, tile, strict=True))
    return np.array(
        [[x, y, min(x + tile[0], size[0]), min(y + tile[1], size[1])] for y in down for x in across], np.int64
    )


def look(detector: Detector, images: Sequence[Image], closer: Sequence[Sequence[Sheet]]) -> list[Detections]:
    """The people in each picture by its whole and by its sheets, in one call; boxes as ``Detector`` promises."""
    drawn = [sheet.draw(image) for image, own in zip(images, closer, strict=True) for sheet in own]
    if not drawn:
        return detector.detect(images)
    found = detector.detect([*images, *drawn])
    near = iter(found[len(images) :])
    return [
        _together(whole, [one for sheet in own for one in sheet.to_picture(next(near), *_size(image))], _size(image))
        for image, whole, own in zip(images, found[: len(images)], closer, strict=True)
    ]


def _together(whole: Detections, near: list[Detections], size: tuple[int, int]) -> Detections:
    """One answer of several looks at one picture: of boxes of two looks that are one person's, the surer one stays."""
    looks = [whole, *near]
    if not sum(len(one) for one in near):
        return whole
    boxes = np.concatenate([one.boxes for one in looks])
    scores = np.concatenate([one.scores for one in looks])
    source = np.repeat(np.arange(len(looks)), [len(one) for one in looks])
    order = np.argsort(-scores, kind="stable")
    boxes, scores, source = boxes[order], scores[order], source[order]
    same = (geometry.iou(boxes, boxes) > SAME_IOU) & (source[:, None] != source[None])
    alive = np.ones(len(boxes), np.bool_)
    for i in range(len(boxes)):
        if alive[i]:
            alive[i + 1 :] &= ~same[i, i + 1 :]
    boxes, scores = boxes[alive], scores[alive]
    return Detections.of(boxes, scores, flags(boxes, scores, *size), whole.kind)


def _small(motion: Float32s | None, people: Float32s, small_px: float) -> Float32s:
    """(P, 4) places where somebody small may be: people expected, and motion that no larger person explains."""
    tall = people[:, 3] - people[:, 1]
    small = people[tall < small_px]
    if motion is None or not len(motion):
        return small
    margin = _NEAR * tall[:, None]
    around = people + margin * np.array([-1, -1, 1, 1], np.float32)
    unexplained = geometry.covered(motion, around).sum(axis=1) < _EXPLAINED
    low = motion[:, 3] - motion[:, 1] < MOTION_SLACK * small_px
    return np.concatenate([small, motion[unexplained & low]])


def _around(places: Float32s, size: tuple[int, int], tile: tuple[int, int], at_most: int) -> Ints:
    """(T, 4) int64 tiles, xyxy, px, of one size, that hold as many places as they can; the fullest first."""
    limit = np.maximum(np.array(size) - tile, 0)
    extent = np.minimum(np.array(tile), size)
    tiles: list[Ints] = []
    left = np.clip(places, 0, np.array(size * 2, np.float32))
    while len(left) and len(tiles) < at_most:
        middle = (left[:, :2] + left[:, 2:]) / 2
        corners = np.clip(np.round(middle - extent / 2), 0, limit)
        offered = np.concatenate([corners, corners + extent], axis=1).astype(np.float32)
        held = geometry.covered(left, offered) > _HELD
        best = int(held.sum(axis=0).argmax())
        tiles.append(offered[best].astype(np.int64))
        held[best, best] = True
        left = left[~held[:, best]]
    return np.array(tiles, np.int64).reshape(-1, 4)


def _sheet(fit: Fit, tiles: Ints) -> Sheet:
    """Tiles laid out side by side, from the top left; one alone may fill the sheet."""
    sides = tiles[:, 2:] - tiles[:, :2]
    across = CELLS if (sides * CELLS <= (fit.width, fit.height)).all() else 1
    step = np.array([fit.width // across, fit.height // across])
    corners = np.array([[i % across, i // across] for i in range(len(tiles))]) * step
    return Sheet(fit.height, fit.width, tiles, np.concatenate([corners, corners + sides], axis=1).astype(np.int64))


def _starts(whole: int, part: int, overlap: int) -> list[int]:
    """Where parts begin that cover a whole evenly."""
    if part >= whole:
        return [0]
    count = math.ceil((whole - overlap) / (part - overlap))
    return [round(i * (whole - part) / (count - 1)) for i in range(count)]


def _size(image: Image) -> tuple[int, int]:
    return image.shape[1], image.shape[0]
