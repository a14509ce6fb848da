"""BoT-SORT: Aharon et al., "BoT-SORT: Robust Associations Multi-Pedestrian Tracking", arXiv 2206.14651."""

from __future__ import annotations

import numpy as np

from perdure.track.associate import Pass, in_turn, overlap
from perdure.track.bytetrack import ByteTrackRule
from perdure.track.paper_models import HeightModel
from perdure.track.scene import Looks, Scene, Verdict
from perdure.track.tracks import Tracks
from perdure.types import Bools, Float32s, Float64s, Ints


class BotSortRule(ByteTrackRule):
    """ByteTrack with width in the state, camera motion (the ``warp`` of ``propose``) and appearance.

    Cost of a pair (eq. 8 to 10 and the authors' code): the smaller of the IoU distance, fused with the score, and half
    the cosine distance to the exponential mean of looks (0.9), where the first is below 0.5 and the second below 0.25.
    A track starts 0.2 above ``high_score``. Every box of high score is embedded.
    """

    def __init__(self, high_score: float, max_age: int) -> None:
        super().__init__(high_score, max_age)
        self.model = HeightModel(width=True)
        self._looks: dict[int, Float32s] = {}

    def unclear(self, scene: Scene, links: Ints) -> Bools:  # noqa: ARG002
        """All boxes of high score."""
        return np.asarray(scene.scores >= self.high_score)

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:
        """The passes of ByteTrack with the fused cost."""
        shared = overlap(scene.predicted, scene.boxes)
        fused = shared * scene.scores
        gain = np.maximum(fused, 1 - self._half_cosine_distance(scene, looks, shared))
        high, confirmed = scene.scores >= self.high_score, scene.tracks.confirmed
        passes = (
            Pass(gain, confirmed, high, 0.2),
            Pass(shared, confirmed & (scene.tracks.missed == 0), ~high, 0.5),
            Pass(gain, ~confirmed, high, 0.3),
        )
        return Verdict.plain(scene, in_turn(passes, len(scene.tracks), len(links)))

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:  # noqa: ARG002
        """Exponential mean of the looks of each track."""
        self._looks = {n: self._looks[n] for n in tracks.number.tolist() if n in self._looks}
        if looks is None:
            return
        for vector, number in zip(looks.vectors, numbers[looks.rows].tolist(), strict=True):
            if number >= 0:
                mean = 0.9 * self._looks[number] + 0.1 * vector if number in self._looks else vector
                self._looks[number] = mean / np.linalg.norm(mean)

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """High boxes left over, 0.2 above the threshold."""
        return np.asarray((links < 0) & (scene.scores >= min(self.high_score + 0.2, 0.95)))

    def _half_cosine_distance(self, scene: Scene, looks: Looks, shared: Float64s) -> Float64s:
        """(N, M) half the cosine distance; 1 beyond the gates, and where nothing is known."""
        distance = np.ones(shared.shape)
        for row, number in enumerate(scene.tracks.number.tolist()):
            if number in self._looks:
                apart = (1 - looks.vectors @ self._looks[number]) / 2
                distance[row, looks.rows] = np.where(apart > 0.25, 1.0, apart)
        return np.where(1 - shared > 0.5, 1.0, distance)
