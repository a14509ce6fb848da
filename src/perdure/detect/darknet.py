"""YOLOv4-tiny and its kin as Darknet files, a .cfg and a .weights of one name, run by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.nms import clean
from perdure.errors import ModelError
from perdure.types import Detections, Image

PERSON_CLASS = 0
NMS_IOU = 0.45
TRIAL_SIZE_PX = 96


class DarknetDetector:
    """A ``Detector`` of Darknet files, read by OpenCV. Source: Bochkovskiy et al., YOLOv4 (arXiv:2004.10934)."""

    def __init__(self, path: Path, settings: DetectionConfig) -> None:
        """Reads ``path`` (either of the two files) and the other one beside it, and tries the network once.

        Raises:
            ModelError: a file is missing or damaged, this OpenCV cannot read Darknet, or it is no detector.
        """
        config, weights = path.with_suffix(".cfg"), path.with_suffix(".weights")
        for file in (config, weights):
            if not file.is_file():
                raise ModelError(
                    f"no such model file: {file} (Darknet needs {config.name} and {weights.name} together)"
                )
        opencv: Any = cv2
        if not hasattr(opencv.dnn, "readNetFromDarknet"):
            raise ModelError(
                f"{path}: Darknet files need OpenCV 4, here is {cv2.__version__}: install 'opencv-python-headless<5', "
                "or convert the model to ONNX"
            )
        self._width, self._height = _input_size(config)
        try:
            self._net = opencv.dnn.readNetFromDarknet(str(config), str(weights))
        except cv2.error as error:
            raise ModelError(f"{path}: OpenCV cannot read these Darknet files: {error}") from error
        self._outputs = self._net.getUnconnectedOutLayersNames()
        self._name, self._settings = path.stem, settings
        self.detect([np.zeros((TRIAL_SIZE_PX, TRIAL_SIZE_PX, 3), np.uint8)])

    @property
    def name(self) -> str:
        """The files' name without suffix."""
        return self._name

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The people in each picture ((H, W, 3) uint8 BGR); see ``Detector``."""
        return [self._one(image) if image.size else Detections.none() for image in images]

    def _one(self, image: Image) -> Detections:
        height, width = image.shape[:2]
        size = (self._width, self._height)
        self._net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, size, swapRB=True, crop=False))
        try:
            parts = [np.asarray(part, np.float32) for part in self._net.forward(self._outputs)]
        except cv2.error as error:
            raise ModelError(f"model {self.name} failed on a picture of {width}x{height} px: {error}") from error
        if any(part.ndim != 2 or part.shape[1] <= 5 + PERSON_CLASS for part in parts) or not parts:
            told = ", ".join("x".join(map(str, part.shape)) for part in parts)
            raise ModelError(f"model {self.name}: expected rows of box, objectness and classes, found {told}")
        rows = np.concatenate(parts)
        centre, half = rows[:, :2], rows[:, 2:4] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) * np.array([width, height] * 2, np.float32)
        # OpenCV's region layer has multiplied the classes by the objectness already.
        scores, wanted = rows[:, 5 + PERSON_CLASS], self._settings
        return clean(boxes, scores, width, height, wanted.min_score, wanted.min_height_px, min(wanted.nms_iou, NMS_IOU))


def _input_size(config: Path) -> tuple[int, int]:
    """Width and height in px of the [net] section."""
    sides: dict[str, int] = {}
    try:
        for line in config.read_text(encoding="utf-8").splitlines():
            key, _, value = (part.strip() for part in line.partition("="))
            if key in ("width", "height") and key not in sides:
                sides[key] = int(value)
        return sides["width"], sides["height"]
    except (KeyError, ValueError) as error:
        raise ModelError(f"{config}: not a Darknet configuration: no width and height in [net]") from error
