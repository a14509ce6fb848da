"""The passes of ``motion.watch`` over all samples, compiled: a picture of 320 x 180 takes well under 0.1 ms."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.types import Float32s, Image

BLOCK = 8
"""Samples on a side."""
MEAN_UNIT, NOISE_UNIT = np.float32(128), np.float32(1024)
"""Brightness and noise are kept as 16-bit parts of a grey level: fresh pages of memory cost more than arithmetic."""
Words: TypeAlias = npt.NDArray[np.uint16]
Rows: TypeAlias = tuple[Float32s, Float32s, Float32s]


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def block_sums(samples: Image | Words, sums: Float32s) -> None:
    """Write the sum of every block into (h, w) ``sums``: first down the columns, which compilers do many at once."""
    height, width = samples.shape
    column = np.zeros(width, np.float32)
    for row in range(len(sums)):
        for y in range(row * BLOCK, min(row * BLOCK + BLOCK, height)):
            for x in range(width):
                column[x] += np.float32(samples[y, x])
        _by_block(column, sums[row])


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def update(
    now: Image,
    gain: float,
    rates: tuple[float, float],
    limits: tuple[float, float, float],
    state: tuple[Words, Words, Image],
    changed: Float32s,
    lasting: Float32s,
) -> tuple[Words, Words, Image]:
    """``state`` (mean, noise, change beyond the neighbours' range) after this picture, as new arrays.

    ``rates`` are the shares taken over into mean and noise; ``limits`` the least change that counts, how many noises,
    and the most noise. Writes into (h, w) ``changed`` and ``lasting`` how many samples of each block have changed, and
    changed twice in a row. The range of the neighbours is found row by row: three rows of it are kept.
    """
    height, width = now.shape
    mean, noise, beyond = np.empty_like(state[0]), np.empty_like(state[1]), np.empty_like(state[2])
    factor, settle, habit = np.float32(gain), np.float32(rates[0]), np.float32(rates[1])
    least, noises, most = np.float32(limits[0]), np.float32(limits[1]) / NOISE_UNIT, np.float32(limits[2]) * NOISE_UNIT
    low, high, change = np.empty((3, width), np.float32), np.empty((3, width), np.float32), np.empty(width, np.float32)
    once, twice = np.zeros(width, np.float32), np.zeros(width, np.float32)
    _across(state[0][0], factor / MEAN_UNIT, low[0], high[0])
    for y in range(height):
        above, below = max(y - 1, 0), min(y + 1, height - 1)
        _across(state[0][below], factor / MEAN_UNIT, low[below % 3], high[below % 3])
        _outside(
            now[y],
            (low[above % 3], low[y % 3], low[below % 3]),
            (high[above % 3], high[y % 3], high[below % 3]),
            change,
        )
        _count(change, state[1][y], state[2][y], (least, noises), once, twice)
        _settle(state[0][y], now[y], (factor, settle), mean[y])
        _learn(state[1][y], change, (habit, most), noise[y], beyond[y])
        if (y + 1) % BLOCK == 0 or y == height - 1:
            _by_block(once, changed[y // BLOCK])
            _by_block(twice, lasting[y // BLOCK])
    return mean, noise, beyond


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _outside(now: Image, low: Rows, high: Rows, change: Float32s) -> None:
    """By how much each sample of a row leaves the range of its three rows."""
    for x in range(len(change)):
        change[x] = max(np.float32(now[x]) - max(high[0][x], high[1][x], high[2][x]), np.float32(0))
    for x in range(len(change)):
        change[x] = max(min(low[0][x], low[1][x], low[2][x]) - np.float32(now[x]), change[x])


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _count(
    change: Float32s, noise: Words, before: Image, limits: tuple[float, float], once: Float32s, twice: Float32s
) -> None:
    """Count the samples that changed by more than their noise allows, and those that did so in the last picture too."""
    for x in range(len(change)):
        once[x] += np.float32(change[x] > limits[0] + limits[1] * np.float32(noise[x]))
    for x in range(len(change)):
        both = min(change[x], np.float32(before[x]))
        twice[x] += np.float32(both > limits[0] + limits[1] * np.float32(noise[x]))


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _settle(known: Words, now: Image, rates: tuple[float, float], mean: Words) -> None:
    for x in range(len(mean)):
        value = rates[0] * np.float32(known[x])
        value += rates[1] * (np.float32(now[x]) * MEAN_UNIT - value) + np.float32(0.5)
        mean[x] = np.uint16(min(value, np.float32(65535)))


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _learn(usual: Words, change: Float32s, rates: tuple[float, float], noise: Words, beyond: Image) -> None:
    for x in range(len(noise)):
        value = np.float32(usual[x])
        value += rates[0] * (change[x] * NOISE_UNIT - value) + np.float32(0.5)
        noise[x] = np.uint16(min(value, rates[1]))
    for x in range(len(noise)):
        beyond[x] = np.uint8(change[x])


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _across(row: Words, factor: float, low: Float32s, high: Float32s) -> None:
    """``low`` and ``high``: least and greatest of each sample of ``factor * row`` and its neighbours left and right."""
    last = len(row) - 1
    for x in range(1, last):
        low[x] = factor * np.float32(min(row[x - 1], row[x], row[x + 1]))
        high[x] = factor * np.float32(max(row[x - 1], row[x], row[x + 1]))
    for x, other in ((0, min(1, last)), (last, max(last - 1, 0))):
        low[x] = factor * np.float32(min(row[x], row[other]))
        high[x] = factor * np.float32(max(row[x], row[other]))


@njit(cache=True, nogil=True, fastmath=True)  # type: ignore[untyped-decorator]
def _by_block(column: Float32s, sums: Float32s) -> None:
    """Sums of ``BLOCK`` columns each, which are 0 afterwards."""
    for block in range(len(sums)):
        total = np.float32(0)
        for x in range(block * BLOCK, min(block * BLOCK + BLOCK, len(column))):
            total += column[x]
            column[x] = 0
        sums[block] = total
