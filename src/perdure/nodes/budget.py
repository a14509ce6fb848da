"""How many cameras like this one does this machine carry? Measured on the footage itself, by processor time.

Processor time and not wall time, because a machine that is to carry several cameras is busy, and because what others do
on it meanwhile should not count. Everything runs in two threads, as in a run: one decodes and watches for motion, one
does the rest, with networks of one thread. What a camera needs is the sum.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from perdure import assemble
from perdure.config import Config
from perdure.detect.detector import Detector
from perdure.detect.open import open_detector
from perdure.embed.embedder import Embedder
from perdure.embed.open import open_embedder
from perdure.errors import SourceError
from perdure.pipeline import Cameras, Site, know, see
from perdure.types import Frame
from perdure.video.open import open_source
from perdure.video.watched import Watched

USABLE = 0.85
"""Of the cores: the rest is for the system, and for moments when several cameras are busy at once."""


WARM_S = 2.0
_MEMORY_EVERY = 50


@dataclass(frozen=True, slots=True)
class Need:
    """What one camera needs of this machine."""

    camera: str
    source: str
    width: int
    height: int
    footage_s: float
    frames: int
    """In that footage."""
    decoded: int
    """Given by the decoder: while nothing moves only key frames are."""
    looks: int
    """Frames given to the detector."""
    stages_s: dict[str, float]
    """Processor seconds by stage: decode (with motion), convert, detect, track, embed, gallery."""
    memory_mb: float
    """What it added to the process."""

    @property
    def cores(self) -> float:
        """Processor seconds per second of footage."""
        return sum(self.stages_s.values()) / self.footage_s

    def carried(self, cores: int) -> int:
        """How many such cameras so many cores carry."""
        return int(USABLE * cores / self.cores)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def measure(config: Config, most_s: float) -> Iterator[Need]:
    """What each camera of a configuration needs, from at most ``most_s`` seconds of its footage.

    Raises:
        SourceError: a source cannot be opened, or gives fewer than two frames.
        ModelError: see ``assemble.models``.
    """
    detector = open_detector(config.detection.model, config.detection, config.device, threads=1)
    embedder = open_embedder(config.embedding.model, config.device, threads=1)
    warm = [_Camera.opened(name, config, detector, embedder) for name in list(config.cameras)[:1]]
    for camera in warm:  # kernels are compiled, networks have their buffers; it stays alive and so keeps its memory
        camera.read(WARM_S)
    for name in config.cameras:
        before_mb = resident_mb()
        camera = _Camera.opened(name, config, detector, embedder)
        camera.read(most_s)
        yield camera.need(max(camera.most_mb - before_mb, 0.0))


@dataclass(slots=True)
class _Camera:
    """One camera on its way through everything."""

    name: str
    where: str
    frames: Iterator[Frame]
    cams: Cameras
    site: Site
    clock: _Clock
    first: Frame | None = None
    last: Frame | None = None
    decoded: int = 0
    looks: int = 0
    most_mb: float = 0.0

    @classmethod
    def opened(cls, name: str, config: Config, detector: Detector, embedder: Embedder) -> _Camera:
        """A camera of the configuration, at its beginning."""
        clock = _Clock()
        cams = assemble.cameras([name], config, detector, embedder, lambda _frame, _row, _crop: "", clock.stage)
        frames = iter(Watched(open_source(name, config.cameras[name])).frames())
        return cls(name, config.cameras[name].source, frames, cams, assemble.site(config, embedder), clock)

    def read(self, most_s: float) -> None:
        """Take frames until the source ends, or for ``most_s`` of footage."""
        while True:
            with self.clock.stage("read"):
                frame = next(self.frames, None)
            if frame is None or (self.first is not None and frame.at - self.first.at >= most_s):
                return
            self.first, self.last, self.decoded = self.first or frame, frame, self.decoded + 1
            tracklets, seen = see([frame], self.cams)
            if seen:
                self.looks += 1
                with self.clock.stage("gallery"):
                    know(frame.at, tracklets, self.site)
            if self.decoded % _MEMORY_EVERY == 1:
                self.most_mb = max(self.most_mb, resident_mb())

    def need(self, memory_mb: float) -> Need:
        """What it took."""
        first, last = self.first, self.last
        if first is None or last is None or last.at <= first.at:
            raise SourceError(
                f"camera {self.name!r}: {self.where} is too short to measure: give some seconds of footage"
            )
        clock = dict(self.clock.seconds)
        stages = {"decode": clock.pop("read"), "convert": clock.pop("decode", 0.0), **clock}
        count = last.index - first.index + 1
        span_s = (last.at - first.at) * count / (count - 1)
        return Need(
            self.name, self.where, first.width, first.height, span_s, count, self.decoded, self.looks, stages, memory_mb
        )


@dataclass(slots=True)
class _Clock:
    """Processor seconds of all threads of the process, by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the processor time inside as this stage's."""
        began = time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began


def resident_mb() -> float:
    """Memory of this process now; its peak where the system does not say."""
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    from perdure.nodes.stopwatch import peak_memory_mb

    return peak_memory_mb()
