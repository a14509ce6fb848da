"""What waits for whoever asks a live camera: its newest frame, or for a short while all that was looked back at."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

STEP_S: Final = 0.1
"""Frames of the past closer together than this tell nothing more."""
_SLACK_S: Final = 0.002
"""Time stamps are rounded."""
MOST: Final = 32
"""Frames that wait: of 1080p 100 MB. More are thinned to every second."""
CATCHES_UP_IN_S: Final = 3.0
"""From the first frame of the past that is taken until the newest is given again."""


class Backlog(Generic[Item]):
    """Usually the newest item only: the one before is gone when it was not taken in time.

    After an item of the past (``is_past``) all are kept in order of time. They are handed over as far apart as the
    taker needs to catch up within ``CATCHES_UP_IN_S``: a quick one gets all of them, a slow one every second or fourth.
    Then the newest is given again, whatever waits.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Item]] = deque()
        self._step_s = 0.0
        """0 where only the newest counts."""
        self._began: float | None = None
        """When the first item of the past was taken."""
        self._taken = 0
        """Since then."""

    def put(self, at: float, item: Item, *, is_past: bool = False) -> None:
        """An item of time ``at`` (UTC seconds, growing)."""
        if is_past and not self._step_s:
            self._step_s, self._began, self._taken = STEP_S, None, 0
        waiting = self._waiting
        if not self._step_s:
            waiting.clear()
        if waiting and at - waiting[-1][0] < self._step_s - _SLACK_S:
            return
        waiting.append((at, item))
        if len(waiting) > MOST:
            self._step_s *= 2
            self._waiting = deque([one for i, one in enumerate(waiting) if i % 2 == 0])

    def take(self, now: float) -> Item | None:
        """The next that waits, at ``now`` (UTC seconds); None where nothing does."""
        if not self._waiting:
            return None
        at, item = self._waiting.popleft()
        if self._step_s:
            self._thin(at, now)
        if not self._waiting:
            self._step_s = 0.0
        return item

    def _thin(self, at: float, now: float) -> None:
        """Pass over what there is no time for, after the item of time ``at`` was taken."""
        if self._began is None:
            self._began = now
            return
        self._taken += 1
        left_s = self._began + CATCHES_UP_IN_S - now
        if left_s <= 0:
            while len(self._waiting) > 1:
                self._waiting.popleft()
            self._step_s = 0.0
            return
        each_s = (now - self._began) / self._taken
        apart_s = (now - at + left_s) * each_s / left_s
        while len(self._waiting) > 1 and self._waiting[0][0] - at < apart_s - _SLACK_S:
            self._waiting.popleft()
