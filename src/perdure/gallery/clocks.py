"""How far the clocks of cameras are apart, from people who walk both ways.

A walk from a to b is recorded too long by what b's clock is ahead of a's, and the walk back too short by as much. If
the ways take equally long in both directions, half the difference of the median times is the offset (as the network
time protocol assumes of messages: Mills et al., RFC 5905, sec. 8); weighted least squares over all pairs of cameras
makes one set of clocks of them. Where people take another way back, that looks the same as a wrong clock. So a way that
is walked mostly in one direction says nothing, and only the benefit of the doubt is built on the rest: see
``Topology.too_close``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from perdure.gallery.transitions import Sightings
from perdure.types import Float64s

LONGEST_S = 300.0
"""Longer times between two sightings are no walk from one to the next."""
LEAST_EACH_WAY = 8
"""Hand-offs in the rarer direction for a pair of cameras to be believed."""
LEAST_BALANCE = 1 / 3
"""And the share of the commoner direction that the rarer one must reach."""
LEAST_WEIGHT = 0.5
ERROR_OF_MEDIAN = 1.2533 * 1.4826
"""Standard error of a median is this times the median absolute deviation over sqrt(n), for a Gaussian."""
LEAST_ERROR_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Clocks:
    """Of C cameras, seconds ahead of the median of those that are known."""

    ahead_s: Float64s
    """(C,) 0 where it is not known."""
    std_s: Float64s
    """(C,) standard error, inf where it is not known."""


def no_clocks(cameras: int) -> Clocks:
    """Nothing is known of these."""
    return Clocks(np.zeros(cameras), np.full(cameras, np.inf))


def clocks(sightings: Sightings, cameras: int) -> Clocks:
    """The clocks of all cameras, from N sightings of known people; those with a weight below one half do not count."""
    walks = _walks(sightings, cameras)
    equations, shifts, errors = [], [], []
    for a in range(cameras):
        for b in range(a + 1, cameras):
            there, back = walks[a][b], walks[b][a]
            rarer, commoner = sorted((len(there), len(back)))
            if rarer < max(LEAST_EACH_WAY, LEAST_BALANCE * commoner):
                continue
            equation = np.zeros(cameras)
            equation[[a, b]] = -1.0, 1.0
            equations.append(equation)
            shifts.append((np.median(there) - np.median(back)) / 2)
            errors.append(np.hypot(_error(there), _error(back)) / 2)
    if not equations:
        return no_clocks(cameras)
    return _solve(np.array(equations), np.array(shifts), np.array(errors))


def _walks(sightings: Sightings, cameras: int) -> list[list[Float64s]]:
    """[from][to] seconds from the end of one sighting to the start of the person's next in the other camera."""
    sure = sightings[np.flatnonzero(sightings.weight >= LEAST_WEIGHT)]
    ordered = sure[np.lexsort([sure.start, sure.owner])]
    between = ordered.start[1:] - ordered.end[:-1]
    follows = (ordered.owner[1:] == ordered.owner[:-1]) & (np.abs(between) <= LONGEST_S)
    before, after = ordered.camera[:-1], ordered.camera[1:]
    return [[between[follows & (before == a) & (after == b)] for b in range(cameras)] for a in range(cameras)]


def _error(seconds: Float64s) -> float:
    """Standard error of the median."""
    deviation = float(np.median(np.abs(seconds - np.median(seconds))))
    return max(LEAST_ERROR_S, ERROR_OF_MEDIAN * deviation / float(np.sqrt(len(seconds))))


def _solve(equations: Float64s, shifts: Float64s, errors: Float64s) -> Clocks:
    """Weighted least squares, by groups of cameras that are tied together; each group around its own median."""
    weighted = equations / errors[:, None]
    ahead = np.linalg.lstsq(weighted, shifts / errors, rcond=None)[0]
    covariance = np.linalg.pinv(weighted.T @ weighted)
    std = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    tied = np.abs(equations).T @ np.abs(equations) > 0
    for _ in range(len(tied)):
        tied = (tied.astype(np.int64) @ tied.astype(np.int64)) > 0
    result = Clocks(np.zeros(len(ahead)), np.full(len(ahead), np.inf))
    for camera in np.flatnonzero(tied.any(axis=1)):
        group = np.flatnonzero(tied[camera])
        result.ahead_s[camera] = ahead[camera] - np.median(ahead[group])
        result.std_s[camera] = std[camera]
    return result
