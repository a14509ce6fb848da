"""Where a query's true matches stand in the ranking, by counting instead of sorting (numba)."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.types import Float32s, Ints


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def match_ranks(
    distances: Float32s,
    query_camera: Ints,
    first: Ints,
    last: Ints,
    grouped: Ints,
    gallery_camera: Ints,
    ranks: Ints,
    offsets: Ints,
) -> bool:
    """Writes the rank (from 1) of every true match of every query, ascending, to ``ranks[offsets[q]:offsets[q + 1]]``.

    ``distances`` (B, G); ``grouped[first[q]:last[q]]`` are the gallery columns of the person of query q, ascending.
    Columns of that person from the query's own camera are left out of the ranking. Equal distances rank by column,
    like a stable sort. One pass keeps what is no farther than the farthest true match; the rank of a match is then a
    count over that remainder, a loop that the compiler turns into vector code (loops by index: those over the array
    itself were not vectorised, and twice as slow).

    Returns False, with ranks not to be used, where a distance is NaN: looked for here because a row is read from memory
    once and then stays in the cache.
    """
    columns = distances.shape[1]
    kept = np.empty(columns, np.float32)
    for q in range(distances.shape[0]):
        row = distances[q]
        unordered = 0
        for column in range(columns):
            unordered += row[column] != row[column]
        if unordered:
            return False
        if offsets[q + 1] == offsets[q]:
            continue
        members = grouped[first[q] : last[q]]
        farthest = np.float32(-np.inf)
        for column in members:
            if gallery_camera[column] != query_camera[q]:
                farthest = max(farthest, row[column])
        count = 0
        for column in range(columns):
            kept[count] = row[column]
            count += row[column] <= farthest
        place = offsets[q]
        for column in members:
            if gallery_camera[column] == query_camera[q]:
                continue
            rank = _place(kept[:count], row, column)
            for other in members:
                if gallery_camera[other] == query_camera[q]:
                    rank -= row[other] < row[column] or (row[other] == row[column] and other < column)
            ranks[place] = rank
            place += 1
        ranks[offsets[q] : offsets[q + 1]].sort()
    return True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _place(kept: Float32s, row: Float32s, column: int) -> int:
    """From 1: where ``row[column]`` stands in the stable order of the row, of which ``kept`` holds all up to it."""
    own = row[column]
    nearer, equal = 0, 0
    for i in range(len(kept)):
        nearer += kept[i] < own
        equal += kept[i] == own
    if equal > 1:
        for i in range(column):
            nearer += row[i] == own
    return nearer + 1
