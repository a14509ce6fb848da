"""How a camera that pans, rolls, zooms or is carried has moved from one picture to the next.

Corners of the last picture that nobody hides are followed into this one, and a similarity is fitted to what most of
them do. Source: BoT-SORT (Aharon et al., arXiv 2206.14651), section 3.2, and ``gmc.py`` of its authors: Shi-Tomasi
corners, sparse pyramidal Lucas-Kanade, RANSAC. Different from it: people are not asked, because they walk, and where
too few corners agree nothing is said.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from perdure.types import Float32s, Float64s, Frame, Image

Small: TypeAlias = tuple[Image, tuple[int, int]]
"""Brightness at about ``_LONG_SIDE``, and the size of the whole picture."""

_LONG_SIDE: Final = 480
_MOST_CORNERS: Final = 400
_WINDOW: Final = (21, 21)
_PYRAMID: Final = 4
"""Halvings: with the window a shift by a third of the picture is found."""
_MARGIN_PX: Final = 4
"""Of the small picture: an outline stands out against the wall behind, but it walks."""
_LEAST_AGREE: Final = 12
_LEAST_SHARE: Final = 0.3
_OFF_PX: Final = 1.5
"""Of the small picture: corners that miss the similarity by more do not agree."""
_MOST_ZOOM: Final = 2.0
"""From one look to the next; what claims more is no camera."""


class CameraMotion:
    """The motion of one camera. Keeps a small copy of the last picture it was shown, and nothing else."""

    def __init__(self) -> None:
        self._last: Small | None = None

    def warp(self, frame: Frame, people: Float32s) -> Float64s | None:
        """(3, 3) similarity, px of the frame it was shown before -> px of this one.

        ``people`` (N, 4) xyxy px: where people were in the frame before. None where nothing can be said: the first
        frame, one of another size, and pictures with too few corners that agree, such as dark or blurred ones.
        """
        before, now = self._last, _small(frame)
        self._last = now
        if before is None or before[1] != now[1]:
            return None
        shrunk = now[0].shape[1] / frame.width, now[0].shape[0] / frame.height
        corners = _corners(before[0], people * np.array([*shrunk, *shrunk]))
        found = None if corners is None else _similarity(before[0], now[0], corners)
        if found is None:
            return None
        # Pixel centres of the small picture to edges of the whole one, as boxes are.
        to_small = np.array([[shrunk[0], 0, -0.5], [0, shrunk[1], -0.5], [0, 0, 1]])
        return np.asarray(np.linalg.inv(to_small) @ found @ to_small)


def _small(frame: Frame) -> Small:
    luma = frame.luma()
    shrink = _LONG_SIDE / max(frame.width, frame.height)
    if shrink < 1:
        size = max(round(frame.width * shrink), 1), max(round(frame.height * shrink), 1)
        luma = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    return luma, (frame.width, frame.height)


def _corners(picture: Image, people: npt.NDArray[np.floating]) -> Float32s | None:
    """(K, 1, 2) px to follow, spread over the picture outside the people; None where there are too few."""
    free = np.full(picture.shape, 255, np.uint8)
    grown = people + np.array([-_MARGIN_PX, -_MARGIN_PX, _MARGIN_PX + 1, _MARGIN_PX + 1])
    for x1, y1, x2, y2 in np.clip(grown, 0, max(picture.shape)).astype(int).tolist():
        free[y1:y2, x1:x2] = 0
    found = cv2.goodFeaturesToTrack(picture, _MOST_CORNERS, qualityLevel=0.01, minDistance=8, mask=free, blockSize=3)
    return None if found is None or len(found) < _LEAST_AGREE else np.asarray(found, np.float32)


def _similarity(before: Image, now: Image, corners: Float32s) -> Float64s | None:
    """(3, 3) px -> px between two small pictures, or None where too few corners agree."""
    there, followed, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        before, now, corners, None, winSize=_WINDOW, maxLevel=_PYRAMID
    )
    kept = followed.ravel() == 1
    if kept.sum() < _LEAST_AGREE:
        return None
    found, agree = cv2.estimateAffinePartial2D(
        corners[kept], there[kept], method=cv2.RANSAC, ransacReprojThreshold=_OFF_PX
    )
    if found is None or agree.sum() < max(_LEAST_AGREE, _LEAST_SHARE * len(corners)):
        return None
    zoom = float(np.hypot(found[0, 0], found[1, 0]))
    if not 1 / _MOST_ZOOM < zoom < _MOST_ZOOM:
        return None
    return np.vstack([found, [0.0, 0.0, 1.0]])
