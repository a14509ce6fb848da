"""A made-up building: coloured people walk before cameras, and a detector that sees exactly them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perdure.types import Detections, Float32s, Image
from perdure.video.write import VideoWriter

SIZE = (160, 120)
COLOURS = {"red": (40, 40, 220), "green": (60, 200, 60), "blue": (220, 60, 40)}


def write_clip(
    path: Path,
    walks: dict[str, tuple[int, int]],
    frames: int = 60,
    rate_fps: float = 10.0,
    key_every_s: float | None = None,
) -> Path:
    """Each named person crosses from left to right during frames [first, last).

    ``key_every_s``: encoded as a network camera does.
    """
    with VideoWriter(path, rate_fps, SIZE, key_every_s=key_every_s) as writer:
        for index in range(frames):
            image = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
            for row, (name, (first, last)) in enumerate(walks.items()):
                if first <= index < last:
                    x = 4 + round((SIZE[0] - 30) * (index - first) / (last - first))
                    y = 10 + 38 * row
                    image[y : y + 36, x : x + 16] = COLOURS[name]
            writer.write(image, index / rate_fps)
    return path


class ColourDetector:
    """Finds the coloured people."""

    name = "colours"

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """One box per colour."""
        return [self._detect(np.asarray(image, np.float32)) for image in images]

    def _detect(self, image: Float32s) -> Detections:
        boxes = []
        for colour in COLOURS.values():
            ys, xs = np.nonzero(np.abs(image - np.array(colour, np.float32)).sum(axis=2) < 120)
            if len(ys) > 100:
                boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        return Detections.of(np.array(boxes).reshape(-1, 4), np.full(len(boxes), 0.9))


class ColourEmbedder:
    """The mean colour, as a vector."""

    name = "colours"
    dim = 3
    border = 0.0

    def embed(self, crops: Sequence[Image]) -> tuple[Float32s, Float32s]:
        """Unit vectors and quality 1."""
        means = np.array([crop.reshape(-1, 3).mean(axis=0) - 90 for crop in crops], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True), np.ones(len(crops), np.float32)
