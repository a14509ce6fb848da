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
) -> None:
    """Writes the rank (from 1) of every true match of every query, ascending, to ``ranks[offsets[q]:offsets[q + 1]]``.

    ``distances`` (B, G); ``grouped[first[q]:last[q]]`` are the gallery columns of the person of query q, ascending.
    Columns of that person from the query's own camera are left out of the ranking. Equal distances rank by column,
    like a stable sort. One pass keeps what is no farther than the farthest true match, in order; the rank of a match
    is then a count over that remainder, two loops that the compiler turns into vector code.
    """
    columns = distances.shape[1]
    kept = np.empty(columns, np.float32)
    for q in range(distances.shape[0]):
        found = offsets[q + 1] - offsets[q]
        if found == 0:
            continue
        row = distances[q]
        members = grouped[first[q] : last[q]]
        farthest = np.float32(-np.inf)
        for column in members:
            if gallery_camera[column] != query_camera[q]:
                farthest = max(farthest, row[column])
        slots = np.empty(found, np.int64)
        matches, count, begin = 0, 0, 0
        for position in range(len(members) + 1):
            end = members[position] if position < len(members) else columns
            for column in range(begin, end):
                kept[count] = row[column]
                count += row[column] <= farthest
            if position < len(members):
                if gallery_camera[end] != query_camera[q]:
                    kept[count] = row[end]
                    slots[matches] = count
                    matches += 1
                    count += 1
                begin = end + 1
        for match in range(found):
            slot = slots[match]
            own = kept[slot]
            nearer = 1
            for i in range(slot):
                nearer += kept[i] <= own
            for i in range(slot + 1, count):
                nearer += kept[i] < own
            ranks[offsets[q] + match] = nearer
        ranks[offsets[q] : offsets[q + 1]].sort()
