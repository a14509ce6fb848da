"""How people walk in a picture: the motion model of the default tracker, with its filters compiled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from perdure.track.kalman import Motion, MotionModel, Step
from perdure.types import Bools, Float64s, Ints


@dataclass(frozen=True, slots=True)
class WalkingModel(MotionModel):
    """Centre, width and height of a walking person, in seconds; every noise is a share of the box height.

    Height is the one scale of a person in a picture that is hardly changed by pose, so noise relative to it holds for
    near and far people, any camera and any resolution. Sideways a walker keeps the speed for a while; up, down and size
    change less, mostly by a moving camera and by a detector that loses the feet: a small push and a random walk. Speeds
    fade (Ornstein-Uhlenbeck), so that nobody is extrapolated out of the picture.

    The values are chosen together with ``default.Weights`` (``bench/fit_association.py --select``).
    """

    measured: tuple[float, float, float, float] = (0.04, 0.05, 0.07, 0.056)
    """Standard deviation of a detection: centre x, centre y, width, height."""
    pushed: tuple[float, float, float, float] = (0.22, 0.08, 0.02, 0.05)
    """Density of the acceleration of each coordinate, heights / s^1.5; 0: it has no speed."""
    speed_fades_s: float = 3.6
    start_speed: tuple[float, float, float, float] = (0.44, 0.16, 0.04, 0.1)
    """Standard deviation of the speeds of a new track, heights / s."""
    drift: tuple[float, float, float, float] = (0.0, 0.045, 0.1, 0.09)
    """Random walk of each coordinate: heights / s^0.5."""

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
        return self.measurement_variance(place), np.asarray((_heights(place) * np.array(self.start_speed)) ** 2)

    def step(self, place: Float64s, dt: float) -> Step:
        """See ``MotionModel``."""
        reach, keep, at_place, both, at_speed = faded(dt, self.speed_fades_s)
        squares, push = _heights(place) ** 2, np.array(self.pushed) ** 2
        drift = dt * np.array(self.drift) ** 2
        return Step(
            np.full(4, reach),
            np.full(4, keep),
            squares * (push * at_place + drift),
            squares * push * both,
            squares * push * at_speed,
        )

    def measurement_variance(self, place: Float64s) -> Float64s:
        """See ``MotionModel``."""
        return np.asarray((_heights(place) * np.array(self.measured)) ** 2)

    def predict(self, motion: Motion, dt: float) -> None:
        """``Motion.predict`` for this model, compiled."""
        arrays = (motion.place, motion.speed, motion.var_place, motion.covar, motion.var_speed)
        predict_walk(*arrays, faded(dt, self.speed_fades_s), dt, self.pushed, self.drift)

    def update(self, motion: Motion, rows: Ints, boxes: Float64s) -> None:
        """``Motion.update`` for this model, compiled."""
        arrays = (motion.place, motion.speed, motion.var_place, motion.covar, motion.var_speed)
        update_walk(*arrays, rows, boxes, self.shares())

    def shares(self) -> Float64s:
        """(4,) ``measured`` as an array."""
        return np.array(self.measured)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def faded(dt: float, fades_s: float) -> tuple[float, float, float, float, float]:
    """Exact integrals over ``dt`` seconds: reach, keep, and the noise of place, both and speed for a push of 1."""
    keep = math.exp(-dt / fades_s)
    reach = fades_s * (1 - keep)
    place = fades_s**2 * (dt - 2 * reach + fades_s / 2 * (1 - keep**2))
    return reach, keep, place, reach**2 / 2, fades_s / 2 * (1 - keep**2)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def predict_walk(
    place: Float64s,
    speed: Float64s,
    var_place: Float64s,
    covar: Float64s,
    var_speed: Float64s,
    over_dt: tuple[float, float, float, float, float],
    dt: float,
    pushed: tuple[float, float, float, float],
    drift: tuple[float, float, float, float],
) -> None:
    """One step of every filter, in place."""
    reach, keep, at_place, both, at_speed = over_dt
    for i in range(len(place)):
        square = max(place[i, 3], 1.0) ** 2
        for c in range(4):
            push = square * pushed[c] ** 2
            carried = covar[i, c] + reach * var_speed[i, c]
            place[i, c] += reach * speed[i, c]
            speed[i, c] *= keep
            var_place[i, c] += reach * (covar[i, c] + carried) + push * at_place + square * dt * drift[c] ** 2
            covar[i, c] = keep * carried + push * both
            var_speed[i, c] = keep**2 * var_speed[i, c] + push * at_speed


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def update_walk(
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
            gain_speed = covar[i, c] / spread
            place[i, c] += gain * error
            speed[i, c] += gain_speed * error
            var_place[i, c] *= 1 - gain
            var_speed[i, c] -= gain_speed * covar[i, c]
            covar[i, c] *= 1 - gain


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def reachable(last: Float64s, now: Float64s, unseen_s: Float64s, reach: float, walk: float) -> Bools:
    """(K, L) could a walker have come from the last box (K, 4) to this one (L, 4), both xyxy, at a believable height?

    Feet may be ``reach`` heights away at once and ``walk`` more for each second unseen.
    """
    possible = np.zeros((len(last), len(now)), np.bool_)
    for k in range(len(last)):
        for n in range(len(now)):
            tall, tall_now = last[k, 3] - last[k, 1], now[n, 3] - now[n, 1]
            aside = (last[k, 0] + last[k, 2] - now[n, 0] - now[n, 2]) / 2
            away = np.hypot(aside, last[k, 3] - now[n, 3]) / max(tall, tall_now)
            ratio = abs(np.log(tall / tall_now))
            possible[k, n] = away <= reach + walk * unseen_s[k] and ratio <= 0.25 + 0.25 * unseen_s[k]
    return possible


def _heights(place: Float64s) -> Float64s:
    return np.asarray(np.maximum(place[:, 3:], 1.0))
