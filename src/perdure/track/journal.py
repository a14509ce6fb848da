"""What was observed of each live track: one growing array for all tracks, written once per frame."""

from __future__ import annotations

import numpy as np

from perdure.types import Float64s, Ints


class Journal:
    """Observed boxes of many tracks, in order of time. Each row points to the row before of the same track."""

    def __init__(self) -> None:
        self._rows = np.zeros((1024, 7))
        self._before = np.full(1024, -1, np.int64)
        self._used = 0
        self._last: dict[int, int] = {}
        self._live = 0
        self._length: dict[int, int] = {}

    def add(self, numbers: Ints, at: float, index: int, boxes: Float64s, scores: Float64s) -> None:
        """One observed box (xyxy) of each of these tracks."""
        start, stop = self._used, self._used + len(numbers)
        if stop > len(self._rows):
            self._make_room(stop)
            start, stop = self._used, self._used + len(numbers)
        self._rows[start:stop, 0], self._rows[start:stop, 1] = at, index
        self._rows[start:stop, 2:6], self._rows[start:stop, 6] = boxes, scores
        for row, number in enumerate(numbers.tolist(), start):
            self._before[row] = self._last.get(number, -1)
            self._last[number] = row
            self._length[number] = self._length.get(number, 0) + 1
        self._used, self._live = stop, self._live + len(numbers)

    def path(self, number: int) -> Float64s:
        """(T, 7) at, frame index, x1, y1, x2, y2, score, in order of time."""
        return self._rows[self._chain(number)]

    def forget(self, number: int) -> None:
        """Drop a track that has been told for the last time, or never will be."""
        self._live -= self._length.pop(number)
        del self._last[number]

    def move_tail(self, source: int, after: float, target: int) -> None:
        """Give the boxes of ``source`` later than ``after`` to ``target``, before the last box it has.

        They are dropped where ``target`` has other boxes of that time. The first box of ``source`` always stays.
        """
        chain = self._chain(source)
        kept = max(int(np.searchsorted(self._rows[chain, 0], after, side="right")), 1)
        tail = chain[kept:]
        if not len(tail):
            return
        self._last[source] = int(chain[kept - 1])
        self._length[source] = kept
        last = self._last[target]
        before = int(self._before[last])
        if before >= 0 and self._rows[before, 0] >= self._rows[tail[0], 0]:
            self._live -= len(tail)
            return
        self._before[tail[0]], self._before[last] = before, tail[-1]
        self._length[target] += len(tail)

    def last(self, number: int) -> Float64s:
        """(7,) the last row of a path."""
        return np.asarray(self._rows[self._last[number]])

    def _chain(self, number: int) -> Ints:
        chain = np.empty(self._length[number], np.int64)
        row = self._last[number]
        for place in range(len(chain) - 1, -1, -1):
            chain[place] = row
            row = self._before[row]
        return chain

    def _make_room(self, needed: int) -> None:
        """Throw forgotten rows out, and double the arrays where that frees less than half: amortised constant time."""
        chains = {number: self._chain(number) for number in self._last}
        capacity = len(self._rows)
        while capacity < 2 * (self._live + needed - self._used):
            capacity *= 2
        rows, before, used = np.zeros((capacity, 7)), np.full(capacity, -1, np.int64), 0
        for number, chain in chains.items():
            stop = used + len(chain)
            rows[used:stop] = self._rows[chain]
            before[used + 1 : stop] = np.arange(used, stop - 1)
            self._last[number], used = stop - 1, stop
        self._rows, self._before, self._used = rows, before, used
