"""Time stamps of a recording as they should have been: never missing, strictly increasing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_RESET_S = 1.0
_STUCK_FRAMES = 3
_SAME_S = 1e-6


@dataclass
class Timeline:
    """Capture times of one recording, frame after frame, in seconds since its first frame.

    Good stamps are kept as they are, so a variable rate survives. What is repaired, and how:

    - *missing*: the frame is one period (``1 / rate_fps``) after the one before;
    - *repeated, or back by less than a second* (and less than three periods): the frame is a hundredth of a period
      after the one before, and the next good stamp counts as if nothing had happened;
    - *back by more* (the recorder started again), or more than three such frames on end: the frame is one period after
      the one before, and later stamps count from there.

    A jump forward is kept: the recorder may have paused. The same stamps always give the same times.
    """

    rate_fps: float
    tick_s: float = 0.0
    """The resolution of the stamps."""
    _shift_s: float | None = field(default=None, init=False)
    _last_s: float | None = field(default=None, init=False)
    _anchor_s: float = field(default=0.0, init=False)
    _guesses: int = field(default=0, init=False)
    _stuck: int = field(default=0, init=False)

    def place(self, stamp_s: float | None) -> tuple[float, float]:
        """Time of the next frame, s, and its standard deviation: of one tick if stamped, one period if repaired."""
        good = stamp_s is not None and self._fits(stamp_s)
        if good:
            assert stamp_s is not None
            assert self._shift_s is not None
            at = self._anchor_s = stamp_s + self._shift_s
            self._guesses = self._stuck = 0
        else:
            at = self._repair(stamp_s)
        self._last_s = at
        return at, self.tick_s / math.sqrt(12.0) if good else 1.0 / self.rate_fps

    def _fits(self, stamp_s: float) -> bool:
        if self._last_s is None:
            self._shift_s = -stamp_s
            return True
        return self._shift_s is not None and stamp_s + self._shift_s > self._last_s + _SAME_S

    def _repair(self, stamp_s: float | None) -> float:
        if self._last_s is None:
            return 0.0
        period = 1.0 / self.rate_fps
        if stamp_s is not None and self._shift_s is not None:
            self._stuck += 1
            back = self._last_s - (stamp_s + self._shift_s)
            if back <= max(_RESET_S, 3 * period) and self._stuck <= _STUCK_FRAMES:
                self._anchor_s, self._guesses = self._last_s + 0.01 * period, 0
                return self._anchor_s
        self._guesses += 1
        at = self._anchor_s + self._guesses * period
        if stamp_s is not None:
            self._shift_s = at - stamp_s
        return at
