"""SORT: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016."""

from __future__ import annotations

import numpy as np

from perdure.track.associate import assign, overlap
from perdure.track.paper_models import SortModel
from perdure.track.scene import Looks, Scene, Verdict
from perdure.track.tracks import Tracks
from perdure.types import Bools, Ints


class BoxesOnly:
    """What rules share that know boxes only."""

    frames = True

    def unclear(self, scene: Scene, links: Ints) -> Bools:  # noqa: ARG002
        """No picture could change anything."""
        return np.zeros(len(links), np.bool_)

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:  # noqa: ARG002
        """No picture changes anything."""
        return Verdict.plain(scene, links)

    def remember(self, scene: Scene, tracks: Tracks, numbers: Ints, looks: Looks | None) -> None:
        """Nothing but the table of tracks is remembered."""


class SortRule(BoxesOnly):
    """One pass, IoU at least 0.3, believed after three boxes in a row.

    ``max_age`` is 1 frame in the paper; here it is the caller's, as in every later comparison.
    """

    def __init__(self, high_score: float, max_age: int) -> None:
        self.model = SortModel()
        self._high_score, self._max_age, self._least_iou = high_score, max_age, 0.3

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``."""
        links = np.full(len(scene.boxes), -1, np.int64)
        columns = np.flatnonzero(scene.scores >= self._high_score)
        rows, chosen = assign(overlap(scene.predicted, scene.boxes[columns]), self._least_iou)
        links[columns[chosen]] = rows
        return links

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """Every box left over."""
        return np.asarray((links < 0) & (scene.scores >= self._high_score))

    def confirms(self, tracks: Tracks) -> Bools:
        """Three boxes in a row."""
        return np.asarray(tracks.streak >= 3)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames; at once before it is believed."""
        tracks = scene.tracks
        return np.asarray((tracks.missed > self._max_age) | (~tracks.confirmed & (tracks.missed > 0)))
