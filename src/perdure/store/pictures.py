"""``crops/`` of a run folder: one JPEG per embedded crop, later only those somebody refers to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2

from perdure.errors import StoreError
from perdure.types import Image

JPEG_QUALITY = 90
MAX_HEIGHT_PX = 320


@dataclass(frozen=True, slots=True)
class Pictures:
    """Pictures under ``root / "crops"``; a reference is the path relative to ``root``."""

    root: Path

    def keep(self, camera: str, index: int, row: int, crop: Image) -> str:
        """Write one crop, at most ``MAX_HEIGHT_PX`` high; "" for an empty one.

        Raises:
            StoreError: it cannot be written.
        """
        if min(crop.shape[:2]) < 1:
            return ""
        reference = self.reference(camera, index, row)
        self.write(reference, encoded(crop))
        return reference

    def reference(self, camera: str, index: int, row: int) -> str:
        """What a crop is called."""
        return f"crops/{camera}/{index:07d}-{row}.jpg"

    def write(self, reference: str, jpeg: bytes) -> None:
        """Write a picture.

        Raises:
            StoreError: it cannot be written.
        """
        path = self.root / reference
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
        except OSError as error:
            raise StoreError(f"cannot write the picture {path}: {error.strerror}") from error

    def prune(self, keep: Iterable[str]) -> int:
        """Delete every picture that is not in ``keep``; how many."""
        kept = {self.root / reference for reference in keep}
        gone = [path for path in (self.root / "crops").glob("*/*.jpg") if path not in kept]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)


def encoded(crop: Image) -> bytes:
    """A JPEG of a crop, at most ``MAX_HEIGHT_PX`` high."""
    if crop.shape[0] > MAX_HEIGHT_PX:
        width = max(1, round(crop.shape[1] * MAX_HEIGHT_PX / crop.shape[0]))
        crop = cv2.resize(crop, (width, MAX_HEIGHT_PX), interpolation=cv2.INTER_AREA).astype("uint8")
    return cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
