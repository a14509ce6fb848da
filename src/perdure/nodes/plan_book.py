"""``plan.json`` and ``plan.jpg`` of a site: the floor plan, and where on it the cameras are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from perdure.errors import StoreError
from perdure.nodes.uploads import decoded

PICTURE: Final = "plan.jpg"
PLACES: Final = "plan.json"
MOST_PX: Final = 2400
_LEAST_PX: Final = 50
_MOST_PIXELS: Final = 60_000_000

Place = tuple[float, float]
"""x and y as shares of the plan's width and height, from the top left."""


def places(folder: Path) -> dict[str, Place]:
    """Where cameras were put; none where there is no file.

    Raises:
        StoreError: the file is not as written here.
    """
    path = folder / PLACES
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): (float(x), float(y)) for name, (x, y) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"cannot read {path}: {error}; remove it, and place the cameras again") from error


def put(folder: Path, found: dict[str, Place]) -> None:
    """Replace all places.

    Raises:
        StoreError: it cannot be written.
    """
    _write(folder / PLACES, json.dumps(found, sort_keys=True, indent=1).encode())


def size(folder: Path) -> tuple[int, int] | None:
    """Width and height of the plan, px; None where there is none."""
    image = cv2.imread(str(folder / PICTURE)) if (folder / PICTURE).is_file() else None
    return None if image is None else (image.shape[1], image.shape[0])


def keep_picture(folder: Path, content: bytes) -> None:
    """Keep a plan as a JPEG, made smaller where it is very large; nothing else that was in the file is kept.

    Raises:
        InputError: it is no picture, too small or too large.
        StoreError: it cannot be written.
    """
    image = decoded(content, "the plan", _LEAST_PX, _MOST_PIXELS)
    height, width = image.shape[:2]
    scale = min(1.0, MOST_PX / max(height, width))
    if scale < 1:
        smaller = round(width * scale), round(height * scale)
        image = np.asarray(cv2.resize(image, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    _write(folder / PICTURE, cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def remove_picture(folder: Path) -> bool:
    """Take the plan away; whether there was one. Places stay."""
    there = (folder / PICTURE).is_file()
    (folder / PICTURE).unlink(missing_ok=True)
    return there


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
