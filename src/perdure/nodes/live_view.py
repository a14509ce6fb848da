"""The picture of a camera now, with whom it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from perdure.report.colours import colour_of
from perdure.report.overlay import Mark, draw
from perdure.types import Float32s, Frame

JPEG_QUALITY: Final = 80
_UNKNOWN: Final = (150, 156, 168)
_NO_TRAIL: Final = np.zeros((0, 3))


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The newest frame of a camera that was looked at, and who is in it."""

    frame: Frame
    boxes: Float32s
    """(N, 4) float32, xyxy, px."""
    people: tuple[str, ...]
    """N identities, "" while nobody knows."""
    likely: tuple[str, ...] = ()
    """N identities who these probably are while nobody knows, "" where that cannot be said either."""

    def jpeg(self, names: Mapping[str, str], *, boxes: bool, max_width_px: int) -> bytes:
        """The picture, not wider than that, with a box and a name for everybody where wanted."""
        image = self.frame.image()
        scale = min(1.0, max_width_px / image.shape[1])
        if scale < 1:
            size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
            image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        else:
            image = image.copy()
        if boxes:
            draw(image, [self._mark(row, names).scaled(scale) for row in range(len(self.boxes))])
        return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()

    def _mark(self, row: int, names: Mapping[str, str]) -> Mark:
        identity = self.people[row]
        probably = self.likely[row] if self.likely and not identity else ""
        called = names.get(identity or probably) or identity or probably
        label = called if identity else f"{called}?"
        return Mark(label, colour_of(identity) if identity else _UNKNOWN, self.boxes[row], _NO_TRAIL)
