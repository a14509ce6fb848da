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
LONGEST_LAG_S: Final = 15.0
"""Whoever falls behind further than this is given the newest again."""


class Backlog(Generic[Item]):
    """Usually the newest item only: the one before is gone when it was not taken in time.

    After an item of the past (``is_past``) all are kept in order of time, thinned, until the taker has caught up.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[float, Item]] = deque()
        self._step_s = 0.0
        """0 where only the newest counts."""

    def put(self, at: float, item: Item, *, is_past: bool = False) -> None:
        """An item of time ``at`` (UTC seconds, growing)."""
        if is_past and not self._step_s:
            self._step_s = STEP_S
        waiting = self._waiting
        if not self._step_s or (waiting and at - waiting[0][0] > LONGEST_LAG_S):
            self._step_s = 0.0
            waiting.clear()
        if waiting and at - waiting[-1][0] < self._step_s - _SLACK_S:
            return
        waiting.append((at, item))
        if len(waiting) > MOST:
            self._step_s *= 2
            self._waiting = deque([one for i, one in enumerate(waiting) if i % 2 == 0])

    def take(self) -> Item | None:
        """The oldest that waits; None where nothing does."""
        if not self._waiting:
            return None
        _, item = self._waiting.popleft()
        if not self._waiting:
            self._step_s = 0.0
        return item
