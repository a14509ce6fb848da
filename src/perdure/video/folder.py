"""A folder of pictures as a recording."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from perdure.errors import SourceError
from perdure.types import Frame, Image
from perdure.video.pixels import Loaded, turned

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_DEFAULT_FPS: Final = 25.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureFolder:
    """Pictures in natural order ("2" before "10"), one every ``1 / rate_fps`` seconds; made by ``open_pictures``."""

    camera: str
    paths: tuple[Path, ...]
    rate_fps: float = _DEFAULT_FPS
    offset_s: float = 0.0
    rotate_deg: int = 0
    rate_known: bool = False

    @property
    def length(self) -> int:
        """Number of pictures."""
        return len(self.paths)

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """The pictures from index ``start`` on. One that is damaged keeps its index and time, but gives no frame.

        Raises:
            SourceError: a picture is gone or cannot be read.
        """
        period_s = 1.0 / self.rate_fps
        for index in range(start, len(self.paths)):
            picture = _load(self.camera, self.paths[index])
            if picture is None:
                _log.warning("camera %r: %s is damaged and was skipped", self.camera, self.paths[index])
                continue
            picture = turned(picture, self.rotate_deg)
            height, width = picture.shape[:2]
            at = self.offset_s + index / self.rate_fps
            yield Frame(self.camera, index, at, 0.0 if self.rate_known else period_s, width, height, Loaded(picture))


def open_pictures(
    camera: str, path: Path, *, offset_s: float = 0.0, rate_fps: float | None = None, rotate_deg: int = 0
) -> PictureFolder:
    """A folder of pictures, or one picture, after the first that can be decoded was decoded.

    Raises:
        SourceError: no pictures in the folder, or none can be decoded.
    """
    paths = [path] if path.is_file() else [p for p in path.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()]
    where = f"camera {camera!r}: {path}"
    if not paths:
        raise SourceError(f"{where} holds no pictures; expected {', '.join(sorted(SUFFIXES))} directly in the folder")
    ordered = tuple(sorted(paths, key=_natural))
    if all(_load(camera, p) is None for p in ordered):
        raise SourceError(f"{where}: none of {len(ordered)} pictures can be decoded; copy them again")
    return PictureFolder(camera, ordered, rate_fps or _DEFAULT_FPS, offset_s, rotate_deg, rate_fps is not None)


def _natural(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Sort key: runs of digits as numbers, before letters; the plain name breaks ties ("07" and "7")."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path.name.lower())
    return [(False, int(part), "") if part[0] in "0123456789" else (True, 0, part) for part in parts], path.name


def _load(camera: str, path: Path) -> Image | None:
    """(H, W, 3) uint8 BGR, upright by its EXIF tag; None if it is not a whole picture."""
    try:
        encoded = np.fromfile(path, np.uint8)
    except OSError as error:
        raise SourceError(f"camera {camera!r}: cannot read the picture {path}: {error.strerror}") from error
    try:
        picture = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if len(encoded) else None
    except cv2.error:  # absurd sizes in a header
        return None
    return None if picture is None else np.asarray(picture, np.uint8)
