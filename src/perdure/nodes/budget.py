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
    for name in config.cameras:
        yield _measured(name, config, detector, embedder, most_s)


def _measured(name: str, config: Config, detector: Detector, embedder: Embedder, most_s: float) -> Need:
    source = open_source(name, config.cameras[name])
    before_mb = resident_mb()
    clock = _Clock()
    cams = assemble.cameras([name], config, detector, embedder, lambda _frame, _row, _crop: "", clock.stage)
    site = assemble.site(config, embedder)
    first: Frame | None = None
    last: Frame | None = None
    decoded = looks = 0
    frames = iter(Watched(source).frames())
    while True:
        with clock.stage("read"):
            frame = next(frames, None)
        if frame is None or (first is not None and frame.at - first.at >= most_s):
            break
        first, last, decoded = first or frame, frame, decoded + 1
        looks += _look(frame, cams, site, clock)
    if first is None or last is None or last.at <= first.at:
        raise SourceError(f"camera {name!r}: {config.cameras[name].source} is too short to measure: give some seconds")
    clock.seconds["convert"] = clock.seconds.pop("decode", 0.0)
    stages = {"decode": clock.seconds.pop("read"), **clock.seconds}
    count, memory_mb = last.index - first.index + 1, max(resident_mb() - before_mb, 0.0)
    span_s = (last.at - first.at) * count / max(count - 1, 1)
    where = config.cameras[name].source
    return Need(name, where, first.width, first.height, span_s, count, decoded, looks, stages, memory_mb)


def _look(frame: Frame, cams: Cameras, site: Site, clock: _Clock) -> int:
    """One frame through everything; how many looks it took."""
    tracklets, seen = see([frame], cams)
    if seen:
        with clock.stage("gallery"):
            know(frame.at, tracklets, site)
    return len(seen)


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
