"""A decoded picture that converts only what is asked for."""

from __future__ import annotations

from typing import Final

import av
import cv2
import numpy as np

from perdure.types import Image

_FULL: Final = 2
"""``AVCOL_RANGE_JPEG``."""
_SCALER_THREADS: Final = 1
"""With more, FFmpeg's scaler writes over the first pixels of a slice now and then (seen on 10-bit video 70 px wide)."""
_TURNS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turned(picture: Image, clockwise_deg: int) -> Image:
    """The picture turned clockwise by a multiple of 90 degrees."""
    turn = clockwise_deg % 360
    return picture if turn == 0 else np.asarray(cv2.rotate(picture, _TURNS[turn]), np.uint8)


def sealed(picture: Image) -> Image:
    """The same array, read-only: pictures are shared between stages."""
    picture.flags.writeable = False
    return picture


class Decoded:
    """Pixels of a video frame as FFmpeg decoded it; each form is made at most once, and both are read-only.

    ``luma`` is the Y plane itself where that is possible (8 or more bits, planar or semi-planar), spread to 0..255
    where the video uses studio range, so that it means the same for every source.
    """

    __slots__ = ("_clockwise_deg", "_frame", "_image", "_luma")

    def __init__(self, frame: av.VideoFrame, clockwise_deg: int = 0) -> None:
        self._frame = frame
        self._clockwise_deg = clockwise_deg
        self._luma: Image | None = None
        self._image: Image | None = None

    def luma(self, step: int = 1) -> Image:
        """(ceil(H / step), ceil(W / step)) uint8, brightness in [0, 255], read-only; only the whole one is kept.

        With a ``step`` only the pixels asked for are touched, which is what makes watching a camera cheap.
        """
        if step > 1:
            return sealed(turned(_luma(self._frame, step), self._clockwise_deg))
        if self._luma is None:
            self._luma = sealed(turned(_luma(self._frame), self._clockwise_deg))
        return self._luma

    def image(self) -> Image:
        """(H, W, 3) uint8, BGR, read-only."""
        if self._image is None:
            bgr = self._frame.to_ndarray(format="bgr24", threads=_SCALER_THREADS)
            self._image = sealed(turned(np.asarray(bgr, np.uint8), self._clockwise_deg))
        return self._image


class Loaded:
    """Pixels of a picture that is a BGR array already."""

    __slots__ = ("_image", "_luma")

    def __init__(self, image: Image) -> None:
        self._image = sealed(image)
        self._luma: Image | None = None

    def luma(self, step: int = 1) -> Image:
        """(ceil(H / step), ceil(W / step)) uint8, brightness in [0, 255], read-only; only the whole one is kept."""
        if step > 1:
            coarse = np.ascontiguousarray(self._image[::step, ::step])
            return sealed(np.asarray(cv2.cvtColor(coarse, cv2.COLOR_BGR2GRAY), np.uint8))
        if self._luma is None:
            self._luma = sealed(np.asarray(cv2.cvtColor(self._image, cv2.COLOR_BGR2GRAY), np.uint8))
        return self._luma

    def image(self) -> Image:
        """(H, W, 3) uint8, BGR, read-only."""
        return self._image


def _luma(frame: av.VideoFrame, step: int = 1) -> Image:
    """Every ``step``-th pixel of the Y plane where there is one to read, else of a conversion; may be a view."""
    pixel_format = frame.format
    first = pixel_format.components[0]
    plane = frame.planes[0]
    bits = first.bits
    name = pixel_format.name
    # One sample per pixel in plane 0: planar YUV, NV12 and its kin, grey. The rest (packed, RGB, palette) is converted.
    direct = (pixel_format.is_planar or name.startswith("gray")) and not (
        pixel_format.is_rgb or pixel_format.has_palette or pixel_format.is_bit_stream or name.endswith("be")
    )
    if not direct or plane.line_size < 0 or bits < 8 or bits > 16:
        grey = np.asarray(frame.to_ndarray(format="gray", threads=_SCALER_THREADS), np.uint8)
        return np.ascontiguousarray(grey[::step, ::step])
    if bits == 8:
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        luma = lines[::step, : frame.width : step]
        luma = luma if step == 1 else np.ascontiguousarray(luma)
    else:
        shift = 8 if name.startswith(("p010", "p012", "p016")) else bits - 8
        wide = np.frombuffer(memoryview(plane), np.uint16).reshape(plane.height, plane.line_size // 2)
        luma = (wide[::step, : frame.width : step] >> shift).astype(np.uint8)
    full = frame.color_range == _FULL or name.startswith(("yuvj", "gray"))
    return luma if full else _spread(luma)


def _spread(luma: Image) -> Image:
    """Studio range [16, 235] (ITU-R BT.601-7, 2.5.3) to [0, 255], clipped; half the time of a lookup table."""
    spread = np.asarray(cv2.subtract(luma, 16.0), np.uint8)  # type: ignore[call-overload]
    cv2.convertScaleAbs(spread, dst=spread, alpha=255.0 / 219.0)
    return spread
