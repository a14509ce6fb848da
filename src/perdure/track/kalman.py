"""Constant-velocity Kalman filters for many boxes at once, in closed form per coordinate.

Position and speed of one box coordinate form a two-state filter that shares nothing with the other coordinates (the
matrices of SORT, DeepSORT, ByteTrack and BoT-SORT are block-diagonal in just this way), so predict and update are a
few element-wise formulas on (N, 4) arrays and no matrix is ever inverted.

Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960; the continuous white-noise
acceleration model of Bar-Shalom, Li & Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001,
eq. 6.2.2-12, whose process noise is right for any time step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from perdure.types import Bools, Float64s, Ints


class MotionModel(Protocol):
    """How boxes become coordinates and how noisy these are. All arrays are (N, 4) float64."""

    def measure(self, boxes: Float64s) -> Float64s:
        """Boxes (xyxy) as coordinates of the filter."""

    def boxes(self, place: Float64s) -> Float64s:
        """The inverse of ``measure``."""

    def start_variance(self, place: Float64s) -> tuple[Float64s, Float64s]:
        """Variances of position and speed of a new track."""

    def process_noise(self, place: Float64s, dt: float) -> tuple[Float64s, Float64s, Float64s]:
        """What ``dt`` adds to the variance of position, its covariance with speed, and the variance of speed."""

    def measurement_variance(self, place: Float64s) -> Float64s:
        """Variance of a detection around the truth."""


@dataclass(slots=True, eq=False)
class Motion:
    """The filters of N tracks: five (N, 4) float64 arrays, one row per track."""

    place: Float64s
    speed: Float64s
    var_place: Float64s
    covar: Float64s
    var_speed: Float64s

    @classmethod
    def started(cls, model: MotionModel, boxes: Float64s) -> Motion:
        """Filters of new tracks at these (N, 4) xyxy boxes, at rest."""
        place = model.measure(boxes)
        var_place, var_speed = model.start_variance(place)
        return cls(place, np.zeros_like(place), var_place, np.zeros_like(place), var_speed)

    def take(self, rows: Ints | Bools) -> Motion:
        """The filters of some tracks, as copies."""
        return Motion(*(getattr(self, f.name)[rows] for f in fields(self)))

    def put(self, rows: Ints | Bools, other: Motion) -> None:
        """Overwrite the filters of some tracks."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)

    def joined(self, other: Motion) -> Motion:
        """These filters followed by those of ``other``."""
        return Motion(*(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)))

    def predict(self, model: MotionModel, dt: float) -> None:
        """Move every filter ``dt`` on, in the time unit of the model."""
        noise_place, noise_covar, noise_speed = model.process_noise(self.place, dt)
        self.place = self.place + dt * self.speed
        self.var_place = self.var_place + dt * (2 * self.covar + dt * self.var_speed) + noise_place
        self.covar = self.covar + dt * self.var_speed + noise_covar
        self.var_speed = self.var_speed + noise_speed

    def update(self, model: MotionModel, rows: Ints, boxes: Float64s) -> None:
        """Correct the filters ``rows`` with one (xyxy) detection each."""
        part = self.take(rows)
        spread = part.var_place + model.measurement_variance(part.place)
        gain_place, gain_speed = part.var_place / spread, part.covar / spread
        error = model.measure(boxes) - part.place
        self.put(
            rows,
            Motion(
                part.place + gain_place * error,
                part.speed + gain_speed * error,
                (1 - gain_place) * part.var_place,
                (1 - gain_place) * part.covar,
                part.var_speed - gain_speed * part.covar,
            ),
        )

    def spread(self, model: MotionModel) -> Float64s:
        """(N, 4) variance of the next detection around ``place``."""
        return self.var_place + model.measurement_variance(self.place)


@dataclass(frozen=True, slots=True)
class WalkingModel:
    """Centre, width and height of a walking person, in seconds; every noise is a share of the box height.

    Height is the one scale of a person in a picture that is hardly changed by pose, so noise relative to it holds for
    near and far people, any camera and any resolution.
    """

    measured: tuple[float, float, float, float] = (0.04, 0.05, 0.06, 0.06)
    """Standard deviation of a detection: centre x, centre y, width, height."""
    pushed: tuple[float, float, float, float] = (0.3, 0.15, 0.1, 0.12)
    """Density of the acceleration, heights / s^1.5."""
    start_speed: tuple[float, float, float, float] = (0.8, 0.35, 0.15, 0.2)
    """Standard deviation of the speed of a new track, heights / s."""

    def measure(self, boxes: Float64s) -> Float64s:
        """(N, 4) centre x, centre y, width, height."""
        half = (boxes[:, 2:] - boxes[:, :2]) / 2
        return np.concatenate([boxes[:, :2] + half, 2 * half], axis=1)

    def boxes(self, place: Float64s) -> Float64s:
        """The inverse of ``measure``; sides are at least 1 px."""
        half = np.maximum(place[:, 2:], 1.0) / 2
        return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1)

    def start_variance(self, place: Float64s) -> tuple[Float64s, Float64s]:
        """See ``MotionModel``."""
        height = np.maximum(place[:, 3:], 1.0)
        return (height * np.array(self.measured)) ** 2, (height * np.array(self.start_speed)) ** 2

    def process_noise(self, place: Float64s, dt: float) -> tuple[Float64s, Float64s, Float64s]:
        """White-noise acceleration integrated over ``dt`` seconds."""
        density = (np.maximum(place[:, 3:], 1.0) * np.array(self.pushed)) ** 2
        return density * (dt**3 / 3), density * (dt**2 / 2), density * dt

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return np.asarray((np.maximum(place[:, 3:], 1.0) * np.array(self.measured)) ** 2)
