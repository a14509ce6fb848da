"""When a live frame was captured, from the stream's own stamps and the moments at which its frames arrived.

A stamp has an even pace but an unknown origin; an arrival has the right origin but the network's jitter. The least
(arrival - stamp) of late is the origin plus the least delay of the way, and follows a camera whose clock runs fast or
slow; stamp plus that is the capture time, late by the least delay (Cristian 1989; the lower envelope as in RFC 5905's
clock filter).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 30.0
"""How long an origin is believed: at 200 ppm of skew it is then off by 6 ms."""
JUMP_S = 2.0
"""Stamps and arrivals that disagree by more about what passed since the last frame: the camera's clock was set."""
LEAST_STEP_S = 1e-3
"""Time always advances, whatever the camera says."""
FORGET = 0.05
"""Weight of the newest frame in the spread."""


@dataclass
class StreamClock:
    """Capture times of one live stream, frame after frame; they always advance and are never in the future.

    Arrivals must come from a clock that is never set (monotonic, anchored to UTC once).
    """

    resets: int = 0
    """How often the stamps had jumped or begun anew."""
    _delays: deque[tuple[float, float]] = field(default_factory=deque)
    """(arrival, arrival - stamp), the second growing: the first entry is the least of the window."""
    _last: tuple[float, float] | None = None
    """Stamp and arrival of the frame before."""
    _last_at: float = float("-inf")
    _spread_s: float = 0.0

    def restart(self) -> None:
        """The stream was opened anew: its stamps may begin anywhere."""
        self._last = None
        self._delays.clear()

    def place(self, stamp_s: float | None, arrival_s: float) -> tuple[float, float]:
        """Capture time of the next frame, UTC seconds, and its standard deviation.

        Args:
            stamp_s: by the stream's own clock; None where it gives none, then the arrival has to do.
            arrival_s: UTC seconds at which the frame was there, never decreasing.
        """
        if stamp_s is None:
            return self._advance(arrival_s, arrival_s)
        if self._last is not None:
            passed = stamp_s - self._last[0]
            if passed <= 0 or abs(passed - (arrival_s - self._last[1])) > JUMP_S:
                self.resets += 1
                self._delays.clear()
        self._last = stamp_s, arrival_s
        delay = arrival_s - stamp_s
        while self._delays and self._delays[-1][1] >= delay:
            self._delays.pop()
        self._delays.append((arrival_s, delay))
        while self._delays[0][0] < arrival_s - WINDOW_S:
            self._delays.popleft()
        return self._advance(stamp_s + self._delays[0][1], arrival_s)

    def recall(self, stamp_s: float) -> tuple[float, float]:
        """The same for a frame that came some time ago and is looked at only now: nothing is learnt from when."""
        origin_s = self._delays[0][1] if self._delays else self._last_at - stamp_s
        self._last_at = max(stamp_s + origin_s, self._last_at + LEAST_STEP_S)
        return self._last_at, self._spread_s

    def _advance(self, at: float, arrival_s: float) -> tuple[float, float]:
        self._spread_s += FORGET * (arrival_s - at - self._spread_s)
        self._last_at = max(at, self._last_at + LEAST_STEP_S)
        return self._last_at, self._spread_s
