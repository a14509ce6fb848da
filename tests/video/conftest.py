"""Clips made on the spot: each frame is a flat grey that says its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from perdure.types import Frame, Image

TICKS_PER_S = 1000


def painted(number: int, width: int = 96, height: int = 64) -> Image:
    """(H, W, 3) uint8: grey ``30 + 3 * number``, with a white top left quarter to tell which way is up."""
    picture = np.full((height, width, 3), 30 + 3 * number, np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


def number_of(frame: Frame) -> int:
    """The number painted on a frame, read from the bottom right of its luma."""
    luma = frame.luma()
    corner = luma[luma.shape[0] * 5 // 8 :, luma.shape[1] * 5 // 8 :]
    return round((float(corner.mean()) - 30) / 3)


@dataclass(frozen=True)
class Recipe:
    """How a clip is encoded."""

    codec: str = "libx264"
    pixels: str = "yuv420p"
    rate: int = 10
    ticks: Sequence[int] | None = None
    """Presentation times in ms; default: at the rate."""
    container: str | None = None
    size: tuple[int, int] = (96, 64)
    display_deg: int | None = None
    options: dict[str, str] = field(default_factory=lambda: {"crf": "10", "g": "10"})
    mux: dict[str, str] = field(default_factory=dict)


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(name, count, **recipe)``: write a clip of ``count`` painted frames and return its path."""

    def write(name: str, count: int = 20, **how: object) -> Path:
        recipe = Recipe(**how)  # type: ignore[arg-type]
        path = tmp_path / name
        base = Fraction(1, TICKS_PER_S) if recipe.ticks is not None else Fraction(1, recipe.rate)
        with av.open(str(path), "w", format=recipe.container, options=recipe.mux) as container:
            stream = container.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options)
            stream.width, stream.height = recipe.size
            stream.pix_fmt = recipe.pixels
            stream.codec_context.time_base = base
            if recipe.pixels.startswith("gray"):
                stream.codec_context.color_range = 2  # as FFmpeg takes grey: H.264 would not say so by itself
            if recipe.display_deg is not None:
                stream.set_display_rotation(recipe.display_deg)
            for number in range(count):
                frame = av.VideoFrame.from_ndarray(painted(number, *recipe.size), format="bgr24")
                frame = frame.reformat(format=recipe.pixels, threads=1)
                frame.pts = recipe.ticks[number] if recipe.ticks is not None else number
                frame.time_base = base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
