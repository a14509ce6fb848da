"""The table of the tracks one camera follows: parallel arrays, one row per track."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perdure.track.columns import MARKS, REALS, WHOLES
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Bools, Float64s, Ints

_NEVER = ("told", "pictured", "heard")


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """N tracks. Rows move when tracks end; ``number`` is what names a track.

    The arrays are views into one block for each kind (``columns``): write into them.
    """

    reals: Float64s
    """(10, N) those of ``columns.REALS``."""
    wholes: Ints
    """(6, N) those of ``columns.WHOLES``."""
    marks: Bools
    """(5, N) those of ``columns.MARKS``."""
    box: Float64s
    """(N, 4) the last box, xyxy."""
    motion: Motion
    number: Ints = field(init=False)
    """(N,) unique in the camera, never used again."""
    born: Float64s = field(init=False)
    """(N,) UTC seconds of the first box of this tracklet."""
    seen: Float64s = field(init=False)
    """(N,) UTC seconds of the last box."""
    hits: Ints = field(init=False)
    """(N,) boxes so far, over cuts."""
    streak: Ints = field(init=False)
    """(N,) boxes in a row up to the last one."""
    missed: Ints = field(init=False)
    """(N,) frames looked at since the last box."""
    confirmed: Bools = field(init=False)
    score: Float64s = field(init=False)
    """(N,) of the last box."""
    trust: Float64s = field(init=False)
    """(N,) mean of the scores, of about the last second."""
    entry: Ints = field(init=False)
    """(N,) its last row in the journal."""
    pictures: Ints = field(init=False)
    """(N,) how many are kept of this tracklet."""
    recognisable: Bools = field(init=False)
    """(N,) there is a picture to recognise it by, be it of a former part."""
    news: Bools = field(init=False)
    """(N,) pictures were added since it was told."""
    told: Float64s = field(init=False)
    """(N,) UTC seconds when it was last told; ``-inf`` before the first time."""
    pictured: Float64s = field(init=False)
    """(N,) UTC seconds of the last exemplar; ``-inf`` before the first."""
    occluded: Bools = field(init=False)
    """(N,) hidden behind somebody else, or missing, since the last look at its appearance."""
    doubt: Float64s = field(init=False)
    """(N,) nats by which its looks speak for somebody else, since they last spoke for the person themselves."""
    heard: Float64s = field(init=False)
    """(N,) UTC seconds of the last look that counted for or against it; ``-inf`` before the first."""
    sure: Float64s = field(init=False)
    """(N,) UTC seconds until which there is no doubt that this is one person."""
    adrift: Bools = field(init=False)
    """(N,) another person was followed by mistake: where this one is now, only looks can say."""
    leaving: Float64s = field(init=False)
    """(N,) probability that who is lost here is gone for good; of the last box, known once it was missed."""

    def __post_init__(self) -> None:
        for names, block in ((REALS, self.reals), (WHOLES, self.wholes), (MARKS, self.marks)):
            for name, row in zip(names, block, strict=True):
                object.__setattr__(self, name, row)

    @classmethod
    def started(cls, model: MotionModel, numbers: Ints, boxes: Float64s, scores: Float64s, at: float) -> Tracks:
        """New, unconfirmed tracks at these boxes."""
        n = len(numbers)
        reals, wholes = np.full((len(REALS), n), at), np.ones((len(WHOLES), n), np.int64)
        fresh = cls(reals, wholes, np.zeros((len(MARKS), n), np.bool_), boxes.copy(), Motion.started(model, boxes))
        for name in _NEVER:
            getattr(fresh, name)[:] = -np.inf
        fresh.number[:], fresh.entry[:] = numbers, -1
        fresh.missed[:] = fresh.pictures[:] = 0
        fresh.score[:] = fresh.trust[:] = scores
        fresh.doubt[:] = fresh.leaving[:] = 0.0
        return fresh

    def __len__(self) -> int:
        return len(self.box)

    def take(self, rows: Ints | Bools) -> Tracks:
        """Some of the tracks, as copies."""
        which = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        blocks = self.reals.take(which, axis=1), self.wholes.take(which, axis=1), self.marks.take(which, axis=1)
        return Tracks(*blocks, self.box[which], self.motion.take(which))

    def joined(self, other: Tracks) -> Tracks:
        """These tracks followed by ``other``."""
        return Tracks(
            np.concatenate([self.reals, other.reals], axis=1),
            np.concatenate([self.wholes, other.wholes], axis=1),
            np.concatenate([self.marks, other.marks], axis=1),
            np.concatenate([self.box, other.box]),
            self.motion.joined(other.motion),
        )
