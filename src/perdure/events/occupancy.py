"""How many people are somewhere at once, and when that is too many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.types import Float64s, Ints


@dataclass(frozen=True, slots=True)
class Crowd:
    """More people than allowed were in one place."""

    start: float
    """UTC seconds: who made it too many came in."""
    end: float
    """It was no longer too many; where it still is: the end of the last stay."""
    most: int
    """So many at once."""
    first: int
    """Which of the stays made it too many."""


def occupancy(starts: Float64s, ends: Float64s) -> tuple[Float64s, Ints]:
    """When the number of people changes, and how many are there from then on.

    Args:
        starts: (N,) float64, UTC seconds at which the stays of different people begin.
        ends: (N,) float64, at which they end.

    Returns:
        (K,) float64 times, rising, and (K,) int64 counts. Who leaves when another comes makes room for them.
    """
    at = np.concatenate([starts, ends])
    step = np.repeat(np.array([1, -1], np.int64), len(starts))
    times, where = np.unique(at, return_inverse=True)
    change = np.zeros(len(times), np.int64)
    np.add.at(change, where, step)
    return times, np.cumsum(change)


def crowds(starts: Float64s, ends: Float64s, most: int, hold_s: float) -> list[Crowd]:
    """The times at which there were more people than ``most``, in order.

    A shorter dip than ``hold_s`` does not end one, and a shorter time than that is none: a hysteresis in time, so that
    somebody who steps out and in is not many alarms.

    Args:
        starts: (N,) float64 of stays of different people, as for ``occupancy``.
        ends: (N,) float64.
        most: so many are allowed.
        hold_s: seconds.
    """
    times, counts = occupancy(starts, ends)
    above = counts > most
    begins = np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))
    overs = np.flatnonzero(~above & np.concatenate([[False], above[:-1]]))
    found: list[Crowd] = []
    for begin, over in zip(begins.tolist(), overs.tolist(), strict=True):
        peak, start, end = int(counts[begin:over].max()), float(times[begin]), float(times[over])
        if found and start - found[-1].end < hold_s:
            before = found.pop()
            found.append(Crowd(before.start, end, max(before.most, peak), before.first))
        else:
            found.append(Crowd(start, end, peak, int(np.flatnonzero(starts == start)[0])))
    return [crowd for crowd in found if crowd.end - crowd.start >= hold_s]
