"""The annotated videos of a finished run: every source is decoded again, and everybody gets their final number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from perdure.config import Config
from perdure.errors import SourceError, StoreError
from perdure.report.overlay import Mark, board, caption, dark_tile, draw
from perdure.report.presence import People
from perdure.report.result import CameraRun, RunResult
from perdure.report.words import clock
from perdure.types import Frame, Image
from perdure.video.merge import merge
from perdure.video.open import open_source
from perdure.video.source import Source
from perdure.video.webcam import Webcam
from perdure.video.write import VideoWriter

STALE_S: Final = 1.0
"""A tile of the mosaic goes dark when its camera has given no picture for so long."""
MOSAIC_RATE_FPS: Final = 25.0
_MOSAIC_WIDTH: Final = 1920
_TILE_WIDTH: Final = (320, 960)
_SAME_S: Final = 1e-6

Progress = Callable[[str, int], None]
"""Camera, frames drawn so far."""


def _ignore(camera: str, what: object) -> None:
    """Nobody asked."""


def draw_videos(
    config: Config,
    result: RunResult,
    folder: Path,
    on_progress: Progress = _ignore,
    on_broken: Callable[[str, SourceError], None] = _ignore,
) -> None:
    """Write ``folder/<camera>.mp4`` at true times, and ``folder/mosaic.mp4`` with all cameras side by side in time.

    Holds a few frames per camera, however long the footage. A source that broke, or cannot be opened any more, ends
    its own video only and is told to ``on_broken``. A webcam has no video: its pictures are gone.

    Raises:
        StoreError: a video cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make the folder {folder}: {error.strerror}") from error
    sources = _reopened(config, result, on_broken)
    if not sources:
        return
    runs = {camera.name: camera for camera in result.cameras}
    shown = [runs[source.camera] for source in sources]
    people = {camera.name: People.of(result, camera) for camera in shown}
    with ExitStack() as stack:
        films = {camera.name: _Film(stack, folder / f"{camera.name}.mp4", camera) for camera in shown}
        mosaic = _Mosaic(stack, folder / mosaic_name(runs), shown, people)
        for frame in stack.enter_context(closing(merge(sources, {}, on_broken))):
            mosaic.until(frame.at)
            mosaic.take(frame)
            films[frame.camera].write(frame, people[frame.camera].marks(frame.at))
            on_progress(frame.camera, frame.index + 1)
        mosaic.finish()


def mosaic_name(cameras: dict[str, CameraRun]) -> str:
    """The mosaic's file; no camera's name begins with "_"."""
    return "_mosaic.mp4" if "mosaic" in cameras else "mosaic.mp4"


@dataclass(frozen=True, slots=True)
class _Part:
    """The beginning of a source: as far as the run went."""

    source: Source
    count: int

    @property
    def camera(self) -> str:
        """See ``Source``."""
        return self.source.camera

    @property
    def length(self) -> int | None:
        """See ``Source``."""
        return self.count

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """See ``Source``."""
        return islice(self.source.frames(start), max(0, self.count - start))


def _reopened(config: Config, result: RunResult, on_broken: Callable[[str, SourceError], None]) -> list[Source]:
    sources: list[Source] = []
    for camera in result.cameras:
        if camera.frames == 0:
            continue
        try:
            source = open_source(camera.name, config.cameras[camera.name])
        except SourceError as error:
            on_broken(camera.name, error)
            continue
        if not isinstance(source, Webcam):
            sources.append(_Part(source, camera.frames))
    return sources


def _rate_fps(camera: CameraRun) -> float:
    """The mean rate of what was read."""
    if camera.footage_s <= 0 or camera.frames < 2:
        return MOSAIC_RATE_FPS
    return min(max((camera.frames - 1) / camera.footage_s, 0.1), 240.0)


def _drawn(image: Image, marks: list[Mark], frame: Frame) -> Image:
    draw(image, marks)
    caption(image, f"{frame.camera}  {clock(frame.at)}")
    return image


@dataclass(slots=True)
class _Film:
    """The video of one camera."""

    stack: ExitStack
    path: Path
    camera: CameraRun
    writer: VideoWriter | None = None

    def write(self, frame: Frame, marks: list[Mark]) -> None:
        """Append a frame. The file begins with the first one, whose size it has."""
        if self.writer is None:
            writer = VideoWriter(self.path, _rate_fps(self.camera), (frame.width, frame.height))
            self.writer = self.stack.enter_context(writer)
        self.writer.write(_drawn(frame.image().copy(), marks, frame), frame.at)


