"""Camera motion: carry the filters from the last picture into this one, by a known warp or by what people show."""

from __future__ import annotations

import numpy as np
from numba import njit

from perdure.geometry import project
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Bools, Float64s, Ints


def warped(motion: Motion, model: MotionModel, warp: Float64s) -> None:
    """Move every filter by ``warp`` ((3, 3), pixels of the frame before -> pixels of this one).

    Source: BoT-SORT (Aharon et al., arXiv 2206.14651), section 3.2. There the state is multiplied with the matrix, so a
    roll trades width for height; here boxes stay upright, as a detector's are, and sides only grow with the zoom.
    """
    boxes = model.boxes(motion.place)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    now, zoom = project(centre, warp), _zoom(centre, warp)
    motion.speed[:, :2] = project(centre + motion.speed[:, :2], warp) - now
    motion.place = model.measure(warped_boxes(boxes, warp))
    for variance in (motion.var_place, motion.covar, motion.var_speed):
        variance[:, :2] *= zoom**2


def warped_boxes(boxes: Float64s, warp: Float64s) -> Float64s:
    """(N, 4) xyxy boxes carried by the warp: upright, around where their centres are now, as much larger as it says."""
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    now, half = project(centre, warp), half * _zoom(centre, warp)
    return np.concatenate([now - half, now + half], axis=1)


def _zoom(points: Float64s, warp: Float64s) -> Float64s:
    """(N, 1) by how much the warp stretches lengths at these points: the root of what it does to areas."""
    here = project(points, warp)
    along_x, along_y = (project(points + one, warp) - here for one in np.eye(2))
    return np.asarray(np.sqrt(np.abs(along_x[:, :1] * along_y[:, 1:] - along_x[:, 1:] * along_y[:, :1])))


def unmoved() -> Float64s:
    """(3,) what ``believed_shift`` knows of a camera at first: weight, and excess variance along x and y."""
    return np.zeros(3)


_LEAST_TRACKS, _LEAST_BELIEF, _CAUTION = 3, 0.2, 4.0
_MEMORY = 0.05
"""Weight of the newest frame: the last 20 count."""
_MOST_ASKED = 101


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def believed_shift(state: Float64s, place: Float64s, measured: Float64s, steady: Bools, links: Ints) -> Float64s:
    """(2,) px by which this frame moved against the predictions ``place`` (N, 4); zeros for a still camera.

    For cameras that nobody compensates: the shift that all people of a frame share because the camera moved. The median
    surprise of the tracks is such a shift plus noise. How far the camera really moves is learned in ``state``: the
    variance of the medians beyond ``_CAUTION`` times what their noise explains (empirical Bayes). A still camera has
    none, so its tracks are never touched; of a swaying one most of each median is believed. ``measured`` (M, 4) are the
    boxes in the same coordinates, ``steady`` (N,) tracks sure enough to be asked.
    """
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
