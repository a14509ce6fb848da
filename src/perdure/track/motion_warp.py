"""Camera motion: carry the filters from the last picture into this one."""

from __future__ import annotations

import numpy as np

from perdure.geometry import project
from perdure.track.kalman import Motion, MotionModel
from perdure.types import Float64s


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
