"""The loops of ``scan``, compiled (numba): products of bytes decide which rows are looked at as floats.

``best`` and ``rows`` (B, k) hold the best k scores so far of each probe as a min-heap, and whose they are; ``slack``
(B,) is how far a product of bytes may lie below the true one. An empty ``kept`` keeps all rows.
Without the JIT (``NUMBA_DISABLE_JIT=1``) the same functions run as plain Python.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.types import Bools, Float32s, Ints

Int32s = npt.NDArray[np.int32]
VECTOR = {"nnan", "ninf", "nsz", "reassoc", "contract"}


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scan(
    codes: npt.NDArray[np.uint8],
    signed: npt.NDArray[np.int8],
    b: int,
    probes: Float32s,
    probe_scales: Float32s,
    offset: Int32s,
    shift: Float32s,
    slack: Float32s,
    vectors: Float32s,
    scales: Float32s,
    gain: Float32s,
    groups: Ints,
    kept: Bools,
    best: Float32s,
    rows: Ints,
) -> None:
    """Puts the best rows of probe ``b`` into its heap; ``signed`` (D,) is the probe in bytes."""
    masked = len(kept) > 0
    for r in range(len(codes)):
        if masked and not kept[r]:
            continue
        product = np.int32(0)
        for d in range(codes.shape[1]):  # compiled to vector code only with every step in 32 bits
            product = np.int32(product + np.int32(np.int32(codes[r, d]) * np.int32(signed[d])))
        middle = scales[r] * probe_scales[b] * np.float32(np.int32(product - offset[b]))
        if gain[r] * (middle + slack[b] - shift[groups[r], b]) > best[b, 0]:
            _offer(best[b], rows[b], gain[r] * (_dot(vectors[r], probes[b]) - shift[groups[r], b]), r)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def take(
    products: Int32s,
    begin: int,
    probes: Float32s,
    probe_scales: Float32s,
    offset: Int32s,
    shift: Float32s,
    slack: Float32s,
    vectors: Float32s,
    scales: Float32s,
    gain: Float32s,
    groups: Ints,
    kept: Bools,
    best: Float32s,
    rows: Ints,
) -> None:
    """``scan`` for all probes at once, of a block of rows from ``begin`` on whose products (n, B) are known."""
    masked, batch = len(kept) > 0, products.shape[1]
    least = np.empty(batch, np.float32)
    for b in range(batch):
        least[b] = max(best[b, 0], np.float32(-1e30))
    room = slack - shift
    for i in range(len(products)):
        r = begin + i
        if masked and not kept[r]:
            continue
        per_gain = np.float32(1) / gain[r]
        if not _promising(products[i], scales[r], per_gain, probe_scales, offset, room[groups[r]], least):
            continue
        for b in range(batch):
            middle = scales[r] * probe_scales[b] * np.float32(np.int32(products[i, b] - offset[b]))
            if middle + room[groups[r], b] - per_gain * least[b] > np.float32(0):
                _offer(best[b], rows[b], gain[r] * (_dot(vectors[r], probes[b]) - shift[groups[r], b]), r)
                least[b] = max(best[b, 0], np.float32(-1e30))


@njit(cache=True, nogil=True, fastmath=VECTOR)  # type: ignore[untyped-decorator]
def _promising(
    products: Int32s, scale: float, per_gain: float, factor: Float32s, offset: Int32s, room: Float32s, least: Float32s
) -> int:
    """How many of one row's products may reach what is asked of them; counting, not asking, becomes vector code."""
    count = 0
    for b in range(len(products)):
        middle = scale * factor[b] * np.float32(np.int32(products[b] - offset[b]))
        count += middle + room[b] - per_gain * least[b] > np.float32(0)
    return count


@njit(cache=True, nogil=True, fastmath=VECTOR)  # type: ignore[untyped-decorator]
def _dot(first: Float32s, second: Float32s) -> np.float32:
    total = np.float32(0)
    for d in range(len(first)):
        total += first[d] * second[d]
    return total


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _offer(heap: Float32s, rows: Ints, score: float, row: int) -> None:
    """Put a row in the place of the least of the heap, where it is better."""
    if score <= heap[0]:
        return
    place = 0
    while True:
        child = 2 * place + 1
        if child >= len(heap):
            break
        if child + 1 < len(heap) and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= score:
            break
        heap[place], rows[place] = heap[child], rows[child]
        place = child
    heap[place], rows[place] = score, row
