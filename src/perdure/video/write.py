"""Writing video: H.264 in mp4, at the right speed, whole or not at all."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import cv2
import numpy as np

from perdure.errors import StoreError
from perdure.types import Image

_TICKS_PER_S: Final = 60_000
"""The usual rates divide it or nearly so; the MPEG-4 encoder takes no more than 65,535."""
_ENCODERS: Final = ("libx264", "libopenh264", "mpeg4")
"""Best first; which of them exist depends on how FFmpeg was built."""
_OPTIONS: Final = {"libx264": {"preset": "veryfast", "crf": "23"}, "mpeg4": {"qscale": "4"}}
_BT709: Final = 1
_STUDIO: Final = 1


class VideoWriter:
    """One mp4. Written beside its name as ``.part`` and renamed when closed, so a file of that name is whole.

    Use it in a ``with``: an exception throws the unfinished file away, but Ctrl-C keeps what was written. Without a
    single frame there is no file.
    """

    def __init__(self, path: Path, rate_fps: float, size: tuple[int, int], *, key_every_s: float | None = None) -> None:
        """Start writing.

        Args:
            path: The file to be; its folder must exist. An older file of that name stays until the new one is whole.
            rate_fps: Frame rate where ``write`` is given no times, and how long the last frame stays.
            size: (width, height) of the pictures, px; an odd side is padded by one row or column.
            key_every_s: encode as a network camera does: a key frame so often and no B-frames. None: as the encoder
                likes, which makes smaller files that are slow to enter in the middle.

        Raises:
            StoreError: the file cannot be written there.
        """
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._rate_fps = rate_fps
        self._size = size
        self._first_at: float | None = None
        self._last_tick = -1
        self._count = 0
        self._open = True
        try:
            self._container = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._added_stream(key_every_s)
            self._container.start_encoding()
        except av.FFmpegError as error:
            raise self._failed(error) from error

    def _added_stream(self, key_every_s: float | None) -> av.VideoStream:
        encoder = next(name for name in _ENCODERS if name in av.codecs_available)
        rate = Fraction(self._rate_fps).limit_denominator(1001)
        stream = self._container.add_stream(encoder, rate=rate, options=dict(_OPTIONS.get(encoder, {})))
        assert isinstance(stream, av.VideoStream)
        width, height = self._size
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        if key_every_s is not None:
            stream.codec_context.gop_size = max(1, round(key_every_s * self._rate_fps))
            stream.codec_context.max_b_frames = 0
            stream.codec_context.options = {**stream.codec_context.options, "sc_threshold": "0"}
        context = stream.codec_context
        context.time_base = Fraction(1, _TICKS_PER_S)
        context.color_range, context.colorspace = _STUDIO, _BT709
        context.color_primaries = context.color_trc = _BT709
        return stream

    def write(self, image: Image, at: float | None = None) -> None:
        """Append a picture, (H, W, 3) uint8 BGR; one of another size is scaled to fit, on black.

        Args:
            image: The picture.
            at: When it is shown, seconds on any clock that increases; the first picture is shown at once. None: one
                period after the one before. Times that do not increase are moved on by one tick (1/60000 s).

        Raises:
            StoreError: the disk is full, or the file was taken away.
        """
        if self._first_at is None:
            self._first_at = at or 0.0
        elapsed_s = self._count / self._rate_fps if at is None else at - self._first_at
        tick = max(round(elapsed_s * _TICKS_PER_S), self._last_tick + 1)
        frame = av.VideoFrame.from_ndarray(self._fitted(image), format="bgr24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1
        )
        frame.pts, frame.time_base = tick, Fraction(1, _TICKS_PER_S)
        frame.duration = round(_TICKS_PER_S / self._rate_fps)
        self._last_tick = tick
        self._count += 1
        try:
            self._container.mux(self._stream.encode(frame))
        except av.FFmpegError as error:
            raise self._failed(error) from error

    def _fitted(self, image: Image) -> Image:
        width, height = self._size
        if image.shape[1::-1] != (width, height):
            scale = min(width / image.shape[1], height / image.shape[0])
            inner = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
            canvas = np.zeros((height, width, 3), np.uint8)
            canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
                image, inner, interpolation=cv2.INTER_AREA
            )
            image = canvas
        if width % 2 or height % 2:
            padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            image = np.asarray(padded, np.uint8)
        return np.ascontiguousarray(image)

    def close(self) -> None:
        """Finish the file and give it its name; a second call does nothing.

        Raises:
            StoreError: the disk is full, or the file was taken away.
        """
        if not self._open:
            return
        if self._count == 0:
            self.discard()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._open = False
            self._container.close()
            self._part.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise self._failed(error) from error

    def discard(self) -> None:
        """Throw away what was written; after ``close`` there is nothing to throw away."""
        if self._open:
            self._open = False
            with contextlib.suppress(av.FFmpegError):
                self._container.close()
        self._part.unlink(missing_ok=True)

    def _failed(self, error: av.FFmpegError | OSError) -> StoreError:
        return StoreError(
            f"cannot write the video {self.path}: {error.strerror};"
            " check that the folder exists, that you may write there, and that the disk is not full"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.close()
        else:
            self.discard()
