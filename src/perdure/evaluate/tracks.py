"""Boxes with identities: what every tracking metric compares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from perdure.errors import InputError
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Boxes with identities, in any order of frames; within a frame the order is kept. An id is in a frame once."""

    frames: Ints
    """(N,) int64."""
    ids: Ints
    """(N,) int64."""
    boxes: Float64s
    """(N, 4) float64, xyxy, px; or (N, 2) float64, metres on the floor."""

    @classmethod
    def of(cls, frames: npt.ArrayLike, ids: npt.ArrayLike, boxes: npt.ArrayLike, where: str = "tracks") -> Self:
        """Checked tracks from anything array-like, sorted by frame; ``where`` starts the error messages.

        Raises:
            InputError: lengths differ, a box is not finite, or an id is in a frame twice.
        """
        frame_array, id_array = np.asarray(frames, np.int64).reshape(-1), np.asarray(ids, np.int64).reshape(-1)
        box_array = np.asarray(boxes, np.float64)
        box_array = box_array.reshape(len(frame_array), -1) if box_array.size else box_array.reshape(0, 4)
        if not len(frame_array) == len(id_array) == len(box_array):
            raise InputError(f"{where}: {len(frame_array)} frames, {len(id_array)} ids, {len(box_array)} boxes")
        if not np.isfinite(box_array).all():
            row = int(np.flatnonzero(~np.isfinite(box_array).all(axis=1))[0])
            raise InputError(f"{where}: box {row} (frame {frame_array[row]}, id {id_array[row]}) is not finite")
        check_unique(frame_array, id_array, where)
        order = np.argsort(frame_array, kind="stable")
        return cls(frame_array[order], id_array[order], box_array[order])

    @classmethod
    def none(cls) -> Self:
        """No boxes."""
        return cls.of([], [], [])

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice | Ints | Bools) -> Self:
        return replace(self, frames=self.frames[rows], ids=self.ids[rows], boxes=self.boxes[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Ground truth with what the MOTChallenge protocol needs to know of each box."""

    tracks: Tracks
    counted: Bools
    """(N,) bool: a person to be found; the rest is neither a hit nor a miss."""
    distractor: Bools
    """(N,) bool: a result that is matched to this box is taken out before anything is counted."""

    @classmethod
    def of(cls, tracks: Tracks, counted: Bools | None = None, distractor: Bools | None = None) -> Truth:
        """Every box counts and none distracts unless said otherwise; the arrays are in the order of ``tracks``."""
        return cls(
            tracks,
            np.ones(len(tracks), np.bool_) if counted is None else counted,
            np.zeros(len(tracks), np.bool_) if distractor is None else distractor,
        )


def check_unique(frames: Ints, ids: Ints, where: str) -> None:
    """Raise ``InputError`` naming the first frame in which an id is twice."""
    order = np.lexsort((ids, frames))
    twice = np.flatnonzero((np.diff(frames[order]) == 0) & (np.diff(ids[order]) == 0))
    if len(twice):
        row = order[twice[0]]
        raise InputError(f"{where}: id {ids[row]} is more than once in frame {frames[row]}")
