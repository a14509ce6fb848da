"""The tracks of a replay: the table of ``track.tracks`` as arrays with room for all, for compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from perdure.track.frame_kernels import centred, usable
from perdure.track.linking import Constants
from perdure.types import Bools, Float64s, Ints

Marks = npt.NDArray[np.uint8]


class Clip(NamedTuple):
    """Recorded boxes of one camera, in order of time, and whose they are."""

    boxes: Float64s
    """(B, 4) xyxy, px."""
    scores: Float64s
    """(B,) in [0, 1]."""
    first: Ints
    """(F + 1,) the boxes of frame f are those from ``first[f]`` to ``first[f + 1]``."""
    at: Float64s
    """(F,) seconds."""
    size: tuple[float, float]
    owner: Ints
    """(B,) person 0, 1, ... that a box shows, -1: nobody."""


class Seen(NamedTuple):
    """The usable boxes of one frame."""

    rows: Ints
    """Their places in the clip."""
    boxes: Float64s
    measured: Float64s
    scores: Float64s
    at: float
    dt: float


class Table(NamedTuple):
    """Room for all tracks, one row each; see ``Tracks`` and ``Motion``."""

    place: Float64s
    speed: Float64s
    var_place: Float64s
    covar: Float64s
    var_speed: Float64s
    box: Float64s
    seen: Float64s
    born: Float64s
    score: Float64s
    trust: Float64s
    doubt: Float64s
    sure: Float64s
    leaving: Float64s
    missed: Ints
    hits: Ints
    streak: Ints
    number: Ints
    shown: Ints
    """Person it showed last, -1: nobody yet."""
    confirmed: Bools
    occluded: Bools
    never: Bools
    uncrowded: Marks


@njit(cache=True)  # type: ignore[untyped-decorator]
def look(clip: Clip, f: int, low_score: float) -> Seen:
    """The boxes of frame ``f`` that the tracker would use."""
    start, stop = clip.first[f], clip.first[f + 1]
    rows = start + usable(clip.boxes[start:stop], clip.scores[start:stop], low_score)
    boxes = clip.boxes[rows]
    dt = clip.at[f] - clip.at[f - 1] if f else 0.0
    return Seen(rows, boxes, centred(boxes), clip.scores[rows], clip.at[f], dt)


@njit(cache=True)  # type: ignore[untyped-decorator]
def room_for(most: int) -> Table:
    """An empty table for so many tracks."""
    never = np.zeros(most, np.bool_)
    return Table(
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros((most, 4)),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.int64),
        np.zeros(most, np.bool_),
        np.zeros(most, np.bool_),
        never,
        np.zeros(most, np.uint8),
    )


@njit(cache=True)  # type: ignore[untyped-decorator]
def begin(t: Table, i: int, now: Seen, j: int, number: int, person: int, constants: Constants) -> None:
    """Row ``i`` is a new track at box ``j``."""
    height = max(now.measured[j, 3], 1.0)
    for c in range(4):
        t.place[i, c], t.speed[i, c], t.covar[i, c], t.box[i, c] = now.measured[j, c], 0.0, 0.0, now.boxes[j, c]
        t.var_place[i, c] = (height * constants.shares[c]) ** 2
        t.var_speed[i, c] = (height * constants.start_speed[c]) ** 2
    t.seen[i], t.born[i], t.sure[i] = now.at, now.at, now.at
    t.score[i], t.trust[i], t.leaving[i] = now.scores[j], now.scores[j], 0.0
    t.missed[i], t.hits[i], t.streak[i], t.number[i], t.shown[i] = 0, 1, 1, number, person
    t.confirmed[i], t.occluded[i] = False, False


@njit(cache=True)  # type: ignore[untyped-decorator]
def move(t: Table, i: int, to: int) -> None:
    """Write row ``i`` over row ``to``."""
    if i == to:
        return
    for c in range(4):
        t.place[to, c], t.speed[to, c], t.box[to, c] = t.place[i, c], t.speed[i, c], t.box[i, c]
        t.var_place[to, c], t.covar[to, c] = t.var_place[i, c], t.covar[i, c]
        t.var_speed[to, c] = t.var_speed[i, c]
    t.seen[to], t.born[to], t.score[to], t.trust[to] = t.seen[i], t.born[i], t.score[i], t.trust[i]
    t.sure[to], t.leaving[to], t.shown[to], t.number[to] = t.sure[i], t.leaving[i], t.shown[i], t.number[i]
    t.missed[to], t.hits[to], t.streak[to] = t.missed[i], t.hits[i], t.streak[i]
    t.confirmed[to], t.occluded[to] = t.confirmed[i], t.occluded[i]
