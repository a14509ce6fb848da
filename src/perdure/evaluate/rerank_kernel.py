"""The loops of re-ranking over neighbour lists and sparse rows (numba).

Every picture has two lists of neighbours, nearest first: list 1 of its own camera (itself included) and list 0 of other
cameras. A rule that does not look at cameras puts all pictures in one camera and leaves list 0 empty.
Sparse rows are (offsets, columns, values): row i holds ``columns[offsets[i]:offsets[i + 1]]``, ascending.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.types import Float32s, Ints


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _insert(index: Ints, score: Float32s, length: Ints, neighbour: int, value: float) -> None:
    """Keeps one list sorted, highest first; among equals who came first stays first."""
    capacity = len(score)
    place = min(length[0], capacity - 1)
    while place > 0 and score[place - 1] < value:
        score[place] = score[place - 1]
        index[place] = index[place - 1]
        place -= 1
    score[place] = value
    index[place] = neighbour
    length[0] = min(length[0] + 1, capacity)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def take_nearest(
    tile: Float32s,
    first: int,
    camera: Ints,
    capacity: Ints,
    index: Ints,
    score: Float32s,
    length: Ints,
    least: Float32s,
) -> None:
    """Offers the similarities of pictures ``first``.. (rows) to pictures ``first``.. (columns) to both sides' lists.

    ``index`` and ``score`` are (N, 2, K), ``length`` (N, 2, 1), ``capacity`` (2,) and ``least`` (N, 2), the score that
    a newcomer must beat. Called with tiles of ascending ``first``, so that every list meets its candidates in order.
    """
    rows, columns = tile.shape
    for row in range(rows):
        i = first + row
        for column in range(columns):
            j = first + column
            same = 1 if camera[i] == camera[j] else 0
            value = tile[row, column]
            if value > least[i, same]:
                size = capacity[same]
                _insert(index[i, same, :size], score[i, same, :size], length[i, same], j, value)
                if length[i, same, 0] == size:
                    least[i, same] = score[i, same, size - 1]
            if column >= rows and value > least[j, same]:
                size = capacity[same]
                _insert(index[j, same, :size], score[j, same, :size], length[j, same], i, value)
                if length[j, same, 0] == size:
                    least[j, same] = score[j, same, size - 1]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _reciprocal(index: Ints, length: Ints, i: int, same: int, depth: int, out: Ints) -> int:
    """Writes the neighbours among the first ``depth`` of i that have i among their own first ``depth``."""
    count = 0
    for a in range(min(depth, length[i, same, 0])):
        j = index[i, same, a]
        for b in range(min(depth, length[j, same, 0])):
            if index[j, same, b] == i:
                out[count] = j
                count += 1
                break
    return count


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _members(
    index: Ints, length: Ints, i: int, depth: Ints, half: int, stamp: Ints, mutual: Ints, theirs: Ints, out: Ints
) -> int:
    """Writes the k-reciprocal set of i, ascending and expanded where ``half`` > 0; ``stamp`` is (2, N) scratch."""
    count = 0
    for same in range(2):
        found = _reciprocal(index, length, i, same, depth[same], mutual)
        for a in range(found):
            stamp[0, mutual[a]] = i
            stamp[1, mutual[a]] = i
            out[count] = mutual[a]
            count += 1
    if half > 0:
        base = count
        for a in range(base):
            found = _reciprocal(index, length, out[a], 1, half, theirs)
            shared = 0
            for b in range(found):
                shared += stamp[0, theirs[b]] == i
            if 3 * shared > 2 * found:
                for b in range(found):
                    if stamp[1, theirs[b]] != i:
                        stamp[1, theirs[b]] = i
                        out[count] = theirs[b]
                        count += 1
    out[:count].sort()
    return count


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})  # type: ignore[untyped-decorator]
def _cosine(first: Float32s, second: Float32s) -> np.float32:
    total = np.float32(0)
    for d in range(len(first)):
        total += first[d] * second[d]
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def encode(
    index: Ints, length: Ints, depth: Ints, half: int, vectors: Float32s, farthest: Float32s
) -> tuple[Ints, Ints, Float32s]:
    """Sparse rows of weights over each picture's k-reciprocal set: softmax of its negative scaled distances."""
    pictures = len(index)
    bound = (depth[0] + depth[1]) * (1 + half)
    stamp = np.full((2, pictures), -1, np.int64)
    mutual, theirs, out = np.empty(bound, np.int64), np.empty(bound, np.int64), np.empty(bound, np.int64)
    offsets = np.zeros(pictures + 1, np.int64)
    for i in range(pictures):
        offsets[i + 1] = offsets[i] + _members(index, length, i, depth, half, stamp, mutual, theirs, out)
    stamp[:] = -1
    columns = np.empty(offsets[-1], np.int64)
    values = np.empty(offsets[-1], np.float32)
    for i in range(pictures):
        begin = offsets[i]
        count = _members(index, length, i, depth, half, stamp, mutual, theirs, out)
        total = 0.0
        for a in range(count):
            distance = (2 - 2 * _cosine(vectors[i], vectors[out[a]])) / farthest[i]
            columns[begin + a] = out[a]
            values[begin + a] = np.exp(-distance)
            total += values[begin + a]
        values[begin : begin + count] /= total
    return offsets, columns, values


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def expand(
    index: Ints, length: Ints, depth: Ints, offsets: Ints, columns: Ints, values: Float32s
) -> tuple[Ints, Ints, Float32s]:
    """Each sparse row replaced by the mean of the rows of its nearest neighbours, ``depth[same]`` of each list."""
    pictures = len(index)
    sums = np.zeros(pictures, np.float32)
    touched = np.zeros(pictures, np.bool_)
    new_offsets = np.zeros(pictures + 1, np.int64)
    new_columns, new_values = np.empty(4 * len(columns) + 16, np.int64), np.empty(4 * len(columns) + 16, np.float32)
    listed = np.empty(pictures, np.int64)
    for i in range(pictures):
        count, rows = 0, 0
        for order in range(2):
            same = 1 - order
            for a in range(min(depth[same], length[i, same, 0])):
                rows += 1
                neighbour = index[i, same, a]
                for place in range(offsets[neighbour], offsets[neighbour + 1]):
                    column = columns[place]
                    if not touched[column]:
                        touched[column] = True
                        listed[count] = column
                        count += 1
                    sums[column] += values[place]
        listed[:count].sort()
        begin = new_offsets[i]
        if begin + count > len(new_columns):
            new_columns = np.concatenate((new_columns, np.empty(len(new_columns) + count, np.int64)))
            new_values = np.concatenate((new_values, np.empty(len(new_values) + count, np.float32)))
        for a in range(count):
            column = listed[a]
            new_columns[begin + a] = column
            new_values[begin + a] = sums[column] / rows
            sums[column] = 0
            touched[column] = False
        new_offsets[i + 1] = begin + count
    return new_offsets, new_columns[: new_offsets[-1]].copy(), new_values[: new_offsets[-1]].copy()


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def invert(rows: Ints, offsets: Ints, columns: Ints, values: Float32s, pictures: int) -> tuple[Ints, Ints, Float32s]:
    """The sparse rows ``rows`` by column: for every column the places in ``rows`` that hold it, and their values."""
    starts = np.zeros(pictures + 1, np.int64)
    for row in rows:
        for place in range(offsets[row], offsets[row + 1]):
            starts[columns[place] + 1] += 1
    starts = np.cumsum(starts)
    holders, held = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.float32)
    cursor = starts[:-1].copy()
    for place_of_row in range(len(rows)):
        for place in range(offsets[rows[place_of_row]], offsets[rows[place_of_row] + 1]):
            column = columns[place]
            holders[cursor[column]] = place_of_row
            held[cursor[column]] = values[place]
            cursor[column] += 1
    return starts, holders, held


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def blend_jaccard(
    distances: Float32s,
    rows: Ints,
    offsets: Ints,
    columns: Ints,
    values: Float32s,
    starts: Ints,
    holders: Ints,
    held: Float32s,
    weight: float,
) -> None:
    """Mixes the Jaccard distances of ``rows`` into ``distances`` (B, G) of the gallery, which keep ``weight``."""
    shared = np.zeros(distances.shape[1], np.float32)
    for b in range(len(rows)):
        shared[:] = 0
        for place in range(offsets[rows[b]], offsets[rows[b] + 1]):
            column, value = columns[place], values[place]
            for entry in range(starts[column], starts[column + 1]):
                shared[holders[entry]] += min(value, held[entry])
        for g in range(distances.shape[1]):
            jaccard = 1 - shared[g] / (2 - shared[g])
            distances[b, g] = (1 - weight) * jaccard + weight * distances[b, g]
