"""Detections that somebody else made, told by the frame they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.config import DetectionConfig
from perdure.detect.nms import clean
from perdure.types import Detections, Float32s, Frame, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Outside:
    """The boxes of one camera, all frames, in order of frame."""

    frames: Ints
    """(N,) int64, from 0, ascending."""
    boxes: Float32s
    """(N, 4) float32, xyxy, px of the frame as decoded."""
    scores: Float32s
    """(N,) float32 in [0, 1]."""

    def of(self, frame: Frame, settings: DetectionConfig) -> Detections:
        """The boxes of one frame: clipped, suppressed and flagged as those of a detector; none where none are told."""
        first, last = np.searchsorted(self.frames, [frame.index, frame.index + 1])
        rows = slice(int(first), int(last))
        return clean(
            self.boxes[rows],
            self.scores[rows],
            frame.width,
            frame.height,
            settings.min_score,
            settings.min_height_px,
            settings.nms_iou,
        )
