"""Trackers of the literature behind the same interface, with the constants of their papers, to compare with.

Time is counted in frames, as there. What the papers leave to the caller (which boxes are of high score, how long a
lost track is kept) comes from the configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure import geometry
from perdure.track.associate import assign, overlap
from perdure.track.scene import Looks, Scene, Verdict
from perdure.track.tracks import Tracks
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True)
class SortModel:
    """Centre, area and aspect; constants of SORT in px per frame; the aspect does not move."""

    def measure(self, boxes: Float64s) -> Float64s:
        """(N, 4) centre x, centre y, area, width / height."""
        sides = boxes[:, 2:] - boxes[:, :2]
        area, aspect = sides[:, 0] * sides[:, 1], sides[:, 0] / sides[:, 1]
        return np.concatenate([boxes[:, :2] + sides / 2, area[:, None], aspect[:, None]], axis=1)

    def boxes(self, place: Float64s) -> Float64s:
        """The inverse of ``measure``; the area is at least 1 px^2."""
        area, aspect = np.maximum(place[:, 2], 1.0), np.maximum(place[:, 3], 1e-3)
        half = np.stack([np.sqrt(area * aspect), np.sqrt(area / aspect)], axis=1) / 2
        return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1)

    def start_variance(self, place: Float64s) -> tuple[Float64s, Float64s]:
        """10 for what is measured, 10,000 for what is not."""
        return np.full_like(place, 10.0), np.full_like(place, 1.0) * np.array([1e4, 1e4, 1e4, 0.0])

    def process_noise(self, place: Float64s, dt: float) -> tuple[Float64s, Float64s, Float64s]:
        """Diagonal, once per frame."""
        speed = np.full_like(place, 1.0) * np.array([0.01, 0.01, 1e-4, 0.0])
        return np.full_like(place, dt), np.zeros_like(place), dt * speed

    def measurement_variance(self, place: Float64s) -> Float64s:
        """1 px for the centre, 10 for area and aspect."""
        return np.asarray(np.full_like(place, 1.0) * np.array([1.0, 1.0, 10.0, 10.0]))


@dataclass(frozen=True, slots=True)
class HeightModel:
    """DeepSORT's filter: centre, aspect (or width) and height, noise by 1/20 and 1/160 of the height per frame."""

    width: bool = False
    """BoT-SORT's variant: width instead of aspect."""

    def measure(self, boxes: Float64s) -> Float64s:
        """(N, 4) centre x, centre y, aspect or width, height."""
        place = geometry.to_cxcyah(boxes)
        if self.width:
            place[:, 2] *= place[:, 3]
        return np.asarray(place, np.float64)

    def boxes(self, place: Float64s) -> Float64s:
        """The inverse of ``measure``; sides are at least 1 px."""
        height = np.maximum(place[:, 3], 1.0)
        width = np.maximum(place[:, 2] if self.width else place[:, 2] * height, 1.0)
        half = np.stack([width, height], axis=1) / 2
        return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1)

    def start_variance(self, place: Float64s) -> tuple[Float64s, Float64s]:
        """Twice the std of a measurement, ten times the std of a step of speed."""
        return self._variance(place, 2 / 20, 1e-2), self._variance(place, 10 / 160, 1e-5)

    def process_noise(self, place: Float64s, dt: float) -> tuple[Float64s, Float64s, Float64s]:
        """Diagonal, once per frame."""
        return (
            dt * self._variance(place, 1 / 20, 1e-2),
            np.zeros_like(place),
            dt * self._variance(place, 1 / 160, 1e-5),
        )

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return self._variance(place, 1 / 20, 1e-1)

    def _variance(self, place: Float64s, share: float, aspect: float) -> Float64s:
        scale = np.maximum(place, 1.0) if self.width else np.repeat(np.maximum(place[:, 3:], 1.0), 4, axis=1)
        std = share * (scale[:, [2, 3, 2, 3]] if self.width else scale)
        if not self.width:
            std[:, 2] = aspect
        return np.asarray(std**2)


class _WithoutLooks:
    """What rules share that know boxes only."""

    def unclear(self, scene: Scene, links: Ints) -> Bools:  # noqa: ARG002
        """No picture could change anything."""
        return np.zeros(len(links), np.bool_)

    def relink(self, scene: Scene, links: Ints, looks: Looks) -> Verdict:  # noqa: ARG002
        """No picture changes anything."""
        return Verdict.plain(scene, links)


class SortRule(_WithoutLooks):
    """SORT: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016.

    One pass, IoU at least 0.3, believed after three boxes in a row. ``max_age`` is 1 frame in the paper; here it is the
    caller's, as in every later comparison.
    """

    frames = True

    def __init__(self, high_score: float, max_age: int) -> None:
        self.model = SortModel()
        self._high_score, self._max_age, self._least_iou, self._hits = high_score, max_age, 0.3, 3

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
        """Three boxes."""
        return np.asarray(tracks.hits >= self._hits)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames; at once before it is believed."""
        tracks = scene.tracks
        return np.asarray((tracks.missed > self._max_age) | (~tracks.confirmed & (tracks.missed > 0)))


class ByteTrackRule(_WithoutLooks):
    """ByteTrack: Zhang et al., ECCV 2022, algorithm 1, with the constants of the authors' MOT17 configuration.

    High boxes to tracks at IoU (times score) over 0.2, low boxes to the tracks of the last frame at 0.5, high boxes
    left to new tracks at 0.3; a track starts at ``high_score`` + 0.1 and is believed at its second box.
    """

    frames = True

    def __init__(self, high_score: float, max_age: int) -> None:
        self.model = HeightModel()
        self._high_score, self._max_age = high_score, max_age

    def link(self, scene: Scene) -> Ints:
        """See ``Rule``."""
        links = np.full(len(scene.boxes), -1, np.int64)
        shared = overlap(scene.predicted, scene.boxes)
        fused = shared * scene.scores
        high, confirmed = scene.scores >= self._high_score, scene.tracks.confirmed
        taken = np.zeros(len(scene.tracks), np.bool_)
        passes = (
            (fused, confirmed, high, 0.2),
            (shared, confirmed & (scene.tracks.missed == 0), ~high, 0.5),
            (fused, ~confirmed, high, 0.3),
        )
        for gain, tracks, boxes, least in passes:
            rows, columns = np.flatnonzero(tracks & ~taken), np.flatnonzero(boxes & (links < 0))
            first, second = assign(gain[np.ix_(rows, columns)], least)
            links[columns[second]] = rows[first]
            taken[rows[first]] = True
        return links

    def starts(self, scene: Scene, links: Ints) -> Bools:
        """High boxes left over, 0.1 above the threshold."""
        return np.asarray((links < 0) & (scene.scores >= min(self._high_score + 0.1, 1.0)))

    def confirms(self, tracks: Tracks) -> Bools:
        """Two boxes."""
        return np.asarray(tracks.hits >= 2)

    def ends(self, scene: Scene) -> Bools:
        """Missed for more than ``max_age`` frames; at once before it is believed."""
        tracks = scene.tracks
        return np.asarray((tracks.missed > self._max_age) | (~tracks.confirmed & (tracks.missed > 0)))
