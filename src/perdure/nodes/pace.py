"""How well a live site keeps up: frames taken, how late they are known, and which stage takes the processor."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from perdure.types import Frame

LAG_BOUNDS_S: Final = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Upper bounds of the lags that are counted together; what is more is counted last."""


@dataclass(slots=True)
class Lags:
    """Of the frames of one camera: from the moment of capture until what they tell is decided and kept."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LAG_BOUNDS_S) + 1))
    """Frames by ``LAG_BOUNDS_S``, each within its bound and over the one before."""
    sum_s: float = 0.0

    def add(self, lag_s: float) -> None:
        """One more frame."""
        self.counts[bisect_left(LAG_BOUNDS_S, lag_s)] += 1
        self.sum_s += lag_s


@dataclass(slots=True)
class Pace:
    """Counts in the site's thread; may be read from any."""

    lags: dict[str, Lags] = field(default_factory=dict)
    """By camera."""
    cpu_s: dict[str, float] = field(default_factory=dict)
    """Processor seconds of the whole process by stage."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is used inside, by all threads, as this stage's. Stages do not nest."""
        began = time.process_time()
        try:
            yield
        finally:
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + time.process_time() - began

    def done(self, frames: Sequence[Frame], now: float) -> None:
        """These frames are known at ``now``, UTC seconds by the clock of the frames."""
        for frame in frames:
            self.lags.setdefault(frame.camera, Lags()).add(now - frame.at)
