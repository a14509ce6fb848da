"""Person detection sets in COCO's json form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from perdure.errors import InputError

PAD_VALUE = 114


@dataclass(frozen=True, slots=True)
class Picture:
    """One labelled picture: people (N, 4) and regions to ignore (M, 4), both float32 xyxy px inside the picture.

    `likely` (P, 5) are people in doubt, xyxy px and what they are worth (`distill.py`).
    """

    path: Path
    subset: str
    width: int
    height: int
    boxes: NDArray[np.float32]
    ignore: NDArray[np.float32]
    likely: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 5), np.float32))

    @property
    def name(self) -> str:
        """`folder/name`, what configurations and teachers call it."""
        return f"{self.path.parent.name}/{self.path.name}"


def read_coco(path: Path) -> list[Picture]:
    """Pictures of a one-class COCO file; `iscrowd` boxes are regions to ignore.

    Pictures lie beside the file, or in a folder beside it of the file's own name.

    Raises:
        InputError: the file is missing or not of that form.
    """
    try:
        told = json.loads(path.read_text())
        own = path.with_suffix("")
        folder = own if own.is_dir() else path.parent
        boxes: dict[int, list[tuple[list[float], bool]]] = {image["id"]: [] for image in told["images"]}
        for label in told["annotations"]:
            x, y, w, h = label["bbox"]
            boxes[label["image_id"]].append(([x, y, x + w, y + h], bool(label.get("iscrowd"))))
        return [
            Picture(
                folder / image["file_name"],
                image.get("subset", Path(image["file_name"]).parent.name),
                image["width"],
                image["height"],
                _array([box for box, crowd in boxes[image["id"]] if not crowd], image["width"], image["height"]),
                _array([box for box, crowd in boxes[image["id"]] if crowd], image["width"], image["height"]),
            )
            for image in told["images"]
        ]
    except OSError as error:
        raise InputError(f"{path}: cannot read the labels ({error.strerror}); check `train` and `val`") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a COCO detection file ({error!r})") from error


def _array(boxes: list[list[float]], width: int, height: int) -> NDArray[np.float32]:
    clipped = np.clip(np.array(boxes, np.float32).reshape(-1, 4), 0, [width, height] * 2)
    return np.asarray(clipped[(clipped[:, 2:] - clipped[:, :2]).min(axis=1) > 1.0], np.float32)


def read_image(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 BGR.

    Raises:
        InputError: the picture is missing or broken.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"{path}: cannot read this picture; remove it from the labels or restore the file")
    return np.asarray(image, np.uint8)
