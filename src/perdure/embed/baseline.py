"""The embedder that needs no weights: colour in horizontal stripes. Weak, and its card says so."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from perdure.embed.crop import stack, usable
from perdure.embed.quality import quality
from perdure.embed.vectors import unit
from perdure.models.catalogue import BASELINE
from perdure.types import Float32s, Image

HEIGHT_PX, WIDTH_PX = 96, 48
STRIPES = 6
HUE_BINS, SATURATION_BINS, LIGHTNESS_BINS = 12, 4, 8
DIM = STRIPES * (HUE_BINS * SATURATION_BINS + LIGHTNESS_BINS)


class ColourStripes:
    """Hue-saturation and lightness histograms of six stripes, square-rooted (so that the dot product is the
    Bhattacharyya coefficient), centred pixels weighing more. In the manner of Gray and Tao (ECCV 2008) and
    Farenzena et al. (CVPR 2010), without any learning.
    """

    def __init__(self) -> None:
        across = np.linspace(-1.0, 1.0, WIDTH_PX)
        self._weight = np.tile(np.exp(-0.5 * (across / 0.5) ** 2), (HEIGHT_PX, 1)).reshape(-1)
        self._stripe = np.repeat(np.arange(HEIGHT_PX) * STRIPES // HEIGHT_PX, WIDTH_PX)

    @property
    def name(self) -> str:
        """``baseline``."""
        return BASELINE

    @property
    def dim(self) -> int:
        """D, the length of a vector."""
        return DIM

    @property
    def border(self) -> float:
        """Nothing beyond the box."""
        return 0.0

    def embed(self, crops: Sequence[Image]) -> tuple[Float32s, Float32s]:
        """(K, D) float32 unit vectors and (K,) float32 quality in [0, 1]; see ``Embedder``."""
        vectors = np.zeros((len(crops), DIM), np.float32)
        rows = [i for i, crop in enumerate(crops) if usable(crop)]
        for i, picture in zip(rows, stack([crops[i] for i in rows], HEIGHT_PX, WIDTH_PX), strict=True):
            vectors[i] = self._describe(picture)
        vectors, _ = unit(vectors)
        return vectors, np.array([quality(crop) for crop in crops], np.float32)

    def _describe(self, picture: Image) -> Float32s:
        hsv = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV).reshape(-1, 3).astype(np.int64)
        colour = (hsv[:, 0] * HUE_BINS // 180) * SATURATION_BINS + hsv[:, 1] * SATURATION_BINS // 256
        lightness = hsv[:, 2] * LIGHTNESS_BINS // 256
        # Hue means nothing in grey or dark pixels: they count only as far as they have colour.
        chroma = self._weight * hsv[:, 1] * hsv[:, 2] / 255.0**2
        colours = self._histogram(colour, HUE_BINS * SATURATION_BINS, chroma)
        lights = self._histogram(lightness, LIGHTNESS_BINS, self._weight)
        stripes = np.concatenate([colours, lights], axis=1).reshape(-1)
        return np.asarray(np.sqrt(stripes), np.float32)

    def _histogram(self, bins: np.ndarray, count: int, weights: np.ndarray) -> np.ndarray:
        """(STRIPES, count) weighted histogram of each stripe."""
        return np.bincount(self._stripe * count + bins, weights, STRIPES * count).reshape(STRIPES, count)
