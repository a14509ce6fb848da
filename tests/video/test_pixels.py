from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from perdure.types import Image
from perdure.video.pixels import Decoded, Loaded

FORMATS = [
    "yuv420p", "yuvj420p", "yuv422p", "yuv444p", "yuva420p", "nv12", "nv21", "nv16", "yuyv422", "uyvy422",
    "gray", "gray10le", "gray12le", "yuv420p10le", "yuv420p10be", "yuv422p10le", "yuv420p12le", "p010le",
    "rgb24", "bgr24", "bgra", "gbrp", "rgb48le",
]  # fmt: skip


def steps(width: int, height: int) -> Image:
    """(H, W, 3) uint8: a grey staircase from black to white, left to right; flat from top to bottom."""
    levels = np.linspace(0, 255, 8).astype(np.uint8)[np.arange(width) * 8 // width]
    return np.ascontiguousarray(np.broadcast_to(levels[None, :, None], (height, width, 3)))


@pytest.mark.parametrize("pixels", FORMATS)
@pytest.mark.parametrize("size", [(64, 32), (70, 34)])
def test_luma_and_image_are_the_same_picture_in_every_format(pixels: str, size: tuple[int, int]) -> None:
    want = steps(*size)
    decoded = Decoded(av.VideoFrame.from_ndarray(want, format="bgr24").reformat(format=pixels, threads=1))
    middle = np.arange(size[0]) % (size[0] / 8) - size[0] / 16
    away = np.abs(middle) < 2  # chroma is shared between neighbours: look inside the steps
    assert decoded.luma().shape == (size[1], size[0])
    assert decoded.image().shape == (size[1], size[0], 3)
    assert np.abs(decoded.luma()[:, away].astype(int) - want[:, away, 0]).max() <= 2
    # FFmpeg's fast path of 8-bit 4:2:0, which OpenCV takes too, makes white (250, 253, 251).
    assert np.abs(decoded.image()[:, away].astype(int) - want[:, away]).max() <= 5


@pytest.mark.parametrize("size", [(63, 33), (1, 1), (5, 2), (33, 64)])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "gray", "yuv444p"])
def test_odd_sizes_keep_every_row_and_column(pixels: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    want = np.repeat(rng.integers(0, 256, (size[1], size[0], 1), dtype=np.uint8), 3, axis=2)
    decoded = Decoded(av.VideoFrame.from_ndarray(want, format="bgr24").reformat(format=pixels, threads=1))
    assert decoded.image().shape == want.shape
    assert np.abs(decoded.luma().astype(int) - want[..., 0]).max() <= 3


def test_full_range_is_told_by_the_stream_or_by_the_format() -> None:
    grey = np.full((16, 16, 3), 100, np.uint8)
    tagged = av.VideoFrame.from_ndarray(grey, format="bgr24").reformat(
        format="yuv420p", dst_color_range="JPEG", threads=1
    )
    assert int(np.asarray(tagged.planes[0]).reshape(-1)[0]) == pytest.approx(100, abs=1)
    assert int(Decoded(tagged).luma()[0, 0]) == pytest.approx(100, abs=1)
    studio = av.VideoFrame.from_ndarray(grey, format="bgr24").reformat(format="yuv420p", threads=1)
    assert int(np.asarray(studio.planes[0]).reshape(-1)[0]) == pytest.approx(16 + 100 * 219 / 255, abs=1)
    assert int(Decoded(studio).luma()[0, 0]) == pytest.approx(100, abs=1)


def test_studio_range_is_clipped_at_both_ends() -> None:
    frame = av.VideoFrame(256, 2, "yuv420p")
    frame.planes[0].update(bytes(range(256)) * 2 if frame.planes[0].line_size == 256 else b"")
    want = np.clip(np.rint((np.arange(256) - 16.0) * 255 / 219), 0, 255)
    assert np.array_equal(Decoded(frame).luma()[0], want)


@pytest.mark.parametrize(
    ("clockwise_deg", "turn"),
    [(90, cv2.ROTATE_90_CLOCKWISE), (180, cv2.ROTATE_180), (270, cv2.ROTATE_90_COUNTERCLOCKWISE)],
)
def test_a_turn_turns_luma_and_image(clockwise_deg: int, turn: int) -> None:
    frame = av.VideoFrame.from_ndarray(steps(64, 32), format="bgr24").reformat(format="yuv420p", threads=1)
    upright, turned = Decoded(frame), Decoded(frame, clockwise_deg)
    assert np.array_equal(turned.luma(), cv2.rotate(upright.luma(), turn))
    assert np.array_equal(turned.image(), cv2.rotate(upright.image(), turn))


@pytest.mark.parametrize("pixels", [Decoded(av.VideoFrame(8, 8, "yuv420p")), Loaded(np.zeros((8, 8, 3), np.uint8))])
def test_pictures_are_made_once_and_cannot_be_painted_on(pixels: Decoded | Loaded) -> None:
    assert pixels.luma() is pixels.luma()
    assert pixels.image() is pixels.image()
    for array in (pixels.luma(), pixels.image()):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1
