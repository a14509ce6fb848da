"""Pictures into a network's input, and boxes back. Never a padded square: a rectangle near the picture's shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from perdure.models.card import ModelInput
from perdure.models.preprocess import normalise
from perdure.types import Float32s, Image

INPUT_AREA_PX2 = 640 * 384
"""A 4:3 picture costs as much as a wide one."""
MOST_ENLARGED = 4 / 3
ABOUT = 1.1
"""By this factor the area of an input may be missed: that much the rounding of its sides does."""
MOST_DISTORTED = 1.1
"""Up to this ratio of its two scales a picture fills the input; beyond it, it is padded instead."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How one picture lies in the input: scaled, at the top left, the rest filled with the pad value."""

    height: int
    """Of the input, px."""
    width: int
    inner_height: int
    """Of the picture inside the input, px."""
    inner_width: int
    scale_x: float
    """Input px per picture px."""
    scale_y: float

    def to_picture(self, boxes: Float32s) -> Float32s:
        """(..., 4) xyxy px of the input -> px of the picture, not clipped."""
        return np.asarray(boxes / np.array([self.scale_x, self.scale_y] * 2, np.float32), np.float32)


def plan(
    height: int,
    width: int,
    given: ModelInput,
    area_px2: float = INPUT_AREA_PX2,
    most_enlarged: float = MOST_ENLARGED,
) -> Fit:
    """How a picture of this size goes into an input.

    A free input has about ``area_px2``, enlarges a picture by at most ``most_enlarged``, and takes the multiples
    nearest to the picture's own shape: a stretch of a few per cent costs the detector nothing, padding costs time. A
    picture that is about such an input already is taken as it is.
    """
    if given.height is not None and given.width is not None:
        if given.fit == "stretch":
            return _fit(height, width, given.height, given.width, given.height / height, given.width / width)
        scale = min(given.height / height, given.width / width)
        return _fit(height, width, given.height, given.width, scale, scale)
    step = given.multiple_of
    if height % step == 0 and width % step == 0 and 1 / ABOUT < height * width / area_px2 < ABOUT:
        return _fit(height, width, height, width, 1.0, 1.0)
    scale = min(math.sqrt(area_px2 / (height * width)), most_enlarged)
    high, wide = (step * max(1, round(side * scale / step)) for side in (height, width))
    scale_y, scale_x = high / height, wide / width
    if max(scale_y, scale_x) <= MOST_DISTORTED * min(scale_y, scale_x):
        return _fit(height, width, high, wide, scale_y, scale_x)
    high, wide = (step * max(1, math.ceil(side * scale / step - 1e-6)) for side in (height, width))
    return _fit(height, width, high, wide, scale, scale)


def _fit(height: int, width: int, input_height: int, input_width: int, scale_y: float, scale_x: float) -> Fit:
    inner_height = min(input_height, max(1, round(height * scale_y)))
    inner_width = min(input_width, max(1, round(width * scale_x)))
    return Fit(input_height, input_width, inner_height, inner_width, inner_width / width, inner_height / height)


def blob(images: Sequence[Image], fits: Sequence[Fit], given: ModelInput) -> Float32s:
    """(B, 3, H, W) or (B, H, W, 3) float32 input of pictures whose fits share one input size."""
    canvas = np.full((len(images), fits[0].height, fits[0].width, 3), given.pad, np.uint8)
    for row, image, fit in zip(canvas, images, fits, strict=True):
        inside = row[: fit.inner_height, : fit.inner_width]
        source = _halved(image, fit)
        if source.shape[:2] == inside.shape[:2]:
            inside[:] = source
        else:
            cv2.resize(source, (fit.inner_width, fit.inner_height), dst=inside, interpolation=cv2.INTER_LINEAR)
    return normalise(canvas, given)


def _halved(image: Image, fit: Fit) -> Image:
    """The picture halved while it is twice too large: no aliasing, in a seventh of INTER_AREA's time at any ratio."""
    while image.shape[0] >= 2 * fit.inner_height and image.shape[1] >= 2 * fit.inner_width:
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_AREA), np.uint8)
    return image
