"""How good a crop is: a plain quality from its pixels for models that tell none, and what a quality is worth.

Plain: how sharp, how large, how person-shaped. Each factor is a smooth step in [0, 1] and they multiply, so one bad
property is enough. The constants are round numbers read off typical surveillance crops, not fitted.

``Scale`` brings it, or the model's own, to a probability measured with the model: that the crop ranks its own identity
first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from perdure.embed.crop import resize, usable
from perdure.types import Float32s, Image

HALF_HEIGHT_PX = 48.0
"""A crop of this height has size factor 0.5."""
HALF_SHARPNESS = 6.0
"""Mean absolute Laplacian (grey levels, at 64x32 px) with sharpness factor 0.5."""
USUAL_ASPECT = 0.42
"""Width over height of a standing person."""
ASPECT_SPREAD = 0.45
"""Standard deviation of log aspect that is still normal."""


def quality(crop: Image) -> float:
    """Quality in [0, 1] of one crop ((h, w, 3) uint8 BGR); 0 where there is nothing to see."""
    if not usable(crop):
        return 0.0
    return float(_size(crop) * _sharpness(crop) * _aspect(crop))


def _size(crop: Image) -> float:
    return float(crop.shape[0] ** 2 / (crop.shape[0] ** 2 + HALF_HEIGHT_PX**2))


def _sharpness(crop: Image) -> float:
    """Measured at one small size, so that a large crop is not called blurred for being smooth pixel by pixel."""
    grey = cv2.cvtColor(resize(crop, 64, 32), cv2.COLOR_BGR2GRAY)
    edges = float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())
    return edges / (edges + HALF_SHARPNESS)


def _aspect(crop: Image) -> float:
    off = np.log(crop.shape[1] / crop.shape[0] / USUAL_ASPECT)
    return float(np.exp(-0.5 * (off / ASPECT_SPREAD) ** 2))


@dataclass(frozen=True, slots=True)
class Scale:
    """From a quality as it is told to the probability of ranking one's own identity first.

    A rising line through points that isotonic regression found (``perdure.evaluate.quality_calibration``). Below what
    was measured it falls to 0 in proportion.
    """

    told: tuple[float, ...]
    """(P,) qualities, rising from 0."""
    first: tuple[float, ...]
    """(P,) probabilities, never falling, from 0."""

    def __call__(self, told: Float32s) -> Float32s:
        """(K,) float32 probabilities of K crops, from their (K,) qualities."""
        return np.asarray(np.interp(told, self.told, self.first), np.float32)
