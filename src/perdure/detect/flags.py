"""Which boxes are no picture of one whole person."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from perdure import geometry
from perdure.types import Flag, Float32s

BORDER_SHARE = 0.01
"""A box this near to the border, in shares of the picture's side, is taken for cut."""
CROWDED_SHARE = 0.35
SIMILAR_SCORE = 0.5
"""A neighbour counts from this share of the box's own score: a faint double does not make a crowd."""


def flags(boxes: Float32s, scores: Float32s, width: int, height: int) -> npt.NDArray[np.uint8]:
    """(N,) uint8, bits of ``Flag``: TRUNCATED touches the border, CROWDED lies to 35 % in a box of similar score."""
    edge_x, edge_y = BORDER_SHARE * width, BORDER_SHARE * height
    cut = (boxes[:, 0] <= edge_x) | (boxes[:, 1] <= edge_y)
    cut |= (boxes[:, 2] >= width - edge_x) | (boxes[:, 3] >= height - edge_y)
    shared = geometry.covered(boxes, boxes) > CROWDED_SHARE
    np.fill_diagonal(shared, val=False)
    crowded = (shared & (scores[None, :] >= SIMILAR_SCORE * scores[:, None])).any(axis=1)
    return (cut * np.uint8(Flag.TRUNCATED) | crowded * np.uint8(Flag.CROWDED)).astype(np.uint8)
