"""When a live frame was captured, from the stream's own stamps and the moments at which its frames arrived.

A stamp has an even pace but an unknown origin; an arrival has the right origin but the network's jitter. The least
(arrival - stamp) of late is the origin plus the least delay of the way, and follows a camera whose clock runs fast or
slow; stamp plus that is the capture time, late by the least delay of the way (Cristian 1989; the lower envelope as in
RFC 5905's clock filter).

A camera that also says what time it is (RTCP sender reports, RFC 3550 section 6.4.1) is believed while that can be: its
frames then arrive between 0 and ``LONGEST_WAY_S`` after their capture. A clock that is set otherwise than ours cannot
pass, and what was learned of the way goes on to be taken off the arrivals.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 30.0
"""How long an origin is believed: at 200 ppm of skew it is then off by 6 ms."""
JUMP_S = 2.0
"""Stamps and arrivals that disagree by more about what passed since the last frame: the camera's clock was set."""
LONGEST_WAY_S = 1.0
"""From capture until a frame is here, at least; a camera that says more has another time than we."""
CLOCKS_AGREE_S = 0.02
"""Two clocks that are both kept differ by no more: a frame may come from so far in the future."""
SETTLED_AFTER_S = 5.0
"""Of a connection: until then nobody is followed, and what is learned counts at once."""
SLEW = 0.05
"""Seconds by which learned time may change in a second, so that it never stands still."""
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
    way_s: float = 0.0
    """From capture until a frame is here, at least, as the camera's own clock said; 0 before it did."""
    _settles_s: float = float("-inf")
    """Arrival from which on what is learned counts little by little."""
    _origin_s: float = 0.0
    """Capture time less stamp, of the frame before."""
    _last_at: float = float("-inf")
    _spread_s: float = 0.0

    def restart(self) -> None:
        """The stream was opened anew: its stamps may begin anywhere."""
        self._last = None
        self._delays.clear()

    def place(self, stamp_s: float | None, arrival_s: float, told_s: float | None = None) -> tuple[float, float]:
        """Capture time of the next frame, UTC seconds, and its standard deviation.

        Args:
            stamp_s: by the stream's own clock; None where it gives none, then the arrival has to do.
            arrival_s: UTC seconds at which the frame was there, never decreasing.
            told_s: UTC seconds of its capture by the camera's own clock, where the camera says so.
        """
        if stamp_s is None:
            return self._advance(arrival_s - self.way_s, 0.0)
        passed_s = 0.0
        if self._last is not None:
            passed_s = stamp_s - self._last[0]
            if passed_s < 0 or abs(passed_s - (arrival_s - self._last[1])) > JUMP_S:
                self.resets += 1
                self._last = None
                self._delays.clear()
        if self._last is None:
            self._settles_s = arrival_s + SETTLED_AFTER_S
        self._last = stamp_s, arrival_s
        least_s = self._least(arrival_s, arrival_s - stamp_s)
        way_s = least_s - (told_s - stamp_s) if told_s is not None else float("nan")
        if -CLOCKS_AGREE_S <= way_s <= LONGEST_WAY_S:
            most_s = SLEW * passed_s if arrival_s > self._settles_s else float("inf")
            self._origin_s += min(max(least_s - way_s - self._origin_s, -most_s), most_s)
            self.way_s = least_s - self._origin_s
        else:
            self._origin_s = least_s - self.way_s
        return self._advance(stamp_s + self._origin_s, arrival_s - stamp_s - least_s)

    def _least(self, arrival_s: float, delay_s: float) -> float:
        """The least delay of the window that ends now."""
        while self._delays and self._delays[-1][1] >= delay_s:
            self._delays.pop()
        self._delays.append((arrival_s, delay_s))
        while self._delays[0][0] < arrival_s - WINDOW_S:
            self._delays.popleft()
        return self._delays[0][1]

    def recall(self, stamp_s: float) -> tuple[float, float]:
        """The same for a frame that came some time ago and is looked at only now: nothing is learnt from when."""
        origin_s = self._origin_s if self._delays else self._last_at - stamp_s
        self._last_at = max(stamp_s + origin_s, self._last_at + LEAST_STEP_S)
        return self._last_at, self._spread_s

    def _advance(self, at: float, late_s: float) -> tuple[float, float]:
        self._spread_s += FORGET * (late_s - self._spread_s)
        self._last_at = max(at, self._last_at + LEAST_STEP_S)
        return self._last_at, self._spread_s
