"""Camera motion: carry the filters from the last picture into this one, by a known warp or by what people show."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.geometry import project
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Bools, Float64s, Ints


def warped(motion: Motion, model: MotionModel, warp: Float64s) -> None:
    """Move every filter by ``warp`` ((3, 3), pixels of the frame before -> pixels of this one).

    Corners of the predicted box are projected and boxed again; the speed is carried by what the warp does to one
    pixel at the box centre. Source: BoT-SORT (Aharon et al., arXiv 2206.14651), section 3.2, on boxes instead of a
    rotated state, so that it fits any ``MotionModel``.
    """
    boxes = model.boxes(motion.place)
    moved = np.concatenate([project(boxes[:, :2], warp), project(boxes[:, 2:], warp)], axis=1)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    speed = motion.speed[:, :2]
    motion.speed[:, :2] = project(centre + speed, warp) - project(centre, warp)
    low = np.minimum(moved[:, :2], moved[:, 2:])
    motion.place = model.measure(np.concatenate([low, np.maximum(moved[:, 2:], low + 1.0)], axis=1))


class Sway:
    """The shift that all people of a frame share because the camera moved, for cameras that nobody compensates.

    The median surprise of the tracks is such a shift plus noise. How far the camera really moves is learned: the
    variance of the medians beyond ``_CAUTION`` times what their noise explains (empirical Bayes). A still camera has
    none, so its tracks are never touched; of a swaying one most of each median is believed.
    """

    def __init__(self) -> None:
        self._state = np.zeros(3)

    def shift(self, place: Float64s, measured: Float64s, steady: Bools, links: Ints) -> Float64s:
        """(2,) px by which this frame moved against the predictions ``place`` (N, 4); zeros for a still camera.

        ``measured`` (M, 4) are the boxes in the same coordinates, ``steady`` (N,) tracks sure enough to be asked.
        """
        return np.asarray(believed_shift(self._state, place, measured, steady, links))


_LEAST_TRACKS, _LEAST_BELIEF, _CAUTION = 3, 0.2, 4.0
_MEMORY = 0.05
"""Weight of the newest frame: the last 20 count."""
_MOST_ASKED = 101


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def believed_shift(state: Float64s, place: Float64s, measured: Float64s, steady: Bools, links: Ints) -> Float64s:
    """See ``Sway.shift``; ``state`` (3,) is what was learned so far: weight, and excess variance along x and y."""
    count, median, noise = common_shift(place, measured, steady, links)
    shift = np.zeros(2)
    if count < _LEAST_TRACKS:
        return shift
    state[0] += _MEMORY * (1 - state[0])
    most = 0.0
    for axis in range(2):
        state[1 + axis] += _MEMORY * (median[axis] ** 2 - _CAUTION * noise[axis] - state[1 + axis])
        real = max(state[1 + axis] / state[0], 0.0)
        believed = real / (real + noise[axis] + 1e-9)
        most = max(most, believed)
        shift[axis] = median[axis] * believed
    return shift if most > _LEAST_BELIEF else np.zeros(2)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def common_shift(place: Float64s, measured: Float64s, steady: Bools, links: Ints) -> tuple[int, Float64s, Float64s]:
    """Number of steady linked tracks, median of their surprise (2,), and its variance (2,) by the absolute deviation.

    Of a crowd about a hundred are asked.
    """
    rows = np.empty(len(links), np.int64)
    count = 0
    for j in range(len(links)):
        if links[j] >= 0 and steady[links[j]]:
            rows[count] = j
            count += 1
    chosen = rows[: count : count // _MOST_ASKED + 1]
    middle, noise = np.zeros(2), np.zeros(2)
    surprise = np.empty(len(chosen))
    for axis in range(2 if count else 0):
        for k in range(len(chosen)):
            surprise[k] = measured[chosen[k], axis] - place[links[chosen[k]], axis]
        middle[axis] = np.median(surprise)
        deviation = 1.4826 * np.median(np.abs(surprise - middle[axis]))
        noise[axis] = np.pi / 2 * deviation**2 / len(chosen)
    return count, middle, noise
