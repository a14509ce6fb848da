"""The Kalman filters of the trackers of the literature, with their constants; time is counted in frames, as there.

Sources: Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016; Wojke et al., "Simple Online and Realtime
Tracking with a Deep Association Metric", ICIP 2017; Aharon et al., "BoT-SORT", arXiv 2206.14651, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure import geometry
from perdure.track.kalman import MotionModel, Step
from perdure.types import Float64s


def _constant_speed(place: Float64s, speed: Float64s, dt: float) -> Step:
    return Step(np.full(4, dt), np.ones(4), dt * place, np.zeros_like(place), dt * speed)


@dataclass(frozen=True, slots=True)
class SortModel(MotionModel):
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

    def step(self, place: Float64s, dt: float) -> Step:
        """Constant speed; diagonal noise once per frame."""
        speed = np.full_like(place, 1.0) * np.array([0.01, 0.01, 1e-4, 0.0])
        return _constant_speed(np.full_like(place, 1.0), speed, dt)

    def measurement_variance(self, place: Float64s) -> Float64s:
        """1 px for the centre, 10 for area and aspect."""
        return np.asarray(np.full_like(place, 1.0) * np.array([1.0, 1.0, 10.0, 10.0]))


@dataclass(frozen=True, slots=True)
class HeightModel(MotionModel):
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

    def step(self, place: Float64s, dt: float) -> Step:
        """Constant speed; diagonal noise once per frame."""
        return _constant_speed(self._variance(place, 1 / 20, 1e-2), self._variance(place, 1 / 160, 1e-5), dt)

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return self._variance(place, 1 / 20, 1e-1)

    def _variance(self, place: Float64s, share: float, aspect: float) -> Float64s:
        scale = np.maximum(place, 1.0) if self.width else np.repeat(np.maximum(place[:, 3:], 1.0), 4, axis=1)
        std = share * (scale[:, [2, 3, 2, 3]] if self.width else scale)
        if not self.width:
            std[:, 2] = aspect
        return np.asarray(std**2)
