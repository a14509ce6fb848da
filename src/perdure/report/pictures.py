"""Which pictures of a person to show, and pictures as part of the page itself."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from perdure.types import Exemplars, Identity, Tracklet

JPEG_QUALITY: Final = 78


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready for an ``<img>``."""

    uri: str
    width: int
    height: int


@dataclass(slots=True)
class Album:
    """Pictures of a run folder, shrunk."""

    root: Path
    _made: dict[tuple[str, int], Picture | None] = field(default_factory=dict)

    def get(self, reference: str, max_height_px: int) -> Picture | None:
        """The picture at most so high; None where it was not kept or cannot be read."""
        key = reference, max_height_px
        if key not in self._made:
            self._made[key] = self._make(reference, max_height_px)
        return self._made[key]

    def _make(self, reference: str, max_height_px: int) -> Picture | None:
        path = self.root / reference
        return embedded(path, max_height_px) if reference and path.is_file() else None


def embedded(path: Path, max_height_px: int) -> Picture | None:
    """The picture of a file at most so high, as a part of a page; None where it is no picture."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    height, width = image.shape[:2]
    if height > max_height_px:
        width, height = max(1, round(width * max_height_px / height)), max_height_px
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return Picture(f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}", width, height)


def best(exemplars: Iterable[Exemplars], count: int) -> list[str]:
    """References of up to ``count`` pictures: the best one first, then good ones unlike those chosen.

    Each next one has the highest product of quality and distance (1 - cosine) to the nearest chosen one. Vectors of
    one model are compared; those of the model with most pictures are taken.
    """
    by_model: dict[str, list[Exemplars]] = {}
    for part in exemplars:
        if part.part == "body" and len(part):
            by_model.setdefault(part.model, []).append(part)
    if not by_model:
        return []
    parts = max(by_model.values(), key=lambda parts: sum(map(len, parts)))
    references = [reference for part in parts for reference in part.pictures]
    vectors = np.concatenate([part.vectors for part in parts])
    quality = np.concatenate([part.quality for part in parts]) + 1e-3
    quality[[not reference for reference in references]] = 0.0
    chosen: list[int] = []
    worth = quality.copy()
    while len(chosen) < min(count, int(np.count_nonzero(quality))):
        chosen.append(int(np.argmax(worth)))
        unlike = 1 - (vectors @ vectors[chosen].T).max(axis=1)
        worth = quality * np.maximum(unlike, 1e-4)
        worth[chosen] = -1.0
    return [references[i] for i in chosen]


def by_camera(identity: Identity, tracklets: Mapping[str, Tracklet], total: int) -> list[tuple[str, list[str]]]:
    """(camera, references) in order of first sighting: up to four each, about ``total`` together, one at least."""
    each = max(1, min(4, total // max(1, len(identity.cameras))))
    chosen = []
    for camera in identity.cameras[:total]:
        seen = [tracklets[s.tracklet] for s in identity.sightings if s.camera == camera and s.tracklet in tracklets]
        chosen.append((camera, best((e for t in seen for e in t.exemplars), each)))
    return chosen
