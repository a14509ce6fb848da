"""Two cameras that see one floor: one person stands in one place, whoever looks.

The feet of a tracklet, through its camera's homography, are a path in metres. Two tracklets of different cameras that
have time in common either show one person, then the paths coincide up to the error of feet and calibration, or two,
then they are as far apart as people are (Khan & Shah, ECCV 2006; Fleuret et al., PAMI 2008, use the same plane for
occupancy). What counts is the mean offset over all common time, once: the errors of one pair of tracks (calibration, a
table before the feet) do not average out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.geometry import project
from perdure.types import Bools, Float64s, Tracklet

CALIBRATION_STD_M = 0.4
"""How well marks on the floor give a place."""
FEET_SHARE = 0.04
"""The foot of a box is wrong by this share of its height."""
SPREAD_M = 5.0
"""Standard deviation of where people are whom two cameras see at once."""
IN_COMPANY, COMPANY_M = 0.3, 1.5
"""Share of people who walk or stand with somebody, and how near."""
WRONG_FEET = 0.02
"""Outlier mass: feet that are not to be seen may put a person anywhere."""
FAR_M, FAR_STDS = 4.0, 6.0
"""Further apart than either for ``LEAST_COMMON_S`` cannot be one person."""
LEAST_COMMON_S = 1.0
STEP_S = 0.2
LONGEST_GAP_S = 1.0
"""Places are not guessed over longer gaps in a track."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Where somebody stood; T moments."""

    at: Float64s
    """(T,) UTC seconds."""
    place: Float64s
    """(T, 2) metres."""
    std_m: Float64s
    """(T,) metres, what an error in the foot of the box does."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """How two paths compare over the time they have in common."""

    seconds: float
    distance_m: float
    """Length of the mean offset."""
    std_m: float
    """What it may be for one person."""

    @property
    def log_odds(self) -> float:
        """Nats for one person; 0 without common time."""
        if self.seconds <= 0:
            return 0.0
        one = _density(self.distance_m, self.std_m)
        near = IN_COMPANY * _density(self.distance_m, float(np.hypot(self.std_m, COMPANY_M)))
        two = near + (1 - IN_COMPANY) * _density(self.distance_m, float(np.hypot(self.std_m, np.sqrt(2) * SPREAD_M)))
        return float(np.log((1 - WRONG_FEET) * one / two + WRONG_FEET))

    @property
    def is_impossible(self) -> bool:
        """Whether one person cannot have been in both places."""
        return self.seconds >= LEAST_COMMON_S and self.distance_m > max(FAR_M, FAR_STDS * self.std_m)


NO_MEETING = Meeting(0.0, 0.0, 1.0)


def path_of(tracklet: Tracklet, homography: Float64s) -> Path:
    """The tracklet's feet on the floor; rows beyond the horizon are left out."""
    boxes = tracklet.path[:, 2:6]
    feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    short = feet - np.column_stack([np.zeros(len(boxes)), FEET_SHARE * (boxes[:, 3] - boxes[:, 1])])
    depth = np.column_stack([np.concatenate([feet, short]), np.ones(2 * len(feet))]) @ homography[2]
    seen = np.isfinite(boxes).all(axis=1) & (depth[: len(feet)] > 0) & (depth[len(feet) :] > 0)
    place = project(feet[seen], homography)
    error = np.linalg.norm(project(short[seen], homography) - place, axis=1)
    return Path(tracklet.path[seen, 0], place, error)


def meet(first: Path, second: Path) -> Meeting:
    """Compare two paths where both are known within ``LONGEST_GAP_S``."""
    if not len(first.at) or not len(second.at):
        return NO_MEETING
    begin, end = max(first.at[0], second.at[0]), min(first.at[-1], second.at[-1])
    moments = np.arange(begin, end + 1e-9, STEP_S) if end >= begin else np.zeros(0)
    moments = moments[_is_near(first.at, moments) & _is_near(second.at, moments)]
    if not len(moments):
        return NO_MEETING
    (here, here_std), (there, there_std) = _at(first, moments), _at(second, moments)
    distance = float(np.linalg.norm((here - there).mean(axis=0)))
    std = float(np.sqrt(2 * CALIBRATION_STD_M**2 + np.mean(here_std) ** 2 + np.mean(there_std) ** 2))
    return Meeting(len(moments) * STEP_S, distance, std)


def _at(path: Path, moments: Float64s) -> tuple[Float64s, Float64s]:
    """(M, 2) places and (M,) errors at the moments, between the nearest rows."""
    place = np.column_stack([np.interp(moments, path.at, path.place[:, axis]) for axis in (0, 1)])
    return place, np.interp(moments, path.at, path.std_m)


def _is_near(at: Float64s, moments: Float64s) -> Bools:
    """(M,) whether the rows around each moment are close enough together."""
    after = np.clip(np.searchsorted(at, moments), 1, max(len(at) - 1, 1))
    if len(at) == 1:
        return np.asarray(np.abs(moments - at[0]) <= LONGEST_GAP_S)
    return np.asarray(at[after] - at[after - 1] <= LONGEST_GAP_S)


def _density(distance_m: float, std_m: float) -> float:
    """Of a Gaussian offset in the plane, per square metre."""
    return float(np.exp(-0.5 * (distance_m / std_m) ** 2) / (2 * np.pi * std_m**2))
