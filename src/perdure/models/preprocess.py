"""uint8 pictures of one size to the float tensor a network takes."""

from __future__ import annotations

import numpy as np

from perdure.models.card import ModelInput
from perdure.types import Float32s, Image


def normalise(pictures: Image, given: ModelInput) -> Float32s:
    """(B, H, W, 3) uint8 BGR -> contiguous float32 in the card's layout, colour order, scale, mean and std.

    Layout CHW has a batch axis here too; the session takes it off.
    """
    ordered = pictures[..., ::-1] if given.colour == "rgb" else pictures
    if given.layout != "NHWC":
        ordered = ordered.transpose(0, 3, 1, 2)
    tensor = np.ascontiguousarray(ordered, np.float32)
    shape = (3,) if given.layout == "NHWC" else (3, 1, 1)
    std = np.array(given.std, np.float32).reshape(shape)
    factor, shift = np.float32(given.scale) / std, np.array(given.mean, np.float32).reshape(shape) / std
    if np.any(factor != 1.0):
        tensor *= factor
    if np.any(shift != 0.0):
        tensor -= shift
    return tensor
