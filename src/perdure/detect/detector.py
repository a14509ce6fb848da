"""The seam for anything that finds people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from perdure.types import Detections, Image


class Detector(Protocol):
    """Finds people in pictures."""

    @property
    def name(self) -> str:
        """The model's name in the catalogue."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The people in each picture ((H, W, 3) uint8 BGR, sizes may differ), boxes in pixels of that picture.

        Boxes are clipped to the picture, finite, after non-maximum suppression, best score first.
        """
