"""ByteTrack: Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022."""

from __future__ import annotations

import numpy as np

from perdure.track.associate import Pass, in_turn, overlap
from perdure.track.paper_models import HeightModel
from perdure.track.scene import Scene
from perdure.track.sort import BoxesOnly
from perdure.track.tracks import Tracks
from perdure.types import Bools, Ints


class ByteTrackRule(BoxesOnly):
    """Algorithm 1, with the constants of the authors' MOT17 configuration.

    High boxes to tracks at IoU (times score) over 0.2, low boxes to the tracks of the last frame at 0.5, high boxes
    left to new tracks at 0.3; a track starts at ``high_score`` + 0.1 and is believed at its second box.
    """

    def __init__(self, high_score: float, max_age: int) -> None:
        self.model = HeightModel()
        self.high_score, self.max_age = high_score, max_age

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``."""
        shared = overlap(scene.predicted, scene.boxes)
        fused = shared * scene.scores
        high, confirmed = scene.scores >= self.high_score, scene.tracks.confirmed
        passes = (
            Pass(fused, confirmed, high, 0.2),
            Pass(shared, confirmed & (scene.tracks.missed == 0), ~high, 0.5),
            Pass(fused, ~confirmed, high, 0.3),
        )
        return in_turn(passes, len(scene.tracks), len(scene.boxes))

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """High boxes left over, 0.1 above the threshold."""
        return np.asarray((links < 0) & (scene.scores >= min(self.high_score + 0.1, 1.0)))

    def confirms(self, tracks: Tracks) -> Bools:
        """Two boxes."""
        return np.asarray(tracks.hits >= 2)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames; at once before it is believed."""
        tracks = scene.tracks
        return np.asarray((tracks.missed > self.max_age) | (~tracks.confirmed & (tracks.missed > 0)))