@dataclass(slots=True)
class _Mosaic:
    """All cameras in a grid, synchronised: each of its frames shows what every camera saw last at that moment.

    Stretches in which no camera has a picture are left out.
    """

    stack: ExitStack
    path: Path
    cameras: list[CameraRun]
    people: dict[str, People]
    rate_fps: float = field(init=False)
    tile: tuple[int, int] = field(init=False)
    canvas: Image = field(init=False)
    writer: VideoWriter = field(init=False)
    latest: dict[str, Frame] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    """Camera -> index of the frame on the canvas, -1 for a dark tile."""
    marks: dict[str, list[Mark]] = field(default_factory=dict)
    """What is drawn on each tile."""
    began: float | None = None
    number: int = 0
    """Of the next frame, counted from ``began``, also those left out."""

    def __post_init__(self) -> None:
        self.rate_fps = min(MOSAIC_RATE_FPS, max(_rate_fps(camera) for camera in self.cameras))
        columns = math.ceil(math.sqrt(len(self.cameras)))
        rows = math.ceil(len(self.cameras) / columns)
        self.tile = tile_size(self.cameras, columns)
        size = columns * self.tile[0], rows * self.tile[1]
        self.canvas = np.zeros((size[1], size[0], 3), np.uint8)
        for camera in self.cameras:
            self._darken(camera.name, "not begun")
        self.writer = self.stack.enter_context(VideoWriter(self.path, self.rate_fps, size))

    def until(self, at: float) -> None:
        """Write all frames before ``at``."""
        self.began = at if self.began is None else self.began
        while (tick := self.began + self.number / self.rate_fps) < at - _SAME_S:
            if not self._write(tick):
                self.number = max(self.number + 1, math.ceil((at - self.began) * self.rate_fps - _SAME_S))

    def take(self, frame: Frame) -> None:
        """A camera has a new picture."""
        self.latest[frame.camera] = frame

    def finish(self) -> None:
        """Write the frame that shows the last pictures."""
        if self.latest and self.began is not None:
            self._write(self.began + self.number / self.rate_fps)

    def _write(self, at: float) -> bool:
        """Write one frame; False where there is nothing to show."""
        live = {name: frame for name, frame in self.latest.items() if at - frame.at <= self._stale_s(name)}
        if not live:
            return False
        for name in self.shown:
            if name in live:
                self._show(live[name])
            elif name in self.latest and self.shown[name] >= 0:
                self._darken(name, "no picture")
        self._tell_who(live)
        self.writer.write(self.canvas)
        self.number += 1
        return True

    def _tell_who(self, live: dict[str, Frame]) -> None:
        """Where the grid has room left: who is seen now, and by which cameras."""
        seen: dict[str, tuple[Mark, list[str]]] = {}
        for name in live:
            for mark in self.marks[name]:
                seen.setdefault(mark.label, (mark, []))[1].append(name)
        rows = [(mark.label, mark.colour, ", ".join(names)) for mark, names in seen.values()]
        rows.sort(key=lambda row: (len(row[0]), row[0]))
        if len(self.cameras) < self._columns * (self.canvas.shape[0] // self.tile[1]):
            self._cell(len(self.cameras))[:] = board(self.tile, rows)

    def _stale_s(self, name: str) -> float:
        camera = next(camera for camera in self.cameras if camera.name == name)
        return max(STALE_S, 2 / _rate_fps(camera))

    def _show(self, frame: Frame) -> None:
        if self.shown[frame.camera] == frame.index:
            return
        width, height = self.tile
        scale = min(width / frame.width, height / frame.height)
        size = min(width, round(frame.width * scale)), min(height, round(frame.height * scale))
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(frame.image(), size, interpolation=way), np.uint8)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        place = self._place(frame.camera)
        place[:] = 0
        marks = self.marks[frame.camera] = [m.scaled(scale) for m in self.people[frame.camera].marks(frame.at)]
        place[top : top + size[1], left : left + size[0]] = _drawn(image.copy(), marks, frame)
        self.shown[frame.camera] = frame.index

    def _darken(self, name: str, why: str) -> None:
        self._place(name)[:] = dark_tile(self.tile, name, why)
        self.shown[name] = -1

    def _place(self, name: str) -> Image:
        """The camera's part of the canvas."""
        return self._cell(next(i for i, camera in enumerate(self.cameras) if camera.name == name))

    def _cell(self, number: int) -> Image:
        width, height = self.tile
        row, column = divmod(number, self._columns)
        return self.canvas[row * height : (row + 1) * height, column * width : (column + 1) * width]

    @property
    def _columns(self) -> int:
        return int(self.canvas.shape[1]) // self.tile[0]


def tile_size(cameras: list[CameraRun], columns: int) -> tuple[int, int]:
    """(width, height) of a tile, even: as wide as the widest camera within reason, shaped like the middle one."""
    widest = min(max(camera.width for camera in cameras), _MOSAIC_WIDTH // columns)
    width = min(max(widest, _TILE_WIDTH[0]), _TILE_WIDTH[1])
    shape = float(np.median([camera.height / max(camera.width, 1) for camera in cameras]))
    return width // 2 * 2, max(2, round(width * shape / 2) * 2)
