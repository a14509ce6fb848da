"""How people walk in a picture: the motion model of the default tracker, with its filters compiled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from perdure.track.kalman import Motion, MotionModel, Step
from perdure.types import Float64s, Ints


@dataclass(frozen=True, slots=True)
class WalkingModel(MotionModel):
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
        """See ``MotionModel``."""
        reach, keep, noise_place, noise_covar, noise_speed = self._sideways(dt)
        squares = _heights(place) ** 2
        sideways = np.array([1.0, 0, 0, 0])
        return Step(
            reach=reach * sideways,
            keep=keep * sideways,
            noise_place=squares * np.array([noise_place, *(dt * d**2 for d in self.drift)]),
            noise_covar=squares * (noise_covar * sideways),
            noise_speed=squares * (noise_speed * sideways),
        )

    def _sideways(self, dt: float) -> tuple[float, float, float, float, float]:
        """Exact integrals of the fading speed over ``dt`` seconds: reach, keep, and noise of somebody 1 px high."""
        fades, push = self.speed_fades_s, self.pushed**2
        keep = math.exp(-dt / fades)
        reach = fades * (1 - keep)
        place = push * fades**2 * (dt - 2 * reach + fades / 2 * (1 - keep**2))
        return reach, keep, place, push * reach**2 / 2, push * fades / 2 * (1 - keep**2)

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return np.asarray((_heights(place) * np.array(self.measured)) ** 2)

    def predict(self, motion: Motion, dt: float) -> None:
        """``Motion.predict`` for this model, compiled: only the sideways coordinate has a speed."""
        reach, keep, noise_place, noise_covar, noise_speed = self._sideways(dt)
        noise = (noise_place, *(dt * d**2 for d in self.drift))
        arrays = (motion.place, motion.speed, motion.var_place, motion.covar, motion.var_speed)
        _predict(*arrays, reach, keep, noise_covar, noise_speed, noise)

    def update(self, motion: Motion, rows: Ints, boxes: Float64s) -> None:
        """``Motion.update`` for this model, compiled."""
        arrays = (motion.place, motion.speed, motion.var_place, motion.covar, motion.var_speed)
        _update(*arrays, rows, boxes, self.shares())

    def shares(self) -> Float64s:
        """(4,) ``measured`` as an array."""
        return np.array(self.measured)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _predict(
    place: Float64s,
    speed: Float64s,
    var_place: Float64s,
    covar: Float64s,
    var_speed: Float64s,
    reach: float,
    keep: float,
    noise_covar: float,
    noise_speed: float,
    noise_place: tuple[float, ...],
) -> None:
    """One step of every filter, in place; the noise is that of a person one pixel high."""
    for i in range(len(place)):
        square = max(place[i, 3], 1.0) ** 2
        place[i, 0] += reach * speed[i, 0]
        speed[i, 0] *= keep
        carried = covar[i, 0] + reach * var_speed[i, 0]
        var_place[i, 0] += reach * (covar[i, 0] + carried)
        covar[i, 0] = keep * carried + square * noise_covar
        var_speed[i, 0] = keep**2 * var_speed[i, 0] + square * noise_speed
        for c in range(4):
            var_place[i, c] += square * noise_place[c]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _update(
    place: Float64s,
    speed: Float64s,
    var_place: Float64s,
    covar: Float64s,
    var_speed: Float64s,
    rows: Ints,
    boxes: Float64s,
    shares: Float64s,
) -> None:
    """The filters ``rows`` corrected by one box each, in place."""
    for k in range(len(rows)):
        i = rows[k]
        height = max(place[i, 3], 1.0)
        for c in range(4):
            half = (boxes[k, c % 2 + 2] - boxes[k, c % 2]) / 2
            error = (boxes[k, c] + half if c < 2 else 2 * half) - place[i, c]
            spread = var_place[i, c] + (height * shares[c]) ** 2
            gain = var_place[i, c] / spread
            place[i, c] += gain * error
            var_place[i, c] *= 1 - gain
            if c == 0:
                gain_speed = covar[i, 0] / spread
                speed[i, 0] += gain_speed * error
                var_speed[i, 0] -= gain_speed * covar[i, 0]
                covar[i, 0] *= 1 - gain


def _heights(place: Float64s) -> Float64s:
    return np.asarray(np.maximum(place[:, 3:], 1.0))
