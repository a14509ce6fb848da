"""When the detector looks at a camera: compute goes where something moves or a track is in doubt."""

from __future__ import annotations

import numpy as np

from perdure import geometry
from perdure.config import DetectionConfig
from perdure.types import Bools, Float32s

_NEAR = 0.25
"""Motion this near to a person, in their heights, is theirs: shadows, bags, and the blocks that motion is told in."""
_EXPLAINED = 0.6
_SLACK_S = 0.002
"""Time stamps are rounded; a frame is not left out for a tick."""


def due(since_s: float, motion: Float32s | None, people: Float32s, certain: Bools, settings: DetectionConfig) -> bool:
    """Whether to look at a frame ``since_s`` after the last look.

    At once where motion is unknown or a track is in doubt, soon where something moves that nobody explains, less often
    where all that moves are people surely followed, seldom where they stand still, and where there is nothing, still
    as often as ``heartbeat_s`` says: no camera is ever blind.

    Args:
        since_s: infinite before the first look.
        motion: (R, 4) ``Frame.motion``.
        people: (N, 4) float32, xyxy, px: where people are expected.
        certain: (N,) which of them are followed without doubt.
        settings: the pauses.
    """
    if motion is None or not settings.motion or not certain.all():
        return True
    if len(motion):
        pause_s = settings.steady_every_s if _explained(motion, people) else settings.moving_every_s
    else:
        pause_s = settings.still_every_s if len(people) else settings.heartbeat_s
    return since_s >= pause_s - _SLACK_S


def _explained(motion: Float32s, people: Float32s) -> bool:
    """Whether people are where something moves, all of it."""
    margin = _NEAR * (people[:, 3:4] - people[:, 1:2])
    around = people + margin * np.array([-1, -1, 1, 1], np.float32)
    return bool((geometry.covered(motion, around).sum(axis=1) >= _EXPLAINED).all())
