"""What was observed of each live track: one growing array for all tracks, written once per frame."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.types import Bools, Float64s, Ints

_LEAST_ROOM = 1024


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def write_rows(
    rows: Float64s, before: Ints, start: int, entries: Ints, at: float, index: float, boxes: Float64s, scores: Float64s
) -> Ints:
    """See ``Journal.add``: rows from ``start`` on."""
    added = np.empty(len(entries), np.int64)
    for k in range(len(entries)):
        r = start + k
        rows[r, 0], rows[r, 1], rows[r, 6], before[r], added[k] = at, index, scores[k], entries[k], r
        for c in range(4):
            rows[r, 2 + c] = boxes[k, c]
    return added


class Journal:
    """Observed boxes of many tracks, in order of time. Each row points to the row before of the same track.

    A track is known by its *entry*, the place of its last row (-1 for none); entries are kept by the caller.
    """

    def __init__(self) -> None:
        self.rows = np.zeros((_LEAST_ROOM, 7))
        self.before = np.full(_LEAST_ROOM, -1, np.int64)
        self.used = 0
        """Compiled code (``observing``) may write rows too, from here on."""

    def add(self, entries: Ints, at: float, index: int, boxes: Float64s, scores: Float64s) -> Ints:
        """One observed box (xyxy) of each of these tracks; (K,) their new entries. There must be room for them."""
        added: Ints = write_rows(self.rows, self.before, self.used, entries, at, float(index), boxes, scores)
        self.used += len(entries)
        return added

    def path(self, entry: int) -> Float64s:
        """(T, 7) at, frame index, x1, y1, x2, y2, score, in order of time."""
        return np.asarray(self.rows[self._chain(entry)])

    def last(self, entry: int) -> Float64s:
        """(7,) the last row of a path."""
        return np.asarray(self.rows[entry])

    def make_room(self, needed: int, entries: Ints) -> Ints:
        """Room for ``needed`` rows; (N,) the entries of all live tracks, which may have moved.

        Rows of no live track are thrown out when the arrays are full, which double where that frees less than half:
        amortised constant time, and memory by what is alive.
        """
        if self.used + needed <= len(self.rows):
            return entries
        alive = self._alive(entries)
        kept = int(alive.sum())
        capacity = _LEAST_ROOM
        while capacity < 2 * (kept + needed):
            capacity *= 2
        moved = np.append(np.cumsum(alive) - 1, -1)
        rows, before = np.zeros((capacity, 7)), np.full(capacity, -1, np.int64)
        rows[:kept] = self.rows[: self.used][alive]
        before[:kept] = moved[self.before[: self.used][alive]]
        self.rows, self.before, self.used = rows, before, kept
        return np.asarray(moved[entries])

    def move_tail(self, source: int, after: float, target: int) -> int:
        """Give the boxes of ``source`` later than ``after`` to ``target``, before the last box it has.

        They are dropped where ``target`` has other boxes of that time. The first box of ``source`` always stays.
        Returns the new entry of ``source``; that of ``target`` does not change.
        """
        chain = self._chain(source)
        kept = max(int(np.searchsorted(self.rows[chain, 0], after, side="right")), 1)
        tail = chain[kept:]
        before = int(self.before[target])
        if len(tail) and (before < 0 or self.rows[before, 0] < self.rows[tail[0], 0]):
            self.before[tail[0]], self.before[target] = before, tail[-1]
        return int(chain[kept - 1])

    def _chain(self, entry: int) -> Ints:
        chain = []
        while entry >= 0:
            chain.append(entry)
            entry = int(self.before[entry])
        return np.array(chain[::-1], np.int64)

    def _alive(self, entries: Ints) -> Bools:
        """(used,) rows that belong to a live track, found for all tracks at once, from the last row back."""
        alive = np.zeros(self.used, np.bool_)
        front = entries[entries >= 0]
        while len(front):
            alive[front] = True
            front = self.before[front]
            front = front[front >= 0]
        return alive
