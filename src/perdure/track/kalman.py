"""Kalman filters of position and speed for many boxes at once, in closed form per coordinate.

Position and speed of one box coordinate form a two-state filter that shares nothing with the other coordinates (the
matrices of SORT, DeepSORT, ByteTrack and BoT-SORT are block-diagonal in just this way), so predict and update are a
few element-wise formulas on (N, 4) arrays and no matrix is ever inverted.

Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960; motion as a process in continuous
time (Bar-Shalom, Li & Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, chapter 6; fading
speed: section 8.2.3, one order lower than Singer), whose noise is right for any time step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One prediction: what moves, and what it adds to the covariance of each coordinate."""

    reach: Float64s
    """(4,) position gained per unit of speed."""
    keep: Float64s
    """(4,) share of the speed that is kept."""
    noise_place: Float64s
    """(N, 4) added variance of position."""
    noise_covar: Float64s
    """(N, 4) added covariance of position and speed."""
    noise_speed: Float64s
    """(N, 4) added variance of speed."""


class MotionModel(Protocol):
    """How boxes become coordinates and how noisy these are. All arrays are (N, 4) float64.

    ``predict`` and ``update`` are here so that a model may bring them compiled; they do what those of ``Motion`` do.
    """

    def measure(self, boxes: Float64s) -> Float64s:
        """Boxes (xyxy) as coordinates of the filter."""

    def boxes(self, place: Float64s) -> Float64s:
        """The inverse of ``measure``."""

    def start_variance(self, place: Float64s) -> tuple[Float64s, Float64s]:
        """Variances of position and speed of a new track."""

    def step(self, place: Float64s, dt: float) -> Step:
        """What happens in ``dt``."""

    def measurement_variance(self, place: Float64s) -> Float64s:
        """Variance of a detection around the truth."""

    def predict(self, motion: Motion, dt: float) -> None:
        """Move every filter ``dt`` on, in place."""
        motion.predict(self, dt)

    def update(self, motion: Motion, rows: Ints, boxes: Float64s) -> None:
        """Correct the filters ``rows`` with one (xyxy) detection each, in place."""
        motion.update(self, rows, boxes)


_ARRAYS = ("place", "speed", "var_place", "covar", "var_speed")


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
        return Motion(*(getattr(self, name)[rows] for name in _ARRAYS))

    def put(self, rows: Ints | Bools, other: Motion) -> None:
        """Overwrite the filters of some tracks."""
        for name in _ARRAYS:
            getattr(self, name)[rows] = getattr(other, name)

    def joined(self, other: Motion) -> Motion:
        """These filters followed by those of ``other``."""
        return Motion(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in _ARRAYS))

    def predict(self, model: MotionModel, dt: float) -> None:
        """Move every filter ``dt`` on, in the time unit of the model."""
        step = model.step(self.place, dt)
        self.place = self.place + step.reach * self.speed
        self.speed = step.keep * self.speed
        carried = self.covar + step.reach * self.var_speed
        self.var_place = self.var_place + step.reach * (self.covar + carried) + step.noise_place
        self.covar = step.keep * carried + step.noise_covar
        self.var_speed = step.keep**2 * self.var_speed + step.noise_speed

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
