"""What a replay decides by chance, and the record of it that the policy learns from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from perdure.train.association.table import Table
from perdure.types import Bools, Float64s, Ints

_CERTAIN = 8.0
"""Decisions that explore less than once in some thousand times are not worth recording."""


class Choices(NamedTuple):
    """Choices of one kind that a replay makes by chance; ``count[0]`` of the rows are written."""

    count: Ints  # type: ignore[assignment]
    where: Ints
    """(C, 3) frame, the person the track showed last, the person the box shows; -1: nobody."""
    rows: Float64s
    """(C, K) what the net was told."""
    nats: Float64s
    """(C,) what it answered."""
    taken: Bools
    """(C,) linked (or ended), not held."""


@njit(cache=True)  # type: ignore[untyped-decorator]
def no_choices(room: int, columns: int) -> Choices:
    """An empty record with room for so many, of so many numbers each."""
    count, where = np.zeros(1, np.int64), np.zeros((room, 3), np.int64)
    return Choices(count, where, np.zeros((room, columns)), np.zeros(room), np.zeros(room, np.bool_))


@njit(cache=True)  # type: ignore[untyped-decorator]
def note_pairs(
    pairs: Choices, f: int, t: Table, track: Ints, owner: Ints, box: Ints, gain: Float64s, told: Float64s
) -> None:
    """Write down every described pair of a known person, where there is room."""
    if not len(pairs.nats):
        return
    for p in range(len(gain)):
        whose, other = t.shown[track[p]], owner[box[p]]
        if whose >= 0 or other >= 0:
            _note(pairs, f, whose, other, told[p], gain[p], whose == other)


@njit(cache=True)  # type: ignore[untyped-decorator]
def hold_some(
    made: Choices,
    f: int,
    t: Table,
    track: Ints,
    owner: Ints,
    box: Ints,
    gain: Float64s,
    told: Float64s,
    links: Ints,
    warmth: float,
) -> None:
    """Each link is accepted or held by chance."""
    for p in range(len(gain)):
        i, j = track[p], box[p]
        if links[j] == i:
            taken = _by_chance(gain[p] / warmth)
            if abs(gain[p]) < _CERTAIN * warmth:
                _note(made, f, t.shown[i], owner[j], told[p], gain[p], taken)
            if not taken:
                links[j] = -1


@njit(cache=True)  # type: ignore[untyped-decorator]
def ends(made: Choices, f: int, whose: int, row: Float64s, nats: float, dt: float, warmth: float) -> bool:
    """Does the net end a lost track? By chance ``exp(nats / warmth)`` is how often that happens in a second."""
    if warmth == 0:
        return nats > 0
    odds = nats / warmth + np.log(max(dt, 1e-3))
    taken = _by_chance(odds)
    if abs(odds) < _CERTAIN:
        _note(made, f, whose, -1, row, odds, taken)
    return bool(taken)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _note(made: Choices, f: int, whose: int, other: int, row: Float64s, nats: float, taken: bool) -> None:
    k = made.count[0]
    if k < len(made.nats):
        made.where[k, 0], made.where[k, 1], made.where[k, 2] = f, whose, other
        made.rows[k], made.nats[k], made.taken[k] = row, nats, taken
        made.count[0] += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _by_chance(odds: float) -> bool:
    return bool(np.random.random() < 1 / (1 + np.exp(-odds)))  # noqa: NPY002 - see above
