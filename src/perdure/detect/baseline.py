"""The detector that needs no weights of ours: OpenCV's HOG people detector. Weak, and its card says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.nms import clean
from perdure.errors import ModelError
from perdure.models.catalogue import BASELINE
from perdure.types import Detections, Image

LONG_SIDE_PX = 960
MOST_ENLARGED = 2.0
"""Its smallest person is 96 px high, which most people before a camera are not."""
WINDOW_SIZE_PX, PERSON_SIZE_PX = (64, 128), (40, 96)
"""The detector answers with its whole window, width and height; the person in it is this large."""


class HogDetector:
    """Histograms of oriented gradients and a linear SVM. Source: Dalal and Triggs, CVPR 2005; weights in OpenCV."""

    def __init__(self, settings: DetectionConfig) -> None:
        """Raises:
        ModelError: this OpenCV has no HOG detector (version 5 dropped it).
        """
        if not hasattr(cv2, "HOGDescriptor_getDefaultPeopleDetector"):
            raise ModelError(
                f"the baseline detector needs OpenCV 4, here is {cv2.__version__}, which has no HOG detector: choose "
                "another detector (`perdure models list`), or install 'opencv-python-headless<5'"
            )
        opencv: Any = cv2
        self._hog = opencv.HOGDescriptor()
        self._hog.setSVMDetector(opencv.HOGDescriptor_getDefaultPeopleDetector())
        self._settings = settings

    @property
    def name(self) -> str:
        """``baseline``."""
        return BASELINE

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The people in each picture ((H, W, 3) uint8 BGR); see ``Detector``."""
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Detections:
        height, width = image.shape[:2]
        if not image.size:
            return Detections.none()
        scale = min(MOST_ENLARGED, LONG_SIDE_PX / max(height, width))
        scaled = cv2.resize(image, (max(64, round(width * scale)), max(128, round(height * scale))))
        windows, margins = self._hog.detectMultiScale(scaled, winStride=(8, 8), padding=(16, 16), scale=1.05)
        xywh = np.asarray(windows, np.float32).reshape(-1, 4)
        boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        inset = xywh[:, 2:] * (1 - np.array(PERSON_SIZE_PX, np.float32) / WINDOW_SIZE_PX) / 2
        boxes = boxes + np.concatenate([inset, -inset], axis=1)
        boxes /= np.array([scaled.shape[1] / width, scaled.shape[0] / height] * 2, np.float32)
        scores = (1.0 / (1.0 + np.exp(-2.0 * np.asarray(margins, np.float32).reshape(-1)))).astype(np.float32)
        wanted = self._settings
        return clean(boxes, scores, width, height, wanted.min_score, wanted.min_height_px, min(wanted.nms_iou, 0.45))
