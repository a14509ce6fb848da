"""Kalman filters of position and speed for many boxes at once, in closed form per coordinate.

Position and speed of one box coordinate form a two-state filter that shares nothing with the other coordinates (the
matrices of SORT, DeepSORT, ByteTrack and BoT-SORT are block-diagonal in just this way), so predict and update are a
few element-wise formulas on (N, 4) arrays and no matrix is ever inverted.

Source: Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960; motion as a process in continuous
time (Bar-Shalom, Li & Kirubarajan, "Estimation with Applications to Tracking and Navigation", 2001, chapter 6; fading
speed: section 8.2.3, one order lower than Singer), whose noise is right for any time step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
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
    """How boxes become coordinates and how noisy these are. All arrays are (N, 4) float64."""

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


@dataclass(frozen=True, slots=True)
class WalkingModel:
    """Centre, width and height of a walking person, in seconds; every noise is a share of the box height.

    Height is the one scale of a person in a picture that is hardly changed by pose, so noise relative to it holds for
    near and far people, any camera and any resolution. Sideways a walker keeps the speed for a while (an
    Ornstein-Uhlenbeck process fades with ``speed_fades_s``, so that nobody is extrapolated out of the picture); up,
    down and size change too little, and too often by a detector that loses the feet, for a speed to be learned: a
    random walk.
    """

    measured: tuple[float, float, float, float] = (0.04, 0.05, 0.06, 0.06)
    """Standard deviation of a detection: centre x, centre y, width, height."""
    pushed: float = 0.25
    """Density of the sideways acceleration, heights / s^1.5."""
    speed_fades_s: float = 2.0
    start_speed: float = 0.5
    """Standard deviation of the sideways speed of a new track, heights / s."""
    drift: tuple[float, float, float] = (0.08, 0.1, 0.12)
    """Random walk of centre y, width, height: heights / s^0.5."""

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
        speed = _heights(place) * np.array([self.start_speed, 0, 0, 0])
        return self.measurement_variance(place), speed**2

    def step(self, place: Float64s, dt: float) -> Step:
        """Exact integrals of both processes over ``dt`` seconds."""
        fades = self.speed_fades_s
        keep = float(np.exp(-dt / fades))
        reach = fades * (1 - keep)
        push = self.pushed**2
        place_x = push * fades**2 * (dt - 2 * reach + fades / 2 * (1 - keep**2))
        squares = _heights(place) ** 2
        sideways = np.array([1.0, 0, 0, 0])
        return Step(
            reach=reach * sideways,
            keep=keep * sideways,
            noise_place=squares * np.array([place_x, *(dt * d**2 for d in self.drift)]),
            noise_covar=squares * (push * reach**2 / 2 * sideways),
            noise_speed=squares * (push * fades / 2 * (1 - keep**2) * sideways),
        )

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return np.asarray((_heights(place) * np.array(self.measured)) ** 2)


def _heights(place: Float64s) -> Float64s:
    return np.asarray(np.maximum(place[:, 3:], 1.0))
