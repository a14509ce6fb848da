"""A webcam by its number."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from perdure.errors import SourceError
from perdure.types import Frame
from perdure.video.pixels import Loaded, turned

_LATENCY_STD_S: Final = 0.05
"""A webcam has no capture time: what USB transfer and the driver's queue add varies by about this."""


@dataclass(frozen=True)
class Webcam:
    """A live camera of this machine. ``at`` is the UTC time of arrival; frames nobody took in time are gone."""

    camera: str
    number: int
    rotate_deg: int = 0
    length: None = None

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames as they come; ``start`` is only the first index, since a live camera cannot be read from earlier on.

        Raises:
            SourceError: the camera cannot be opened, or gives no more pictures.
        """
        capture = _capture(self.camera, self.number)
        try:
            index = start
            while True:
                alive, picture = capture.read()
                at = time.time()
                if not alive:
                    raise SourceError(
                        f"camera {self.camera!r}: webcam {self.number} stopped after {index - start} frames;"
                        " check its cable, and whether another program uses it"
                    )
                image = turned(np.asarray(picture, np.uint8), self.rotate_deg)
                height, width = image.shape[:2]
                yield Frame(self.camera, index, at, _LATENCY_STD_S, width, height, Loaded(image))
                index += 1
        finally:
            capture.release()


def open_webcam(camera: str, number: int, *, rotate_deg: int = 0) -> Webcam:
    """A webcam, after one picture came from it.

    Raises:
        SourceError: there is no such camera, or it gives no pictures.
    """
    webcam = Webcam(camera, number, rotate_deg)
    frames = webcam.frames()
    try:
        next(frames)
    finally:
        frames.close()  # type: ignore[attr-defined]
    return webcam


def _capture(camera: str, number: int) -> cv2.VideoCapture:
    where = f"camera {camera!r}: webcam {number}"
    # OpenCV would print its own complaint about a device that is not there.
    if sys.platform == "linux" and not Path(f"/dev/video{number}").exists():
        raise SourceError(f"{where}: there is neither a /dev/video{number} nor a file {number}")
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        capture.release()
        raise SourceError(f"{where} cannot be opened; check that no other program uses it, and your rights on it")
    return capture
