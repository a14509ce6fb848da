"""How often somebody may try."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock

_MOST_KEYS = 10_000


@dataclass(slots=True)
class Limiter:
    """So many tries in so long, for each key; a sliding window. Memory is bounded: the oldest keys are forgotten."""

    failures: int
    per_s: float
    _tries: dict[str, deque[float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def wait_s(self, key: str, at: float) -> float:
        """How long before the next try; 0: now."""
        with self._lock:
            tries = self._tries.get(key)
            if tries is None:
                return 0.0
            while tries and tries[0] <= at - self.per_s:
                tries.popleft()
            return 0.0 if len(tries) < self.failures else tries[0] + self.per_s - at

    def note(self, key: str, at: float) -> None:
        """One more try."""
        with self._lock:
            if key not in self._tries and len(self._tries) >= _MOST_KEYS:
                del self._tries[next(iter(self._tries))]
            self._tries.setdefault(key, deque(maxlen=self.failures)).append(at)

    def forgive(self, key: str) -> None:
        """It was right: earlier tries do not count."""
        with self._lock:
            self._tries.pop(key, None)
