"""One frame as an association rule sees it, and the seam for such rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from perdure.track.kalman import MotionModel
from perdure.track.tracks import Tracks
from perdure.types import Bools, Float32s, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """The embedded crops of a frame, and how alike they are to the tracks."""

    rows: Ints
    """(K,) which boxes of the scene."""
    quality: Float64s
    """(K,) in [0, 1]."""
    cosine: Float64s
    """(N, K) to every track; NaN where a track has no picture yet."""
    llr: Float64s
    """(N, K) what that says (nats, weighted by quality); 0 where a track has no picture yet."""
    vectors: Float32s
    """(K, D) unit norm."""


class Scene(NamedTuple):
    """The tracks of one camera, predicted to this frame, and the boxes found in it."""

    tracks: Tracks
    at: float
    size: tuple[int, int]
    boxes: Float64s
    """(M, 4) xyxy."""
    scores: Float64s
    """(M,)."""
    flags: npt.NDArray[np.uint8]
    """(M,) bits of ``Flag``."""
    model: MotionModel
    pictured: Bools
    """(N,) which tracks have any picture to compare with."""
    turning: bool = False
    """The camera itself moves, and how is known: who is out of the picture may be in it again."""

    @property
    def predicted(self) -> Float64s:
        """(N, 4) xyxy where the tracks are now."""
        return self.model.boxes(self.tracks.motion.place)

    @property
    def unseen_s(self) -> Float64s:
        """(N,) seconds since the last box of each track."""
        return self.at - self.tracks.seen


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What a rule makes of a frame once it has seen the looks."""

    links: Ints
    """(M,) the track row of each box, or -1."""
    doubt: Float64s
    """(N,) nats by which the looks of each track speak for somebody else (``Tracks.doubt``)."""
    refused: Ints
    """(M,) the track row that followed this box by mistake, or -1: the track has somebody else's boxes since
    ``Tracks.sure``, and they belong to whom this box belongs to."""

    @classmethod
    def plain(cls, scene: Scene, links: Ints) -> Verdict:
        """Links without any doubt."""
        return cls(links, np.zeros(len(scene.tracks)), np.full(len(links), -1, np.int64))


class Rule(Protocol):
    """Decides which box continues which track. Its answer ``links`` is (M,) int64: the track row of each box, or -1."""

    @property
    def model(self) -> MotionModel:
        """How its tracks move."""

    @property
    def frames(self) -> bool:
        """Time is counted in frames (as in the papers of the baselines), not in seconds."""

    def link(self, scene: Scene) -> Ints:
        """Associate without pictures."""

    def unclear(self, scene: Scene, links: Ints) -> Bools:
        """(M,) which boxes to embed because that could change the links."""

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:
        """Associate again, now with the embedded crops of some boxes."""

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:
        """The frame is decided: (M,) the track number of each box of the scene or -1; ``tracks`` are those of now."""

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """(M,) which boxes without a track start one."""

    def confirms(self, tracks: Tracks) -> Bools:
        """(N,) which tracks are believed."""

    def ends(self, scene: Scene) -> Bools:
        """(N,) which tracks, after this frame was used, are over."""
