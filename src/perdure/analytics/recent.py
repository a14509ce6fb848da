"""The reports that were asked for last, as long as nothing was changed since.

A page asks for a report and then for its plots and files with the same question, one after the other.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

from perdure.analytics import make
from perdure.analytics.figures import Report
from perdure.analytics.read import Rules, Source

MOST: Final = 8


@dataclass(slots=True)
class Recent:
    """Reports of one source. From any thread."""

    source: Source
    _made: dict[tuple[Rules, make.Question, str], tuple[int, Report]] = field(default_factory=dict)
    """With the version of the source that each was made from, the oldest first."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def report(self, rules: Rules, asked: make.Question, place: str) -> Report:
        """As ``make.report`` makes it now."""
        key, version = (rules, asked, place), self.source.version()  # first: what is written meanwhile counts later
        with self._lock:
            known = self._made.get(key)
        if known is not None and known[0] == version:
            return known[1]
        found = make.report(self.source, rules, asked, place)
        if version is not None:
            with self._lock:
                self._made.pop(key, None)
                self._made[key] = version, found
                while len(self._made) > MOST:
                    del self._made[next(iter(self._made))]
        return found
