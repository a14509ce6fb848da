"""DeepSORT: Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric", ICIP 2017."""

from __future__ import annotations

from collections import deque

import numpy as np

from perdure.track.associate import Pass, in_turn, overlap
from perdure.track.paper_models import HeightModel
from perdure.track.scene import Looks, Scene, Verdict
from perdure.track.sort import BoxesOnly
from perdure.track.tracks import Tracks
from perdure.types import Bools, Float32s, Float64s, Ints

_GATE = 9.4877
"""0.95 quantile of chi square with four degrees of freedom."""
_GALLERY = 100


class DeepSortRule(BoxesOnly):
    """Matching cascade by age, cost ``lambda`` Mahalanobis + (1 - ``lambda``) cosine, both gated; then IoU.

    As in the paper ``lambda`` is 0, the gallery of a track holds 100 looks and the smallest distance counts, a cosine
    distance over 0.2 is no match, tracks are believed at the third box, and tracks of age 1 and unconfirmed ones get a
    pass by IoU distance below 0.7. Every box of high score is embedded; without looks Mahalanobis alone is the cost.
    """

    def __init__(self, high_score: float, max_age: int, mix: float = 0.0) -> None:
        self.model = HeightModel()
        self._high_score, self._max_age, self._mix, self._most_cosine = high_score, max_age, mix, 0.2
        self._gallery: dict[int, deque[Float32s]] = {}

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``; by motion alone."""
        distance = self._mahalanobis(scene)
        return self._cascade(scene, np.where(distance <= _GATE, 1 - distance / _GATE, -np.inf))

    def unclear(self, scene: Scene, links: Ints) -> Bools:  # noqa: ARG002
        """All boxes of high score."""
        return np.asarray(scene.scores >= self._high_score)

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:  # noqa: ARG002
        """The cascade with looks."""
        motion = self._mahalanobis(scene)
        cosine = np.full(motion.shape, np.inf)
        for row, number in enumerate(scene.tracks.number.tolist()):
            if number in self._gallery:
                cosine[row, looks.rows] = 1 - (np.stack(self._gallery[number]) @ looks.vectors.T).max(axis=0)
        allowed = (motion <= _GATE) & (cosine <= self._most_cosine)
        worst = self._mix * _GATE + (1 - self._mix) * self._most_cosine
        cost = self._mix * motion + (1 - self._mix) * np.where(allowed, cosine, 0.0)
        gain = np.where(allowed, 1 + worst - cost, -np.inf)
        return Verdict.plain(scene, self._cascade(scene, gain))

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:  # noqa: ARG002
        """The last looks of each track."""
        self._gallery = {n: self._gallery[n] for n in tracks.number.tolist() if n in self._gallery}
        if looks is None:
            return
        for vector, number in zip(looks.vectors, numbers[looks.rows].tolist(), strict=True):
            if number >= 0:
                self._gallery.setdefault(number, deque(maxlen=_GALLERY)).append(vector)

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """Every high box left over."""
        return np.asarray((links < 0) & (scene.scores >= self._high_score))

    def confirms(self, tracks: Tracks) -> Bools:
        """Three boxes."""
        return np.asarray(tracks.hits >= 3)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames; at once before it is believed."""
        tracks = scene.tracks
        return np.asarray((tracks.missed > self._max_age) | (~tracks.confirmed & (tracks.missed > 0)))

    def _mahalanobis(self, scene: Scene) -> Float64s:
        """(N, M) squared distance, eq. 1."""
        motion = scene.tracks.motion
        error = self.model.measure(scene.boxes)[None, :, :] - motion.place[:, None, :]
        return np.asarray(np.sum(error**2 / motion.spread(self.model)[:, None, :], axis=2))

    def _cascade(self, scene: Scene, gain: Float64s) -> Ints:
        """Listing 1: the tracks seen last come first; then IoU for tracks of age 1 and for unconfirmed ones."""
        tracks, high = scene.tracks, scene.scores >= self._high_score
        passes = [Pass(gain, tracks.confirmed & (tracks.missed == age), high) for age in np.unique(tracks.missed)]
        young = ~tracks.confirmed | (tracks.missed == 0)
        passes.append(Pass(overlap(scene.predicted, scene.boxes), young, high, 0.3))
        return in_turn(passes, len(tracks), len(scene.boxes))
