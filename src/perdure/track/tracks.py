"""The table of the tracks one camera follows: parallel arrays, one row per track."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from perdure.track.frame_kernels import Marks, write_boxes
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Bools, Float64s, Ints


@dataclass(slots=True, eq=False)
class Tracks:
    """N tracks. Rows move when tracks end; ``number`` is what names a track."""

    number: Ints
    """(N,) unique in the camera, never used again."""
    born: Float64s
    """(N,) UTC seconds of the first box of this tracklet."""
    seen: Float64s
    """(N,) UTC seconds of the last box."""
    hits: Ints
    """(N,) boxes so far, over cuts."""
    streak: Ints
    """(N,) boxes in a row up to the last one."""
    missed: Ints
    """(N,) frames looked at since the last box."""
    confirmed: Bools
    score: Float64s
    """(N,) of the last box."""
    trust: Float64s
    """(N,) mean of the scores, of about the last second."""
    box: Float64s
    """(N, 4) the last box, xyxy."""
    entry: Ints
    """(N,) its last row in the journal."""
    pictures: Ints
    """(N,) how many are kept of this tracklet."""
    recognisable: Bools
    """(N,) there is a picture to recognise it by, be it of a former part."""
    news: Bools
    """(N,) pictures were added since it was told."""
    told: Float64s
    """(N,) UTC seconds when it was last told; ``-inf`` before the first time."""
    pictured: Float64s
    """(N,) UTC seconds of the last exemplar; ``-inf`` before the first."""
    occluded: Bools
    """(N,) hidden behind somebody else, or missing, since the last look at its appearance."""
    doubt: Float64s
    """(N,) nats by which its looks speak for somebody else, since they last spoke for the person themselves."""
    heard: Float64s
    """(N,) UTC seconds of the last look that counted for or against it; ``-inf`` before the first."""
    sure: Float64s
    """(N,) UTC seconds until which there is no doubt that this is one person."""
    adrift: Bools
    """(N,) another person was followed by mistake: where this one is now, only looks can say."""
    leaving: Float64s
    """(N,) probability that who is lost here is gone for good; of the last box, known once it was missed."""
    motion: Motion

    @classmethod
    def started(cls, model: MotionModel, numbers: Ints, boxes: Float64s, scores: Float64s, at: float) -> Tracks:
        """New, unconfirmed tracks at these boxes."""
        n = len(numbers)
        return cls(
            number=numbers,
            born=np.full(n, at),
            seen=np.full(n, at),
            hits=np.ones(n, np.int64),
            streak=np.ones(n, np.int64),
            missed=np.zeros(n, np.int64),
            confirmed=np.zeros(n, np.bool_),
            score=scores.astype(np.float64),
            trust=scores.astype(np.float64),
            box=boxes.copy(),
            entry=np.full(n, -1, np.int64),
            pictures=np.zeros(n, np.int64),
            recognisable=np.zeros(n, np.bool_),
            news=np.zeros(n, np.bool_),
            told=np.full(n, -np.inf),
            pictured=np.full(n, -np.inf),
            occluded=np.zeros(n, np.bool_),
            doubt=np.zeros(n),
            heard=np.full(n, -np.inf),
            sure=np.full(n, at),
            adrift=np.zeros(n, np.bool_),
            leaving=np.zeros(n),
            motion=Motion.started(model, boxes),
        )

    def __len__(self) -> int:
        return len(self.number)

    def take(self, rows: Ints | Bools) -> Tracks:
        """Some of the tracks, as copies."""
        return Tracks(**{name: getattr(self, name)[rows] for name in _ARRAYS}, motion=self.motion.take(rows))

    def joined(self, other: Tracks) -> Tracks:
        """These tracks followed by ``other``."""
        arrays = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS}
        return Tracks(**arrays, motion=self.motion.joined(other.motion))

    def observe(
        self, model: MotionModel, rows: Ints, boxes: Float64s, scores: Float64s, crowded: Marks, at: float
    ) -> Ints:
        """Each of ``rows`` was seen at ``at`` in this box, among others where ``crowded`` is not 0; the rest missed.

        (L,) the rows of those missed for the first time.
        """
        model.update(self.motion, rows, boxes)
        lost: Ints = write_boxes(
            rows,
            boxes,
            scores,
            crowded,
            at,
            self.seen,
            self.missed,
            self.hits,
            self.streak,
            self.score,
            self.trust,
            self.box,
            self.occluded,
            self.doubt,
            self.sure,
            self.adrift,
        )
        return lost


_ARRAYS = tuple(f.name for f in fields(Tracks) if f.name != "motion")
