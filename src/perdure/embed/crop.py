"""Cutting people out of a frame, and bringing a crop to a network's size."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from perdure.types import Flag, Float32s, Image

SMALLEST_PX = 4
"""A crop with a shorter side is no picture of anybody."""


def cut(image: Image, boxes: Float32s, border: float | Float32s = 0.0) -> list[Image]:
    """The crops of (N, 4) xyxy px boxes, clipped to the picture: views, not copies; empty where a box lies outside.

    Args:
        image: (H, W, 3) uint8.
        boxes: (N, 4) xyxy px; corners are rounded to whole pixels.
        border: added on each side, in shares of the box's width and height; one for all, or (N,).
    """
    height, width = image.shape[:2]
    sides = boxes[:, 2:] - boxes[:, :2]
    around = np.reshape(border, (-1, 1)) * sides
    wide = np.concatenate([boxes[:, :2] - around, boxes[:, 2:] + around], axis=1)
    limits = np.array([width, height, width, height])
    corners = np.clip(np.rint(np.nan_to_num(wide)), 0, limits).astype(np.int64)
    return [image[y1 : max(y1, y2), x1 : max(x1, x2)] for x1, y1, x2, y2 in corners.tolist()]


def borders(flags: npt.NDArray[np.uint8], wanted: float) -> Float32s:
    """(N,) what to cut around boxes: so much, but nothing where they are crowded, because there is somebody else."""
    return np.where(flags & Flag.CROWDED, 0.0, wanted).astype(np.float32)


def usable(crop: Image) -> bool:
    """Whether there is anything to embed."""
    return crop.ndim == 3 and min(crop.shape[:2]) >= SMALLEST_PX


def resize(crop: Image, height: int, width: int) -> Image:
    """The crop stretched to a size: by area when it shrinks, so fine patterns do not alias, else bicubic.

    People far away are a few dozen pixels high. Enlarged bilinearly they look blurred to a network; bicubic keeps
    edges, which is worth .001 to .015 of mAP there to every embedder that was tried (docs/embed.md).
    """
    if crop.shape[:2] == (height, width):
        return crop
    shrinks = crop.shape[0] > height and crop.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (width, height), interpolation=how), np.uint8)


def stack(crops: Sequence[Image], height: int, width: int) -> Image:
    """(K, height, width, 3) uint8 of usable crops."""
    if not crops:
        return np.zeros((0, height, width, 3), np.uint8)
    return np.stack([resize(crop, height, width) for crop in crops])
